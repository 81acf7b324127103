"""What came into a park and what came out of it, by day: over its own site and the plants in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, or_, select

from backend.domain.mass_flows import Flow, Move, Place
from backend.domain.periods import Period
from backend.domain.types import Basis, SiteKind, device_text, organisation_text
from backend.store.products import MADE
from backend.store.reading.balance import move_of
from backend.store.tables import MassDay, MassMove, ProductAmount, SiteName, table_of

_DAYS, _MOVES, _PRODUCTS = table_of(MassDay), table_of(MassMove), table_of(ProductAmount)
_SITES = table_of(SiteName)
_INWARD = (int(Flow.TAKEN), int(Flow.UNATTESTED))


class Inward(NamedTuple):
    """What was received of a stream on a day, in grams, and in how many receipts."""

    day: int
    stream: int
    grams: int
    facts: int


class Made(NamedTuple):
    """What was made of a product, or what closed lots left as (`fate` not 0), on a day; in the product's unit."""

    day: int
    product: int
    fate: int
    amount: int
    facts: int


class ProductFact(NamedTuple):
    """One item of a transformation, or one closed lot."""

    device: str
    seq: int
    lot: str
    product: int
    amount: int
    fate: int
    occurred_at: int


class ParkReader:
    """Reads parks within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def places_of(self, park: int) -> list[Place]:
        """Return where a park's grams can be: its site, the plants in it, and what its operator took unnamed.

        The last only where the operator has one park: else nobody can say whose it is.
        """
        rows = self._connection.execute(
            select(_SITES.c.site, _SITES.c.kind, _SITES.c.parent).where(
                or_(_SITES.c.parent == device_text(park), _SITES.c.organisation == device_text(park)[:6])
            )
        ).all()
        within = [park, *sorted(int(row.site, 16) for row in rows if row.parent == device_text(park))]
        places = [Place(site >> 40, site) for site in within]
        parks = [row for row in rows if row.kind == SiteKind.PARK and row.site[:6] == device_text(park)[:6]]
        return places if len(parks) > 1 else [*places, Place(park >> 40, 0)]

    def inward(self, places: Sequence[Place], period: Period) -> list[Inward]:
        """Return the receipts of these places by day and stream."""
        rows = self._connection.execute(
            select(
                _DAYS.c.day,
                _DAYS.c.stream,
                func.sum(_DAYS.c.grams).label("grams"),
                func.sum(_DAYS.c.facts).label("facts"),
            )
            .where(
                # A list of days, not a range: each is then sought out, and other places' rows are not read.
                _DAYS.c.day.in_(list(period.days)),
                *_within(_DAYS, places),
                _DAYS.c.flow.in_(_INWARD),
            )
            .group_by(_DAYS.c.day, _DAYS.c.stream)
            .order_by(_DAYS.c.day, _DAYS.c.stream)
        )
        return [Inward(row.day, row.stream, int(row.grams), int(row.facts)) for row in rows]

    def made(self, places: Sequence[Place], period: Period) -> list[Made]:
        """Return what was made there, and what their closed lots left as, by day and product."""
        rows = self._connection.execute(
            select(
                _PRODUCTS.c.day,
                _PRODUCTS.c.product,
                _PRODUCTS.c.fate,
                func.sum(_PRODUCTS.c.amount).label("amount"),
                func.count().label("facts"),
            )
            .where(*_at(places, period))
            .group_by(_PRODUCTS.c.day, _PRODUCTS.c.product, _PRODUCTS.c.fate)
            .order_by(_PRODUCTS.c.day, _PRODUCTS.c.product, _PRODUCTS.c.fate)
        )
        return [Made(row.day, row.product, row.fate, int(row.amount), row.facts) for row in rows]

    def count_receipts(self, places: Sequence[Place], period: Period, *, stream: int | None = None) -> int:
        """Return how many receipts there are."""
        query = select(func.count()).select_from(_MOVES).where(*_received(places, period, stream))
        return int(self._connection.execute(query).scalar_one())

    def receipts(
        self,
        places: Sequence[Place],
        period: Period,
        *,
        stream: int | None = None,
        offset: int = 0,
        limit: int = 20,
    ) -> list[Move]:
        """Return receipts, the newest first; a weighed one cites its ticket."""
        rows = self._connection.execute(
            select(_MOVES)
            .where(*_received(places, period, stream))
            .order_by(_MOVES.c.occurred_at.desc(), _MOVES.c.id.desc())
            .offset(offset)
            .limit(limit)
        )
        return [move_of(row) for row in rows]

    def count_facts(self, places: Sequence[Place], period: Period, *, product: int, fate: int = MADE) -> int:
        """Return how many entries made this product, or let it leave."""
        query = select(func.count()).select_from(_PRODUCTS)
        return int(self._connection.execute(query.where(*_of(places, period, product, fate))).scalar_one())

    def facts(
        self, places: Sequence[Place], period: Period, *, product: int, fate: int = MADE, offset: int, limit: int
    ) -> list[ProductFact]:
        """Return the entries behind an amount, oldest first."""
        rows = self._connection.execute(
            select(_PRODUCTS)
            .where(*_of(places, period, product, fate))
            .order_by(_PRODUCTS.c.occurred_at, _PRODUCTS.c.device, _PRODUCTS.c.seq, _PRODUCTS.c.place)
            .offset(offset)
            .limit(limit)
        )
        return [
            ProductFact(r.device, r.seq, r.lot or r.source, r.product, r.amount, r.fate, r.occurred_at)
            for r in rows
        ]

    def newest_day(self, places: Sequence[Place]) -> int | None:
        """Return the newest day on which anything was made or closed there."""
        days = [
            self._connection.execute(
                select(func.max(_PRODUCTS.c.day)).where(*_within(_PRODUCTS, [place]))
            ).scalar_one()
            for place in places
        ]
        return max((day for day in days if day is not None), default=None)


def is_weighed(move: Move) -> bool:
    """Say whether a receipt cites a ticket of a scale."""
    return move.basis == Basis.WEIGHED


def _within(table: Any, places: Sequence[Place]) -> tuple[Any, Any]:
    return (
        table.c.organisation.in_(sorted({organisation_text(place.organisation) for place in places})),
        table.c.site.in_([device_text(place.site) for place in places]),
    )


def _at(places: Sequence[Place], period: Period) -> tuple[Any, ...]:
    return (
        *_within(_PRODUCTS, places),
        _PRODUCTS.c.day.between(period.first_day, period.last_day),
    )


def _of(places: Sequence[Place], period: Period, product: int, fate: int) -> tuple[Any, ...]:
    return (*_at(places, period), _PRODUCTS.c.product == product, _PRODUCTS.c.fate == fate)


def _received(places: Sequence[Place], period: Period, stream: int | None) -> list[Any]:
    where: list[Any] = [
        _MOVES.c.day.in_(list(period.days)),
        _MOVES.c.flow.in_(_INWARD),
        *_within(_MOVES, places),
    ]
    return where if stream is None else [*where, _MOVES.c.stream == stream]
