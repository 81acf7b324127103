"""Ledger → books, until there is nothing new."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass

import structlog

from backend.chain.client import RpcError, RpcUnavailable
from backend.chain.watcher import KnownBlock, Reorg, Watcher
from backend.jobs.chain_events import known_batch
from backend.store.books import BooksMoved, BooksStore
from backend.usecases import ledger_events as known

log = structlog.get_logger("follow")


@dataclass(frozen=True)
class _Batch:
    """New blocks as the books take them; the chain's own answer is large, and not kept beside them."""

    blocks: known.Extend
    head_number: int


class Follower:
    """Folds new blocks; rolls back where the chain replaced some. One at a time."""

    def __init__(
        self,
        watcher: Watcher,
        books: BooksStore,
        *,
        on_progress: Callable[[int, int], None] = lambda _block, _head: None,
    ) -> None:
        self._watcher, self._books = watcher, books
        self._on_progress = on_progress
        self.is_reachable: bool | None = None
        """None until it was asked for the first time."""
        self.chain_head: int | None = None
        """The newest block that a node told of."""

    def ask(self) -> None:
        """Find out whether the chain answers, while another process follows it."""
        try:
            self.chain_head = self._watcher.head_number()
            self.is_reachable = True
        except (RpcUnavailable, RpcError):
            self.is_reachable = False

    def catch_up(self, *, most_batches: int = 1_000_000) -> int:
        """Fold until the books stand on the newest block; return how many batches brought something.

        The next range is on its way while one is folded.
        """
        with ThreadPoolExecutor(1, thread_name_prefix="fetch") as fetching:
            return self._catch_up(fetching, most_batches)

    def _catch_up(self, fetching: Executor, most_batches: int) -> int:
        ahead: Future[_Batch | Reorg] | None = None
        for count in range(most_batches):
            try:
                batch = None if ahead is None else ahead.result()
                if batch is None or isinstance(batch, Reorg):
                    # Where the paths part is asked with all that the books remember.
                    batch = self._next([KnownBlock(h.number, h.hash) for h in self._books.known_headers()])
            except (RpcUnavailable, RpcError) as error:
                if self.is_reachable:
                    log.warning("the chain does not answer", error=str(error))
                self.is_reachable = False
                return count
            self.is_reachable, ahead = True, None
            if isinstance(batch, Reorg):
                ancestor = -1 if batch.common_ancestor is None else batch.common_ancestor.number
                log.warning("the chain replaced blocks", after=ancestor)
                self._books.roll_back(ancestor)
                continue
            self.chain_head = batch.head_number
            if not batch.blocks.headers:
                return count
            newest = batch.blocks.headers[-1]
            if newest.number < batch.blocks.finalized_number:
                ahead = fetching.submit(self._next, [KnownBlock(newest.number, newest.hash)])
            try:
                self._fold(batch.blocks)
                self._on_progress(newest.number, batch.head_number)
            except BooksMoved:
                log.info("the books were written by somebody else; asking again from where they stand")
                ahead = None
        return most_batches

    def _next(self, blocks: Sequence[KnownBlock]) -> _Batch | Reorg:
        found = self._watcher.next_batch(blocks)
        return found if isinstance(found, Reorg) else _Batch(known_batch(found), found.head_number)

    def _fold(self, batch: known.Extend) -> None:
        for block, device, seq, ledger, fold in self._books.extend(batch).disagreements:
            log.error(
                "our fold and the ledger differ",
                block=block,
                device=f"{device:016x}",
                seq=seq,
                ledger=ledger,
                fold=fold,
            )
