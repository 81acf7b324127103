"""Lifts and grams by quarter of an hour, street and day: two rows of 96 numbers packed into one value.

A city's day is then as many rows as it has streets, however many lifts there were.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
from sqlalchemy import Connection, select

from backend.store.intake import upsert
from backend.store.tables import QuarterTally, table_of

QUARTERS: Final = 96
QUARTER_SECONDS: Final = 900
_QUARTERS = table_of(QuarterTally)
_SHAPE: Final = (2, QUARTERS)
_ROWS_A_QUERY: Final = 200

Key = tuple[int, str]
"""(day, site)"""


def quarters_of(*, day_seconds: Any, place: Any, count: int, grams: Any) -> Any:
    """Return lifts and grams by place and quarter, of shape (count, 2, 96); `day_seconds` are since midnight."""
    at = place * QUARTERS + day_seconds // QUARTER_SECONDS
    lifts = np.bincount(at, minlength=count * QUARTERS)
    mass = np.zeros(count * QUARTERS, dtype=np.int64)
    # Not by weights: those are floating point, and a busy year has more grams than they can tell apart.
    np.add.at(mass, at, grams)
    return np.stack([lifts.reshape(count, QUARTERS), mass.reshape(count, QUARTERS)], axis=1)


def packed(values: Any) -> bytes:
    """Return lifts and grams of 96 quarters as they are kept."""
    return np.asarray(values).astype(">u8").tobytes()


def unpacked(values: Iterable[bytes]) -> Any:
    """Return what is kept of some rows, of shape (rows, 2, 96)."""
    octets = b"".join(values)
    return np.frombuffer(octets, dtype=">u8").astype(np.int64).reshape(-1, *_SHAPE)


def add_quarters(connection: Connection, added: Mapping[Key, Any]) -> None:
    """Add what some segments count for."""
    listed = sorted(added)
    before: dict[Key, bytes] = {}
    for day in sorted({day for day, _ in listed}):
        sites = [site for of, site in listed if of == day]
        for start in range(0, len(sites), _ROWS_A_QUERY):
            rows = connection.execute(
                select(_QUARTERS.c.site, _QUARTERS.c.packed).where(
                    _QUARTERS.c.day == day, _QUARTERS.c.site.in_(sites[start : start + _ROWS_A_QUERY])
                )
            )
            before.update(((day, row.site), bytes(row.packed)) for row in rows)
    rows_now = [
        {
            "day": key[0],
            "site": key[1],
            "packed": packed(added[key] + (unpacked([before[key]])[0] if key in before else 0)),
        }
        for key in listed
    ]
    for start in range(0, len(rows_now), _ROWS_A_QUERY):
        upsert(connection, _QUARTERS, rows_now[start : start + _ROWS_A_QUERY])
