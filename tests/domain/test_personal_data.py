"""Each kind of personal data is found where it was planted, and nothing is found in random bytes."""

from __future__ import annotations

import random
import struct
from hashlib import sha256

import pytest

from backend.domain.journal import evidence_digest
from backend.domain.keccak import keccak256
from backend.domain.label import giai_of, human_readable, label_serial
from backend.domain.privacy.digests import dictionary_of
from backend.domain.privacy.positions import find_positions, is_a_column, packed_pairs
from backend.domain.privacy.text import find_text, is_identity_number
from backend.domain.privacy.trace import KnownValues, TraceKind

PERSON, CREW, PLATE, PHONE = "欧阳", "crew-7", "粤A·12345", "13800138000"
SERIAL = bytes(range(16))
COUNTER = (77).to_bytes(16, "big")
DOCUMENT = '{"bin":"0000001000","grade":1,"photo":null}'
PLACE = (23.147977, 113.246155)
KNOWN = KnownValues(
    words=frozenset({PERSON, CREW, PLATE, "演示街道"}),
    phones=frozenset({PHONE}),
    positions=frozenset({PLACE}),
    serials=frozenset({SERIAL, COUNTER}),
    documents=frozenset({DOCUMENT}),
)
DICTIONARY = dictionary_of(KNOWN)


def noise(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def amid(planted: bytes) -> bytes:
    """Plant something where nothing around it helps: no padding, no alignment."""
    return noise(101, 2) + planted + noise(102, 3)


def padded(planted: bytes) -> bytes:
    return bytes(9) + planted + bytes(9)


class TestText:
    @pytest.mark.parametrize(
        ("planted", "kind"),
        [
            ("陈大文".encode(), TraceKind.CHINESE_TEXT),
            ("广州市收运一组陈大文师傅".encode("gbk"), TraceKind.CHINESE_TEXT),
            (b"13800138000", TraceKind.PHONE),
            (b"+8613800138000", TraceKind.PHONE),
            ("粤A·12345".encode(), TraceKind.PLATE),
            ("粤A12345".encode("gbk"), TraceKind.PLATE),
            ("粤AD12345".encode(), TraceKind.PLATE),
            ("粤A·F12345".encode("gbk"), TraceKind.PLATE),
            (b"11010519491231002X", TraceKind.IDENTITY_NUMBER),
        ],
        ids=["utf-8", "gbk", "phone", "phone +86", "plate", "plate gbk", "new energy", "new energy gbk", "id"],
    )
    def test_is_found_amid_random_bytes(self, planted: bytes, kind: TraceKind) -> None:
        found = [trace for trace in find_text(amid(planted)) if trace.kind == kind]
        assert [trace.offset for trace in found] == [101]

    @pytest.mark.parametrize("planted", ["张三".encode(), "陈大文".encode("gbk")], ids=["utf-8", "gbk"])
    def test_that_is_short_is_found_where_it_stands_alone(self, planted: bytes) -> None:
        assert [trace.kind for trace in find_text(padded(planted))] == [TraceKind.CHINESE_TEXT]

    def test_is_found_after_the_length_that_the_abi_writes(self) -> None:
        data = (6).to_bytes(32, "big") + "张三".encode() + bytes(26)
        assert [trace.text for trace in find_text(data)] == ["张三"]

    def test_of_an_identity_number_needs_its_check_character(self) -> None:
        assert is_identity_number("11010519491231002X")
        assert not is_identity_number("110105194912310021")
        assert list(find_text(b"110105194912310021")) == []

    def test_ignores_longer_numbers(self) -> None:
        assert list(find_text(b"1138001380001")) == []


class TestDictionary:
    @pytest.mark.parametrize(
        "planted",
        [
            CREW.encode(),
            PLATE.encode(),
            PERSON.encode(),
            "演示街道".encode("utf-16-be"),
            "演示街道".encode("gb18030"),
        ],
    )
    def test_finds_a_word_in_any_encoding(self, planted: bytes) -> None:
        found = [trace for trace in DICTIONARY.find(amid(planted)) if trace.offset == 101]
        assert [trace.kind for trace in found] == [TraceKind.KNOWN_WORD]

    def test_finds_two_characters_of_gbk_only_where_they_stand_alone(self) -> None:
        planted = PERSON.encode("gbk")
        assert list(DICTIONARY.find(amid(planted))) == []
        assert [trace.text for trace in DICTIONARY.find(padded(planted))] == [PERSON]

    @pytest.mark.parametrize("hashing", [keccak256, lambda data: sha256(data).digest()], ids=["keccak", "sha"])
    @pytest.mark.parametrize("kept", [slice(0, 32), slice(0, 15), slice(0, 13), slice(12, 32)])
    @pytest.mark.parametrize(
        "guess",
        [
            PHONE.encode(),
            b"13802000000",
            PLATE.encode(),
            "粤A12345".encode(),
            CREW.encode(),
            PERSON.encode(),
            PERSON.encode("gb18030"),
            giai_of(label_serial(SERIAL)).encode(),
            human_readable(label_serial(SERIAL)).encode(),
            COUNTER.hex().encode(),
            DOCUMENT.encode(),
            bytes(16) + DOCUMENT.encode(),
        ],
    )
    def test_finds_the_hash_of_a_guess(self, guess: bytes, kept: slice, hashing: object) -> None:
        assert callable(hashing)
        found = list(DICTIONARY.find(amid(hashing(guess)[kept])))
        assert [(trace.kind, trace.offset) for trace in found] == [(TraceKind.GUESSABLE_HASH, 101)]

    def test_finds_a_serial_in_the_open(self) -> None:
        assert [trace.kind for trace in DICTIONARY.find(amid(SERIAL))] == [TraceKind.KNOWN_WORD]

    def test_finds_the_digest_of_a_serial_that_is_a_counter(self) -> None:
        assert len(list(DICTIONARY.find(amid(keccak256(COUNTER))))) == 1

    def test_leaves_words_alone_that_are_too_short_to_tell(self) -> None:
        assert list(dictionary_of(KnownValues(words=frozenset({"A1"}))).find(amid(b"A1"))) == []

    def test_leaves_the_digest_of_a_random_serial_alone(self) -> None:
        random_serial = noise(16, 9)
        dictionary = dictionary_of(KnownValues(serials=frozenset({random_serial})))
        assert list(dictionary.find(amid(keccak256(random_serial)))) == []
        assert len(list(dictionary.find(amid(sha256(random_serial).digest())))) == 1

    def test_cannot_match_a_salted_digest(self) -> None:
        salted = evidence_digest(noise(16, 4), DOCUMENT.encode()).to_bytes(15, "big")
        unsalted = evidence_digest(b"", DOCUMENT.encode()).to_bytes(15, "big")
        assert list(DICTIONARY.find(amid(salted))) == []
        assert len(list(DICTIONARY.find(amid(unsalted)))) == 1


def scaled(scale: int, mark: str) -> bytes:
    return struct.pack(f"{mark}2I", *(round(degrees * scale) for degrees in PLACE))


class TestPositions:
    @pytest.mark.parametrize("planted", [b"23.147977", b"113.246155,23.147977"])
    def test_are_found_as_text(self, planted: bytes) -> None:
        found = list(find_positions(amid(planted)))
        assert found
        assert {trace.kind for trace in found} == {TraceKind.POSITION}

    @pytest.mark.parametrize("mark", ["<", ">"])
    @pytest.mark.parametrize("degrees", PLACE)
    def test_are_found_as_a_double(self, mark: str, degrees: float) -> None:
        found = list(find_positions(amid(struct.pack(f"{mark}d", degrees))))
        assert [trace.text for trace in found] == [f"{degrees} as a double"]

    @pytest.mark.parametrize("mark", ["<", ">"])
    @pytest.mark.parametrize("scale", [10**5, 10**6, 10**7])
    class TestAsIntegers:
        def test_are_found_where_they_stand_alone(self, mark: str, scale: int) -> None:
            found = list(find_positions(padded(scaled(scale, mark))))
            assert found
            assert all(f"1/{scale}" in trace.text for trace in found)

        def test_are_found_where_the_directory_knows_them(self, mark: str, scale: int) -> None:
            assert list(find_positions(amid(scaled(scale, mark)), frozenset({PLACE})))
            assert list(find_positions(amid(scaled(scale, mark)), frozenset({(22.0, 113.0)}))) == []

        def test_are_seen_as_a_pair_in_either_order(self, mark: str, scale: int) -> None:
            backwards = scaled(scale, mark)[4:] + scaled(scale, mark)[:4]
            for planted in (backwards, scaled(scale, mark)):
                pairs = [pair for pair in packed_pairs(amid(planted)) if pair.offset == 101]
                assert [round(pair.latitude, 5) for pair in pairs] == [round(PLACE[0], 5)]

    @pytest.mark.parametrize("scale", [10**5, 10**6, 10**7])
    def test_are_found_as_words_of_the_abi(self, scale: int) -> None:
        words = b"".join(round(degrees * scale).to_bytes(32, "big") for degrees in PLACE)
        assert list(find_positions(bytes.fromhex("a9059cbb") + words))

    def test_are_no_alarm_when_doubles_have_more_decimals_than_a_position(self) -> None:
        assert list(find_positions(amid(struct.pack(">d", 23.14797712345678)))) == []
        assert list(find_positions(bytes([0x40]) * 3)) == []

    def test_are_no_alarm_when_only_one_of_two_words_is_padded(self) -> None:
        words = round(PLACE[0] * 10**6).to_bytes(32, "big") + noise(32, 5)
        assert list(find_positions(words)) == []

    def test_are_no_alarm_outside_the_province(self) -> None:
        assert list(find_positions(padded(struct.pack(">2I", 39_904_200, 116_407_400)))) == []
        assert list(find_positions(amid(b"39.9042"))) == []
        assert list(find_positions(amid(b"25.9042"))) == []

    def test_are_a_column_when_chance_cannot_explain_them(self) -> None:
        assert is_a_column(hits=50, looked_at=100, chance=4.4e-4, columns=400)
        assert not is_a_column(hits=2, looked_at=2, chance=4.4e-8, columns=400)
        assert not is_a_column(hits=45, looked_at=100_000, chance=4.4e-4, columns=400)


class TestRandomBytes:
    def test_hold_nothing(self) -> None:
        data = noise(1_000_000, 7)
        assert list(find_text(data)) == []
        assert list(DICTIONARY.find(data)) == []
        assert list(find_positions(data, KNOWN.positions)) == []
