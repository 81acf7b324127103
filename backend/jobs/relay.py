"""Outbox → ledger."""

from __future__ import annotations

import structlog

from backend.chain.client import RpcError, RpcUnavailable
from backend.chain.relayer import Failed, Finalized, Included, Report, Sender, Vanished
from backend.domain.types import Refusal
from backend.store.books import BooksStore
from backend.store.outbox import Outbox

log = structlog.get_logger("relay")

_QUEUE_LIMIT = 2_000
_COMES_LATER = (Refusal.UNKNOWN_DEVICE, Refusal.GAP)


class Relay:
    """Sends what waits, and notes what became of what was sent. One at a time."""

    def __init__(self, sender: Sender, outbox: Outbox, books: BooksStore) -> None:
        self._sender, self._outbox, self._books = sender, outbox, books
        self._settling: set[int] = set()

    def run_once(self) -> None:
        """Look after open transactions, send new ones, and settle lots that are ready."""
        try:
            for report in self._sender.poll():
                self._note(report)
            queue = self._outbox.queued(_QUEUE_LIMIT)
            if queue:
                sent = self._sender.send(queue)
                self._outbox.mark_sent(i for tx in sent.txs for i in tx.segment_ids)
                self._outbox.mark_recorded(sent.landed_before)
                self._outbox.mark_refused((i, int(Refusal.MALFORMED)) for i in sent.too_large)
            self._settle_ready()
        except (RpcUnavailable, RpcError) as error:
            log.warning("the chain does not answer", error=str(error))
        for problem in self._sender.problems:
            log.warning("a node complained", problem=problem)

    def _settle_ready(self) -> None:
        ready = set(self._books.ready_lots())
        self._settling &= ready
        for lot in sorted(ready - self._settling)[:16]:
            self._settling.add(lot)
            self._sender.settle(lot)

    def _note(self, report: Report) -> None:
        match report:
            case Included():
                self._outbox.mark_recorded(report.landed)
                later = [i for i, reason in report.refused if reason in _COMES_LATER]
                self._outbox.mark_queued(later)
                refused = [(i, int(reason)) for i, reason in report.refused if reason not in _COMES_LATER]
                self._outbox.mark_refused(refused)
                for segment_id, reason in report.refused:
                    log.warning("the ledger refused", segment=segment_id, reason=reason.name.lower())
                if report.tx.lot is not None:
                    self._settling.discard(report.tx.lot)
            case Vanished():
                log.warning("a transaction left the chain", tx=report.tx.tx_hash.hex())
                self._outbox.mark_sent(report.tx.segment_ids)
            case Failed():
                log.error("a transaction failed", tx=report.tx.tx_hash.hex(), why=report.why)
                self._outbox.mark_queued(report.tx.segment_ids)
            case Finalized():
                pass
