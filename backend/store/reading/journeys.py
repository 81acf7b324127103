"""A lot's journey: what it was made of, what became of it, and every step on the way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, func, or_, select

from backend.domain.layout import Kind
from backend.domain.types import Outcome
from backend.store.reading.lots import LotReading
from backend.store.reading.runs import ENTRIES_IN_SEGMENT, first_of, parts
from backend.store.recorded_entries import EntryPlace
from backend.store.tables import (
    CustodyStep,
    LedgerSegment,
    LotLink,
    LotRow,
    LotRun,
    table_of,
)
from backend.usecases.views import (
    EntryView,
    Journey,
    JourneyStep,
    LotView,
)

_SEGMENTS = table_of(LedgerSegment)
_STEPS = table_of(CustodyStep)
_RUNS = table_of(LotRun)
_LOTS = table_of(LotRow)
_LINKS = table_of(LotLink)
_MOST_LOTS_IN_A_JOURNEY = 2000
_ENDS = (Kind.TAKE, Kind.CLOSE)


class JourneyReading(LotReading):
    """Reads journeys."""

    def find_journey(self, lot: str) -> Journey | None:
        """Return a lot's journey both ways: every lot that went into it, and every lot it went into."""
        return self.find_journeys([lot]).get(lot)

    def find_journeys(self, lots: Sequence[str]) -> dict[str, Journey]:
        """Return the journeys of those of these lots that there are."""
        views = {
            row.lot: self._lot(row)
            for part in parts(lots)
            for row in self._connection.execute(select(_LOTS).where(_LOTS.c.lot.in_(part)))
        }
        known = [lot for lot in lots if lot in views]
        back, onward = self._links(known, forwards=False), self._links(known, forwards=True)
        ways = {lot: (_closure(lot, back), _closure(lot, onward)) for lot in known}
        steps: dict[str, list[JourneyStep]] = defaultdict(list)
        for step in self._steps_of(sorted({*known, *(n for way in ways.values() for side in way for n in side)})):
            for name in {step.lot, step.into_lot} - {None, ""}:
                steps[str(name)].append(step)
        return {lot: _journey(views[lot], *ways[lot], steps) for lot in known}

    def sources_of(self, lot: str) -> list[str]:
        """Return the lots that a lot was made of, nearest first."""
        return _closure(lot, self._links([lot], forwards=False))

    def lots_after(self, lots: Sequence[str]) -> list[str]:
        """Return these lots and all that their grams may have come into."""
        return list(self._links(lots, forwards=True))

    def _links(self, lots: Sequence[str], *, forwards: bool) -> dict[str, list[str]]:
        """Return, for these lots and all found from them, what was made of each, or what it was made of."""
        mine, other = (_LINKS.c.lot, _LINKS.c.into_lot) if forwards else (_LINKS.c.into_lot, _LINKS.c.lot)
        links, front = dict[str, list[str]](), list(lots)
        while front and len(links) < _MOST_LOTS_IN_A_JOURNEY + len(lots):
            part, front = front[:500], front[500:]
            links.update((lot, []) for lot in part)
            rows = self._connection.execute(
                select(mine.label("mine"), other.label("other"))
                .join(_STEPS, (_STEPS.c.device == _LINKS.c.device) & (_STEPS.c.seq == _LINKS.c.seq))
                .where(mine.in_(part), _STEPS.c.outcome == int(Outcome.APPLIED))
                .distinct()
            )
            found = set[str]()
            for row in rows:
                links[row.mine].append(row.other)
                found.add(row.other)
            front += sorted(found - links.keys() - set(front))
        return links

    def _steps_of(self, lots: Sequence[str]) -> list[JourneyStep]:
        found: list[tuple[EntryPlace, Row[Any]]] = []
        for part in parts(lots):
            rows = self._connection.execute(
                select(_STEPS, _SEGMENTS.c.first_seq)
                .join(_SEGMENTS, _SEGMENTS.c.id == _STEPS.c.segment_id)
                .where(or_(_STEPS.c.lot.in_(part), _STEPS.c.into_lot.in_(part)))
            )
            found += [
                (EntryPlace(row.segment_id, row.seq - row.first_seq, answer=(row.outcome, row.flaw)), row)
                for row in rows
            ]
            found += [(first_of(run), run) for run in self._lifts_of_lots(part)]
        entries = self._entries().views([place for place, _ in found])
        unique: dict[tuple[str, int], JourneyStep] = {}
        for entry, (place, row) in zip(entries, found, strict=True):
            is_run = place.answer is None
            unique[entry.device, entry.seq] = self._run(entry, row) if is_run else self._step(entry, row)
        return sorted(unique.values(), key=lambda s: (s.entry.occurred_at, s.entry.device, s.entry.seq))

    def _step(self, entry: EntryView, row: Row[Any]) -> JourneyStep:
        other = entry.fields.get("to") or entry.fields.get("giver")
        return JourneyStep(
            entry,
            row.lot or "",
            row.into_lot,
            entry.fields.get("net", entry.fields.get("grams")),
            None if not other else self.organisation(f"{other:016x}"[:6]),
        )

    def _run(self, entry: EntryView, row: Row[Any]) -> JourneyStep:
        return JourneyStep(entry, row.lot, None, int(row.all_grams), None, int(row.all_applied), row.to_seq)

    def _lifts_of_lots(self, lots: Sequence[str]) -> Sequence[Row[Any]]:
        """Return the first run of each lot's lifts, with the sums of all: a large lot has hundreds of runs."""
        by_lot, in_order = _RUNS.c.lot, (_RUNS.c.segment_id, _RUNS.c.first_position)
        ranked = (
            select(
                *_RUNS.c,
                func.sum(_RUNS.c.applied).over(partition_by=by_lot).label("all_applied"),
                func.sum(_RUNS.c.grams).over(partition_by=by_lot).label("all_grams"),
                func.max(_SEGMENTS.c.first_seq + _RUNS.c.last_position).over(partition_by=by_lot).label("to_seq"),
                func.row_number().over(partition_by=by_lot, order_by=in_order).label("nth"),
            )
            .join(_SEGMENTS, _SEGMENTS.c.id == _RUNS.c.segment_id)
            .where(_RUNS.c.lot.in_(lots))
            .subquery()
        )
        return self._connection.execute(
            select(ranked, ENTRIES_IN_SEGMENT)
            .join(_SEGMENTS, _SEGMENTS.c.id == ranked.c.segment_id)
            .where(ranked.c.nth == 1)
        ).all()


def _closure(lot: str, links: dict[str, list[str]]) -> list[str]:
    """Follow the links from a lot, nearest first."""
    seen, found, front = {lot}, list[str](), [lot]
    while front and len(found) < _MOST_LOTS_IN_A_JOURNEY:
        reached = sorted({other for one in front for other in links.get(one, ())} - seen)
        seen.update(reached)
        found += reached
        front = reached
    return found


def _journey(
    view: LotView, came_from: list[str], became: list[str], steps: dict[str, list[JourneyStep]]
) -> Journey:
    unique = {(s.entry.device, s.entry.seq): s for lot in (*came_from, view.lot, *became) for s in steps[lot]}
    mine = sorted(unique.values(), key=lambda s: (s.entry.occurred_at, s.entry.device, s.entry.seq))
    ends = tuple(
        step
        for step in mine
        if step.entry.kind in _ENDS and step.entry.outcome == Outcome.APPLIED
        if step.lot == view.lot or step.lot in became
    )
    return Journey(view, tuple(came_from), tuple(became), tuple(mine), ends)
