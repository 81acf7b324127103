"""Single lifts that their device cannot have made on its way: too far off, there and back."""

from __future__ import annotations

import numpy as np

from backend.domain.radar.facts import Flags, Floats, Ints
from backend.domain.radar.moving import Track, metres_a_second
from backend.domain.radar.thresholds import Threshold


def speed_limit(rule: Threshold) -> float:
    """Return the highest believable speed in metres a second."""
    return rule["speed_max_m_per_h"] / 3600


def detours(track: Track, rule: Threshold) -> Floats:
    """Return the least speed there and back for each lift with others before and after; NaN for the rest.

    Lifts in a row at one place are one stay, however many they are. Only where the way past it, from the stay
    before to the stay after, is believable: else it is not this one that does not fit.
    """
    stays = _stays(track, rule["slack_metres"])
    firsts = np.flatnonzero(np.diff(stays, prepend=-1))
    lasts = np.append(firsts[1:], len(stays)) - 1
    if len(firsts) < 3:
        return np.full(len(track.lifts), np.nan)
    before, first, last, after = lasts[:-2], firsts[1:-1], lasts[1:-1], firsts[2:]
    slack = {"slack_metres": rule["slack_metres"], "slack_seconds": rule["slack_seconds"]}
    way = track.metres(before, first) + track.metres(last, after) - 2 * slack["slack_metres"]
    past = metres_a_second(track, before, after, **slack)
    in_order = (track.seconds(before, first) >= 0) & (track.seconds(last, after) >= 0)
    with np.errstate(invalid="ignore"):
        fits = in_order & (past <= speed_limit(rule))
    seconds = np.maximum(track.seconds(before, after), 0) + slack["slack_seconds"]
    speeds = np.full(len(firsts), np.nan)
    speeds[1:-1] = np.where(fits, np.maximum(way, 0) / seconds, np.nan)
    told: Floats = speeds[stays]
    return told


def _stays(track: Track, within_metres: int) -> Ints:
    """Number the stays: lifts in a row of one device, each near the one before."""
    at = np.arange(max(len(track.lifts) - 1, 0))
    with np.errstate(invalid="ignore"):
        near = track.is_one_journal(at, at + 1) & (track.metres(at, at + 1) <= within_metres)
    return np.concatenate([np.zeros(min(len(track.lifts), 1), dtype=np.int64), np.cumsum(~near)])


def outliers(track: Track, rule: Threshold) -> tuple[Flags, Floats]:
    """Return which lifts do not fit, and the least speed that each would have taken."""
    speeds = detours(track, rule)
    with np.errstate(invalid="ignore"):
        return speeds > speed_limit(rule), speeds
