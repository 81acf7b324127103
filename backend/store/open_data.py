"""A day's open data out of the books: the same bytes as from the chain, and what the day is silent about."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Row, func, select

from backend.domain.journal import Network
from backend.domain.open_data import ANCHOR_SCHEMA, DayTable, anchor_subject
from backend.domain.set_facts import date_of
from backend.domain.types import Role
from backend.store.anchors import recorded_anchors
from backend.store.reading import Reader
from backend.store.segment_times import first_segment_at
from backend.store.tables import (
    BinLabel,
    KnownDevice,
    LedgerSegment,
    LotRun,
    PlacedBin,
    table_of,
)
from backend.store.tables import Block as BlockRow
from backend.usecases.open_data import (
    Coverage,
    DayAnchor,
    DayData,
    DayFile,
    DayLine,
    OrganisationCoverage,
    SiteCoverage,
)
from backend.usecases.prove_set import times_of

_SEGMENTS, _RUNS = table_of(LedgerSegment), table_of(LotRun)
_BLOCKS, _DEVICES = table_of(BlockRow), table_of(KnownDevice)
_PLACED, _BINS = table_of(PlacedBin), table_of(BinLabel)
_FIELD_ROLES = (int(Role.CREW), int(Role.GATE), int(Role.SCALE))
_DAYS_LISTED = 31
_SEGMENTS_A_READ = 500
_FINAL_DAYS_KEPT = 8


class OpenData:
    """Reads days of one ledger; the last few final ones are kept, for they never change."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._kept: dict[tuple[str, str], DayData] = {}

    def day(self, reader: Reader, date: str) -> DayData:
        """Return a day's data set.

        Raises:
            ValueError: it is no date.
        """
        connection = reader.connection
        from_at, to_at = times_of(date)
        is_final = _is_final(reader, to_at)
        first, end = (first_segment_at(connection, at) for at in (from_at, to_at))
        # Of a chain that was lost and began anew the same day would be another.
        key = (date, _hash_of(connection, end - 1) if end > first else "")
        if is_final and key in self._kept:
            return self._kept[key]
        table = DayTable()
        for row, open_lot in _segments(connection, first, end):
            table.add(int(row.device, 16), row.words, row.outcomes, open_lot)
        made = self._made(table, date, from_at, to_at, is_final=is_final)
        if is_final:
            self._kept[key] = made
            while len(self._kept) > _FINAL_DAYS_KEPT:
                self._kept.pop(next(iter(self._kept)))
        return made

    def _made(self, table: DayTable, date: str, from_at: int, to_at: int, *, is_final: bool) -> DayData:
        chain_id, ledger = self._network.chain_id, self._network.ledger.hex()
        return DayData(
            date,
            from_at,
            to_at,
            is_final,
            len(table.rows),
            table.lifts,
            table.grams,
            table.transcribed,
            frozenset(table.bins),
            _file("lifts.csv", "text/csv", table.csv()),
            _file("lifts.json", "application/json", table.json(date=date, chain_id=chain_id, ledger=ledger)),
            _file(
                "lifts.parquet",
                "application/vnd.apache.parquet",
                table.parquet(date=date, chain_id=chain_id, ledger=ledger),
            ),
        )


def list_days(reader: Reader, *, until_at: int) -> list[DayLine]:
    """Return the newest days on which something was recorded, the newest first."""
    connection = reader.connection
    lines: list[DayLine] = []
    end = first_segment_at(connection, until_at)
    while end > 1 and len(lines) < _DAYS_LISTED:
        newest = connection.execute(select(_SEGMENTS.c.block_time).where(_SEGMENTS.c.id == end - 1)).scalar_one()
        date = date_of(newest)
        from_at, to_at = times_of(date)
        first = first_segment_at(connection, from_at)
        lines.append(DayLine(date, end - first, _is_final(reader, to_at)))
        end = first
    return lines


def read_coverage(reader: Reader, data: DayData) -> Coverage:
    """Return what share of the city a day's data speaks of.

    Bins and points are those placed until the end of the day, as the books know them now. Devices are those
    of crews, gates and scales enrolled by then; of the revoked and expired only those that reported.
    """
    connection = reader.connection
    first, end = (first_segment_at(connection, at) for at in (data.from_at, data.to_at))
    sites, unknown = _sites(reader, data)
    return Coverage(sites, _organisations(reader, data, first, end), unknown)


def find_anchors(reader: Reader, date: str) -> list[DayAnchor]:
    """Return the digests of a day's CSV that organisations have put on the ledger, the oldest first."""
    connection = reader.connection
    found = recorded_anchors(
        connection,
        schema=ANCHOR_SCHEMA,
        subject=anchor_subject(date),
        first_segment=first_segment_at(connection, times_of(date)[0]),
    )
    return [
        DayAnchor(
            reader.organisation(anchor.device[:6]),
            anchor.digest.hex(),
            anchor.block_time,
            anchor.block_number,
            anchor.tx_hash,
        )
        for anchor in found
    ]


def _sites(reader: Reader, data: DayData) -> tuple[tuple[SiteCoverage, ...], int]:
    rows = reader.connection.execute(
        select(_PLACED.c.number, _PLACED.c.site, _BINS.c.point_id)
        .outerjoin(_BINS, _BINS.c.serial_digest == _PLACED.c.serial_digest)
        .where(_PLACED.c.placed_from < data.to_at)
    )
    bins: dict[str, set[str]] = defaultdict(set)
    points: dict[str, dict[int, bool]] = defaultdict(dict)
    for row in rows:
        number = f"{row.number:010x}"
        bins[row.site].add(number)
        if row.point_id is not None:
            before = points[row.site].get(row.point_id, False)
            points[row.site][row.point_id] = before or number in data.bins
    placed = set().union(*bins.values())
    names = {site: reader.find_site(site) for site in bins}
    return (
        tuple(
            SiteCoverage(
                site,
                None if (known := names[site]) is None else known.name,
                len(numbers),
                len(numbers & data.bins),
                len(points[site]),
                sum(points[site].values()),
            )
            for site, numbers in sorted(bins.items())
        ),
        len(data.bins - placed),
    )


def _organisations(reader: Reader, data: DayData, first: int, end: int) -> tuple[OrganisationCoverage, ...]:
    connection = reader.connection
    reported = set(
        connection.execute(
            select(_SEGMENTS.c.device).where(_SEGMENTS.c.id >= first, _SEGMENTS.c.id < end).distinct()
        ).scalars()
    )
    devices, heard = Counter[str](), Counter[str]()
    for row in connection.execute(select(_DEVICES).where(_DEVICES.c.role.in_(_FIELD_ROLES))):
        is_retired = row.is_revoked or (row.not_after and row.not_after < data.from_at)
        if row.device not in reported and (is_retired or not _is_enrolled(connection, row, end)):
            continue
        devices[row.organisation] += 1
        heard[row.organisation] += row.device in reported
    return tuple(
        OrganisationCoverage(reader.organisation(organisation), count, heard[organisation])
        for organisation, count in sorted(devices.items())
    )


def _is_enrolled(connection: Connection, device: Row[Any], end: int) -> bool:
    """Say whether the enrolment was recorded before the segment `end`."""
    if device.registrar is None or device.enrolled_seq is None:
        return False
    segment_id = connection.execute(
        select(_SEGMENTS.c.id)
        .where(_SEGMENTS.c.device == device.registrar, _SEGMENTS.c.first_seq <= device.enrolled_seq)
        .order_by(_SEGMENTS.c.first_seq.desc())
        .limit(1)
    ).scalar_one_or_none()
    return segment_id is not None and segment_id < end


def _segments(connection: Connection, first: int, end: int) -> Iterator[tuple[Row[Any], int | None]]:
    """Yield the segments of these ids, each with the lot that its first lifts went into."""
    for start in range(first, end, _SEGMENTS_A_READ):
        stop = min(start + _SEGMENTS_A_READ, end)
        runs = connection.execute(
            select(_RUNS.c.segment_id, _RUNS.c.lot)
            .where(_RUNS.c.segment_id >= start, _RUNS.c.segment_id < stop)
            .order_by(_RUNS.c.segment_id, _RUNS.c.first_position.desc())
        )
        lots = {run.segment_id: int(run.lot, 16) for run in runs}
        for row in connection.execute(
            select(_SEGMENTS).where(_SEGMENTS.c.id >= start, _SEGMENTS.c.id < stop).order_by(_SEGMENTS.c.id)
        ):
            yield row, lots.get(row.id)


def _is_final(reader: Reader, to_at: int) -> bool:
    """Say whether a final block is of a later day: no block of this day can come any more, or change."""
    newest = reader.connection.execute(
        select(func.max(_BLOCKS.c.timestamp)).where(_BLOCKS.c.number <= reader.final_to())
    ).scalar_one()
    return newest is not None and newest >= to_at


def _hash_of(connection: Connection, segment_id: int) -> str:
    found: str = connection.execute(
        select(_SEGMENTS.c.block_hash).where(_SEGMENTS.c.id == segment_id)
    ).scalar_one()
    return found


def _file(name: str, media_type: str, content: bytes) -> DayFile:
    return DayFile(name, media_type, content, hashlib.sha256(content).hexdigest())
