"""How much of a transaction a segment takes: what is sealed as one must be recorded as one.

Source: docs/spec/entries.md, "Weight". The gas is a bound for any state of the ledger, not an estimate:
tests/differential holds it against everything that hostile cities send.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from backend.domain.errors import MalformedSegment, SegmentTooHeavy
from backend.domain.journal import MAX_SEGMENT_ENTRIES, split_entries
from backend.domain.layout import WORD_BYTES, Kind

SEGMENT_GAS_MAX = 16_000_000
"""EIP-7825 allows a transaction 16,777,216; the rest is for the transaction itself and for its bytes."""
SEGMENT_BYTES_MAX = 40_000
"""With it a transaction's receipt, and so the proof of each of its entries, stays small."""

SEGMENT_GAS = 250_000
"""Before any entry: a passkey's seal, a journal coming over from the ledger before, a day's first totals."""
_LIFT_GAS = 2_000
_WORD_GAS = 2_000
_ENTRY_GAS, _GIVE_GAS = 120_000, 85_000
_FREED_GAS = 215_000
"""What one waiting step costs that an entry may set free: a take on a chain of mandates, or a transformation."""
_OUTPUT_GAS, _OUTPUTS_MAX = 32_000, 16
_TRANSCRIBED_WORDS_AT = 6
_MANDATE_GAS = 80_000
_FREES = frozenset({Kind.GIVE, Kind.REFUSE, Kind.REDIRECT})
_INTO, _PRINCIPAL = slice(104, 116), slice(128, 136)
"""In a take: a lot of its own when it is one in part, and on whose mandate."""


def entry_gas_bound(entry: bytes) -> int:
    """Return gas that recording this entry will not exceed, whatever the ledger's state."""
    kind = entry[0]
    if kind == Kind.LIFT:
        return _LIFT_GAS
    gas = (_GIVE_GAS if kind == Kind.GIVE else _ENTRY_GAS) + len(entry) // WORD_BYTES * _WORD_GAS
    if kind in _FREES or (kind == Kind.TAKE and any(entry[_INTO])):
        gas += _FREED_GAS
    if kind == Kind.TAKE and any(entry[_PRINCIPAL]):
        gas += _MANDATE_GAS
    if kind == Kind.TRANSFORM:
        gas += min(len(entry) // WORD_BYTES, _OUTPUTS_MAX) * _OUTPUT_GAS
    if kind == Kind.TRANSCRIBED and len(entry) > _TRANSCRIBED_WORDS_AT * WORD_BYTES:
        gas += gas_bound(_readable(entry[_TRANSCRIBED_WORDS_AT * WORD_BYTES :]))
    return gas


def gas_bound(entries: Sequence[bytes]) -> int:
    """Return gas that recording a segment of these entries will not exceed."""
    return SEGMENT_GAS + sum(map(entry_gas_bound, entries))


def fitting(entries: Sequence[bytes]) -> int:
    """Return how many of the first entries may be sealed as one segment; one always may."""
    sizes = accumulate(map(len, entries))
    weights = accumulate(map(entry_gas_bound, entries), initial=SEGMENT_GAS)
    next(weights)
    fits = [size <= SEGMENT_BYTES_MAX and gas <= SEGMENT_GAS_MAX for size, gas in zip(sizes, weights, strict=True)]
    return max(1, min(fits.index(False) if False in fits else len(fits), MAX_SEGMENT_ENTRIES))


def require_light(entries: Sequence[bytes]) -> None:
    """Refuse a segment that no transaction could bring to the ledger; its device can seal a shorter one.

    Raises:
        SegmentTooHeavy: it holds more than one entry, and more than 40,000 bytes or 16,000,000 gas.
    """
    if fitting(entries) < len(entries):
        raise SegmentTooHeavy(entries=len(entries), entries_max=fitting(entries))


def _readable(words: bytes) -> list[bytes]:
    """Return the entries of a run that a registrar brings; one that cannot be read costs its words."""
    try:
        return split_entries(words)
    except MalformedSegment:
        return []
