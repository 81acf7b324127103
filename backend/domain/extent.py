"""How far a street or a district reaches, as eight extremes of its collection points; plain arithmetic.

Eight extremes are what a database can add up without handing over a single point, and they join: a district's are
those of its streets. Degrees throughout; the shapes are for pictures, not for surveying.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

_DIAGONAL = math.sqrt(2)


class Position(NamedTuple):
    """Where something stands, in degrees."""

    lng: float
    lat: float


class Extent(NamedTuple):
    """The least and the greatest longitude, latitude, sum of both, and longitude less latitude."""

    west: float
    east: float
    south: float
    north: float
    sum_least: float
    sum_most: float
    difference_least: float
    difference_most: float

    @property
    def centre(self) -> Position:
        """Halfway between the extremes."""
        return Position((self.west + self.east) / 2, (self.south + self.north) / 2)

    def outline(self, *, margin: float) -> list[Position]:
        """Return the corners of the smallest octagon around it, counterclockwise, `margin` degrees outside."""
        west, east, south, north = (
            self.west - margin,
            self.east + margin,
            self.south - margin,
            self.north + margin,
        )
        sum_least, sum_most = self.sum_least - margin * _DIAGONAL, self.sum_most + margin * _DIAGONAL
        least, most = self.difference_least - margin * _DIAGONAL, self.difference_most + margin * _DIAGONAL
        corners = [
            Position(max(west, sum_least - south), south),
            Position(min(east, most + south), south),
            Position(east, max(south, east - most)),
            Position(east, min(north, sum_most - east)),
            Position(min(east, sum_most - north), north),
            Position(max(west, least + north), north),
            Position(west, min(north, west - least)),
            Position(west, max(south, sum_least - west)),
        ]
        return [corner for at, corner in enumerate(corners) if corner != corners[at - 1]]


def extent_of(positions: Iterable[Position]) -> Extent | None:
    """Return how far these reach; None where there are none."""
    return joined(Extent(x, x, y, y, x + y, x + y, x - y, x - y) for x, y in positions)


def joined(extents: Iterable[Extent]) -> Extent | None:
    """Return how far all of these reach together; None where there are none."""
    columns = list(zip(*extents, strict=True))
    if not columns:
        return None
    return Extent(*(min(column) if at % 2 == 0 else max(column) for at, column in enumerate(columns)))
