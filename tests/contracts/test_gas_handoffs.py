"""What handoffs and the heaviest segments cost on a real chain, where all storage is cold at first."""

from __future__ import annotations

import random
from typing import Any

import pytest
from twin import Twin

from backend.domain.journal import Segment
from backend.domain.layout import Kind
from backend.domain.types import Role, device_id, lot_id
from backend.domain.writer import JournalWriter, SigningKey

# Most of it is what every segment pays: a seal's check, two slots, its words as data and as an event.
HANDOFF_ALONE_MAX = 107_000
TRUCKS_WITH_ONE_STATION_MAX = 54_000
ONE_PAIR_MAX = 25_000
BLOCK_GAS = 30_000_000
TRANSACTION_GAS = 1 << 24
"""What a transaction may cost since EIP-7825."""


class City:
    """One organisation of trucks and one of a station; everything is told to a twin in Python as well."""

    def __init__(self, chain: Any) -> None:
        self.twin = Twin.on(chain, chain.ledger)
        self.root, self.station_root = self._founded(1), self._founded(2)
        self.station = self._enrolled(self.station_root, 2, Role.GATE)
        self.twin.record(self.station_root.cut())
        self.trucks: list[JournalWriter] = []

    def _key(self, device: int) -> SigningKey:
        return SigningKey.from_secret(device)

    def _founded(self, organisation: int) -> JournalWriter:
        device = device_id(organisation, 1)
        root = JournalWriter(self.twin.state.network, device, self._key(device))
        self.twin.found(device, root.public)
        return root

    def _enrolled(self, by: JournalWriter, serial: int, role: Role) -> JournalWriter:
        device = device_id(by.device >> 40, serial)
        writer = JournalWriter(self.twin.state.network, device, self._key(device))
        x, y = writer.public
        by.write(Kind.ENROL, device=device, role=role, scheme=1, x=x, y=y)
        return writer

    def add_trucks(self, count: int, *, lots: int = 1) -> None:
        """Trucks that have loaded and lifted before, and a station that has taken before."""
        self.trucks = [self._enrolled(self.root, 2 + n, Role.CREW) for n in range(count)]
        for segment in self.root.cut_all():
            self.twin.record(segment)
        for truck in self.trucks:
            for serial in range(1, lots + 2):
                truck.write(Kind.LOAD, lot=lot_id(truck.device, serial), stream=4, vehicle=2**63)
                truck.write(Kind.LIFT, bin=2**39, stream=4, grams=60_000)
        self.hand(self.trucks[0], lots + 1)
        self.twin.record(self.trucks[0].cut(), self.station.cut())
        for truck in self.trucks[1:]:
            self.twin.record(truck.cut())

    def hand(self, truck: JournalWriter, serial: int) -> None:
        """Both halves of a handoff, with every field filled as a phone fills it."""
        lot = lot_id(truck.device, serial)
        full = (1 << 256) - 1
        at = 1_800_000_000
        seq = truck.write(
            Kind.GIVE,
            occurred_at=at,
            lot=lot,
            grams=60_000,
            last_seq=9,
            to=self.station.device,
            to_seq=7,
            lifts=1,
            evidence=2**119,
            lifts_root=full,
            to_head=full,
        )
        self.station.write(
            Kind.TAKE,
            occurred_at=at,
            lot=lot,
            grams=60_000,
            give_seq=seq,
            giver=truck.device,
            weigh_seq=1,
            evidence=2**119,
            give_head=int.from_bytes(truck.head, "big"),
            weigher=self.station.device,
        )


def gas_of(twin: Twin, *segments: Segment) -> int:
    answers = twin.record(*segments)
    assert all(set(answer.outcomes) == {1} for answer in answers)
    return twin.gas


def test_a_handoff_alone_costs_no_more_than_promised(chain: Any) -> None:
    city = City(chain)
    city.add_trucks(1, lots=2)
    city.hand(city.trucks[0], 1)
    both = gas_of(city.twin, city.trucks[0].cut(), city.station.cut())
    city.hand(city.trucks[0], 2)
    give = gas_of(city.twin, city.trucks[0].cut())
    take = gas_of(city.twin, city.station.cut())
    print(f"a handoff: {both} gas in one transaction, {give} + {take} in two")
    assert both <= HANDOFF_ALONE_MAX


def test_fifty_trucks_with_one_station_cost_no_more_than_promised(chain: Any) -> None:
    city = City(chain)
    city.add_trucks(50)
    for truck in city.trucks:
        city.hand(truck, 1)
    segments = [truck.cut() for truck in city.trucks]
    gas = gas_of(city.twin, *segments, *city.station.cut_all()) / 50
    print(f"50 trucks with one station: {gas:.0f} gas a handoff")
    assert gas <= TRUCKS_WITH_ONE_STATION_MAX


def test_fifty_handoffs_of_one_pair_cost_no_more_than_promised(chain: Any) -> None:
    city = City(chain)
    city.add_trucks(1, lots=50)
    for serial in range(1, 51):
        city.hand(city.trucks[0], serial)
    gas = gas_of(city.twin, *city.trucks[0].cut_all(), *city.station.cut_all()) / 50
    print(f"50 handoffs of one pair: {gas:.0f} gas each")
    assert gas <= ONE_PAIR_MAX


@pytest.mark.parametrize(("lifts", "trucks"), [(80, 1), (80, 20), (250, 1)])
def test_a_block_holds_twenty_thousand_lifts(chain: Any, lifts: int, trucks: int) -> None:
    city = City(chain)
    city.add_trucks(trucks)
    rng = random.Random("lifts")
    for truck in city.trucks:
        truck.write(Kind.LOAD, lot=lot_id(truck.device, 9), stream=4)
        truck.write(Kind.LIFT, stream=4, grams=1)
        city.twin.record(truck.cut())
        for n in range(lifts):
            fields = {"bin": rng.getrandbits(40), "evidence": rng.getrandbits(120), "grams": 60_000 + n}
            truck.write(Kind.LIFT, stream=4, grade=1, basis=2, occurred_at=1_800_000_000, **fields)
    gas = gas_of(city.twin, *(truck.cut() for truck in city.trucks)) / (lifts * trucks)
    print(f"{lifts} lifts of {trucks} trucks: {gas:.0f} gas a lift, {BLOCK_GAS // gas:.0f} lifts a block")
    assert gas <= {(80, 1): 1_820, (80, 20): 1_440, (250, 1): 1_290}[lifts, trucks]
    if lifts == 250:
        assert BLOCK_GAS // gas >= 20_000


class Heavy:
    """Segments of 256 entries, each of the kind that costs most of its sort."""

    def __init__(self, city: City) -> None:
        self.city, self.writer = city, city.station

    def takes_that_wait(self) -> None:
        for n in range(256):
            giver = self.city.trucks[0].device
            fields = {"lot": lot_id(giver, 1000 + n), "grams": 1, "give_seq": 2**39, "giver": giver}
            self.writer.write(Kind.TAKE, give_head=2**255, stream=4, occurred_at=2**39, **fields)

    def lots_opened(self) -> None:
        for n in range(256):
            self.writer.write(Kind.LOAD, lot=lot_id(self.writer.device, 1 + n), stream=4)

    def unattested_legs(self) -> None:
        for n in range(256):
            lot = lot_id(self.writer.device, 1 + n)
            self.writer.write(Kind.TAKE, lot=lot, grams=1, stream=1 + n % 4)

    def splits_that_wait(self) -> None:
        for n in range(256):
            lot, into = lot_id(self.city.trucks[0].device, 1000 + n // 16), lot_id(self.writer.device, 1 + n)
            self.writer.write(Kind.SPLIT, lot=lot, into=into, stream=4)

    def mixed_lifts(self) -> None:
        self.writer.write(Kind.LOAD, lot=lot_id(self.writer.device, 1), stream=4)
        for n in range(255):
            self.writer.write(Kind.LIFT, stream=3, grams=n, bin=2**39, evidence=2**119)

    def mandates(self) -> None:
        for n in range(256):
            fields = {"to": 2**63, "grams": n, "until": 2**39, "depth": 3, "streams": 2**15, "site": 2**63}
            self.writer.write(Kind.MANDATE, op=1, parent=2**63, parent_seq=2**39, **fields)


@pytest.mark.parametrize("name", [name for name in vars(Heavy) if not name.startswith("_")])
def test_a_heavy_segment_fits_into_a_transaction(chain: Any, name: str) -> None:
    city = City(chain)
    city.add_trucks(1)
    getattr(Heavy(city), name)()
    city.twin.record(city.station.cut())
    print(f"{name.replace('_', ' ')}: {city.twin.gas} gas for 256 entries")
    assert city.twin.gas < TRANSACTION_GAS
