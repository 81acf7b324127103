"""A telling brought to the Python fold, with what the ledger applied written down for the mass balance."""

from __future__ import annotations

from folding import Run
from telling import Upload

from backend.domain.custody import record_segment
from backend.domain.custody_state import Recorded, Settled, State
from backend.domain.devices import Witness
from backend.domain.journal import read_entry, split_entries
from backend.domain.layout import Kind
from backend.domain.mass_flows import Applied, AppliedEntry, in_order
from backend.domain.steps import settle
from backend.usecases.fold_events import Folder
from backend.usecases.ledger_events import LogPlace, SegmentRecorded, StepSettled


class MassRun(Run):
    """A run beside which the books' own folder reads the ledger's events."""

    def __init__(self, state: State, own: State) -> None:
        super().__init__(state)
        self.folder = Folder(own, 1)
        self.entries: dict[tuple[int, int], bytes] = {}
        self._block = 0

    def bring(self, upload: Upload, block_time: int) -> None:
        """Record one upload, and tell the folder what the ledger would."""
        if isinstance(upload, Witness):
            super().bring(upload, block_time)
            self.folder.state.pins.update(self.state.pins)
            self.folder.state.devices.update(self.state.devices)
            return
        place = self._place()
        answer = record_segment(self.state, upload, block_time=block_time)
        assert isinstance(answer, Recorded), answer
        for seq, words in enumerate(split_entries(upload.words), upload.first_seq):
            self.entries[upload.device, seq] = words
        u = upload
        recorded = SegmentRecorded(
            place, u.device, u.first_seq, answer.head, u.x, u.y, u.r, u.s, u.words, answer.outcomes
        )
        self.folder.fold([*self._told(place, answer.settled), recorded], {place.block_number: block_time})

    def settle_all(self, block_time: int) -> None:
        """Have every queue judged until nothing moves any more."""
        moved = True
        while moved:
            moved = False
            for lot, device in list(self.state.queues):
                done = settle(self.state, lot, device, block_time=block_time, max_steps=100)
                place = self._place()
                self.folder.fold(self._told(place, done), {place.block_number: block_time})
                moved = moved or bool(done)

    def _place(self) -> LogPlace:
        self._block += 1
        return LogPlace(self._block, b"", self._block.to_bytes(32, "big"), 0)

    def _told(self, place: LogPlace, settled: tuple[Settled, ...] | list[Settled]) -> list[StepSettled]:
        return [StepSettled(place, s.device, s.seq, s.lot, s.outcome) for s in settled]

    @property
    def facts(self) -> list[Applied]:
        """What the ledger applied, in its order."""
        assert self.folder.lines.disagreements == []
        facts: list[Applied] = []
        for line in self.folder.lines.facts:
            settled = [
                AppliedEntry(device, seq, read_entry(self.entries[device, seq]), line.block_time)
                for device, seq in line.settled
            ]
            facts += in_order(line.applied, settled)
        return facts


def is_take(fact: Applied) -> bool:
    """Say whether a fact is a receipt."""
    return isinstance(fact, AppliedEntry) and fact.entry.kind == Kind.TAKE
