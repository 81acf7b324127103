"""Steps on lots as people get them wrong, or do them on purpose: nearly right, doubled, too early, not theirs."""

from __future__ import annotations

import random
from collections.abc import Mapping

from backend.domain.layout import LAYOUTS, Kind
from backend.domain.types import Role, device_id, lot_id
from tests.differential.hostile_people import HostilePerson
from tests.differential.journals import Gift, HonestCity

MAX_GRAMS = (1 << 48) - 1


class WildSteps(HonestCity):
    """What people write about lots; `gifts` is every give that was ever shown to anybody."""

    rng: random.Random
    gifts: list[Gift]

    def write(
        self, person: HostilePerson, kind: Kind, items: tuple[Mapping[str, int], ...] = (), **fields: int
    ) -> int:
        """Append to somebody's journal, and remember what others may cite or undo."""
        seq = super().write(person, kind, tuple(dict(item) for item in items), **fields)
        if kind in (Kind.GIVE, Kind.REDIRECT):
            head = int.from_bytes(person.writer.head, "big")
            gift = Gift(fields["lot"], person.id, seq, head, fields["to"], fields.get("grams", 0))
            self.gifts.append(gift)
        if kind in (Kind.TAKE, Kind.REFUSE):
            person.takes.append((fields["lot"], seq))
        return seq

    # --- choosing, and getting wrong ---

    def chance(self, likely: float) -> bool:
        return self.rng.random() < likely

    def any_person(self) -> HostilePerson:
        return self.rng.choice(self.people)

    def any_lot(self, person: HostilePerson) -> int:
        """Return a lot: mostly one that somebody holds, now and then one that nobody ever opened."""
        turn = self.rng.random()
        if turn < 0.45 and person.lots:
            return self.rng.choice(person.lots)
        if turn < 0.8 and self.lots:
            return self.rng.choice(list(self.lots)[-60:])
        if turn < 0.9:
            return lot_id(person.id, self.rng.randint(0, person.next_serial + 1))
        if turn < 0.95:
            return lot_id(self.any_person().id, self.rng.choice([0, 1, 2, 900, 0xFFFFFFFF]))
        return self.rng.getrandbits(96)

    def any_gift(self, giver: HostilePerson | None = None) -> Gift | None:
        known = [gift for gift in self.gifts[-80:] if giver is None or gift.giver == giver.id]
        return self.rng.choice(known) if known else None

    def any_receiver(self, person: HostilePerson) -> int:
        """Return an id to give to: a device, an organisation, nobody, oneself, somebody unheard of."""
        other = self.any_person()
        return self.rng.choice(
            [
                *(other.id, other.id, other.id >> 40 << 40, other.id >> 40 << 40, 0, person.id),
                *(person.id >> 40 << 40, device_id(0, 9), device_id(900, 1), self.rng.getrandbits(64)),
            ]
        )

    def near(self, value: int, bits: int) -> int:
        """Return the value, or one that is not far off, or one at an end of what fits."""
        wrong = self.rng.choice([value, value + 1, value - 1, 0, (1 << bits) - 1, self.rng.getrandbits(bits)])
        return min(max(wrong, 0), (1 << bits) - 1)

    def any_grams(self, lot: int) -> int:
        known = self.lots.get(lot)
        grams = known.grams if known else 0
        return self.rng.choice([grams, grams, self.near(grams, 48), grams // 2, self.rng.randint(0, 90_000)])

    def stream_of(self, lot: int) -> int:
        known = self.lots.get(lot)
        return known.stream if known and self.chance(0.8) else self.rng.choice([0, 1, 2, 3, 4, 5, 255])

    # --- handoffs ---

    def wild_give(self, person: HostilePerson) -> None:
        """Give, often what is given already, and sometimes twice in a row to two people."""
        lot = self.any_lot(person)
        for _ in range(self.rng.choice([1, 1, 2, 3])):
            to = self.any_receiver(person)
            self.write(person, Kind.GIVE, lot=lot, to=to, grams=self.any_grams(lot))

    def wild_take(self, person: HostilePerson) -> None:
        gift = self.any_gift()
        if gift is None:
            return
        named = [p for p in self.people if gift.to in (p.id, p.id >> 40 << 40)]
        taker = self.rng.choice(named) if named and self.chance(0.8) else person
        fields = self._cite(gift)
        fields |= {"grams": self.any_grams(gift.lot), "stream": self.rng.choice([0, 0, 0, 1, 2, 3, 4, 5])}
        if self.chance(0.3):
            into = [taker.new_lot(), taker.new_lot(), gift.lot, self.any_lot(taker), lot_id(taker.id, 0)]
            fields["into"] = self.rng.choice(into)
        for _ in range(self.rng.choice([1, 1, 1, 2])):
            self.write(taker, Kind.TAKE, **fields)
        if self.chance(0.3):
            self.write(taker, Kind.GIVE, lot=fields.get("into") or gift.lot, to=self.any_receiver(taker))

    def wild_unattested(self, person: HostilePerson) -> None:
        """Take from nobody: into a lot that is there already, or is not one's own, or in part."""
        lot = self.rng.choice([lot_id(person.id, self.rng.randint(0, person.next_serial)), self.any_lot(person)])
        into = person.new_lot() if self.chance(0.2) else 0
        self.write(person, Kind.TAKE, lot=lot, grams=9, stream=self.stream_of(lot), into=into)

    def wild_refuse(self, person: HostilePerson) -> None:
        gift = self.any_gift()
        if gift is not None:
            named = [p for p in self.people if gift.to in (p.id, p.id >> 40 << 40)]
            refuser = self.rng.choice(named) if named and self.chance(0.7) else person
            self.write(refuser, Kind.REFUSE, reason=1, **self._cite(gift))

    def _cite(self, gift: Gift) -> dict[str, int]:
        """Return what an answer to a give says of it; in two of five cases one thing is wrong."""
        cited = {"lot": gift.lot, "giver": gift.giver, "give_seq": gift.seq, "give_head": gift.head}
        turn = self.rng.randint(0, 9)
        if turn == 0:
            cited["give_seq"] = self.near(gift.seq, 40)
        elif turn == 1:
            cited["give_head"] ^= 1 << self.rng.randrange(256)
        elif turn == 2:
            cited["giver"] = self.rng.choice([0, self.any_person().id, self.rng.getrandbits(64)])
        elif turn == 3:
            cited["lot"] = self.rng.choice(list(self.lots) or [gift.lot])
        return cited

    def wild_withdraw(self, person: HostilePerson) -> None:
        """Undo one's own give, an answer that may still wait, or nothing that ever was."""
        gift = self.any_gift(person)
        if gift is not None and self.chance(0.5):
            self.write(person, Kind.WITHDRAW, lot=gift.lot, undone_seq=gift.seq)
        elif person.takes and self.chance(0.8):
            lot, seq = self.rng.choice(person.takes[-5:])
            self.write(person, Kind.WITHDRAW, lot=lot, undone_seq=seq)
        else:
            self.write(person, Kind.WITHDRAW, lot=self.any_lot(person), undone_seq=self.rng.randint(0, 60))

    def take_and_withdraw(self, person: HostilePerson) -> None:
        """Take what nobody has given yet, and think better of it."""
        lot = self.any_lot(person)
        fields = {"lot": lot, "giver": self.any_person().id, "give_seq": self.rng.randint(900, 999), "grams": 5}
        if self.chance(0.5):
            fields["into"] = person.new_lot()
        kind = self.rng.choice([Kind.TAKE, Kind.REFUSE])
        if kind == Kind.REFUSE:
            fields = {name: fields[name] for name in ("lot", "giver", "give_seq")}
        seq = self.write(person, kind, **fields)
        self.write(person, Kind.WITHDRAW, lot=lot, undone_seq=seq)

    def wild_redirect(self, person: HostilePerson) -> None:
        gift = self.any_gift(person) or self.any_gift()
        if gift is not None:
            seq = gift.seq if self.chance(0.7) else self.near(gift.seq, 40)
            self.write(person, Kind.REDIRECT, lot=gift.lot, to=self.any_receiver(person), give_seq=seq)

    # --- lots made of lots ---

    def wild_merge(self, person: HostilePerson) -> None:
        lot = self.any_lot(person)
        fresh = person.new_lot()
        into = self.rng.choice([fresh, fresh, person.open_lot or fresh, lot, self.any_lot(person)])
        stream = self.stream_of(lot)
        for _ in range(self.rng.choice([1, 1, 2])):
            self.write(person, Kind.MERGE, lot=lot, into=into, stream=stream, grams=self.any_grams(lot))
        if self.chance(0.3):
            self.write(person, Kind.GIVE, lot=into, to=self.any_receiver(person))

    def merge_and_use(self, person: HostilePerson) -> None:
        """Merge lots that are still to come into one, and give, split or merge that one at once."""
        into, stream = person.new_lot(), self.rng.randint(1, 4)
        for _ in range(self.rng.randint(1, 3)):
            self.write(person, Kind.MERGE, lot=self.any_lot(person), into=into, stream=stream)
        self.use(person, into, stream)

    def use(self, person: HostilePerson, lot: int, stream: int) -> None:
        """Go on with a lot, whether it is there yet or not."""
        rng = self.rng
        for _ in range(rng.randint(1, 3)):
            turn = rng.randint(0, 5)
            if turn == 0:
                self.write(person, Kind.GIVE, lot=lot, to=self.any_person().id)
            elif turn == 1:
                into, grams = person.new_lot(), rng.randint(0, 9)
                self.write(person, Kind.SPLIT, lot=lot, into=into, grams=grams, stream=stream)
            elif turn == 2:
                self.write(person, Kind.MERGE, lot=lot, into=person.new_lot(), stream=stream)
            elif turn == 3:
                self.write(person, Kind.CLOSE, lot=lot, fate=rng.randint(1, 4))
            elif turn == 4:
                self.write(person, Kind.LOAD, lot=lot, stream=stream)
            else:
                self.write(person, Kind.WITHDRAW, lot=lot, undone_seq=person.writer.next_seq - 1)

    def wild_split(self, person: HostilePerson) -> None:
        lot = self.any_lot(person)
        fresh = person.new_lot()
        into = fresh if self.chance(0.7) else self.rng.choice([lot, self.any_lot(person), lot_id(person.id, 0)])
        stream = self.stream_of(lot)
        self.write(person, Kind.SPLIT, lot=lot, into=into, grams=self.any_grams(lot), stream=stream)
        if into == fresh and self.chance(0.5):
            self.use(person, into, stream)

    def wild_transform(self, person: HostilePerson) -> None:
        """Transform a lot with at most one thing wrong, and use what is to come out."""
        rng, lot = self.rng, self.any_lot(person)
        known = self.lots.get(lot)
        grams, count = known.grams if known else 0, rng.choice([1, 2, 3, 16])
        amounts = [grams // count] * (count - 1)
        amounts.append(grams - sum(amounts))
        items = [{"lot": person.new_lot(), "amount": amount, "product": 1} for amount in amounts]
        fields = {"lot": lot, "grams": grams, "outputs": count, "loss": 0, "is_gain": 0}
        turn = rng.randint(0, 13)
        if turn == 0:
            fields["outputs"] = rng.choice([0, count + 1, 17, 255])
        elif turn == 1:
            items[-1]["lot"] = rng.choice([0, items[-1]["lot"] + 1, self.any_lot(person), rng.getrandbits(96)])
        elif turn == 2:
            items.append({"lot": rng.choice([lot, person.new_lot()]), "amount": 1, "product": 9})
        elif turn == 3:
            fields["lot"] = items[0]["lot"]
        elif turn == 4:
            fields["is_gain"] = rng.choice([1, 2, 255])
        elif turn == 5:
            fields["loss"] = rng.choice([1, grams, MAX_GRAMS])
        elif turn == 6:
            items[0]["amount"] = MAX_GRAMS
        elif turn == 7:
            items = [{"lot": lot_id(person.id, 0xFFFFFFFF - place), "amount": 0} for place in range(2)][::-1]
            fields["outputs"] = 2
        elif turn == 8:
            items = [{"lot": lot_id(person.id, 0xFFFFFFFF) + place, "amount": 0} for place in range(2)]
            fields["outputs"] = 2
        elif turn == 10 and person.next_serial > count + 1:
            first = rng.randint(1, person.next_serial - count)  # lots that are there already
            items = [{"lot": lot_id(person.id, first + place), "amount": 0} for place in range(count)]
        elif turn == 9:
            items.append({"lot": 0, "amount": rng.getrandbits(48), "product": 900})
        self.write(person, Kind.TRANSFORM, tuple(items), **fields)
        if self.chance(0.4):
            self.use(person, items[0]["lot"], known.stream if known else 4)

    def wild_close(self, person: HostilePerson) -> None:
        self.write(person, Kind.CLOSE, lot=self.any_lot(person), fate=self.rng.choice([0, 1, 2, 3, 4, 5, 255]))

    def heavy_lot(self, person: HostilePerson) -> None:
        """Bring lots near 2^48-1 grams together, and lift into one that is full."""
        stream, lot = self.rng.randint(1, 4), person.new_lot()
        for serial in (lot, person.new_lot()):
            self.write(person, Kind.TAKE, lot=serial, grams=MAX_GRAMS - self.rng.randint(0, 1), stream=stream)
        into = person.new_lot()
        for part in (lot, lot + 1):
            self.write(person, Kind.MERGE, lot=part, into=into, stream=stream)
        full = person.new_lot()
        self.write(person, Kind.LOAD, lot=full, stream=stream)
        self.write(person, Kind.MERGE, lot=lot + 1, into=full, stream=stream)
        self.write(person, Kind.LIFT, bin=3, stream=stream, grams=2)

    def crowd_a_queue(self, person: HostilePerson) -> None:
        """Write more steps on one lot than may wait."""
        lot, other = self.rng.getrandbits(96), self.any_person().id
        for seq in range(self.rng.randint(15, 19)):
            into = person.new_lot() if self.chance(0.3) else 0
            self.write(person, Kind.TAKE, lot=lot, giver=other, give_seq=seq + 1, grams=1, into=into)

    def flood(self, person: HostilePerson) -> None:
        """Write more steps than a device may have waiting."""
        for number in range(260):
            lot = lot_id(device_id(900, 7), number + 1)
            self.write(person, Kind.REFUSE, lot=lot, giver=device_id(900, 7), give_seq=1)

    def mixed_handoff(self, giver: HostilePerson) -> None:
        """Fill a lot with this and that, give it, and have it taken as any stream, so also as a cleaner one."""
        rng, lot, stream = self.rng, giver.new_lot(), self.rng.randint(1, 4)
        self.write(giver, Kind.LOAD, lot=lot, stream=stream)
        for _ in range(rng.randint(1, 3)):
            self.write(giver, Kind.LIFT, bin=7, stream=rng.randint(1, 4), grams=rng.randint(0, 9_000))
        if self.chance(0.3):
            self.write(giver, Kind.LOAD, lot=giver.new_lot(), stream=stream)
        taker = self.any_person()
        seq = self.write(giver, Kind.GIVE, lot=lot, to=taker.id)
        head = int.from_bytes(giver.writer.head, "big")
        into = taker.new_lot() if self.chance(0.3) else 0
        self.write(
            taker, Kind.TAKE, lot=lot, giver=giver.id, give_seq=seq, give_head=head, into=into,
            grams=rng.randint(0, 9_000), stream=rng.randint(0, 4),
        )  # fmt: skip

    def weigh_some(self, _person: HostilePerson) -> None:
        """Write tickets that mostly follow each other."""
        scale = self.rng.choice([p for p in self.people if p.role in (Role.GATE, Role.SCALE)])
        for _ in range(self.rng.randint(1, 4)):
            self._weigh(scale)

    # --- anything at all ---

    def anything(self, person: HostilePerson) -> None:
        """Write an entry of a known kind whose fields are each plausible, and together are not."""
        kind = self.rng.choice(list(Kind))
        layout = LAYOUTS[kind]
        fields = {
            name: self.any_value(person, name, bits)
            for word in layout.words
            for name, bits in word
            if name not in ("kind", "words", "occurred_at")
        }
        items: list[dict[str, int]] = []
        if layout.repeated is not None:
            items = [
                {name: self.any_value(person, name, bits) for name, bits in layout.repeated}
                for _ in range(self.rng.randint(1, 3))
            ]
        self.write(person, kind, tuple(items), **fields)

    def any_value(self, person: HostilePerson, name: str, bits: int) -> int:
        rng = self.rng
        if self.chance(0.03):
            return rng.choice([0, (1 << bits) - 1, rng.getrandbits(bits)])
        if name in ("lot", "into"):
            return self.any_lot(person)
        if bits == 64:
            return self.any_receiver(person)
        if name.endswith("seq"):
            return rng.randint(0, person.writer.next_seq + 1)
        if bits <= 16:
            return rng.randint(0, min(6, (1 << bits) - 1))
        return rng.getrandbits(bits) if self.chance(0.3) else rng.getrandbits(min(bits, 12))

    def noise(self, person: HostilePerson) -> None:
        """Write words that no rule was made for: unknown kinds, other lengths, random bits."""
        rng = self.rng
        kind = rng.choice([*(int(k) for k in Kind if k != Kind.LIFT), 0, 21, 31, 38, 39, 99, 255])
        length = rng.choice([1, 1, 2, 3, 4, 5, 7, 9, 40])
        person.writer.write_words(bytes([kind, length]) + rng.randbytes(32 * length - 2))

    def wild_lift(self, person: HostilePerson) -> None:
        """Lift with random bits, or point the desk at a lot that was given away."""
        rng = self.rng
        if self.chance(0.5):
            self.write(person, Kind.LOAD, lot=self.any_lot(person), stream=rng.randint(0, 5), vehicle=1)
        for _ in range(rng.randint(1, 4)):
            person.writer.write_words(bytes([1]) + rng.randbytes(31))
