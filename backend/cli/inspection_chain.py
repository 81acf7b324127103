"""What the chain alone says of an inspection and of the list that it draws from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.chain.client import Rpc
from backend.chain.watcher import KnownBlock, Reorg, Watcher
from backend.cli.audit import deployment_of
from backend.cli.places import NotSetUp
from backend.domain.inspection import Inspection
from backend.domain.inspection_statements import Candidates, Opening
from backend.domain.journal import Network
from backend.jobs.chain_events import known_batch
from backend.usecases.candidates import CandidateReader
from backend.usecases.inspections import InspectionReader, UnknownInspection, read_items
from backend.usecases.ledger_events import Extend


@dataclass(frozen=True)
class Chain:
    """A node that serves the chain of a trust file."""

    node: Rpc
    network: Network
    believed: dict[str, Any]

    def number(self, name: str) -> int:
        """Return the number of the block that is "latest" or "finalized"."""
        return int(self.node.call("eth_getBlockByNumber", name, False)["number"], 16)

    def block_hash(self, number: int) -> bytes | None:
        """Return a block's hash; None where the chain is not that long."""
        block = self.node.call("eth_getBlockByNumber", hex(number), False)
        return None if block is None else bytes.fromhex(block["hash"][2:])

    def batches(self) -> Iterator[Extend]:
        """Yield all blocks with what happened in them, from the first on."""
        watcher, known = Watcher(self.node, deployment_of(self.believed)), list[KnownBlock]()
        while True:
            batch = watcher.next_batch(known)
            if isinstance(batch, Reorg):
                raise NotSetUp("the chain replaced blocks meanwhile; run it again")
            if not batch.headers:
                return
            yield known_batch(batch)
            known = [KnownBlock(batch.headers[-1].number, batch.headers[-1].block_hash)]

    def read_list(self, candidates: Candidates, *, site: str, day: str, list_block: int) -> tuple[int, ...]:
        """Return the candidates as the chain has them up to a block."""
        reader = CandidateReader(candidates, list_block=list_block, site=site, day=day)
        for batch in self.batches():
            reader.take(batch.events, {header.number: header.timestamp for header in batch.headers})
            if batch.headers[-1].number >= list_block:
                break
        return reader.items

    def read_inspection(self, record: dict[str, Any]) -> Inspection:
        """Return an inspection as final blocks tell it; `record` is what is published, and is not believed.

        Raises:
            UnknownInspection: the record has no opening of its own, or no final block holds it.
        """
        documents = [document.encode() for document in record["documents"]]
        reader = InspectionReader(int(record["inspection"], 16), documents)
        finalized = self.number("finalized")
        for batch in self.batches():
            reader.take(batch.events, {header.number: header.timestamp for header in batch.headers})
        items = read_items(Candidates(reader.opening.candidates), record["list"])
        found = reader.judged(items, finalized_number=finalized, block_hash=self.block_hash)
        if found is None:
            raise UnknownInspection(inspection=record["inspection"])
        return found

    def list_of(self, opening: Opening) -> tuple[int, ...]:
        """Return the list that an opening should have named."""
        kind = Candidates(opening.candidates)
        return self.read_list(kind, site=opening.site, day=opening.day, list_block=opening.list_block)


@contextmanager
def open_chain(rpc: str, trust: Path) -> Iterator[Chain]:
    """Yield the chain of a trust file.

    Raises:
        NotSetUp: the trust file is missing, or names another chain.
    """
    if not trust.exists():
        raise NotSetUp(f"{trust} is not there; say which trust file with --trust.")
    believed: dict[str, Any] = json.loads(trust.read_bytes())
    network = Network(believed["chain_id"], bytes.fromhex(believed["ledger"].removeprefix("0x")))
    with Rpc(rpc.split(",")) as node:
        genesis = node.call("eth_getBlockByNumber", "0x0", False)
        if genesis["hash"] != believed["genesis_hash"] or node.chain_id != believed["chain_id"]:
            raise NotSetUp("this node serves another chain than the trust file names")
        yield Chain(node, network, believed)
