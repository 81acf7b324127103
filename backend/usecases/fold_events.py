"""Fold the ledger's events into lines of the books.

Our own fold answers every entry again; where its answer differs from the ledger's, the ledger's stands in
the books and the difference is written down.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from backend.domain.custody import record_segment
from backend.domain.custody_state import Desk, Recorded, Refused, Settled, State, Transcription
from backend.domain.devices import find_device, mark_forked, record_witness
from backend.domain.errors import MalformedSegment
from backend.domain.journal import Entry, read_entry, split_entries
from backend.domain.layout import WORD_BYTES, Kind
from backend.domain.lifts import end_of_lifts, entries_of, grams_in, joined
from backend.domain.mass_flows import COUNTED, Applied, AppliedEntry, AppliedLifts
from backend.domain.steps import settle
from backend.domain.types import Outcome
from backend.usecases.fold_registry import fold_registry
from backend.usecases.ledger_events import (
    BinsPlaced,
    ForkShown,
    LedgerEvent,
    OrganisationCreated,
    RegistrarReplaced,
    SegmentRecorded,
    SegmentRefused,
    StepSettled,
    WitnessShown,
)

_WITHOUT_FLAW = bytes(byte & 0xF for byte in range(256))
"""The outcome in each outcome byte."""


@dataclass(frozen=True, slots=True)
class SegmentLine:
    """A recorded segment with its place."""

    id: int
    event: SegmentRecorded
    last_seq: int
    prev_head: bytes
    block_time: int
    lifts: int


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
    settled_at: int | None = None
    about: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class LinkLine:
    """What an entry makes of one lot out of another, if it is applied."""

    lot: int
    into_lot: int
    device: int
    seq: int
    segment_id: int


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
class FactsLine:
    """What a segment did that the ledger applied, and the (device, seq) of the steps that it set free."""

    block_number: int
    block_time: int
    applied: tuple[Applied, ...]
    settled: tuple[tuple[int, int], ...] = ()


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
    links: list[LinkLine] = field(default_factory=list)
    runs: list[RunLine] = field(default_factory=list)
    facts: list[FactsLine] = field(default_factory=list)
    settled: list[tuple[StepSettled, int, int]] = field(default_factory=list)
    refused: list[SegmentRefused] = field(default_factory=list)
    placed: list[BinsPlaced] = field(default_factory=list)
    devices: list[DeviceLine] = field(default_factory=list)
    revoked: list[int] = field(default_factory=list)
    replaced: list[int] = field(default_factory=list)
    disagreements: list[tuple[int, int, int, str, str]] = field(default_factory=list)


class Folder:
    """Folds events in order; `next_segment_id` numbers the segments."""

    def __init__(self, state: State, next_segment_id: int) -> None:
        self.state, self.next_segment_id = state, next_segment_id
        self.lines = BookLines()
        self._settled: list[StepSettled] = []
        self._applied: list[Applied] = []
        self._transcribed: list[Transcription] = []
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
                self.lines.settled.append((event, event.place.block_number, self._block_time))
                step = self.lines.steps.get((event.device, event.seq))
                if step is not None:
                    step.outcome = event.outcome
                    step.settled_block, step.settled_at = event.place.block_number, self._block_time
            case SegmentRefused():
                self._settle_left_over()
                self.lines.refused.append(event)
            case WitnessShown():
                self._settle_left_over()
                answer = record_witness(self.state, event.witness, trusted=True)
                if isinstance(answer, Refused):
                    self._disagree(event.witness.device, event.witness.seq, "witnessed", str(answer))
            case ForkShown():
                self._settle_left_over()
                mark_forked(self.state, event.device)
            case OrganisationCreated() | RegistrarReplaced():
                fold_registry(self.state, event)
                self.lines.devices.append(DeviceLine(event.registrar, None, None))
            case BinsPlaced():
                self.lines.placed.append(event)
            case _:
                fold_registry(self.state, event)

    def _segment(self, event: SegmentRecorded) -> None:
        prev_head = self._head_before(event)
        desk = self.state.desks.get(event.device)
        lot_serial = 0 if desk is None else desk.lot_serial
        answer = record_segment(self.state, event.segment, block_time=self._block_time, trusted_head=event.head)
        freed = _applied_steps(self._settled)
        self._compare(event, answer)
        self._applied, self._transcribed = [], list(answer.transcribed) if isinstance(answer, Recorded) else []
        try:
            entries = entries_of(event.words)
        except MalformedSegment:
            return  # no ledger records it; a node that says so is found out above
        if len(event.outcomes) != len(entries):
            event = replace(event, outcomes=event.outcomes[: len(entries)].ljust(len(entries), b"\0"))
        segment_id, self.next_segment_id = self.next_segment_id, self.next_segment_id + 1
        lifts = self._lines_of(event, segment_id, entries, lot_serial)
        if self._applied or freed:
            number = event.place.block_number
            self.lines.facts.append(FactsLine(number, self._block_time, tuple(self._applied), freed))
        last_seq = event.first_seq + len(entries) - 1
        self.lines.segments.append(SegmentLine(segment_id, event, last_seq, prev_head, self._block_time, lifts))

    def _head_before(self, event: SegmentRecorded) -> bytes:
        """Return the head that a segment goes on from: the journal's, or the one behind an announced gap."""
        device = find_device(self.state, event.device)
        if device is None:
            return b""
        gap = self.state.gaps.get(event.device)
        return device.head if gap is None or event.first_seq == device.next_seq else gap.head

    def _compare(self, event: SegmentRecorded, answer: object) -> None:
        ledger = event.outcomes.hex() + _settled_text((s.device, s.seq, s.outcome) for s in self._settled)
        self._settled = []
        if isinstance(answer, Recorded):
            fold = answer.outcomes.hex() + _settled_text((s.device, s.seq, s.outcome) for s in answer.settled)
        else:
            fold = str(answer)
        if ledger != fold:
            self._disagree(event.device, event.first_seq, ledger, fold)

    def _disagree(self, device: int, seq: int, ledger: str, fold: str) -> None:
        block = self._tx[0] if self._tx is not None else 0
        self.lines.disagreements.append((block, device, seq, ledger, fold))

    def _lines_of(self, event: SegmentRecorded, segment_id: int, entries: Sequence[bytes], lot_serial: int) -> int:
        """Add the lines of a segment's entries; return how many of them are lifts."""
        position, count, lifts = 0, len(entries), 0
        while position < count:
            if entries[position][0] != Kind.LIFT:
                lot_serial = self._line_of_step(event, segment_id, position, entries[position], lot_serial)
                position += 1
                continue
            end = end_of_lifts(entries, position, count)
            self._line_of_lifts(event, segment_id, position, joined(entries[position:end]), lot_serial)
            lifts += end - position
            position = end
        return lifts

    def _line_of_lifts(
        self, event: SegmentRecorded, segment_id: int, first: int, lifts: bytes, lot_serial: int
    ) -> None:
        """Lifts in a row, all at once."""
        if lot_serial == 0:
            return
        end = first + len(lifts) // WORD_BYTES
        outcomes = event.outcomes[first:end]
        answers = outcomes.translate(_WITHOUT_FLAW)
        applied = answers.count(Outcome.APPLIED)
        if applied < len(answers):
            words = (lifts[at : at + WORD_BYTES] for at in range(0, len(lifts), WORD_BYTES))
            lifts = b"".join(
                word for word, answer in zip(words, answers, strict=True) if answer == Outcome.APPLIED
            )
        lot = event.device << 32 | lot_serial
        self.lines.runs.append(RunLine(lot, segment_id, first, end - 1, applied, grams_in(lifts)))
        if applied:
            self._applied.append(AppliedLifts(event.device, event.first_seq + first, lot, lifts, self._block_time))

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
            entry.fields.get("into") or None,
            outcome,
            outcome,
            about=(entry.fields["device"], entry.fields["seq"]) if _is_about_another(entry) else None,
        )
        if "lot" in entry.fields:
            for into in lots_made(entry):
                lines.links.append(LinkLine(entry.fields["lot"], into, event.device, seq, segment_id))
        if outcome & 0xF == Outcome.APPLIED:
            if entry.kind in COUNTED:
                self._applied.append(AppliedEntry(event.device, seq, entry, self._block_time))
            elif entry.kind == Kind.TRANSCRIBED and self._transcribed:
                run = self._transcribed.pop(0)
                desk = self.state.desks.get(run.device) or Desk()
                self._applied += facts_transcribed(entry, run, desk.lot_serial, self._block_time)
            if entry.kind == Kind.LOAD:
                return entry.fields["lot"] & 0xFFFFFFFF
            if entry.kind in (Kind.ENROL, Kind.ROTATE):
                lines.devices.append(DeviceLine(entry.fields["device"], event.device, seq))
                if entry.kind == Kind.ROTATE:
                    lines.replaced.append(entry.fields["replaced"])
            elif entry.kind == Kind.REVOKE:
                lines.revoked.append(entry.fields["device"])
        return lot_serial

    def _settle_left_over(self) -> None:
        """Steps that somebody asked the ledger to settle, outside any segment."""
        waiting, self._settled = self._settled, []
        if freed := _applied_steps(waiting):
            self.lines.facts.append(FactsLine(waiting[0].place.block_number, self._block_time, (), freed))
        while waiting:
            done: list[Settled] = settle(
                self.state, waiting[0].lot, waiting[0].device, block_time=self._block_time, max_steps=1
            )
            expected, waiting = waiting[: max(len(done), 1)], waiting[max(len(done), 1) :]
            ledger = _settled_text((s.device, s.seq, s.outcome) for s in expected)
            fold = _settled_text((s.device, s.seq, s.outcome) for s in done)
            if ledger != fold:
                self._disagree(expected[0].device, expected[0].seq, ledger, fold)


def _applied_steps(settled: Iterable[StepSettled]) -> tuple[tuple[int, int], ...]:
    return tuple((step.device, step.seq) for step in settled if step.outcome & 0xF == Outcome.APPLIED)


def facts_transcribed(entry: Entry, run: Transcription, lot_serial: int, block_time: int) -> list[Applied]:
    """Return what the ledger applied of the entries that a registrar brought of another device.

    `lot_serial` is where that device's lifts go after the run, and so before it where the run loads nothing.
    """
    words = b"".join(item["word"].to_bytes(WORD_BYTES, "big") for item in entry.items)
    facts, lot = list[Applied](), run.device << 32 | lot_serial
    for seq, (one, answer) in enumerate(zip(split_entries(words), run.outcomes, strict=True), run.first_seq):
        if answer & 0xF != Outcome.APPLIED:
            continue
        if one[0] == Kind.LIFT:
            facts.append(AppliedLifts(run.device, seq, lot, one, block_time))
            continue
        brought = read_entry(one)
        lot = brought.fields["lot"] if brought.kind == Kind.LOAD else lot
        if brought.kind in COUNTED:
            facts.append(AppliedEntry(run.device, seq, brought, block_time))
    return facts


def _is_about_another(entry: Entry) -> bool:
    return entry.kind in (Kind.AMEND, Kind.DISPUTE, Kind.ACKNOWLEDGE) and entry.is_well_formed


def lots_made(entry: Entry) -> list[int]:
    """Return the lots that an entry on a lot puts grams of it into."""
    if entry.kind == Kind.TRANSFORM:
        return [item["lot"] for item in entry.items if item["lot"]]
    into = entry.fields.get("into", 0)
    return [into] if into else []


def _settled_text(settled: Iterable[tuple[int, int, int]]) -> str:
    return "".join(f" {device:016x}:{seq}:{outcome}" for device, seq, outcome in settled)
