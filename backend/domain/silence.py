"""How much of what should have been recorded is there: journals that fell silent, and entries that are missing.

A total says nothing about what was never uploaded, so every total is shown beside this coverage.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from backend.domain.types import organisation_of

GRACE_SECONDS = 2 * 3600
"""A crew may end its shift where there is no signal; it has this long to come back to one."""


@dataclass(frozen=True)
class JournalRecord:
    """What the ledger and its witnesses know of one journal.

    `shift` is the planned (from, until) of the device's last shift that has begun, None when none was planned.
    `last_shift_end_at` is when its last recorded shift_end occurred. `witnessed_seq` is the highest seq of
    this journal that another journal cites (gives, takes, acknowledgements); `revoked_at_seq` is the
    `seen_seq` of its revocation, None while it is not revoked. `closed_gaps` are the (from, to) seqs of
    close_gap entries about it.
    """

    device: int
    last_seq: int
    shift: tuple[int, int] | None = None
    last_shift_end_at: int = 0
    witnessed_seq: int = 0
    revoked_at_seq: int | None = None
    closed_gaps: tuple[tuple[int, int], ...] = ()


class Silence(Enum):
    """What is missing of a journal."""

    PAST_SHIFT_END = "its shift is over and it has not said so"
    REVOKED_BELOW_WITNESS = "it was revoked below a seq that somebody witnessed"
    GAP_CLOSED = "entries of it were given up for lost"


def silences_of(journal: JournalRecord, *, now: int) -> frozenset[Silence]:
    """Return all that is missing of one journal; empty when nothing is."""
    found = set()
    if journal.shift is not None:
        starts_at, ends_at = journal.shift
        if now >= ends_at + GRACE_SECONDS and journal.last_shift_end_at < starts_at:
            found.add(Silence.PAST_SHIFT_END)
    if journal.revoked_at_seq is not None and journal.witnessed_seq > journal.revoked_at_seq:
        found.add(Silence.REVOKED_BELOW_WITNESS)
    if journal.closed_gaps:
        found.add(Silence.GAP_CLOSED)
    return frozenset(found)


def entries_missing(journal: JournalRecord) -> int:
    """Return how many entries are known to exist, or to have existed, and are not recorded.

    A seq that is missing in two ways counts once.
    """
    awaited = (journal.last_seq + 1, journal.witnessed_seq)
    missing, counted_to = 0, 0
    for from_seq, to_seq in sorted((awaited, *journal.closed_gaps)):
        missing += max(0, to_seq - max(from_seq, counted_to + 1) + 1)
        counted_to = max(counted_to, to_seq)
    return missing


@dataclass(frozen=True)
class Coverage:
    """What is missing of an organisation's journals."""

    organisation: int
    journals: int
    silent: int
    past_shift_end: int
    revoked_below_witness: int
    with_closed_gaps: int
    entries_missing: int

    @property
    def permille(self) -> int:
        """Journals of which nothing is known to be missing, of all; rounded down, so 1000 means all."""
        return (self.journals - self.silent) * 1000 // self.journals


def coverage_by_organisation(journals: Iterable[JournalRecord], *, now: int) -> list[Coverage]:
    """Return a line for every organisation that has a journal, by its number."""
    by_organisation: dict[int, list[JournalRecord]] = {}
    for journal in journals:
        by_organisation.setdefault(organisation_of(journal.device), []).append(journal)
    return [_coverage(organisation, own, now) for organisation, own in sorted(by_organisation.items())]


def _coverage(organisation: int, journals: list[JournalRecord], now: int) -> Coverage:
    found = [silences_of(journal, now=now) for journal in journals]
    return Coverage(
        organisation=organisation,
        journals=len(journals),
        silent=sum(bool(silences) for silences in found),
        past_shift_end=sum(Silence.PAST_SHIFT_END in silences for silences in found),
        revoked_below_witness=sum(Silence.REVOKED_BELOW_WITNESS in silences for silences in found),
        with_closed_gaps=sum(Silence.GAP_CLOSED in silences for silences in found),
        entries_missing=sum(entries_missing(journal) for journal in journals),
    )
