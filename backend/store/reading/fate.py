"""What became of a bin's lifts of some days: its lots, their moves, and what they were made into."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select

from backend.domain.days import begin_of
from backend.domain.fate import BinFate, BinLift, Measure, fate_of
from backend.domain.lifts import lifted_at
from backend.domain.mass_flows import Move, day_of_fact
from backend.domain.recorded import EntryId
from backend.domain.types import Outcome
from backend.store.lift_runs import LiftPlace, find_lifts
from backend.store.products import MADE
from backend.store.reading import Reader
from backend.store.reading.balance import move_of
from backend.store.reading.lift_words import lift_words
from backend.store.reading.runs import parts
from backend.store.segment_times import first_segment_at
from backend.store.tables import LotRun, MassMove, ProductAmount, table_of

_RUNS, _MOVES, _PRODUCTS = table_of(LotRun), table_of(MassMove), table_of(ProductAmount)
_GRAMS_BYTES = slice(13, 17)


@dataclass(frozen=True)
class Days:
    """Days in Asia/Shanghai by their number since 1970, both ends counted."""

    first: int
    last: int


class FateReader:
    """Follows bins within one transaction."""

    def __init__(self, reader: Reader) -> None:
        self._reader, self._connection = reader, reader.connection

    def newest_day(self, number: int) -> int | None:
        """Return the day of a bin's newest lift; None while there is none."""
        places = find_lifts(self._connection, [number])[number]
        return max((day for day, _ in self._lifts(places[-1:])), default=None)

    def fate(self, number: int, days: Days) -> BinFate:
        """Return what became of what was lifted from a bin on these days, as far as the books know."""
        places = find_lifts(self._connection, [number])[number]
        # Nothing is recorded before it happens, so older segments need not be opened.
        first = first_segment_at(self._connection, begin_of(days.first))
        recent = [place for place in places if place[0] >= first]
        lifts = [lift for day, lift in self._lifts(recent) if days.first <= day <= days.last]
        lots = self._reader.lots_after(sorted({f"{lift.lot:024x}" for lift in lifts}))
        products, measures = self._made_of(lots)
        return fate_of(lifts, self._moves(lots), products=products, measures=measures)

    def _lifts(self, places: list[LiftPlace]) -> Iterator[tuple[int, BinLift]]:
        """Yield (day, lift) of those that the ledger applied."""
        positions: dict[int, list[int]] = defaultdict(list)
        for segment_id, position in places:
            positions[segment_id].append(position)
        for part in parts(sorted(positions)):
            runs: dict[int, list[tuple[int, int, str]]] = defaultdict(list)
            listed = select(_RUNS.c.segment_id, _RUNS.c.first_position, _RUNS.c.last_position, _RUNS.c.lot)
            for segment_id, start, end, lot in self._connection.execute(
                listed.where(_RUNS.c.segment_id.in_(part))
            ):
                runs[segment_id].append((start, end, lot))
            here = [(segment_id, at) for segment_id in part for at in positions[segment_id]]
            for found in lift_words(self._connection, here):
                spans = runs[found.segment_id]
                lot = next((name for start, end, name in spans if start <= found.position <= end), None)
                if lot is not None and found.answer & 0xF == Outcome.APPLIED:
                    grams = int.from_bytes(found.word[_GRAMS_BYTES], "big")
                    lift = BinLift(int(found.device, 16), found.seq, int(lot, 16), grams)
                    yield day_of_fact(lifted_at(found.word), found.recorded_at), lift

    def _moves(self, lots: list[str]) -> list[Move]:
        rows = [
            row
            for part in parts(lots)
            for row in self._connection.execute(select(_MOVES).where(_MOVES.c.lot.in_(part)))
        ]
        return [move_of(row) for row in sorted(rows, key=lambda row: row.id)]

    def _made_of(self, lots: list[str]) -> tuple[dict[EntryId, int], dict[EntryId, list[Measure]]]:
        products: dict[EntryId, int] = {}
        measures: dict[EntryId, list[Measure]] = defaultdict(list)
        for part in parts(lots):
            for row in self._connection.execute(select(_PRODUCTS).where(_PRODUCTS.c.source.in_(part))):
                fact = EntryId(int(row.device, 16), row.seq)
                if row.fate != MADE:
                    products[fact] = row.product
                elif not row.lot:
                    measures[fact].append(Measure(row.product, row.amount))
        return products, measures
