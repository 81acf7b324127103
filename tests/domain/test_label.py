from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.errors import DomainError
from backend.domain.keccak import keccak256
from backend.domain.label import (
    ALPHABET,
    COMPANY_PREFIX,
    BadBaseUrl,
    BadCheckCharacter,
    BadLabelCharacter,
    EmptyLabel,
    ForeignPrefix,
    LabelSerial,
    NotOurLabel,
    SerialOutOfRange,
    WrongLabelLength,
    WrongSerialLength,
    check_character,
    giai_of,
    human_readable,
    label_serial,
    label_url,
    read_label,
    require_base_url,
    serial_digest,
    serial_of,
)

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "labels.json").read_text(encoding="utf-8"))
GOOD, BAD, BASE_URL = VECTORS["good"], VECTORS["bad"], VECTORS["base_url"]
REASONS = (
    EmptyLabel,
    NotOurLabel,
    ForeignPrefix,
    WrongLabelLength,
    BadLabelCharacter,
    BadCheckCharacter,
    SerialOutOfRange,
)
SERIALS = st.binary(min_size=16, max_size=16).map(LabelSerial)
SERIAL = LabelSerial(bytes.fromhex("00112233445566778899aabbccddeeff"))


class TestVectors:
    def test_are_at_least_twenty_of_each(self) -> None:
        assert len(GOOD) >= 20
        assert len(BAD) >= 20

    @pytest.mark.parametrize("row", GOOD, ids=lambda row: row["serial"])
    def test_lead_from_serial_to_text_and_back(self, row: dict[str, str]) -> None:
        serial = label_serial(bytes.fromhex(row["serial"]))
        assert giai_of(serial) == row["giai"]
        assert serial_of(row["giai"]) == serial
        assert label_url(serial, base_url=BASE_URL) == row["url"]
        assert read_label(row["url"]) == serial
        assert human_readable(serial) == row["human_readable"]
        assert serial_digest(serial).hex() == row["serial_digest"]
        assert len(row["texts"]) >= 5
        for text in row["texts"]:
            assert read_label(text) == serial

    @pytest.mark.parametrize("row", BAD, ids=lambda row: row["name"])
    def test_are_refused_for_the_stated_reason(self, row: dict[str, str]) -> None:
        with pytest.raises(DomainError) as refusal:
            read_label(row["text"])
        assert refusal.value.slug == row["slug"]

    def test_show_every_reason_that_reading_can_give(self) -> None:
        assert {row["slug"] for row in BAD} == {error.slug for error in REASONS}


class TestCheckCharacter:
    def test_agrees_with_the_rule_worked_by_hand(self) -> None:
        # "9": t = 62 + 9 mod 62 = 9, p = 18; check = 63 - 18 = 45 = "j".
        assert check_character("9") == "j"
        # "95": t = 18 + 5 = 23, p = 46; check = 17 = "H".
        assert check_character("95") == "H"

    @given(SERIALS, st.integers(7, 29), st.integers(1, 61))
    def test_finds_every_single_wrong_character(self, serial: LabelSerial, position: int, shift: int) -> None:
        giai = giai_of(serial)
        wrong = ALPHABET[(ALPHABET.index(giai[position]) + shift) % 62]
        with pytest.raises(BadCheckCharacter):
            serial_of(giai[:position] + wrong + giai[position + 1 :])

    def test_finds_almost_every_swap_of_neighbours(self) -> None:
        swaps = missed = 0
        for index in range(500):
            giai = giai_of(LabelSerial(keccak256(index.to_bytes(4, "big"))[:16]))
            for position in range(7, 28):
                swapped = giai[:position] + giai[position + 1] + giai[position] + giai[position + 2 :]
                if swapped != giai:
                    swaps += 1
                    missed += check_character(swapped[:-1]) == swapped[-1]
        assert swaps > 10_000
        assert missed / swaps < 0.02


class TestReadLabel:
    @given(SERIALS)
    def test_is_the_inverse_of_printing(self, serial: LabelSerial) -> None:
        assert read_label(label_url(serial, base_url=BASE_URL)) == serial
        assert len(giai_of(serial)) == 30

    @given(st.text())
    def test_never_fails_other_than_by_a_named_rule(self, text: str) -> None:
        for candidate in (text, f"{BASE_URL}/8004/{text}", f"{BASE_URL}/8004/{COMPANY_PREFIX}{text}"):
            with contextlib.suppress(*REASONS):
                read_label(candidate)

    def test_tells_what_it_found_and_what_it_expected(self) -> None:
        giai = giai_of(SERIAL)
        with pytest.raises(BadCheckCharacter) as refusal:
            serial_of(giai[:-1] + ("0" if giai[-1] != "0" else "1"))
        assert refusal.value.expected == giai[-1]
        with pytest.raises(WrongLabelLength) as short:
            serial_of(giai[:-2])
        assert short.value.characters == 28
        with pytest.raises(BadLabelCharacter) as odd:
            serial_of(giai[:9] + "_" + giai[10:])
        assert (odd.value.character, odd.value.position) == ("_", 10)

    def test_refuses_an_empty_asset_number(self) -> None:
        with pytest.raises(EmptyLabel):
            serial_of("")


class TestLabelUrl:
    @pytest.mark.parametrize("base", ["https://a.example", "https://a.example/", " https://a.example// "])
    def test_joins_with_one_slash(self, base: str) -> None:
        assert label_url(SERIAL, base_url=base) == f"https://a.example/8004/{giai_of(SERIAL)}"

    def test_keeps_a_path(self) -> None:
        assert require_base_url("http://localhost:8000/huanlian") == "http://localhost:8000/huanlian"

    @pytest.mark.parametrize(
        "base",
        ["", "a.example", "ftp://a.example", "https://", "https:///x", "https://a.example?x", "https://a b"],
    )
    def test_refuses_a_base_that_is_no_address(self, base: str) -> None:
        with pytest.raises(BadBaseUrl):
            label_url(SERIAL, base_url=base)


class TestSerial:
    @pytest.mark.parametrize("length", [0, 15, 17])
    def test_refuses_other_lengths_than_sixteen_bytes(self, length: int) -> None:
        with pytest.raises(WrongSerialLength):
            label_serial(bytes(length))
        with pytest.raises(WrongSerialLength):
            giai_of(LabelSerial(bytes(length)))

    def test_is_known_to_the_chain_by_its_keccak(self) -> None:
        assert serial_digest(SERIAL) == keccak256(SERIAL)
