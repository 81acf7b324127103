"""Which blocks can no longer change: a question that only a chain's consensus can answer, or else its operator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# Two epochs of Ethereum, after which its own `finalized` tag follows the head in good times.
_DEPTH_WITHOUT_TAG = 64


@dataclass(frozen=True)
class Finality:
    """By the node's `finalized` tag, or, where `depth_blocks` is given, by so many blocks on top.

    0 is for chains whose blocks are final at once, as those of QBFT are.
    """

    depth_blocks: int | None = None

    def newest_final(self, tagged: Any, head_number: int) -> int:
        """Return the number of the newest final block; `tagged` is the node's answer for its tag.

        A node that knows no tag is believed for blocks 64 deep.
        """
        if self.depth_blocks is not None:
            return max(head_number - self.depth_blocks, 0)
        if isinstance(tagged, dict):
            return min(int(tagged["number"], 16), head_number)
        return max(head_number - _DEPTH_WITHOUT_TAG, 0)


BY_TAG = Finality()
