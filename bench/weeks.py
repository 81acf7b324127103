"""Weeks of a whole city as books: real signed journals, answered by the real rules, a day at a time.

Streets with 264 bins each; three trucks a street, one a stream; five streets to a station; one park that works
what it takes. Only the chain is left out, as in bench/month: what a page costs depends on the books alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from backend.domain.custody_state import Root
from backend.domain.label import LabelSerial, serial_digest
from backend.domain.layout import Kind
from backend.domain.products import Product
from backend.domain.seal import key_hash
from backend.domain.types import (
    Fate,
    Role,
    Scheme,
    SiteKind,
    Stream,
    bin_text,
    device_id,
    device_text,
    lot_id,
    organisation_text,
    site_id,
)
from backend.domain.writer import JournalWriter, SigningKey
from backend.store.books import BooksStore
from backend.store.directory import DirectoryStore
from backend.store.session import Database
from backend.usecases.ledger_events import BinsPlaced, OrganisationCreated, PlacedBinEvent
from bench.month.books import NETWORK, Chain

CITY, CARRIER, STATION, PARK = 1, 2, 3, 4
STREAMS = {Stream.RESIDUAL: 3, Stream.FOOD: 2, Stream.RECYCLABLE: 1}
"""Bins a point of each stream."""
POINTS, STREETS_A_STATION = 44, 5
LIFTS_A_STREET = POINTS * sum(STREAMS.values())
MIDNIGHT = 1_772_294_400
"""2026-03-01 00:00 in Shanghai."""
_DAY_SECONDS = 86_400
PARK_SITE = site_id(PARK, 1)


def street(n: int) -> int:
    """Return the id of a street."""
    return site_id(CITY, n + 1)


def bin_number(n: int, stream: int, place: int) -> int:
    """Return the number of a bin; numbers of a street lie far apart, as random ones do."""
    return ((n * 1000 + stream * 250 + place) * 2_654_435_761 + 1) % (1 << 40)


def bins_of(n: int) -> list[tuple[int, int, int]]:
    """Return (number, stream, point) of a street's bins."""
    return [
        (bin_number(n, stream, point * count + nth), int(stream), point)
        for stream, count in STREAMS.items()
        for point in range(POINTS)
        for nth in range(count)
    ]


@dataclass
class Weeks:
    """The city while its days are written."""

    database: Database
    streets: int
    chain: Chain = field(default_factory=Chain)
    lots: dict[int, int] = field(default_factory=dict)
    tickets: int = 0

    def __post_init__(self) -> None:
        self.books = BooksStore(self.database, NETWORK)
        self.trucks = {
            (n, stream): self._writer(CARRIER, 100 + n * 4 + stream)
            for n in range(self.streets)
            for stream in STREAMS
        }
        self.gates = [self._writer(STATION, 100 + n) for n in range(-(-self.streets // STREETS_A_STATION))]
        self.park = self._writer(PARK, 100)

    def _writer(self, organisation: int, serial: int) -> JournalWriter:
        return JournalWriter(
            NETWORK, device_id(organisation, serial), SigningKey.from_secret(organisation << 40 | serial)
        )

    def write(self, days: int) -> int:
        """Fill an empty database with so many days; return how many lifts there are."""
        self.database.migrate()
        self._name()
        self._begin()
        for day in range(days):
            self._live(MIDNIGHT + day * _DAY_SECONDS)
        return days * self.streets * LIFTS_A_STREET

    def _fold(self) -> None:
        lines = self.books.extend(self.chain.batch())
        assert not lines.disagreements, lines.disagreements[:3]

    def _begin(self) -> None:
        chain = self.chain
        chain.begin(MIDNIGHT - 3 * _DAY_SECONDS)
        registrars = {}
        for organisation in (CITY, CARRIER, STATION, PARK):
            root = self._writer(organisation, 1)
            digest = key_hash(*root.public)
            chain.state.roots[organisation] = Root(root.device, digest, 1)
            chain.state.named_roots[root.device] = True
            chain.events.append(OrganisationCreated(chain.place(), organisation, root.device, digest))
            registrars[organisation] = root
        for writer, role in (
            *((truck, Role.CREW) for truck in self.trucks.values()),
            *((gate, Role.GATE) for gate in self.gates),
            (self.park, Role.GATE),
        ):
            x, y = writer.public
            registrars[writer.device >> 40].write(
                Kind.ENROL, device=writer.device, role=role, scheme=Scheme.RAW, x=x, y=y, occurred_at=MIDNIGHT
            )
        registrars[PARK].write(Kind.SITE, site=PARK_SITE, site_kind=SiteKind.PARK, occurred_at=MIDNIGHT)
        chain.begin(MIDNIGHT - 2 * _DAY_SECONDS)
        for registrar in registrars.values():
            for segment in registrar.cut_all():
                chain.record(segment)
        for n in range(self.streets):
            placed = tuple(
                PlacedBinEvent(b, _digest(b), stream, MIDNIGHT - _DAY_SECONDS) for b, stream, _ in bins_of(n)
            )
            chain.events.append(BinsPlaced(chain.place(), street(n), placed))
        self._fold()

    def _live(self, midnight: int) -> None:
        arrived: dict[tuple[int, int], list[tuple[int, int]]] = {}
        at = midnight + 6 * 3600
        for (n, stream), truck in self.trucks.items():
            lot, seq, head, grams = self._round(n, stream, truck, at)
            self.chain.begin(self._now(at + 4 * 3600 + n))
            for segment in truck.cut_all():
                self.chain.record(segment)
            gate = self.gates[n // STREETS_A_STATION]
            self._take(gate, lot, truck.device, seq, head, grams - 2_000, at + 5 * 3600)
            arrived.setdefault((n // STREETS_A_STATION, stream), []).append((lot, grams - 2_000))
        self._record(self.gates, at + 6 * 3600)
        for (station, stream), lots in arrived.items():
            self._send_on(self.gates[station], stream, lots, at + 7 * 3600)
        self._record(self.gates, at + 8 * 3600)
        self._record([self.park], at + 12 * 3600)
        self._fold()

    def _now(self, at: int) -> int:
        return max(at, self.chain.headers[-1].timestamp + 1 if self.chain.headers else at)

    def _record(self, writers: list[JournalWriter], at: int) -> None:
        self.chain.begin(self._now(at))
        for writer in writers:
            for segment in writer.cut_all():
                self.chain.record(segment)

    def _new_lot(self, writer: JournalWriter) -> int:
        self.lots[writer.device] = self.lots.get(writer.device, 0) + 1
        return lot_id(writer.device, self.lots[writer.device])

    def _round(self, n: int, stream: int, truck: JournalWriter, at: int) -> tuple[int, int, int, int]:
        lot, grams = self._new_lot(truck), 0
        truck.write(Kind.LOAD, lot=lot, stream=stream, occurred_at=at - 60)
        for place in range(POINTS * STREAMS[Stream(stream)]):
            mass = 20_000 + (place * 7919 + truck.next_seq) % 30_000
            grade = 1 if (place + n) % 11 else 3
            truck.write(
                Kind.LIFT, bin=bin_number(n, stream, place), stream=stream, grade=grade, basis=1,
                occurred_at=at + 60 * place, grams=mass,
            )  # fmt: skip
            grams += mass
        seq = truck.write(
            Kind.GIVE, lot=lot, grams=grams, to=device_id(STATION, 0), lifts=1, occurred_at=at + 4 * 3600
        )
        return lot, seq, int.from_bytes(truck.head, "big"), grams

    def _take(
        self,
        taker: JournalWriter,
        lot: int,
        giver: int,
        give_seq: int,
        head: int,
        grams: int,
        at: int,
        site: int = 0,
    ) -> None:
        taker.write(
            Kind.TAKE,
            lot=lot,
            giver=giver,
            give_seq=give_seq,
            give_head=head,
            grams=grams,
            site=site,
            occurred_at=at,
        )

    def _send_on(self, gate: JournalWriter, stream: int, lots: list[tuple[int, int]], at: int) -> None:
        into, total = self._new_lot(gate), sum(grams for _, grams in lots)
        for lot, grams in lots:
            gate.write(Kind.MERGE, lot=lot, into=into, stream=stream, grams=grams, occurred_at=at)
        seq = gate.write(Kind.GIVE, lot=into, grams=total, to=device_id(PARK, 0), occurred_at=at + 60)
        head = int.from_bytes(gate.head, "big")
        self._take(self.park, into, gate.device, seq, head, total, at + 3 * 3600, PARK_SITE)
        made = [self._new_lot(self.park) for _ in range(2)]
        amounts = total // 4, total - total // 4
        items = [
            {"lot": lot, "amount": amount, "product": product}
            for lot, amount, product in zip(made, amounts, (Product.SLAG, 0), strict=True)
        ]
        measure = {"amount": total // 2_000, "product": Product.ELECTRICITY}
        self.park.write(
            Kind.TRANSFORM, (*items, measure), lot=into, grams=total, outputs=2, site=PARK_SITE,
            occurred_at=at + 4 * 3600,
        )  # fmt: skip
        for lot, amount, fate, product in zip(
            made, amounts, (Fate.PRODUCT, Fate.ENERGY), (Product.SLAG, 0), strict=True
        ):
            self.park.write(
                Kind.CLOSE, lot=lot, grams=amount, fate=fate, product=product, site=PARK_SITE,
                occurred_at=at + 5 * 3600,
            )  # fmt: skip

    def _name(self) -> None:
        sites = [
            _site(street(n), SiteKind.STREET, f"示范街道 {n + 1}", f"Street {n + 1}") for n in range(self.streets)
        ]
        sites.append(_site(PARK_SITE, SiteKind.PARK, "示范园区", "Park"))
        names = {CITY: "city", CARRIER: "carrier", STATION: "station", PARK: "park"}
        with self.database.transaction() as connection:
            store = DirectoryStore(connection)
            store.put_organisations(
                [
                    {"organisation": organisation_text(n), "name_zh": name, "name_en": name, "part": name}
                    for n, name in names.items()
                ]
            )
            store.put_sites(sites)
            for n in range(self.streets):
                source = device_text(street(n))
                store.add_points(source, [_point(n, point, source) for point in range(POINTS)])
                ids = store.points(source)
                store.add_bins([_label(b, stream, source, ids[f"{point + 1}"]) for b, stream, point in bins_of(n)])


def _digest(number: int) -> bytes:
    return serial_digest(LabelSerial(number.to_bytes(16, "big")))


def _site(site: int, kind: SiteKind, zh: str, en: str) -> dict[str, object]:
    return {
        "site": device_text(site),
        "organisation": device_text(site)[:6],
        "kind": int(kind),
        "name_zh": zh,
        "name_en": en,
        "facts": "[]",
    }


def _point(n: int, point: int, site: str) -> dict[str, object]:
    name = {"name_zh": f"{n + 1} 街 {point + 1} 号", "name_en": f"Street {n + 1}, point {point + 1}"}
    # Districts lie side by side, three streets broad.
    east, north = n % 11 * 0.05 + n // 11 % 3 * 0.015, n // 33 * 0.015
    place = {"lat": 22.9 + north + point % 7 * 0.002, "lng": 113.1 + east + point // 7 * 0.002}
    return {"code": f"{point + 1}", "site": site, "district": f"district {n % 11 + 1}", **name, **place}


def _label(number: int, stream: int, site: str, point_id: int) -> dict[str, object]:
    return {
        "number": bin_text(number),
        "serial": f"{number:032x}",
        "serial_digest": _digest(number).hex(),
        "stream": stream,
        "site": site,
        "point_id": point_id,
        "placed_from": MIDNIGHT - _DAY_SECONDS,
    }
