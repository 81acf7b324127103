"""A day's mass balance of all sites, from the sums that are kept; and the moves behind each figure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, false, func, or_, select

from backend.domain.mass_balance import Line, RowKey, is_beyond, row_of
from backend.domain.mass_balance import Row as BalanceRow
from backend.domain.mass_flows import Flow, Move, Place
from backend.domain.tolerances import ToleranceRule
from backend.domain.types import Basis, device_text, organisation_text
from backend.store.mass_moves import STRETCH_BITS
from backend.store.tables import MassDay, MassMove, MassStretch, OpenedSite, table_of

_DAYS, _MOVES, _SITES = table_of(MassDay), table_of(MassMove), table_of(OpenedSite)
_STRETCHES = table_of(MassStretch)


_TextKey = tuple[str, str, int]
"""(organisation, site, stream) as they are stored: ids of full width, which sort as their numbers do."""


class Asked(NamedTuple):
    """Which rows are wanted; None is all of them. `site` is 0 for those of which the chain names no site."""

    organisation: int | None = None
    site: int | None = None
    stream: int | None = None


EVERYTHING = Asked()


@dataclass(frozen=True)
class Days:
    """The first and the last day on which anything moved."""

    first: int
    last: int


class BalanceReader:
    """Reads mass balances within one transaction."""

    def __init__(self, connection: Connection, rules: Sequence[ToleranceRule]) -> None:
        self._connection, self._rules = connection, rules

    def days(self) -> Days | None:
        """Return the days that there is anything of; None while there is nothing."""
        first, last = self._connection.execute(select(func.min(_DAYS.c.day), func.max(_DAYS.c.day))).one()
        return None if first is None else Days(first, last)

    def kinds(self) -> dict[int, int]:
        """Return the kind of every site, as its registrar sealed it."""
        rows = self._connection.execute(select(_SITES.c.site, _SITES.c.site_kind))
        return {int(row.site, 16): row.site_kind for row in rows}

    def table(self, day: int, asked: Asked = EVERYTHING, *, through: int | None = None) -> list[BalanceRow]:
        """Return the rows of a day by place and stream; those in which nothing lay or happened are left out.

        With `through` the rows are of all days up to and with that one.
        """
        openings = self._openings(day, asked)
        lines: dict[_TextKey, list[Line]] = {}
        grouped = (*_key_of(_DAYS), _DAYS.c.flow, _DAYS.c.is_late)
        # The database adds a month up faster than its rows can be brought here.
        added = (func.sum(_DAYS.c[name]) for name in Line._fields[2:])
        sums = select(*grouped, *added).where(_on(_DAYS, day, through), *_where(_DAYS, asked)).group_by(*grouped)
        for organisation, site, stream, flow, is_late, *figures in self._connection.execute(sums):
            line = (flow, is_late, *map(int, figures))
            lines.setdefault((organisation, site, stream), []).append(Line(*line))
        beyond = self._beyond(day, asked, through)
        rows = []
        for text in sorted({*openings, *lines}):
            key = RowKey(Place(int(text[0], 16), int(text[1], 16)), text[2])
            opening = openings.get(text, 0)
            rows.append(row_of(key, day, opening=opening, lines=lines.get(text, ()), beyond=beyond[key]))
        return [row for row in rows if not row.is_empty]

    def _openings(self, day: int, asked: Asked) -> dict[_TextKey, int]:
        stretch, openings = day >> STRETCH_BITS, dict[_TextKey, int]()
        days = and_(_DAYS.c.day >= stretch << STRETCH_BITS, _DAYS.c.day < day)
        for table, before in ((_STRETCHES, _STRETCHES.c.stretch < stretch), (_DAYS, days)):
            place = _key_of(table)
            sums = select(*place, func.sum(table.c.delta))
            for *text, grams in self._connection.execute(
                sums.where(before, *_where(table, asked)).group_by(*place)
            ):
                key = (text[0], text[1], text[2])
                openings[key] = openings.get(key, 0) + int(grams)
        return openings

    def _beyond(self, day: int, asked: Asked, through: int | None) -> Counter[RowKey]:
        """Count the handoffs beyond tolerance; only those that a rule for their basis could mean are read."""
        difference = func.abs(_MOVES.c.grams - _MOVES.c.given)
        could_be = [
            and_(
                _MOVES.c.given_basis == int(basis),
                difference > min(rule.floor_grams for rule in of_basis),
                difference * 1000 > _MOVES.c.given * min(rule.permille_max for rule in of_basis),
            )
            for basis in Basis
            if (of_basis := [rule for rule in self._rules if basis in rule.bases])
        ]
        rows = self._connection.execute(
            select(_MOVES).where(
                _on(_MOVES, day, through),
                _MOVES.c.flow == int(Flow.TAKEN),
                or_(false(), *could_be),
                *_where(_MOVES, asked),
            )
        )
        return Counter(_key(row) for row in rows if is_beyond(move_of(row), self._rules))

    def moves(
        self,
        day: int,
        asked: Asked,
        *,
        through: int | None = None,
        flow: Flow | None = None,
        offset: int = 0,
        limit: int = 200,
    ) -> list[Move]:
        """Return what happened in a day, in the order in which the devices' clocks have it."""
        rows = self._connection.execute(
            select(_MOVES)
            .where(*self._of_days(day, through, asked, flow))
            .order_by(_MOVES.c.occurred_at, _MOVES.c.id)
            .offset(offset)
            .limit(limit)
        )
        return [move_of(row) for row in rows]

    def count_moves(self, day: int, asked: Asked, *, through: int | None = None, flow: Flow | None = None) -> int:
        """Return how many there are of these."""
        where = self._of_days(day, through, asked, flow)
        return int(self._connection.execute(select(func.count()).select_from(_MOVES).where(*where)).scalar_one())

    def odd_moves(self, day: int, asked: Asked, *, through: int | None = None, limit: int = 50) -> list[Move]:
        """Return the moves whose declared grams are not what the lot's own grams changed by."""
        rows = self._connection.execute(
            select(_MOVES)
            .where(
                *self._of_days(day, through, asked, None),
                _MOVES.c.flow.not_in((int(Flow.OPENED), int(Flow.OFFERED), int(Flow.WITHIN))),
                _MOVES.c.grams != func.abs(_MOVES.c.delta),
            )
            .order_by(_MOVES.c.id)
            .limit(limit)
        )
        return [move_of(row) for row in rows]

    def _of_days(self, day: int, through: int | None, asked: Asked, flow: Flow | None) -> list[Any]:
        shown = _MOVES.c.flow != int(Flow.OPENED) if flow is None else _MOVES.c.flow == int(flow)
        return [_on(_MOVES, day, through), shown, *_where(_MOVES, asked)]


def _on(table: Any, day: int, through: int | None) -> Any:
    return table.c.day == day if through is None else table.c.day.between(day, through)


def _where(table: Any, asked: Asked) -> list[Any]:
    where = []
    if asked.organisation is not None:
        where.append(table.c.organisation == organisation_text(asked.organisation))
    if asked.site is not None:
        where.append(table.c.site == device_text(asked.site))
    if asked.stream is not None:
        where.append(table.c.stream == asked.stream)
    return where


def place_of(row: Any) -> Place:
    """Return where a row's grams are."""
    return Place(int(row.organisation, 16), int(row.site, 16))


def _key_of(table: Any) -> tuple[Any, Any, Any]:
    return table.c.organisation, table.c.site, table.c.stream


def _key(row: Any) -> RowKey:
    return RowKey(place_of(row), row.stream)


def move_of(row: Any) -> Move:
    """Return the move that a row holds."""
    return Move(
        int(row.device, 16),
        row.seq,
        int(row.lot, 16),
        place_of(row),
        row.stream,
        row.occurred_at,
        row.day,
        row.recorded_day,
        Flow(row.flow),
        row.grams,
        row.delta,
        row.basis,
        row.given,
        row.given_basis,
    )
