"""Following the chain: what is new, in order and linked to what was known, or where the paths part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from backend.chain.client import Call, Rpc, RpcError, RpcUnavailable
from backend.chain.deploy import Deployment
from backend.chain.finality import BY_TAG, Finality
from backend.chain.ledger_events import LedgerEvent
from backend.chain.ledger_logs import decode_logs
from backend.domain.keccak import keccak256

_HEAD_BLOCKS_MAX = 64
_WINDOW_FIRST, _WINDOW_MAX = 8, 8192
# A window that brought less text than this may grow; one that brought more than twice as much shrinks.
# That much is some 150,000 lifts: enough for a large transaction, and small beside the memory of any machine.
_TEXT_WANTED = 12_000_000
_HEADERS_A_BATCH = 128
_RECEIPTS_A_BATCH = 64
# A final range with more blocks without logs than this is not looked at block by block: years of a quiet chain
# would be all headers. What a node leaves out there, the seq numbers of the journals will tell.
_SILENT_BLOCKS_MAX = 1024

RawLog = dict[str, Any]


class RpcInconsistent(RpcUnavailable):
    """A node contradicted itself, as one in the middle of a reorg or behind its peers does. Ask again."""


class NodesDisagree(RpcUnavailable):
    """Two nodes have another block at one height. Nothing is taken from either until they agree."""

    def __init__(self, *, number: int, ours: bytes, theirs: bytes) -> None:
        super().__init__(f"one node has block {number} as {ours.hex()}, another as {theirs.hex()}")
        self.number, self.ours, self.theirs = number, ours, theirs


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
    """Reads one deployment's logs. Remembers nothing but how large a range its node will bear.

    `others` are nodes to compare with: one that has another block where a batch ends stops everything, one
    that is away or behind does not.
    """

    def __init__(
        self, rpc: Rpc, deployment: Deployment, *, others: Sequence[Rpc] = (), finality: Finality = BY_TAG
    ) -> None:
        self._rpc, self._others, self._finality = rpc, others, finality
        self._addresses = deployment.addresses
        self._address_blooms = [_bloom_bits(bytes.fromhex(address[2:])) for address in self._addresses]
        self._first_block = deployment.deployed_block
        self._window = _WINDOW_FIRST

    def head_number(self) -> int:
        """Return the number of the newest block."""
        return int(self._rpc.call("eth_blockNumber"), 16)

    def next_batch(self, known: Sequence[KnownBlock]) -> Extend | Reorg:
        """Return what comes after the known blocks (newest last), or where the chain left them.

        A head lower than what is known is not a reorg: it takes another block at a known height, linked
        to a block that is known.

        Raises:
            RpcUnavailable: nobody answered, or not consistently, or nodes disagree; ask again.
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
        finalized_number = self._finality.newest_final(finalized, head_number)
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
        self._require_agreement(headers[-1])
        return Extend(tuple(headers), tuple(logs), finalized_number, head_number)

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
        if newest is not None:
            _require_linked([_header(first_block)], newest)
        with_logs = {int(log["blockNumber"], 16) for log in logs}
        is_quiet = last - first + 1 - len(with_logs) > _SILENT_BLOCKS_MAX
        inner = sorted(with_logs - {first, last}) if is_quiet else range(first + 1, last)
        by_number = {first: _header(first_block), last: _header(last_block)}
        suspects = [block["hash"] for block in (first_block, last_block) if self._may_hold_ours(block)]
        for block in self._blocks(inner):
            header, may_hold_ours = _header(block), self._may_hold_ours(block)
            if may_hold_ours:
                suspects.append(block["hash"])
            if may_hold_ours or header.number in with_logs:
                by_number[header.number] = header
        found = _checked(logs, by_number, first, last)
        self._require_all_logs(list(dict.fromkeys(suspects)), logs)
        self._adapt(sum(len(log["data"]) for log in logs), last - first + 1)
        kept = [by_number[number] for number in sorted(with_logs | {first, last})]
        return kept, found

    def _require_agreement(self, last: Header) -> None:
        """Ask each other node for the block that a batch ends with; it stands for all blocks before it."""
        for other in self._others:
            try:
                (block,) = other.batch([_block_call(last.number)])
            except (RpcError, RpcUnavailable):
                continue
            if block is not None and _header(block).block_hash != last.block_hash:
                raise NodesDisagree(number=last.number, ours=last.block_hash, theirs=_header(block).block_hash)

    def _adapt(self, text_size: int, block_count: int) -> None:
        if text_size > 2 * _TEXT_WANTED:
            self._window = max(block_count * _TEXT_WANTED // text_size, 1)
        elif text_size < _TEXT_WANTED and block_count == self._window:
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
        logs = [log for answer in answers for log in answer]
        found = _checked(logs, {header.number: header for header in headers}, first, last)
        self._require_all_logs([block["hash"] for block in candidates], logs)
        return headers, found

    def _require_all_logs(self, blocks: Sequence[str], logs: Sequence[RawLog]) -> None:
        """Hold the logs against the receipts of every block whose bloom says that it may hold some of ours.

        A node that is behind its peers, or whose index of logs is damaged, leaves logs out; the books would go on
        without them, and be wrong from there on.
        """
        ours = {address.lower() for address in self._addresses}
        told = Counter(_content(log) for log in logs)
        held: Counter[tuple[str, ...]] = Counter()
        for start in range(0, len(blocks), _RECEIPTS_A_BATCH):
            some = blocks[start : start + _RECEIPTS_A_BATCH]
            answers = self._rpc.batch_each([("eth_getBlockReceipts", (block,)) for block in some])
            for block, receipts in zip(some, answers, strict=True):
                if isinstance(receipts, RpcError):
                    return  # an optional method: the seq numbers of the journals will tell
                if receipts is None:
                    raise RpcInconsistent(f"the node has no receipts of block {block}")
                in_receipts = (log for receipt in receipts for log in receipt["logs"])
                held.update(_content(log) for log in in_receipts if log["address"].lower() in ours)
        if told != held:
            raise RpcInconsistent("the node's logs are not those of its receipts")

    def _may_hold_ours(self, block: RawLog) -> bool:
        bloom = int(block["logsBloom"], 16)
        return any(bloom & bits == bits for bits in self._address_blooms)

    def _headers(self, numbers: Sequence[int]) -> list[Header]:
        return [_header(block) for block in self._blocks(numbers)]

    def _blocks(self, numbers: Sequence[int]) -> Iterator[RawLog]:
        for start in range(0, len(numbers), _HEADERS_A_BATCH):
            some = numbers[start : start + _HEADERS_A_BATCH]
            blocks = self._rpc.batch([_block_call(number) for number in some])
            if any(block is None for block in blocks):
                raise RpcInconsistent("the node lacks a block that it had a moment ago")
            yield from blocks

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


def _content(log: RawLog) -> tuple[str, ...]:
    """What tells a log from any other, and what it says."""
    return log["blockHash"], log["logIndex"], log["transactionHash"], log["data"], *log["topics"]


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
