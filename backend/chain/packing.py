"""Which segments travel in which transaction, and how much gas to allow them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from backend.chain.transactions import TRANSACTION_GAS_MAX
from backend.domain.errors import MalformedSegment
from backend.domain.journal import Segment, split_entries
from backend.domain.layout import Kind
from backend.usecases.outgoing import QueuedSegment

PACK_GAS_MAX = 4_000_000
PACK_BYTES_MAX = 64 * 1024
# What pools take of one transaction; a lone segment larger than a pack may still go by itself.
LONE_BYTES_MAX = 120 * 1024
_TRANSACTION_GAS = 30_000
_SEGMENT_GAS = 110_000
_SEGMENT_BYTES = 9 * 32
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
        entries = split_entries(segment.words)
    except MalformedSegment:
        return _MALFORMED_GAS + len(segment.words) // 32 * _WORD_GAS
    gas = _SEGMENT_GAS
    for entry in entries:
        is_lift = entry[0] == Kind.LIFT
        gas += _LIFT_GAS if is_lift else _OTHER_ENTRY_GAS + len(entry) // 32 * _WORD_GAS
    return gas


def pack(queue: Iterable[QueuedSegment]) -> tuple[list[Pack], list[QueuedSegment]]:
    """Return packs in sending order, and the segments too large to be sent at all.

    The order of the queue is kept, and a device's segments after one that cannot be sent stay behind.
    """
    packs: list[Pack] = []
    too_large: list[QueuedSegment] = []
    stopped: set[int] = set()
    current: list[QueuedSegment] = []
    gas, size = _TRANSACTION_GAS, 0
    for queued in queue:
        segment = queued.segment
        if segment.device in stopped:
            continue
        more_gas, more_size = gas_bound(segment), _SEGMENT_BYTES + len(segment.words)
        if more_size > LONE_BYTES_MAX:
            too_large.append(queued)
            stopped.add(segment.device)
            continue
        if current and (gas + more_gas > PACK_GAS_MAX or size + more_size > PACK_BYTES_MAX):
            packs.append(_close(current, gas))
            current, gas, size = [], _TRANSACTION_GAS, 0
        current.append(queued)
        gas, size = gas + more_gas, size + more_size
    if current:
        packs.append(_close(current, gas))
    return packs, too_large


def _close(segments: Sequence[QueuedSegment], gas: int) -> Pack:
    return Pack(tuple(segments), min(gas, TRANSACTION_GAS_MAX))
