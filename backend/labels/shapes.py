"""Filled shapes in millimetres, y downwards, that every output format can draw."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import cos, radians, sin
from typing import Literal

Point = tuple[float, float]
Step = tuple[Literal["M", "L", "C", "Z"], tuple[float, ...]]
"""Move to, line to, cubic curve to (two handles and the end), close."""

_ROUND = 0.5522847498
"""Length of a cubic's handle, in radii, that makes a quarter of a circle."""


@dataclass(frozen=True)
class Path:
    """One or more closed outlines."""

    steps: tuple[Step, ...]

    def moved(self, dx: float, dy: float, *, scale_x: float = 1, scale_y: float = 1) -> Path:
        """Return the same path scaled about the origin and then moved."""
        return Path(
            tuple(
                (kind, tuple(v * scale_y + dy if i % 2 else v * scale_x + dx for i, v in enumerate(values)))
                for kind, values in self.steps
            )
        )

    def turned(self, degrees: float, *, about: Point) -> Path:
        """Return the same path turned clockwise, as the eye sees it."""
        c, s = cos(radians(degrees)), sin(radians(degrees))
        x0, y0 = about

        def turn(values: tuple[float, ...]) -> tuple[float, ...]:
            out: list[float] = []
            for x, y in zip(values[::2], values[1::2], strict=True):
                out += [x0 + (x - x0) * c - (y - y0) * s, y0 + (x - x0) * s + (y - y0) * c]
            return tuple(out)

        return Path(tuple((kind, turn(values)) for kind, values in self.steps))


@dataclass(frozen=True)
class Fill:
    """A path in one colour (`#rrggbb`)."""

    path: Path
    colour: str


@dataclass(frozen=True)
class Words:
    """A line of text; `x` is its start, middle or end, `y` its baseline, `size` its em."""

    text: str
    x: float
    y: float
    size: float
    colour: str
    bold: bool = False
    anchor: Literal["start", "middle", "end"] = "start"


@dataclass(frozen=True)
class Code:
    """A QR code: rows of modules (true is dark) in a square whose quiet zone lies around it."""

    rows: tuple[tuple[bool, ...], ...]
    x: float
    y: float
    size: float


Item = Fill | Words | Code


@dataclass(frozen=True)
class Drawing:
    """What to draw, in order, on a white ground."""

    width: float
    height: float
    items: tuple[Item, ...]


def polygon(points: Sequence[Point]) -> Path:
    """Return the outline through these points."""
    first, *rest = points
    return Path((("M", first), *(("L", point) for point in rest), ("Z", ())))


def rectangle(x: float, y: float, width: float, height: float, *, radius: float = 0) -> Path:
    """Return a rectangle, with round corners if asked."""
    r = min(radius, width / 2, height / 2)
    if r <= 0:
        return polygon([(x, y), (x + width, y), (x + width, y + height), (x, y + height)])
    k = r * (1 - _ROUND)
    right, bottom = x + width, y + height
    return Path(
        (
            ("M", (x + r, y)),
            ("L", (right - r, y)),
            ("C", (right - k, y, right, y + k, right, y + r)),
            ("L", (right, bottom - r)),
            ("C", (right, bottom - k, right - k, bottom, right - r, bottom)),
            ("L", (x + r, bottom)),
            ("C", (x + k, bottom, x, bottom - k, x, bottom - r)),
            ("L", (x, y + r)),
            ("C", (x, y + k, x + k, y, x + r, y)),
            ("Z", ()),
        )
    )


def circle(x: float, y: float, radius: float) -> Path:
    """Return a circle about (x, y)."""
    return rectangle(x - radius, y - radius, 2 * radius, 2 * radius, radius=radius)


def bar(start: Point, end: Point, width: float) -> Path:
    """Return a straight stroke with square ends."""
    (x0, y0), (x1, y1) = start, end
    length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
    nx, ny = (y1 - y0) / length * width / 2, (x0 - x1) / length * width / 2
    return polygon([(x0 + nx, y0 + ny), (x1 + nx, y1 + ny), (x1 - nx, y1 - ny), (x0 - nx, y0 - ny)])


def joined(paths: Iterable[Path]) -> Path:
    """Return one path with all their outlines."""
    return Path(tuple(step for path in paths for step in path.steps))


def flattened(path: Path, *, steps_per_curve: int = 12) -> list[list[Point]]:
    """Return the outlines as polygons, curves cut into straight pieces."""
    outlines: list[list[Point]] = []
    for kind, v in path.steps:
        if kind == "M":
            outlines.append([(v[0], v[1])])
        elif kind == "L":
            outlines[-1].append((v[0], v[1]))
        elif kind == "C":
            x0, y0 = outlines[-1][-1]
            for step in range(1, steps_per_curve + 1):
                t = step / steps_per_curve
                a, b, c, d = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
                x = a * x0 + b * v[0] + c * v[2] + d * v[4]
                y = a * y0 + b * v[1] + c * v[3] + d * v[5]
                outlines[-1].append((x, y))
    return outlines
