"""Devices: who is known, under which key, and from where on their entries no longer count.

Source: docs/spec/entries.md, "Devices".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from backend.domain.custody_state import (
    Device,
    DeviceFlag,
    Gap,
    Moved,
    Origin,
    Pin,
    Refused,
    Seen,
    State,
)
from backend.domain.errors import MalformedSegment
from backend.domain.journal import first_head, next_head, split_entries
from backend.domain.mandates import DEVICE_SERIAL_MASK
from backend.domain.moving import find_moved, origin_of, take_over, was_known_before
from backend.domain.schemes import is_seal
from backend.domain.seal import SealProof, key_hash, seal_digest
from backend.domain.types import Flaw, Refusal, Role, Scheme, organisation_of

NOTICE_SECONDS = 72 * 3600
MAX_NOT_AFTER = 0xFFFFFFFF


def find_device(state: State, device: int) -> Device | None:
    """Return a device's slot; one that moved here, or a root registrar, is pulled when it is met first."""
    known = state.devices.get(device)
    if known is not None:
        return known
    if was_known_before(state, device):
        return find_moved(state, device)
    root = state.roots.get(organisation_of(device))
    if root is None or root.device != device:
        return None
    return Device(root.key_hash, 1, 0, Role.REGISTRAR, 0, root.epoch, first_head(state.network, device))


def is_registrar_of(state: State, device_id: int, device: Device, subject: int) -> bool:
    """Say whether a device may act as registrar on a device or site of its organisation."""
    organisation = organisation_of(device_id)
    root = state.roots.get(organisation)
    return (
        device.role == Role.REGISTRAR
        and root is not None
        and root.epoch == device.epoch
        and not root.is_suspended
        and organisation_of(subject) == organisation
    )


def can_be_enrolled(fields: Mapping[str, int]) -> bool:
    """Say whether an enrolment's fields make sense, whoever sealed it."""
    return (
        fields["device"] & DEVICE_SERIAL_MASK != 0
        and Role.CREW <= fields["role"] <= Role.OFFICE
        and Scheme.RAW <= fields["scheme"] <= Scheme.WEBAUTHN
        and fields["not_after"] <= MAX_NOT_AFTER
    )


def is_known(state: State, device: int) -> bool:
    """Say whether an id is used up: enrolled here or in the ledger before, or named as a root registrar."""
    return device in state.devices or device in state.named_roots or was_known_before(state, device)


def enrol(state: State, fields: Mapping[str, int], epoch: int) -> None:
    """Let a new device in; its journal begins at seq 1."""
    device = fields["device"]
    is_passkey = fields["scheme"] == Scheme.WEBAUTHN
    state.devices[device] = Device(
        key_hash(fields["x"], fields["y"]),
        1,
        fields["not_after"],
        fields["role"],
        DeviceFlag.PASSKEY if is_passkey else 0,
        epoch,
        first_head(state.network, device),
    )
    if is_passkey:
        state.origins[device] = Origin(fields["origin"])


def retire(state: State, device: int, block_time: int) -> None:
    """Give a replaced device 72 hours to hand in what it has sealed."""
    known = state.devices[device]
    end = block_time + NOTICE_SECONDS
    state.devices[device] = known._replace(not_after=min(known.not_after or end, end))


def revoke(state: State, device: int) -> None:
    """Let nothing count that a device writes beyond what the ledger, or a witness, has seen of it by now."""
    known = state.devices[device]
    if device not in state.seen:
        state.seen[device] = Seen(max(known.next_seq - 1, _pinned_seq(state, device, known)))
    state.devices[device] = known.with_flag(DeviceFlag.REVOKED)


def mark_forked(state: State, device_id: int) -> None:
    """Let nothing count that a device with two journals writes from now on."""
    known = find_device(state, device_id)
    if known is None:
        return
    take_over(state, device_id)
    last = known.next_seq - 1
    before = state.seen.get(device_id, Seen(last))
    state.seen[device_id] = before._replace(seq=min(last, before.seq))
    state.devices[device_id] = known.with_flag(DeviceFlag.FORKED)


def _pinned_seq(state: State, device_id: int, device: Device) -> int:
    return state.pins[device_id].seq if device.flags & DeviceFlag.PINNED else 0


@dataclass(frozen=True)
class Standing:
    """Up to which seq a device's entries count now (None: all), and what is wrong with those beyond."""

    last_seq: int | None
    flaw: Flaw = Flaw.NONE

    def counts(self, seq: int) -> bool:
        """Say whether the entry of this seq has effect."""
        return self.last_seq is None or seq <= self.last_seq


def standing_of(state: State, device_id: int, device: Device, block_time: int) -> Standing:
    """Return up to which seq what this device hands in now has effect."""
    if device.flags & (DeviceFlag.FORKED | DeviceFlag.REVOKED):
        flaw = Flaw.FORKED if device.flags & DeviceFlag.FORKED else Flaw.NONE
        return Standing(state.seen[device_id].seq, flaw)
    if device.flags & DeviceFlag.MOVED or (device.not_after and block_time > device.not_after):
        return Standing(0)
    return Standing(None)


def is_sealed(state: State, device_id: int, device: Device, proof: SealProof) -> bool:
    """Say whether a seal of this device covers a head, by the device's own scheme."""
    digest = seal_digest(state.network, device=device_id, seq=proof.seq, head=proof.head)
    origin = origin_of(state, device_id).digest if device.flags & DeviceFlag.PASSKEY else None
    return is_seal(proof, digest, origin=origin)


# --- what others show of a journal -----------------------------------------------------------------------


@dataclass(frozen=True)
class Witness:
    """One sealed entry of a journal, carried up by somebody else: the head before it, its words, its seal."""

    device: int
    seq: int
    before: bytes
    words: bytes
    x: int
    y: int
    r: int
    s: int
    assertion: bytes = b""


def record_witness(state: State, witness: Witness, *, trusted: bool = False) -> bytes | Refused:
    """Pin the head that a witness shows; return that head. The journal does not advance.

    1. one readable entry, 2. known device, 3. its key, 4. further on than anything known, 5. its seal.
    Only the furthest witness is kept: a head stands for every entry before it.
    """
    # 1.
    try:
        entries = split_entries(witness.words)
    except MalformedSegment:
        return Refused(Refusal.MALFORMED)
    if len(entries) != 1:
        return Refused(Refusal.MALFORMED)
    # 2. and 3.
    device = find_device(state, witness.device)
    if device is None:
        return Refused(Refusal.UNKNOWN_DEVICE)
    if key_hash(witness.x, witness.y) != device.key_hash:
        return Refused(Refusal.WRONG_KEY)
    # 4.
    head = next_head(witness.before, witness.words)
    pinned = _pinned_seq(state, witness.device, device)
    is_other = pinned == witness.seq != 0 and state.pins[witness.device].head27 != head[:27]
    if witness.seq < max(device.next_seq, pinned) or (pinned == witness.seq and not is_other):
        return Refused(Refusal.ALREADY_RECORDED)
    # 5.
    proof = SealProof(witness.seq, head, witness.x, witness.y, witness.r, witness.s, witness.assertion)
    if not trusted and not is_sealed(state, witness.device, device, proof):
        return Refused(Refusal.BAD_SEAL)
    if is_other:
        mark_forked(state, witness.device)
        return Refused(Refusal.FORK, witness.seq)
    take_over(state, witness.device)
    state.pins[witness.device] = Pin(witness.seq, head[:27])
    state.devices[witness.device] = device.with_flag(DeviceFlag.PINNED)
    return head


def prove_fork(state: State, device_id: int, one: SealProof, other: SealProof) -> bool:
    """Mark a device whose key sealed two heads for one seq; say whether that is shown."""
    device = find_device(state, device_id)
    if device is None or one.seq != other.seq or one.head == other.head:
        return False
    for proof in (one, other):
        if key_hash(proof.x, proof.y) != device.key_hash or not is_sealed(state, device_id, device, proof):
            return False
    mark_forked(state, device_id)
    return True


def announce_gap(state: State, device_id: int, fields: Mapping[str, int], block_time: int) -> bool:
    """Give notice that a journal may go on after entries it has lost; say whether it can."""
    device = state.devices[device_id]
    to_seq = fields["to_seq"]
    if fields["from_seq"] != device.next_seq or to_seq < device.next_seq:
        return False
    if device.flags & DeviceFlag.PINNED and state.pins[device_id].seq <= to_seq:
        return False
    head = fields["head"].to_bytes(32, "big")
    state.gaps[device_id] = Gap(to_seq, block_time + NOTICE_SECONDS, head)
    state.devices[device_id] = device.with_flag(DeviceFlag.ANNOUNCED)
    return True


def open_gap_before(state: State, device_id: int, device: Device, first_seq: int, block_time: int) -> Gap | None:
    """Return the announced gap that ends right before this seq, once its 72 hours are over."""
    if not device.flags & DeviceFlag.ANNOUNCED or first_seq <= device.next_seq:
        return None
    gap = state.gaps[device_id]
    # What a witness has shown since is not lost: it can be handed in.
    is_shown = _pinned_seq(state, device_id, device) and state.pins[device_id].seq <= gap.to_seq
    return gap if gap.to_seq + 1 == first_seq and block_time >= gap.opens_at and not is_shown else None


def move(state: State, device_id: int, ledger: int) -> None:
    """Close a journal here; it goes on in another ledger."""
    state.moves[device_id] = Moved(ledger)
    state.devices[device_id] = state.devices[device_id].with_flag(DeviceFlag.MOVED)
