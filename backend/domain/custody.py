"""Fold entries into who holds what: the ledger's rules, `custody-1`.

The same rules stand in contracts/CustodyRules.sol and scanner_app/src/domain/custody.ts, bound by
tests/vectors/custody.json. Source: docs/spec/entries.md, "Custody rules".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from backend.domain.custody_state import (
    EXPECTING,
    Desk,
    Device,
    Lot,
    LotStatus,
    Recorded,
    Refused,
    Settled,
    State,
    WaitingStep,
    WaitingTake,
)
from backend.domain.errors import MalformedSegment
from backend.domain.journal import Entry, Segment, first_head, next_head, read_entry, split_entries
from backend.domain.keccak import keccak256
from backend.domain.layout import Kind
from backend.domain.seal import is_seal_of, key_hash, seal_digest
from backend.domain.settling import (
    DEVICE_SERIAL_MASK,
    MAX_LOT_GRAMS,
    SERIAL_MASK,
    apply_step,
    apply_take,
    book,
    count_deferral,
    is_named,
    settle_once,
)
from backend.domain.types import Fate, Outcome, Refusal, Role, Scheme, Stream, opener_of, organisation_of

MAX_OPEN_DEFERRALS = 64
_STREAMS = frozenset(int(stream) for stream in Stream)


def statement_of(kind: Kind, site: int, number: int, digest: int) -> bytes:
    """Return the hash under which a registrar's site or place entry is attested."""
    return keccak256(b"".join(v.to_bytes(32, "big") for v in (int(kind), site, number, digest)))


def can_be_enrolled(fields: Mapping[str, int]) -> bool:
    """Say whether an enrolment's fields make sense, whoever sealed it."""
    return (
        fields["device"] & DEVICE_SERIAL_MASK != 0
        and Role.CREW <= fields["role"] <= Role.OFFICE
        and fields["scheme"] == Scheme.RAW
        and fields["not_after"] <= SERIAL_MASK
    )


def find_device(state: State, device: int) -> Device | None:
    """Return a device's slot, pulling a root registrar from the registry when it is met first."""
    known = state.devices.get(device)
    if known is not None:
        return known
    root = state.roots.get(organisation_of(device))
    if root is None or root.device != device:
        return None
    return Device(root.key_hash, 1, 0, Role.REGISTRAR, False, root.epoch, first_head(state.network, device))


def record_segment(
    state: State, segment: Segment, *, block_time: int, trusted_head: bytes | None = None
) -> Recorded | Refused:
    """Apply one segment to the state, as the ledger does, and return its answer.

    `trusted_head` is the head that the ledger has already checked: the seal is then not checked again and
    heads are rolled only where a rule needs one.

    1. readable, 2. known device, 3. its key, 4. its next seq, 5. its seal; then each entry in order.
    """
    # 1.
    try:
        entries = split_entries(segment.words)
    except MalformedSegment:
        return Refused(Refusal.MALFORMED)
    # 2. and 3.
    device = find_device(state, segment.device)
    if device is None:
        return Refused(Refusal.UNKNOWN_DEVICE)
    if trusted_head is None and key_hash(segment.x, segment.y) != device.key_hash:
        return Refused(Refusal.WRONG_KEY)
    # 4.
    last_seq = segment.first_seq + len(entries) - 1
    if segment.first_seq > device.next_seq:
        return Refused(Refusal.GAP)
    if last_seq < device.next_seq:
        return Refused(Refusal.ALREADY_RECORDED)
    if segment.first_seq != device.next_seq:
        return Refused(Refusal.OVERLAP)
    # 5.
    heads = _heads_needed(device.head, entries, trusted_head)
    head = heads[-1]
    if trusted_head is None:
        digest = seal_digest(state.network, device=segment.device, seq=last_seq, head=head)
        if not is_seal_of(digest, x=segment.x, y=segment.y, r=segment.r, s=segment.s):
            return Refused(Refusal.BAD_SEAL)
    state.devices[segment.device] = device._replace(next_seq=last_seq + 1, head=head)
    if device.is_revoked or (device.not_after and block_time > device.not_after):
        return Recorded(bytes([Outcome.QUARANTINED]) * len(entries), head, ())
    folding = _Folding(state, segment.device, device, block_time)
    outcomes = folding.fold(segment.first_seq, entries, heads)
    return Recorded(outcomes, head, tuple(folding.settled))


def _heads_needed(head: bytes, entries: list[bytes], trusted_head: bytes | None) -> list[bytes]:
    """Return the head after each entry, or only the last where no rule will look at the others."""
    if trusted_head is not None and all(entry[0] != Kind.GIVE for entry in entries[:-1]):
        return [b""] * (len(entries) - 1) + [trusted_head]
    heads = []
    for entry in entries:
        head = next_head(head, entry)
        heads.append(head)
    return heads


class _Folding:
    """One segment's entries on their way into the state."""

    def __init__(self, state: State, device_id: int, device: Device, block_time: int) -> None:
        self.state, self.device_id, self.device, self.block_time = state, device_id, device, block_time
        self.organisation = organisation_of(device_id)
        self.settled: list[Settled] = []
        self.seq, self.head = 0, b""

    def fold(self, first_seq: int, entries: list[bytes], heads: list[bytes]) -> bytes:
        outcomes = bytearray()
        index, count = 0, len(entries)
        while index < count:
            if entries[index][0] == Kind.LIFT:
                end = index
                while end < count and entries[end][0] == Kind.LIFT:
                    end += 1
                self._lift_run(first_seq + index, entries[index:end], outcomes)
                index = end
                continue
            entry = read_entry(entries[index])
            self.seq, self.head = first_seq + index, heads[index]
            outcomes.append(self._one(entry))
            index += 1
        return bytes(outcomes)

    def _lift_run(self, first_seq: int, lifts: list[bytes], outcomes: bytearray) -> None:
        """A run of lifts goes into one lot: its slot is read and written once."""
        serial = self._desk().lot_serial
        if serial == 0:
            outcomes.extend([Outcome.INVALID] * len(lifts))
            return
        lot_id = self.device_id << 32 | serial
        lot = self.state.lots[lot_id]
        is_open = lot.is_open_to(self.device_id)
        grams, applied, last_seq = lot.grams, 0, lot.last_seq
        for seq, word in enumerate(lifts, first_seq):
            mass = int.from_bytes(word[13:17], "big")
            if word[6] >> 4 != lot.stream or grams + mass > MAX_LOT_GRAMS:
                outcomes.append(Outcome.INVALID)
            elif not is_open:
                outcomes.append(Outcome.CONFLICT)
            else:
                grams, applied, last_seq = grams + mass, applied + 1, seq
                outcomes.append(Outcome.APPLIED)
        if applied:
            self.state.lots[lot_id] = lot._replace(
                grams=grams, lifts=lot.lifts + applied & SERIAL_MASK, last_seq=last_seq
            )
            book(self.state, self.organisation, self.block_time, lot.stream, lifted=grams - lot.grams)

    def _one(self, entry: Entry) -> Outcome:
        if entry.kind not in _RULES:
            return Outcome.UNKNOWN
        if not entry.is_well_formed:
            return Outcome.INVALID
        return _RULES[Kind(entry.kind)](self, entry)

    def _desk(self) -> Desk:
        return self.state.desks.get(self.device_id) or Desk()

    def _try_settle(self, lot_id: int) -> None:
        self.settled += settle_once(self.state, lot_id, self.block_time)

    def _has_room_to_wait(self) -> bool:
        return self._desk().open_deferrals < MAX_OPEN_DEFERRALS

    def _wait(self, lot_id: int, step: WaitingStep) -> Outcome:
        if not self._has_room_to_wait():
            return Outcome.LATE
        self.state.waiting_steps[lot_id, self.device_id] = step
        count_deferral(self.state, self.device_id, 1)
        return Outcome.DEFERRED

    def _is_own_new_id(self, lot_id: int) -> bool:
        return opener_of(lot_id) == self.device_id and lot_id & SERIAL_MASK != 0

    def load(self, entry: Entry) -> Outcome:
        lot_id, stream = entry.fields["lot"], entry.fields["stream"]
        if not self._is_own_new_id(lot_id) or stream not in _STREAMS:
            return Outcome.INVALID
        lot = self.state.lots.get(lot_id)
        if lot is None:
            self.state.lots[lot_id] = Lot(self.device_id, 0, 0, stream, LotStatus.HELD, 0, 0, False)
        elif not lot.is_open_to(self.device_id) or lot.stream != stream:
            return Outcome.CONFLICT
        self.state.desks[self.device_id] = self._desk()._replace(lot_serial=lot_id & SERIAL_MASK)
        return Outcome.APPLIED

    def give(self, entry: Entry) -> Outcome:
        to = entry.fields["to"]
        if to == self.device_id or organisation_of(to) == 0:
            return Outcome.INVALID
        return self._leave(entry.fields["lot"], WaitingStep(Kind.GIVE, self.seq, to=to, head13=self.head[:13]))

    def close(self, entry: Entry) -> Outcome:
        fate = entry.fields["fate"]
        if not Fate.PRODUCT <= fate <= Fate.ENERGY:
            return Outcome.INVALID
        return self._leave(entry.fields["lot"], WaitingStep(Kind.CLOSE, self.seq, fate=fate))

    def _leave(self, lot_id: int, step: WaitingStep) -> Outcome:
        """Give, merge or close: now when the lot is free in this device's hands, later when it is coming."""
        lot = self.state.lots.get(lot_id)
        if lot is not None and lot.is_held_by(self.device_id):
            if lot.pendings == 0:
                return self._carry_out(lot_id, lot, step)
            outcome = self._wait(lot_id, step)
            if outcome == Outcome.DEFERRED:
                self.state.lots[lot_id] = lot._replace(status=LotStatus.LEAVING)
            return outcome
        slot = self.state.waiting_steps.get((lot_id, self.device_id))
        if slot is None or slot.kind != EXPECTING:
            return Outcome.CONFLICT
        return self._wait(lot_id, step)

    def _carry_out(self, lot_id: int, lot: Lot, step: WaitingStep) -> Outcome:
        outcome = apply_step(self.state, lot_id, lot, step, self.block_time)
        if outcome == Outcome.APPLIED:
            changed = self.device_id << 32 | step.into_serial if step.kind == Kind.MERGE else lot_id
            self.settled += settle_once(self.state, changed, self.block_time)
        return outcome

    def take(self, entry: Entry) -> Outcome:
        fields = entry.fields
        lot_id = fields["lot"]
        waiting = WaitingTake(
            self.device_id, self.seq, fields["grams"], fields["give_head"].to_bytes(32, "big")[:13]
        )
        lot = self.state.lots.get(lot_id)
        if (lot_id, self.device_id) in self.state.waiting_steps:
            return Outcome.CONFLICT
        if lot is None and opener_of(lot_id) == self.device_id:
            return Outcome.CONFLICT
        if lot is not None and lot.is_held_by(self.device_id):
            return Outcome.CONFLICT
        if lot is not None and lot.status == LotStatus.GIVEN:
            give = self.state.gives[lot_id]
            if (lot.holder, give.seq) == (fields["giver"], fields["give_seq"]):
                if not is_named(give.to, self.device_id) or give.head13 != waiting.head13:
                    return Outcome.CONFLICT
                apply_take(self.state, lot_id, lot, waiting, self.block_time)
                self._try_settle(lot_id)
                return Outcome.APPLIED
        key = (fields["giver"], fields["give_seq"], self.organisation, lot_id)
        if key in self.state.waiting_takes:
            return Outcome.CONFLICT
        if not self._has_room_to_wait():
            return Outcome.LATE
        self.state.waiting_takes[key] = waiting
        self.state.waiting_steps[lot_id, self.device_id] = WaitingStep(EXPECTING)
        count_deferral(self.state, self.device_id, 1)
        return Outcome.DEFERRED

    def withdraw(self, entry: Entry) -> Outcome:
        lot_id, give_seq = entry.fields["lot"], entry.fields["give_seq"]
        lot = self.state.lots.get(lot_id)
        slot = self.state.waiting_steps.get((lot_id, self.device_id))
        if slot is None:
            is_given = lot is not None and (lot.holder, lot.status) == (self.device_id, LotStatus.GIVEN)
            if lot is None or not is_given or self.state.gives[lot_id].seq != give_seq:
                return Outcome.CONFLICT
            self.state.lots[lot_id] = lot._replace(status=LotStatus.HELD)
            del self.state.gives[lot_id]
            self._try_settle(lot_id)
            return Outcome.APPLIED
        if slot.kind != Kind.GIVE or slot.seq != give_seq:
            return Outcome.CONFLICT
        if lot is not None and (lot.holder, lot.status) == (self.device_id, LotStatus.LEAVING):
            self.state.lots[lot_id] = lot._replace(status=LotStatus.HELD)
            del self.state.waiting_steps[lot_id, self.device_id]
        else:
            self.state.waiting_steps[lot_id, self.device_id] = WaitingStep(EXPECTING)
        count_deferral(self.state, self.device_id, -1)
        return Outcome.APPLIED

    def merge(self, entry: Entry) -> Outcome:
        lot_id, into_id, stream = (entry.fields[name] for name in ("lot", "into", "stream"))
        if not self._is_own_new_id(into_id) or into_id == lot_id or stream not in _STREAMS:
            return Outcome.INVALID
        into = self.state.lots.get(into_id)
        if into is None:
            into = Lot(self.device_id, 0, 0, stream, LotStatus.HELD, 0, 0, False)
            self.state.lots[into_id] = into
        elif not into.is_open_to(self.device_id) or into.stream != stream:
            return Outcome.CONFLICT
        step = WaitingStep(Kind.MERGE, self.seq, into_serial=into_id & SERIAL_MASK)
        outcome = self._leave(lot_id, step)
        if outcome == Outcome.DEFERRED:
            self.state.lots[into_id] = into._replace(pendings=into.pendings + 1)
        return outcome

    def weigh(self, entry: Entry) -> Outcome:
        gross, tare, net = (entry.fields[name] for name in ("gross", "tare", "net"))
        if self.device.role not in (Role.SCALE, Role.GATE) or gross - tare != net:
            return Outcome.INVALID
        return Outcome.APPLIED

    def note(self, _entry: Entry) -> Outcome:
        return Outcome.APPLIED

    def _is_registrar_of(self, device_or_site: int) -> bool:
        root = self.state.roots.get(self.organisation)
        return (
            self.device.role == Role.REGISTRAR
            and root is not None
            and root.epoch == self.device.epoch
            and organisation_of(device_or_site) == self.organisation
        )

    def enrol(self, entry: Entry) -> Outcome:
        f = entry.fields
        new = f["device"]
        if not (self._is_registrar_of(new) and can_be_enrolled(f)):
            return Outcome.INVALID
        if new in self.state.devices or new in self.state.named_roots:
            return Outcome.CONFLICT
        self.state.devices[new] = Device(
            key_hash(f["x"], f["y"]),
            1,
            f["not_after"],
            f["role"],
            False,
            self.device.epoch,
            first_head(self.state.network, new),
        )
        return Outcome.APPLIED

    def revoke(self, entry: Entry) -> Outcome:
        target = entry.fields["device"]
        known = self.state.devices.get(target)
        if not self._is_registrar_of(target) or target == self.device_id or known is None:
            return Outcome.INVALID
        self.state.devices[target] = known._replace(is_revoked=True)
        return Outcome.APPLIED

    def attest(self, entry: Entry) -> Outcome:
        f = entry.fields
        if not self._is_registrar_of(f["site"]):
            return Outcome.INVALID
        number = f["site_kind"] if entry.kind == Kind.SITE else f["count"]
        self.state.attested[statement_of(Kind(entry.kind), f["site"], number, f["digest"])] = True
        return Outcome.APPLIED


_RULES: dict[int, Callable[[_Folding, Entry], Outcome]] = {
    Kind.LOAD: _Folding.load,
    Kind.GIVE: _Folding.give,
    Kind.TAKE: _Folding.take,
    Kind.WITHDRAW: _Folding.withdraw,
    Kind.WEIGH: _Folding.weigh,
    Kind.MERGE: _Folding.merge,
    Kind.CLOSE: _Folding.close,
    Kind.ACKNOWLEDGE: _Folding.note,
    Kind.ANCHOR: _Folding.note,
    Kind.MARK: _Folding.note,
    Kind.SHIFT_END: _Folding.note,
    Kind.DECLINE: _Folding.note,
    Kind.ENROL: _Folding.enrol,
    Kind.REVOKE: _Folding.revoke,
    Kind.SITE: _Folding.attest,
    Kind.PLACE: _Folding.attest,
}
