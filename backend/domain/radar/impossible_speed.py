"""A round that no vehicle can drive: many bins at many places in no time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from backend.domain.radar.facts import Bins, Flags, Floats, Ints, Lifts
from backend.domain.radar.findings import EVIDENCE_MAX, Finding, FindingKind
from backend.domain.radar.moving import Track, track_of, usual_speeds
from backend.domain.radar.outliers import outliers, speed_limit
from backend.domain.radar.statistics import beyond, spread_of
from backend.domain.radar.thresholds import Threshold


def impossible_speed(lifts: Lifts, bins: Bins, rule: Threshold) -> list[Finding]:
    """Return a finding for each device with a run of `legs` legs or more that is faster than believable.

    Single lifts that do not fit are left out first: those are for `copied_labels`. How sure: the speed over
    the whole run against the median and spread of all legs of these days.
    """
    whole = track_of(lifts, bins)
    track = whole.without(outliers(whole, rule)[0])
    legs = rule["legs"]
    if len(track.lifts) <= legs:
        return []
    speeds = _stretches(track, rule)
    fast = np.nan_to_num(speeds) > speed_limit(rule)
    if not fast.any():
        return []
    median, sigma = spread_of(usual_speeds(track, slack_seconds=rule["slack_seconds"]))
    by_device: dict[int, list[Ints]] = defaultdict(list)
    for first, last in _runs(fast, track):
        if track.lifts.is_new[last + legs]:
            by_device[int(track.lifts.device[first])].append(np.arange(first, last + legs + 1))
    found = []
    for device, runs in by_device.items():
        at = np.unique(np.concatenate(runs))
        fastest = float(np.max(speeds[np.concatenate([run[:-legs] for run in runs])]))
        confidence = beyond(fastest, median=median, sigma=sigma)
        if not rule.is_enough(confidence):
            continue
        doubted = np.concatenate([_hurried(whole, track.lifts.seq[run], device, rule) for run in runs])
        found.append(
            Finding(
                FindingKind.IMPOSSIBLE_SPEED,
                "round",
                int(track.lifts.occurred_at[at[-1]]),
                {"device": device},
                track.lifts.entries(at[np.linspace(0, len(at) - 1, min(EVIDENCE_MAX, len(at))).astype(int)]),
                confidence,
                {
                    "lifts": len(at),
                    "metres": int(sum(track.metres(run[:-1], run[1:]).sum() for run in runs)),
                    "seconds": int(sum(track.seconds(run[:1], run[-1:])[0] for run in runs)),
                    "km_per_h": int(fastest * 3.6),
                    "usual_km_per_h": int(median * 3.6),
                },
                rule,
                bins.site_of(int(track.lifts.bin[at[0]])),
                doubted=whole.lifts.entries(np.unique(doubted)),
                doubted_grams=whole.lifts.grams_by_lot(np.unique(doubted)),
            )
        )
    return found


def _hurried(whole: Track, seqs: Ints, device: int, rule: Threshold) -> Ints:
    """Return a run with all within it, and with what goes before and after faster than a stop takes."""
    of_run = (
        (whole.lifts.device == np.uint64(device)) & (whole.lifts.seq >= seqs[0]) & (whole.lifts.seq <= seqs[-1])
    )
    at = np.flatnonzero(of_run)
    first, last = int(at[0]), int(at[-1])
    legs = np.arange(len(whole.lifts) - 1)
    seconds = whole.seconds(legs, legs + 1)
    is_quick = whole.is_one_journal(legs, legs + 1) & (seconds >= 0) & (seconds <= rule["stop_seconds"])
    while first > 0 and is_quick[first - 1]:
        first -= 1
    while last < len(is_quick) and is_quick[last]:
        last += 1
    return np.arange(first, last + 1)


def _stretches(track: Track, rule: Threshold) -> Floats:
    """Return, for each lift, the least mean speed over the legs that follow it; NaN where it cannot be told.

    Each stop at another point takes some seconds, which are not there for driving.
    """
    legs = rule["legs"]
    at = np.arange(len(track.lifts) - 1)
    way = np.maximum(track.metres(at, at + 1) - rule["slack_metres"], 0)
    broken = ~track.is_one_journal(at, at + 1) | (track.seconds(at, at + 1) < 0) | np.isnan(way)
    ways = np.convolve(np.where(broken, 0, way), np.ones(legs), "valid")
    breaks = np.convolve(broken, np.ones(legs), "valid")
    stops = np.convolve(np.where(broken, 0, way) > 0, np.ones(legs), "valid")
    first = np.arange(len(ways))
    driving = track.seconds(first, first + legs) - stops * rule["stop_seconds"]
    speeds: Floats = np.where(breaks > 0.5, np.nan, ways / (np.maximum(driving, 0) + rule["slack_seconds"]))
    return speeds


def _runs(fast: Flags, track: Track) -> Iterator[tuple[int, int]]:
    """Yield the first and last of fast stretches in a row, within one journal."""
    starts = np.flatnonzero(fast)
    begin = None
    for at, following in zip(starts.tolist(), [*starts[1:].tolist(), None], strict=False):
        begin = at if begin is None else begin
        if following != at + 1 or track.lifts.device[following] != track.lifts.device[at]:
            yield begin, at
            begin = None
