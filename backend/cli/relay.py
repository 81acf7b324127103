"""`huanlian relay`: bring sealed segments to the ledger without any server of ours."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from backend.chain.client import Rpc
from backend.chain.memory_store import MemoryTxStore
from backend.chain.relayer import Failed, Included, Sender
from backend.cli.places import DEFAULT_RPC, NotSetUp, RpcUrl
from backend.cli.verify import read_trust
from backend.domain.errors import DomainError
from backend.domain.journal import Segment, split_entries
from backend.domain.types import device_text
from backend.domain.weight import require_light
from backend.exchange.sealed_segments import read_segments
from backend.usecases.outgoing import QueuedSegment

_PAUSE_SECONDS = 0.2


class CannotRelay(DomainError):
    """Nothing can be sent to this chain with this account."""

    slug = "cannot-relay"
    title = "Cannot relay"


def relay(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="Files of sealed segments.")],
    trust: Annotated[Path, typer.Option(help="Your trust file: which chain, which ledger.")] = Path(
        "data/trust.json"
    ),
    rpc: RpcUrl = DEFAULT_RPC,
    key: Annotated[
        str,
        typer.Option(
            envvar="HUANLIAN_RELAYER_KEY", help="Hex key of the account that pays gas.", show_default=False
        ),
    ] = "",
) -> None:
    """Send sealed segments to the ledger; say for each what became of it. Sending again does no harm."""
    if not trust.exists():
        raise NotSetUp(f"{trust} is not there; say which trust file with --trust.")
    if not key:
        raise CannotRelay("set HUANLIAN_RELAYER_KEY to the key of an account that pays gas")
    segments = [segment for path in files for segment in read_segments(path)]
    for segment in segments:
        require_light(split_entries(segment.words))
    with Rpc(rpc.split(",")) as node:
        believed = read_trust(trust)
        _require_chain(node, json.loads(trust.read_bytes()))
        ledger = "0x" + believed.network.ledger.hex()
        sender = Sender(node, bytes.fromhex(key.removeprefix("0x")), ledger, store=MemoryTxStore())
        said = _send_all(sender, segments)
    for number, segment in enumerate(segments):
        last_seq = segment.first_seq + len(split_entries(segment.words)) - 1
        typer.echo(f"{device_text(segment.device)} {segment.first_seq}-{last_seq} {said[number]}")
    raise typer.Exit(1 if any(text.startswith(("refused", "not recorded")) for text in said.values()) else 0)


def _require_chain(node: Rpc, believed: dict[str, object]) -> None:
    block = node.call("eth_getBlockByNumber", "0x0", False)
    if block["hash"] != believed["genesis_hash"] or node.chain_id != believed["chain_id"]:
        raise CannotRelay("this node's chain is not the one of the trust file")


def _send_all(sender: Sender, segments: list[Segment]) -> dict[int, str]:
    """Return what became of each segment, by its place in the list."""
    said: dict[int, str] = {}
    columns = (TextColumn("relaying"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, transient=True) as progress:
        bar = progress.add_task("", total=len(segments))
        while len(said) < len(segments):
            rest = [QueuedSegment(n, segment) for n, segment in enumerate(segments) if n not in said]
            sent = sender.send(rest)
            said |= dict.fromkeys(sent.landed_before, "is on the ledger already")
            said |= dict.fromkeys(sent.too_large, "refused: too large for a transaction")
            for report in sender.poll():
                if isinstance(report, Included):
                    said |= dict.fromkeys(report.landed, f"recorded in block {report.block_number}")
                    for number, reason in report.refused:
                        said[number] = f"refused: {reason.name.lower().replace('_', ' ')}"
                elif isinstance(report, Failed):
                    said |= dict.fromkeys(report.tx.segment_ids, f"not recorded, send it again: {report.why}")
            progress.update(bar, completed=len(said))
            if len(said) < len(segments):
                time.sleep(_PAUSE_SECONDS)
    return said
