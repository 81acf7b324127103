"""Fold entries into who holds what: the ledger's rules, `custody-2`.

The same rules stand in contracts/ and scanner_app/src/domain/, bound by tests/vectors/custody.json.
Source: docs/spec/entries.md, "Custody rules".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from backend.domain.booking import book
from backend.domain.custody_state import (
    Answer,
    Desk,
    Device,
    DeviceFlag,
    LotStatus,
    Mandate,
    Recorded,
    Refused,
    Seen,
    Settled,
    State,
    Step,
    Transcription,
)
from backend.domain.devices import (
    Standing,
    announce_gap,
    can_be_enrolled,
    enrol,
    find_device,
    is_known,
    is_registrar_of,
    is_sealed,
    mark_forked,
    move,
    open_gap_before,
    retire,
    revoke,
    standing_of,
)
from backend.domain.errors import MalformedSegment
from backend.domain.journal import MAX_SEQ, Entry, Segment, next_head, read_entry, split_entries
from backend.domain.keccak import keccak256
from backend.domain.layout import Kind
from backend.domain.lifts import Lifts, end_of_lifts, entries_of, load_lifts
from backend.domain.moving import take_over
from backend.domain.seal import SealProof, key_hash
from backend.domain.steps import (
    APPLIED,
    CONFLICT,
    INVALID,
    MAX_LOT_GRAMS,
    SERIAL_MASK,
    attempt,
    new_lot,
    withdraw_waiting,
)
from backend.domain.types import (
    Fate,
    Flaw,
    MandateOp,
    Outcome,
    Refusal,
    Role,
    Stream,
    Verdict,
    opener_of,
    organisation_of,
)

MAX_OUTPUTS = 16
_STREAMS = frozenset(int(stream) for stream in Stream)
_REGISTRY_KINDS = 32
"""Kinds from here on are a registrar's."""


def statement_of(kind: Kind, site: int, number: int, digest: int) -> bytes:
    """Return the hash under which a registrar's site or place entry is attested."""
    return keccak256(b"".join(v.to_bytes(32, "big") for v in (int(kind), site, number, digest)))


def record_segment(
    state: State, segment: Segment, *, block_time: int, trusted_head: bytes | None = None
) -> Recorded | Refused:
    """Apply one segment to the state, as the ledger does, and return its answer.

    `trusted_head` is the head that the ledger has already checked: the seal is then not checked again and
    heads are rolled only where a rule needs one.

    1. readable, 2. known device, 3. its key, 4. its next seq, or the one behind a gap that was announced,
    5. its seal, 6. what witnesses have shown of it; then each entry in order.
    """
    # 1.
    try:
        entries = entries_of(segment.words)
    except MalformedSegment:
        return Refused(Refusal.MALFORMED)
    last_seq = segment.first_seq + len(entries) - 1
    if last_seq >= MAX_SEQ:  # the next seq must fit
        return Refused(Refusal.MALFORMED)
    # 2. and 3.
    device = find_device(state, segment.device)
    if device is None:
        return Refused(Refusal.UNKNOWN_DEVICE)
    if trusted_head is None and key_hash(segment.x, segment.y) != device.key_hash:
        return Refused(Refusal.WRONG_KEY)
    # 4.
    gap = open_gap_before(state, segment.device, device, segment.first_seq, block_time)
    closed_gap = None
    if gap is not None:
        closed_gap = (device.next_seq, gap.to_seq)
        device = device._replace(next_seq=segment.first_seq, head=gap.head).without_flag(DeviceFlag.ANNOUNCED)
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
        proof = SealProof(last_seq, head, segment.x, segment.y, segment.r, segment.s, segment.assertion)
        if not is_sealed(state, segment.device, device, proof):
            return Refused(Refusal.BAD_SEAL)
    # 6.
    if device.flags & DeviceFlag.PINNED:
        pin = state.pins[segment.device]
        if pin.seq <= last_seq:
            is_covered = pin.seq >= segment.first_seq  # not so behind a gap: no head is there to compare
            if trusted_head is None and is_covered and heads[pin.seq - segment.first_seq][:27] != pin.head27:
                mark_forked(state, segment.device)
                return Refused(Refusal.FORK, pin.seq)
            device = device.without_flag(DeviceFlag.PINNED)
    if closed_gap is not None:
        del state.gaps[segment.device]
    take_over(state, segment.device)
    state.devices[segment.device] = device._replace(next_seq=last_seq + 1, head=head)
    folding = _Folding(state, segment.device, device, block_time)
    outcomes = folding.fold(segment.first_seq, entries, heads)
    return Recorded(outcomes, head, tuple(folding.settled), tuple(folding.transcribed), closed_gap)


def _heads_needed(head: bytes, entries: Sequence[bytes], trusted_head: bytes | None) -> list[bytes]:
    """Return the head after each entry, or only the last where no rule will look at the others."""
    if trusted_head is not None and (
        isinstance(entries, Lifts) or all(e[0] not in (Kind.GIVE, Kind.REDIRECT) for e in entries[:-1])
    ):
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
        self.transcribed: list[Transcription] = []
        self.seq, self.head = 0, b""
        self.is_transcribing = False

    def fold(self, first_seq: int, entries: Sequence[bytes], heads: list[bytes]) -> bytes:
        """Judge each entry in order; those beyond what still counts are kept in quarantine."""
        standing = standing_of(self.state, self.device_id, self.device, self.block_time)
        if not standing.counts(first_seq + len(entries) - 1) and self.device_id not in self.state.seen:
            self.state.seen[self.device_id] = Seen(first_seq - 1)
        outcomes = bytearray()
        index, count = 0, len(entries)
        while index < count:
            seq = first_seq + index
            if not standing.counts(seq):
                rest = Answer(Outcome.QUARANTINED, standing.flaw).byte
                return bytes(outcomes) + bytes([rest]) * (count - index)
            if entries[index][0] == Kind.LIFT:
                last = count if standing.last_seq is None else min(count, standing.last_seq - first_seq + 1)
                end = end_of_lifts(entries, index, last)
                self._lift_run(seq, entries[index:end], outcomes)
                index = end
                continue
            entry = read_entry(entries[index])
            self.seq, self.head = seq, heads[index]
            answer = self._one(entry)
            outcomes.append(answer.byte)
            if entry.kind == Kind.MOVED and answer == APPLIED:
                standing = Standing(seq)
                self.state.seen.setdefault(self.device_id, Seen(seq))
            index += 1
        return bytes(outcomes)

    def fold_transcribed(self, first_seq: int, entries: list[bytes], heads: list[bytes]) -> bytes:
        """Judge entries that a registrar brings with leave; a registrar's own kinds have no effect here."""
        self.is_transcribing = True
        outcomes = bytearray()
        for index, words in enumerate(entries):
            self.seq, self.head = first_seq + index, heads[index]
            if words[0] == Kind.LIFT:
                self._lift_run(self.seq, [words], outcomes)
            else:
                outcomes.append(self._one(read_entry(words)).byte)
        return bytes(outcomes)

    def _lift_run(self, first_seq: int, lifts: Sequence[bytes], outcomes: bytearray) -> None:
        """A run of lifts goes into one lot: its slot is read and written once."""
        serial = self._desk().lot_serial
        if serial == 0:
            outcomes.extend([Outcome.INVALID] * len(lifts))
            return
        lot_id = self.device_id << 32 | serial
        lot = self.state.lots[lot_id]
        loaded, answers = load_lifts(lot, lifts, first_seq=first_seq, is_open=lot.is_open_to(self.device_id))
        outcomes.extend(answers)
        if loaded != lot:
            self.state.lots[lot_id] = loaded
            book(self.state, self.organisation, self.block_time, lot.stream, lifted=loaded.grams - lot.grams)

    def _one(self, entry: Entry) -> Answer:
        if entry.kind not in _RULES:
            return Answer(Outcome.UNKNOWN)
        if not entry.is_well_formed:
            return INVALID
        if self.is_transcribing and entry.kind >= _REGISTRY_KINDS:
            return Answer(Outcome.QUARANTINED)
        return _RULES[Kind(entry.kind)](self, entry)

    def _desk(self) -> Desk:
        return self.state.desks.get(self.device_id) or Desk()

    def _attempt(self, lot_id: int, step: Step) -> Answer:
        answer, settled = attempt(self.state, self.device_id, lot_id, step, self.block_time)
        self.settled += settled
        return answer

    def _is_own_id(self, lot_id: int) -> bool:
        return opener_of(lot_id) == self.device_id and lot_id & SERIAL_MASK != 0

    # --- lots ---

    def load(self, entry: Entry) -> Answer:
        lot_id, stream = entry.fields["lot"], entry.fields["stream"]
        if not self._is_own_id(lot_id) or stream not in _STREAMS:
            return INVALID
        lot = self.state.lots.get(lot_id)
        if lot is None:
            self.state.lots[lot_id] = new_lot(self.device_id, stream)
        elif not lot.is_open_to(self.device_id) or lot.stream != stream:
            return CONFLICT
        self.state.desks[self.device_id] = self._desk()._replace(lot_serial=lot_id & SERIAL_MASK)
        return APPLIED

    def give(self, entry: Entry) -> Answer:
        to = entry.fields["to"]
        if not self._is_receiver(to):
            return INVALID
        return self._attempt(entry.fields["lot"], Step(Kind.GIVE, self.seq, to=to, head13=self.head[:13]))

    def _is_receiver(self, to: int) -> bool:
        """Anybody but oneself; 0 stands for somebody who is not registered."""
        return to == 0 or (to != self.device_id and organisation_of(to) != 0)

    def redirect(self, entry: Entry) -> Answer:
        to, give_seq = entry.fields["to"], entry.fields["give_seq"]
        if not self._is_receiver(to):
            return INVALID
        step = Step(Kind.REDIRECT, self.seq, to=to, head13=self.head[:13], give_seq=give_seq)
        return self._attempt(entry.fields["lot"], step)

    def close(self, entry: Entry) -> Answer:
        fate = entry.fields["fate"]
        if not Fate.PRODUCT <= fate <= Fate.ENERGY:
            return INVALID
        return self._attempt(entry.fields["lot"], Step(Kind.CLOSE, self.seq, fate=fate))

    def withdraw(self, entry: Entry) -> Answer:
        lot_id, undone_seq = entry.fields["lot"], entry.fields["undone_seq"]
        given_up = withdraw_waiting(self.state, self.device_id, lot_id, undone_seq)
        if given_up is not None:
            self.settled += given_up
            return APPLIED
        return self._attempt(lot_id, Step(Kind.WITHDRAW, self.seq, give_seq=undone_seq))

    def merge(self, entry: Entry) -> Answer:
        lot_id, into_id, stream = (entry.fields[name] for name in ("lot", "into", "stream"))
        if not self._is_own_id(into_id) or into_id == lot_id or stream not in _STREAMS:
            return INVALID
        into = self.state.lots.get(into_id) or new_lot(self.device_id, stream)
        if not into.is_open_to(self.device_id) or into.stream != stream:
            return CONFLICT
        self.state.lots[into_id] = into._replace(pendings=into.pendings + 1)
        return self._attempt(lot_id, Step(Kind.MERGE, self.seq, into_serial=into_id & SERIAL_MASK))

    def split(self, entry: Entry) -> Answer:
        lot_id, into_id, stream, grams = (entry.fields[name] for name in ("lot", "into", "stream", "grams"))
        if not self._is_own_id(into_id) or into_id == lot_id or stream not in _STREAMS:
            return INVALID
        if not self._promise({into_id: grams}, stream):
            return CONFLICT
        step = Step(Kind.SPLIT, self.seq, into_serial=into_id & SERIAL_MASK, grams=grams, stream=stream)
        return self._attempt(lot_id, step)

    def transform(self, entry: Entry) -> Answer:
        """The outputs are the entry's own next lots, first; measures (lot 0) follow and move nothing."""
        f, items = entry.fields, entry.items
        count, first = f["outputs"], items[0]["lot"] if items else 0
        grams = sum(item["amount"] for item in items[:count])
        if (
            not 1 <= count <= min(len(items), MAX_OUTPUTS)
            or not self._is_own_id(first)
            or (first & SERIAL_MASK) + count - 1 > SERIAL_MASK
            or any(item["lot"] != first + place for place, item in enumerate(items[:count]))
            or any(item["lot"] != 0 for item in items[count:])
            or first <= f["lot"] < first + count
            or grams > MAX_LOT_GRAMS
            or f["is_gain"] > 1
        ):
            return INVALID
        if not self._promise({item["lot"]: item["amount"] for item in items[:count]}, Stream.RESIDUAL):
            return CONFLICT
        step = Step(
            Kind.TRANSFORM,
            self.seq,
            into_serial=first & SERIAL_MASK,
            outputs=count,
            grams=grams,
            loss=f["loss"],
            is_gain=bool(f["is_gain"]),
        )
        return self._attempt(f["lot"], step)

    def _promise(self, lots: Mapping[int, int], stream: int) -> bool:
        """Open lots that are to come out of a step, unless one is there already."""
        if any(lot_id in self.state.lots for lot_id in lots):
            return False
        for lot_id, grams in lots.items():
            lot = new_lot(self.device_id, stream)
            self.state.lots[lot_id] = lot._replace(grams=grams, status=LotStatus.PROMISED, shut=True)
        return True

    def take(self, entry: Entry) -> Answer:
        f = entry.fields
        lot_id, stream, into_id = f["lot"], f["stream"], f["into"]
        if f["giver"] == 0:
            return self._take_unattested(lot_id, stream, f["grams"], into_id)
        if f["giver"] == self.device_id or stream not in (0, *_STREAMS):
            return INVALID
        if into_id:
            if not self._is_own_id(into_id) or into_id == lot_id:
                return INVALID
            if not self._promise({into_id: f["grams"]}, stream or Stream.RESIDUAL):
                return CONFLICT
        step = Step(
            Kind.TAKE,
            self.seq,
            giver=f["giver"],
            give_seq=f["give_seq"],
            grams=f["grams"],
            stream=stream,
            into_serial=into_id & SERIAL_MASK,
            head13=f["give_head"].to_bytes(32, "big")[:13],
            principal=f["principal"],
            mandate_seq=f["mandate_seq"] if f["principal"] else 0,
            site=f["site"] if f["principal"] else 0,
            occurred_at=f["occurred_at"],
        )
        return self._attempt(lot_id, step)

    def _take_unattested(self, lot_id: int, stream: int, grams: int, into_id: int) -> Answer:
        """A lot from somebody who is not registered begins here, in a lot of the taker's own."""
        if not self._is_own_id(lot_id) or stream not in _STREAMS or into_id:
            return INVALID
        if lot_id in self.state.lots:
            return CONFLICT
        self.state.lots[lot_id] = new_lot(self.device_id, stream)._replace(grams=grams, shut=True)
        book(self.state, self.organisation, self.block_time, stream, gained=grams)
        return Answer(Outcome.APPLIED, Flaw.UNATTESTED)

    def refuse(self, entry: Entry) -> Answer:
        f = entry.fields
        if f["giver"] in (0, self.device_id):
            return INVALID
        head13 = f["give_head"].to_bytes(32, "big")[:13]
        step = Step(Kind.REFUSE, self.seq, giver=f["giver"], give_seq=f["give_seq"], head13=head13)
        return self._attempt(f["lot"], step)

    # --- what moves nothing ---

    def weigh(self, entry: Entry) -> Answer:
        """A ticket counts when a scale sealed it, it adds up, and its number follows the last."""
        f = entry.fields
        if self.device.role not in (Role.SCALE, Role.GATE):
            return Answer(Outcome.INVALID, Flaw.NOT_A_SCALE)
        if f["gross"] - f["tare"] != f["net"] or f["ticket"] == 0:
            return INVALID
        desk = self._desk()
        if f["ticket"] <= desk.last_ticket:
            return Answer(Outcome.INVALID, Flaw.TICKET_REPEATED)
        self.state.desks[self.device_id] = desk._replace(last_ticket=f["ticket"])
        if desk.last_ticket and f["ticket"] != desk.last_ticket + 1:
            return Answer(Outcome.INVALID, Flaw.TICKET_SKIPPED)
        if f["calibration_until"] < f["occurred_at"]:
            return Answer(Outcome.INVALID, Flaw.CALIBRATION_EXPIRED)
        return APPLIED

    def note(self, _entry: Entry) -> Answer:
        return APPLIED

    def acknowledge(self, entry: Entry) -> Answer:
        """A release lets a registrar of the other organisation bring quarantined entries back."""
        f = entry.fields
        if f["verdict"] != Verdict.RELEASED:
            return APPLIED
        may = self.device.role in (Role.GATE, Role.REGISTRAR, Role.OFFICE)
        if not may or organisation_of(f["device"]) == self.organisation:
            return INVALID
        root = self.state.roots.get(self.organisation)
        by = 0 if root is not None and root.is_regulator else int(self.organisation)
        self.state.releases[f["device"], f["seq"], f["head17"], by] = True
        return APPLIED

    def mandate(self, entry: Entry) -> Answer:
        f = entry.fields
        if self.device.role not in (Role.REGISTRAR, Role.OFFICE, Role.GATE):
            return INVALID
        if f["op"] == MandateOp.GRANT:
            if organisation_of(f["to"]) == 0:
                return INVALID
            self.state.mandates[self.device_id, self.seq] = Mandate(
                f["to"],
                f["grams"],
                f["until"],
                f["depth"],
                f["streams"],
                False,
                f["site"],
                f["parent"],
                f["parent_seq"],
            )
            return APPLIED
        key = (self.device_id, f["parent_seq"])
        if f["op"] != MandateOp.REVOKE or f["parent"] != self.device_id:
            return INVALID
        granted = self.state.mandates.get(key)
        if granted is None:
            return CONFLICT
        self.state.mandates[key] = granted._replace(is_revoked=True)
        return APPLIED

    # --- registrars ---

    def _is_registrar_of(self, device_or_site: int) -> bool:
        return is_registrar_of(self.state, self.device_id, self.device, device_or_site)

    def enrol(self, entry: Entry) -> Answer:
        f = entry.fields
        if not (self._is_registrar_of(f["device"]) and can_be_enrolled(f)):
            return INVALID
        if is_known(self.state, f["device"]):
            return CONFLICT
        enrol(self.state, f, self.device.epoch)
        return APPLIED

    def rotate(self, entry: Entry) -> Answer:
        replaced = entry.fields["replaced"]
        if not self._is_registrar_of(replaced) or replaced not in self.state.devices:
            return INVALID
        if replaced == self.device_id:
            return INVALID
        answer = self.enrol(entry)
        if answer == APPLIED:
            retire(self.state, replaced, self.block_time)
        return answer

    def revoke(self, entry: Entry) -> Answer:
        target = entry.fields["device"]
        if not self._is_registrar_of(target) or target == self.device_id:
            return INVALID
        if target not in self.state.devices:
            return INVALID
        revoke(self.state, target)
        return APPLIED

    def close_gap(self, entry: Entry) -> Answer:
        target = entry.fields["device"]
        if not self._is_registrar_of(target) or target not in self.state.devices:
            return INVALID
        if target == self.device_id:
            return INVALID
        return APPLIED if announce_gap(self.state, target, entry.fields, self.block_time) else CONFLICT

    def moved(self, entry: Entry) -> Answer:
        ledger = entry.fields["ledger"]
        if ledger in (0, int.from_bytes(self.state.network.ledger, "big")):
            return INVALID
        move(self.state, self.device_id, ledger)
        return APPLIED

    def transcribe(self, entry: Entry) -> Answer:
        """Record another device's sealed run verbatim; it has effect once somebody else has released it.

        1. a registrar of its organisation, 2. that device's key and raw seal, over readable entries,
        3. beyond what counts already, and of a journal that ends here, 4. released by a regulator or by a
        counterparty that the run names.
        """
        f = entry.fields
        other_id, first_seq = f["device"], f["first_seq"]
        other = self.state.devices.get(other_id)
        # 1.
        if not self._is_registrar_of(other_id) or other_id == self.device_id or other is None:
            return INVALID
        # 2.
        try:
            entries = split_entries(b"".join(item["word"].to_bytes(32, "big") for item in entry.items))
        except MalformedSegment:
            return INVALID
        heads, head = [], f["before"].to_bytes(32, "big")
        for words in entries:
            head = next_head(head, words)
            heads.append(head)
        last_seq = first_seq + len(entries) - 1
        if last_seq > MAX_SEQ:
            return INVALID
        proof = SealProof(last_seq, head, f["x"], f["y"], f["r"], f["s"])
        is_its_key = key_hash(proof.x, proof.y) == other.key_hash
        if not is_its_key or not is_sealed(self.state, other_id, other, proof):
            return INVALID
        # 3.
        seen = self.state.seen.get(other_id)
        if seen is None or first_seq <= max(seen) or other.flags & DeviceFlag.MOVED:
            return Answer(Outcome.QUARANTINED)
        # 4.
        named = {0} | {int(o) for words in entries for o in _parties_of(words)} - {int(self.organisation)}
        head17 = int.from_bytes(head[:17], "big")
        if not any(self.state.releases.get((other_id, last_seq, head17, by)) for by in named):
            return Answer(Outcome.QUARANTINED)
        self.state.seen[other_id] = seen._replace(brought=last_seq)
        inner = _Folding(self.state, other_id, other, self.block_time)
        outcomes = inner.fold_transcribed(first_seq, entries, heads)
        self.settled += inner.settled
        self.transcribed.append(Transcription(other_id, first_seq, outcomes))
        return APPLIED

    def attest(self, entry: Entry) -> Answer:
        f = entry.fields
        if not self._is_registrar_of(f["site"]):
            return INVALID
        number = f["site_kind"] if entry.kind == Kind.SITE else f["count"]
        self.state.attested[statement_of(Kind(entry.kind), f["site"], number, f["digest"])] = True
        return APPLIED


_PARTY_FIELD = {Kind.GIVE: "to", Kind.REDIRECT: "to", Kind.TAKE: "giver", Kind.REFUSE: "giver"}


def _parties_of(words: bytes) -> list[int]:
    """Return the organisation that a handoff's half names."""
    entry = read_entry(words)
    if not entry.is_well_formed or entry.kind not in _PARTY_FIELD:
        return []
    return [organisation_of(entry.fields[_PARTY_FIELD[Kind(entry.kind)]])]


_RULES: dict[int, Callable[[_Folding, Entry], Answer]] = {
    Kind.LOAD: _Folding.load,
    Kind.GIVE: _Folding.give,
    Kind.TAKE: _Folding.take,
    Kind.WITHDRAW: _Folding.withdraw,
    Kind.WEIGH: _Folding.weigh,
    Kind.MERGE: _Folding.merge,
    Kind.SPLIT: _Folding.split,
    Kind.TRANSFORM: _Folding.transform,
    Kind.REFUSE: _Folding.refuse,
    Kind.REDIRECT: _Folding.redirect,
    Kind.CLOSE: _Folding.close,
    Kind.AMEND: _Folding.note,
    Kind.DISPUTE: _Folding.note,
    Kind.MANDATE: _Folding.mandate,
    Kind.ACKNOWLEDGE: _Folding.acknowledge,
    Kind.ANCHOR: _Folding.note,
    Kind.MARK: _Folding.note,
    Kind.SHIFT_END: _Folding.note,
    Kind.DECLINE: _Folding.note,
    Kind.ENROL: _Folding.enrol,
    Kind.REVOKE: _Folding.revoke,
    Kind.ROTATE: _Folding.rotate,
    Kind.CLOSE_GAP: _Folding.close_gap,
    Kind.MOVED: _Folding.moved,
    Kind.TRANSCRIBED: _Folding.transcribe,
    Kind.SITE: _Folding.attest,
    Kind.PLACE: _Folding.attest,
}
