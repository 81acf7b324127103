"""A day of a small city, as sealed segments; the same seed gives the same bytes.

Trucks lift and give to a station, which takes, merges and gives to a park, which weighs and takes. Segments are
cut anywhere, and handed in a little out of order, so that takes wait for their gives.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from custody_stories import NOON

from backend.domain.journal import Network, Segment, evidence_digest
from backend.domain.layout import Kind
from backend.domain.types import Role, Stream, device_id, lot_id
from backend.domain.writer import JournalWriter, SigningKey

CREW, STATION, PARK = ORGANISATIONS = (2, 3, 4)
TRUCKS = 6
_STREAM = Stream.RESIDUAL
_TRUCKS_A_LONG_DAY = 40
_OUT_OF_ORDER = 6
"""How many segments of other devices one may overtake; far fewer than the ledger lets wait."""


def registrars(network: Network) -> dict[int, JournalWriter]:
    """Return the organisations' root registrars at the beginning of their journals."""
    return {n: JournalWriter(network, device_id(n, 1), SigningKey.from_secret(n)) for n in ORGANISATIONS}


@dataclass
class Day:
    """Segments in the order in which they are handed in, and the documents behind their digests."""

    segments: list[Segment] = field(default_factory=list)
    evidence: dict[tuple[int, int], tuple[bytes, str]] = field(default_factory=dict)


def long_day(network: Network, *, lifts: int, lifts_a_segment: int) -> Day:
    """Return a day on which trucks do nothing but lift."""
    root, trucks = registrars(network)[CREW], []
    for serial in range(10, 10 + _TRUCKS_A_LONG_DAY):
        device = device_id(CREW, serial)
        truck = JournalWriter(network, device, SigningKey.from_secret(device))
        x, y = truck.public
        root.write(Kind.ENROL, device=device, role=Role.CREW, scheme=1, x=x, y=y)
        truck.write(Kind.LOAD, lot=lot_id(device, 1), stream=_STREAM, occurred_at=NOON)
        trucks.append(truck)
    segments = root.cut_all()
    for number in range(lifts // lifts_a_segment):
        truck = trucks[number % len(trucks)]
        for _ in range(lifts_a_segment):
            at = NOON + truck.next_seq
            truck.write(Kind.LIFT, bin=at, stream=_STREAM, grade=1, basis=1, occurred_at=at, grams=1_000)
        segments.append(truck.cut())
    return Day(segments)


class DayWriter:
    """Writes a day of at least so many segments."""

    def __init__(self, network: Network, seed: str, *, segments: int) -> None:
        self._network, self._count = network, segments
        self._rng = Random(f"day {seed}")
        self._registrars = registrars(network)
        self._lots: dict[int, int] = {}
        self._evidence: dict[tuple[int, int], tuple[bytes, str]] = {}

    def write(self) -> Day:
        """Return the day."""
        trucks = [self._enrol(CREW, 10 + n, Role.CREW) for n in range(TRUCKS)]
        station, park = self._enrol(STATION, 10, Role.GATE), self._enrol(PARK, 10, Role.GATE)
        enrolments = [s for writer in self._registrars.values() for s in writer.cut_all()]
        written: list[Segment] = []
        while len(written) < self._count:
            into, grams = self._new_lot(station), 0
            for truck in self._rng.sample(trucks, self._rng.randint(1, 3)):
                lot, lifted = self._lift(truck, written)
                weighed = lifted - self._rng.randint(0, 500)
                self._hand_over(lot, truck, station, weighed)
                station.write(Kind.MERGE, lot=lot, into=into, stream=_STREAM, grams=weighed)
                grams += weighed
                self._cut(truck, written)
                self._cut(station, written)
            self._hand_over(into, station, park, grams - self._rng.randint(0, 500))
            self._cut(park, written)
        for writer in (*trucks, station, park):
            written += writer.cut_all()
        return Day(enrolments + list(self._a_little_out_of_order(written)), self._evidence)

    def _enrol(self, organisation: int, serial: int, role: Role) -> JournalWriter:
        device = device_id(organisation, serial)
        writer = JournalWriter(self._network, device, SigningKey.from_secret(device))
        x, y = writer.public
        self._registrars[organisation].write(Kind.ENROL, device=device, role=role, scheme=1, x=x, y=y)
        return writer

    def _new_lot(self, writer: JournalWriter) -> int:
        self._lots[writer.device] = self._lots.get(writer.device, 0) + 1
        return lot_id(writer.device, self._lots[writer.device])

    def _lift(self, truck: JournalWriter, written: list[Segment]) -> tuple[int, int]:
        lot, total = self._new_lot(truck), 0
        truck.write(Kind.LOAD, lot=lot, stream=_STREAM, occurred_at=NOON)
        for _ in range(self._rng.randint(2, 12)):
            number, grams = self._rng.randint(1, 500), self._rng.randint(1_000, 60_000)
            salt, document = self._rng.randbytes(16), f'{{"bin":"{number:010x}"}}'
            seq = truck.write(
                Kind.LIFT,
                bin=number,
                stream=_STREAM,
                grade=1,
                basis=1,
                occurred_at=NOON + truck.next_seq,
                grams=grams,
                evidence=evidence_digest(salt, document.encode()),
            )
            self._evidence[truck.device, seq] = (salt, document)
            total += grams
            if self._rng.random() < 0.15:
                self._cut(truck, written)
        return lot, total

    def _hand_over(self, lot: int, giver: JournalWriter, taker: JournalWriter, grams: int) -> None:
        seq = giver.write(Kind.GIVE, lot=lot, to=taker.device, occurred_at=NOON + 500)
        head = int.from_bytes(giver.head, "big")
        taker.write(
            Kind.TAKE,
            lot=lot,
            giver=giver.device,
            give_seq=seq,
            give_head=head,
            grams=grams,
            occurred_at=NOON + 900,
        )

    def _cut(self, writer: JournalWriter, written: list[Segment]) -> None:
        if writer.uncut and self._rng.random() < 0.8:
            written.append(writer.cut(self._rng.randint(1, len(writer.uncut))))

    def _a_little_out_of_order(self, written: list[Segment]) -> Iterator[Segment]:
        """Each device's own segments keep their order: a journal has no gaps."""
        left = list(written)
        while left:
            chosen = self._rng.choice(left[:_OUT_OF_ORDER])
            first = next(s for s in left if s.device == chosen.device)
            left.remove(first)
            yield first
