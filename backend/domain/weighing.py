"""Weigh tickets, and whether a take's citation of one is sound.

Whether a ticket proves anything is the ledger's answer to it (rule 8). The ledger never looks at the ticket that
a take cites: that is judged here. Source: docs/spec/entries.md, "Judgements".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from backend.domain.errors import DomainError
from backend.domain.layout import Kind
from backend.domain.recorded import EntryId, RecordedEntry
from backend.domain.types import Flaw, Grams, LotId, Outcome


class TareExceedsGross(DomainError):
    """A weigh ticket contradicts itself."""

    slug = "tare-exceeds-gross"
    title = "The empty vehicle weighs more than the loaded one"

    def __init__(self, *, gross_grams: int, tare_grams: int) -> None:
        super().__init__(f"Tare {tare_grams} g exceeds gross {gross_grams} g.")
        self.gross_grams, self.tare_grams = gross_grams, tare_grams


def net_mass(*, gross_grams: int, tare_grams: int) -> Grams:
    """Return the mass of the load alone, in grams.

    Both weighings are of the same vehicle on the same weighbridge.

    Raises:
        TareExceedsGross: the ticket contradicts itself and cannot be used.

    Source: OIML R 76-1:2006, T.5.2.
    """
    if tare_grams > gross_grams:
        raise TareExceedsGross(gross_grams=gross_grams, tare_grams=tare_grams)
    return Grams(gross_grams - tare_grams)


@dataclass(frozen=True)
class WeighTicket:
    """What a scale sealed, and what the ledger said of it."""

    entry_id: EntryId
    lot: LotId
    number: int
    gross_grams: int
    tare_grams: int
    net_grams: int
    vehicle: int
    calibration: int
    calibration_until: int
    occurred_at: int
    outcome: Outcome
    flaw: Flaw

    @property
    def is_sound(self) -> bool:
        """Whether it proves a mass: the ledger applied it."""
        return self.outcome == Outcome.APPLIED


def find_ticket(recorded: RecordedEntry) -> WeighTicket | None:
    """Return the ticket that an entry is, whatever its outcome; None when it is no whole weigh entry."""
    if recorded.entry.kind != Kind.WEIGH or not recorded.entry.is_well_formed:
        return None
    fields = recorded.fields
    return WeighTicket(
        entry_id=recorded.entry_id,
        lot=LotId(fields["lot"]),
        number=fields["ticket"],
        gross_grams=fields["gross"],
        tare_grams=fields["tare"],
        net_grams=fields["net"],
        vehicle=fields["vehicle"],
        calibration=fields["calibration"],
        calibration_until=fields["calibration_until"],
        occurred_at=fields["occurred_at"],
        outcome=recorded.outcome,
        flaw=recorded.flaw,
    )


def tickets_of(entries: Iterable[RecordedEntry]) -> dict[EntryId, WeighTicket]:
    """Return every weigh ticket by its entry."""
    tickets = ((recorded.entry_id, find_ticket(recorded)) for recorded in entries)
    return {entry_id: ticket for entry_id, ticket in tickets if ticket is not None}


class Citation(Enum):
    """What the ticket that a take cites is worth for it."""

    NONE = "the take cites no ticket"
    SOUND = "the ticket proves the take's mass"
    AWAITING_TICKET = "the scale's journal has not come that far"
    NOT_A_TICKET = "the cited entry is no weigh ticket"
    FLAWED_TICKET = "the ledger did not apply the cited ticket"
    OF_ANOTHER_LOT = "the ticket is of another lot"
    OTHER_GRAMS = "the ticket says another mass"
    CITED_BEFORE = "an earlier take has used the ticket"


def judge_citations(
    takes: Iterable[RecordedEntry],
    tickets: Mapping[EntryId, WeighTicket],
    last_seqs: Mapping[int, int],
) -> dict[EntryId, Citation]:
    """Return the citation of every take that the ledger applied or defers, in the ledger's order.

    Only a sound citation uses a ticket up: otherwise a stranger's take could spoil the ticket of another.
    `last_seqs` says how far each scale's journal is recorded.
    """
    judged: dict[EntryId, Citation] = {}
    used: set[EntryId] = set()
    for take in sorted(takes, key=lambda take: take.order):
        if take.outcome not in (Outcome.APPLIED, Outcome.DEFERRED):
            continue
        cited = EntryId(take.fields["weigher"], take.fields["weigh_seq"])
        citation = _judge(take, cited, tickets, last_seqs, used)
        judged[take.entry_id] = citation
        if citation is Citation.SOUND:
            used.add(cited)
    return judged


def _judge(
    take: RecordedEntry,
    cited: EntryId,
    tickets: Mapping[EntryId, WeighTicket],
    last_seqs: Mapping[int, int],
    used: set[EntryId],
) -> Citation:
    if cited == (0, 0):
        return Citation.NONE
    found = tickets.get(cited)
    if found is None:
        is_to_come = cited.seq > last_seqs.get(cited.device, 0)
        return Citation.AWAITING_TICKET if is_to_come else Citation.NOT_A_TICKET
    if not found.is_sound:
        return Citation.FLAWED_TICKET
    if found.lot != take.fields["lot"]:
        return Citation.OF_ANOTHER_LOT
    if found.net_grams != take.fields["grams"]:
        return Citation.OTHER_GRAMS
    return Citation.CITED_BEFORE if cited in used else Citation.SOUND
