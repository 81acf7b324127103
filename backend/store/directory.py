"""Names and places: what the chain does not hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, insert, select, update

from backend.store.intake import upsert
from backend.store.tables import BinLabel, CollectionPoint, OrganisationName, SiteName, table_of

_ORGANISATIONS, _SITES = table_of(OrganisationName), table_of(SiteName)
_POINTS, _BINS = table_of(CollectionPoint), table_of(BinLabel)


class DirectoryStore:
    """The directory within one transaction. Rows are given as mappings of the tables' columns."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put_organisations(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add organisations' names, or change them."""
        upsert(self._connection, _ORGANISATIONS, [dict(row) for row in rows])

    def put_sites(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add sites, or change what is said of them."""
        upsert(self._connection, _SITES, [dict(row) for row in rows])

    def points(self, source: str) -> dict[str, int]:
        """Return the ids of a source's collection points by their code."""
        rows = self._connection.execute(select(_POINTS.c.code, _POINTS.c.id).where(_POINTS.c.source == source))
        return {row.code: row.id for row in rows}

    def add_points(self, source: str, rows: Iterable[Mapping[str, Any]]) -> int:
        """Add the collection points whose (source, code) is new; return how many were."""
        known = set(self.points(source))
        new = [{**row, "source": source} for row in rows if row["code"] not in known]
        for start in range(0, len(new), 500):
            self._connection.execute(insert(_POINTS), new[start : start + 500])
        return len(new)

    def put_points(self, source: str, rows: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
        """Add collection points or change them; return how many were new and how many changed."""
        known = {row.code: row for row in self.point_rows(source)}
        new = [{**row, "source": source} for row in rows if row["code"] not in known]
        changed = 0
        for row in rows:
            before = known.get(row["code"])
            if before is not None and any(getattr(before, name) != value for name, value in row.items()):
                self._connection.execute(update(_POINTS).where(_POINTS.c.id == before.id).values(**row))
                changed += 1
        for start in range(0, len(new), 500):
            self._connection.execute(insert(_POINTS), new[start : start + 500])
        return len(new), changed

    def point_rows(self, source: str) -> list[Any]:
        """Return a source's collection points."""
        return list(
            self._connection.execute(select(_POINTS).where(_POINTS.c.source == source).order_by(_POINTS.c.id))
        )

    def add_bins(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add bins."""
        for start in range(0, len(rows), 500):
            self._connection.execute(insert(_BINS), [dict(row) for row in rows[start : start + 500]])

    def bins(self, site: str | None = None) -> list[Any]:
        """Return the bins of a site, or all, with their labels' serials."""
        statement = (
            select(_BINS, _POINTS.c.name_zh, _POINTS.c.name_en, _POINTS.c.code, _POINTS.c.source)
            .outerjoin(_POINTS, _POINTS.c.id == _BINS.c.point_id)
            .order_by(_BINS.c.point_id, _BINS.c.stream, _BINS.c.number)
        )
        if site is not None:
            statement = statement.where(_BINS.c.site == site)
        return list(self._connection.execute(statement).all())

    def names(self) -> set[str]:
        """Return everything that people call organisations, sites and points, and where points are."""
        columns = [
            *(_ORGANISATIONS.c.name_zh, _ORGANISATIONS.c.name_en, _SITES.c.name_zh, _SITES.c.name_en),
            *(_POINTS.c.name_zh, _POINTS.c.name_en, _POINTS.c.address, _POINTS.c.district),
        ]
        found: set[str] = set()
        for column in columns:
            found.update(self._connection.execute(select(column).distinct()).scalars())
        return {name for name in found if name}

    def positions(self) -> set[tuple[float, float]]:
        """Return where sites and points are, in degrees: latitude, longitude."""
        found: set[tuple[float, float]] = set()
        for table in (_SITES, _POINTS):
            rows = self._connection.execute(select(table.c.lat, table.c.lng))
            found.update((row.lat, row.lng) for row in rows if row.lat is not None and row.lng is not None)
        return found
