"""What is on its way to the chain."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from backend.domain.custody_state import QueueKey
from backend.domain.journal import Segment


@dataclass(frozen=True, slots=True)
class QueuedSegment:
    """A segment on its way to the chain, under the outbox's own id."""

    segment_id: int
    segment: Segment


class TxState(Enum):
    """Where a stored transaction stands."""

    SENT = "sent"
    INCLUDED = "included"
    FINAL = "final"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class StoredTx:
    """A signed transaction as the store keeps it. Replacements share a nonce and have a hash each."""

    nonce: int
    raw: bytes = field(repr=False)
    tx_hash: bytes
    segment_ids: tuple[int, ...] = ()
    settles: QueueKey | None = None
    state: TxState = TxState.SENT
    block_hash: bytes | None = None
