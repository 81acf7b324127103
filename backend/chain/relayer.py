"""Bringing segments to the ledger: one account, its nonces without gaps, and nothing lost in a crash.

A transaction's bytes are in the store before any node sees them. After a crash the same bytes go out
again, so a segment can be sent twice but never lost; and the ledger records it once.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from backend.chain.client import Rpc, RpcError, RpcUnavailable
from backend.chain.ledger import (
    Ledger,
    SegmentRecorded,
    SegmentRefused,
    decode_logs,
    encode_record,
    encode_settle,
)
from backend.chain.packing import Pack, pack
from backend.chain.transactions import (
    TRANSACTION_GAS_MAX,
    Fees,
    account_of,
    read_transaction,
    sign,
    suggest_fees,
)
from backend.domain.errors import MalformedSegment
from backend.domain.journal import split_entries
from backend.domain.types import Refusal
from backend.usecases.outgoing import QueuedSegment, StoredTx, TxState

_SETTLE_GAS = 60_000
_SETTLE_STEP_GAS = 120_000
_NOOP_GAS = 21_000
_STRIKES_BEFORE_GIVING_UP = 3
# Nodes have no codes for these; every known wording is listed and anything else is only reported.
_KNOWN_ALREADY = ("already known", "already imported", "known transaction", "alreadyknown")
_TOO_LOW = ("nonce too low", "nonce is too low", "old nonce", "nonce_too_low")
_TOO_CHEAP = ("underpriced", "fee too low", "less than block base fee", "feetoolow", "gas price too low")


class TxStore(Protocol):
    """What the sender needs of a database. `save` and `mark` are durable when they return."""

    def save(self, tx: StoredTx) -> None:
        """Keep a transaction that is about to be sent."""

    def open_txs(self) -> Sequence[StoredTx]:
        """Return those sent or included, oldest nonce first, replacements in the order saved."""

    def txs_from(self, nonce: int) -> Sequence[StoredTx]:
        """Return all ever saved with this nonce or a higher one, in the same order."""

    def highest_nonce(self) -> int | None:
        """Return the highest nonce ever saved."""

    def mark(self, tx_hash: bytes, state: TxState, *, block_hash: bytes | None) -> None:
        """Keep what became of a transaction."""


@dataclass(frozen=True, slots=True)
class Included:
    """A transaction is in a block: these segments landed, these were refused and why."""

    tx: StoredTx
    block_number: int
    block_hash: bytes
    landed: tuple[int, ...]
    refused: tuple[tuple[int, Refusal], ...]


@dataclass(frozen=True, slots=True)
class Finalized:
    """A transaction's block can no longer change."""

    tx: StoredTx


@dataclass(frozen=True, slots=True)
class Vanished:
    """A transaction that had been included no longer is; it has been sent again."""

    tx: StoredTx


@dataclass(frozen=True, slots=True)
class Failed:
    """A transaction did nothing and will not be tried again: its segments go back into the queue."""

    tx: StoredTx
    why: str


Report = Included | Finalized | Vanished | Failed


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a queue handed to `Sender.send`."""

    txs: tuple[StoredTx, ...] = ()
    landed_before: tuple[int, ...] = ()
    too_large: tuple[int, ...] = ()


@dataclass
class _Waiting:
    since: float
    strikes: int = 0
    is_too_cheap: bool = False


@dataclass
class Sender:
    """The one sender of an account. Two senders of one account must never run at the same time."""

    rpc: Rpc
    key: bytes = field(repr=False)
    ledger: str = ""
    store: TxStore = field(kw_only=True)
    in_flight_max: int = 8
    stuck_after_seconds: float = 30.0
    clock: Callable[[], float] = time.monotonic
    problems: list[str] = field(default_factory=list)
    """What nodes complained of in the last `send` or `poll`, for the log."""

    def __post_init__(self) -> None:
        self._account = account_of(self.key)
        self._reads = Ledger(self.rpc, custody_ledger=self.ledger)
        self._waiting: dict[int, _Waiting] = {}
        self._gas_wanted: dict[int, int] = defaultdict(lambda: 1)

    @property
    def address(self) -> str:
        """The account that pays."""
        return str(self._account.address)

    def send(self, queue: Sequence[QueuedSegment]) -> Sent:
        """Pack, store and broadcast what there is room for; the rest waits for the next call.

        Segments of open transactions are passed over, so the whole queue may be handed in each time.
        A device's segments must be in the order of their seq.
        """
        self.problems.clear()
        open_txs = self.store.open_txs()
        under_way = {segment_id for tx in open_txs for segment_id in tx.segment_ids}
        fresh = [queued for queued in queue if queued.segment_id not in under_way]
        unmined = {tx.nonce for tx in open_txs if tx.state is TxState.SENT}
        room = self.in_flight_max - len(unmined)
        if not fresh or room <= 0:
            return Sent()
        landed = self._landed_before(fresh)
        packs, too_large = pack(queued for queued in fresh if queued.segment_id not in landed)
        txs: list[StoredTx] = []
        if packs:
            nonce, fees = self._next_nonce(), suggest_fees(self.rpc)
            for offset, one in enumerate(packs[:room]):
                txs.append(self._sign_and_store(nonce + offset, one, fees))
            for tx in txs:
                self._broadcast(tx)
        return Sent(
            txs=tuple(txs),
            landed_before=tuple(landed),
            too_large=tuple(queued.segment_id for queued in too_large),
        )

    def settle(self, lot: int, *, max_steps: int = 16) -> StoredTx:
        """Store and broadcast a call that applies what waits on a lot."""
        return self.send_call(
            encode_settle(lot, max_steps=max_steps),
            gas=_SETTLE_GAS + max_steps * _SETTLE_STEP_GAS,
            lot=lot,
        )

    def send_call(self, data: bytes, *, gas: int, to: str | None = None, lot: int | None = None) -> StoredTx:
        """Store and broadcast any other call from this account."""
        self.problems.clear()
        tx = self._store(
            self._next_nonce(),
            to=to or self.ledger,
            data=data,
            gas=min(gas, TRANSACTION_GAS_MAX),
            fees=suggest_fees(self.rpc),
            lot=lot,
        )
        self._broadcast(tx)
        return tx

    def poll(self) -> list[Report]:
        """See what became of open transactions; send again what the chain lost; pay more where stuck."""
        self.problems.clear()
        open_txs = list(self.store.open_txs())
        chain_nonce, finalized = self._chain_position()
        known = {tx.tx_hash for tx in open_txs}
        # A chain that has gone back needs transactions that were final once.
        open_txs += [tx for tx in self.store.txs_from(chain_nonce) if tx.tx_hash not in known]
        by_nonce: dict[int, list[StoredTx]] = defaultdict(list)
        for tx in open_txs:
            by_nonce[tx.nonce].append(tx)
        receipts = self._receipts(open_txs)
        reports: list[Report] = []
        for nonce in sorted(by_nonce):
            txs = by_nonce[nonce]
            mined = next(((tx, receipts[tx.tx_hash]) for tx in txs if tx.tx_hash in receipts), None)
            if mined is not None:
                self._waiting.pop(nonce, None)
                reports += self._settle_nonce(*mined, txs, finalized)
            else:
                reports += self._chase(nonce, txs, chain_nonce)
        self._fill_gaps(chain_nonce, set(by_nonce))
        return reports

    def _settle_nonce(
        self, mined: StoredTx, receipt: dict[str, Any], txs: Sequence[StoredTx], finalized: int
    ) -> list[Report]:
        """Report on a nonce of which one transaction is in a block."""
        reports: list[Report] = []
        block_number, block_hash = int(receipt["blockNumber"], 16), bytes.fromhex(receipt["blockHash"][2:])
        if mined.state is not TxState.INCLUDED or mined.block_hash != block_hash:
            if mined.state is TxState.FINAL and mined.block_hash == block_hash:
                return []
            reports.append(self._read_receipt(mined, receipt, block_number, block_hash))
            self.store.mark(mined.tx_hash, TxState.INCLUDED, block_hash=block_hash)
        if block_number <= finalized:
            self.store.mark(mined.tx_hash, TxState.FINAL, block_hash=block_hash)
            for other in txs:
                if other.tx_hash != mined.tx_hash:
                    self.store.mark(other.tx_hash, TxState.DROPPED, block_hash=None)
            reports.append(Finalized(mined))
        return reports

    def _read_receipt(self, tx: StoredTx, receipt: dict[str, Any], block_number: int, block_hash: bytes) -> Report:
        if int(receipt["status"], 16) != 1:
            for segment_id in tx.segment_ids:  # the ledger reverts only when the gas is gone
                self._gas_wanted[segment_id] *= 2
            return Failed(tx, "the transaction reverted")
        logs = [log for log in receipt["logs"] if log["address"].lower() == self.ledger.lower()]
        answers = [event for event in decode_logs(logs) if isinstance(event, (SegmentRecorded, SegmentRefused))]
        if len(answers) != len(tx.segment_ids):
            return Failed(tx, f"{len(answers)} answers to {len(tx.segment_ids)} segments")
        landed: list[int] = []
        refused: list[tuple[int, Refusal]] = []
        for segment_id, event in zip(tx.segment_ids, answers, strict=True):
            self._gas_wanted.pop(segment_id, None)
            if isinstance(event, SegmentRecorded) or event.reason is Refusal.ALREADY_RECORDED:
                landed.append(segment_id)
            else:
                refused.append((segment_id, event.reason))
        return Included(tx, block_number, block_hash, tuple(landed), tuple(refused))

    def _chase(self, nonce: int, txs: Sequence[StoredTx], chain_nonce: int) -> list[Report]:
        """Do something about a nonce of which nothing is in a block."""
        reports: list[Report] = []
        newest = txs[-1]
        for tx in txs:
            if tx.state in (TxState.INCLUDED, TxState.FINAL):
                self.store.mark(tx.tx_hash, TxState.SENT, block_hash=None)
                reports.append(Vanished(tx))
        waiting = self._waiting.setdefault(nonce, _Waiting(self.clock()))
        if nonce < chain_nonce:
            # Either the receipt is late, or something else used this nonce; a few looks tell which.
            waiting.strikes += 1
            if waiting.strikes >= _STRIKES_BEFORE_GIVING_UP:
                self._waiting.pop(nonce)
                for tx in txs:
                    self.store.mark(tx.tx_hash, TxState.DROPPED, block_hash=None)
                reports.append(Failed(newest, "another transaction used its nonce"))
            return reports
        waiting.strikes = 0
        is_stuck = nonce == chain_nonce and self.clock() - waiting.since >= self.stuck_after_seconds
        if waiting.is_too_cheap or is_stuck:
            newest = self._replace(newest)
            waiting.since, waiting.is_too_cheap = self.clock(), False
            self._broadcast(newest)
        elif not self._is_known(newest):
            self._broadcast(newest)
        return reports

    def _fill_gaps(self, chain_nonce: int, nonces: set[int]) -> None:
        """Use up a nonce that nobody has bytes for, or all after it would wait for ever."""
        highest = max(nonces, default=chain_nonce - 1)
        for nonce in range(chain_nonce, highest):
            if nonce not in nonces:
                fees = suggest_fees(self.rpc)
                self._broadcast(self._store(nonce, to=self.address, data=b"", gas=_NOOP_GAS, fees=fees))

    def _landed_before(self, queue: Sequence[QueuedSegment]) -> list[int]:
        """Return segments that the ledger has already, whoever brought them."""
        devices = list({queued.segment.device for queued in queue})
        next_seqs = self._reads.next_seqs(devices)
        landed = []
        for queued in queue:
            try:
                count = len(split_entries(queued.segment.words))
            except MalformedSegment:
                continue  # the ledger will say so
            if queued.segment.first_seq + count <= next_seqs[queued.segment.device]:
                landed.append(queued.segment_id)
        return landed

    def _next_nonce(self) -> int:
        chain = int(self.rpc.call("eth_getTransactionCount", self.address, "latest"), 16)
        highest = self.store.highest_nonce()
        return chain if highest is None else max(chain, highest + 1)

    def _chain_position(self) -> tuple[int, int]:
        count, finalized = self.rpc.batch_each(
            [
                ("eth_getTransactionCount", (self.address, "latest")),
                ("eth_getBlockByNumber", ("finalized", False)),
            ]
        )
        if isinstance(count, RpcError):
            raise count
        is_known = isinstance(finalized, dict)
        return int(count, 16), int(finalized["number"], 16) if is_known else -1

    def _receipts(self, txs: Sequence[StoredTx]) -> dict[bytes, dict[str, Any]]:
        calls = [("eth_getTransactionReceipt", ("0x" + tx.tx_hash.hex(),)) for tx in txs]
        answers = self.rpc.batch(calls)
        return {tx.tx_hash: answer for tx, answer in zip(txs, answers, strict=True) if answer is not None}

    def _is_known(self, tx: StoredTx) -> bool:
        return self.rpc.call("eth_getTransactionByHash", "0x" + tx.tx_hash.hex()) is not None

    def _sign_and_store(self, nonce: int, one: Pack, fees: Fees) -> StoredTx:
        ids = tuple(queued.segment_id for queued in one.segments)
        times = max((self._gas_wanted.get(segment_id, 1) for segment_id in ids), default=1)
        return self._store(
            nonce,
            to=self.ledger,
            data=encode_record([queued.segment for queued in one.segments]),
            gas=min(one.gas * times, TRANSACTION_GAS_MAX),
            fees=fees,
            segment_ids=ids,
        )

    def _store(
        self,
        nonce: int,
        *,
        to: str,
        data: bytes,
        gas: int,
        fees: Fees,
        segment_ids: tuple[int, ...] = (),
        lot: int | None = None,
    ) -> StoredTx:
        signed = sign(self._account, chain_id=self.rpc.chain_id, nonce=nonce, to=to, data=data, gas=gas, fees=fees)
        tx = StoredTx(nonce, signed.raw, signed.tx_hash, segment_ids, lot)
        self.store.save(tx)
        return tx

    def _replace(self, tx: StoredTx) -> StoredTx:
        """Store the same call under the same nonce with a higher fee."""
        call = read_transaction(tx.raw)
        fees = call.fees.raised().at_least(suggest_fees(self.rpc))
        return self._store(
            tx.nonce,
            to=call.to,
            data=call.data,
            gas=call.gas,
            fees=fees,
            segment_ids=tx.segment_ids,
            lot=tx.lot,
        )

    def _broadcast(self, tx: StoredTx) -> None:
        """Hand the bytes to a node. Whatever it says, receipts decide; only a low fee needs an answer."""
        try:
            self.rpc.call("eth_sendRawTransaction", "0x" + tx.raw.hex())
        except RpcUnavailable as error:
            self.problems.append(str(error))
        except RpcError as error:
            said = error.message.lower()
            if any(text in said for text in _TOO_CHEAP):
                self._waiting.setdefault(tx.nonce, _Waiting(self.clock())).is_too_cheap = True
            elif not any(text in said for text in _KNOWN_ALREADY + _TOO_LOW):
                self.problems.append(str(error))
