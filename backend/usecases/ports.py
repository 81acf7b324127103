"""What the use cases need of the database, as Protocols and the values that cross them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from backend.domain.journal import Segment


@dataclass(frozen=True)
class KnownDevice:
    """A device whose enrolment has been seen."""

    device: int
    key_hash: int
    role: int
    not_after: int
    is_revoked: bool
    registrar: int | None
    enrolled_seq: int | None


@dataclass(frozen=True)
class Accepted:
    """A segment that was handed in, as it is kept; its fields are those of its upload receipt."""

    receipt_id: str
    segment: Segment
    last_seq: int
    prev_head: bytes
    head: bytes
    received_at: int


@dataclass(frozen=True)
class KnownBin:
    """A bin as the directory and the chain know it."""

    number: int
    stream: int
    site: int
    placed_from: int


class Intake(Protocol):
    """What was handed in. One value of it lives for one transaction."""

    def hold_journal(self, device: int) -> None:
        """Let nobody else write to this journal until the transaction ends."""

    def find_device(self, device: int) -> KnownDevice | None:
        """Return a device whose enrolment has been seen."""

    def find_end(self, device: int) -> tuple[int, bytes] | None:
        """Return (last seq, head) of what is kept of a journal."""

    def find_covering(self, device: int, from_seq: int, to_seq: int) -> Sequence[Accepted]:
        """Return the kept segments that hold any of these entries, oldest first."""

    def find_current_lot_stream(self, device: int) -> int | None:
        """Return the stream of the lot that the journal's next lifts go into."""

    def keep(self, accepted: Accepted) -> None:
        """Keep a segment and queue it for the chain."""

    def keep_evidence(self, device: int, seq: int, salt: bytes, document: str) -> None:
        """Keep the document behind an entry's digest."""

    def know_device(self, device: KnownDevice) -> None:
        """Remember a device that a registrar enrolled."""

    def forget_trust(self, device: int) -> None:
        """Remember that a device was revoked."""

    def find_bins(self, numbers: Iterable[int]) -> dict[int, KnownBin]:
        """Return the bins of these numbers that exist."""
