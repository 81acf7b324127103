"""The list that an inspection draws from, from the ledger's events alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from backend.domain.inspection_statements import Candidates
from backend.domain.journal import split_entries
from backend.domain.layout import Kind
from backend.domain.set_facts import date_of
from backend.domain.types import Outcome
from backend.usecases.ledger_events import BinsPlaced, LedgerEvent, SegmentRecorded, SiteOpened

_LOT_BYTES = slice(9, 21)


class CandidateReader:
    """Gathers one list; give it the events in order, from the first block to `list_block`.

    Bins are those placed so far, narrowed to a site by where each was placed last; sites those opened so far; lots
    those that a device loaded on a day, by block time in Asia/Shanghai.
    """

    def __init__(self, candidates: Candidates, *, list_block: int, site: str = "", day: str = "") -> None:
        self._candidates, self._list_block, self._site, self._day = candidates, list_block, site, day
        self._found: dict[int, int] = {}

    def take(self, events: Iterable[LedgerEvent], block_times: Mapping[int, int]) -> None:
        """Read more events; those after the list's block change nothing."""
        for event in events:
            if event.place.block_number > self._list_block:
                continue
            if isinstance(event, BinsPlaced) and self._candidates is Candidates.BINS:
                self._found |= {placed.number: event.site for placed in event.bins}
            elif isinstance(event, SiteOpened) and self._candidates is Candidates.SITES:
                self._found[event.site] = event.site
            elif isinstance(event, SegmentRecorded) and self._candidates is Candidates.LOTS:
                if date_of(block_times[event.place.block_number]) == self._day:
                    self._found |= dict.fromkeys(_loaded(event), 0)

    @property
    def items(self) -> tuple[int, ...]:
        """The list in its one order: ascending, none twice."""
        site = int(self._site, 16) if self._site else None
        return tuple(sorted(item for item, where in self._found.items() if site is None or where == site))


def _loaded(event: SegmentRecorded) -> Iterable[int]:
    for entry, byte in zip(split_entries(event.words), event.outcomes, strict=True):
        if entry[0] == Kind.LOAD and byte & 0xF == Outcome.APPLIED:
            yield int.from_bytes(entry[_LOT_BYTES], "big")
