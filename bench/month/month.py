"""Puts a month together: the same seed gives the same entries."""

from __future__ import annotations

import random
from dataclasses import dataclass

from bench.month import frauds
from bench.month.district import CREW_ROLE, District, build
from bench.month.handoffs import Yard
from bench.month.journals import Journals
from bench.month.rounds import Driver

FIRST_MIDNIGHT = 1_772_294_400
"""2026-03-01 00:00 in Shanghai, a Sunday."""
_DAY_SECONDS = 86_400


@dataclass(frozen=True)
class Month:
    """A district's month, and the truth about it."""

    district: District
    journals: Journals
    days: int

    @property
    def midnight(self) -> int:
        """When the month begins."""
        return FIRST_MIDNIGHT

    @property
    def end(self) -> int:
        """When somebody looks at it: noon after its last day."""
        return FIRST_MIDNIGHT + self.days * _DAY_SECONDS + _DAY_SECONDS // 2

    @property
    def lifts(self) -> int:
        """How many lifts there are."""
        return sum(line.kind == "lift" for lines in self.journals.lines.values() for line in lines)


def make(seed: str, *, streets: int = 16, days: int = 30, a_thousand_truck_days: int = 60) -> Month:
    """Return the month of a seed. The rate is of days on which a truck's crew cheats; 0 is a clean month."""
    district = build(seed, streets=streets)
    plan = frauds.draw(district, days=days, a_thousand_truck_days=a_thousand_truck_days)
    journals = Journals()
    journals.roles.update({truck.device: CREW_ROLE for truck in district.trucks})
    yard = Yard(journals, plan, random.Random(f"{seed}/yard"))
    drivers = [
        Driver(district, truck, journals, random.Random(f"{seed}/{truck.device}"), {}) for truck in district.trucks
    ]
    sky = random.Random(f"{seed}/weather")
    wetness = 0.0
    for day in range(days):
        # Rain stays for some days; people throw away less on weekdays.
        wetness = 0.6 * wetness + sky.gauss(0, 0.08)
        weekend = 1.12 if day % 7 in (0, 6) else 1.0
        weather = weekend * (1 + max(-0.15, min(0.3, wetness)))
        midnight = FIRST_MIDNIGHT + day * _DAY_SECONDS
        loads = [
            load
            for driver in drivers
            for load in driver.drive(day, midnight, weather, plan.daily.get((driver.truck.device, day)))
        ]
        yard.receive(loads, day)
    _join_phones(journals)
    return Month(district, journals, days)


def _join_phones(journals: Journals) -> None:
    for device in list(journals.lines):
        journals.roles.setdefault(device, CREW_ROLE)
