"""Following the chain: what is new, in order and linked to what was known, or where the paths part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from backend.chain.client import Call, Rpc, RpcError, RpcUnavailable
from backend.chain.deploy import Deployment
from backend.chain.ledger import LedgerEvent, decode_logs
from backend.domain.keccak import keccak256

_HEAD_BLOCKS_MAX = 64
_WINDOW_FIRST, _WINDOW_MAX = 256, 8192
# A window that brought fewer logs than this may grow; one that brought more than four times as many shrinks.
_LOGS_WANTED = 4_000
_HEADERS_A_BATCH = 128
# An unfinalized tip without a `finalized` tag counts as final this deep.
_FALLBACK_DEPTH = 64

RawLog = dict[str, Any]


class RpcInconsistent(RpcUnavailable):
    """A node contradicted itself, as one in the middle of a reorg or behind its peers does. Ask again."""


@dataclass(frozen=True, slots=True)
class KnownBlock:
    """A block as the store remembers it."""

    number: int
    block_hash: bytes


@dataclass(frozen=True, slots=True)
class Header:
    """What the books need of a block."""

    number: int
    block_hash: bytes
    parent_hash: bytes
    timestamp: int


@dataclass(frozen=True, slots=True)
class Extend:
    """New blocks that follow on the newest known one; none when there is nothing new.

    The last header is the new cursor. Below `finalized_number` only the first and last block of the
    range and those that hold logs have a header here; above it every block has one.
    """

    headers: tuple[Header, ...]
    logs: tuple[RawLog, ...]
    finalized_number: int
    head_number: int

    @property
    def events(self) -> list[LedgerEvent]:
        """The logs, decoded."""
        return decode_logs(self.logs)


@dataclass(frozen=True, slots=True)
class Reorg:
    """Known blocks after this one are no longer part of the chain; `None`: not one known block is."""

    common_ancestor: KnownBlock | None
    finalized_number: int


class Watcher:
    """Reads one deployment's logs. Remembers nothing but how large a range its node will bear."""

    def __init__(self, rpc: Rpc, deployment: Deployment) -> None:
        self._rpc = rpc
        self._addresses = deployment.addresses
        self._address_blooms = [_bloom_bits(bytes.fromhex(address[2:])) for address in self._addresses]
        self._first_block = deployment.deployed_block
        self._window = _WINDOW_FIRST

    def next_batch(self, known: Sequence[KnownBlock]) -> Extend | Reorg:
        """Return what comes after the known blocks (newest last), or where the chain left them.

        A head lower than what is known is not a reorg: it takes another block at a known height, linked
        to a block that is known.

        Raises:
            RpcUnavailable: nobody answered, or not consistently; ask again.
        """
        newest = known[-1] if known else None
        calls: list[Call] = [
            ("eth_getBlockByNumber", ("latest", False)),
            ("eth_getBlockByNumber", ("finalized", False)),
        ]
        if newest is not None:
            calls.append(_block_call(newest.number))
        latest, finalized, *at_newest = self._rpc.batch_each(calls)
        for answer in (latest, *at_newest):
            if isinstance(answer, RpcError):
                raise answer
        if latest is None:
            raise RpcInconsistent("the node has no latest block")
        head_number = int(latest["number"], 16)
        finalized_number = self._finalized_number(finalized, head_number)
        nothing_new = Extend((), (), finalized_number, head_number)
        if newest is not None:
            if at_newest[0] is None:
                return nothing_new
            if _header(at_newest[0]).block_hash != newest.block_hash:
                return self._reorg(known, finalized_number)
        first = self._first_block if newest is None else newest.number + 1
        if first > head_number:
            return nothing_new
        if first <= finalized_number:
            headers, logs = self._range(first, finalized_number, newest)
        else:
            headers, logs = self._near_head(first, min(head_number, first + _HEAD_BLOCKS_MAX - 1), newest)
        return Extend(tuple(headers), tuple(logs), finalized_number, head_number)

    @staticmethod
    def _finalized_number(finalized: Any, head_number: int) -> int:
        if isinstance(finalized, dict):
            return min(int(finalized["number"], 16), head_number)
        return max(head_number - _FALLBACK_DEPTH, 0)

    def _reorg(self, known: Sequence[KnownBlock], finalized_number: int) -> Reorg:
        """Find the newest known block that still stands, and check that the new path leads to it."""
        ancestor: KnownBlock | None = None
        for start in range(len(known), 0, -_HEADERS_A_BATCH):
            some = known[max(start - _HEADERS_A_BATCH, 0) : start]
            blocks = self._rpc.batch([_block_call(block.number) for block in some])
            standing = [
                block
                for block, found in zip(some, blocks, strict=True)
                if found is not None and _header(found).block_hash == block.block_hash
            ]
            if standing:
                ancestor = standing[-1]
                break
        if ancestor is None:
            return Reorg(None, finalized_number)
        path = self._headers(list(range(ancestor.number + 1, known[-1].number + 1)))
        _require_linked(path, ancestor)
        return Reorg(ancestor, finalized_number)

    def _range(
        self, first: int, finalized_number: int, newest: KnownBlock | None
    ) -> tuple[list[Header], list[RawLog]]:
        """Read final blocks by range, in windows as large as the node bears."""
        while True:
            last = min(first + self._window - 1, finalized_number)
            try:
                first_block, last_block, logs = self._rpc.batch(
                    [
                        _block_call(first),
                        _block_call(last),
                        ("eth_getLogs", (self._filter(fromBlock=hex(first), toBlock=hex(last)),)),
                    ]
                )
                break
            except (RpcError, RpcUnavailable):
                if last == first:
                    raise
                self._window = max((last - first + 1) // 2, 1)
        if first_block is None or last_block is None:
            raise RpcInconsistent(f"the node lacks a block between {first} and {last}")
        ends = [_header(first_block), _header(last_block)]
        if newest is not None:
            _require_linked(ends[:1], newest)
        by_number = {header.number: header for header in ends}
        numbers = sorted({int(log["blockNumber"], 16) for log in logs} - by_number.keys())
        by_number.update((header.number, header) for header in self._headers(numbers))
        self._adapt(len(logs), last - first + 1)
        return sorted(by_number.values(), key=_by_number), _checked(logs, by_number, first, last)

    def _adapt(self, log_count: int, block_count: int) -> None:
        if log_count > 4 * _LOGS_WANTED:
            self._window = max(self._window // 2, 1)
        elif log_count < _LOGS_WANTED and block_count == self._window:
            self._window = min(self._window + self._window // 2 + 1, _WINDOW_MAX)

    def _near_head(self, first: int, last: int, newest: KnownBlock | None) -> tuple[list[Header], list[RawLog]]:
        """Read blocks that may still change one by one, and their logs by block hash."""
        blocks = self._rpc.batch([_block_call(number) for number in range(first, last + 1)])
        if any(block is None for block in blocks):
            raise RpcInconsistent(f"the node lacks a block between {first} and {last}")
        headers = [_header(block) for block in blocks]
        if newest is not None:
            _require_linked(headers, newest)
        else:
            _require_linked(headers[1:], KnownBlock(headers[0].number, headers[0].block_hash))
        candidates = [block for block in blocks if self._may_hold_ours(block)]
        answers = self._rpc.batch(
            [("eth_getLogs", (self._filter(blockHash=block["hash"]),)) for block in candidates]
        )
        for block, answer in zip(candidates, answers, strict=True):
            if not answer:
                self._require_no_logs(block)
        logs = [log for answer in answers for log in answer]
        return headers, _checked(logs, {header.number: header for header in headers}, first, last)

    def _require_no_logs(self, block: RawLog) -> None:
        """Make sure of an empty answer for a block whose bloom says that it may hold our logs.

        A node behind its peers answers `[]` for a block that it has not seen.
        """
        receipts = self._rpc.batch_each([("eth_getBlockReceipts", (block["hash"],))])[0]
        if isinstance(receipts, RpcError):
            return  # an optional method: the seq numbers of the journals will tell
        if receipts is None:
            raise RpcInconsistent(f"the node has no receipts of block {block['hash']}")
        ours = {address.lower() for address in self._addresses}
        if any(log["address"].lower() in ours for receipt in receipts for log in receipt["logs"]):
            raise RpcInconsistent(f"the node left out logs of block {block['hash']}")

    def _may_hold_ours(self, block: RawLog) -> bool:
        bloom = int(block["logsBloom"], 16)
        return any(bloom & bits == bits for bits in self._address_blooms)

    def _headers(self, numbers: Sequence[int]) -> list[Header]:
        headers: list[Header] = []
        for start in range(0, len(numbers), _HEADERS_A_BATCH):
            some = numbers[start : start + _HEADERS_A_BATCH]
            blocks = self._rpc.batch([_block_call(number) for number in some])
            if any(block is None for block in blocks):
                raise RpcInconsistent("the node lacks a block that it had a moment ago")
            headers += [_header(block) for block in blocks]
        return headers

    def _filter(self, **blocks: str) -> dict[str, Any]:
        return {**blocks, "address": self._addresses}


def _block_call(number: int) -> Call:
    return "eth_getBlockByNumber", (hex(number), False)


def _header(block: RawLog) -> Header:
    return Header(
        number=int(block["number"], 16),
        block_hash=bytes.fromhex(block["hash"][2:]),
        parent_hash=bytes.fromhex(block["parentHash"][2:]),
        timestamp=int(block["timestamp"], 16),
    )


def _by_number(header: Header) -> int:
    return header.number


def _require_linked(headers: Sequence[Header], parent: KnownBlock) -> None:
    """Check that consecutive headers follow on a block."""
    number, block_hash = parent.number, parent.block_hash
    for header in headers:
        if header.number != number + 1 or header.parent_hash != block_hash:
            raise RpcInconsistent(f"block {header.number} does not follow on block {number}")
        number, block_hash = header.number, header.block_hash


def _checked(logs: Sequence[RawLog], headers: dict[int, Header], first: int, last: int) -> list[RawLog]:
    """Return logs in chain order, once each is known to belong to the block that its header names."""
    places = []
    for log in logs:
        number = int(log["blockNumber"], 16)
        if not first <= number <= last or log.get("removed"):
            raise RpcInconsistent(f"a log of block {number} in an answer for {first} to {last}")
        if bytes.fromhex(log["blockHash"][2:]) != headers[number].block_hash:
            raise RpcInconsistent(f"a log of another block {number} than the chain's")
        places.append((number, int(log["logIndex"], 16)))
    if len(set(places)) != len(places):
        raise RpcInconsistent("the same log twice in one answer")
    return [log for _, log in sorted(zip(places, logs, strict=True), key=_place)]


def _place(item: tuple[tuple[int, int], RawLog]) -> tuple[int, int]:
    return item[0]


def _bloom_bits(value: bytes) -> int:
    """Return the three bits that a value sets in a block's bloom filter (yellow paper, 4.3.1)."""
    digest = keccak256(value)
    bits = 0
    for at in (0, 2, 4):
        bits |= 1 << (int.from_bytes(digest[at : at + 2], "big") & 2047)
    return bits
