"""Bins, where they stand, and what was lifted from them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row, func, literal, select

from backend.domain.layout import Kind
from backend.store.lift_runs import LiftPlace, find_lifts
from backend.store.reading.journeys import JourneyReading
from backend.store.reading.runs import ENTRIES_IN_SEGMENT, is_whole, parts
from backend.store.recorded_entries import EntryPlace
from backend.store.segment_times import first_segment_at
from backend.store.tables import (
    BinLabel,
    CollectionPoint,
    CustodyStep,
    LedgerSegment,
    LotRun,
    PlacedBin,
    table_of,
)
from backend.usecases.views import (
    BinTrace,
    BinView,
    EntryView,
    LiftView,
    Name,
    StreetRow,
    StreetSummary,
)

_SEGMENTS = table_of(LedgerSegment)
_STEPS = table_of(CustodyStep)
_RUNS = table_of(LotRun)
_BINS = table_of(BinLabel)
_POINTS = table_of(CollectionPoint)
_PLACED = table_of(PlacedBin)

# Written into the statement: SQLite uses the index over refusals for no value that it is told later.
IS_DECLINE = literal(int(Kind.DECLINE), literal_execute=True)


class BinReading(JourneyReading):
    """Reads bins and lifts."""

    def find_bin(self, number: str) -> BinView | None:
        """Return a bin by its number."""
        return self._find_bin(_BINS.c.number == number)

    def find_bin_by_digest(self, serial_digest: str) -> BinView | None:
        """Return a bin by the digest of its label's serial."""
        return self._find_bin(_BINS.c.serial_digest == serial_digest)

    def _find_bin(self, where: Any) -> BinView | None:
        rows = self._bin_rows(where)
        return rows[0] if rows else None

    def _bin_rows(self, where: Any) -> list[BinView]:
        rows = self._connection.execute(
            select(
                _BINS,
                _POINTS.c.name_zh.label("point_zh"),
                _POINTS.c.name_en.label("point_en"),
                _PLACED.c.number.label("placed_number"),
            )
            .outerjoin(_POINTS, _POINTS.c.id == _BINS.c.point_id)
            .outerjoin(_PLACED, _PLACED.c.serial_digest == _BINS.c.serial_digest)
            .where(where)
            .order_by(_BINS.c.point_id, _BINS.c.stream, _BINS.c.number)
        ).all()
        sites = {row.site: self.find_site(row.site) for row in rows}
        return [
            BinView(
                row.number,
                row.serial_digest,
                row.stream,
                sites[row.site],
                None if row.point_zh is None else Name(row.point_zh, row.point_en or row.point_zh),
                row.placed_from,
                row.placed_number is not None and row.placed_number == int(row.number, 16),
            )
            for row in rows
        ]

    def bins(self, site: str | None = None) -> Iterable[BinView]:
        """Return all bins, or those of a site."""
        return self._bin_rows(_BINS.c.site == site if site else _BINS.c.number.is_not(None))

    def find_bin_trace(self, number: str, *, limit: int = 30) -> BinTrace | None:
        """Return a bin's newest lifts and where their lots went."""
        bin_view = self.find_bin(number)
        if bin_view is None:
            return None
        places = find_lifts(self._connection, [int(number, 16)])[int(number, 16)]
        lifts = self._lifts(places[: -limit - 1 : -1])
        lots = dict.fromkeys(lift.lot for lift in lifts if lift.lot is not None)
        return BinTrace(bin_view, tuple(lifts), self.find_journeys(list(lots)))

    def refusals_to_collect(self, number: str, *, since: int) -> list[EntryView]:
        """Return the recorded refusals to collect a bin since an instant (a block's time), newest first."""
        rows = self._connection.execute(
            select(_STEPS.c.device, _STEPS.c.seq, _SEGMENTS.c.words)
            .join(_SEGMENTS, _SEGMENTS.c.id == _STEPS.c.segment_id)
            .where(
                _STEPS.c.kind == IS_DECLINE,
                _STEPS.c.segment_id >= first_segment_at(self._connection, since),
            )
            .order_by(_STEPS.c.segment_id.desc(), _STEPS.c.seq.desc())
        )
        # Most are of other bins; only where its five bytes stand are the words taken apart.
        wanted = bytes.fromhex(number)
        found = (self.find_entry(row.device, row.seq) for row in rows if wanted in row.words)
        return [entry for entry in found if entry is not None and entry.fields["bin"] == int(number, 16)]

    def _lifts(self, places: Sequence[LiftPlace]) -> list[LiftView]:
        """Return the lifts at these places, in their order."""
        runs: dict[int, list[Row[Any]]] = defaultdict(list)
        for part in parts(sorted({segment_id for segment_id, _ in places})):
            for run in self._runs(_RUNS.c.segment_id.in_(part)):
                runs[run.segment_id].append(run)
        found = [
            (EntryPlace(segment_id, position, run is not None and is_whole(run)), run)
            for segment_id, position in places
            for run in [_run_at(runs[segment_id], position)]
        ]
        entries = self._entries().views([place for place, _ in found])
        streams = self._placed_streams(entry.fields["bin"] for entry in entries)
        return [
            _lift(entry, None if run is None else run.lot, streams.get(entry.fields["bin"]))
            for entry, (_, run) in zip(entries, found, strict=True)
        ]

    def _runs(self, where: Any) -> Sequence[Row[Any]]:
        """Return runs of lifts, each with the count of its segment's entries."""
        return self._connection.execute(
            select(_RUNS, ENTRIES_IN_SEGMENT).join(_SEGMENTS, _SEGMENTS.c.id == _RUNS.c.segment_id).where(where)
        ).all()

    def _placed_streams(self, numbers: Iterable[int]) -> dict[int, int]:
        streams: dict[int, int] = {}
        for part in parts(sorted(set(numbers))):
            rows = self._connection.execute(
                select(_PLACED.c.number, _PLACED.c.stream)
                .where(_PLACED.c.number.in_(part))
                .order_by(_PLACED.c.number, _PLACED.c.serial_digest.desc())
            )
            streams.update((row.number, row.stream) for row in rows)
        return streams

    def lifts_in_lot(self, lot: str, *, limit: int) -> list[LiftView]:
        """Return the lifts that went into a lot, oldest first."""
        return self.lifts_in_lots([lot], offset=0, limit=limit)

    def lifts_in_lots(self, lots: Sequence[str], *, offset: int, limit: int) -> list[LiftView]:
        """Return a page of the lifts that went into these lots, oldest first."""
        places: list[LiftPlace] = []
        for run in self._runs_of(lots):
            count = run.last_position - run.first_position + 1
            if offset < count:
                positions = range(run.first_position + offset, run.last_position + 1)
                places += [(run.segment_id, at) for at in positions[: limit - len(places)]]
            offset = max(offset - count, 0)
            if len(places) == limit:
                break
        return self._lifts(places)

    def count_lifts_in_lots(self, lots: Sequence[str]) -> int:
        """Return how many lifts name these lots, whatever the ledger answered."""
        return sum(run.last_position - run.first_position + 1 for run in self._runs_of(lots))

    def _runs_of(self, lots: Sequence[str]) -> list[Row[Any]]:
        runs: list[Row[Any]] = []
        for start in range(0, len(lots), 500):
            part = lots[start : start + 500]
            runs += self._connection.execute(select(_RUNS).where(_RUNS.c.lot.in_(part))).all()
        return sorted(runs, key=lambda run: (run.segment_id, run.first_position))

    def street(self, site: str) -> list[StreetRow]:
        """Return the bins of a site, each with its newest lift."""
        codes: dict[str, str] = {
            row.number: row.code or ""
            for row in self._connection.execute(
                select(_BINS.c.number, _POINTS.c.code)
                .outerjoin(_POINTS, _POINTS.c.id == _BINS.c.point_id)
                .where(_BINS.c.site == site)
            )
        }
        views = self._bin_rows(_BINS.c.site == site)
        places = find_lifts(self._connection, [int(view.number, 16) for view in views])
        newest_places = [lifts[-1] for lifts in places.values() if lifts]
        newest_lifts = dict(zip(newest_places, self._lifts(newest_places), strict=True))
        rows = []
        for view in views:
            lifts = places[int(view.number, 16)]
            newest = newest_lifts.get(lifts[-1]) if lifts else None
            rows.append(StreetRow(view, codes[view.number], len(lifts), newest))
        return rows

    def streets(self) -> list[StreetSummary]:
        """Return the sites that have bins, with how many."""
        rows = self._connection.execute(
            select(
                _BINS.c.site,
                func.count(func.distinct(_BINS.c.point_id)).label("points"),
                func.count().label("bins"),
            )
            .group_by(_BINS.c.site)
            .order_by(_BINS.c.site)
        )
        found = [(self.find_site(row.site), row.points, row.bins) for row in rows]
        return [StreetSummary(site, points, bins) for site, points, bins in found if site is not None]


def _run_at(runs: Sequence[Row[Any]], position: int) -> Row[Any] | None:
    return next((run for run in runs if run.first_position <= position <= run.last_position), None)


def _lift(entry: EntryView, lot: str | None, placed_stream: int | None) -> LiftView:
    f = entry.fields
    flags: tuple[str, ...] = ()
    if placed_stream is None:
        flags = ("unknown-bin",)
    elif placed_stream != f["stream"]:
        flags = ("wrong-stream",)
    return LiftView(entry, f"{f['bin']:010x}", lot, f["stream"], f["grade"], f["basis"], f["grams"], flags)
