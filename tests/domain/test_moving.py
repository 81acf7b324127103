"""A ledger follows another: journals and lots come over, each when it is met first."""

from __future__ import annotations

from dataclasses import replace

from backend.domain.custody import record_segment
from backend.domain.custody_state import LotStatus, Recorded, Refused, Root, State, Totals
from backend.domain.devices import standing_of
from backend.domain.journal import Network, Segment
from backend.domain.layout import Kind
from backend.domain.passkey import SoftwarePasskey
from backend.domain.seal import key_hash, seal_digest
from backend.domain.types import Fate, LotId, Outcome, Refusal, Role, Scheme, Stream, device_id, lot_id
from backend.domain.writer import JournalWriter, SigningKey

OLD = Network(31337, b"\x01" * 20)
NEW = Network(31337, b"\x02" * 20)
NOON = 1_772_337_600
CREW = 2
NEW_ADDRESS = int.from_bytes(NEW.ledger, "big")


class Ledgers:
    """A crew's registrar and truck on a ledger that another one follows."""

    def __init__(self) -> None:
        self.registrar = JournalWriter(OLD, device_id(CREW, 1), SigningKey.from_secret(1))
        self.truck = JournalWriter(OLD, device_id(CREW, 7), SigningKey.from_secret(2))
        root = Root(self.registrar.device, key_hash(*self.registrar.public), 1, False, False)
        self.old = State(OLD, roots={CREW: root}, named_roots={root.device: True})
        self.new = State(NEW, roots={CREW: root}, named_roots={root.device: True}, predecessor=self.old)
        x, y = self.truck.public
        self.registrar.write(Kind.ENROL, device=self.truck.device, role=Role.CREW, scheme=Scheme.RAW, x=x, y=y)
        self.record(self.old, self.registrar)

    @staticmethod
    def record(state: State, writer: JournalWriter) -> list[int]:
        answer = record_segment(state, writer.cut(), block_time=NOON)
        assert isinstance(answer, Recorded)
        return [byte & 0xF for byte in answer.outcomes]

    def load(self, serial: int, grams: int) -> LotId:
        lot = lot_id(self.truck.device, serial)
        self.truck.write(Kind.LOAD, lot=lot, stream=Stream.FOOD)
        self.truck.write(Kind.LIFT, bin=5, stream=Stream.FOOD, grams=grams)
        assert self.record(self.old, self.truck) == [Outcome.APPLIED] * 2
        return lot

    def move(self, to: int = NEW_ADDRESS) -> None:
        """Close the truck's journal in the old ledger, and open it in the new one at the same head."""
        self.truck.write(Kind.MOVED, ledger=to)
        assert self.record(self.old, self.truck) == [Outcome.APPLIED]
        self.truck = JournalWriter(
            NEW, self.truck.device, self.truck.key, next_seq=self.truck.next_seq, head=self.truck.head
        )

    def refusal(self, segment: Segment) -> Refusal:
        answer = record_segment(self.new, segment, block_time=NOON)
        assert isinstance(answer, Refused)
        return answer.reason


class TestMovedJournal:
    def test_goes_on_behind_its_old_head_with_a_lot_that_follows(self) -> None:
        ledgers = Ledgers()
        lot = ledgers.load(1, 700)
        ledgers.move()
        ledgers.truck.write(Kind.CLOSE, lot=lot, fate=Fate.ENERGY)
        assert ledgers.record(ledgers.new, ledgers.truck) == [Outcome.APPLIED]
        assert ledgers.new.lots[lot].status == LotStatus.CLOSED
        assert ledgers.new.totals[Stream.FOOD] == Totals(gained=700, out=700)
        assert ledgers.old.lots[lot].status == LotStatus.HELD

    def test_brings_a_lot_over_once(self) -> None:
        ledgers = Ledgers()
        lot = ledgers.load(1, 700)
        ledgers.move()
        ledgers.truck.write(Kind.GIVE, lot=lot, grams=700, to=device_id(3, 0))
        ledgers.truck.write(Kind.WITHDRAW, lot=lot, undone_seq=ledgers.truck.next_seq - 1)
        assert ledgers.record(ledgers.new, ledgers.truck) == [Outcome.APPLIED] * 2
        assert ledgers.new.totals[Stream.FOOD].gained == 700
        assert ledgers.new.lots[lot].is_held_by(ledgers.truck.device)

    def test_leaves_a_lot_behind_that_is_not_in_its_hands(self) -> None:
        ledgers = Ledgers()
        lot = ledgers.load(1, 700)
        ledgers.truck.write(Kind.GIVE, lot=lot, grams=700, to=device_id(3, 0))
        ledgers.record(ledgers.old, ledgers.truck)
        ledgers.move()
        ledgers.truck.write(Kind.CLOSE, lot=lot, fate=Fate.ENERGY)
        assert ledgers.record(ledgers.new, ledgers.truck) != [Outcome.APPLIED]
        assert lot not in ledgers.new.lots

    def test_is_unknown_to_a_ledger_that_it_did_not_move_to(self) -> None:
        ledgers = Ledgers()
        ledgers.truck.write(Kind.SHIFT_END)
        assert ledgers.refusal(ledgers.truck.cut()) == Refusal.UNKNOWN_DEVICE
        elsewhere = Ledgers()
        elsewhere.move(to=NEW_ADDRESS + 1)
        elsewhere.truck.write(Kind.SHIFT_END)
        assert elsewhere.refusal(elsewhere.truck.cut()) == Refusal.UNKNOWN_DEVICE

    def test_is_unknown_where_no_ledger_came_before(self) -> None:
        ledgers = Ledgers()
        ledgers.new.predecessor = None
        ledgers.truck.write(Kind.SHIFT_END)
        assert ledgers.refusal(ledgers.truck.cut()) == Refusal.UNKNOWN_DEVICE

    def test_counts_as_far_as_was_seen_of_it_before_it_was_revoked(self) -> None:
        ledgers = Ledgers()
        ledgers.move()
        ledgers.registrar.write(Kind.REVOKE, device=ledgers.truck.device)
        assert ledgers.record(ledgers.old, ledgers.registrar) == [Outcome.APPLIED]
        assert ledgers.old.devices[ledgers.truck.device].is_revoked
        ledgers.truck.write(Kind.LOAD, lot=lot_id(ledgers.truck.device, 9), stream=Stream.FOOD)
        assert ledgers.record(ledgers.new, ledgers.truck) == [Outcome.QUARANTINED]
        device = ledgers.new.devices[ledgers.truck.device]
        standing = standing_of(ledgers.new, ledgers.truck.device, device, NOON)
        assert standing.last_seq == ledgers.old.seen[ledgers.truck.device].seq

    def test_is_still_sealed_for_the_passkeys_web_origin(self) -> None:
        ledgers = Ledgers()
        owner = passkey_of(ledgers, serial=9)
        owner.write(Kind.MOVED, ledger=NEW_ADDRESS)
        ledgers.record(ledgers.old, owner)
        moved = PasskeyWriter(NEW, owner.device, owner.passkey, next_seq=owner.next_seq, head=owner.head)
        moved.write(Kind.SHIFT_END)
        assert ledgers.record(ledgers.new, moved) == [Outcome.APPLIED]


def passkey_of(ledgers: Ledgers, *, serial: int) -> PasskeyWriter:
    """Return the journal of a passkey that the registrar has enrolled in the old ledger."""
    passkey = SoftwarePasskey(SigningKey.from_secret(9), "https://huanlian.example")
    owner = PasskeyWriter(OLD, device_id(CREW, serial), passkey)
    x, y = passkey.key.public
    fields = {"role": Role.CREW, "scheme": Scheme.WEBAUTHN, "x": x, "y": y, "origin": passkey.origin_digest}
    ledgers.registrar.write(Kind.ENROL, device=owner.device, **fields)
    assert ledgers.record(ledgers.old, ledgers.registrar) == [Outcome.APPLIED]
    return owner


class PasskeyWriter(JournalWriter):
    """A journal whose segments a passkey seals."""

    def __init__(
        self,
        network: Network,
        device: int,
        passkey: SoftwarePasskey,
        *,
        next_seq: int = 1,
        head: bytes | None = None,
    ) -> None:
        super().__init__(network, device, passkey.key, next_seq=next_seq, head=head)
        self.passkey = passkey

    def cut(self, count: int | None = None) -> Segment:
        digest = seal_digest(self.network, device=self.device, seq=self.next_seq - 1, head=self.head)
        asserted = self.passkey.assertion_over(digest)
        segment = super().cut(count)
        return replace(segment, r=asserted.r, s=asserted.s, assertion=asserted.assertion)
