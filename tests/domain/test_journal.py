"""Entries, heads, seals: what is written is what is read, and nothing else is accepted."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from custody_stories import NETWORK
from hypothesis import given
from hypothesis import strategies as st
from shared_material import find_shared

from backend.domain.custody import record_segment
from backend.domain.custody_state import Recorded, Refused, Root, State
from backend.domain.errors import FieldOutOfRange, MalformedSegment
from backend.domain.journal import (
    MAX_SEGMENT_ENTRIES,
    Network,
    evidence_digest,
    first_head,
    next_head,
    pack_entry,
    pack_entry_with_items,
    read_entries,
    read_entry,
    roll_head,
    split_entries,
)
from backend.domain.keccak import keccak256
from backend.domain.layout import LAYOUTS, Kind, Word
from backend.domain.merkle import lift_path, lifts_root, root_of_path
from backend.domain.seal import (
    CURVE_ORDER,
    check_code,
    is_public_key,
    is_seal_of,
    key_hash,
    low_s,
    seal_digest,
)
from backend.domain.types import Refusal, device_id, lot_id, opener_of, organisation_of
from backend.domain.writer import JournalWriter, SigningKey

KEY = SigningKey.from_secret(12345)
DEVICE = device_id(2, 7)


def fields_of(words: tuple[Word, ...]) -> list[tuple[str, int]]:
    return [field for word in words for field in word if field[0] not in ("kind", "words")]


@st.composite
def entries(draw: st.DrawFn) -> tuple[Kind, dict[str, int], tuple[dict[str, int], ...]]:
    kind = draw(st.sampled_from(list(Kind)))
    layout = LAYOUTS[kind]
    fields = {n: draw(st.integers(0, (1 << bits) - 1)) for n, bits in fields_of(layout.words)}
    items: tuple[dict[str, int], ...] = ()
    if layout.repeated is not None:
        count = draw(st.integers(1, 3))
        items = tuple(
            {n: draw(st.integers(0, (1 << bits) - 1)) for n, bits in layout.repeated} for _ in range(count)
        )
    return kind, fields, items


class TestPackedEntries:
    def test_every_word_is_256_bits(self) -> None:
        for layout in LAYOUTS.values():
            words = [*layout.words, *([layout.repeated] if layout.repeated else [])]
            assert {sum(bits for _, bits in word) for word in words} == {256}

    @given(entries())
    def test_read_back_as_they_were_written(self, entry: Any) -> None:
        kind, fields, items = entry
        read = read_entry(pack_entry_with_items(kind, fields, items))
        assert read.is_well_formed
        assert read.kind == kind
        assert {n: v for n, v in read.fields.items() if n not in ("kind", "words")} == fields
        assert read.items == items

    @given(st.lists(entries(), min_size=1, max_size=12))
    def test_split_where_they_were_joined(self, listed: list[Any]) -> None:
        packed = [pack_entry_with_items(*entry) for entry in listed]
        assert split_entries(b"".join(packed)) == packed
        assert [entry.kind for entry in read_entries(b"".join(packed))] == [kind for kind, _, _ in listed]

    @given(st.data())
    def test_refuse_a_value_that_does_not_fit(self, data: st.DataObject) -> None:
        kind = data.draw(st.sampled_from(list(Kind)))
        name, bits = data.draw(st.sampled_from(fields_of(LAYOUTS[kind].words)))
        value = data.draw(st.one_of(st.integers(max_value=-1), st.integers(min_value=1 << bits)))
        with pytest.raises(FieldOutOfRange) as refused:
            pack_entry(kind, **{name: value})
        assert (refused.value.field, refused.value.value, refused.value.bits) == (name, value, bits)

    @pytest.mark.parametrize("name", ["colour", "kind", "words"])
    def test_refuse_a_name_that_is_not_the_writers_to_set(self, name: str) -> None:
        with pytest.raises(FieldOutOfRange, match=name):
            pack_entry_with_items(Kind.LIFT, {name: 1}, ())

    def test_refuse_items_where_no_word_repeats(self) -> None:
        with pytest.raises(FieldOutOfRange):
            pack_entry_with_items(Kind.LIFT, {}, ({"lot": 1},))

    @given(st.integers(0, 255), st.integers(1, 20))
    def test_of_an_unknown_kind_or_length_show_their_head_only(self, kind: int, count: int) -> None:
        words = bytes([kind, count]) + bytes(3) + (77).to_bytes(4, "big") + bytes(23 + 32 * (count - 1))
        entry = read_entry(words)
        assert entry.words == words
        if not entry.is_well_formed:
            assert set(entry.fields) == {"kind", "words", "flags", "occurred_at"}
            assert entry.fields["occurred_at"] == 77


class TestSplitEntries:
    @given(st.binary(max_size=400))
    def test_takes_every_byte_or_none(self, words: bytes) -> None:
        try:
            found = split_entries(words)
        except MalformedSegment:
            return
        assert b"".join(found) == words
        assert 1 <= len(found) <= MAX_SEGMENT_ENTRIES

    @given(st.integers(1, 31), st.integers(1, 5))
    def test_rejects_a_torn_word(self, extra: int, count: int) -> None:
        with pytest.raises(MalformedSegment):
            split_entries(pack_entry(Kind.LIFT) * count + bytes(extra))

    def test_rejects_the_entry_that_runs_past_the_end(self) -> None:
        give = pack_entry(Kind.GIVE)
        for cut in range(32, len(give), 32):
            with pytest.raises(MalformedSegment):
                split_entries(pack_entry(Kind.LIFT) + give[:cut])

    def test_rejects_one_entry_too_many(self) -> None:
        assert len(split_entries(pack_entry(Kind.LIFT) * MAX_SEGMENT_ENTRIES)) == MAX_SEGMENT_ENTRIES
        with pytest.raises(MalformedSegment):
            split_entries(pack_entry(Kind.LIFT) * (MAX_SEGMENT_ENTRIES + 1))


class TestHead:
    def test_begins_with_the_chain_the_ledger_and_the_device(self) -> None:
        other_chain, other_ledger = Network(1, NETWORK.ledger), Network(NETWORK.chain_id, bytes(20))
        heads = {
            first_head(NETWORK, DEVICE),
            first_head(NETWORK, DEVICE + 1),
            first_head(other_chain, DEVICE),
            first_head(other_ledger, DEVICE),
        }
        assert len(heads) == 4

    @given(st.lists(entries(), min_size=1, max_size=8), st.data())
    def test_changes_with_any_bit_of_any_entry(self, listed: list[Any], data: st.DataObject) -> None:
        packed = [pack_entry_with_items(*entry) for entry in listed]
        start = first_head(NETWORK, DEVICE)
        head = start
        for entry in packed:
            head = next_head(head, entry)
        assert roll_head(start, b"".join(packed)) == head
        which = data.draw(st.integers(0, len(packed) - 1))
        bit = data.draw(st.integers(0, 8 * len(packed[which]) - 1))
        flipped = bytearray(packed[which])
        flipped[bit // 8] ^= 1 << bit % 8
        other = start
        for index, entry in enumerate(packed):
            other = next_head(other, bytes(flipped) if index == which else entry)
        assert other != head


class TestSeal:
    @given(st.integers(0, (1 << 64) - 1), st.integers(0, (1 << 40) - 1), st.binary(min_size=32, max_size=32))
    def test_stands_for_one_device_seq_and_head(self, device: int, seq: int, head: bytes) -> None:
        digest = seal_digest(NETWORK, device=device, seq=seq, head=head)
        others = {
            seal_digest(NETWORK, device=device ^ 1, seq=seq, head=head),
            seal_digest(NETWORK, device=device, seq=seq ^ 1, head=head),
            seal_digest(NETWORK, device=device, seq=seq, head=bytes([head[0] ^ 1]) + head[1:]),
            seal_digest(Network(1, NETWORK.ledger), device=device, seq=seq, head=head),
            seal_digest(Network(NETWORK.chain_id, bytes(20)), device=device, seq=seq, head=head),
        }
        assert digest not in others
        assert len(others) == 5

    @given(st.integers(1, CURVE_ORDER - 1), st.binary(min_size=32, max_size=32))
    def test_verifies_with_either_half_of_s(self, secret: int, digest: bytes) -> None:
        key = SigningKey.from_secret(secret)
        x, y = key.public
        r, s = key.sign(digest)
        assert s == low_s(s) == low_s(CURVE_ORDER - s)
        assert is_seal_of(digest, x=x, y=y, r=r, s=s)
        assert is_seal_of(digest, x=x, y=y, r=r, s=CURVE_ORDER - s)
        assert key.secret == secret

    @pytest.mark.parametrize("name", ["x", "y", "r", "s"])
    @pytest.mark.parametrize("bit", [0, 1, 100, 255])
    def test_is_refused_when_any_number_changes(self, name: str, bit: int) -> None:
        digest = keccak256(b"anything")
        r, s = KEY.sign(digest)
        x, y = KEY.public
        numbers = {"x": x, "y": y, "r": r, "s": s}
        assert is_seal_of(digest, **numbers)
        assert not is_seal_of(digest, **{**numbers, name: numbers[name] ^ 1 << bit})

    @given(st.integers(-5, (1 << 256) + 5), st.integers(-5, (1 << 256) + 5))
    def test_of_numbers_out_of_range_is_refused_without_error(self, r: int, s: int) -> None:
        x, y = KEY.public
        assert not is_seal_of(bytes(32), x=x, y=y, r=r, s=s)

    @pytest.mark.parametrize("change", ["device", "first_seq", "words", "x", "y", "r", "s"])
    def test_of_a_segment_is_refused_by_the_ledger_when_any_field_changes(self, change: str) -> None:
        state = State(NETWORK)
        state.roots[2] = Root(DEVICE, key_hash(*KEY.public), 1)
        writer = JournalWriter(NETWORK, DEVICE, KEY)
        writer.write(Kind.SHIFT_END, lifts=3)
        segment = writer.cut()
        value = getattr(segment, change)
        other = value[:-1] + b"\1" if change == "words" else value ^ 1
        if change == "first_seq":
            other = 2
        answer = record_segment(state, replace(segment, **{change: other}), block_time=1)
        assert isinstance(answer, Refused)
        expected = {
            "device": Refusal.UNKNOWN_DEVICE,
            "first_seq": Refusal.GAP,
            "x": Refusal.WRONG_KEY,
            "y": Refusal.WRONG_KEY,
        }
        assert answer.reason == expected.get(change, Refusal.BAD_SEAL)
        assert isinstance(record_segment(state, segment, block_time=1), Recorded)

    def test_check_code_is_six_digits_of_the_key(self) -> None:
        x, y = KEY.public
        assert is_public_key(x, y)
        assert not is_public_key(x, y ^ 1)
        assert len(check_code(x, y)) == 6
        assert check_code(x, y).isdigit()
        assert check_code(x, y) != check_code(y, x)


class TestEvidence:
    @given(st.binary(min_size=16, max_size=16), st.binary(max_size=60))
    def test_is_the_first_fifteen_bytes_under_its_salt(self, salt: bytes, document: bytes) -> None:
        digest = evidence_digest(salt, document)
        assert digest.to_bytes(15, "big") == keccak256(salt + document)[:15]


class TestIds:
    @given(st.integers(1, (1 << 24) - 1), st.integers(0, (1 << 40) - 1), st.integers(1, (1 << 32) - 1))
    def test_carry_their_authority(self, organisation: int, serial: int, lot_serial: int) -> None:
        device = device_id(organisation, serial)
        assert organisation_of(device) == organisation
        assert opener_of(lot_id(device, lot_serial)) == device


class TestWriter:
    @given(st.lists(st.integers(1, 300), min_size=1, max_size=4))
    def test_cuts_segments_that_follow_on_each_other(self, counts: list[int]) -> None:
        writer = JournalWriter(NETWORK, DEVICE, KEY)
        segments = []
        for count in counts:
            for n in range(count):
                writer.write(Kind.LIFT, bin=n)
            segments += writer.cut_all()
        next_seq = 1
        for segment in segments:
            assert segment.first_seq == next_seq
            next_seq += len(split_entries(segment.words))
        assert next_seq == sum(counts) + 1
        assert roll_head(first_head(NETWORK, DEVICE), segments[0].words) is not None

    def test_goes_on_where_a_journal_stopped(self) -> None:
        first = JournalWriter(NETWORK, DEVICE, KEY)
        first.write(Kind.SHIFT_END)
        again = JournalWriter(NETWORK, DEVICE, KEY, next_seq=first.next_seq, head=first.head)
        first.cut()
        assert first.write(Kind.SHIFT_END) == again.write(Kind.SHIFT_END) == 2
        assert first.cut() == again.cut()


class TestMerkle:
    @given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40), st.data())
    def test_proves_each_lift_and_no_other(self, words: list[bytes], data: st.DataObject) -> None:
        index = data.draw(st.integers(0, len(words) - 1))
        path = lift_path(words, index)
        root = lifts_root(words)
        assert root_of_path(words[index], path) == root
        other = bytes([words[index][0] ^ 1]) + words[index][1:]
        assert root_of_path(other, path) != root


def test_real_p256_vectors_of_wycheproof() -> None:
    """The vectors speak DER; where their bytes are exactly the DER of (r, s), a seal must agree."""
    from cryptography.hazmat.primitives.asymmetric.utils import (
        decode_dss_signature,
        encode_dss_signature,
    )

    path = find_shared("p256/wycheproof-der.json")
    if path is None:
        return
    tried = {"valid": 0, "invalid": 0}
    encodings = 0
    for group in json.loads(path.read_text())["testGroups"]:
        x, y = (int(group["publicKey"][name], 16) for name in ("wx", "wy"))
        for test in group["tests"]:
            signature = bytes.fromhex(test["sig"])
            try:
                r, s = decode_dss_signature(signature)
                is_der = encode_dss_signature(r, s) == signature
            except (ValueError, OverflowError):
                is_der = False
            if not is_der:
                # Only their encoding is bad; a seal is two numbers and has no encoding.
                encodings += 1
                assert test["result"] == "invalid"
                continue
            is_valid = is_seal_of(bytes.fromhex(test["msg"]), x=x, y=y, r=r, s=s)
            assert is_valid is (test["result"] == "valid"), test
            tried[test["result"]] += 1
    assert tried["valid"] == 174
    assert tried["invalid"] > 90
    assert encodings + sum(tried.values()) == 484


def test_a_thousand_real_p256_signatures() -> None:
    path = find_shared("p256/random-valid.jsonl")
    if path is None:
        return
    lines = path.read_text().splitlines()
    for line in lines:
        case = json.loads(line)
        x, y, r, s = (int(case[name], 16) for name in "xyrs")
        assert is_seal_of(bytes.fromhex(case["msg"]), x=x, y=y, r=r, s=s) is case["valid"]
        assert not is_seal_of(bytes.fromhex(case["msg"]) + b"!", x=x, y=y, r=r, s=s)
    assert len(lines) == 1000
