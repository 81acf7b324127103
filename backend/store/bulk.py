"""The fast lane: many rows in one statement, never an object a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

_LIFT_SQLITE = "INSERT INTO lift (bin, segment_id, position) VALUES (?, ?, ?)"


def insert_lifts(connection: Connection, lifts: Sequence[tuple[int, int, int]]) -> None:
    """Insert (bin, segment id, position) rows, sorted by bin so that the index grows in order."""
    rows = sorted(lifts)
    raw: Any = connection.connection.dbapi_connection
    if connection.dialect.name == "sqlite":
        raw.executemany(_LIFT_SQLITE, rows)
        return
    with raw.cursor() as cursor, cursor.copy("COPY lift (bin, segment_id, position) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
