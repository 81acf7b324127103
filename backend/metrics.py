"""What an operator measures: counters of this process, and gauges that are read when somebody asks.

Labels are routes, statuses and names of rules: never an id of a device, a bin or a person.
"""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """The measures of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.answer_seconds = Histogram(
            "huanlian_answer_seconds",
            "Time to answer a request",
            ["method", "route", "status"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.segments = self._counter("segments", "Segments handed in: accepted, repeated, refused", "answer")
        self.entries = self._counter("entries_accepted", "Entries accepted for the first time")
        self.transactions = self._counter("relayer_transactions", "What became of transactions", "end")
        self.gas = self._counter("relayer_gas", "Gas used by transactions in blocks")
        self.ledger_refused = self._counter("ledger_refused", "Segments that the ledger refused", "reason")
        self.chain_silent = self._counter("chain_silent", "Times that no node answered", "work")
        self.books_block = self._gauge("books_block", "Newest block in the books")
        self.chain_block = self._gauge("chain_block", "Newest block of the chain, when a node told")
        self.final_block = self._gauge("books_final_block", "Newest block in the books that cannot change")
        self.lag_blocks = self._gauge("books_lag_blocks", "Blocks that the books are behind the chain")
        self.lag_seconds = self._gauge("books_lag_seconds", "Age of the newest block in the books")
        self.outbox = self._gauge("outbox_segments", "Segments not on the ledger", "state")
        self.outbox_age = self._gauge("outbox_oldest_seconds", "Age of the oldest segment that waits")
        self.disagreements = self._gauge("disagreements", "Answers in which fold and ledger differ")

    def _counter(self, name: str, what: str, *labels: str) -> Counter:
        return Counter(f"huanlian_{name}", what, labels, registry=self.registry)

    def _gauge(self, name: str, what: str, *labels: str) -> Gauge:
        return Gauge(f"huanlian_{name}", what, labels, registry=self.registry)

    def text(self) -> bytes:
        """Return all of it in Prometheus' text format."""
        return generate_latest(self.registry)
