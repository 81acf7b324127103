"""A sealed run of entries arrives: check, keep, queue for the chain. No request waits for the chain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from backend.domain.devices import can_be_enrolled
from backend.domain.errors import BadSeal, Fork, Gap, UnknownDevice, WrongKey
from backend.domain.journal import Network, Segment, first_head, next_head, read_entry, split_entries
from backend.domain.keccak import keccak256
from backend.domain.layout import Kind
from backend.domain.offered import Offered
from backend.domain.seal import key_hash
from backend.domain.segment_bytes import EvidenceDocument, Upload
from backend.domain.types import Role, Scheme, organisation_of
from backend.usecases.ports import Accepted, Intake, KnownDevice
from backend.usecases.strange_entries import Warning, has_expired, warnings_of


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
    """Keep one segment by itself; see `accept`."""
    return accept(Offered(Upload(segment, tuple(evidence)), network), intake=intake, now=now)


def accept(offered: Offered, *, intake: Intake, now: int, streams: Mapping[int, int] | None = None) -> Acceptance:
    """Keep a segment and return its receipt; a repeat returns the receipt it got before.

    1. the bytes are entries, and not too many (`Offered` has seen to it); 2. the device is enrolled, with this
    key; 3. it continues the journal; 4. what was kept before is the same; 5. the seal covers it;
    6. evidence fits its digest; 7. keep it. Nothing is written before 7.

    Args:
        streams: those of the bins that it names, as far as they exist; asked for when None.

    Raises:
        UnknownDevice, WrongKey, Gap, Fork, BadSeal, MalformedSegment: nothing is kept.
    """
    segment, entries, last_seq = offered.segment, offered.entries, offered.last_seq
    # 2.
    intake.hold_journal(segment.device)
    device = intake.find_device(segment.device)
    if device is None:
        raise UnknownDevice(device=segment.device)
    if key_hash(segment.x, segment.y) != device.key_hash:
        raise WrongKey(device=segment.device)
    # 3.
    end = intake.find_end(segment.device)
    kept_seq, kept_head = end if end is not None else (0, first_head(offered.network, segment.device))
    gap = intake.find_open_gap(segment.device, now) if segment.first_seq > kept_seq + 1 else None
    if gap is not None and gap.to_seq + 1 == segment.first_seq:
        kept_seq, kept_head = gap.to_seq, gap.head
    if segment.first_seq > kept_seq + 1:
        raise Gap(device=segment.device, next_seq=kept_seq + 1, first_seq=segment.first_seq)
    # 4.
    known = kept_seq - segment.first_seq + 1
    before = intake.find_covering(segment.device, segment.first_seq, min(last_seq, kept_seq)) if known else []
    prev_head = _head_before(segment, before, kept_head, offered.network)
    heads = offered.heads_after(prev_head)
    # 5.
    if not offered.is_sealed_after(prev_head, origin=device.origin):
        raise BadSeal(device=segment.device, seq=last_seq)
    _require_same(segment, before, entries, heads)
    # 6.
    if offered.misfit is not None:
        raise offered.misfit
    # 7.
    lot_stream = intake.find_lot_stream(segment.device, before_seq=segment.first_seq, head=prev_head)
    if streams is None:
        streams = intake.find_streams(offered.bins)
    warnings = warnings_of(offered, device=device, lot_stream=lot_stream, streams=streams, now=now)
    if known >= len(entries):
        return Acceptance(_receipt_again(segment, before, last_seq, prev_head, heads[-1]), False, warnings)
    fresh = _accepted(segment, entries, heads, skip=known, received_at=now)
    intake.keep(fresh)
    for document in offered.evidence:
        intake.keep_evidence(segment.device, document.seq, document.salt, document.document)
    if may_enrol(device, now):
        for position, entry in enumerate(entries[known:]):
            _learn(entry, fresh.segment.first_seq + position, device, intake=intake)
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
    fresh = replace(segment, first_seq=first_seq, words=b"".join(entries[skip:]))
    last_seq = segment.first_seq + len(entries) - 1
    return Accepted(
        receipt_id(segment.device, first_seq, last_seq, heads[-1]),
        fresh,
        last_seq,
        heads[skip],
        heads[-1],
        received_at,
    )


def may_enrol(device: KnownDevice, now: int) -> bool:
    """Say whether what this device seals can make devices known, or unknown."""
    return device.role == Role.REGISTRAR and not device.is_revoked and not has_expired(device, now)


def _learn(words: bytes, seq: int, sealer: KnownDevice, *, intake: Intake) -> None:
    """Let the next upload of a device enrolled here be checked before the chain has its enrolment.

    What the ledger will call quarantined or invalid teaches nothing.
    """
    if words[0] not in (Kind.ENROL, Kind.ROTATE, Kind.REVOKE):
        return
    entry = read_entry(words)
    if not entry.is_well_formed:
        return
    fields = entry.fields
    device = fields["device"]
    if organisation_of(device) != organisation_of(sealer.device) or device == sealer.device:
        return
    if entry.kind == Kind.REVOKE:
        intake.forget_trust(device)
    elif can_be_enrolled(fields) and intake.find_device(device) is None:
        key, role, not_after = key_hash(fields["x"], fields["y"]), fields["role"], fields["not_after"]
        origin = fields["origin"] if fields["scheme"] == Scheme.WEBAUTHN else None
        intake.know_device(KnownDevice(device, key, role, not_after, False, sealer.device, seq, origin))
