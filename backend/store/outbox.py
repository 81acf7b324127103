"""What is still to be sent: segments waiting for the chain, and the transactions that carry them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row, func, insert, select, update

from backend.domain.journal import Segment
from backend.domain.types import lot_text
from backend.store.session import Database
from backend.store.tables import AcceptedSegment, OutgoingTransaction, table_of
from backend.usecases.outgoing import QueuedSegment, StoredTx, TxState

_SEGMENTS, _TXS = table_of(AcceptedSegment), table_of(OutgoingTransaction)
_OPEN = (TxState.SENT.value, TxState.INCLUDED.value)


class Outbox:
    """Segments in the order in which they came; a device's are always in the order of their seq."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def queued(self, limit: int) -> list[QueuedSegment]:
        """Return the oldest segments that the ledger does not hold yet."""
        with self._database.transaction(writes=False) as connection:
            rows = connection.execute(
                select(_SEGMENTS)
                .where(_SEGMENTS.c.state.in_(("queued", "sent")))
                .order_by(_SEGMENTS.c.id)
                .limit(limit)
            ).all()
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
        with self._database.transaction() as connection:
            for segment_id, reason in refused:
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

    def __init__(self, database: Database, sender: str) -> None:
        self._database, self._sender = database, sender.lower()

    def save(self, tx: StoredTx) -> None:
        """Keep a transaction that is about to be sent."""
        with self._database.transaction() as connection:
            connection.execute(
                insert(_TXS).values(
                    sender=self._sender,
                    nonce=tx.nonce,
                    raw=tx.raw,
                    tx_hash=tx.tx_hash.hex(),
                    segment_ids=json.dumps(list(tx.segment_ids)),
                    lot=None if tx.lot is None else lot_text(tx.lot),
                    state=tx.state.value,
                    block_hash=None if tx.block_hash is None else tx.block_hash.hex(),
                )
            )

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

    def mark(self, tx_hash: bytes, state: TxState, *, block_hash: bytes | None) -> None:
        """Keep what became of a transaction."""
        with self._database.transaction() as connection:
            connection.execute(
                update(_TXS)
                .where(_TXS.c.tx_hash == tx_hash.hex())
                .values(state=state.value, block_hash=None if block_hash is None else block_hash.hex())
            )

    def _select(self, where: Any) -> list[StoredTx]:
        with self._database.transaction(writes=False) as connection:
            rows = connection.execute(
                select(_TXS).where(_TXS.c.sender == self._sender, where).order_by(_TXS.c.nonce, _TXS.c.id)
            ).all()
        return [_tx(row) for row in rows]


def _segment(row: Row[Any]) -> Segment:
    x, y, r, s = (int.from_bytes(value, "big") for value in (row.x, row.y, row.r, row.s))
    return Segment(int(row.device, 16), row.first_seq, row.words, x, y, r, s)


def _tx(row: Row[Any]) -> StoredTx:
    return StoredTx(
        row.nonce,
        row.raw,
        bytes.fromhex(row.tx_hash),
        tuple(json.loads(row.segment_ids)),
        None if row.lot is None else int(row.lot, 16),
        TxState(row.state),
        None if row.block_hash is None else bytes.fromhex(row.block_hash),
    )
