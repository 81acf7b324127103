"""A copy of the whole database while it is written to, and the way back from it.

SQLite copies itself page by page; PostgreSQL is copied by its own pg_dump. What was handed in is in it; the books
and the chain are not lost with a database, for the chain has them.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from sqlalchemy import inspect

from backend.domain.errors import DomainError
from backend.store.session import Database


class CannotBackUp(DomainError):
    """No copy could be made, or none can be put in place; nothing was changed."""

    slug = "cannot-back-up"
    title = "Cannot back up or restore"


def back_up(database: Database, target: Path) -> None:
    """Write a copy of the database as it is at one moment; the file is complete and on disk, or not there.

    Raises:
        CannotBackUp: the file is there already, or a tool is missing or says no.
    """
    if target.exists():
        raise CannotBackUp(f"{target} is there already")
    unfinished = target.with_name(target.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    try:
        if database.is_sqlite:
            with closing(sqlite3.connect(str(database.url.database))) as source:
                _copy_sqlite(source, unfinished)
        else:
            _run(database, "pg_dump", "--format=custom", f"--file={unfinished}")
        _put_on_disk(unfinished)
        unfinished.rename(target)
        _put_on_disk(target.parent)
    finally:
        unfinished.unlink(missing_ok=True)


def restore(source: Path, database: Database) -> None:
    """Fill an empty database from a copy.

    Raises:
        CannotBackUp: the database is not empty, or the file is no copy of one.
    """
    if inspect(database.engine).get_table_names():
        raise CannotBackUp(f"{database.url.render_as_string()} is not empty: a copy never replaces what is there")
    if not database.is_sqlite:
        _run(database, "pg_restore", "--exit-on-error", "--single-transaction", "--no-owner", str(source))
        return
    path = Path(str(database.url.database))
    database.close()
    for leftover in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
        leftover.unlink(missing_ok=True)  # what asking an empty database for its tables has left behind
    try:
        with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as copy:
            _copy_sqlite(copy, path)
    except sqlite3.DatabaseError as error:
        path.unlink(missing_ok=True)
        raise CannotBackUp(f"{source} is no copy of a database: {error}") from error
    _put_on_disk(path)


def _copy_sqlite(source: sqlite3.Connection, path: Path) -> None:
    with closing(sqlite3.connect(path)) as copy:
        source.backup(copy)
        (found,) = copy.execute("PRAGMA quick_check").fetchone()
    if found != "ok":
        raise CannotBackUp(f"the copy is damaged: {found}")


def _run(database: Database, tool: str, *arguments: str) -> None:
    path = shutil.which(tool)
    if path is None:
        raise CannotBackUp(f"{tool} is not there; install Debian's postgresql-client")
    # The password goes through the environment: arguments are for everybody to see.
    url = database.url.set(drivername="postgresql", password=None)
    environment = {**os.environ, **({"PGPASSWORD": str(database.url.password)} if database.url.password else {})}
    command = [path, f"--dbname={url.render_as_string()}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise CannotBackUp(f"{tool}: {said[-1] if said else done.returncode}")


def _put_on_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
