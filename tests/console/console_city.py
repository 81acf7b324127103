"""A small city whose books are folded from real entries: a street, a station, a park, lots on the way."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from migrated_file import new_database

from backend.domain import custody
from backend.domain.custody_state import Recorded, Root, State
from backend.domain.journal import Network, Segment
from backend.domain.label import LabelSerial, serial_digest
from backend.domain.layout import Kind
from backend.domain.seal import CURVE_ORDER, key_hash
from backend.domain.types import (
    AmendedField,
    Ground,
    Role,
    bin_text,
    device_id,
    device_text,
    lot_id,
    lot_text,
    organisation_text,
    site_id,
)
from backend.domain.writer import JournalWriter, SigningKey
from backend.store.books import BooksStore
from backend.store.directory import DirectoryStore
from backend.store.reading import Reader
from backend.store.session import Database
from backend.usecases.accept_segment import accept_segment
from backend.usecases.ledger_events import (
    BinsPlaced,
    Extend,
    Header,
    LedgerEvent,
    LogPlace,
    OrganisationCreated,
    PlacedBinEvent,
    SegmentRecorded,
    StepSettled,
)

NETWORK = Network(31337, bytes.fromhex("5fbdb2315678afecb367f032d93f642f64180aa3"))
MORNING = 1_772_316_000  # 2026-03-01 06:00 in Shanghai
POINTS = 44
HOSTILE = "<script>alert('环')</script>"

CITY, CREW, STATION, PARK, RECYCLER = 1, 2, 3, 4, 5
ORGANISATIONS = {
    CITY: ("城市管理局", "City Management Bureau", "city"),
    CREW: ("松洲环卫公司", "Songzhou Sanitation", "crew"),
    STATION: ("西洲转运站", "Xizhou Transfer Station", "station"),
    PARK: ("福山循环经济产业园", "Fushan Circular Economy Park", "park"),
    RECYCLER: (f"再生资源{HOSTILE}", f"Recycler {HOSTILE}", "plant"),
}
FACTS = {3: [{"zh": "资源热力电厂", "en": HOSTILE, "source": "report", "source_date": None, "reliability": "B"}]}
STREET, SECOND_STREET = site_id(CITY, 1), site_id(CITY, 2)
STATION_SITE, PARK_SITE, RECYCLER_SITE = site_id(STATION, 1), site_id(PARK, 1), site_id(RECYCLER, 1)
DISTRICT = "松洲区 Songzhou District"
STREAM_OF_PLACE = (4, 3, 1, 2)


@dataclass
class City:
    """The books, and what stands in them."""

    database: Database
    books: BooksStore
    bins: list[dict[str, Any]]
    lots: dict[str, int] = field(default_factory=dict)
    devices: dict[str, JournalWriter] = field(default_factory=dict)

    @contextmanager
    def read(self) -> Iterator[Reader]:
        """Yield a reader; one block on top makes a block final."""
        with self.database.transaction(writes=False) as connection:
            yield Reader(connection)

    def serial(self, index: int) -> LabelSerial:
        """Return the serial on a bin's label."""
        return LabelSerial(bytes.fromhex(self.bins[index]["serial"]))


class Ledger:
    """Answers segments as the contract does, and hands its events to the books."""

    def __init__(self, database: Database, books: BooksStore) -> None:
        self.database, self.books = database, books
        self.state, self.now, self.number = State(NETWORK), MORNING, 0
        self._parent = bytes(32)

    def block(self, *events: LedgerEvent) -> None:
        """Fold one more block with these events."""
        self.number += 1
        block_hash = self.number.to_bytes(2, "big").rjust(32, b"\xb1")
        placed = tuple(
            replace(event, place=LogPlace(self.number, block_hash, self._tx(), index))
            for index, event in enumerate(events)
        )
        header = Header(self.number, block_hash, self._parent, self.now)
        self._parent = block_hash
        lines = self.books.extend(Extend((header,), placed, max(self.number - 1, 0)))
        assert not lines.disagreements

    def _tx(self) -> bytes:
        return random.Random(f"tx {self.number}").randbytes(32)

    def place(self) -> LogPlace:
        return LogPlace(0, b"", b"", 0)

    def organisation(self, number: int, rng: random.Random) -> JournalWriter:
        writer = JournalWriter(NETWORK, device_id(number, 1), key(rng))
        digest = key_hash(*writer.public)
        self.state.roots[number] = Root(writer.device, digest, 1)
        self.state.named_roots[writer.device] = True
        self.block(OrganisationCreated(self.place(), number, writer.device, digest))
        return writer

    def hand_in(self, *writers: JournalWriter) -> list[Segment]:
        """Let the devices hand in what they wrote; it is queued."""
        from backend.store.intake import IntakeStore

        segments = [segment for writer in writers for segment in writer.cut_all()]
        for segment in segments:
            with self.database.transaction() as connection:
                accept_segment(segment, intake=IntakeStore(connection), network=NETWORK, now=self.now)
        return segments

    def record(self, *writers: JournalWriter) -> None:
        """Hand in and record: the server has it at once, the chain 12 seconds later."""
        for segment in self.hand_in(*writers):
            self.now += 12
            answer = custody.record_segment(self.state, segment, block_time=self.now)
            assert isinstance(answer, Recorded), answer
            settled = [StepSettled(self.place(), s.device, s.seq, s.lot, int(s.outcome)) for s in answer.settled]
            self.block(
                *settled,
                SegmentRecorded(
                    self.place(),
                    segment.device,
                    segment.first_seq,
                    answer.head,
                    segment.x,
                    segment.y,
                    segment.r,
                    segment.s,
                    segment.words,
                    answer.outcomes,
                ),
            )


def key(rng: random.Random) -> SigningKey:
    """Return a key drawn from the seed."""
    return SigningKey.from_secret(rng.randrange(1, CURVE_ORDER))


def build_city(folder: Path) -> City:
    """Return the city with its books folded."""
    rng = random.Random("console city")
    database = new_database(folder)
    books = BooksStore(database, NETWORK)
    bins = _names(database, rng)
    city = City(database, books, bins)
    ledger = Ledger(database, books)
    registrars = {number: ledger.organisation(number, rng) for number in ORGANISATIONS}
    device = city.devices
    for name, organisation, serial, role in (
        ("truck", CREW, 7, Role.CREW),
        ("truck2", CREW, 8, Role.CREW),
        ("food truck", CREW, 9, Role.CREW),
        ("blue truck", CREW, 10, Role.CREW),
        ("lost phone", CREW, 11, Role.CREW),
        ("station", STATION, 7, Role.GATE),
        ("park", PARK, 7, Role.GATE),
        ("scale", PARK, 8, Role.SCALE),
        ("recycler", RECYCLER, 7, Role.GATE),
    ):
        writer = JournalWriter(NETWORK, device_id(organisation, serial), key(rng))
        device[name] = writer
        x, y = writer.public
        registrars[organisation].write(
            Kind.ENROL, device=writer.device, role=role, scheme=1, x=x, y=y, occurred_at=ledger.now
        )
    ledger.record(*registrars.values())
    ledger.block(
        *(
            BinsPlaced(ledger.place(), site, tuple(_placed(b) for b in bins if b["site"] == device_text(site)))
            for site in (STREET, SECOND_STREET)
        )
    )
    _residual(city, ledger, rng)
    _food(city, ledger, rng)
    _recyclable(city, ledger, rng)
    _hazardous_and_strange(city, ledger, rng, registrars[CREW])
    _said(city, ledger, registrars[CREW])
    ledger.now += 900
    ledger.block()
    return city


def _placed(row: dict[str, Any]) -> PlacedBinEvent:
    digest = bytes.fromhex(row["serial_digest"])
    return PlacedBinEvent(int(row["number"], 16), digest, row["stream"], row["placed_from"])


def _names(database: Database, rng: random.Random) -> list[dict[str, Any]]:
    bins: list[dict[str, Any]] = []
    with database.transaction() as connection:
        directory = DirectoryStore(connection)
        directory.put_organisations(
            [
                {"organisation": organisation_text(n), "name_zh": zh, "name_en": en, "part": part}
                for n, (zh, en, part) in ORGANISATIONS.items()
            ]
        )
        directory.put_sites(
            [
                _site(STREET, 1, "松洲街道", "Songzhou Street"),
                _site(SECOND_STREET, 1, f"街{HOSTILE}", f"Street {HOSTILE}"),
                _site(STATION_SITE, 2, "西洲转运站", "Xizhou Transfer Station"),
                _site(PARK_SITE, 3, "福山循环经济产业园", "Fushan Circular Economy Park"),
                _site(RECYCLER_SITE, 4, "再生资源分拣中心", "Recycling Sorting Centre"),
            ]
        )
        for site, points in ((STREET, POINTS), (SECOND_STREET, 2)):
            source = device_text(site)
            directory.add_points(
                source,
                [
                    {
                        "code": f"P{n:03d}",
                        "site": source,
                        "name_zh": f"{'富力松洲螺涌槎头'[n % 7 : n % 7 + 2]}路 {n} 号"
                        if site == STREET
                        else HOSTILE,
                        "name_en": f"{n} Songzhou Road" if site == STREET else HOSTILE,
                        "address": "",
                        "district": DISTRICT if site == STREET else "",
                        "lat": 23.14 + n % 7 * 0.001 if site == STREET else None,
                        "lng": 113.24 + n // 7 * 0.0012 if site == STREET else None,
                        "streams": "",
                        "details": "{}",
                    }
                    for n in range(1, points + 1)
                ],
            )
            for point_id in directory.points(source).values():
                bins += [_bin(rng, site, point_id, stream) for stream in STREAM_OF_PLACE]
        directory.add_bins(bins)
    return bins


def _site(site: int, kind: int, zh: str, en: str) -> dict[str, Any]:
    return {
        "site": device_text(site),
        "organisation": organisation_text(site >> 40),
        "kind": kind,
        "name_zh": zh,
        "name_en": en,
        "parent": None,
        "lat": 23.16 if kind == 2 else None,
        "lng": 113.28 if kind == 2 else None,
        "facts": json.dumps(FACTS.get(kind, {}), ensure_ascii=False),
    }


def _bin(rng: random.Random, site: int, point_id: int, stream: int) -> dict[str, Any]:
    serial = rng.randbytes(16)
    return {
        "number": bin_text(rng.getrandbits(40)),
        "serial": serial.hex(),
        "serial_digest": serial_digest(LabelSerial(serial)).hex(),
        "stream": stream,
        "site": device_text(site),
        "point_id": point_id,
        "placed_from": MORNING - 86_400,
    }


def _collect(
    city: City, ledger: Ledger, rng: random.Random, truck: str, stream: int, count: int, first: int = 0
) -> int:
    """Let a truck open a lot and lift bins into it; return the lot."""
    writer = city.devices[truck]
    serial = 1 + sum(1 for lot in city.lots.values() if lot >> 32 == writer.device)
    lot = lot_id(writer.device, serial)
    city.lots[f"{truck} {serial}"] = lot
    writer.write(Kind.LOAD, lot=lot, stream=stream, vehicle=device_id(CREW, 1), occurred_at=ledger.now)
    theirs = [b for b in city.bins if b["stream"] == stream and b["site"] == device_text(STREET)]
    heavy = {4: 35_000, 3: 90_000, 1: 12_000, 2: 3_000}[stream]
    for n in range(count):
        ledger.now += rng.randrange(70, 200)
        writer.write(
            Kind.LIFT,
            bin=int(theirs[(first + n) % len(theirs)]["number"], 16),
            stream=stream,
            grade=rng.choice((1, 1, 1, 2, 3)),
            basis=rng.choice((1, 2)),
            occurred_at=ledger.now,
            grams=heavy + rng.randrange(heavy),
        )
    return lot


def _grams(ledger: Ledger, writer: JournalWriter, lot: int) -> int:
    """Return the grams of a lot that has been recorded."""
    return ledger.state.lots[lot].grams


def _give(ledger: Ledger, giver: JournalWriter, lot: int, to: int, grams: int) -> dict[str, int]:
    ledger.now += 600
    seq = giver.write(Kind.GIVE, lot=lot, grams=grams, to=device_id(to, 0), lifts=1, occurred_at=ledger.now)
    return {"giver": giver.device, "give_seq": seq, "give_head": int.from_bytes(giver.head, "big")}


def _take(ledger: Ledger, taker: JournalWriter, lot: int, grams: int, given: dict[str, int]) -> None:
    ledger.now += 240
    taker.write(Kind.TAKE, lot=lot, grams=grams, occurred_at=ledger.now, **given)


def _residual(city: City, ledger: Ledger, rng: random.Random) -> None:
    """Two trucks, one station lot, weighed at the park and turned into energy."""
    station, park, scale = (city.devices[name] for name in ("station", "park", "scale"))
    into = lot_id(station.device, 1)
    city.lots["station 1"] = into
    for truck, count, first in (("truck", 26, 0), ("truck2", 18, 26)):
        writer = city.devices[truck]
        lot = _collect(city, ledger, rng, truck, 4, count, first)
        ledger.record(writer)
        grams = ledger.state.lots[lot].grams
        given = _give(ledger, writer, lot, STATION, grams)
        taken = grams - rng.randrange(4_000, 9_000)
        _take(ledger, station, lot, taken, given)
        station.write(Kind.MERGE, lot=lot, into=into, stream=4, grams=taken, occurred_at=ledger.now + 60)
        ledger.record(writer, station)
    grams = ledger.state.lots[into].grams
    given = _give(ledger, station, into, PARK, grams)
    net = grams - 12_345
    ledger.now += 1800
    weigh = scale.write(
        Kind.WEIGH,
        lot=into,
        gross=net + 15_000_000,
        tare=15_000_000,
        net=net,
        ticket=118,
        calibration_until=MORNING + 90 * 86_400,
        occurred_at=ledger.now,
    )
    ledger.now += 60
    park.write(
        Kind.TAKE, lot=into, grams=net, weigh_seq=weigh, weigher=scale.device, occurred_at=ledger.now, **given
    )
    ledger.now += 3600
    park.write(Kind.CLOSE, lot=into, grams=net, fate=4, site=PARK_SITE, occurred_at=ledger.now)
    ledger.record(station, scale, park)


def _food(city: City, ledger: Ledger, rng: random.Random) -> None:
    """Straight to the park, which takes 7 % less; one lot became a product, the next is held."""
    writer, park = city.devices["food truck"], city.devices["park"]
    for turn in range(2):
        lot = _collect(city, ledger, rng, "food truck", 3, 14, 14 * turn)
        ledger.record(writer)
        grams = ledger.state.lots[lot].grams
        given = _give(ledger, writer, lot, PARK, grams)
        taken = grams * 93 // 100 if turn == 0 else grams + 1_500
        _take(ledger, park, lot, taken, given)
        if turn == 0:
            park.write(Kind.CLOSE, lot=lot, grams=taken, fate=1, site=PARK_SITE, occurred_at=ledger.now + 7200)
            ledger.now += 7200
        ledger.record(writer, park)


def _recyclable(city: City, ledger: Ledger, rng: random.Random) -> None:
    """The recycler's take is recorded before the truck's give (it waits, then applies); one is on its way."""
    writer, recycler = city.devices["blue truck"], city.devices["recycler"]
    lot = _collect(city, ledger, rng, "blue truck", 1, 12)
    ledger.record(writer)
    grams = ledger.state.lots[lot].grams
    given = _give(ledger, writer, lot, RECYCLER, grams)
    _take(ledger, recycler, lot, grams, given)
    ledger.record(recycler, writer)
    lot = _collect(city, ledger, rng, "blue truck", 1, 9, 12)
    ledger.record(writer)
    _give(ledger, writer, lot, RECYCLER, ledger.state.lots[lot].grams)
    ledger.record(writer)


def _hazardous_and_strange(city: City, ledger: Ledger, rng: random.Random, registrar: JournalWriter) -> None:
    """A lot in a truck; a take out of nowhere; a revoked phone; an unknown bin; an entry still queued."""
    truck = city.devices["truck"]
    _collect(city, ledger, rng, "truck", 2, 6)
    truck.write(Kind.LIFT, bin=0xBADBADBAD0, stream=2, grade=1, basis=1, grams=2_000, occurred_at=ledger.now + 5)
    ledger.record(truck)
    station = city.devices["station"]
    station.write(
        Kind.TAKE,
        lot=city.lots["truck 2"],
        grams=1,
        give_seq=999,
        giver=truck.device,
        give_head=1,
        occurred_at=ledger.now,
    )
    station.write(Kind.GIVE, lot=city.lots["food truck 1"], grams=1, to=device_id(PARK, 0), occurred_at=ledger.now)
    ledger.record(station)
    lost = city.devices["lost phone"]
    registrar.write(Kind.REVOKE, device=lost.device, reason=1, occurred_at=ledger.now)
    ledger.record(registrar)
    lost.write(Kind.LOAD, lot=lot_id(lost.device, 1), stream=4, vehicle=device_id(CREW, 2), occurred_at=ledger.now)
    ledger.record(lost)
    truck.write(Kind.SHIFT_END, lifts=33, grams=1, occurred_at=ledger.now)
    ledger.hand_in(truck)


def _said(city: City, ledger: Ledger, crew_office: JournalWriter) -> None:
    """The park's first food take is amended, its second disputed; a bin is not collected; a lot is mixed."""
    park, truck = city.devices["park"], city.devices["food truck"]
    takes = [_take_seq(city, lot) for lot in (city.lots["food truck 1"], city.lots["food truck 2"])]
    grams = ledger.state.lots[city.lots["food truck 2"]].grams
    about = {"device": park.device, "occurred_at": ledger.now}
    proposal = park.write(Kind.AMEND, op=1, seq=takes[0], field=AmendedField.GRAMS, value=1_850_000, **about)
    ledger.record(park)
    crew_office.write(Kind.AMEND, op=2, seq=proposal, **about)
    crew_office.write(Kind.DISPUTE, op=1, seq=takes[1], rule=Ground.MASS, value=grams + 60_000, **about)
    ledger.record(crew_office)
    lot = lot_id(truck.device, 3)
    city.lots["food truck 3"] = lot
    bins = [int(b["number"], 16) for b in city.bins if b["stream"] == 3]
    truck.write(Kind.LOAD, lot=lot, stream=3, vehicle=device_id(CREW, 1), occurred_at=ledger.now)
    truck.write(Kind.DECLINE, bin=bins[0], stream=3, reason=1, evidence=7, occurred_at=ledger.now + 30)
    truck.write(Kind.LIFT, bin=bins[1], stream=3, grade=1, basis=1, grams=88_000, occurred_at=ledger.now + 60)
    truck.write(Kind.LIFT, bin=bins[2], stream=4, grade=3, basis=1, grams=40_000, occurred_at=ledger.now + 90)
    ledger.record(truck)


def _take_seq(city: City, lot: int) -> int:
    with city.read() as reader:
        journey = reader.find_journey(lot_text(lot))
    assert journey is not None
    return next(
        step.entry.seq for step in journey.steps if step.entry.kind == Kind.TAKE and step.entry.outcome == 1
    )
