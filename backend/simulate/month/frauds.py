"""Which frauds are hidden where: drawn at a stated rate, each with a strength of its own, weak ones too."""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass
from itertools import islice

from backend.simulate.month.district import District, Truck

DAILY = (
    "copied-label", "replayed-scan", "moved-clock", "ghost-bin", "impossible-speed", "mixed-streams",
    "round-weights", "self-handoff", "missing-mass",
)  # fmt: skip
"""What a crew may do on one day. Those of a whole month concern a vehicle: `MONTHLY`."""
MONTHLY = ("tare-drift", "round-weights")
KINDS = tuple(sorted({*DAILY, *MONTHLY}))
"""The names of all frauds."""
VEHICLES_A_HUNDRED = 16
_STOPS_FOR_ROUND_MASSES, _STOPS_FOR_REPLAYS = 36, 36
"""A crew with a short round has too little of it."""
_LAST_DAYS_WITHOUT = 3
"""A load that was dumped is overdue only some days later, so none is in the last days."""


@dataclass(frozen=True)
class Fraud:
    """A fraud that is to be committed; `strength` from 0, hardly worth it, to 1."""

    kind: str
    how: str
    strength: float


@dataclass(frozen=True)
class Plan:
    """Frauds by (truck, day), and by truck from a day on."""

    daily: dict[tuple[int, int], Fraud]
    monthly: dict[int, tuple[Fraud, int]]


def draw(district: District, *, days: int, a_thousand_truck_days: int, kinds: Collection[str] = KINDS) -> Plan:
    """Return the frauds of a month; none at a rate of 0. A kind is as frequent alone as among all."""
    rng = random.Random(f"{district.seed}/frauds")
    if not a_thousand_truck_days:
        return Plan({}, {})
    truck_days = [(t.device, day) for t in district.trucks for day in range(1, max(days - _LAST_DAYS_WITHOUT, 2))]
    rng.shuffle(truck_days)
    count = max(len(DAILY), len(district.trucks) * days * a_thousand_truck_days // 1000)
    trucks = {t.device: t for t in district.trucks}
    daily: dict[tuple[int, int], Fraud] = {}
    wanted = [kind for at in range(count) if (kind := DAILY[at % len(DAILY)]) in kinds]
    for kind in wanted:
        places = (p for p in truck_days if p not in daily and _can(kind, trucks[p[0]], district))
        for place in islice(places, 1):  # a few days may have no place for all
            daily[place] = _fraud(rng, kind)
    monthly: dict[int, tuple[Fraud, int]] = {}
    vehicles = rng.sample(sorted(trucks), max(2, len(trucks) * VEHICLES_A_HUNDRED // 100))
    for at, vehicle in enumerate(vehicles):
        kind = MONTHLY[at % len(MONTHLY)]
        if kind not in kinds:
            continue
        how = rng.choice(("step", "slowly")) if kind == "tare-drift" else "tickets"
        monthly[vehicle] = Fraud(kind, how, rng.random()), rng.randint(days // 4, max(days * 2 // 3, 1))
    return Plan(daily, monthly)


def _can(kind: str, truck: Truck, district: District) -> bool:
    stops = district.size.stops_of(truck.stream)
    if kind == "round-weights":
        return truck.has_scale and stops >= _STOPS_FOR_ROUND_MASSES
    return stops >= _STOPS_FOR_REPLAYS if kind == "replayed-scan" else True


def _fraud(rng: random.Random, kind: str) -> Fraud:
    hows = {
        "replayed-scan": ("again", "yesterday"),
        "moved-clock": ("back", "ahead"),
        "missing-mass": ("all", "part", "kept"),
        "mixed-streams": ("said", "hidden"),
    }
    return Fraud(kind, rng.choice(hows.get(kind, ("",))), rng.random())
