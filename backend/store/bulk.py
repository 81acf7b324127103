"""The fast lane: many rows in one statement, never an object a row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import BigInteger, Boolean, Connection, Integer, LargeBinary, Table

Rows = Sequence[tuple[Any, ...]]
"""Values in the order of the table's columns."""


def insert_rows(connection: Connection, table: Table, rows: Rows, *, columns: Sequence[str] | None = None) -> None:
    """Insert rows that are not there yet: by a prepared statement into SQLite, by COPY into PostgreSQL."""
    if not rows:
        return
    names = list(columns) if columns is not None else [column.name for column in table.columns]
    raw: Any = connection.connection.dbapi_connection
    if connection.dialect.name == "sqlite":
        raw.executemany(_insert(table, names), rows)
        return
    listed = ", ".join(names)
    with (
        raw.cursor() as cursor,
        cursor.copy(f"COPY {table.name} ({listed}) FROM STDIN (FORMAT BINARY)") as copy,
    ):
        copy.set_types([_copied_as(table.columns[name].type) for name in names])
        for row in rows:
            copy.write_row(row)


def replace_rows(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert rows; where the key, which is one column, is there already, the new row stands."""
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        raw: Any = connection.connection.dbapi_connection
        raw.executemany(_insert(table, [c.name for c in table.columns], "OR REPLACE "), rows)
        return
    (key,) = table.primary_key.columns
    at = list(table.columns).index(key)
    delete_rows(connection, table, [row[at] for row in rows])
    insert_rows(connection, table, rows)


def delete_rows(connection: Connection, table: Table, keys: Sequence[Any]) -> None:
    """Delete the rows with these keys; the key is one column."""
    if not keys:
        return
    (key,) = table.primary_key.columns
    raw: Any = connection.connection.dbapi_connection
    if connection.dialect.name == "sqlite":
        raw.executemany(f"DELETE FROM {table.name} WHERE {key.name} = ?", [(value,) for value in keys])
        return
    with raw.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table.name} WHERE {key.name} = ANY(%s)", (list(keys),))


def learn_sizes(connection: Connection, tables: Iterable[Table]) -> None:
    """Let PostgreSQL see how large these tables have become.

    It plans by what it last saw, and looks by itself only some time after a backfill: until then it would
    read all of a large table for a few rows. SQLite follows its indexes anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"ANALYZE {', '.join(table.name for table in tables)}")


def _insert(table: Table, names: Sequence[str], how: str = "") -> str:
    return f"INSERT {how}INTO {table.name} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"


def _copied_as(kind: Any) -> str:
    match kind:
        case BigInteger():
            return "int8"
        case Boolean():
            return "bool"
        case Integer():
            return "int4"
        case LargeBinary():
            return "bytea"
        case _:
            return "text"
