"""What is still to be sent: segments waiting for the chain, and the transactions that carry them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from itertools import accumulate
from typing import Any

from sqlalchemy import Row, func, insert, select, update

from backend.domain.custody_state import QueueKey
from backend.domain.journal import Segment
from backend.domain.types import device_text, lot_text
from backend.store.lease import Lease
from backend.store.session import Database
from backend.store.tables import AcceptedSegment, OutgoingTransaction, table_of
from backend.usecases.outgoing import QueuedSegment, StoredTx, TxState

_SEGMENTS, _TXS = table_of(AcceptedSegment), table_of(OutgoingTransaction)
_OPEN = (TxState.SENT.value, TxState.INCLUDED.value)


class Outbox:
    """Segments in the order in which they came; a device's are always in the order of their seq."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def queued(
        self, limit: int, *, under_way: Collection[int] = (), bytes_max: int | None = None
    ) -> list[QueuedSegment]:
        """Return the oldest segments that the ledger does not hold yet, but for those under way to it.

        No more of them than it takes to come to `bytes_max`: a long queue is not read whole to send its beginning.
        """
        with self._database.transaction(writes=False) as connection:
            waiting = connection.execute(
                select(_SEGMENTS.c.id, func.length(_SEGMENTS.c.words).label("size"))
                .where(_SEGMENTS.c.state.in_(("queued", "sent")))
                .order_by(_SEGMENTS.c.id)
                .limit(limit + len(under_way))
            )
            fresh = [row for row in waiting if row.id not in under_way][:limit]
            if bytes_max is not None:
                sizes = accumulate((row.size for row in fresh), initial=0)
                fresh = [row for row, size in zip(fresh, sizes, strict=False) if size < bytes_max]
            rows = [
                row
                for start in range(0, len(fresh), 500)
                for row in connection.execute(
                    select(_SEGMENTS)
                    .where(_SEGMENTS.c.id.in_([row.id for row in fresh[start : start + 500]]))
                    .order_by(_SEGMENTS.c.id)
                )
            ]
        return [QueuedSegment(row.id, _segment(row)) for row in rows]

    def mark_sent(self, ids: Iterable[int]) -> None:
        """Note that a transaction carries these segments."""
        self._mark(ids, "sent")

    def mark_recorded(self, ids: Iterable[int]) -> None:
        """Note that the ledger holds these segments."""
        self._mark(ids, "recorded")

    def mark_queued(self, ids: Iterable[int]) -> None:
        """Put segments back: what carried them did nothing."""
        self._mark(ids, "queued")

    def mark_refused(self, refused: Iterable[tuple[int, int]]) -> None:
        """Note that the ledger kept nothing of these segments, and why; they stay for people to look at."""
        listed = list(refused)
        if not listed:
            return
        with self._database.transaction() as connection:
            for segment_id, reason in listed:
                connection.execute(
                    update(_SEGMENTS)
                    .where(_SEGMENTS.c.id == segment_id)
                    .values(state="refused", reason=reason, attempts=_SEGMENTS.c.attempts + 1)
                )

    def _mark(self, ids: Iterable[int], state: str) -> None:
        listed = list(ids)
        if not listed:
            return
        with self._database.transaction() as connection:
            for start in range(0, len(listed), 500):
                connection.execute(
                    update(_SEGMENTS).where(_SEGMENTS.c.id.in_(listed[start : start + 500])).values(state=state)
                )


class TransactionStore:
    """The transactions of one sender; fulfils the relayer's `TxStore`."""

    def __init__(self, database: Database, sender: str, *, lease: Lease | None = None) -> None:
        self._database, self._sender, self._lease = database, sender.lower(), lease

    def save(self, *txs: StoredTx) -> None:
        """Keep transactions that are about to be sent, all or none.

        Raises:
            LeaseLost: another process sends for this account now, and its nonces are that one's to give.
        """
        with self._database.transaction() as connection:
            if self._lease is not None:
                self._lease.require(connection)
            connection.execute(insert(_TXS), [self._row(tx) for tx in txs])

    def open_txs(self) -> Sequence[StoredTx]:
        """Return those sent or included, oldest nonce first, replacements in the order saved."""
        return self._select(_TXS.c.state.in_(_OPEN))

    def txs_from(self, nonce: int) -> Sequence[StoredTx]:
        """Return all ever saved with this nonce or a higher one, in the same order."""
        return self._select(_TXS.c.nonce >= nonce)

    def highest_nonce(self) -> int | None:
        """Return the highest nonce ever saved."""
        with self._database.transaction(writes=False) as connection:
            found: int | None = connection.execute(
                select(func.max(_TXS.c.nonce)).where(_TXS.c.sender == self._sender)
            ).scalar_one()
        return found

    def mark(self, *txs: StoredTx) -> None:
        """Keep what became of transactions: their state, and their block."""
        with self._database.transaction() as connection:
            for tx in txs:
                row = self._row(tx)
                connection.execute(
                    update(_TXS)
                    .where(_TXS.c.tx_hash == row["tx_hash"])
                    .values(state=row["state"], block_hash=row["block_hash"])
                )

    def _row(self, tx: StoredTx) -> dict[str, Any]:
        return {
            "sender": self._sender,
            "nonce": tx.nonce,
            "raw": tx.raw,
            "tx_hash": tx.tx_hash.hex(),
            "segment_ids": json.dumps(list(tx.segment_ids)),
            "lot": None if tx.settles is None else f"{lot_text(tx.settles[0])}:{device_text(tx.settles[1])}",
            "state": tx.state.value,
            "block_hash": None if tx.block_hash is None else tx.block_hash.hex(),
        }

    def _select(self, where: Any) -> list[StoredTx]:
        with self._database.transaction(writes=False) as connection:
            rows = connection.execute(
                select(_TXS).where(_TXS.c.sender == self._sender, where).order_by(_TXS.c.nonce, _TXS.c.id)
            ).all()
        return [_tx(row) for row in rows]


def _segment(row: Row[Any]) -> Segment:
    x, y, r, s = (int.from_bytes(value, "big") for value in (row.x, row.y, row.r, row.s))
    return Segment(int(row.device, 16), row.first_seq, row.words, x, y, r, s, row.assertion)


def _queue_key(text: str) -> QueueKey:
    lot, device = text.split(":")
    return int(lot, 16), int(device, 16)


def _tx(row: Row[Any]) -> StoredTx:
    return StoredTx(
        row.nonce,
        row.raw,
        bytes.fromhex(row.tx_hash),
        tuple(json.loads(row.segment_ids)),
        None if row.lot is None else _queue_key(row.lot),
        TxState(row.state),
        None if row.block_hash is None else bytes.fromhex(row.block_hash),
    )
