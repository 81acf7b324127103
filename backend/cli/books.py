"""The books as the label and import commands need them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from backend.cli.places import open_database
from backend.domain.label import label_serial
from backend.domain.types import BinNumber, SiteId, Stream, device_text
from backend.exchange.points import CollectionPoint, SinkCounts
from backend.labels.layout import BinLabel
from backend.settings import Settings
from backend.store.directory import DirectoryStore


class _Bins:
    def __init__(self, directory: DirectoryStore) -> None:
        self._directory = directory

    def bins(self, *, site: SiteId | None) -> Iterable[BinLabel]:
        for row in self._directory.bins(None if site is None else device_text(site)):
            serial = label_serial(bytes.fromhex(row.serial))
            number, stream = BinNumber(int(row.number, 16)), Stream(row.stream)
            yield BinLabel(number, serial, stream, row.name_zh or "", row.name_en or "")


class _Points:
    def __init__(self, directory: DirectoryStore) -> None:
        self._directory = directory

    def import_points(self, points: Sequence[CollectionPoint]) -> SinkCounts:
        by_source: dict[str, list[CollectionPoint]] = {}
        for point in points:
            by_source.setdefault(point.source, []).append(point)
        added = changed = 0
        for source, listed in by_source.items():
            new, other = self._directory.put_points(source, [point_row(point) for point in listed])
            added, changed = added + new, changed + other
        return SinkCounts(added, changed, len(points) - added - changed)


def point_row(point: CollectionPoint) -> dict[str, Any]:
    """Return a collection point as a row of the directory."""
    return {
        "code": point.code,
        "name_zh": point.name_zh,
        "name_en": point.name_en,
        "address": point.address,
        "district": point.district,
        "lat": point.lat,
        "lng": point.lng,
        "streams": ",".join(stream.name.lower() for stream in point.streams),
        "details": json.dumps(
            {
                "name_zh_hans": point.name_zh_hans,
                "route": point.route,
                "truck": point.truck,
                "arrives_at": point.arrives_at,
                "leaves_at": point.leaves_at,
                "line": point.line,
            },
            ensure_ascii=False,
        ),
    }


def point_of(row: Any) -> CollectionPoint:
    """Return the collection point that a row of the directory holds."""
    return CollectionPoint(
        source=row.source,
        code=row.code,
        name_zh=row.name_zh,
        name_en=row.name_en,
        address=row.address,
        district=row.district,
        lat=row.lat,
        lng=row.lng,
        streams=tuple(Stream[name.upper()] for name in row.streams.split(",") if name),
        **json.loads(row.details),
    )


@contextmanager
def open_bin_source() -> Iterator[_Bins]:
    """Yield the bins of the books."""
    with open_database(Settings().data_dir) as database, database.transaction(writes=False) as connection:
        yield _Bins(DirectoryStore(connection))


@contextmanager
def open_point_sink() -> Iterator[_Points]:
    """Yield the directory, in one transaction."""
    with open_database(Settings().data_dir) as database, database.transaction() as connection:
        yield _Points(DirectoryStore(connection))
