"""Puts a month together: the same seed gives the same entries."""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass

from backend.domain.days import DAY_SECONDS, day_of
from backend.simulate.month import frauds
from backend.simulate.month.district import CREW_ROLE, District, build
from backend.simulate.month.handoffs import Yard
from backend.simulate.month.journals import Journals
from backend.simulate.month.rounds import Driver
from backend.simulate.month.size import Size

FIRST_MIDNIGHT = 1_772_294_400
"""2026-03-01 00:00 in Shanghai, a Sunday: where a month begins when nobody says otherwise."""
A_THOUSAND_TRUCK_DAYS = 60
_EPOCH_WEEKDAY = 4
"""1970-01-01 was a Thursday."""


@dataclass(frozen=True)
class Month:
    """A district's month, and the truth about it."""

    district: District
    journals: Journals
    days: int
    midnight: int
    """When the month begins."""

    @property
    def end(self) -> int:
        """When somebody looks at it: noon after its last day."""
        return self.midnight + self.days * DAY_SECONDS + DAY_SECONDS // 2

    @property
    def lifts(self) -> int:
        """How many lifts there are."""
        return sum(line.kind == "lift" for lines in self.journals.lines.values() for line in lines)


def make(
    seed: str,
    size: Size,
    *,
    days: int = 30,
    midnight: int = FIRST_MIDNIGHT,
    kinds: Collection[str] = frauds.KINDS,
    a_thousand_truck_days: int = A_THOUSAND_TRUCK_DAYS,
) -> Month:
    """Return the month of a seed; `midnight` (Unix seconds) is where its first day begins in Shanghai.

    The rate is of days on which a truck's crew cheats; with 0, or no kinds, it is a clean month.
    """
    district = build(seed, size)
    plan = frauds.draw(district, days=days, a_thousand_truck_days=a_thousand_truck_days, kinds=kinds)
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
        start = midnight + day * DAY_SECONDS
        weekday = (day_of(start) + _EPOCH_WEEKDAY) % 7
        weekend = 1.12 if weekday in (0, 6) else 1.0
        weather = weekend * (1 + max(-0.15, min(0.3, wetness)))
        loads = [
            load
            for driver in drivers
            for load in driver.drive(day, start, weather, plan.daily.get((driver.truck.device, day)))
        ]
        yard.receive(loads, day)
    _join_phones(journals)
    return Month(district, journals, days, midnight)


def _join_phones(journals: Journals) -> None:
    for device in list(journals.lines):
        journals.roles.setdefault(device, CREW_ROLE)
