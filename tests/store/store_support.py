"""Folding stories into real books, and reading the books back whole."""

from __future__ import annotations

from typing import Any

from custody_stories import NETWORK, Blocks
from sqlalchemy import select

from backend.domain.types import device_text
from backend.store.books import BOOK_TABLES, BooksStore
from backend.store.session import Database
from backend.store.tables import Slot, table_of

# Numbers that a database hands out itself: they order rows, and mean nothing.
_SURROGATES = {"disagreement": "id", "refused_segment": "id"}


def books_of(database: Database) -> BooksStore:
    return BooksStore(database, NETWORK)


def fold(books: BooksStore, blocks: Blocks, *, size: int = 1, after: int = -1) -> None:
    for batch in blocks.batches(size, after=after):
        lines = books.extend(batch)
        assert lines.disagreements == []


def dump(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every book table, in one order for all databases."""
    found = {}
    with database.transaction(writes=False) as connection:
        for table in (*BOOK_TABLES, table_of(Slot)):
            columns = [c for c in table.columns if c.name != _SURROGATES.get(table.name)]
            rows = [tuple(row) for row in connection.execute(select(*columns))]
            found[table.name] = sorted(rows, key=repr)
    return found


def finding(name: str, at: int, site: int) -> dict[str, Any]:
    """Return a radar finding as the table keeps it."""
    return {
        "finding_id": name,
        "kind": "ghost-bin",
        "variant": "lifted",
        "at": at,
        "confidence_permille": 990,
        "site": device_text(site),
        "subjects": "{}",
        "evidence": "[]",
        "numbers": "{}",
        "rule_id": "ghost-bin",
        "rule_version": 1,
        "sought_in": "test",
        "period": 0,
    }
