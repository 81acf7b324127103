"""One white picture a stream, drawn on a square of 24 by 24 in the stream's colour.

Our own drawings in the flat style of GB/T 19095-2019. Holes are painted in the ground colour, so that every
output format can draw them.
"""

from __future__ import annotations

from collections.abc import Callable
from math import cos, radians, sin
from typing import Final

from backend.domain.types import Stream
from backend.labels.shapes import Fill, Path, Point, bar, circle, joined, polygon, rectangle

SIDE: Final = 24.0


def icon(stream: Stream, *, x: float, y: float, size: float, ink: str, ground: str) -> tuple[Fill, ...]:
    """Return the stream's picture with its upper left corner at (x, y)."""
    scale = size / SIDE
    return tuple(
        Fill(path.moved(x, y, scale_x=scale, scale_y=scale), ink if is_ink else ground)
        for path, is_ink in _PICTURES[stream]()
    )


_Layers = list[tuple[Path, bool]]


def _recyclable() -> _Layers:
    """Three arrows that chase each other around a triangle."""
    centre: Point = (12.0, 13.4)
    arrow = _bent_arrow(radius=12.6, width=2.9).moved(*centre)
    return [(joined(arrow.turned(turn, about=centre) for turn in (0, 120, 240)), True)]


def _bent_arrow(*, radius: float, width: float) -> Path:
    """Return a clockwise arrow around the top corner of a triangle about the origin."""
    side = radius * 3**0.5
    top: Point = (0.0, -radius)
    # Along each side as one walks away from the top corner, and out of the triangle.
    left: Point = (-sin(radians(30)), cos(radians(30)))
    right: Point = (sin(radians(30)), cos(radians(30)))

    def on_left(distance: float, inwards: float) -> Point:
        return (
            top[0] + left[0] * distance + right[1] * inwards,
            top[1] + left[1] * distance + right[0] * inwards,
        )

    def on_right(distance: float, inwards: float) -> Point:
        x, y = on_left(distance, inwards)
        return -x, y

    tail, neck, tip, blunt, wing = side * 0.42, side * 0.30, side * 0.50, side * 0.15, width * 0.6
    return polygon(
        [
            on_left(tail, 0),
            on_left(blunt, 0),
            on_right(blunt, 0),
            on_right(neck, 0),
            on_right(neck, -wing),
            on_right(tip, width / 2),
            on_right(neck, width + wing),
            on_right(neck, width),
            (0.0, 2 * width - radius),
            on_left(tail, width),
        ]
    )


def _hazardous() -> _Layers:
    """A battery crossed out."""
    body = [rectangle(6.2, 4.6, 11.6, 17.6, radius=1.8), rectangle(9.4, 1.8, 5.2, 4, radius=0.9)]
    cross = [bar((8.9, 10.3), (15.1, 16.5), 2.1), bar((15.1, 10.3), (8.9, 16.5), 2.1)]
    return [*((path, True) for path in body), *((path, False) for path in cross)]


def _food() -> _Layers:
    """The bones of a fish."""
    head = Path(
        (
            ("M", (1.2, 12.0)),
            ("C", (2.6, 8.2, 5.4, 6.2, 8.6, 6.2)),
            ("L", (8.6, 17.8)),
            ("C", (5.4, 17.8, 2.6, 15.8, 1.2, 12.0)),
            ("Z", ()),
        )
    )
    spine = bar((8.0, 12), (20.0, 12), 1.7)
    ribs = [bar((x - slant, 12 - h), (x, 12.0), 1.6) for x, h, slant in _RIBS]
    ribs += [bar((x - slant, 12 + h), (x, 12.0), 1.6) for x, h, slant in _RIBS]
    tail = polygon([(18.6, 12), (22.6, 7.0), (21.4, 12), (22.6, 17.0)])
    ink = [head, spine, *ribs, tail]
    return [*((path, True) for path in ink), (circle(5.6, 10.3, 0.95), False)]


_RIBS: Final = ((12.2, 5.2, -1.3), (15.2, 4.3, -1.1), (18.0, 3.2, -0.8))


def _residual() -> _Layers:
    """A bin with its lid, and an arrow into it."""
    body = polygon([(4.6, 8.2), (19.4, 8.2), (18.0, 22.2), (6.0, 22.2)])
    lid = rectangle(3.2, 4.6, 17.6, 2.5, radius=1.1)
    handle = rectangle(9.2, 2.0, 5.6, 3.2, radius=1.2)
    arrow = polygon(
        [(10.6, 10.2), (13.4, 10.2), (13.4, 14.9), (16.2, 14.9), (12, 19.8), (7.8, 14.9), (10.6, 14.9)]
    )
    return [
        (handle, True),
        (lid, True),
        (body, True),
        (rectangle(10.6, 3.3, 2.8, 1.3), False),
        (arrow, False),
    ]


_PICTURES: Final[dict[Stream, Callable[[], _Layers]]] = {
    Stream.RECYCLABLE: _recyclable,
    Stream.HAZARDOUS: _hazardous,
    Stream.FOOD: _food,
    Stream.RESIDUAL: _residual,
}
