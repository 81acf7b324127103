"""`huanlian open-data`: a day's open data from the chain alone; `anchor-open-data` puts its digest on it."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from backend.chain.client import Rpc
from backend.chain.watcher import KnownBlock, Reorg, Watcher
from backend.cli.audit import deployment_of
from backend.cli.places import DEFAULT_API, DEFAULT_RPC, ApiUrl, NotSetUp, RpcUrl
from backend.domain.errors import DomainError
from backend.domain.journal import Network
from backend.domain.layout import Kind
from backend.domain.open_data import ANCHOR_SCHEMA, DayTable, anchor_subject
from backend.domain.types import device_text
from backend.domain.writer import JournalWriter
from backend.exchange.scales.config import open_key
from backend.jobs.chain_events import known_batch
from backend.simulate.courier import Courier
from backend.usecases.open_data import DayReader

Day = Annotated[str, typer.Argument(help="The day in Asia/Shanghai, by block: 2026-03-01.")]
TrustFile = Annotated[Path, typer.Option("--trust", help="Your trust file: which chain, which contracts.")]
DEFAULT_TRUST = Path("data/trust.json")


class DayNotFinal(DomainError):
    """No final block of a later day is there, so the day's data set may still change."""

    slug = "day-not-final"
    title = "This day is not final"

    def __init__(self, date: str) -> None:
        super().__init__(f"{date} is not final: no block of a later day is. Its data may still change.")


@dataclass(frozen=True)
class ChainDay:
    """A day as the chain tells it."""

    network: Network
    table: DayTable
    is_final: bool


def open_data(
    day: Day,
    rpc: RpcUrl = DEFAULT_RPC,
    trust: TrustFile = DEFAULT_TRUST,
    out: Annotated[Path, typer.Option(file_okay=False, help="The folder to write to.")] = Path("."),
) -> None:
    """Compute a day's open data from the chain, without any server: CSV, JSON and Parquet, and their SHA-256."""
    found = read_chain_day(day, rpc, trust)
    chain_id, ledger = found.network.chain_id, found.network.ledger.hex()
    forms = {
        "csv": found.table.csv(),
        "json": found.table.json(date=day, chain_id=chain_id, ledger=ledger),
        "parquet": found.table.parquet(date=day, chain_id=chain_id, ledger=ledger),
    }
    out.mkdir(parents=True, exist_ok=True)
    for form, content in forms.items():
        path = out / f"huanlian-{day}-lifts.{form}"
        path.write_bytes(content)
        typer.echo(f"{hashlib.sha256(content).hexdigest()}  {path}")
    typer.echo(f"{len(found.table.rows)} rows, {found.table.lifts} lifts, {found.table.grams} g")
    if not found.is_final:
        typer.echo(str(DayNotFinal(day)), err=True)


def anchor_open_data(
    day: Day,
    device: Annotated[str, typer.Option(help="The device that seals it: 16 hex digits.")],
    key: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="The file with its key.")],
    rpc: RpcUrl = DEFAULT_RPC,
    trust: TrustFile = DEFAULT_TRUST,
    api: ApiUrl = DEFAULT_API,
) -> None:
    """Put the digest of a day's CSV on the ledger, sealed by a device of your organisation.

    The digest is of what the chain gives, not of what a server shows.
    """
    found = read_chain_day(day, rpc, trust)
    if not found.is_final:
        raise DayNotFinal(day)
    digest = hashlib.sha256(found.table.csv()).digest()
    courier = Courier(api, patience_seconds=30)
    writer = courier.continued(JournalWriter(found.network, int(device, 16), open_key(key)))
    seq = writer.write(
        Kind.ANCHOR,
        schema=ANCHOR_SCHEMA,
        subject=anchor_subject(day),
        digest=int.from_bytes(digest, "big"),
        occurred_at=int(time.time()),
    )
    courier.hand_in(writer.cut())
    typer.echo(f"{digest.hex()} is entry {seq} of device {device_text(writer.device)}, and goes to the ledger")


def read_chain_day(day: str, rpc: str, trust: Path) -> ChainDay:
    """Return a day's table, read from the first block on.

    Raises:
        NotSetUp: the trust file is missing, or names another chain.
        ValueError: it is no date.
    """
    reader = DayReader(day)
    if not trust.exists():
        raise NotSetUp(f"{trust} is not there; say which trust file with --trust.")
    believed: dict[str, Any] = json.loads(trust.read_bytes())
    network = Network(believed["chain_id"], bytes.fromhex(believed["ledger"].removeprefix("0x")))
    with Rpc(rpc.split(",")) as node:
        block = node.call("eth_getBlockByNumber", "0x0", False)
        if block["hash"] != believed["genesis_hash"] or node.chain_id != believed["chain_id"]:
            raise NotSetUp("this node serves another chain than the trust file names")
        is_final = _read(Watcher(node, deployment_of(believed)), reader)
    return ChainDay(network, reader.table, is_final)


def _read(watcher: Watcher, reader: DayReader) -> bool:
    """Read until a block of a later day; say whether that is final."""
    known: list[KnownBlock] = []
    while True:
        batch = watcher.next_batch(known)
        if isinstance(batch, Reorg):
            raise NotSetUp("the chain replaced blocks meanwhile; run it again")
        if not batch.headers:
            return False
        translated = known_batch(batch)
        reader.take(translated.events, {header.number: header.timestamp for header in translated.headers})
        later = next((h for h in batch.headers if h.timestamp >= reader.to_at), None)
        if later is not None:
            return later.number <= batch.finalized_number
        known = [KnownBlock(batch.headers[-1].number, batch.headers[-1].block_hash)]
