"""`huanlian backup` and `huanlian restore`: a copy of the database, and the way back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backend.cli.places import DEFAULT_DATA, DataDir
from backend.settings import Settings
from backend.store.backup import back_up
from backend.store.backup import restore as put_back
from backend.store.session import Database


def backup(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="Where the copy goes; it must not be there.")],
    data_dir: DataDir = DEFAULT_DATA,
) -> None:
    """Copy the database while the server runs."""
    database = Database(Settings(data_dir=data_dir).database)
    try:
        back_up(database, file)
    finally:
        database.close()
    typer.echo(f"{file}: {file.stat().st_size} bytes")


def restore(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A copy.")],
    data_dir: DataDir = DEFAULT_DATA,
) -> None:
    """Fill an empty database from a copy; start the server afterwards. Devices send again what is missing."""
    database = Database(Settings(data_dir=data_dir).database)
    try:
        put_back(file, database)
        database.migrate()
    finally:
        database.close()
    typer.echo(f"restored {file}")
