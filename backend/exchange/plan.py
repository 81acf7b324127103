"""A day's plan: which truck empties which bins when, and where it then goes. Feeds the simulator.

Format `huanlian-plan-1` is JSON Lines, so that a city's day can be read truck by truck:

* line 1, the header: `{"format": "huanlian-plan-1", "source": text, "seed": integer, "stations": {name:
  {"district": text, "park": name or null}}, "runs": count, "stops": count, "grams": sum}`;
* every other line, one run of one truck: `{"truck": text, "stream": "residual", "station": name, "park": name
  or null, "stops": [{"point": code, "occurred_at": seconds, "grams": integer}, ...]}`.

`occurred_at` counts seconds from local midnight of the service day (it may pass 86,400) and grows from stop
to stop. A stop is one bin: that of the run's stream at that point. `park` is null when the load goes no
further than the station, as recyclables do that are sold there. `truck` is never a plate, only a name.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from random import Random
from typing import Any, Final, TextIO

from backend.domain.errors import DomainError
from backend.domain.types import Grams, Stream
from backend.exchange.points import CollectionPoint

FORMAT: Final = "huanlian-plan-1"

GRAMS_PER_LIFT: Final[Mapping[Stream, tuple[int, int]]] = {
    Stream.RESIDUAL: (35_000, 60_000),
    Stream.FOOD: (80_000, 120_000),
    Stream.RECYCLABLE: (8_000, 25_000),
    Stream.HAZARDOUS: (500, 4_000),
}
"""What a bin holds, least and most: residual and food as the city's derived load, the others assumed."""


class PlanNotReadable(DomainError):
    """The text is not a plan of this format."""

    slug = "plan-not-readable"
    title = "The plan cannot be read"

    def __init__(self, *, line: int, reason: str) -> None:
        super().__init__(f"Line {line}: {reason}")
        self.line, self.reason = line, reason


@dataclass(frozen=True)
class PlanStop:
    """One bin to be emptied."""

    point: str
    occurred_at: int
    grams: Grams


@dataclass(frozen=True)
class PlanRun:
    """One truck's round for one stream, the station it unloads at and the park that the load goes on to."""

    truck: str
    stream: Stream
    station: str
    park: str | None
    stops: tuple[PlanStop, ...]

    def grams(self) -> Grams:
        """Return what the truck carries at the end."""
        return Grams(sum(stop.grams for stop in self.stops))


@dataclass(frozen=True)
class PlanStation:
    """A transfer station: the district it serves and the park it sends to."""

    district: str
    park: str | None


@dataclass(frozen=True)
class Plan:
    """A whole plan in memory; `skipped` are codes of points that no truck visits at a known time."""

    source: str
    seed: int
    stations: Mapping[str, PlanStation]
    runs: tuple[PlanRun, ...]
    skipped: tuple[str, ...] = ()


def grams_of(*, seed: int, truck: str, point: str, stream: Stream) -> Grams:
    """Return what the bin holds: the same for the same arguments, whatever else is in the plan."""
    low, high = GRAMS_PER_LIFT[stream]
    return Grams(Random(f"{seed}/{truck}/{point}/{stream}").randrange(low, high, 10))


def build_plan(points: Sequence[CollectionPoint], *, seed: int, parks: Sequence[str]) -> Plan:
    """Return the plan of imported truck stops: every stop a bin, every truck a device.

    A district has one station, stations take turns between the parks, and a truck that serves two districts
    unloads where most of its stops are. The order of `points` makes no difference.
    """
    usable = [p for p in points if p.truck.strip() and p.arrives_at is not None]
    skipped = sorted(p.code for p in points if not p.truck.strip() or p.arrives_at is None)
    districts = sorted({p.district for p in usable})
    names = {district: f"station-{number:02d}" for number, district in enumerate(districts, start=1)}
    stations = {
        names[district]: PlanStation(district, parks[number % len(parks)] if parks else None)
        for number, district in enumerate(districts)
    }
    trucks = {truck: f"truck-{number:03d}" for number, truck in enumerate(sorted({p.truck for p in usable}), 1)}
    rounds: dict[tuple[str, Stream], list[CollectionPoint]] = {}
    for point in sorted(usable, key=lambda p: (p.arrives_at or 0, p.leaves_at or 0, p.code)):
        for stream in point.streams:
            rounds.setdefault((trucks[point.truck], stream), []).append(point)
    runs = []
    for (truck, stream), stops in sorted(rounds.items()):
        by_district = Counter(stop.district for stop in stops)
        station = names[min(by_district, key=lambda district: (-by_district[district], district))]
        park = stations[station].park
        runs.append(PlanRun(truck, stream, station, park, tuple(_stops(stops, seed, truck, stream))))
    source = points[0].source if points else ""
    return Plan(source, seed, stations, tuple(runs), tuple(skipped))


def _stops(points: Iterable[CollectionPoint], seed: int, truck: str, stream: Stream) -> Iterator[PlanStop]:
    previous = -1
    for point in points:
        previous = max(previous + 1, point.arrives_at or 0)
        grams = grams_of(seed=seed, truck=truck, point=point.code, stream=stream)
        yield PlanStop(point.code, previous, grams)


def write_plan(plan: Plan, out: TextIO) -> None:
    """Write the plan as JSON Lines."""
    header = {
        "format": FORMAT,
        "source": plan.source,
        "seed": plan.seed,
        "stations": {name: asdict(station) for name, station in plan.stations.items()},
        "runs": len(plan.runs),
        "stops": sum(len(run.stops) for run in plan.runs),
        "grams": sum(run.grams() for run in plan.runs),
    }
    out.write(_line(header))
    for run in plan.runs:
        out.write(_line({**asdict(run), "stream": run.stream.name.lower()}))


def read_header(lines: Iterator[str]) -> Mapping[str, Any]:
    """Return a plan's header, taking its first line.

    Raises:
        PlanNotReadable: not a plan, or one of another format.
    """
    header = _object(next(lines, ""), 1)
    if header.get("format") != FORMAT:
        raise PlanNotReadable(line=1, reason=f"the format is {header.get('format')!r}, not {FORMAT!r}")
    return header


def read_runs(lines: Iterable[str]) -> Iterator[PlanRun]:
    """Yield the runs of a plan one by one; only one is in memory at a time.

    Raises:
        PlanNotReadable: a line that is no run, or fewer or more runs than the header says.
    """
    rest = iter(lines)
    expected = read_header(rest).get("runs")
    count = 0
    for count, text in enumerate(rest, start=1):
        yield _run(_object(text, count + 1), count + 1)
    if count != expected:
        raise PlanNotReadable(line=count + 1, reason=f"there are {count} runs, the header says {expected}")


def _run(content: Mapping[str, Any], line: int) -> PlanRun:
    try:
        stops = tuple(
            PlanStop(str(stop["point"]), int(stop["occurred_at"]), Grams(int(stop["grams"])))
            for stop in content["stops"]
        )
        park = content["park"]
        run = PlanRun(
            truck=str(content["truck"]),
            stream=Stream[content["stream"].upper()],
            station=str(content["station"]),
            park=None if park is None else str(park),
            stops=stops,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise PlanNotReadable(line=line, reason=f"not a run: {error!r}") from error
    times = [stop.occurred_at for stop in stops]
    if any(later <= earlier for earlier, later in pairwise(times)):
        raise PlanNotReadable(line=line, reason="occurred_at does not grow from stop to stop")
    if any(stop.grams <= 0 for stop in stops):
        raise PlanNotReadable(line=line, reason="a stop without grams")
    return run


def _object(text: str, line: int) -> Mapping[str, Any]:
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise PlanNotReadable(line=line, reason=str(error)) from error
    if not isinstance(content, dict):
        raise PlanNotReadable(line=line, reason="not an object")
    return content


def _line(content: Mapping[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n"
