"""Entries as the ledger recorded them: what the books judge.

Every judgement is a function of recorded entries in the ledger's order and of an instant that is passed in,
so anyone who has the ledger can repeat it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from backend.domain.journal import Entry
from backend.domain.layout import Kind
from backend.domain.types import DeviceId, Flaw, OrganisationId, Outcome, organisation_of


class EntryId(NamedTuple):
    """(device, seq): what names an entry."""

    device: int
    seq: int


@dataclass(frozen=True)
class RecordedEntry:
    """An entry with the ledger's answer to it.

    `order` is its place in the ledger, ascending over all journals; `recorded_at` is its block's time.
    """

    entry_id: EntryId
    entry: Entry
    outcome: Outcome
    recorded_at: int
    order: int
    flaw: Flaw = Flaw.NONE

    @property
    def device(self) -> DeviceId:
        """Whose journal it stands in."""
        return DeviceId(self.entry_id.device)

    @property
    def organisation(self) -> OrganisationId:
        """The organisation that answers for that device."""
        return organisation_of(self.entry_id.device)

    @property
    def fields(self) -> Mapping[str, int]:
        """The entry's fields by name."""
        return self.entry.fields

    def is_applied(self, kind: Kind) -> bool:
        """Say whether this is an entry of that kind, whole, that the ledger applied."""
        return self.entry.kind == kind and self.entry.is_well_formed and self.outcome == Outcome.APPLIED

    @property
    def names(self) -> EntryId:
        """The entry that this one names by its fields `device` and `seq`."""
        return EntryId(self.fields["device"], self.fields["seq"])


def known_at(entries: Iterable[RecordedEntry], at: int) -> list[RecordedEntry]:
    """Return what the ledger had recorded by that instant, in the ledger's order."""
    return sorted((entry for entry in entries if entry.recorded_at <= at), key=lambda entry: entry.order)
