"""A morning in the demo city as a plan (`huanlian-plan-1`).

Run `python -m backend.demo.morning` after a change of the city; it rewrites `data/morning-plan.jsonl`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random
from typing import Final

from backend.demo.city import PLAN, Crew, DemoCity, load_demo_city
from backend.domain.types import Stream
from backend.exchange.plan import Plan, PlanRun, PlanStation, PlanStop, grams_of, write_plan

SEED: Final = 1
STATION: Final = "station"
PARK_OF: Final[Mapping[Stream, str | None]] = {
    Stream.RESIDUAL: "likeng",
    Stream.FOOD: "fushan",
    Stream.HAZARDOUS: "fushan",
    Stream.RECYCLABLE: None,
}
"""Where each stream goes from the station; recyclables are sold there."""

BEGINS_AT: Final[Mapping[Stream, int]] = {
    Stream.RESIDUAL: 6 * 3600,
    Stream.FOOD: 6 * 3600 + 900,
    Stream.RECYCLABLE: 6 * 3600 + 1800,
    Stream.HAZARDOUS: 9 * 3600 + 1800,
}
"""Seconds after midnight; crew 3 goes out for hazardous waste when its recyclables are unloaded."""

_SECONDS_BETWEEN_STOPS: Final = (100, 260)


def morning_plan(city: DemoCity, *, seed: int = SEED) -> Plan:
    """Return each crew's rounds; the same for the same city and seed."""
    runs = tuple(_run(city, crew, stream, seed) for crew in city.crews for stream in crew.streams)
    station = PlanStation(district=city.site(city.street).name.zh, park=None)
    return Plan("demo", seed, {STATION: station}, runs)


def _run(city: DemoCity, crew: Crew, stream: Stream, seed: int) -> PlanRun:
    stops = tuple(_stops(city, crew, stream, seed))
    return PlanRun(crew.key, stream, STATION, PARK_OF[stream], stops)


def _stops(city: DemoCity, crew: Crew, stream: Stream, seed: int) -> Iterator[PlanStop]:
    pace = Random(f"{seed}/{crew.key}/{stream}")
    at = BEGINS_AT[stream]
    for point in city.points:
        if stream in point.streams:
            yield PlanStop(point.code, at, grams_of(seed=seed, truck=crew.key, point=point.code, stream=stream))
            at += pace.randrange(*_SECONDS_BETWEEN_STOPS)


if __name__ == "__main__":
    with PLAN.open("w", encoding="utf-8", newline="\n") as file:
        write_plan(morning_plan(load_demo_city()), file)
