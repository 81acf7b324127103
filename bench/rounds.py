"""Sealed work for a server to take in: rounds of trucks, and a whole day of a city, in the order of arrival.

Everything is sealed before a clock starts, on as many cores as there are: it is the phones' work.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import zip_longest

from backend.domain.journal import Segment, split_entries
from backend.domain.layout import WORD_BYTES, Kind
from backend.domain.lifts import grams_in
from backend.domain.merkle import lifts_root
from backend.domain.types import Role, Stream, device_id, lot_id
from backend.domain.writer import JournalWriter
from bench import city

# Guangzhou on most days: half a million bins in 6,100 truckloads, and 2,450 receipts at seven plants.
DAY_LIFTS, DAY_LOADS, DAY_RECEIPTS = 500_000, 6_100, 2_450
_LOADS_A_TRUCK, _STATIONS, _PARKS = 4, 49, 7
_LIFTS_A_TRUCK = 1_000
_FIRST_STATION, _FIRST_PARK = 1_000, 1_000
_TARE_GRAMS, _WEIGHED_PERMILLE = 12_000_000, 997

Lane = list[Segment]
"""Segments that one sender hands in, one after the other: all of a journal, and a take behind its give."""


@dataclass(frozen=True)
class Work:
    """What is handed in: first the enrolments, then the lanes, all at the same time."""

    enrolments: list[Segment]
    lanes: list[Lane]
    handoffs: int = 0

    @property
    def segments(self) -> list[Segment]:
        """Return everything."""
        return [*self.enrolments, *(segment for lane in self.lanes for segment in lane)]

    @property
    def lifted(self) -> Counter[str]:
        """Return how many lifts there are, and of how many grams."""
        found = Counter[str](lifts=0, grams=0)
        for segment in self.segments:
            lifts = b"".join(entry for entry in split_entries(segment.words) if entry[0] == Kind.LIFT)
            found.update(lifts=len(lifts) // WORD_BYTES, grams=grams_in(lifts))
        return found


@dataclass(frozen=True)
class _Load:
    """A lot that its holder has given away, with what whoever takes it has to know."""

    segment: Segment
    lot: int
    grams: int
    lifts: int
    giver: int
    give_seq: int
    give_head: bytes


def truck_rounds(lifts: int, lanes: int) -> Work:
    """Return so many lifts, a thousand a truck into one lot, in segments of 250; the trucks take turns."""
    trucks = range(lifts // _LIFTS_A_TRUCK)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        by_truck = list(pool.map(_round, trucks, chunksize=16))
    shares = [by_truck[number::lanes] for number in range(lanes)]
    taking_turns = [[segment for turn in zip(*share, strict=True) for segment in turn] for share in shares]
    return Work(city.enrolments([city.truck(number) for number in trucks]), taking_turns)


def _round(number: int) -> Lane:
    """The load goes with the first lifts, as a phone sends it."""
    truck, segments = city.truck(number), []
    city.open_lot(truck)
    for _ in range(_LIFTS_A_TRUCK // city.LIFTS_A_SEGMENT):
        city.lift(truck, city.LIFTS_A_SEGMENT)
        segments.append(truck.cut())
    return segments


def truck_bursts(bursts: int, *, trucks: int, lifts: int) -> Work:
    """Return a lane a truck, a segment of so many lifts a burst."""
    writers, lanes = [city.truck(number) for number in range(trucks)], list[Lane]()
    for truck in writers:
        city.open_lot(truck)
        lanes.append([])
        for _ in range(bursts):
            city.lift(truck, lifts)
            lanes[-1].append(truck.cut())
    return Work(city.enrolments(writers), lanes)


def city_day(*, part: int = 1) -> Work:
    """Return a day of Guangzhou, or one `part`-th of it: every load is given, weighed and taken twice.

    Trucks lift and give to a station, four loads each. The station weighs and takes each as it comes, merges two
    or three into a lot of its own and gives that to a park, which weighs and takes it: the receipt. Each of these
    is a segment. A lane is a park with its stations and their trucks.
    """
    loads, receipts = DAY_LOADS // part, DAY_RECEIPTS // part
    lifts = [_share(DAY_LIFTS // part, loads, n) for n in range(loads)]
    trucks = range(-(-loads // _LOADS_A_TRUCK))
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        drives = [lifts[n * _LOADS_A_TRUCK : (n + 1) * _LOADS_A_TRUCK] for n in trucks]
        by_truck = list(pool.map(_drive, trucks, drives, chunksize=16))
    stations = [city.neighbour(_FIRST_STATION + n) for n in range(_STATIONS)]
    parks = [city.park(_FIRST_PARK + n) for n in range(_PARKS)]
    lanes, tickets = list[Lane](), Counter[int]()
    for number, park in enumerate(parks):
        days = []
        for own in range(number, _STATIONS, _PARKS):
            waves = zip_longest(*by_truck[own::_STATIONS])
            arriving = [load for wave in waves for load in wave if load is not None]
            days.append(_work_at(stations[own], park, arriving, _share(receipts, _STATIONS, own), tickets))
        # Stations take turns, an arrival each; the park's journal is written as they do.
        turns = (arrival for turn in zip_longest(*days, fillvalue=()) for arrival in turn)
        lanes.append([segment for arrival in turns for segment in arrival])
    enrolments = [
        *city.enrolments([city.truck(n) for n in trucks]),
        *city.enrolments_of_neighbour(dict.fromkeys(stations, Role.GATE)),
        *city.enrolments_of_neighbour(dict.fromkeys(parks, Role.GATE), organisation=city.PARKS),
    ]
    return Work(enrolments, lanes, handoffs=loads + receipts)


def _share(total: int, among: int, number: int) -> int:
    """Return what one of so many gets, when all get the same but for one more or less."""
    return total * (number + 1) // among - total * number // among


def _drive(number: int, lifts_of: Sequence[int]) -> list[_Load]:
    truck, loads = city.truck(number), []
    station = device_id(city.NEIGHBOUR, _FIRST_STATION + number % _STATIONS)
    for serial, lifts in enumerate(lifts_of, 1):
        lot = lot_id(truck.device, serial)
        truck.write(Kind.LOAD, lot=lot, stream=Stream.RESIDUAL, occurred_at=city.START)
        city.lift(truck, lifts)
        words = truck.uncut[1:]
        grams = grams_in(b"".join(words))
        give_seq = truck.write(
            Kind.GIVE,
            lot=lot,
            grams=grams,
            last_seq=truck.next_seq - 1,
            to=station,
            lifts=lifts,
            lifts_root=int.from_bytes(lifts_root(words), "big"),
            occurred_at=city.START + truck.next_seq,
        )
        head = truck.head
        loads.append(_Load(truck.cut(), lot, grams, lifts, truck.device, give_seq, head))
    return loads


def _work_at(
    station: JournalWriter, park: JournalWriter, arriving: Sequence[_Load], sends: int, tickets: Counter[int]
) -> Iterator[list[Segment]]:
    """Yield what each arrival makes people hand in."""
    waiting: list[_Load] = []
    for number, load in enumerate(arriving):
        taken = _take(station, load, tickets)
        segments = [load.segment, taken.segment]
        waiting.append(taken)
        if _share(sends, len(arriving), number):
            sent = _send_on(station, park.device, waiting)
            segments += [sent.segment, _take(park, sent, tickets).segment]
            waiting = []
        yield segments


def _take(taker: JournalWriter, load: _Load, tickets: Counter[int]) -> _Load:
    """Weigh and take a load; a scale's tickets are numbered without gaps."""
    tickets[taker.device] += 1
    grams, at = load.grams * _WEIGHED_PERMILLE // 1000, city.START + taker.next_seq
    weigh_seq = taker.write(
        Kind.WEIGH,
        lot=load.lot,
        gross=_TARE_GRAMS + grams,
        tare=_TARE_GRAMS,
        net=grams,
        ticket=tickets[taker.device],
        calibration=1,
        calibration_until=city.START + 180 * 86_400,
        occurred_at=at,
    )
    taker.write(
        Kind.TAKE,
        lot=load.lot,
        grams=grams,
        give_seq=load.give_seq,
        giver=load.giver,
        give_head=int.from_bytes(load.give_head, "big"),
        weigh_seq=weigh_seq,
        weigher=taker.device,
        occurred_at=at + 60,
    )
    return replace(load, segment=taker.cut(), grams=grams)


def _send_on(station: JournalWriter, park: int, loads: Sequence[_Load]) -> _Load:
    """Merge loads into a lot of the station's own, and give it."""
    into, at = lot_id(station.device, station.next_seq), city.START + station.next_seq
    for load in loads:
        station.write(
            Kind.MERGE, lot=load.lot, grams=load.grams, into=into, stream=Stream.RESIDUAL, occurred_at=at
        )
    grams, lifts = sum(load.grams for load in loads), sum(load.lifts for load in loads)
    give_seq = station.write(Kind.GIVE, lot=into, grams=grams, to=park, lifts=lifts, occurred_at=at)
    head = station.head
    return _Load(station.cut(), into, grams, lifts, station.device, give_seq, head)
