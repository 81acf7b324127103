"""How things stand in the city now, and which way the grams of a day or a month went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, func, literal, select

from backend.domain.custody_state import LotStatus
from backend.domain.mass_balance import is_beyond
from backend.domain.mass_flows import Flow, Move, Place
from backend.domain.tolerances import ToleranceRule
from backend.store.reading.balance import move_of, place_of
from backend.store.slots import queues_kept
from backend.store.tables import LotRow, MassMove, table_of

_LOTS, _MOVES = table_of(LotRow), table_of(MassMove)
_IN_CUSTODY = tuple(int(status) for status in (LotStatus.HELD, LotStatus.GIVEN, LotStatus.LEAVING))
# Written into the statement: SQLite uses the index over offered lots for no value that it is told later.
_GIVEN = literal(int(LotStatus.GIVEN), literal_execute=True)
_PASSED_ON = tuple(int(flow) for flow in (Flow.TAKEN, Flow.MOVED_IN))


class Held(NamedTuple):
    """Lots of one stream that somebody answers for now."""

    stream: int
    lots: int
    grams: int


@dataclass(frozen=True)
class Offer:
    """A lot that was given and that nobody has taken; `since` is the giver's clock."""

    lot: str
    stream: int
    grams: int
    holder: str
    seq: int
    to: str | None
    since: int


@dataclass(frozen=True)
class Difference:
    """A handoff whose two masses differ, with the giver's place."""

    taken: Move
    giver: Place
    is_beyond: bool

    @property
    def grams(self) -> int:
        """Taken less given."""
        return self.taken.grams - self.taken.given


class Passage(NamedTuple):
    """Grams that went from one place to another."""

    source: Place
    target: Place
    stream: int
    flow: Flow
    grams: int
    facts: int


class CityReader:
    """Reads the city's state within one transaction."""

    def __init__(self, connection: Connection, rules: Sequence[ToleranceRule]) -> None:
        self._connection, self._rules = connection, rules

    def held(self) -> list[Held]:
        """Return what is in custody now, by stream."""
        rows = self._connection.execute(
            select(_LOTS.c.stream, func.count().label("lots"), func.sum(_LOTS.c.grams).label("grams"))
            .where(_LOTS.c.status.in_(_IN_CUSTODY), _LOTS.c.grams > 0)
            .group_by(_LOTS.c.stream)
            .order_by(_LOTS.c.stream)
        )
        return [Held(row.stream, row.lots, int(row.grams)) for row in rows]

    def count_offers(self, *, before: int | None = None) -> int:
        """Return how many lots are given and not taken; of those given before an instant."""
        where = [_LOTS.c.status == _GIVEN]
        if before is not None:
            where.append(_offered_at() < before)
        return int(self._connection.execute(select(func.count()).select_from(_LOTS).where(*where)).scalar_one())

    def offers(self, *, limit: int) -> list[Offer]:
        """Return lots that are given and not taken, those that wait longest first."""
        since = _offered_at()
        rows = self._connection.execute(
            select(_LOTS, since.label("occurred_at"))
            .where(_LOTS.c.status == _GIVEN, since.is_not(None))
            .order_by(since, _LOTS.c.lot)
            .limit(limit)
        )
        return [
            Offer(
                row.lot,
                row.stream,
                row.grams,
                row.holder,
                row.give_seq,
                row.given_to_organisation,
                row.occurred_at,
            )
            for row in rows
        ]

    def count_waiting(self) -> int:
        """Return in how many queues steps wait for what another journal has yet to tell."""
        return len(queues_kept(self._connection))

    def waiting_lots(self) -> list[int]:
        """Return the lots that these steps are of."""
        return sorted({lot for lot, *_ in queues_kept(self._connection)})

    def differences(self, day: int, through: int | None, *, limit: int) -> list[Difference]:
        """Return the handoffs of these days whose masses differ most, those beyond tolerance first."""
        giver = _MOVES.alias("giver")
        difference = func.abs(_MOVES.c.grams - _MOVES.c.given)
        rows = self._connection.execute(
            select(_MOVES, giver.c.organisation.label("of"), giver.c.site.label("at"))
            .join(giver, giver.c.id == _MOVES.c.id - 1)
            .where(_days(day, through), _MOVES.c.flow == int(Flow.TAKEN), difference > 0)
            .order_by(difference.desc(), _MOVES.c.id)
            .limit(10 * limit)
        )
        found = [
            Difference(move_of(row), Place(int(row.of, 16), int(row.at, 16)), is_beyond(move_of(row), self._rules))
            for row in rows
        ]
        return sorted(found, key=lambda one: (not one.is_beyond, -abs(one.grams)))[:limit]

    def passages(self, day: int, through: int | None = None) -> list[Passage]:
        """Return what went from place to place: each receipt stands right behind what its giver let go."""
        source = _MOVES.alias("source")
        place = (source.c.organisation, source.c.site, _MOVES.c.organisation, _MOVES.c.site)
        key = (*place, _MOVES.c.stream, _MOVES.c.flow)
        rows = self._connection.execute(
            select(
                source.c.organisation.label("of"),
                source.c.site.label("from_site"),
                _MOVES.c.organisation,
                _MOVES.c.site,
                _MOVES.c.stream,
                _MOVES.c.flow,
                func.sum(_MOVES.c.grams).label("grams"),
                func.count().label("facts"),
            )
            .join(source, source.c.id == _MOVES.c.id - 1)
            .where(_days(day, through), _MOVES.c.flow.in_(_PASSED_ON))
            .group_by(*key)
            .order_by(*key)
        )
        return [
            Passage(
                Place(int(row.of, 16), int(row.from_site, 16)),
                place_of(row),
                row.stream,
                Flow(row.flow),
                int(row.grams),
                row.facts,
            )
            for row in rows
        ]


def _offered_at() -> Any:
    """Return when the give that a lot waits on happened, sought out lot by lot: few lots wait, moves are many."""
    is_offer = and_(
        _MOVES.c.lot == _LOTS.c.lot, _MOVES.c.flow == int(Flow.OFFERED), _MOVES.c.seq == _LOTS.c.give_seq
    )
    return select(_MOVES.c.occurred_at).where(is_offer).limit(1).scalar_subquery()


def _days(day: int, through: int | None) -> Any:
    return _MOVES.c.day == day if through is None else _MOVES.c.day.between(day, through)
