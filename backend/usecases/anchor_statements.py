"""What was said in complaints is anchored by itself: a device of ours seals digests, and nothing else.

A digest is salted and says nothing of anybody; the entry proves that these words were there, in their order, at a
block. The device speaks for nobody: anchors are the only entries that are ever written here. Source:
docs/decisions/0025-a-notary-that-only-anchors.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from backend.domain.complaint_statements import ANCHOR_SCHEMA
from backend.domain.journal import Network
from backend.domain.layout import Kind
from backend.domain.recorded import EntryId
from backend.domain.writer import JournalWriter, SigningKey
from backend.usecases.accept_segment import accept_segment
from backend.usecases.ports import Intake

_AT_ONCE: Final = 200


class Anchorable(Protocol):
    """The statements that somebody may anchor."""

    def unanchored(self, case: int | None = None) -> list[tuple[int, int, bytes]]:
        """Return (case, number, digest) of what no entry holds yet, the oldest complaint first."""

    def put_anchor(self, case: int, number: int, anchor: EntryId) -> None:
        """Note which entry holds a statement's digest."""


@dataclass(frozen=True)
class Notary:
    """The device that anchors, and the journal's network."""

    device: int
    key: SigningKey
    network: Network


def anchor_statements(statements: Anchorable, intake: Intake, notary: Notary, *, now: int) -> int:
    """Seal the digests that wait and queue them for the chain, in one transaction; return how many.

    None while the device's enrolment has not been seen: what waits, waits.

    Raises:
        WrongKey: the device was enrolled with another key.
    """
    waiting = statements.unanchored()[:_AT_ONCE]
    if not waiting:
        return 0
    intake.hold_journal(notary.device)
    if intake.find_device(notary.device) is None:
        return 0
    end = intake.find_end(notary.device)
    seq, head = (0, None) if end is None else end
    writer = JournalWriter(notary.network, notary.device, notary.key, next_seq=seq + 1, head=head)
    for case, number, digest in waiting:
        at = writer.write(
            Kind.ANCHOR,
            schema=ANCHOR_SCHEMA,
            subject=case,
            digest=int.from_bytes(digest, "big"),
            occurred_at=now,
        )
        statements.put_anchor(case, number, EntryId(notary.device, at))
    for segment in writer.cut_all():
        accept_segment(segment, intake=intake, network=notary.network, now=now)
    return len(waiting)
