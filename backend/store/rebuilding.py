"""Books built again beside those that are served, and put in their place in one transaction.

SQLite: a file beside the database's. PostgreSQL: a schema of its own in the same database. What was handed in and
the directory of names are not books; they stay where they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, Table, func, select, text
from sqlalchemy.types import TypeEngine

from backend.store import slots
from backend.store.books import BOOK_TABLES
from backend.store.session import Database
from backend.store.tables import Block, Slot, table_of

_BLOCKS, _SLOTS = table_of(Block), table_of(Slot)
_MOVED: tuple[Table, ...] = (*BOOK_TABLES, _SLOTS)
_TABLES = tuple(table for table in _MOVED if table is not _BLOCKS)
_SCHEMA = "rebuilt"
_ROWS_A_READ = 200
# Numbers that a database hands out itself: they order rows, and mean nothing.
_SURROGATES = {"disagreement": "id", "refused_segment": "id"}


@contextmanager
def shadow_of(served: Database) -> Iterator[Database]:
    """Yield an empty database at the newest schema, in which books can be built; it is gone afterwards."""
    _drop(served)
    shadow = Database(_shadow_url(served))
    try:
        if not served.is_sqlite:
            with served.transaction() as connection:
                connection.execute(text(f"CREATE SCHEMA {_SCHEMA}"))
        shadow.migrate()
        yield shadow
    finally:
        shadow.close()
        _drop(served)


def swap(served: Database, shadow: Database, *, only_equal: bool = True) -> str | None:
    """Put the shadow's books in place of the served ones, and return their digest.

    With `only_equal` the two must be the same, byte for byte. While they stand on different blocks, nothing
    happens then and None is returned: the caller may let the shadow catch up and try again.

    Raises:
        BooksDiffer: they stand on the same block and are not equal.
    """
    with _exclusive(served) as connection:
        with shadow.transaction(writes=False) as other:
            if only_equal and _newest(connection) != _newest(other):
                return None
            theirs = books_digest(other)
        mine = books_digest(connection) if only_equal else theirs
        if mine != theirs:
            raise BooksDiffer(mine, theirs)
        _put_in_place(connection, served)
        return theirs


class BooksDiffer(Exception):
    """The books that were served are not those that follow from the chain; both digests are kept."""

    def __init__(self, served: str, rebuilt: str) -> None:
        super().__init__(f"the served books ({served}) are not those that follow from the chain ({rebuilt})")
        self.served, self.rebuilt = served, rebuilt


def books_digest(connection: Connection) -> str:
    """Return the SHA-256 of every row of the books, in one order for all databases.

    Of the fold's state the values in force count, and of the headers the newest: how many older ones are at
    hand, for a chain that goes back, depends on how the books came to be.
    """
    digest = hashlib.sha256()
    for table in _TABLES:
        digest.update(f"\n{table.name}\n".encode())
        for row in _in_force(connection) if table is _SLOTS else _all_rows(connection, table):
            digest.update(repr(tuple(_plain(value) for value in row)).encode())
    digest.update(repr(_newest(connection)).encode())
    return digest.hexdigest()


def _all_rows(connection: Connection, table: Table) -> Iterator[Row[Any]]:
    columns = [c for c in table.columns if c.name != _SURROGATES.get(table.name)]
    keys = [c for c in table.primary_key if c in columns] or columns
    order = [_in_bytes(key, connection) for key in keys]
    statement = select(*columns).order_by(*order).execution_options(yield_per=_ROWS_A_READ)
    yield from connection.execute(statement)


def _in_force(connection: Connection) -> Iterator[Row[Any]]:
    newest: Row[Any] | None = None
    for row in _all_rows(connection, _SLOTS):
        if newest is not None and (newest.name, newest.key) != (row.name, row.key):
            yield newest
        newest = None if row.value is None or row.name == slots.PRUNED else row
    if newest is not None:
        yield newest


def _in_bytes(column: Any, connection: Connection) -> Any:
    """Text sorts by its bytes, whatever the database's language."""
    kind: TypeEngine[Any] = column.type
    is_text = connection.dialect.name != "sqlite" and kind.python_type is str
    return func.convert_to(column, "UTF8") if is_text else column


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


def _newest(connection: Connection) -> tuple[int, str] | None:
    row = connection.execute(
        select(_BLOCKS.c.number, _BLOCKS.c.hash).order_by(_BLOCKS.c.number.desc()).limit(1)
    ).one_or_none()
    return None if row is None else (row.number, row.hash)


def _shadow_url(served: Database) -> str:
    if served.is_sqlite:
        return served.url.set(database=str(_shadow_file(served))).render_as_string(hide_password=False)
    url = served.url.update_query_dict({"options": f"-csearch_path={_SCHEMA}"})
    return url.render_as_string(hide_password=False)


def _shadow_file(served: Database) -> Path:
    assert served.url.database, "books in memory are nobody's to rebuild"
    return Path(f"{served.url.database}.rebuilt")


@contextmanager
def _exclusive(served: Database) -> Iterator[Connection]:
    """Yield a transaction beside which nobody writes to the books; readers go on."""
    if not served.is_sqlite:
        with served.transaction() as connection:
            connection.execute(text(f"LOCK TABLE {_BLOCKS.name} IN EXCLUSIVE MODE"))
            yield connection
        return
    with served.engine.connect() as connection:
        # A file can be attached outside of a transaction only.
        connection.exec_driver_sql(f"ATTACH '{_shadow_file(served)}' AS {_SCHEMA}")
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.exec_driver_sql("ROLLBACK")
                raise
            connection.exec_driver_sql("COMMIT")
        finally:
            connection.exec_driver_sql(f"DETACH {_SCHEMA}")


def _put_in_place(connection: Connection, served: Database) -> None:
    for table in _MOVED:
        if served.is_sqlite:
            listed = ", ".join(column.name for column in table.columns)
            connection.exec_driver_sql(f"DELETE FROM main.{table.name}")
            connection.exec_driver_sql(
                f"INSERT INTO main.{table.name} ({listed}) SELECT {listed} FROM {_SCHEMA}.{table.name}"
            )
        else:
            schema = connection.execute(select(func.current_schema())).scalar_one()
            connection.execute(text(f"DROP TABLE {schema}.{table.name}"))
            connection.execute(text(f"ALTER TABLE {_SCHEMA}.{table.name} SET SCHEMA {schema}"))


def _drop(served: Database) -> None:
    if not served.is_sqlite:
        with served.transaction() as connection:
            connection.execute(text(f"DROP SCHEMA IF EXISTS {_SCHEMA} CASCADE"))
        return
    for suffix in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            Path(f"{_shadow_file(served)}{suffix}").unlink()
