"""What a sender remembers of its transactions for as long as its process lives: the ledger knows the rest."""

from __future__ import annotations

from backend.usecases.outgoing import StoredTx, TxState


class MemoryTxStore:
    """Fulfils the relayer's `TxStore` without a database."""

    def __init__(self) -> None:
        self.txs: dict[bytes, StoredTx] = {}

    def save(self, *txs: StoredTx) -> None:
        """Keep transactions that are about to be sent."""
        self.txs.update((tx.tx_hash, tx) for tx in txs)

    def open_txs(self) -> list[StoredTx]:
        """Return those sent or included, oldest nonce first, replacements in the order saved."""
        return [tx for tx in self._sorted() if tx.state in (TxState.SENT, TxState.INCLUDED)]

    def txs_from(self, nonce: int) -> list[StoredTx]:
        """Return all ever saved with this nonce or a higher one, in the same order."""
        return [tx for tx in self._sorted() if tx.nonce >= nonce]

    def highest_nonce(self) -> int | None:
        """Return the highest nonce ever saved."""
        return max((tx.nonce for tx in self.txs.values()), default=None)

    def mark(self, *txs: StoredTx) -> None:
        """Keep what became of transactions: their state, and their block."""
        self.txs.update((tx.tx_hash, tx) for tx in txs)

    def _sorted(self) -> list[StoredTx]:
        return sorted(self.txs.values(), key=lambda tx: tx.nonce)
