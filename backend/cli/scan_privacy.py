"""`huanlian scan-privacy`: search a whole chain for anything that is somebody's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import rfc8785
import typer
from sqlalchemy import Connection

from backend.chain.public_bytes import ChainReader
from backend.cli.places import DEFAULT_DATA, DEFAULT_RPC, DataDir, RpcUrl, open_database, open_rpc
from backend.domain.privacy.trace import KnownValues
from backend.domain.types import Grade, bin_text
from backend.settings import Settings
from backend.store.complaints import ComplaintStore
from backend.store.directory import DirectoryStore
from backend.usecases.scan_privacy import scan_privacy as scan

_PHONE = re.compile(r"(?:\+?86)?(1[3-9][0-9]{9})")
_LEAKS_SHOWN = 100


def scan_privacy(
    rpc: RpcUrl = DEFAULT_RPC,
    data_dir: DataDir = DEFAULT_DATA,
    words: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="More to look for, a line each: people, crews, plates, phones."
        ),
    ] = None,
) -> None:
    """Read everything on a chain and fail if any of it is personal, or a hash of what can be guessed."""
    listed = known_words(words.read_text(encoding="utf-8") if words else "")
    if Settings(data_dir=data_dir).database.startswith("sqlite") and not (data_dir / "huanlian.db").exists():
        typer.echo(f"no directory in {data_dir}: only what the words list and every chain has is looked for")
        known = listed
    else:
        with open_database(data_dir) as database, database.transaction(writes=False) as connection:
            known = known_values(connection, listed)
    with open_rpc(rpc) as node:
        reader = ChainReader(node)
        found = scan(reader.everything(), known, ids=reader.ids)
    counted = ", ".join(f"{count} of {sort}" for sort, count in sorted(found.items.items()))
    typer.echo(f"searched {found.searched_bytes} bytes ({counted}) for {len(known.words)} words")
    typer.echo(f"and for the hashes of what can be guessed: {found.guesses}")
    for getter in reader.unread:
        typer.echo(f"not asked, for want of keys or because of too many: {getter}")
    for leak in found.leaks[:_LEAKS_SHOWN]:
        typer.echo(f"LEAK {leak.line()}", err=True)
    typer.echo("nothing personal found" if not found.leaks else f"{len(found.leaks)} leaks")
    raise typer.Exit(1 if found.leaks else 0)


def known_words(text: str) -> KnownValues:
    """Return the words of a list, a line each; telephone numbers are recognised."""
    lines = {line.strip() for line in text.splitlines() if line.strip()}
    phones = {found[1] for line in lines if (found := _PHONE.fullmatch(line))}
    return KnownValues(words=frozenset(lines), phones=frozenset(phones))


def known_values(connection: Connection, listed: KnownValues) -> KnownValues:
    """Return what directory and complaints keep off the chain, and what was listed besides."""
    directory = DirectoryStore(connection)
    names = directory.names()
    bins = directory.bins()
    documents = {
        rfc8785.dumps({"bin": bin_text(int(row.number, 16)), "grade": int(grade), "photo": None}).decode()
        for row in bins
        for grade in Grade
    }
    texts, statements = ComplaintStore(connection).written()
    return KnownValues(
        words=listed.words | names | texts,
        phones=listed.phones,
        positions=frozenset(directory.positions()),
        serials=frozenset(bytes.fromhex(row.serial) for row in bins),
        documents=frozenset(documents | statements),
    )
