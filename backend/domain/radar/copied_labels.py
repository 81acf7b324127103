"""A bin lifted by two devices, one of which cannot have been there: its label has been copied."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from backend.domain.radar.facts import Bins, Floats, Ints, Lifts
from backend.domain.radar.findings import EVIDENCE_MAX, Finding, FindingKind
from backend.domain.radar.moving import Track, track_of, usual_speeds
from backend.domain.radar.outliers import outliers, speed_limit
from backend.domain.radar.statistics import beyond, spread_of
from backend.domain.radar.thresholds import Threshold


def copied_labels(lifts: Lifts, bins: Bins, rule: Threshold) -> list[Finding]:
    """Return a finding for each (bin, device) where the device was elsewhere, and another device lifted the bin.

    Without that other device the bin may simply stand elsewhere than the directory says, and with a believable
    lift of its own the device has only repeated a scan: nothing is said of either.
    How sure: the speed that it would have taken against the median and spread of all legs of these days.
    """
    track = track_of(lifts, bins)
    wrong, speeds = outliers(track, rule)
    if not wrong.any():
        return []
    median, sigma = spread_of(usual_speeds(track, slack_seconds=rule["slack_seconds"]))
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for at in np.flatnonzero(wrong & track.lifts.is_new).tolist():
        groups[int(track.lifts.bin[at]), int(track.lifts.device[at])].append(at)
    found = []
    for (number, device), places in groups.items():
        others, has_own = _believable(track, speeds, rule, number, device, places[0])
        fastest = max(places, key=lambda at: float(speeds[at]))
        confidence = beyond(float(speeds[fastest]), median=median, sigma=sigma)
        if has_own or not len(others) or not rule.is_enough(confidence):
            continue
        shown = [*places[:3], places[0] - 1, places[0] + 1, *others.tolist()][:EVIDENCE_MAX]
        found.append(
            Finding(
                FindingKind.COPIED_LABEL,
                "elsewhere",
                int(track.lifts.occurred_at[places[-1]]),
                {"bin": number, "device": device, "other_device": int(track.lifts.device[others[0]])},
                track.lifts.entries(np.array(shown)),
                confidence,
                {
                    "lifts": len(places),
                    "metres": int(track.metres(np.array([fastest - 1]), np.array([fastest]))[0]),
                    "seconds": int(track.seconds(np.array([fastest - 1]), np.array([fastest]))[0]),
                    "km_per_h": int(float(speeds[fastest]) * 3.6),
                    "usual_km_per_h": int(median * 3.6),
                },
                rule,
                int(bins.site[bins.find(np.array([number]))[0]]),
                doubted=track.lifts.entries(places),
                doubted_grams=track.lifts.grams_by_lot(places),
            )
        )
    return found


def _believable(
    track: Track, speeds: Floats, rule: Threshold, number: int, device: int, at: int
) -> tuple[Ints, bool]:
    """Return the newest two lifts of the bin by others around that time, and whether the device has one too.

    Its own must be well within what is believable: a copy that was scanned closer by is no excuse.
    """
    lifts, limit = track.lifts, speed_limit(rule)
    near = np.abs(lifts.occurred_at - lifts.occurred_at[at]) <= rule["window_seconds"]
    found = np.flatnonzero((lifts.bin == number) & near)
    is_own = lifts.device[found] == np.uint64(device)
    with np.errstate(invalid="ignore"):
        others = found[~is_own & ~(speeds[found] > limit)]
        own = found[is_own & (speeds[found] <= limit / 3)]
    return others[np.argsort(-lifts.occurred_at[others], kind="stable")][:2], len(own) > 0
