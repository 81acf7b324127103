"""What a set tells is read out of what is proved, or not at all."""

from __future__ import annotations

import pytest
from custody_stories import NETWORK

from backend.domain.announced import RecordedSegment
from backend.domain.journal import Segment, first_head, next_head
from backend.domain.layout import Kind
from backend.domain.proof import StepFailed
from backend.domain.set_facts import TimedRecord, date_of, lines_of, tell
from backend.domain.types import device_id, lot_id
from backend.domain.writer import JournalWriter, SigningKey

NOON = 1_772_337_600


def recorded(
    segment: Segment, outcomes: bytes, *, after: TimedRecord | None = None, block_time: int = NOON
) -> TimedRecord:
    before = first_head(NETWORK, segment.device) if after is None else after.record.head
    head = before
    for at in range(0, len(segment.words), 32):  # loads and lifts are a word each
        head = next_head(head, segment.words[at : at + 32])
    return TimedRecord(RecordedSegment(segment, head, outcomes), before, block_time)


def truck(serial: int) -> JournalWriter:
    writer = JournalWriter(NETWORK, device_id(2, serial), SigningKey.from_secret(serial))
    writer.write(Kind.LOAD, lot=lot_id(writer.device, 1), stream=4)
    for number in range(3):
        writer.write(Kind.LIFT, bin=number, stream=4, grams=1000)
    return writer


class TestTelling:
    def test_fails_on_words_that_are_no_entries(self) -> None:
        segment = Segment(device_id(2, 7), 1, bytes([2, 0]) + bytes(30), 1, 1, 1, 1)
        with pytest.raises(StepFailed, match="declares a length"):
            tell([recorded(segment, b"\1")])

    def test_fails_where_an_outcome_is_missing(self) -> None:
        with pytest.raises(StepFailed, match="not one outcome an entry"):
            tell([recorded(truck(7).cut(), b"\1" * 3)])

    def test_fails_on_a_time_that_no_calendar_holds(self) -> None:
        assert date_of(NOON) == "2026-03-01"
        with pytest.raises(StepFailed, match="no date"):
            date_of(1 << 60)


class TestLines:
    def test_draw_a_run_of_lifts_together_whoever_was_recorded_in_between(self) -> None:
        first, second = truck(7), truck(8)
        halves = [first.cut(2), first.cut(2)]
        early = recorded(halves[0], b"\1\1")
        records = [
            early,
            recorded(second.cut(), b"\1" * 4, block_time=NOON + 1),
            recorded(halves[1], b"\1\1", after=early, block_time=NOON + 2),
        ]
        found = [entry for told in tell(records) for entry in told]
        lines = lines_of(sorted(found, key=lambda each: (each.block_time, each.device, each.seq)))
        assert [line for line in lines if "lift" in line] == [
            "0000020000000007 2-4 lift x3: 3000 g applied",
            "0000020000000008 2-4 lift x3: 3000 g applied",
        ]
