"""Outbox → ledger."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from backend.chain.client import RpcError, RpcUnavailable
from backend.chain.relayer import Failed, Finalized, Included, Report, Sender, Vanished
from backend.domain.custody_state import QueueKey
from backend.domain.types import Refusal
from backend.metrics import Metrics
from backend.store.books import BooksStore
from backend.store.lease import Lease, LeaseLost
from backend.store.outbox import Outbox
from backend.usecases.outgoing import StoredTx

log = structlog.get_logger("relay")

_QUEUE_LIMIT = 2_000
_COMES_LATER = (Refusal.UNKNOWN_DEVICE, Refusal.GAP)


class Relay:
    """Sends what waits, and notes what became of what was sent. One at a time."""

    def __init__(self, sender: Sender, outbox: Outbox, books: BooksStore, lease: Lease, metrics: Metrics) -> None:
        self._sender, self._outbox, self._books, self._lease = sender, outbox, books, lease
        self._metrics = metrics
        self._settling: set[QueueKey] = set()
        self._term = 0

    def run_once(self) -> None:
        """Look after open transactions, send new ones, and settle what is ready."""
        if self._term != self._lease.term:
            # What another process has settled since is not known here.
            self._settling.clear()
            self._term = self._lease.term
        try:
            for group in self._sender.reports():
                self._note(group)
            self._send()
            self._settle_ready()
        except (RpcUnavailable, RpcError) as error:
            self._metrics.chain_silent.labels("relay").inc()
            log.warning("the chain does not answer", error=str(error))
        except LeaseLost as error:
            log.warning("the relayer was replaced", error=str(error))
        for problem in self._sender.problems:
            log.warning("a node complained", problem=problem)

    def _send(self) -> None:
        room = self._sender.room()
        if not room.bytes_max:
            return
        queue = self._outbox.queued(_QUEUE_LIMIT, under_way=room.under_way, bytes_max=room.bytes_max)
        if queue:
            sent = self._sender.send(queue)
            self._outbox.mark_sent(i for tx in sent.txs for i in tx.segment_ids)
            self._outbox.mark_recorded(sent.landed_before)
            self._outbox.mark_refused((i, int(Refusal.MALFORMED)) for i in sent.too_large)

    def _settle_ready(self) -> None:
        ready = set(self._books.ready_queues())
        self._settling &= ready
        for key in sorted(ready - self._settling)[:16]:
            self._sender.settle(*key)
            self._settling.add(key)  # only now: a node that is away has seen nothing, and will be asked again

    def _note(self, group: Sequence[Report]) -> None:
        """Note reports that come together; what landed is one write, for most of them are of that kind."""
        included = [report for report in group if isinstance(report, Included)]
        self._outbox.mark_recorded(i for report in included for i in report.landed)
        for report in group:
            self._metrics.transactions.labels(type(report).__name__.lower()).inc()
            self._note_one(report)

    def _note_one(self, report: Report) -> None:
        match report:
            case Included():
                self._metrics.gas.inc(report.gas_used)
                for _, reason in report.refused:
                    self._metrics.ledger_refused.labels(reason.name.lower()).inc()
                later = [i for i, reason in report.refused if reason in _COMES_LATER]
                self._outbox.mark_queued(later)
                refused = [(i, int(reason)) for i, reason in report.refused if reason not in _COMES_LATER]
                self._outbox.mark_refused(refused)
                for segment_id, reason in report.refused:
                    log.warning("the ledger refused", segment=segment_id, reason=reason.name.lower())
                self._forget_settling(report.tx)
            case Vanished():
                log.warning("a transaction left the chain", tx=report.tx.tx_hash.hex())
                self._outbox.mark_sent(report.tx.segment_ids)
            case Failed():
                log.error("a transaction failed", tx=report.tx.tx_hash.hex(), why=report.why)
                self._outbox.mark_queued(report.tx.segment_ids)
                self._forget_settling(report.tx)
            case Finalized():
                pass

    def _forget_settling(self, tx: StoredTx) -> None:
        """A call has run or never will; what is ready after it may be asked for again."""
        if tx.settles is not None:
            self._settling.discard(tx.settles)
