"""What is sealed as one segment fits into one transaction."""

from __future__ import annotations

import pytest
from custody_stories import NETWORK

from backend.domain.errors import SegmentTooHeavy
from backend.domain.journal import pack_entry, pack_entry_with_items, split_entries
from backend.domain.layout import Kind
from backend.domain.types import device_id, lot_id
from backend.domain.weight import (
    SEGMENT_BYTES_MAX,
    SEGMENT_GAS_MAX,
    entry_gas_bound,
    fitting,
    gas_bound,
    require_light,
)
from backend.domain.writer import JournalWriter, SigningKey

LIFT = pack_entry(Kind.LIFT, bin=1)
GIVE = pack_entry(Kind.GIVE, lot=1, to=2)
MARK = pack_entry(Kind.MARK, block=1)


def transform(outputs: int) -> bytes:
    return pack_entry_with_items(Kind.TRANSFORM, {"outputs": outputs}, ({"lot": 1},) * outputs)


def transcribed(words: bytes) -> bytes:
    items = tuple({"word": int.from_bytes(words[i : i + 32], "big")} for i in range(0, len(words), 32))
    return pack_entry_with_items(Kind.TRANSCRIBED, {}, items)


class TestWeight:
    def test_is_little_for_a_segment_of_lifts(self) -> None:
        assert fitting([LIFT] * 300) == 256
        assert gas_bound([LIFT] * 256) < SEGMENT_GAS_MAX // 10

    def test_is_more_for_what_may_set_another_step_free(self) -> None:
        assert entry_gas_bound(GIVE) > entry_gas_bound(MARK) > entry_gas_bound(LIFT)

    def test_grows_with_the_lots_of_a_transformation(self) -> None:
        assert entry_gas_bound(transform(16)) > entry_gas_bound(transform(1))

    def test_of_a_brought_run_is_that_of_its_entries(self) -> None:
        one, two = entry_gas_bound(transcribed(MARK)), entry_gas_bound(transcribed(MARK * 2))
        words = len(MARK) // 32
        assert two - one == entry_gas_bound(MARK) + words * 2_000

    @pytest.mark.parametrize("words", [b"", bytes([9, 9]) + bytes(30), bytes(32)])
    def test_of_a_run_that_cannot_be_read_is_still_told(self, words: bytes) -> None:
        assert entry_gas_bound(transcribed(words)) > 0

    def test_of_a_take_is_more_in_part_and_on_a_mandate(self) -> None:
        whole = entry_gas_bound(pack_entry(Kind.TAKE, lot=1))
        in_part = entry_gas_bound(pack_entry(Kind.TAKE, lot=1, into=2))
        on_a_mandate = entry_gas_bound(pack_entry(Kind.TAKE, lot=1, principal=2))
        assert whole < on_a_mandate < in_part

    def test_lets_fifty_handoffs_go_at_once(self) -> None:
        assert fitting([GIVE] * 50) == fitting([pack_entry(Kind.TAKE, lot=1)] * 50) == 50


class TestFitting:
    @pytest.mark.parametrize("entry", [GIVE, transform(16), transcribed(LIFT * 200)], ids=["give", "many", "long"])
    def test_keeps_within_a_transaction(self, entry: bytes) -> None:
        count = fitting([entry] * 256)
        assert 1 < count < 256
        assert gas_bound([entry] * count) <= SEGMENT_GAS_MAX
        assert len(entry) * count <= SEGMENT_BYTES_MAX
        require_light([entry] * count)
        with pytest.raises(SegmentTooHeavy) as refused:
            require_light([entry] * (count + 1))
        assert (refused.value.entries, refused.value.entries_max) == (count + 1, count)

    def test_never_holds_an_entry_back_by_itself(self) -> None:
        heaviest = transcribed(GIVE * (246 // (len(GIVE) // 32)))
        assert gas_bound([heaviest]) > SEGMENT_GAS_MAX
        assert fitting([heaviest, LIFT]) == 1
        require_light([heaviest])


class TestWriter:
    def test_cuts_a_long_journal_into_segments_that_fit(self) -> None:
        writer = JournalWriter(NETWORK, device_id(2, 7), SigningKey.fresh())
        for serial in range(1, 101):
            writer.write(Kind.GIVE, lot=lot_id(writer.device, serial), to=device_id(3, 0))
        segments = writer.cut_all()
        assert len(segments) > 1
        seq = 1
        for segment in segments:
            entries = split_entries(segment.words)
            require_light(entries)
            assert segment.first_seq == seq
            seq += len(entries)
        assert seq == writer.next_seq
