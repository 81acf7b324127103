"""What an indicator says, read strictly."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from backend.exchange.scales.sics import (
    SerialNumber,
    Trouble,
    UnreadableAnswer,
    Weight,
    parse_answer,
    serial_line,
    weight_line,
)


class TestParseAnswer:
    @pytest.mark.parametrize(
        ("line", "grams", "is_stable"),
        [
            (b"S S     100.00 kg", 100_000, True),
            (b"S D      18240 kg", 18_240_000, False),
            (b"S S     -20.00 kg", -20_000, True),
            (b"S S     18.240 t", 18_240_000, True),
            (b"S S     100.00 g", 100, True),
            (b"S S       0.00 kg", 0, True),
            (b"S S -123456789 g", -123_456_789, True),
        ],
    )
    def test_reads_weights_in_whole_grams(self, line: bytes, grams: int, is_stable: bool) -> None:
        assert parse_answer(line) == Weight(grams, is_stable, line.decode())

    @pytest.mark.parametrize("trouble", Trouble)
    def test_reads_every_reason_for_no_weight(self, trouble: Trouble) -> None:
        assert parse_answer(trouble.value.encode()) is trouble

    def test_reads_a_serial_number(self) -> None:
        assert parse_answer(b'I4 A "B123456789"') == SerialNumber("B123456789")

    @pytest.mark.parametrize(
        ("line", "why"),
        [
            (b"", "not an answer"),
            (b"S S 100.00 kg", "not an answer"),
            (b"S S      100.00 kg", "not an answer"),
            (b"S S     100.00 kg ", "not an answer"),
            (b"S S     100.00 KG", "not an answer"),
            (b"S S     100,00 kg", "not an answer"),
            (b"S S  Error 12b", "not an answer"),
            (b"S X     100.00 kg", "not an answer"),
            (b'I4 A "B12"3"', "not an answer"),
            (b'I4 A "\xff"', "not an answer"),
            (b"S S     100.00 kg\n", "not an answer"),
            (b"S S            kg", "no number"),
            (b"S S     0100.0 kg", "no number"),
            (b"S S     1.0.00 kg", "no number"),
            (b"S S      --1.0 kg", "no number"),
            (b"S S     100.   kg", "no number"),
            (b"S S       .500 kg", "no number"),
            (b"S S     100.00 lb", "a unit other"),
            (b"S S       0.05 g", "a fraction"),
            (b"S S     1.0005 kg", "a fraction"),
        ],
    )
    def test_refuses_what_the_manual_does_not_describe(self, line: bytes, why: str) -> None:
        with pytest.raises(UnreadableAnswer, match=why) as raised:
            parse_answer(line)
        assert raised.value.line == line

    @given(st.binary(max_size=64))
    @example(b"S S \xb2\xb2\xb2\xb2\xb2\xb2\xb2\xb2\xb2\xb2 kg")
    def test_never_fails_in_another_way_on_garbage(self, line: bytes) -> None:
        try:
            answer = parse_answer(line)
        except UnreadableAnswer:
            return
        assert line.startswith((b"S ", b"I4 ", b"E"))
        assert isinstance(answer, Weight | SerialNumber | Trouble)

    @given(st.text('SDI+-EsTL4A 0123456789."kgt', max_size=20))
    def test_takes_only_weights_that_write_back_as_they_were_read(self, line: str) -> None:
        try:
            answer = parse_answer(line.encode())
        except UnreadableAnswer:
            return
        if isinstance(answer, Weight):
            unit, decimals = line.split()[-1], len(line.split()[-2].partition(".")[2])
            shown = weight_line(answer.grams, is_stable=answer.is_stable, unit=unit, decimals=decimals)
            assert shown.decode().replace("-0", "0").split() == line.replace("-0", "0").split()


class TestWeightLine:
    @given(st.integers(-99_999, 999_999), st.booleans(), st.integers(0, 3))
    def test_is_read_back(self, kilograms: int, is_stable: bool, decimals: int) -> None:
        line = weight_line(kilograms * 1_000, is_stable=is_stable, decimals=decimals)
        assert parse_answer(line) == Weight(kilograms * 1_000, is_stable, line.decode())

    @given(st.integers(-(10**12), 10**12), st.sampled_from(["g", "kg", "t"]), st.integers(0, 6))
    def test_shows_the_whole_mass_or_says_that_it_cannot(self, grams: int, unit: str, decimals: int) -> None:
        try:
            line = weight_line(grams, is_stable=True, unit=unit, decimals=decimals)
        except ValueError:
            return
        assert parse_answer(line) == Weight(grams, True, line.decode())

    @pytest.mark.parametrize(("grams", "decimals"), [(500, 0), (10**14, 0), (-(10**13), 0)])
    def test_refuses_what_does_not_fit(self, grams: int, decimals: int) -> None:
        with pytest.raises(ValueError, match="cannot be shown"):
            weight_line(grams, is_stable=True, decimals=decimals)


class TestSerialLine:
    def test_is_read_back(self) -> None:
        assert parse_answer(serial_line("SIM 1")) == SerialNumber("SIM 1")
