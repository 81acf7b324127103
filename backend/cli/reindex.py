"""`huanlian reindex`: build the books again from the first block, and put them in place of the served ones."""

from __future__ import annotations

from typing import Annotated

import typer

from backend.chain.watcher import Watcher
from backend.cli.places import (
    DEFAULT_DATA,
    DEFAULT_RPC,
    DataDir,
    RpcUrl,
    open_database,
    open_rpc,
    require_deployment,
)
from backend.cli.progress import blocks_progress
from backend.domain.journal import Network
from backend.jobs.reindex import ChainAway, NeverLevel, Rebuilt
from backend.jobs.reindex import reindex as rebuild
from backend.store.rebuilding import BooksDiffer


def reindex(
    data_dir: DataDir = DEFAULT_DATA,
    rpc: RpcUrl = DEFAULT_RPC,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace",
            help="Put the rebuilt books in place without comparing them with the served ones.",
        ),
    ] = False,
) -> None:
    """Rebuild the books from the chain while the server runs; say whether they are the same, byte for byte."""
    deployment = require_deployment(data_dir)
    network = Network(deployment.chain_id, bytes.fromhex(deployment.custody_ledger[2:]))
    try:
        with open_database(data_dir) as served, open_rpc(rpc) as node, blocks_progress() as show:
            found: Rebuilt = rebuild(
                served, network, Watcher(node, deployment), on_progress=show, only_equal=not replace
            )
    except (BooksDiffer, ChainAway, NeverLevel) as error:
        typer.echo(f"nothing was changed: {error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"rebuilt in {found.seconds:.1f} s; the books are {found.digest}")
