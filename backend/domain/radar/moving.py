"""How far and how fast a device went from one lift to the next, as far as bins tell.

Lifts are taken in the order in which the device wrote them, not by its clock: a clock that was moved back
would mix two hours, and make an honest round look like flying. Where the clock ran backwards nothing is said.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from backend.domain.radar.facts import NOWHERE, Bins, Flags, Floats, Ints, Lifts

_METRES_A_DEGREE = 111_195.0
"""Of latitude: a sixtieth of it is a nautical mile, 1,853 m on the mean sphere of 6,371 km."""


class Track(NamedTuple):
    """Lifts in the order of their journals, and where each bin stands; NaN where that is not known."""

    lifts: Lifts
    latitude: Floats
    longitude: Floats

    def without(self, left_out: Flags) -> Track:
        """Return the track as it is when some lifts had not been."""
        kept = ~left_out
        return Track(self.lifts.where(kept), self.latitude[kept], self.longitude[kept])

    def metres(self, first: Ints, second: Ints) -> Floats:
        """Return how far bins stand from one another; NaN where that is not known.

        On a plane, which is right to a thousandth over the size of a city.
        """
        north = (self.latitude[second] - self.latitude[first]) * _METRES_A_DEGREE
        narrowing = np.cos(np.radians(self.latitude[first]))
        east = (self.longitude[second] - self.longitude[first]) * _METRES_A_DEGREE * narrowing
        distance: Floats = np.hypot(north, east)
        return distance

    def seconds(self, first: Ints, second: Ints) -> Ints:
        """Return the time between lifts by the device's clock."""
        return self.lifts.occurred_at[second] - self.lifts.occurred_at[first]

    def is_one_journal(self, first: Ints, second: Ints) -> Flags:
        """Say whether both lifts are of one device."""
        same: Flags = self.lifts.device[first] == self.lifts.device[second]
        return same


def track_of(lifts: Lifts, bins: Bins) -> Track:
    """Return the lifts in the order of their journals, with the places of their bins."""
    ordered = lifts.in_journal_order()
    at = bins.find(ordered.bin)
    known = at != NOWHERE
    latitude, longitude = np.full(len(ordered), np.nan), np.full(len(ordered), np.nan)
    latitude[known], longitude[known] = bins.latitude[at[known]], bins.longitude[at[known]]
    return Track(ordered, latitude, longitude)


def metres_a_second(track: Track, first: Ints, second: Ints, *, slack_metres: int, slack_seconds: int) -> Floats:
    """Return the least speed between lifts; NaN where place or order of time are not known.

    The slack is what a bin may stand beside its point, and a clock beside the time.
    """
    distance = np.maximum(track.metres(first, second) - slack_metres, 0)
    seconds = track.seconds(first, second)
    usable = track.is_one_journal(first, second) & (seconds >= 0)
    speed: Floats = np.where(usable, distance / (np.maximum(seconds, 0) + slack_seconds), np.nan)
    return speed


def usual_speeds(track: Track, *, slack_seconds: int) -> Floats:
    """Return the speeds of all legs between different places that can be told, with nothing taken off."""
    at = np.arange(len(track.lifts) - 1)
    speeds = metres_a_second(track, at, at + 1, slack_metres=0, slack_seconds=slack_seconds)
    told: Floats = speeds[np.isfinite(speeds) & (speeds > 0)]
    return told
