"""Where in the books a time begins: segments are numbered in the order of their blocks."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from backend.store.tables import LedgerSegment, table_of

_SEGMENTS = table_of(LedgerSegment)


def first_segment_at(connection: Connection, at: int) -> int:
    """Return the id of the first segment in a block of this time or later, or one past the last."""
    low, high = 1, (connection.execute(select(func.max(_SEGMENTS.c.id))).scalar_one() or 0) + 1
    while low < high:
        middle = (low + high) // 2
        time = connection.execute(select(_SEGMENTS.c.block_time).where(_SEGMENTS.c.id == middle)).scalar_one()
        low, high = (middle + 1, high) if time < at else (low, middle)
    return low
