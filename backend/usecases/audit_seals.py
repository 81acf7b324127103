"""Whether a recorded segment's seal covers its entries: what an audit can ask of many segments at once.

Nothing here needs the books: head, key, scheme and origin before the segment come with the question, so that the
answers may be found in any order, by other processes, while the fold goes on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from backend.domain.errors import MalformedSegment
from backend.domain.journal import MAX_SEGMENT_ENTRIES, Network, Segment, next_head, split_entries
from backend.domain.keccak import keccak256
from backend.domain.layout import WORD_BYTES
from backend.domain.lifts import is_only_lifts
from backend.domain.schemes import is_seal
from backend.domain.seal import SealProof, seal_digest
from backend.usecases.audit_faults import Fault, FaultKind, Value


@dataclass(frozen=True, slots=True)
class SealCheck:
    """A recorded segment, with what held when its block was made.

    `before` is the head that it goes on from, `head` the one that the ledger told. `origin` is that of a passkey,
    None for a device's own key. `pin` is a head (27 bytes) that a witness has shown of one of its entries, and
    that entry's seq.
    """

    network: Network
    block: int
    log: int
    segment: Segment
    before: bytes
    head: bytes
    origin: int | None
    pin: tuple[int, bytes] | None = None


def check_seals(checks: Iterable[SealCheck]) -> list[Fault]:
    """Return what is wrong with these segments' heads and seals."""
    return [fault for check in checks for fault in _check(check)]


def _check(check: SealCheck) -> list[Fault]:
    """1. The entries lead to the head that the ledger told, 2. over what a witness had shown, 3. and it is sealed.

    The seal is held against the head that was told: where the entries were altered, they and not the seal are
    what is wrong.
    """
    faults, segment = [], check.segment
    try:
        heads = heads_after(check.before, segment.words)
    except MalformedSegment:
        return []  # the fold refuses it, and says so
    last_seq = segment.first_seq + len(heads) - 1

    def fault(kind: FaultKind, seq: int, expected: Value, found: Value) -> None:
        faults.append(Fault(kind, expected, found, check.block, check.log, segment.device, seq))

    # 1.
    if heads[-1] != check.head:
        fault(FaultKind.HEAD, last_seq, {"head": heads[-1].hex()}, {"head": check.head.hex()})
    # 2.
    if check.pin is not None:
        seq, head27 = check.pin
        found = heads[seq - segment.first_seq][:27]
        if found != head27:
            fault(FaultKind.PIN, seq, {"head": head27.hex()}, {"head": found.hex()})
    # 3.
    s = segment
    digest = seal_digest(check.network, device=s.device, seq=last_seq, head=check.head)
    proof = SealProof(last_seq, check.head, s.x, s.y, s.r, s.s, s.assertion)
    if not is_seal(proof, digest, origin=check.origin):
        fault(
            FaultKind.SEAL, last_seq, {"sealed_head": check.head.hex()}, {"r": f"{s.r:064x}", "s": f"{s.s:064x}"}
        )
    return faults


def heads_after(head: bytes, words: bytes) -> list[bytes]:
    """Return the head after each entry.

    Raises:
        MalformedSegment: the words are no entries.
    """
    heads = []
    if is_only_lifts(words) and len(words) <= MAX_SEGMENT_ENTRIES * WORD_BYTES:
        for at in range(0, len(words), WORD_BYTES):
            head = keccak256(head + words[at : at + WORD_BYTES])
            heads.append(head)
        return heads
    for entry in split_entries(words):
        head = next_head(head, entry)
        heads.append(head)
    return heads
