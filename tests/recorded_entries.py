"""A ledger in the making: each call records one entry after those before it."""

from __future__ import annotations

from backend.domain.journal import pack_entry, read_entry
from backend.domain.layout import Kind
from backend.domain.recorded import EntryId, RecordedEntry
from backend.domain.types import Flaw, Outcome, Role, device_id

CREW = device_id(2, 1)
CREW_OFFICE = device_id(2, 2)
CREW_PHONE = device_id(2, 3)
GATE = device_id(3, 1)
GATE_OFFICE = device_id(3, 2)
SCALE = device_id(3, 3)
DISTRICT = device_id(8, 1)
CITY = device_id(9, 1)
CITY_TOO = device_id(9, 2)
STRANGER = device_id(7, 1)

ROLES: dict[int, int] = {
    CREW: Role.CREW,
    CREW_OFFICE: Role.OFFICE,
    CREW_PHONE: Role.CREW,
    GATE: Role.GATE,
    GATE_OFFICE: Role.REGISTRAR,
    SCALE: Role.SCALE,
    DISTRICT: Role.OFFICE,
    CITY: Role.OFFICE,
    CITY_TOO: Role.OFFICE,
    STRANGER: Role.OFFICE,
}


class LedgerStory:
    """Records entries in order; `entries` is what the books are given."""

    def __init__(self) -> None:
        self.entries: list[RecordedEntry] = []
        self._seqs: dict[int, int] = {}

    def record(
        self,
        by: int,
        kind: Kind,
        /,
        *,
        at: int,
        outcome: Outcome = Outcome.APPLIED,
        flaw: Flaw = Flaw.NONE,
        **fields: int,
    ) -> RecordedEntry:
        return self.record_words(by, pack_entry(kind, **fields), at=at, outcome=outcome, flaw=flaw)

    def record_words(
        self, device: int, words: bytes, *, at: int, outcome: Outcome = Outcome.APPLIED, flaw: Flaw = Flaw.NONE
    ) -> RecordedEntry:
        seq = self._seqs[device] = self._seqs.get(device, 0) + 1
        recorded = RecordedEntry(EntryId(device, seq), read_entry(words), outcome, at, len(self.entries), flaw)
        self.entries.append(recorded)
        return recorded

    def last_seqs(self) -> dict[int, int]:
        return dict(self._seqs)
