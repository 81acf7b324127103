"""Fold the ledger's events into lines of the books.

Our own fold answers every entry again; where its answer differs from the ledger's, the ledger's stands in
the books and the difference is written down.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import repeat

import numpy as np

from backend.domain.custody import find_device, record_segment
from backend.domain.custody_state import Recorded, Root, Settled, State
from backend.domain.errors import MalformedSegment
from backend.domain.journal import Segment, read_entry, split_entries
from backend.domain.layout import Kind
from backend.domain.settling import settle
from backend.domain.types import Outcome
from backend.usecases.ledger_events import (
    BinsPlaced,
    LedgerEvent,
    OrganisationCreated,
    RegistrarProposed,
    RegistrarReplaced,
    SegmentRecorded,
    SegmentRefused,
    StepSettled,
)


@dataclass(frozen=True, slots=True)
class SegmentLine:
    """A recorded segment with its place."""

    id: int
    event: SegmentRecorded
    last_seq: int
    prev_head: bytes
    block_time: int


@dataclass(slots=True)
class StepLine:
    """An entry other than a lift, with the ledger's answer."""

    device: int
    seq: int
    kind: int
    segment_id: int
    lot: int | None
    into_lot: int | None
    outcome: int
    recorded_outcome: int
    settled_block: int | None = None


@dataclass(frozen=True, slots=True)
class RunLine:
    """Lifts of one segment, in a row, that went into one lot."""

    lot: int
    segment_id: int
    first_position: int
    last_position: int
    applied: int
    grams: int


@dataclass(frozen=True, slots=True)
class DeviceLine:
    """A device that the ledger knows since this batch."""

    device: int
    registrar: int | None
    enrolled_seq: int | None


@dataclass
class BookLines:
    """What a batch of events adds to the books."""

    segments: list[SegmentLine] = field(default_factory=list)
    steps: dict[tuple[int, int], StepLine] = field(default_factory=dict)
    runs: list[RunLine] = field(default_factory=list)
    lifts: list[tuple[int, int, int]] = field(default_factory=list)
    settled: list[tuple[StepSettled, int]] = field(default_factory=list)
    refused: list[SegmentRefused] = field(default_factory=list)
    placed: list[BinsPlaced] = field(default_factory=list)
    devices: list[DeviceLine] = field(default_factory=list)
    revoked: list[int] = field(default_factory=list)
    disagreements: list[tuple[int, int, int, str, str]] = field(default_factory=list)


class Folder:
    """Folds events in order; `next_segment_id` numbers the segments."""

    def __init__(self, state: State, next_segment_id: int) -> None:
        self.state, self.next_segment_id = state, next_segment_id
        self.lines = BookLines()
        self._settled: list[StepSettled] = []
        self._tx: tuple[int, bytes] | None = None
        self._block_time = 0

    def fold(self, events: Iterable[LedgerEvent], block_times: dict[int, int]) -> None:
        """Fold events; all events of a transaction must come in one call."""
        for event in events:
            tx = (event.place.block_number, event.place.tx_hash)
            if tx != self._tx:
                self._settle_left_over()
                self._tx, self._block_time = tx, block_times[event.place.block_number]
            self._one(event)
        self._settle_left_over()

    def _one(self, event: LedgerEvent) -> None:
        match event:
            case SegmentRecorded():
                self._segment(event)
            case StepSettled():
                self._settled.append(event)
                self.lines.settled.append((event, event.place.block_number))
                step = self.lines.steps.get((event.device, event.seq))
                if step is not None:
                    step.outcome, step.settled_block = event.outcome, event.place.block_number
            case SegmentRefused():
                self._settle_left_over()
                self.lines.refused.append(event)
            case OrganisationCreated():
                root = Root(event.registrar, event.key_hash, 1)
                self.state.roots[event.organisation] = root
                self.state.named_roots[event.registrar] = True
                self.lines.devices.append(DeviceLine(event.registrar, None, None))
            case RegistrarProposed():
                self.state.named_roots[event.registrar] = True
            case RegistrarReplaced():
                self.state.roots[event.organisation] = Root(event.registrar, event.key_hash, event.epoch)
                self.lines.devices.append(DeviceLine(event.registrar, None, None))
            case BinsPlaced():
                self.lines.placed.append(event)

    def _segment(self, event: SegmentRecorded) -> None:
        device = find_device(self.state, event.device)
        prev_head = b"" if device is None else device.head
        desk = self.state.desks.get(event.device)
        lot_serial = 0 if desk is None else desk.lot_serial
        segment = Segment(event.device, event.first_seq, event.words, event.x, event.y, event.r, event.s)
        answer = record_segment(self.state, segment, block_time=self._block_time, trusted_head=event.head)
        self._compare(event, answer)
        try:
            entries = split_entries(event.words)
        except MalformedSegment:
            return  # no ledger records it; a node that says so is found out above
        if len(event.outcomes) != len(entries):
            event = replace(event, outcomes=event.outcomes[: len(entries)].ljust(len(entries), b"\0"))
        segment_id, self.next_segment_id = self.next_segment_id, self.next_segment_id + 1
        self.lines.segments.append(
            SegmentLine(segment_id, event, event.first_seq + len(entries) - 1, prev_head, self._block_time)
        )
        self._lines_of(event, segment_id, entries, lot_serial)

    def _compare(self, event: SegmentRecorded, answer: object) -> None:
        ledger = event.outcomes.hex() + _settled_text((s.device, s.seq, s.outcome) for s in self._settled)
        self._settled = []
        if isinstance(answer, Recorded):
            fold = answer.outcomes.hex() + _settled_text((s.device, s.seq, int(s.outcome)) for s in answer.settled)
        else:
            fold = str(answer)
        if ledger != fold:
            self._disagree(event.device, event.first_seq, ledger, fold)

    def _disagree(self, device: int, seq: int, ledger: str, fold: str) -> None:
        block = self._tx[0] if self._tx is not None else 0
        self.lines.disagreements.append((block, device, seq, ledger, fold))

    def _lines_of(self, event: SegmentRecorded, segment_id: int, entries: list[bytes], lot_serial: int) -> None:
        position, count = 0, len(entries)
        while position < count:
            if entries[position][0] != Kind.LIFT:
                lot_serial = self._line_of_step(event, segment_id, position, entries[position], lot_serial)
                position += 1
                continue
            end = position
            while end < count and entries[end][0] == Kind.LIFT:
                end += 1
            lot = event.device << 32 | lot_serial if lot_serial else None
            self._lines_of_lifts(event, segment_id, position, entries[position:end], lot)
            position = end

    def _lines_of_lifts(
        self, event: SegmentRecorded, segment_id: int, first: int, lifts: list[bytes], lot: int | None
    ) -> None:
        """Lifts in a row, all at once: a city lifts a bin half a million times a day."""
        words = np.frombuffer(b"".join(lifts), dtype=">u8").reshape(-1, 4)
        # The lift's layout: kind 8, bin 40, … in the first 8 bytes; grams in bytes 13 to 16.
        bins = (words[:, 0] >> 16) & 0xFFFFFFFFFF
        end = first + len(lifts)
        self.lines.lifts += zip(bins.tolist(), repeat(segment_id), range(first, end), strict=False)
        if lot is None:
            return
        outcomes = np.frombuffer(event.outcomes, dtype=np.uint8)[first:end]
        is_applied = outcomes == Outcome.APPLIED
        grams = (words[:, 1] & 0xFFFFFF) << 8 | words[:, 2] >> 56
        self.lines.runs.append(
            RunLine(lot, segment_id, first, end - 1, int(is_applied.sum()), int(grams[is_applied].sum()))
        )

    def _line_of_step(
        self, event: SegmentRecorded, segment_id: int, position: int, words: bytes, lot_serial: int
    ) -> int:
        """Add the line of an entry other than a lift; return the serial of the lot that lifts go into now."""
        lines, entry = self.lines, read_entry(words)
        outcome, seq = event.outcomes[position], event.first_seq + position
        lines.steps[event.device, seq] = StepLine(
            event.device,
            seq,
            entry.kind,
            segment_id,
            entry.fields.get("lot"),
            entry.fields.get("into"),
            outcome,
            outcome,
        )
        if outcome == Outcome.APPLIED:
            if entry.kind == Kind.LOAD:
                return entry.fields["lot"] & 0xFFFFFFFF
            if entry.kind == Kind.ENROL:
                lines.devices.append(DeviceLine(entry.fields["device"], event.device, seq))
            elif entry.kind == Kind.REVOKE:
                lines.revoked.append(entry.fields["device"])
        return lot_serial

    def _settle_left_over(self) -> None:
        """Steps that somebody asked the ledger to settle, outside any segment."""
        waiting, self._settled = self._settled, []
        while waiting:
            done: list[Settled] = settle(self.state, waiting[0].lot, block_time=self._block_time, max_steps=1)
            expected, waiting = waiting[: max(len(done), 1)], waiting[max(len(done), 1) :]
            ledger = _settled_text((s.device, s.seq, s.outcome) for s in expected)
            fold = _settled_text((s.device, s.seq, int(s.outcome)) for s in done)
            if ledger != fold:
                self._disagree(expected[0].device, expected[0].seq, ledger, fold)


def _settled_text(settled: Iterable[tuple[int, int, int]]) -> str:
    return "".join(f" {device:016x}:{seq}:{outcome}" for device, seq, outcome in settled)
