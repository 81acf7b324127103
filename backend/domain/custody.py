"""Fold entries into who holds what: the ledger's rules, `custody-1`.

The same rules stand in contracts/CustodyLedger.sol and scanner_app/src/domain/custody.ts, bound by
tests/vectors/custody.json. Source: docs/spec/entries.md, "Custody rules".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from backend.domain.errors import MalformedSegment
from backend.domain.journal import Entry, Network, Segment, first_head, next_head, read_entry, split_entries
from backend.domain.keccak import keccak256
from backend.domain.layout import Kind
from backend.domain.seal import is_seal_of, key_hash, seal_digest
from backend.domain.types import Fate, Outcome, Refusal, Role, Scheme, Stream, opener_of, organisation_of

MAX_OPEN_DEFERRALS = 64
MAX_LOT_GRAMS = (1 << 48) - 1
_SHANGHAI_SECONDS, _DAY_SECONDS = 8 * 3600, 86_400
_STREAMS = frozenset(int(stream) for stream in Stream)
_SERIAL_MASK = 0xFFFFFFFF
_DEVICE_SERIAL_MASK = (1 << 40) - 1


class LotStatus(IntEnum):
    """Where a lot is in its life; 0, no such lot, is not kept.

    Leaving: its holder has given, merged or closed it, and that step waits for merges into the lot.
    """

    HELD = 1
    GIVEN = 2
    MERGED = 3
    CLOSED = 4
    LEAVING = 5


class Root(NamedTuple):
    """An organisation's root registrar, as ActorRegistry names it."""

    device: int
    key_hash: int
    epoch: int


class Device(NamedTuple):
    """What the ledger knows of a device; `next_seq` counts from 1."""

    key_hash: int
    next_seq: int
    not_after: int
    role: int
    is_revoked: bool
    epoch: int
    head: bytes


class Desk(NamedTuple):
    """A device's working place: the serial of its current lot (0: none) and how many of its steps wait."""

    lot_serial: int = 0
    open_deferrals: int = 0


class Lot(NamedTuple):
    """A load of one stream in one holder's hands."""

    holder: int
    grams: int
    lifts: int
    stream: int
    status: int
    pendings: int
    last_seq: int
    taken: bool

    def is_held_by(self, device: int) -> bool:
        """In this device's hands and free to leave them."""
        return self.holder == device and self.status == LotStatus.HELD

    def is_open_to(self, device: int) -> bool:
        """Held, and custody never passed: only such a lot takes loads, lifts and merges."""
        return self.is_held_by(device) and not self.taken


class Give(NamedTuple):
    """The offer under which a given lot travels; `head13` is the giver's head after it, cut to 13 bytes."""

    to: int
    seq: int
    grams: int
    head13: bytes


class WaitingTake(NamedTuple):
    """A take whose give has not come yet."""

    taker: int
    seq: int
    grams: int
    head13: bytes


class WaitingStep(NamedTuple):
    """What a device wants to do with a lot that is not yet its own; kind EXPECTING: only its take waits."""

    kind: int
    seq: int = 0
    to: int = 0
    head13: bytes = b""
    into_serial: int = 0
    fate: int = 0


EXPECTING = 255


class Totals(NamedTuple):
    """Grams that entered and left custody."""

    lifted: int = 0
    gained: int = 0
    out: int = 0
    lost: int = 0


TakeKey = tuple[int, int, int, int]
"""(giver, give_seq, organisation of the taker, lot)"""
StepKey = tuple[int, int]
"""(lot, device)"""


@dataclass
class State:
    """Everything the rules read and write. The maps may be backed by a database."""

    network: Network
    roots: MutableMapping[int, Root] = field(default_factory=dict)
    named_roots: MutableMapping[int, bool] = field(default_factory=dict)
    devices: MutableMapping[int, Device] = field(default_factory=dict)
    desks: MutableMapping[int, Desk] = field(default_factory=dict)
    lots: MutableMapping[int, Lot] = field(default_factory=dict)
    gives: MutableMapping[int, Give] = field(default_factory=dict)
    waiting_takes: MutableMapping[TakeKey, WaitingTake] = field(default_factory=dict)
    waiting_steps: MutableMapping[StepKey, WaitingStep] = field(default_factory=dict)
    totals: MutableMapping[int, Totals] = field(default_factory=dict)
    day_totals: MutableMapping[tuple[int, int, int], Totals] = field(default_factory=dict)
    attested: MutableMapping[bytes, bool] = field(default_factory=dict)


class Settled(NamedTuple):
    """A step that had waited got its outcome."""

    device: int
    seq: int
    lot: int
    outcome: Outcome


@dataclass(frozen=True)
class Recorded:
    """A segment that the ledger keeps: one outcome byte an entry, and the steps it set free."""

    outcomes: bytes
    head: bytes
    settled: tuple[Settled, ...]


@dataclass(frozen=True)
class Refused:
    """A segment of which nothing is kept."""

    reason: Refusal


def day_of(block_time: int) -> int:
    """Return the number of the Asia/Shanghai day that holds an instant."""
    return (block_time + _SHANGHAI_SECONDS) // _DAY_SECONDS


def statement_of(kind: Kind, site: int, number: int, digest: int) -> bytes:
    """Return the hash under which a registrar's site or place entry is attested."""
    return keccak256(b"".join(v.to_bytes(32, "big") for v in (int(kind), site, number, digest)))


def can_be_enrolled(fields: Mapping[str, int]) -> bool:
    """Say whether an enrolment's fields make sense, whoever sealed it."""
    return (
        fields["device"] & _DEVICE_SERIAL_MASK != 0
        and Role.CREW <= fields["role"] <= Role.OFFICE
        and fields["scheme"] == Scheme.RAW
        and fields["not_after"] <= _SERIAL_MASK
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


def settle(state: State, lot: int, *, block_time: int, max_steps: int) -> list[Settled]:
    """Apply up to `max_steps` waiting steps of one lot; anyone may ask the ledger to."""
    settled: list[Settled] = []
    for _ in range(max_steps):
        ready = _next_step(state, lot)
        if ready is None:
            break
        settled += _settle_once(state, lot, block_time)
        if isinstance(ready, WaitingStep) and ready.kind == Kind.MERGE:
            lot = state.lots[lot].holder << 32 | ready.into_serial
    return settled


def is_ready(state: State, lot: int) -> bool:
    """Say whether a settle step of this lot would apply something."""
    return _next_step(state, lot) is not None


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
                grams=grams, lifts=lot.lifts + applied & _SERIAL_MASK, last_seq=last_seq
            )
            _book(self.state, self.organisation, self.block_time, lot.stream, lifted=grams - lot.grams)

    def _one(self, entry: Entry) -> Outcome:
        if entry.kind not in _RULES:
            return Outcome.UNKNOWN
        if not entry.is_well_formed:
            return Outcome.INVALID
        return _RULES[Kind(entry.kind)](self, entry)

    def _desk(self) -> Desk:
        return self.state.desks.get(self.device_id) or Desk()

    def _try_settle(self, lot_id: int) -> None:
        self.settled += _settle_once(self.state, lot_id, self.block_time)

    def _has_room_to_wait(self) -> bool:
        return self._desk().open_deferrals < MAX_OPEN_DEFERRALS

    def _wait(self, lot_id: int, step: WaitingStep) -> Outcome:
        if not self._has_room_to_wait():
            return Outcome.LATE
        self.state.waiting_steps[lot_id, self.device_id] = step
        _count_deferral(self.state, self.device_id, 1)
        return Outcome.DEFERRED

    def _is_own_new_id(self, lot_id: int) -> bool:
        return opener_of(lot_id) == self.device_id and lot_id & _SERIAL_MASK != 0

    def load(self, entry: Entry) -> Outcome:
        lot_id, stream = entry.fields["lot"], entry.fields["stream"]
        if not self._is_own_new_id(lot_id) or stream not in _STREAMS:
            return Outcome.INVALID
        lot = self.state.lots.get(lot_id)
        if lot is None:
            self.state.lots[lot_id] = Lot(self.device_id, 0, 0, stream, LotStatus.HELD, 0, 0, False)
        elif not lot.is_open_to(self.device_id) or lot.stream != stream:
            return Outcome.CONFLICT
        self.state.desks[self.device_id] = self._desk()._replace(lot_serial=lot_id & _SERIAL_MASK)
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
        outcome = _apply_step(self.state, lot_id, lot, step, self.block_time)
        if outcome == Outcome.APPLIED:
            changed = self.device_id << 32 | step.into_serial if step.kind == Kind.MERGE else lot_id
            self.settled += _settle_once(self.state, changed, self.block_time)
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
                if not _is_named(give.to, self.device_id) or give.head13 != waiting.head13:
                    return Outcome.CONFLICT
                _apply_take(self.state, lot_id, lot, waiting, self.block_time)
                self._try_settle(lot_id)
                return Outcome.APPLIED
        key = (fields["giver"], fields["give_seq"], self.organisation, lot_id)
        if key in self.state.waiting_takes:
            return Outcome.CONFLICT
        if not self._has_room_to_wait():
            return Outcome.LATE
        self.state.waiting_takes[key] = waiting
        self.state.waiting_steps[lot_id, self.device_id] = WaitingStep(EXPECTING)
        _count_deferral(self.state, self.device_id, 1)
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
        _count_deferral(self.state, self.device_id, -1)
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
        step = WaitingStep(Kind.MERGE, self.seq, into_serial=into_id & _SERIAL_MASK)
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


def _is_named(to: int, device: int) -> bool:
    """Say whether a give to `to` (a device, or an organisation: serial 0) may be taken by this device."""
    return to == device or (to & _DEVICE_SERIAL_MASK == 0 and organisation_of(to) == organisation_of(device))


def _book(state: State, organisation: int, block_time: int, stream: int, **grams: int) -> None:
    day_key = (organisation, day_of(block_time), stream)
    state.totals[stream] = _added(state.totals.get(stream), grams)
    state.day_totals[day_key] = _added(state.day_totals.get(day_key), grams)


_TOTAL_MASK = (1 << 64) - 1


def _added(before: Totals | None, grams: dict[str, int]) -> Totals:
    before = before or Totals()
    return before._replace(**{name: getattr(before, name) + more & _TOTAL_MASK for name, more in grams.items()})


def _count_deferral(state: State, device: int, change: int) -> None:
    desk = state.desks.get(device) or Desk()
    state.desks[device] = desk._replace(open_deferrals=desk.open_deferrals + change)


def _apply_step(state: State, lot_id: int, lot: Lot, step: WaitingStep, block_time: int) -> Outcome:
    """Carry out a holder's give, merge or close of a lot that is free to leave."""
    if step.kind == Kind.GIVE:
        state.lots[lot_id] = lot._replace(status=LotStatus.GIVEN)
        state.gives[lot_id] = Give(step.to, step.seq, lot.grams, step.head13)
        return Outcome.APPLIED
    if step.kind == Kind.MERGE:
        return _apply_merge(state, lot_id, lot, lot.holder << 32 | step.into_serial)
    state.lots[lot_id] = lot._replace(status=LotStatus.CLOSED, grams=0)
    side = "lost" if step.fate == Fate.LOSS else "out"
    _book(state, organisation_of(lot.holder), block_time, lot.stream, **{side: lot.grams})
    return Outcome.APPLIED


def _apply_take(state: State, lot_id: int, lot: Lot, take: WaitingTake, block_time: int) -> None:
    state.lots[lot_id] = lot._replace(holder=take.taker, grams=take.grams, status=LotStatus.HELD, taken=True)
    del state.gives[lot_id]
    change = take.grams - lot.grams
    if change:
        side = "gained" if change > 0 else "lost"
        _book(state, organisation_of(take.taker), block_time, lot.stream, **{side: abs(change)})


def _apply_merge(state: State, lot_id: int, lot: Lot, into_id: int) -> Outcome:
    into = state.lots[into_id]
    if lot.stream != into.stream or into.grams + lot.grams > MAX_LOT_GRAMS:
        return Outcome.INVALID
    lifts = (into.lifts + lot.lifts) & _SERIAL_MASK
    state.lots[into_id] = into._replace(grams=into.grams + lot.grams, lifts=lifts)
    state.lots[lot_id] = lot._replace(status=LotStatus.MERGED, grams=0)
    return Outcome.APPLIED


def _next_step(state: State, lot_id: int) -> WaitingTake | WaitingStep | None:
    """Return the waiting step that this lot is ready for."""
    lot = state.lots.get(lot_id)
    if lot is None:
        return None
    if lot.status == LotStatus.GIVEN:
        return state.waiting_takes.get(_take_key(state, lot_id, lot))
    if lot.status == LotStatus.LEAVING and lot.pendings == 0:
        return state.waiting_steps[lot_id, lot.holder]
    return None


def _take_key(state: State, lot_id: int, lot: Lot) -> TakeKey:
    give = state.gives[lot_id]
    return (lot.holder, give.seq, int(organisation_of(give.to)), lot_id)


def _settle_once(state: State, lot_id: int, block_time: int) -> list[Settled]:
    """Apply at most one waiting step of a lot; a take found wrong brings down the step that built on it."""
    ready = _next_step(state, lot_id)
    if ready is None:
        return []
    if isinstance(ready, WaitingTake):
        return _settle_take(state, lot_id, ready, block_time)
    return _settle_step(state, lot_id, ready, block_time)


def _settle_take(state: State, lot_id: int, take: WaitingTake, block_time: int) -> list[Settled]:
    lot, give = state.lots[lot_id], state.gives[lot_id]
    del state.waiting_takes[_take_key(state, lot_id, lot)]
    _count_deferral(state, take.taker, -1)
    step_key = (lot_id, take.taker)
    step = state.waiting_steps[step_key]
    if _is_named(give.to, take.taker) and give.head13 == take.head13:
        _apply_take(state, lot_id, lot, take, block_time)
        if step.kind == EXPECTING:
            del state.waiting_steps[step_key]
        else:
            state.lots[lot_id] = state.lots[lot_id]._replace(status=LotStatus.LEAVING)
        return [Settled(take.taker, take.seq, lot_id, Outcome.APPLIED)]
    del state.waiting_steps[step_key]
    settled = [Settled(take.taker, take.seq, lot_id, Outcome.CONFLICT)]
    if step.kind != EXPECTING:
        _count_deferral(state, take.taker, -1)
        settled.append(Settled(take.taker, step.seq, lot_id, Outcome.CONFLICT))
        if step.kind == Kind.MERGE:
            _end_pending(state, take.taker << 32 | step.into_serial)
    return settled


def _settle_step(state: State, lot_id: int, step: WaitingStep, block_time: int) -> list[Settled]:
    lot = state.lots[lot_id]._replace(status=LotStatus.HELD)
    state.lots[lot_id] = lot
    del state.waiting_steps[lot_id, lot.holder]
    _count_deferral(state, lot.holder, -1)
    if step.kind == Kind.MERGE:
        _end_pending(state, lot.holder << 32 | step.into_serial)
    outcome = _apply_step(state, lot_id, lot, step, block_time)
    return [Settled(lot.holder, step.seq, lot_id, outcome)]


def _end_pending(state: State, lot_id: int) -> None:
    lot = state.lots[lot_id]
    state.lots[lot_id] = lot._replace(pendings=lot.pendings - 1)
