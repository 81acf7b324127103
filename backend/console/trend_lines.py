"""Places the points of a chart of days: plain arithmetic; the template draws what comes out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from backend.domain.periods import date_text

WIDTH: Final = 440.0
HEIGHT: Final = 200.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 10.0, 12.0, 26.0
_TICKS: Final = 4
_DAYS_BETWEEN_LABELS: Final = 7


@dataclass(frozen=True)
class Point:
    """A value of a day, what it says, and where its facts are."""

    day: int
    value: float
    title: str
    href: str


@dataclass(frozen=True)
class Line:
    """A line by the name of its colour; None where a day says nothing."""

    group: str
    label: str
    points: Sequence[Point | None]


@dataclass(frozen=True)
class Dot:
    """A point in the picture."""

    point: Point
    x: float
    y: float


@dataclass(frozen=True)
class Drawn:
    """A line in the picture: as many paths as it has stretches without a gap."""

    line: Line
    paths: tuple[str, ...]
    dots: tuple[Dot, ...]


@dataclass(frozen=True)
class Chart:
    """All that is drawn of one chart; ticks are (y, text), days are (x, text)."""

    name: str
    lines: tuple[Drawn, ...]
    ticks: tuple[tuple[float, str], ...]
    days: tuple[tuple[float, str], ...]
    width: float = WIDTH
    height: float = HEIGHT
    left: float = _LEFT
    right: float = WIDTH - _RIGHT
    base: float = HEIGHT - _BOTTOM


def chart_of(name: str, lines: Sequence[Line], first: int, count: int, *, unit: str, most: float | None) -> Chart:
    """Return a chart over so many days; without a `most` the axis ends at a round value above the highest."""
    highest = max((p.value for line in lines for p in line.points if p is not None), default=0.0)
    step = most / _TICKS if most is not None else _round_step(highest / _TICKS)
    top = step * _TICKS if most is not None else step * max(1, math.ceil(highest / step - 1e-9))
    across, up = (WIDTH - _LEFT - _RIGHT) / max(count - 1, 1), (HEIGHT - _TOP - _BOTTOM) / top

    def place(point: Point) -> Dot:
        return Dot(point, _LEFT + (point.day - first) * across, HEIGHT - _BOTTOM - point.value * up)

    drawn = []
    for line in lines:
        dots = [None if point is None else place(point) for point in line.points]
        drawn.append(Drawn(line, _paths(dots), tuple(dot for dot in dots if dot is not None)))
    ticks = tuple(
        (HEIGHT - _BOTTOM - at * step * up, f"{at * step:g}\N{NARROW NO-BREAK SPACE}{unit}")
        for at in range(round(top / step) + 1)
    )
    days = tuple(
        (_LEFT + at * across, date_text(first + at)[5:]) for at in range(count - 1, -1, -_DAYS_BETWEEN_LABELS)
    )
    return Chart(name, tuple(drawn), ticks, days)


def _paths(dots: Sequence[Dot | None]) -> tuple[str, ...]:
    stretches: list[list[Dot]] = [[]]
    for dot in dots:
        if dot is None:
            stretches.append([])
        else:
            stretches[-1].append(dot)
    return tuple(
        "M" + "L".join(f"{dot.x:.1f} {dot.y:.1f}" for dot in stretch) for stretch in stretches if len(stretch) > 1
    )


def _round_step(least: float) -> float:
    """Return 1, 2 or 5 times a power of ten, no smaller than asked for; 1 where nothing is asked for."""
    if least <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(least))
    return next(times * power for times in (1, 2, 5, 10) if times * power >= least * (1 - 1e-9))
