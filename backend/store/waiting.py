"""What was handed in and is not on the ledger yet: how much, and since when."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from backend.domain.types import organisation_of, organisation_text
from backend.store.tables import AcceptedSegment, table_of

_SEGMENTS = table_of(AcceptedSegment)
_WAITING = ("queued", "sent")
STATES = (*_WAITING, "refused")


@dataclass(frozen=True)
class Backlog:
    """Segments by state, and when the oldest that still waits was received (Unix seconds)."""

    by_state: dict[str, int]
    oldest_received_at: int | None

    @property
    def waiting(self) -> int:
        """How many still wait for the chain."""
        return sum(self.by_state[state] for state in _WAITING)


@dataclass(frozen=True)
class Overdue:
    """An upload receipt that should have been on the ledger by now. Its device is not told."""

    receipt_id: str
    organisation: str
    received_at: int
    entries: int
    state: str
    reason: int | None


def backlog(connection: Connection) -> Backlog:
    """Return what waits, and what the ledger has refused."""
    rows = connection.execute(
        select(_SEGMENTS.c.state, func.count(), func.min(_SEGMENTS.c.received_at))
        .where(_SEGMENTS.c.state.in_(STATES))
        .group_by(_SEGMENTS.c.state)
    ).all()
    found = {state: count for state, count, _ in rows}
    waiting = [oldest for state, _, oldest in rows if state in _WAITING]
    return Backlog({state: found.get(state, 0) for state in STATES}, min(waiting, default=None))


def count_overdue(connection: Connection, *, received_before: int) -> int:
    """Return how many receipts are older than this and not on the ledger."""
    return connection.execute(
        select(func.count()).where(_SEGMENTS.c.state.in_(STATES), _SEGMENTS.c.received_at < received_before)
    ).scalar_one()


def overdue(connection: Connection, *, received_before: int, limit: int) -> list[Overdue]:
    """Return the receipts that are older than this and not on the ledger, the oldest first."""
    rows = connection.execute(
        select(_SEGMENTS)
        .where(_SEGMENTS.c.state.in_(STATES), _SEGMENTS.c.received_at < received_before)
        .order_by(_SEGMENTS.c.received_at, _SEGMENTS.c.id)
        .limit(limit)
    ).all()
    return [
        Overdue(
            row.receipt_id,
            organisation_text(organisation_of(int(row.device, 16))),
            row.received_at,
            row.last_seq - row.first_seq + 1,
            row.state,
            row.reason,
        )
        for row in rows
    ]
