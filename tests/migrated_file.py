"""New SQLite databases at the newest schema, as copies of one: to migrate takes longer than most tests."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from backend.store.session import Database


@cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory(prefix="huanlian-migrated-") as folder:
        path = Path(folder) / "books.db"
        database = Database(f"sqlite:///{path}")
        database.migrate()
        database.close()  # the last one out brings the write-ahead log into the file
        return path.read_bytes()


def new_database(folder: Path) -> Database:
    """Return an empty database in a file of this folder."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "books.db"
    path.write_bytes(_migrated())
    return Database(f"sqlite:///{path}")
