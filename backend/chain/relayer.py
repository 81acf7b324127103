"""Bringing segments to the ledger: one account, its nonces without gaps, and nothing lost in a crash.

A transaction's bytes are in the store before any node sees them. After a crash the same bytes go out
again, so a segment can be sent twice but never lost; and the ledger records it once.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol

from backend.chain.client import Rpc, RpcError, RpcUnavailable
from backend.chain.ledger import Ledger
from backend.chain.ledger_calls import encode_record, encode_settle
from backend.chain.ledger_events import SegmentRecorded, SegmentRefused
from backend.chain.ledger_logs import decode_logs
from backend.chain.packing import PACK_BYTES_MAX, Pack, pack
from backend.chain.transactions import (
    TRANSACTION_GAS_MAX,
    Fees,
    account_of,
    read_transaction,
    sign,
    suggest_fees,
)
from backend.domain.custody_state import QueueKey
from backend.domain.errors import MalformedSegment
from backend.domain.journal import split_entries
from backend.domain.types import Refusal
from backend.usecases.outgoing import QueuedSegment, StoredTx, TxState

_SETTLE_GAS = 60_000
_SETTLE_STEP_GAS = 120_000
_NOOP_GAS = 21_000
# Each is up to 80 KB of text; nodes take a few MB at a time.
_SENDS_A_BATCH = 16
# A node may count a transaction before it shows the receipt, so looks that follow each other at once say little.
_STRIKES_BEFORE_GIVING_UP, _SECONDS_BEFORE_GIVING_UP = 3, 2.0
# Nodes have no codes for these; every known wording is listed and anything else is only reported.
_KNOWN_ALREADY = ("already known", "already imported", "known transaction", "alreadyknown")
_TOO_LOW = ("nonce too low", "nonce is too low", "old nonce", "nonce_too_low")
_TOO_CHEAP = ("underpriced", "fee too low", "less than block base fee", "feetoolow", "gas price too low")


class TxStore(Protocol):
    """What the sender needs of a database. `save` and `mark` are durable when they return."""

    def save(self, *txs: StoredTx) -> None:
        """Keep transactions that are about to be sent, all or none."""

    def open_txs(self) -> Sequence[StoredTx]:
        """Return those sent or included, oldest nonce first, replacements in the order saved."""

    def txs_from(self, nonce: int) -> Sequence[StoredTx]:
        """Return all ever saved with this nonce or a higher one, in the same order."""

    def highest_nonce(self) -> int | None:
        """Return the highest nonce ever saved."""

    def mark(self, *txs: StoredTx) -> None:
        """Keep what became of transactions: their state, and their block."""


@dataclass(frozen=True, slots=True)
class Included:
    """A transaction is in a block: these segments landed, these were refused and why."""

    tx: StoredTx
    block_number: int
    block_hash: bytes
    landed: tuple[int, ...]
    refused: tuple[tuple[int, Refusal], ...]
    gas_used: int = 0


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
class Room:
    """How many bytes of transactions may be sent now, and the segments that are under way."""

    bytes_max: int
    under_way: frozenset[int]


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a queue handed to `Sender.send`."""

    txs: tuple[StoredTx, ...] = ()
    landed_before: tuple[int, ...] = ()
    too_large: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class _Position:
    """Where the chain stands for an account."""

    nonce: int
    next_in_pool: int
    finalized: int


class _Mined(NamedTuple):
    """A transaction in a block; with its receipt unless that was read before."""

    tx: StoredTx
    block_number: int
    block_hash: bytes
    receipt: dict[str, Any] | None


@dataclass
class _Waiting:
    since: float
    strikes: int = 0
    struck_since: float = 0.0
    is_too_cheap: bool = False


@dataclass
class Sender:
    """The one sender of an account. Two senders of one account must never run at the same time."""

    rpc: Rpc
    key: bytes = field(repr=False)
    ledger: str = ""
    store: TxStore = field(kw_only=True)
    in_flight_max: int = 32
    """What a full block takes of full transactions; pools keep more than that of one account."""
    stuck_after_seconds: float = 30.0
    clock: Callable[[], float] = time.monotonic
    problems: list[str] = field(default_factory=list)
    """What nodes complained of in the last `send` or `poll`, for the log."""

    def __post_init__(self) -> None:
        self._account = account_of(self.key)
        self._reads = Ledger(self.rpc, custody_ledger=self.ledger)
        self._waiting: dict[int, _Waiting] = {}
        self._blocks: dict[bytes, int] = {}
        self._chain_id: int | None = None
        self._gas_wanted: dict[int, int] = defaultdict(lambda: 1)

    @property
    def address(self) -> str:
        """The account that pays."""
        return str(self._account.address)

    def room(self) -> Room:
        """Return what a caller with a long queue need not read of it."""
        open_txs = self.store.open_txs()
        return Room(
            self._places_left(open_txs) * PACK_BYTES_MAX,
            frozenset(segment_id for tx in open_txs for segment_id in tx.segment_ids),
        )

    def send(self, queue: Sequence[QueuedSegment]) -> Sent:
        """Pack, store and broadcast what there is room for; the rest waits for the next call.

        Segments of open transactions are passed over, so the whole queue may be handed in each time.
        A device's segments must be in the order of their seq.
        """
        self.problems.clear()
        open_txs = self.store.open_txs()
        under_way = {segment_id for tx in open_txs for segment_id in tx.segment_ids}
        fresh = [queued for queued in queue if queued.segment_id not in under_way]
        room = self._places_left(open_txs)
        if not fresh or room <= 0:
            return Sent()
        landed = self._landed_before(fresh)
        rest = (queued for queued in fresh if queued.segment_id not in landed)
        packs, too_large = pack(rest, alone=self._gas_wanted)
        txs: list[StoredTx] = []
        if packs:
            nonce, fees = self._next_nonce(), suggest_fees(self.rpc)
            txs = [self._sign_pack(nonce + offset, one, fees) for offset, one in enumerate(packs[:room])]
            self.store.save(*txs)
            self._broadcast(*txs)
        return Sent(
            txs=tuple(txs),
            landed_before=tuple(landed),
            too_large=tuple(queued.segment_id for queued in too_large),
        )

    def _places_left(self, open_txs: Iterable[StoredTx]) -> int:
        return max(self.in_flight_max - len({tx.nonce for tx in open_txs if tx.state is TxState.SENT}), 0)

    def settle(self, lot: int, device: int, *, max_steps: int = 16) -> StoredTx:
        """Store and broadcast a call that judges what a device has waiting on a lot."""
        return self.send_call(
            encode_settle(lot, device, max_steps=max_steps),
            gas=_SETTLE_GAS + max_steps * _SETTLE_STEP_GAS,
            settles=(lot, device),
        )

    def send_call(
        self, data: bytes, *, gas: int, to: str | None = None, settles: QueueKey | None = None
    ) -> StoredTx:
        """Store and broadcast any other call from this account."""
        self.problems.clear()
        tx = self._sign(
            self._next_nonce(),
            to=to or self.ledger,
            data=data,
            gas=min(gas, TRANSACTION_GAS_MAX),
            fees=suggest_fees(self.rpc),
            settles=settles,
        )
        self.store.save(tx)
        self._broadcast(tx)
        return tx

    def poll(self) -> list[Report]:
        """See what became of open transactions; send again what the chain lost; pay more where stuck."""
        return [report for group in self.reports() for report in group]

    def reports(self) -> Iterator[list[Report]]:
        """Do the same, for a caller who notes each group of reports as it comes.

        What became of a group's transactions is kept only after the group was taken: a node or a disk that fails
        in between has it reported again. What is in blocks is one group: one write to disk is enough for it.
        """
        self.problems.clear()
        open_txs = list(self.store.open_txs())
        position = self._chain_position()
        known = {tx.tx_hash for tx in open_txs}
        # A chain that has gone back needs transactions that were final once.
        open_txs += [tx for tx in self.store.txs_from(position.nonce) if tx.tx_hash not in known]
        by_nonce: dict[int, list[StoredTx]] = defaultdict(list)
        for tx in open_txs:
            by_nonce[tx.nonce].append(tx)
        mined = self._mined(open_txs)
        for nonce in mined.keys() & self._waiting.keys():
            del self._waiting[nonce]
        yield from self._settle_mined(mined, by_nonce, position.finalized)
        for nonce in sorted(by_nonce.keys() - mined.keys()):
            yield from self._chase(nonce, by_nonce[nonce], position)
        self._fill_gaps(position.nonce, set(by_nonce))

    def _mined(self, txs: Sequence[StoredTx]) -> dict[int, _Mined]:
        """Return, by nonce, what is in a block.

        A receipt is as large as its transaction, and is read once: that its block is still there is enough to know
        later.
        """
        in_block = {tx.tx_hash: self._blocks[tx.tx_hash] for tx in txs if tx.tx_hash in self._blocks}
        numbers = sorted(set(in_block.values()))
        blocks = self.rpc.batch([("eth_getBlockByNumber", (hex(number), False)) for number in numbers])
        hashes = {
            number: bytes.fromhex(block["hash"][2:])
            for number, block in zip(numbers, blocks, strict=True)
            if block is not None
        }
        mined: dict[int, _Mined] = {}
        asked = []
        for tx in txs:
            number = in_block.get(tx.tx_hash, -1)
            if tx.state is TxState.INCLUDED and tx.block_hash is not None and hashes.get(number) == tx.block_hash:
                mined[tx.nonce] = _Mined(tx, number, tx.block_hash, None)
            else:
                asked.append(tx)
        for tx, receipt in self._receipts(asked).items():
            number, block_hash = int(receipt["blockNumber"], 16), bytes.fromhex(receipt["blockHash"][2:])
            mined.setdefault(tx.nonce, _Mined(tx, number, block_hash, receipt))
        return mined

    def _settle_mined(
        self, mined: Mapping[int, _Mined], by_nonce: Mapping[int, Sequence[StoredTx]], finalized: int
    ) -> Iterator[list[Report]]:
        """Report on nonces of which one transaction is in a block."""
        reports: list[Report] = []
        marks: list[StoredTx] = []
        for nonce in sorted(mined):
            tx, number, block_hash, receipt = mined[nonce]
            is_known = tx.state is not TxState.SENT and tx.block_hash == block_hash
            if tx.state is TxState.FINAL and is_known:
                continue
            included = replace(tx, state=TxState.INCLUDED, block_hash=block_hash)
            if receipt is not None:
                self._blocks[tx.tx_hash] = number
                if not is_known:
                    reports.append(self._read_receipt(tx, receipt, number, block_hash))
                    marks.append(included)
            if number <= finalized:
                reports.append(Finalized(tx))
                marks.append(replace(included, state=TxState.FINAL))
                others = [other for other in by_nonce[nonce] if other.tx_hash != tx.tx_hash]
                marks += [replace(other, state=TxState.DROPPED, block_hash=None) for other in others]
        if reports:
            yield reports
            self.store.mark(*marks)
            for tx in marks:
                if tx.state is not TxState.INCLUDED:
                    self._blocks.pop(tx.tx_hash, None)

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
        return Included(tx, block_number, block_hash, tuple(landed), tuple(refused), int(receipt["gasUsed"], 16))

    def _chase(self, nonce: int, txs: Sequence[StoredTx], position: _Position) -> Iterator[list[Report]]:
        """Do something about a nonce of which nothing is in a block."""
        newest = txs[-1]
        left = [tx for tx in txs if tx.state in (TxState.INCLUDED, TxState.FINAL)]
        if left:
            yield [Vanished(tx) for tx in left]
            self.store.mark(*(replace(tx, state=TxState.SENT, block_hash=None) for tx in left))
        waiting = self._waiting.setdefault(nonce, _Waiting(self.clock()))
        if nonce < position.nonce:
            # Either the receipt is late, or something else used this nonce; a few looks tell which.
            if waiting.strikes == 0:
                waiting.struck_since = self.clock()
            waiting.strikes += 1
            has_waited = self.clock() - waiting.struck_since >= _SECONDS_BEFORE_GIVING_UP
            if waiting.strikes >= _STRIKES_BEFORE_GIVING_UP and has_waited:
                yield [Failed(newest, "another transaction used its nonce")]
                self._waiting.pop(nonce)
                self.store.mark(*(replace(tx, state=TxState.DROPPED, block_hash=None) for tx in txs))
            return
        waiting.strikes = 0
        is_stuck = nonce == position.nonce and self.clock() - waiting.since >= self.stuck_after_seconds
        if waiting.is_too_cheap or is_stuck:
            newest = self._replace(newest)
            waiting.since, waiting.is_too_cheap = self.clock(), False
            self._broadcast(newest)
        elif not self._is_known(nonce, txs, position):
            self._broadcast(newest)

    def _fill_gaps(self, chain_nonce: int, nonces: set[int]) -> None:
        """Use up a nonce that nobody has bytes for, or all after it would wait for ever."""
        highest = max(nonces, default=chain_nonce - 1)
        for nonce in range(chain_nonce, highest):
            if nonce not in nonces:
                noop = self._sign(nonce, to=self.address, data=b"", gas=_NOOP_GAS, fees=suggest_fees(self.rpc))
                self.store.save(noop)
                self._broadcast(noop)

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

    def _chain_position(self) -> _Position:
        count, waiting, finalized = self.rpc.batch_each(
            [
                ("eth_getTransactionCount", (self.address, "latest")),
                ("eth_getTransactionCount", (self.address, "pending")),
                ("eth_getBlockByNumber", ("finalized", False)),
            ]
        )
        if isinstance(count, RpcError):
            raise count
        return _Position(
            nonce=int(count, 16),
            next_in_pool=int(waiting if isinstance(waiting, str) else count, 16),
            finalized=int(finalized["number"], 16) if isinstance(finalized, dict) else -1,
        )

    def _receipts(self, txs: Sequence[StoredTx]) -> dict[StoredTx, dict[str, Any]]:
        calls = [("eth_getTransactionReceipt", ("0x" + tx.tx_hash.hex(),)) for tx in txs]
        answers = self.rpc.batch(calls)
        return {tx: answer for tx, answer in zip(txs, answers, strict=True) if answer is not None}

    def _is_known(self, nonce: int, txs: Sequence[StoredTx], position: _Position) -> bool:
        """Say whether the node has the newest of these; a nonce that its pool counts is not asked for in full."""
        if len(txs) == 1 and nonce < position.next_in_pool:
            return True
        return self.rpc.call("eth_getTransactionByHash", "0x" + txs[-1].tx_hash.hex()) is not None

    def _sign_pack(self, nonce: int, one: Pack, fees: Fees) -> StoredTx:
        ids = tuple(queued.segment_id for queued in one.segments)
        times = max((self._gas_wanted.get(segment_id, 1) for segment_id in ids), default=1)
        return self._sign(
            nonce,
            to=self.ledger,
            data=encode_record([queued.segment for queued in one.segments]),
            gas=min(one.gas * times, TRANSACTION_GAS_MAX),
            fees=fees,
            segment_ids=ids,
        )

    def _sign(
        self,
        nonce: int,
        *,
        to: str,
        data: bytes,
        gas: int,
        fees: Fees,
        segment_ids: tuple[int, ...] = (),
        settles: QueueKey | None = None,
    ) -> StoredTx:
        if self._chain_id is None:
            self._chain_id = self.rpc.chain_id
        signed = sign(self._account, chain_id=self._chain_id, nonce=nonce, to=to, data=data, gas=gas, fees=fees)
        return StoredTx(nonce, signed.raw, signed.tx_hash, segment_ids, settles)

    def _replace(self, tx: StoredTx) -> StoredTx:
        """Store the same call under the same nonce with a higher fee."""
        call = read_transaction(tx.raw)
        fees = call.fees.raised().at_least(suggest_fees(self.rpc))
        again = self._sign(
            tx.nonce,
            to=call.to,
            data=call.data,
            gas=call.gas,
            fees=fees,
            segment_ids=tx.segment_ids,
            settles=tx.settles,
        )
        self.store.save(again)
        return again

    def _broadcast(self, *txs: StoredTx) -> None:
        """Hand the bytes to a node. Whatever it says, receipts decide; only a low fee needs an answer."""
        for start in range(0, len(txs), _SENDS_A_BATCH):
            some = txs[start : start + _SENDS_A_BATCH]
            try:
                answers = self.rpc.batch_each([("eth_sendRawTransaction", ("0x" + tx.raw.hex(),)) for tx in some])
            except RpcUnavailable as error:
                self.problems.append(str(error))
                return
            for tx, answer in zip(some, answers, strict=True):
                if isinstance(answer, RpcError):
                    self._hear(tx, answer)

    def _hear(self, tx: StoredTx, complaint: RpcError) -> None:
        said = complaint.message.lower()
        if any(text in said for text in _TOO_CHEAP):
            self._waiting.setdefault(tx.nonce, _Waiting(self.clock())).is_too_cheap = True
        elif not any(text in said for text in _KNOWN_ALREADY + _TOO_LOW):
            self.problems.append(str(complaint))
