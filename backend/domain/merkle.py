"""The Merkle root over a lot's lifts, so that one lift of thousands is proved by a short path.

leaf = keccak256(0x00 ‖ word), node = keccak256(0x01 ‖ left ‖ right), an odd node is promoted as it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from backend.domain.keccak import keccak256

EMPTY_ROOT = bytes(32)


def lifts_root(words: Sequence[bytes]) -> bytes:
    """Return the root over lift words in journal order; zeros for no lifts."""
    level = [keccak256(b"\0" + word) for word in words]
    if not level:
        return EMPTY_ROOT
    while len(level) > 1:
        level = _next_level(level)
    return level[0]


def lift_path(words: Sequence[bytes], index: int) -> list[tuple[bool, bytes]]:
    """Return the (is the sibling on the right, sibling) steps from a lift up to the root."""
    level = [keccak256(b"\0" + word) for word in words]
    path = []
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            path.append((sibling > index, level[sibling]))
        level, index = _next_level(level), index // 2
    return path


def root_of_path(word: bytes, path: Sequence[tuple[bool, bytes]]) -> bytes:
    """Return the root that a lift and its path lead to."""
    node = keccak256(b"\0" + word)
    for is_right, sibling in path:
        node = keccak256(b"\1" + (node + sibling if is_right else sibling + node))
    return node


def _next_level(level: Sequence[bytes]) -> list[bytes]:
    pairs = [keccak256(b"\1" + level[i] + level[i + 1]) for i in range(0, len(level) - 1, 2)]
    return pairs + ([level[-1]] if len(level) % 2 else [])
