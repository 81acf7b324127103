"""A random sample that anybody can draw again: the same seed and the same list give the same items, in order.

Numbers come from keccak256(seed ‖ counter), counter 8 bytes from 0 on. A number below m takes the highest bits of
the hash that can hold m - 1; one that is not below m is thrown away and the next hash is taken, so every number is
as likely as any other. Items are drawn without replacement by the first steps of a Fisher-Yates shuffle.
Source: docs/spec/inspection.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from backend.domain.keccak import keccak256

_Item = TypeVar("_Item")
_COUNTER_BYTES = 8
_HASH_BITS = 256


def draw(items: Sequence[_Item], count: int, seed: bytes) -> list[_Item]:
    """Return `count` of the items in the order drawn, none twice; all of them when there are no more."""
    hashes = _hashes(seed)
    left = list(items)
    for place in range(min(count, len(left))):
        other = place + _below(len(left) - place, hashes)
        left[place], left[other] = left[other], left[place]
    return left[: max(count, 0)]


def _hashes(seed: bytes) -> Iterator[int]:
    counter = 0
    while True:
        yield int.from_bytes(keccak256(seed + counter.to_bytes(_COUNTER_BYTES, "big")), "big")
        counter += 1


def _below(limit: int, hashes: Iterator[int]) -> int:
    """Return a number from 0 to limit - 1; for a limit of 1 no hash is taken."""
    bits = (limit - 1).bit_length()
    if not bits:
        return 0
    while (number := next(hashes) >> (_HASH_BITS - bits)) >= limit:
        continue
    return number
