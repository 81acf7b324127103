"""A day by the hour: bars that are there without a script, and the quarters that the time lapse plays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from backend.console.map_level import Level
from backend.store.quarter_tallies import QUARTERS

HOURS: Final = 24
_QUARTERS_AN_HOUR: Final = QUARTERS // HOURS


@dataclass(frozen=True)
class Hour:
    """What an hour of the day holds, and how high its bar is, from 0 to 1."""

    hour: int
    lifts: int
    grams: int
    receipts: int
    height: float

    @property
    def text(self) -> str:
        """From when until when."""
        return f"{self.hour:02}:00\N{EN DASH}{self.hour + 1:02}:00"


def by_hour(quarters: Any) -> list[int]:
    """Return 24 sums of 96 quarters."""
    return [int(hour) for hour in quarters.reshape(HOURS, _QUARTERS_AN_HOUR).sum(axis=1)]


def hours_of(level: Level) -> list[Hour]:
    """Return a level's day by the hour."""
    quarters = level.quarters
    lifts, grams, receipts = by_hour(quarters[0]), by_hour(quarters[1]), by_hour(level.receipts)
    most = max(*lifts, 1)
    return [Hour(hour, lifts[hour], grams[hour], receipts[hour], lifts[hour] / most) for hour in range(HOURS)]


def spark_of(quarters: Any, *, width: float, height: float) -> list[tuple[float, float, float, float]]:
    """Return small bars (x, y, width, height) of a place's lifts by the hour; empty where there were none."""
    lifts = by_hour(quarters[0])
    most = max(lifts)
    if not most:
        return []
    step = width / HOURS
    return [
        (at * step, height - height * count / most, step * 0.8, height * count / most)
        for at, count in enumerate(lifts)
        if count
    ]
