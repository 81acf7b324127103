"""How large the district is, and where that comes from.

What is public of Guangzhou: 15,500 collection points in 11 districts (2025); a street that was counted has 44;
about 90,000 bins when one district's are scaled up. So a mean district has 1,409 points, 32 streets of 44, and 6
bins a point: 8,448 bins. Each is emptied once a day by a truck that has one stream and one street, 7,900 lifts a
day. That is what a crew of one shift does; from the city's tonnes come 45,000 lifts a day and district, for there
bins are emptied several times. Trucks carry up to 6 t to a station; four of their loads go to the park together.
"""

from __future__ import annotations

from dataclasses import dataclass

RECYCLABLE, FOOD, RESIDUAL = 1, 3, 4
POINTS_A_DISTRICT, POINTS_A_STREET = 1409, 44
BINS_A_POINT = ((RESIDUAL, 3), (FOOD, 2), (RECYCLABLE, 1))
STREETS_MIN = 2
"""A label that was copied is used in another street."""
POINTS_A_STREET_MIN = 20
"""Fewer, and a round is too short to show anything."""


@dataclass(frozen=True)
class Size:
    """So many streets, each with so many points."""

    streets: int
    points_a_street: int = POINTS_A_STREET

    @classmethod
    def of_share(cls, share: float) -> Size:
        """Return the size of this share of a mean district, and no less than two short streets."""
        points = share * POINTS_A_DISTRICT
        streets = max(STREETS_MIN, round(points / POINTS_A_STREET))
        return cls(streets, min(POINTS_A_STREET, max(POINTS_A_STREET_MIN, round(points / streets))))

    @property
    def bins(self) -> int:
        """How many bins there are."""
        return self.streets * self.points_a_street * sum(count for _, count in BINS_A_POINT)

    def stops_of(self, stream: int) -> int:
        """Return how many bins a round of a stream has."""
        return self.points_a_street * dict(BINS_A_POINT)[stream]
