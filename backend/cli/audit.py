"""`huanlian audit`: rebuild the books from the chain alone, and say where the served ones differ."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from backend.chain.build import compare_source
from backend.chain.client import Rpc
from backend.chain.deploy import Deployment
from backend.chain.watcher import KnownBlock, Reorg, Watcher
from backend.cli.places import DEFAULT_RPC, NotSetUp, RpcUrl
from backend.domain.custody_state import State
from backend.domain.journal import Network
from backend.domain.types import Stream
from backend.jobs.chain_events import known_batch
from backend.usecases.audit_ledger import Audit, Auditor, compare_devices, compare_lots


def audit(
    rpc: RpcUrl = DEFAULT_RPC,
    trust: Annotated[Path, typer.Option(help="Your trust file: which chain, which contracts.")] = Path(
        "data/trust.json"
    ),
    api: Annotated[str, typer.Option(help="The served books to compare; empty: the chain only.")] = "",
    source: Annotated[bool, typer.Option("--source", help="Compile the contracts here and compare.")] = False,
) -> None:
    """Check every seal, head and outcome and the conservation of grams, from the chain alone."""
    if not trust.exists():
        raise NotSetUp(f"{trust} is not there; say which trust file with --trust.")
    with Rpc(rpc.split(",")) as node:
        found = audit_chain(node, json.loads(trust.read_bytes()))
    faults = list(found.faults)
    if api:
        faults += compare_served(found, api)
    if source:
        faults += [f"source: {difference}" for difference in compare_source()]
    _print(found, compared=bool(api))
    for fault in faults[:100]:
        typer.echo(f"FAULT {fault}", err=True)
    typer.echo("everything agrees" if not faults else f"{len(faults)} faults")
    raise typer.Exit(1 if faults else 0)


def audit_chain(node: Rpc, trust: dict[str, Any]) -> Audit:
    """Return the audit of all that the chain holds, in memory."""
    block = node.call("eth_getBlockByNumber", "0x0", False)
    if block["hash"] != trust["genesis_hash"] or node.chain_id != trust["chain_id"]:
        raise NotSetUp("this node serves another chain than the trust file names")
    deployment = Deployment(
        chain_id=trust["chain_id"],
        genesis_hash=trust["genesis_hash"],
        actor_registry=trust["actor_registry"],
        custody_ledger=trust["ledger"],
        bin_registry=trust["bin_registry"],
        ledger_versions=trust["ledger_versions"],
        code_hashes=trust["code_hashes"],
        deployed_block=0,
    )
    watcher = Watcher(node, deployment)
    auditor = Auditor(State(Network(trust["chain_id"], bytes.fromhex(trust["ledger"][2:]))))
    known: list[KnownBlock] = []
    while True:
        batch = watcher.next_batch(known)
        if isinstance(batch, Reorg):
            raise NotSetUp("the chain replaced blocks during the audit; run it again")
        if not batch.headers:
            return auditor.finish()
        translated = known_batch(batch)
        auditor.take(translated.events, {h.number: h.timestamp for h in translated.headers})
        known = [KnownBlock(batch.headers[-1].number, batch.headers[-1].block_hash)]


def compare_served(found: Audit, api: str) -> list[str]:
    """Return where the books that a server shows differ from the chain's."""
    with httpx.Client(base_url=api, timeout=60) as client:
        lots = {row[0]: tuple(row[1:]) for row in _pages(client, "/api/v1/books/lots", "lots")}
        devices = {row[0]: (row[1], row[2]) for row in _pages(client, "/api/v1/books/devices", "devices")}
    # A device that has recorded nothing is known to the chain's fold only once it was enrolled there.
    started = {key: value for key, value in devices.items() if value[0] > 0}
    silent = {key for key, value in found.devices.items() if value[0] == 0}
    chain = {key: value for key, value in found.devices.items() if key not in silent}
    found.devices = chain
    return compare_lots(found, lots) + compare_devices(found, started)


def _pages(client: httpx.Client, path: str, name: str) -> list[Any]:
    rows: list[Any] = []
    after = ""
    while True:
        answer = client.get(path, params={"after": after})
        answer.raise_for_status()
        page = answer.json()
        rows += page[name]
        if page["next"] is None:
            return rows
        after = page["next"]


def _print(found: Audit, *, compared: bool) -> None:
    typer.echo(f"{found.segments} segments, {found.entries} entries, {found.lifts} lifts on the chain")
    outcomes = ", ".join(f"{count} {outcome.name.lower()}" for outcome, count in sorted(found.outcomes.items()))
    typer.echo(f"outcomes: {outcomes or 'none'}")
    for t in found.totals:
        left, right = t.lifted + t.gained, t.held + t.out + t.lost
        typer.echo(
            f"{Stream(t.stream).name.lower()}: lifted {t.lifted} + gained {t.gained} "
            f"{'=' if left == right else '!='} held {t.held} + out {t.out} + lost {t.lost} g"
        )
    if compared:
        typer.echo(f"compared {len(found.lots)} lots and {len(found.devices)} journals with the served books")
