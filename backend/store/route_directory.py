"""One route's directory out of the books, each part from an index: a city has 300,000 bins."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select

from backend.domain.types import Role, SiteKind
from backend.store.reading import Reader
from backend.store.sealed_runs import Enrolments, Registrars, find_runs
from backend.store.tables import BinLabel, CollectionPoint, KnownDevice, OpenedSite, Placement, SiteName, table_of
from backend.usecases.route_directory import (
    BINS_MAX,
    EntryKey,
    ListedBin,
    ListedDevice,
    ListedPlacement,
    RouteDirectory,
)
from backend.usecases.views import Name, SiteView

_BINS, _POINTS, _SITES = table_of(BinLabel), table_of(CollectionPoint), table_of(SiteName)
_PLACEMENTS, _OPENED, _DEVICES = table_of(Placement), table_of(OpenedSite), table_of(KnownDevice)
_BIN_BYTES, _NUMBER_BYTES, _DIGEST_END = 43, 5, 37
_AT_GATES = (int(Role.GATE), int(Role.SCALE))
_PARTS = 500

Key = tuple[str, str]
"""(number, serial digest) of a bin"""


class TooManyBins(Exception):
    """The streets asked for have more bins than one answer holds."""

    def __init__(self, bins: int) -> None:
        super().__init__(f"{bins} bins stand there")
        self.bins = bins


def read_route(
    connection: Connection,
    *,
    organisation: str,
    streets: Sequence[str],
    now: int,
    seen_of: Callable[[str], int | None],
) -> RouteDirectory:
    """Return what a phone of an organisation carries: of these streets, or of all of the organisation's.

    Raises:
        TooManyBins: more than `BINS_MAX` stand in the streets asked for.
    """
    own = _counted(connection, _BINS.c.site.between(f"{organisation}{0:010x}", f"{organisation}{'f' * 10}"))
    asked = dict(own) if not streets else _counted(connection, _BINS.c.site.in_(set(streets)))
    are_left_out = not streets and sum(asked.values()) > BINS_MAX
    if sum(asked.values()) > BINS_MAX and streets:
        raise TooManyBins(sum(asked.values()))
    streets_read = [] if are_left_out else sorted(asked)
    sites = _sites(connection, organisation, asked)
    lost = set[EntryKey]()
    while True:
        registrars = Registrars(connection, seen_of, lost)
        opened = {site: entry for site, entry in _opened(connection, sites) if registrars.answer_for(entry)}
        points, placements, bins = _Bins(connection, streets_read, registrars).read()
        receivers = {site.organisation for site in sites if site.kind != SiteKind.STREET} - {organisation}
        devices = _devices(connection, organisation, sorted(receivers), now)
        found = RouteDirectory(
            organisations=Reader(connection).organisations(),
            sites=sites,
            streets=sorted(own.items()),
            are_bins_left_out=are_left_out,
            points=points,
            placements=placements,
            bins=bins,
            devices=[device for device in devices if registrars.answer_for(device.enrolled_by)],
            roots=registrars.roots(),
            registrars=registrars.listed(),
            opened_by=opened,
        )
        runs, run_of = find_runs(connection, found.entries())
        missing = found.entries() - run_of.keys()
        if not missing:
            break
        lost |= missing
    enrolments = Enrolments(runs, run_of)
    # A phone goes by the certificate, which may end before the ledger says so.
    live = [d for d in found.devices if not 0 < enrolments.not_after(d.enrolled_by) < now]
    return replace(found, devices=live, runs=runs, run_of=run_of)


def _counted(connection: Connection, where: Any) -> dict[str, int]:
    statement = select(_BINS.c.site, func.count().label("bins")).where(where).group_by(_BINS.c.site)
    return {row.site: row.bins for row in connection.execute(statement)}


def _sites(connection: Connection, organisation: str, asked: dict[str, int]) -> list[SiteView]:
    """Return the organisation's own sites, those asked for, and wherever a load may go."""
    rows = connection.execute(
        select(_SITES)
        .where(
            or_(
                _SITES.c.organisation == organisation,
                _SITES.c.kind != int(SiteKind.STREET),
                _SITES.c.site.in_(list(asked)),
            )
        )
        .order_by(_SITES.c.site)
    )
    return [
        SiteView(r.site, r.kind, r.organisation, Name(r.name_zh, r.name_en), r.parent, r.lat, r.lng, r.facts)
        for r in rows
    ]


def _opened(connection: Connection, sites: Sequence[SiteView]) -> Iterator[tuple[str, EntryKey]]:
    """Yield each site with the newest entry that attests it as what it is."""
    kinds = {site.site: site.kind for site in sites}
    for some in _parts(list(kinds)):
        rows = connection.execute(
            select(_OPENED).where(_OPENED.c.site.in_(some)).order_by(_OPENED.c.block_number, _OPENED.c.seq)
        )
        for row in rows:
            if row.site_kind == kinds[row.site]:
                yield row.site, (row.device, row.seq)


def _devices(
    connection: Connection, organisation: str, receivers: Sequence[str], now: int
) -> Iterator[ListedDevice]:
    """Yield the organisation's own devices, and those at the gates where a load may go."""
    lives = _DEVICES.c.is_revoked.is_(False), or_(_DEVICES.c.not_after == 0, _DEVICES.c.not_after >= now)
    columns = _DEVICES.c.device, _DEVICES.c.role, _DEVICES.c.registrar, _DEVICES.c.enrolled_seq
    statement = select(*columns).where(*lives, _DEVICES.c.registrar.is_not(None)).order_by(_DEVICES.c.device)
    asked = [_DEVICES.c.organisation == organisation]
    asked += [_DEVICES.c.organisation.in_(some) & _DEVICES.c.role.in_(_AT_GATES) for some in _parts(receivers)]
    for where in asked:
        for row in connection.execute(statement.where(where)):
            yield ListedDevice(row.device, row.role, (row.registrar, row.enrolled_seq))


class _Bins:
    """The bins of some streets: under seals where placements have them, else by themselves."""

    def __init__(self, connection: Connection, streets: Sequence[str], registrars: Registrars) -> None:
        self._connection, self._streets, self._registrars = connection, streets, registrars
        self._points: dict[int | None, int] = {}
        self._names: list[Name] = []

    def read(self) -> tuple[list[Name], list[ListedPlacement], list[ListedBin]]:
        """Return the points' names in the order of the street, the placements, and the bins without one."""
        standing = {(row.number, row.serial_digest): row for row in self._standing()}
        sealed: set[Key] = set()
        placements = []
        for row in reversed(list(self._placed())):
            # The newest placement says where a bin stands; an older one is shown whole, for its digest.
            places: list[int | None] = []
            for key, stream in _unpacked(bytes(row.packed)):
                there = standing.get(key)
                stands = there is not None and (there.site, there.stream) == (row.site, stream)
                counts = stands and key not in sealed
                places.append(self._points[there.point_id] if counts and there is not None else None)
                if counts:
                    sealed.add(key)
            if any(place is not None for place in places):
                entry = row.device, row.seq
                placements.append(ListedPlacement(row.site, entry, bytes(row.packed), tuple(places)))
        bins = [
            ListedBin(
                row.number,
                row.serial_digest,
                row.stream,
                row.site,
                self._points[row.point_id],
                row.placed_from,
            )
            for key, row in standing.items()
            if key not in sealed
        ]
        return self._names, placements[::-1], bins

    def _standing(self) -> Iterator[Row[Any]]:
        for some in _parts(self._streets):
            rows = self._connection.execute(
                select(_BINS, _POINTS.c.name_zh, _POINTS.c.name_en)
                .outerjoin(_POINTS, _POINTS.c.id == _BINS.c.point_id)
                .where(_BINS.c.site.in_(some))
                .order_by(_BINS.c.site, _BINS.c.point_id, _BINS.c.stream, _BINS.c.number)
            )
            for row in rows:
                self._name(row)
                yield row

    def _placed(self) -> Iterator[Row[Any]]:
        for some in _parts(self._streets):
            rows = self._connection.execute(
                select(_PLACEMENTS)
                .where(_PLACEMENTS.c.site.in_(some))
                .order_by(_PLACEMENTS.c.block_number, _PLACEMENTS.c.device, _PLACEMENTS.c.seq)
            )
            yield from (row for row in rows if self._registrars.answer_for((row.device, row.seq)))

    def _name(self, row: Row[Any]) -> None:
        if row.point_id not in self._points:
            self._points[row.point_id] = len(self._names)
            self._names.append(Name(row.name_zh or "", row.name_en or row.name_zh or ""))


def _unpacked(packed: bytes) -> Iterator[tuple[Key, int]]:
    """Yield each bin of a placement with its stream."""
    for at in range(0, len(packed), _BIN_BYTES):
        one = packed[at : at + _BIN_BYTES]
        key = one[:_NUMBER_BYTES].hex(), one[_NUMBER_BYTES:_DIGEST_END].hex()
        yield key, one[_DIGEST_END]


def _parts(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    return (texts[start : start + _PARTS] for start in range(0, len(texts), _PARTS))
