"""A sealed run of entries arrives: check, keep, queue for the chain. No request waits for the chain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from backend.domain.custody import can_be_enrolled
from backend.domain.errors import BadSeal, Fork, Gap, MalformedSegment, UnknownDevice, WrongKey
from backend.domain.journal import (
    Entry,
    Network,
    Segment,
    evidence_digest,
    first_head,
    next_head,
    read_entry,
    split_entries,
)
from backend.domain.keccak import keccak256
from backend.domain.layout import Kind
from backend.domain.seal import is_seal_of, key_hash, seal_digest
from backend.domain.types import Role, bin_text, organisation_of
from backend.usecases.ports import Accepted, Intake, KnownBin, KnownDevice

CLOCK_SKEW_SECONDS = 15 * 60


@dataclass(frozen=True)
class EvidenceDocument:
    """What an entry's digest stands for; kept off the chain and erasable."""

    seq: int
    salt: bytes
    document: str


@dataclass(frozen=True)
class Warning:
    """A soft fault: the entry is kept all the same."""

    index: int
    seq: int
    code: str
    message: str


@dataclass(frozen=True)
class Acceptance:
    """The upload receipt's content; `is_new` is False for a repeat."""

    receipt: Accepted
    is_new: bool
    warnings: tuple[Warning, ...]


def receipt_id(device: int, first_seq: int, last_seq: int, head: bytes) -> str:
    """Return the id of an upload receipt: the same segment always has the same one."""
    packed = device.to_bytes(8, "big") + first_seq.to_bytes(5, "big") + last_seq.to_bytes(5, "big")
    return keccak256(packed + head).hex()[:32]


def accept_segment(
    segment: Segment,
    *,
    intake: Intake,
    network: Network,
    now: int,
    evidence: Sequence[EvidenceDocument] = (),
) -> Acceptance:
    """Keep a segment and return its receipt; a repeat returns the receipt it got before.

    1. the bytes are entries; 2. the device is enrolled, with this key; 3. it continues the journal;
    4. what was kept before is the same; 5. the seal covers it; 6. evidence fits its digest; 7. keep it.

    Raises:
        MalformedSegment, UnknownDevice, WrongKey, Gap, Fork, BadSeal: nothing is kept.
    """
    # 1.
    entries = split_entries(segment.words)
    if segment.first_seq < 1:
        raise MalformedSegment("The first entry of a journal has seq 1.", pointer="/first_seq")
    last_seq = segment.first_seq + len(entries) - 1
    # 2.
    intake.hold_journal(segment.device)
    device = intake.find_device(segment.device)
    if device is None:
        raise UnknownDevice(device=segment.device)
    if key_hash(segment.x, segment.y) != device.key_hash:
        raise WrongKey(device=segment.device)
    # 3.
    end = intake.find_end(segment.device)
    kept_seq, kept_head = end if end is not None else (0, first_head(network, segment.device))
    if segment.first_seq > kept_seq + 1:
        raise Gap(device=segment.device, next_seq=kept_seq + 1, first_seq=segment.first_seq)
    # 4.
    before = intake.find_covering(segment.device, segment.first_seq, min(last_seq, kept_seq))
    prev_head = _head_before(segment, before, kept_head, network)
    heads = [prev_head]
    for entry in entries:
        heads.append(next_head(heads[-1], entry))
    # 5.
    digest = seal_digest(network, device=segment.device, seq=last_seq, head=heads[-1])
    if not is_seal_of(digest, x=segment.x, y=segment.y, r=segment.r, s=segment.s):
        raise BadSeal(device=segment.device, seq=last_seq)
    known = kept_seq - segment.first_seq + 1
    _require_same(segment, before, entries, heads)
    # 6.
    read = [read_entry(entry) for entry in entries]
    documents = [_checked(document, segment.first_seq, read) for document in evidence]
    # 7.
    warnings = _warnings(segment, read, device=device, intake=intake, now=now)
    if known >= len(entries):
        return Acceptance(_receipt_again(segment, before, last_seq, prev_head, heads[-1]), False, warnings)
    fresh = _accepted(segment, entries, heads, skip=max(known, 0), received_at=now)
    intake.keep(fresh)
    for document in documents:
        intake.keep_evidence(segment.device, document.seq, document.salt, document.document)
    for position, entry_read in enumerate(read[max(known, 0) :]):
        _learn(entry_read, fresh.segment.first_seq + position, device, intake=intake, now=now)
    return Acceptance(fresh, True, warnings)


def _head_before(segment: Segment, before: Sequence[Accepted], kept_head: bytes, network: Network) -> bytes:
    if segment.first_seq == 1:
        return first_head(network, segment.device)
    if not before:
        return kept_head
    head = before[0].prev_head
    for seq, entry in enumerate(split_entries(before[0].segment.words), before[0].segment.first_seq):
        if seq == segment.first_seq:
            break
        head = next_head(head, entry)
    return head


def _require_same(segment: Segment, before: Sequence[Accepted], entries: list[bytes], heads: list[bytes]) -> None:
    for accepted in before:
        for seq, entry in enumerate(split_entries(accepted.segment.words), accepted.segment.first_seq):
            index = seq - segment.first_seq
            if 0 <= index < len(entries) and entries[index] != entry:
                raise Fork(device=segment.device, seq=seq)
    if before and before[-1].last_seq == segment.first_seq + len(heads) - 2:
        if before[-1].head != heads[-1]:
            raise Fork(device=segment.device, seq=before[-1].last_seq)


def _receipt_again(
    segment: Segment, before: Sequence[Accepted], last_seq: int, prev_head: bytes, head: bytes
) -> Accepted:
    for accepted in before:
        if (accepted.segment.first_seq, accepted.last_seq) == (segment.first_seq, last_seq):
            return accepted
    return Accepted(
        receipt_id(segment.device, segment.first_seq, last_seq, head),
        segment,
        last_seq,
        prev_head,
        head,
        before[-1].received_at,
    )


def _accepted(
    segment: Segment, entries: list[bytes], heads: list[bytes], *, skip: int, received_at: int
) -> Accepted:
    """Return what is new of a segment; its seal stands, because a seal covers everything before it."""
    first_seq = segment.first_seq + skip
    fresh = Segment(
        segment.device, first_seq, b"".join(entries[skip:]), segment.x, segment.y, segment.r, segment.s
    )
    last_seq = segment.first_seq + len(entries) - 1
    return Accepted(
        receipt_id(segment.device, first_seq, last_seq, heads[-1]),
        fresh,
        last_seq,
        heads[skip],
        heads[-1],
        received_at,
    )


def _checked(document: EvidenceDocument, first_seq: int, entries: list[Entry]) -> EvidenceDocument:
    index = document.seq - first_seq
    pointer = f"/evidence/{document.seq}"
    if not 0 <= index < len(entries):
        raise MalformedSegment(
            f"Evidence names seq {document.seq}, which is not in this segment.", pointer=pointer
        )
    digest = evidence_digest(document.salt, document.document.encode())
    if len(document.salt) != 16 or entries[index].fields.get("evidence") != digest:
        raise MalformedSegment(
            f"Salt and document do not give the digest of entry {document.seq}.", pointer=pointer
        )
    return document


def _learn(entry: Entry, seq: int, sealer: KnownDevice, *, intake: Intake, now: int) -> None:
    """Let the next upload of a device enrolled here be checked before the chain has its enrolment.

    What the ledger will call quarantined or invalid teaches nothing.
    """
    is_registrar = sealer.role == Role.REGISTRAR and not sealer.is_revoked
    if not entry.is_well_formed or not is_registrar or _has_expired(sealer, now):
        return
    fields = entry.fields
    if entry.kind not in (Kind.ENROL, Kind.REVOKE):
        return
    device = fields["device"]
    if organisation_of(device) != organisation_of(sealer.device) or device == sealer.device:
        return
    if entry.kind == Kind.REVOKE:
        intake.forget_trust(device)
    elif can_be_enrolled(fields) and intake.find_device(device) is None:
        key, role, not_after = key_hash(fields["x"], fields["y"]), fields["role"], fields["not_after"]
        intake.know_device(KnownDevice(device, key, role, not_after, False, sealer.device, seq))


def _has_expired(device: KnownDevice, now: int) -> bool:
    return device.not_after != 0 and now > device.not_after


def _warnings(
    segment: Segment, entries: list[Entry], *, device: KnownDevice, intake: Intake, now: int
) -> tuple[Warning, ...]:
    found: list[Warning] = []

    def warn(index: int, code: str, message: str) -> None:
        found.append(Warning(index, segment.first_seq + index, code, message))

    if device.is_revoked:
        warn(0, "revoked-device", "This device was revoked; its entries are quarantined.")
    if _has_expired(device, now):
        warn(0, "expired-device", "This device's enrolment has expired; its entries are quarantined.")
    bins = intake.find_bins({e.fields["bin"] for e in entries if e.kind == Kind.LIFT})
    lot_stream = intake.find_current_lot_stream(segment.device)
    for index, entry in enumerate(entries):
        if entry.fields["occurred_at"] > now + CLOCK_SKEW_SECONDS:
            warn(index, "clock-skew", "The device's clock is ahead of the server's.")
        if not entry.is_well_formed:
            warn(index, "unknown-kind", f"Kind {entry.kind} is not known; it is recorded without effect.")
        elif entry.kind == Kind.LOAD:
            lot_stream = entry.fields["stream"]
        elif entry.kind == Kind.LIFT:
            _warn_lift(index, entry, bins.get(entry.fields["bin"]), lot_stream, warn)
    return tuple(found)


def _warn_lift(
    index: int,
    entry: Entry,
    known: KnownBin | None,
    lot_stream: int | None,
    warn: Callable[[int, str, str], None],
) -> None:
    stream = entry.fields["stream"]
    if known is None:
        warn(index, "unknown-bin", f"Bin {bin_text(entry.fields['bin'])} is not in the register.")
    elif known.stream != stream:
        warn(index, "wrong-stream", "The bin is placed for another stream than the lift says.")
    if lot_stream is None:
        warn(index, "no-lot", "No lot is open for this lift.")
    elif lot_stream != stream:
        warn(index, "wrong-stream", "The lift's stream is not that of the lot it goes into.")
