"""Random journals of a small city: honest ones, and ones where people err, lie and lose things."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from backend.domain.custody_state import Lot, LotStatus, Root, State
from backend.domain.journal import Network
from backend.domain.layout import Kind
from backend.domain.seal import key_hash
from backend.domain.types import Role, device_id, lot_id
from backend.domain.writer import JournalWriter, SigningKey

NETWORK = Network(31337, bytes.fromhex("5fbdb2315678afecb367f032d93f642f64180aa3"))
NOON = 1_772_337_600  # 2026-03-01 12:00 in Shanghai
ROLES = (Role.CREW, Role.CREW, Role.GATE, Role.GATE, Role.SCALE, Role.OFFICE)


@dataclass
class Gift:
    """A give that may still be answered: what its receiver was shown."""

    lot: int
    giver: int
    seq: int
    head: int
    to: int
    grams: int


@dataclass
class Person:
    """A device with its journal, and what it remembers."""

    writer: JournalWriter
    role: Role
    lots: list[int] = field(default_factory=list)
    open_lot: int | None = None
    next_serial: int = 1
    ticket: int = 0
    gifts: list[Gift] = field(default_factory=list)
    mandates: list[int] = field(default_factory=list)

    @property
    def id(self) -> int:
        return self.writer.device

    def new_lot(self) -> int:
        self.next_serial += 1
        return lot_id(self.id, self.next_serial - 1)


class City:
    """Organisations with a registrar and some devices each; every act appends to somebody's journal."""

    def __init__(self, seed: object, *, organisations: int = 4, network: Network = NETWORK) -> None:
        self.rng = random.Random(f"{seed}")
        self.network = network
        self.clock = NOON
        self.roots: dict[int, Root] = {}
        self.registrars: dict[int, Person] = {}
        self.people: list[Person] = []
        for organisation in range(1, organisations + 1):
            registrar = self._person(organisation, 1, Role.REGISTRAR)
            self.registrars[organisation] = registrar
            x, y = registrar.writer.public
            is_regulator = organisation == organisations
            self.roots[organisation] = Root(registrar.id, key_hash(x, y), 1, False, is_regulator)
            for serial, role in enumerate(ROLES, 2):
                person = self._person(organisation, serial, role)
                self.people.append(person)
                self.enrol(registrar, person)

    def fresh_state(self) -> State:
        """Return the state before anything was recorded."""
        named = {root.device: True for root in self.roots.values()}
        return State(self.network, roots=dict(self.roots), named_roots=named)

    def newcomer(self, organisation: int, serial: int, role: Role) -> Person:
        """Return somebody who is not enrolled yet."""
        return self._person(organisation, serial, role)

    def _person(self, organisation: int, serial: int, role: Role) -> Person:
        key = SigningKey.from_secret(self.rng.randrange(1, 1 << 250))
        return Person(JournalWriter(self.network, device_id(organisation, serial), key), role)

    def enrol(self, registrar: Person, person: Person) -> None:
        x, y = person.writer.public
        fields = {"device": person.id, "role": person.role, "scheme": 1, "x": x, "y": y}
        self.write(registrar, Kind.ENROL, **fields)

    def write(self, person: Person, kind: Kind, items: tuple[dict[str, int], ...] = (), **fields: int) -> int:
        self.clock += 1
        return person.writer.write(kind, items, occurred_at=self.clock, **fields)

    def all_writers(self) -> list[JournalWriter]:
        return [p.writer for p in (*self.registrars.values(), *self.people)]


class HonestCity(City):
    """Everybody does what the rules ask, knows what happened to the lots in hand, and tells the truth.

    `lots` is the truth; the journals tell it in the order in which it happened on each device.
    """

    def __init__(self, seed: object, *, organisations: int = 4, network: Network = NETWORK) -> None:
        super().__init__(seed, organisations=organisations, network=network)
        self.lots: dict[int, Lot] = {}

    def live(self, acts: int) -> None:
        for _ in range(acts):
            person = self.rng.choice(self.people)
            act = self.rng.choice(
                [
                    self._lift, self._lift, self._lift, self._hand_over, self._hand_over, self._hand_over,
                    self._split, self._merge, self._transform, self._close, self._weigh, self._note,
                    self._unattested, self._blunder,
                ]
            )  # fmt: skip
            act(person)

    def _hold(self, person: Person, lot: int, grams: int, stream: int, mixture: int = 0) -> None:
        self.lots[lot] = Lot(person.id, grams, 0, stream, LotStatus.HELD, 0, 0, True, mixture)
        person.lots.append(lot)

    def _drop(self, person: Person, lot: int) -> None:
        person.lots.remove(lot)
        if person.open_lot == lot:
            person.open_lot = None

    def _lift(self, person: Person) -> None:
        rng = self.rng
        if person.open_lot is None:
            lot, stream = person.new_lot(), rng.randint(1, 4)
            self.write(person, Kind.LOAD, lot=lot, stream=stream, vehicle=5)
            self._hold(person, lot, 0, stream)
            person.open_lot = lot
        lot, mixed = person.open_lot, rng.random() < 0.1
        known = self.lots[lot]
        for _ in range(rng.randint(1, 5)):
            stream = rng.randint(1, 4) if mixed else known.stream
            grams = rng.randint(1, 60_000)
            bin_number, evidence = rng.getrandbits(40), rng.getrandbits(120)
            self.write(person, Kind.LIFT, bin=bin_number, stream=stream, grams=grams, evidence=evidence, basis=1)
            mixture = known.mixture | (1 << stream if stream != known.stream else 0)
            known = known._replace(grams=known.grams + grams, mixture=mixture)
        self.lots[lot] = known

    def _pick(self, person: Person) -> int | None:
        return self.rng.choice(person.lots) if person.lots else None

    def _least(self, lot: Lot) -> int:
        if lot.stream == 2 or lot.mixture & 4:
            return 2
        return 4 if lot.mixture else lot.stream

    def _hand_over(self, giver: Person) -> None:
        """Give, and have the other side take it, take a part, refuse it, or see it withdrawn or redirected."""
        rng, lot = self.rng, self._pick(giver)
        if lot is None:
            return
        taker = rng.choice([p for p in self.people if p is not giver])
        to = taker.id if rng.random() < 0.5 else taker.id >> 40 << 40
        if to >> 40 == giver.id >> 40:
            to = taker.id
        known = self.lots[lot]
        if giver.open_lot == lot:
            giver.open_lot = None
        other = rng.choice([p for p in self.people if p is not giver])
        turn = rng.random()
        if turn < 0.1:
            seq = self.write(giver, Kind.GIVE, lot=lot, to=other.id, grams=known.grams)
            self.write(giver, Kind.WITHDRAW, lot=lot, undone_seq=seq)
        seq = self.write(giver, Kind.GIVE, lot=lot, to=other.id if 0.1 <= turn < 0.2 else to, grams=known.grams)
        if 0.1 <= turn < 0.2:
            seq = self.write(giver, Kind.REDIRECT, lot=lot, to=to, give_seq=seq)
        head = int.from_bytes(giver.writer.head, "big")
        cited = {"lot": lot, "giver": giver.id, "give_seq": seq, "give_head": head}
        if turn > 0.9:
            self.write(taker, Kind.REFUSE, reason=1, **cited)
            return
        stream = self._least(known)
        named = stream if stream != known.stream or rng.random() < 0.3 else 0
        if turn > 0.75 and known.grams > 1:
            grams, into = rng.randint(1, known.grams), taker.new_lot()
            self.write(taker, Kind.TAKE, grams=grams, stream=named, into=into, **cited)
            self._hold(taker, into, grams, stream, known.mixture | (1 << known.stream if named else 0))
            self.lots[lot] = known._replace(grams=known.grams - grams)
            return
        grams = max(0, known.grams + rng.randint(-500, 500)) if rng.random() < 0.5 else known.grams
        self.write(taker, Kind.TAKE, grams=grams, stream=named, **cited)
        self._drop(giver, lot)
        self._hold(taker, lot, grams, stream, known.mixture)

    def _split(self, person: Person) -> None:
        lot = self._pick(person)
        if lot is None:
            return
        known, into = self.lots[lot], person.new_lot()
        grams = self.rng.randint(0, known.grams)
        self.write(person, Kind.SPLIT, lot=lot, into=into, grams=grams, stream=known.stream)
        if person.open_lot == lot:
            person.open_lot = None
        self.lots[lot] = known._replace(grams=known.grams - grams)
        self._hold(person, into, grams, known.stream, known.mixture)

    def _merge(self, person: Person) -> None:
        lot = self._pick(person)
        if lot is None:
            return
        known = self.lots[lot]
        mates = [other for other in person.lots if other != lot and self.lots[other].stream == known.stream]
        into = person.new_lot()
        for part in [lot, *mates[:2]]:
            self.write(person, Kind.MERGE, lot=part, into=into, stream=known.stream, grams=self.lots[part].grams)
            self._drop(person, part)
        grams = sum(self.lots[part].grams for part in [lot, *mates[:2]])
        mixture = 0
        for part in [lot, *mates[:2]]:
            mixture |= self.lots[part].mixture
        self._hold(person, into, grams, known.stream, mixture)

    def _transform(self, person: Person) -> None:
        lot = self._pick(person)
        if lot is None:
            return
        known, outputs = self.lots[lot], self.rng.randint(1, 4)
        loss, is_gain = self.rng.randint(0, known.grams), self.rng.random() < 0.3
        left = known.grams + loss if is_gain else known.grams - loss
        cuts = sorted(self.rng.randint(0, left) for _ in range(outputs - 1))
        amounts = [b - a for a, b in zip([0, *cuts], [*cuts, left], strict=True)]
        items = [{"lot": person.new_lot(), "amount": amount, "product": 100} for amount in amounts]
        measure = {"lot": 0, "amount": self.rng.randint(0, 9999), "product": 900}
        more = (measure,) if self.rng.random() < 0.5 else ()
        self.write(
            person, Kind.TRANSFORM, (*items, *more),
            lot=lot, grams=known.grams, outputs=outputs, loss=loss, is_gain=int(is_gain),
        )  # fmt: skip
        self._drop(person, lot)
        for item in items:
            self._hold(person, item["lot"], item["amount"], known.stream, known.mixture)

    def _close(self, person: Person) -> None:
        lot = self._pick(person)
        if lot is None or self.rng.random() < 0.5:
            return
        self.write(person, Kind.CLOSE, lot=lot, fate=self.rng.randint(1, 4), grams=self.lots[lot].grams)
        self._drop(person, lot)

    def _weigh(self, person: Person) -> None:
        rng = self.rng
        tare, net = rng.randint(1, 9_000_000), rng.randint(1, 9_000_000)
        person.ticket += 1 if rng.random() < 0.8 else rng.randint(0, 3)
        until = self.clock + (1000 if rng.random() < 0.8 else -1000)
        self.write(
            person, Kind.WEIGH, net=net, tare=tare, gross=tare + net + (rng.random() < 0.1),
            ticket=person.ticket, calibration=7, calibration_until=until,
        )  # fmt: skip

    def _note(self, person: Person) -> None:
        kind = self.rng.choice([Kind.MARK, Kind.ANCHOR, Kind.SHIFT_END, Kind.DECLINE, Kind.AMEND, Kind.DISPUTE])
        self.write(person, kind)

    def _unattested(self, person: Person) -> None:
        lot, grams, stream = person.new_lot(), self.rng.randint(1, 5_000_000), self.rng.randint(1, 4)
        self.write(person, Kind.TAKE, lot=lot, grams=grams, stream=stream)
        self._hold(person, lot, grams, stream)

    def _blunder(self, person: Person) -> None:
        """What one's own journal alone shows to be wrong, and steps on lots that are gone or somebody else's."""
        rng, lots = self.rng, [lot for lot in self.lots if lot not in person.lots]
        turn = rng.randint(0, 6)
        if turn == 0:
            self.write(person, Kind.LOAD, lot=rng.getrandbits(96), stream=rng.randint(0, 9))
        elif turn == 1 and person.lots:
            self.write(person, Kind.GIVE, lot=person.lots[0], to=person.id)
        elif turn == 2:
            person.writer.write_words(bytes([99, 1]) + rng.randbytes(30))
        elif turn == 3:
            person.writer.write_words(bytes([int(Kind.GIVE), 1]) + rng.randbytes(30))
        elif turn == 4 and lots:
            lot = rng.choice(lots)
            if self.lots[lot].holder != person.id:
                self.write(person, Kind.CLOSE, lot=lot, fate=1)
        elif turn == 5:
            self.write(person, Kind.LIFT, bin=1, stream=rng.choice([0, 5, 15]), grams=5)
        else:
            self.write(person, Kind.SPLIT, lot=rng.getrandbits(96), into=person.id << 32 | 4_000_000_000)
