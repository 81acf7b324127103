"""Which segments travel in which transaction, and how much gas to allow them."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

from backend.chain.transactions import TRANSACTION_GAS_MAX
from backend.domain import weight
from backend.domain.errors import MalformedSegment
from backend.domain.journal import MAX_SEGMENT_ENTRIES, Segment, split_entries
from backend.domain.layout import WORD_BYTES, Kind
from backend.usecases.outgoing import QueuedSegment

PACK_GAS_MAX = 4_000_000
# Of a transaction's receipt rather than its call: a bundle carries the receipt whole, in hex, and a lift's is to
# stay below 100 KB; docs/decisions/0013-a-proof-carries-the-whole-receipt.md.
PACK_BYTES_MAX = 40 * 1024
# What pools take of one transaction; a lone segment larger than a pack may still go by itself.
LONE_BYTES_MAX = 120 * 1024
TRANSACTION_GAS = 30_000
# A log's address, topics, its eight words, and three lengths; then words, assertion and a byte an entry, padded.
_SEGMENT_BYTES = 20 * 32
_SEGMENT_GAS = 110_000
_LIFT_GAS = 2_000
_OTHER_ENTRY_GAS = 90_000
_WORD_GAS = 2_000
# An unknown device, or a forged seal, stops the segment before its entries; a malformed one costs no more.
_MALFORMED_GAS = 200_000


@dataclass(frozen=True, slots=True)
class Pack:
    """Segments for one transaction, in order, and the gas to allow them."""

    segments: tuple[QueuedSegment, ...]
    gas: int


def gas_bound(segment: Segment) -> int:
    """Return gas that recording this segment will not exceed, whatever the ledger's state.

    It is a bound and not an estimate: what an estimate would see is not the state that the
    transactions in flight before this one will have left.
    """
    try:
        return weight.gas_bound(split_entries(segment.words))
    except MalformedSegment:
        return _MALFORMED_GAS + len(segment.words) // WORD_BYTES * _WORD_GAS


def _likely_gas(segment: Segment) -> int:
    """Return what recording this segment takes on most days: packs are filled by it."""
    try:
        entries = split_entries(segment.words)
    except MalformedSegment:
        return gas_bound(segment)
    gas = _SEGMENT_GAS
    for entry in entries:
        is_lift = entry[0] == Kind.LIFT
        gas += _LIFT_GAS if is_lift else _OTHER_ENTRY_GAS + len(entry) // WORD_BYTES * _WORD_GAS
    return gas


def receipt_bytes(segment: Segment) -> int:
    """Return what a segment adds to its transaction's receipt, at most; its call is shorter."""
    entries = min(len(segment.words) // WORD_BYTES, MAX_SEGMENT_ENTRIES)
    return _SEGMENT_BYTES + len(segment.words) + len(segment.assertion) + entries


def pack(queue: Iterable[QueuedSegment], *, alone: Container[int] = ()) -> tuple[list[Pack], list[QueuedSegment]]:
    """Return packs in sending order, and the segments too large to be sent at all.

    The order of the queue is kept, and a device's segments after one that cannot be sent stay behind.
    Segments whose ids are in `alone` share no transaction with others.
    """
    packs: list[Pack] = []
    too_large: list[QueuedSegment] = []
    stopped: set[int] = set()
    current: list[QueuedSegment] = []
    gas, size = TRANSACTION_GAS, 0
    for queued in queue:
        segment = queued.segment
        if segment.device in stopped:
            continue
        more_gas, more_size = _likely_gas(segment), receipt_bytes(segment)
        if more_size > LONE_BYTES_MAX:
            too_large.append(queued)
            stopped.add(segment.device)
            continue
        is_full = gas + more_gas > PACK_GAS_MAX or size + more_size > PACK_BYTES_MAX
        if current and (is_full or queued.segment_id in alone or current[-1].segment_id in alone):
            packs.append(_close(current))
            current, gas, size = [], TRANSACTION_GAS, 0
        current.append(queued)
        gas, size = gas + more_gas, size + more_size
    if current:
        packs.append(_close(current))
    return packs, too_large


def _close(segments: Sequence[QueuedSegment]) -> Pack:
    gas = TRANSACTION_GAS + sum(gas_bound(queued.segment) for queued in segments)
    return Pack(tuple(segments), min(gas, TRANSACTION_GAS_MAX))
