"""A plan of stops becomes a day of sealed journals.

Every stop is a bin, every truck a device with its own key: trucks lift and give to a station, the station
takes, merges and gives to a park, which weighs and takes. The same plan, world and vault give the same bytes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

import rfc8785

from backend.domain.journal import Network, Segment, evidence_digest
from backend.domain.keccak import keccak256
from backend.domain.layout import Kind
from backend.domain.merkle import lifts_root
from backend.domain.products import Product
from backend.domain.types import (
    Basis,
    Fate,
    Grade,
    Role,
    Scheme,
    Stream,
    device_id,
    lot_id,
    organisation_of,
)
from backend.domain.writer import JournalWriter
from backend.exchange.plan import PlanRun
from backend.simulate.vault import Vault


@dataclass(frozen=True)
class Share:
    """A part of what is worked, in thousandths, and where it goes; `product` is None for what is burnt."""

    product: Product | None
    permille: int
    fate: Fate


BINS_IN_A_PLACEMENT = 200
_TRUCK_UNLOADS_AFTER_SECONDS, _PARK_AFTER_SECONDS = 1500, 5400
_TARE_GRAMS = 12_000_000
_CALIBRATION, _CALIBRATED_FOR_SECONDS = 1, 180 * 86_400


_FIRE = (
    Share(Product.SLAG, 200, Fate.PRODUCT),
    Share(Product.FLY_ASH, 30, Fate.RESIDUE),
    Share(None, 770, Fate.ENERGY),
)
_DIGESTION = (
    Share(Product.COMPOST, 250, Fate.PRODUCT),
    Share(Product.DIGESTATE, 300, Fate.RESIDUE),
    Share(Product.OIL, 20, Fate.PRODUCT),
)
WORKS: Final[Mapping[Stream, tuple[Share, ...]]] = {Stream.RESIDUAL: _FIRE, Stream.FOOD: _DIGESTION}
"""What comes of a stream, invented; the rest is water and gas, and declared lost."""
_MEASURES: Final[Mapping[Stream, tuple[Product, int]]] = {
    Stream.RESIDUAL: (Product.ELECTRICITY, 2_000),
    Stream.FOOD: (Product.BIOGAS, 12_500),
}
"""A unit of each comes of so many grams."""


@dataclass(frozen=True)
class World:
    """Who takes part: organisations, sites, and the midnight (Unix seconds) of the day."""

    network: Network
    midnight: int
    carrier_of: Mapping[str, int]
    station_organisation: int
    park_organisation: Mapping[str, int]
    park_site: Mapping[str, int]
    plant_site: Mapping[tuple[str, Stream], int]
    """Where a park works a stream; what it has no plant for lies at its gate."""
    street_of_station: Mapping[str, int]
    understated: frozenset[Product] = frozenset()
    """Products of which a park declares a twentieth less than there was, so that a row does not close."""


@dataclass(frozen=True)
class SimulatedBin:
    """A bin of the plan."""

    number: int
    serial: bytes
    stream: int
    site: int
    point: str

    @property
    def serial_digest(self) -> bytes:
        """What the chain knows of the label."""
        return keccak256(self.serial)


@dataclass(frozen=True)
class Placement:
    """Bins that one registrar's entry attests together."""

    site: int
    bins: tuple[SimulatedBin, ...]
    placed_from: int

    @property
    def digest(self) -> bytes:
        """The digest that the place entry carries."""
        return keccak256(
            b"".join(
                b.number.to_bytes(5, "big")
                + b.serial_digest
                + bytes([b.stream])
                + self.placed_from.to_bytes(5, "big")
                for b in self.bins
            )
        )


@dataclass(frozen=True)
class SiteOpening:
    """A site that a registrar's entry attests."""

    site: int
    kind: int
    digest: bytes


@dataclass
class Day:
    """Everything a day hands in, in an order that a chain can take."""

    registrars: list[Segment] = field(default_factory=list)
    journals: list[Segment] = field(default_factory=list)
    bins: list[SimulatedBin] = field(default_factory=list)
    placements: list[Placement] = field(default_factory=list)
    openings: list[SiteOpening] = field(default_factory=list)
    evidence: dict[tuple[int, int], tuple[bytes, str]] = field(default_factory=dict)
    lifts: int = 0


class DayWriter:
    """Writes the journals of one day of one plan; `name` keeps the devices of plans apart."""

    def __init__(self, name: str, world: World, vault: Vault) -> None:
        self.name, self.world, self.vault = name, world, vault
        self.day = Day()
        self._rng = Random(vault.number(f"day/{name}", 64))
        self._registrars: dict[int, JournalWriter] = {}
        self._devices: dict[str, JournalWriter] = {}
        self._bins: dict[tuple[str, int], SimulatedBin] = {}
        self._lots: dict[int, int] = defaultdict(int)
        self._tickets: dict[int, int] = defaultdict(int)

    def write(
        self, runs: Sequence[PlanRun], sites: Iterable[SiteOpening], registrars: Mapping[int, JournalWriter]
    ) -> Day:
        """Return the day; `registrars` are the organisations' own, at the end of their journals."""
        self._registrars = dict(registrars)
        self._open_sites(list(sites))
        self._place_bins(runs)
        self._enrol_all(runs)
        loads = [self._drive(run) for run in runs]
        self._unload(loads)
        self.day.registrars = [s for writer in self._registrars.values() for s in writer.cut_all()]
        self.day.journals = [s for writer in self._devices.values() for s in writer.cut_all()]
        return self.day

    def _open_sites(self, sites: list[SiteOpening]) -> None:
        for opening in sites:
            self._registrars[organisation_of(opening.site)].write(
                Kind.SITE,
                site=opening.site,
                site_kind=opening.kind,
                digest=int.from_bytes(opening.digest, "big"),
                occurred_at=self.world.midnight,
            )
        self.day.openings = sites

    def _place_bins(self, runs: Sequence[PlanRun]) -> None:
        by_site: dict[int, list[SimulatedBin]] = defaultdict(list)
        for run in runs:
            for stop in run.stops:
                key = (stop.point, int(run.stream))
                if key in self._bins:
                    continue
                name = f"{self.name}/{stop.point}/{int(run.stream)}"
                placed = SimulatedBin(
                    self.vault.number(f"bin/{name}", 40),
                    self.vault.serial(name),
                    int(run.stream),
                    self.world.street_of_station[run.station],
                    stop.point,
                )
                self._bins[key] = placed
                by_site[placed.site].append(placed)
        self.day.bins = list(self._bins.values())
        for site, bins in sorted(by_site.items()):
            for start in range(0, len(bins), BINS_IN_A_PLACEMENT):
                placement = Placement(site, tuple(bins[start : start + BINS_IN_A_PLACEMENT]), self.world.midnight)
                self._registrars[organisation_of(site)].write(
                    Kind.PLACE,
                    site=site,
                    count=len(placement.bins),
                    digest=int.from_bytes(placement.digest, "big"),
                    occurred_at=self.world.midnight,
                )
                self.day.placements.append(placement)

    def _enrol_all(self, runs: Sequence[PlanRun]) -> None:
        for run in runs:
            self._enrol(self.world.carrier_of[run.truck], run.truck, Role.CREW)
            self._enrol(self.world.station_organisation, run.station, Role.GATE)
            if run.park is not None:
                self._enrol(self.world.park_organisation[run.park], run.park, Role.GATE)

    def _enrol(self, organisation: int, who: str, role: Role) -> None:
        if who in self._devices:
            return
        name = f"{self.name}/{who}"
        key = self.vault.key(name)
        device = self.vault.device(organisation, name)
        x, y = key.public
        self._registrars[organisation].write(
            Kind.ENROL, device=device, role=role, scheme=Scheme.RAW, x=x, y=y, occurred_at=self.world.midnight
        )
        self._devices[who] = JournalWriter(self.world.network, device, key)

    def _new_lot(self, writer: JournalWriter) -> int:
        self._lots[writer.device] += 1
        return lot_id(writer.device, self._lots[writer.device])

    def _drive(self, run: PlanRun) -> _Load:
        truck = self._devices[run.truck]
        midnight = self.world.midnight
        lot = self._new_lot(truck)
        start = midnight + run.stops[0].occurred_at
        truck.write(Kind.LOAD, lot=lot, stream=run.stream, occurred_at=start - 60)
        words = []
        last_seq = 0
        for stop in run.stops:
            placed = self._bins[stop.point, int(run.stream)]
            grade = self._rng.choices([Grade.CLEAN, Grade.SOME_MIXING, Grade.BADLY_MIXED], [85, 12, 3])[0]
            document = rfc8785.dumps({"bin": f"{placed.number:010x}", "grade": int(grade), "photo": None})
            salt = self.vault.serial(f"salt/{self.name}/{run.truck}/{truck.next_seq}")
            last_seq = truck.write(
                Kind.LIFT,
                bin=placed.number,
                stream=run.stream,
                grade=grade,
                basis=Basis.ESTIMATED,
                occurred_at=midnight + stop.occurred_at,
                grams=stop.grams,
                evidence=evidence_digest(salt, document),
            )
            self.day.evidence[truck.device, last_seq] = (salt, document.decode())
            words.append(truck.uncut[-1])
            self.day.lifts += 1
        arrives = midnight + run.stops[-1].occurred_at + _TRUCK_UNLOADS_AFTER_SECONDS
        grams = sum(stop.grams for stop in run.stops)
        give_seq = truck.write(
            Kind.GIVE,
            lot=lot,
            grams=grams,
            last_seq=last_seq,
            to=device_id(self.world.station_organisation, 0),
            lifts=len(run.stops),
            lifts_root=int.from_bytes(lifts_root(words), "big"),
            occurred_at=arrives,
        )
        return _Load(run, lot, grams, truck.device, give_seq, truck.head, arrives)

    def _unload(self, loads: list[_Load]) -> None:
        """Stations take what comes in order of arrival, and send one lot a stream and a park."""
        onward: dict[tuple[str, str | None, Stream], list[_Load]] = defaultdict(list)
        for load in sorted(loads, key=lambda load: (load.at, load.lot)):
            station = self._devices[load.run.station]
            weighed = round(load.grams * self._rng.uniform(0.985, 1.01))
            self._take(station, load, weighed, load.at + 120)
            onward[load.run.station, load.run.park, load.run.stream].append(load)
        for (station_name, park_name, stream), group in sorted(
            onward.items(), key=lambda item: (item[1][-1].at, item[0][0], item[0][2])
        ):
            self._send_on(self._devices[station_name], park_name, stream, group)

    def _send_on(self, station: JournalWriter, park_name: str | None, stream: Stream, group: list[_Load]) -> None:
        into = self._new_lot(station)
        at = group[-1].at + 900
        grams = 0
        for load in group:
            station.write(Kind.MERGE, lot=load.lot, grams=load.taken, into=into, stream=stream, occurred_at=at)
            grams += load.taken
        if park_name is None:
            station.write(Kind.CLOSE, lot=into, grams=grams, fate=Fate.PRODUCT, occurred_at=at + 600)
            return
        give_seq = station.write(
            Kind.GIVE,
            lot=into,
            grams=grams,
            to=device_id(self.world.park_organisation[park_name], 0),
            lifts=sum(len(load.run.stops) for load in group),
            occurred_at=at + 60,
        )
        arrives = at + _PARK_AFTER_SECONDS
        sent = _Load(group[0].run, into, grams, station.device, give_seq, station.head, arrives)
        park = self._devices[park_name]
        weighed = round(grams * self._rng.uniform(0.98, 1.005))
        self._take(park, sent, weighed, arrives + 300, site=self.world.park_site[park_name])
        plant = self.world.plant_site.get((park_name, stream))
        if plant is not None and stream in WORKS:
            self._work(park, sent, stream, plant, arrives + 3600)

    def _work(self, park: JournalWriter, load: _Load, stream: Stream, plant: int, at: int) -> None:
        """Work a load at a plant, and let what comes of it leave."""
        shares = WORKS[stream]
        lots = [self._new_lot(park) for _ in shares]
        amounts = [load.taken * share.permille // 1000 for share in shares]
        if sum(share.permille for share in shares) == 1000:
            amounts[-1] = load.taken - sum(amounts[:-1])
        product, grams_a_unit = _MEASURES[stream]
        made = [
            {"lot": lot, "amount": amount, "product": share.product or 0}
            for lot, amount, share in zip(lots, amounts, shares, strict=True)
        ]
        park.write(
            Kind.TRANSFORM,
            (*made, {"amount": load.taken // grams_a_unit, "product": product}),
            lot=load.lot,
            grams=load.taken,
            outputs=len(lots),
            loss=load.taken - sum(amounts),
            site=plant,
            occurred_at=at,
        )
        for place, (lot, amount, share) in enumerate(zip(lots, amounts, shares, strict=True)):
            declared = amount - (amount // 20 if share.product in self.world.understated else 0)
            park.write(
                Kind.CLOSE,
                lot=lot,
                grams=declared,
                fate=share.fate,
                product=share.product or 0,
                site=plant,
                occurred_at=at + 3600 + 60 * place,
            )

    def _take(self, receiver: JournalWriter, load: _Load, weighed: int, at: int, *, site: int = 0) -> None:
        self._tickets[receiver.device] += 1
        weigh_seq = receiver.write(
            Kind.WEIGH,
            lot=load.lot,
            gross=_TARE_GRAMS + weighed,
            tare=_TARE_GRAMS,
            net=weighed,
            ticket=self._tickets[receiver.device],
            calibration=_CALIBRATION,
            calibration_until=self.world.midnight + _CALIBRATED_FOR_SECONDS,
            occurred_at=at - 30,
        )
        receiver.write(
            Kind.TAKE,
            lot=load.lot,
            grams=weighed,
            give_seq=load.give_seq,
            giver=load.giver,
            give_head=int.from_bytes(load.give_head, "big"),
            weigh_seq=weigh_seq,
            weigher=receiver.device,
            site=site,
            occurred_at=at,
        )
        load.taken = weighed


@dataclass
class _Load:
    """A lot on its way."""

    run: PlanRun
    lot: int
    grams: int
    giver: int
    give_seq: int
    give_head: bytes
    at: int
    taken: int = 0
