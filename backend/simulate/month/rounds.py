"""A truck's day: rounds, masses, times, slips, phones without signal, and what a fraud makes of them."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from backend.simulate.month.district import Bin, District, Truck
from backend.simulate.month.frauds import Fraud
from backend.simulate.month.journals import Case, Journals
from backend.simulate.month.size import FOOD, RESIDUAL

_TRIP_GRAMS_MAX = 6_000_000


@dataclass(frozen=True)
class Stop:
    """One lift as it will be written; `grams` is what is written, `true_grams` what was in the bin."""

    at: float
    bin: Bin
    stream: int
    grams: int
    true_grams: float
    is_lie: bool = False
    back_seconds: int = 0


@dataclass
class Load:
    """What came of a trip: a lot with its grams, on the way to a station."""

    lot: int
    truck: Truck
    at: float
    said_grams: int
    true_grams: float
    give_seq: int
    lifts: int
    taken_as: int
    fraud: Fraud | None
    case: Case | None
    broke_down: bool


@dataclass
class Driver:
    """Drives one truck through the month."""

    district: District
    truck: Truck
    journals: Journals
    rng: random.Random
    yesterday: dict[int, int]

    def drive(self, day: int, midnight: int, weather: float, fraud: Fraud | None) -> list[Load]:
        """Write the truck's day; return its loads."""
        stops = self._round(midnight, weather)
        case = None
        if fraud is not None and fraud.kind not in ("self-handoff", "missing-mass"):
            case = self.journals.new_case(fraud.kind, fraud.how, day, self.truck.device)
            stops = self._cheat(stops, fraud)
        self.yesterday = {stop.bin.number: stop.grams for stop in stops}
        offline = self.rng.random() < 0.12
        trips = self._trips(stops)
        # A lie about one trip is told on a trip with enough in it.
        told_on = max(range(len(trips)), key=lambda at: len(trips[at]))
        return [
            self._write(trip, case, offline, fraud if at == told_on and case is None else None, day)
            for at, trip in enumerate(trips)
        ]

    def _round(self, midnight: int, weather: float) -> list[Stop]:
        rng, truck = self.rng, self.truck
        bins = [b for b in self.district.round_of(truck) if rng.random() < 0.93]
        at = midnight + rng.gauss(5.5, 0.4) * 3600
        here = bins[0].metres
        stops: list[Stop] = []
        for bin_ in bins:
            away = abs(bin_.metres[0] - here[0]) + abs(bin_.metres[1] - here[1])
            at += away / rng.uniform(3.0, 6.5) + rng.uniform(18, 70) + (rng.random() < 0.02) * rng.uniform(60, 900)
            here = bin_.metres
            true = bin_.mean_grams * weather * rng.lognormvariate(0, 0.28)
            stops.append(Stop(at, bin_, truck.stream, self._read(true), true))
            if rng.random() < 0.003:  # pressed twice
                stops.append(replace(stops[-1], at=at + rng.uniform(3, 40), true_grams=0))
            if rng.random() < 0.002:  # the wrong button
                stops[-1] = replace(stops[-1], stream=FOOD if truck.stream == RESIDUAL else RESIDUAL)
            if rng.random() < 0.0004:  # somebody else's label
                stray = replace(bin_, number=rng.randrange(1 << 32, 1 << 40))
                stops.append(Stop(at + 30, stray, truck.stream, self._read(true), true))
        if rng.random() < 0.02:
            stops += self._help_out(at, weather)
        return stops

    def _help_out(self, at: float, weather: float) -> list[Stop]:
        """After its round the truck helps in another street, where some bins are full again."""
        street = (self.truck.street + self.rng.randrange(1, self.district.streets)) % self.district.streets
        bins = [b for b in self.district.bins if b.street == street and b.stream == self.truck.stream]
        at += 1800
        stops = []
        for bin_ in sorted(self.rng.sample(bins, min(12, len(bins))), key=lambda b: b.point):
            at += self.rng.uniform(150, 400)
            true = bin_.mean_grams * weather * self.rng.lognormvariate(-0.5, 0.3)
            stops.append(Stop(at, bin_, self.truck.stream, self._read(true), true))
        return stops

    def _read(self, true: float) -> int:
        if self.truck.has_scale:
            step = self.truck.scale_step_grams
            return max(step, round(true * self.rng.gauss(1, 0.02) / step) * step)
        return max(5000, round(true * self.rng.lognormvariate(0, 0.15) / 5000) * 5000)

    def _trips(self, stops: list[Stop]) -> list[list[Stop]]:
        trips: list[list[Stop]] = [[]]
        grams, delay = 0.0, 0.0
        for stop in stops:
            if grams > _TRIP_GRAMS_MAX:
                trips.append([])
                grams = 0
                delay += self.rng.uniform(3000, 5400)
            grams += stop.true_grams
            trips[-1].append(replace(stop, at=stop.at + delay))
        return trips

    # --- lies ----------------------------------------------------------------------------------------------

    def _cheat(self, stops: list[Stop], fraud: Fraud) -> list[Stop]:
        lie = {
            "copied-label": self._copy_label,
            "replayed-scan": self._replay,
            "moved-clock": self._move_clock,
            "ghost-bin": self._ghosts,
            "impossible-speed": self._from_photos,
            "mixed-streams": self._mix,
            "round-weights": self._round_masses,
        }[fraud.kind]
        return lie(stops, fraud)

    def _copy_label(self, stops: list[Stop], fraud: Fraud) -> list[Stop]:
        """A sticker from another street is scanned in between, as if it had been there."""
        others = [b for b in self.district.bins if b.street != self.truck.street and b.stream == self.truck.stream]
        copied = self.rng.choice([b for b in others if b.placed_day < 0])
        places = sorted(self.rng.sample(range(5, len(stops) - 5), 1 + round(3 * fraud.strength)))
        for done, at in enumerate(places):
            near = stops[at + done]
            true = copied.mean_grams
            stops.insert(
                at + done + 1,
                Stop(near.at + self.rng.uniform(5, 15), copied, near.stream, self._read(true), 0, True),
            )
        return stops

    def _replay(self, stops: list[Stop], fraud: Fraud) -> list[Stop]:
        if fraud.how == "yesterday" and self.yesterday:
            known = [at for at, stop in enumerate(stops) if stop.bin.number in self.yesterday]
            for at in self.rng.sample(known, round(len(known) * (0.6 + 0.4 * fraud.strength))):
                stops[at] = replace(stops[at], grams=self.yesterday[stops[at].bin.number], is_lie=True)
            return stops
        count = round(5 + 20 * fraud.strength)
        for _ in range(count):
            at = self.rng.randrange(25, len(stops))
            old = stops[self.rng.randrange(max(0, at - 60), at - 12)]
            again = replace(old, at=stops[at].at + self.rng.uniform(4, 12), true_grams=0, is_lie=True)
            stops.insert(at + 1, again)
        return stops

    def _move_clock(self, stops: list[Stop], fraud: Fraud) -> list[Stop]:
        """For a part of the round the phone's clock is hours behind, or ahead."""
        jump = round(1800 + 12_600 * fraud.strength) * (1 if fraud.how == "back" else -1)
        first = self.rng.randrange(min(10, len(stops) // 4), len(stops) // 2)
        last = min(len(stops), first + self.rng.randrange(15, 60))
        return [
            replace(stop, back_seconds=jump, is_lie=True) if first <= at < last else stop
            for at, stop in enumerate(stops)
        ]

    def _ghosts(self, stops: list[Stop], fraud: Fraud) -> list[Stop]:
        for _ in range(round(4 + 20 * fraud.strength)):
            at = self.rng.randrange(3, len(stops))
            near = stops[at]
            ghost = replace(near.bin, number=self.rng.randrange(1 << 32, 1 << 40))
            grams = self._read(near.bin.mean_grams)
            stops.insert(at + 1, Stop(near.at + self.rng.uniform(5, 20), ghost, near.stream, grams, 0, True))
        return stops

    def _from_photos(self, stops: list[Stop], fraud: Fraud) -> list[Stop]:
        """The end of the round is scanned from photographs, parked somewhere."""
        first = len(stops) - min(len(stops) - 5, round(18 + 30 * fraud.strength))
        at, done = stops[first].at, stops[:first]
        for stop in stops[first:]:
            at += self.rng.uniform(2, 8)
            done.append(replace(stop, at=at, true_grams=0, is_lie=True))
        return done

    def _mix(self, stops: list[Stop], fraud: Fraud) -> list[Stop]:
        """Bins of another stream at the same points go into this load."""
        other = FOOD if self.truck.stream == RESIDUAL else RESIDUAL
        nearby = [b for b in self.district.bins if b.street == self.truck.street and b.stream == other]
        points = {stop.bin.point for stop in stops}
        known = [b for b in nearby if b.placed_day < 0 and b.point in points]
        for mixed in self.rng.sample(known, min(len(known), round(7 + 25 * fraud.strength))):
            at = next(at for at, stop in enumerate(stops) if stop.bin.point == mixed.point)
            stream = other if fraud.how == "said" else self.truck.stream
            true = mixed.mean_grams * self.rng.lognormvariate(0, 0.25)
            stops.insert(
                at + 1, Stop(stops[at].at + self.rng.uniform(5, 20), mixed, stream, self._read(true), true, True)
            )
        return stops

    def _round_masses(self, stops: list[Stop], fraud: Fraud) -> list[Stop]:
        share = 0.5 + 0.5 * fraud.strength
        step = self.rng.choice((5_000, 10_000))
        return [
            replace(stop, grams=max(step, round(stop.grams / step) * step), is_lie=True)
            if self.rng.random() < share
            else stop
            for stop in stops
        ]

    # --- writing -------------------------------------------------------------------------------------------

    def _write(self, trip: list[Stop], case: Case | None, offline: bool, fraud: Fraud | None, day: int) -> Load:
        truck, journals = self.truck, self.journals
        trip.sort(key=lambda stop: stop.at)
        lot = journals.new_lot(truck.device)
        clock = truck.clock_seconds
        first = journals.write(
            truck.device, "load", lot=lot, stream=truck.stream, vehicle=truck.vehicle,
            occurred_at=round(trip[0].at + clock) - 60,
        )  # fmt: skip
        sent_at, last_seq = trip[0].at, 0
        for stop in trip:
            last_seq = journals.write(
                truck.device,
                "lift",
                case=case if stop.is_lie else None,
                bin=stop.bin.number,
                stream=stop.stream,
                grade=1,
                basis=2 if truck.has_scale else 1,
                occurred_at=round(stop.at + clock - stop.back_seconds),
                grams=stop.grams,
            )
            if case is not None and stop.is_lie:
                _tell_what_follows(case, truck.device, last_seq)
            if not offline and stop.at - sent_at > 1500:
                sent_at = stop.at
                journals.upload(truck.device, first, round(stop.at + self.rng.uniform(15, 90)))
        at = trip[-1].at + self.rng.uniform(700, 1800)
        said = sum(stop.grams for stop in trip)
        told = None if fraud is None else journals.new_case(fraud.kind, fraud.how, day, truck.device)
        broke_down = fraud is None and case is None and self.rng.random() < 0.006
        stays = broke_down or (fraud is not None and fraud.kind == "self-handoff")
        to = truck.organisation if stays else truck.gate_organisation
        is_kept = fraud is not None and fraud.how == "kept"
        give_seq = 0 if is_kept else journals.write(
            truck.device, "give", case=told, lot=lot, grams=said, last_seq=last_seq, to=to << 40, lifts=len(trip),
            occurred_at=round(at + clock),
        )  # fmt: skip
        if told is not None and is_kept:
            told.lines.add((truck.device, last_seq))
        # At the gate there is a signal, whatever there was on the round.
        journals.upload(truck.device, first, round(at + self.rng.uniform(10, 60)))
        true = sum(stop.true_grams for stop in trip)
        if case is not None and any(stop.is_lie and not stop.true_grams for stop in trip):
            # Grams that were never lifted do not arrive either.
            case.implies("missing-mass", truck.device, give_seq)
        # What is mixed is not taken for clean.
        taken_as = RESIDUAL if any(stop.stream != truck.stream for stop in trip) else truck.stream
        return Load(lot, truck, at, said, true, give_seq, len(trip), taken_as, fraud, told, broke_down)


def _tell_what_follows(case: Case, device: int, seq: int) -> None:
    """A scan from afar is of a copy, and soon after one that is far off; a copy is scanned again and again."""
    if case.kind == "copied-label":
        case.implies("replayed-scan", device, seq)
    elif case.kind in ("impossible-speed", "replayed-scan"):
        case.implies("copied-label", device, seq)
        case.implies("impossible-speed", device, seq)
