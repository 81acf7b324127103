"""Brings a telling to the Python fold, in the order told or the other way round."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from telling import Telling, Told, Upload

from backend.domain.custody import record_segment
from backend.domain.custody_state import Lot, LotStatus, Recorded, Refused, Settled, State
from backend.domain.devices import Witness, record_witness
from backend.domain.journal import read_entry
from backend.domain.recorded import EntryId, RecordedEntry
from backend.domain.steps import settle
from backend.domain.types import LotId, Stream, flaw_of, outcome_of


@dataclass
class Run:
    """What the ledger came to know, and what it said: first, and last."""

    state: State
    first: dict[tuple[int, int], int] = field(default_factory=dict)
    last: dict[tuple[int, int], int] = field(default_factory=dict)
    order: list[tuple[tuple[int, int], int]] = field(default_factory=list)
    """Entries as they were recorded, with the time of their block."""

    def bring(self, upload: Upload, block_time: int) -> None:
        """Let the ledger record one upload, which it has no reason to refuse."""
        if isinstance(upload, Witness):
            answer = record_witness(self.state, upload)
            assert not isinstance(answer, Refused), answer
            return
        recorded = record_segment(self.state, upload, block_time=block_time)
        assert isinstance(recorded, Recorded), recorded
        self._answered(upload.device, upload.first_seq, recorded.outcomes, block_time)
        for run in recorded.transcribed:
            for seq, byte in enumerate(run.outcomes, run.first_seq):
                self.last[run.device, seq] = byte
        self._settled(recorded.settled)

    def _answered(self, device: int, first_seq: int, outcomes: bytes, block_time: int) -> None:
        for seq, byte in enumerate(outcomes, first_seq):
            self.first[device, seq] = self.last[device, seq] = byte
            self.order.append(((device, seq), block_time))

    def _settled(self, settled: Iterable[Settled]) -> None:
        for done in settled:
            self.last[done.device, done.seq] = done.outcome

    def settle_all(self, block_time: int) -> None:
        """Have every queue judged until nothing moves any more."""
        moved = True
        while moved:
            moved = False
            for lot, device in list(self.state.queues):
                done = settle(self.state, lot, device, block_time=block_time, max_steps=100)
                self._settled(done)
                moved = moved or bool(done)


def run_as_told(telling: Telling) -> Run:
    """Return what comes of recording everything when it was told."""
    return go_as_told(Run(telling.fresh_state()), telling)


def go_as_told(run: Run, telling: Telling) -> Run:
    """Bring everything to a run's ledger when it was told."""
    begin(run, telling)
    for told in telling.told:
        bring_step(run, told)
    return run


def begin(run: Run, telling: Telling) -> None:
    """Have the devices enrolled."""
    start = telling.story.steps[0].at - 3600
    for segment in telling.cast.enrolments:
        run.bring(segment, start)


def bring_step(run: Run, told: Told) -> None:
    """Record what a step brought, and settle what it set free."""
    for upload in told.uploads:
        run.bring(upload, told.step.at + 60)
    run.settle_all(told.step.at + 60)


def run_reversed(telling: Telling) -> Run:
    """Return what comes of it when the last device to write is the first to upload, each all at once."""
    return go_reversed(Run(telling.fresh_state()), telling)


def go_reversed(run: Run, telling: Telling) -> Run:
    """Bring everything to a run's ledger the other way round."""
    begin(run, telling)
    for upload in reversed_uploads(telling):
        run.bring(upload, telling.story.ends_at)
    run.settle_all(telling.story.ends_at)
    return run


def reversed_uploads(telling: Telling) -> list[Upload]:
    """Return all uploads with the devices in reverse, between the acts whose place in the ledger matters."""
    uploads: list[Upload] = []
    stretch: dict[int, list[Upload]] = {}
    for told in telling.told:
        if told.step.first_wins:
            uploads += _backwards(stretch)
            uploads += told.uploads
            stretch = {}
            continue
        # Putting a device that writes again at the end makes each wait for as much as it can.
        stretch.setdefault(told.device, []).extend(told.uploads)
    return uploads + _backwards(stretch)


def _backwards(stretch: dict[int, list[Upload]]) -> list[Upload]:
    return [upload for device in reversed(stretch) for upload in stretch[device]]


def entries_of(telling: Telling, run: Run) -> list[RecordedEntry]:
    """Return the entries as the books get them: in the ledger's order, each with its last outcome."""
    return [
        RecordedEntry(
            EntryId(*key),
            read_entry(telling.entries[key]),
            outcome_of(run.last[key]),
            at,
            order,
            flaw_of(run.last[key]),
        )
        for order, (key, at) in enumerate(run.order)
        if key in telling.entries
    ]


def said_of(told: Told, answers: dict[tuple[int, int], int]) -> set[tuple[Any, Any]]:
    """Return each different (outcome, flaw) that the ledger gave a step's entries."""
    bytes_ = {answers[told.device, seq] for seq in told.seqs}
    return {(outcome_of(byte), flaw_of(byte)) for byte in bytes_}


def lots_by_name(telling: Telling, state: State) -> dict[str, Lot]:
    """Return the lots of the story that the ledger knows."""
    return {name: state.lots[lot] for name, lot in telling.lots.items() if LotId(lot) in state.lots}


def end_of(telling: Telling, state: State) -> dict[str, Any]:
    """Return who holds what, and the totals, in the story's own words."""
    names = {device: name for name, device in telling.cast.devices.items()}
    lots = {
        name: {
            "holder": names[lot.holder],
            "status": LotStatus(lot.status).name.lower(),
            "grams": lot.grams,
            "stream": Stream(lot.stream).name.lower(),
        }
        for name, lot in lots_by_name(telling, state).items()
    }
    totals = {
        Stream(stream).name.lower(): {key: value for key, value in totals._asdict().items() if value}
        for stream, totals in state.totals.items()
    }
    return {"lots": lots, "totals": {stream: grams for stream, grams in totals.items() if grams}}
