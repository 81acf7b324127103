"""Ledger → books, until there is nothing new."""

from __future__ import annotations

import structlog

from backend.chain.client import RpcError, RpcUnavailable
from backend.chain.watcher import KnownBlock, Reorg, Watcher
from backend.jobs.chain_events import known_batch
from backend.store.books import BooksStore

log = structlog.get_logger("follow")


class Follower:
    """Folds new blocks; rolls back where the chain replaced some. One at a time."""

    def __init__(self, watcher: Watcher, books: BooksStore) -> None:
        self._watcher, self._books = watcher, books
        self.is_reachable = False

    def catch_up(self, *, most_batches: int = 1_000_000) -> int:
        """Fold until the books stand on the newest block; return how many batches brought something."""
        for count in range(most_batches):
            try:
                known = self._books.known_headers()
                batch = self._watcher.next_batch([KnownBlock(h.number, h.hash) for h in known])
            except (RpcUnavailable, RpcError) as error:
                if self.is_reachable:
                    log.warning("the chain does not answer", error=str(error))
                self.is_reachable = False
                return count
            self.is_reachable = True
            if isinstance(batch, Reorg):
                ancestor = -1 if batch.common_ancestor is None else batch.common_ancestor.number
                log.warning("the chain replaced blocks", after=ancestor)
                self._books.roll_back(ancestor)
                continue
            if not batch.headers:
                return count
            lines = self._books.extend(known_batch(batch))
            for block, device, seq, ledger, fold in lines.disagreements:
                log.error(
                    "our fold and the ledger differ",
                    block=block,
                    device=f"{device:016x}",
                    seq=seq,
                    ledger=ledger,
                    fold=fold,
                )
        return most_batches
