"""The city's map drawn by the server: what is there before a script runs, without one, and on paper."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from backend.console.map_level import Level, MapPlace
from backend.console.map_sites import Flow, SitePlace
from backend.domain.extent import Extent, Position

_METRES_A_DEGREE: Final = 111_320
_LEAST_DEGREES: Final = 0.006
_STEPS_OF_GRID: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
_LINES_MAX: Final = 7
_OUTLINE_LEAST: Final = 26.0
_FLOW_WIDEST: Final = 9.0


@dataclass(frozen=True)
class Mark:
    """A place or a site in the picture; `path` is its outline where it is large enough to have one."""

    place: MapPlace | SitePlace
    x: float
    y: float
    path: str


@dataclass(frozen=True)
class Way:
    """A flow in the picture."""

    flow: Flow
    path: str
    width: float


@dataclass(frozen=True)
class MapPicture:
    """All that is drawn, in a frame of so many units; the scale's bar is `bar` units long."""

    width: float
    height: float
    places: tuple[Mark, ...]
    sites: tuple[Mark, ...]
    ways: tuple[Way, ...]
    hull: str
    meridians: tuple[tuple[float, str], ...]
    parallels: tuple[tuple[float, str], ...]
    bar: float
    bar_metres: int


class Projection:
    """Web Mercator, fitted into a frame with room at its edges."""

    def __init__(self, reach: Extent, *, width: float, height: float, room: float) -> None:
        self.width, self.height = width, height
        west, east = _at_least(reach.west, reach.east, _LEAST_DEGREES)
        south, north = (_mercator(lat) for lat in _at_least(reach.south, reach.north, _LEAST_DEGREES))
        self._scale = min((width - 2 * room) / (east - west), (height - 2 * room) / (north - south))
        self._west = (west + east) / 2 - width / 2 / self._scale
        self._north = (south + north) / 2 + height / 2 / self._scale
        self._lat = reach.centre.lat

    def point(self, position: Position) -> tuple[float, float]:
        """Return (x, y) of a position."""
        return (position.lng - self._west) * self._scale, (self._north - _mercator(position.lat)) * self._scale

    def path(self, positions: Sequence[Position], *, is_closed: bool) -> str:
        """Return a path of SVG through these."""
        points = (self.point(position) for position in positions)
        return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) + ("Z" if is_closed else "")

    @property
    def metres_a_unit(self) -> float:
        """How many metres a unit of the frame is, in its middle."""
        return _METRES_A_DEGREE * math.cos(math.radians(self._lat)) / self._scale

    def grid(self) -> tuple[tuple[tuple[float, str], ...], tuple[tuple[float, str], ...]]:
        """Return where meridians and parallels of round degrees run, and what they are called."""
        east = self._west + self.width / self._scale
        south = _latitude(self._north - self.height / self._scale)
        north = _latitude(self._north)
        step = next(
            (step for step in _STEPS_OF_GRID if (east - self._west) / step <= _LINES_MAX), _STEPS_OF_GRID[-1]
        )
        digits = max(0, -math.floor(math.log10(step) + 1e-9))
        meridians = [
            (self.point(Position(lng, self._lat))[0], f"{lng:.{digits}f}°E")
            for lng in _multiples(self._west, east, step)
        ]
        parallels = [
            (self.point(Position(self._west, lat))[1], f"{lat:.{digits}f}°N")
            for lat in _multiples(south, north, step)
        ]
        return tuple(meridians), tuple(parallels)


def picture_of(level: Level, *, width: float, height: float, room: float) -> MapPicture | None:
    """Return the level as a picture; None where nothing says where anything is."""
    reach = level.reach
    if reach is None:
        return None
    project = Projection(reach, width=width, height=height, room=room)
    meridians, parallels = project.grid()
    heaviest = max((flow.grams for flow in level.flows), default=1)
    metres = _bar_metres(project.metres_a_unit * width / 5)
    places = tuple(
        Mark(place, *project.point(place.at), _outline(project, place)) for place in level.places if place.at
    )
    sites = [Mark(site, *project.point(site.at), "") for site in level.sites]
    inside = tuple(mark for mark in sites if 0 <= mark.x <= width and 0 <= mark.y <= height)
    ways = tuple(
        Way(flow, project.path(flow.line, is_closed=False), _breadth(flow.grams / heaviest))
        for flow in level.flows
    )
    hull = project.path(level.hull, is_closed=True) if level.hull else ""
    bar = metres / project.metres_a_unit
    return MapPicture(width, height, places, inside, ways, hull, meridians, parallels, bar, metres)


def _breadth(share: float) -> float:
    return max(1.5, _FLOW_WIDEST * math.sqrt(share))


def _outline(project: Projection, place: MapPlace) -> str:
    if len(place.outline) < 3:
        return ""
    points = [project.point(position) for position in place.outline]
    breadth = min(max(axis) - min(axis) for axis in zip(*points, strict=True))
    return project.path(place.outline, is_closed=True) if breadth >= _OUTLINE_LEAST else ""


def _at_least(low: float, high: float, least: float) -> tuple[float, float]:
    missing = max(0.0, least - (high - low)) / 2
    return low - missing, high + missing


def _bar_metres(most: float) -> int:
    power = 10 ** math.floor(math.log10(most))
    return int(max(times * power for times in (1, 2, 5) if times * power <= most))


def _multiples(low: float, high: float, step: float) -> list[float]:
    return [number * step for number in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _mercator(lat: float) -> float:
    return math.degrees(math.asinh(math.tan(math.radians(lat))))


def _latitude(y: float) -> float:
    return math.degrees(math.atan(math.sinh(math.radians(y))))
