"""The same bin again and again, or yesterday's round once more."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from backend.domain.radar.excess import excesses
from backend.domain.radar.facts import Bins, Flags, Ints, Lifts
from backend.domain.radar.findings import EVIDENCE_MAX, Finding, FindingKind
from backend.domain.radar.thresholds import Threshold


class _Pairs(NamedTuple):
    """A lift and the one before it of the same bin by the same device, as indexes."""

    before: Ints
    after: Ints


def replayed_scans(lifts: Lifts, bins: Bins, rule: Threshold) -> list[Finding]:
    """Return a finding for each device that repeats scans, or masses, far more often than others do.

    A slip of the finger repeats a scan too, so single ones mean nothing; and who estimates in steps of 5 kg often
    comes to the same mass. How sure: the exact chance of so many at the rate that nine tenths of the devices show,
    or at which two of the device's own masses are alike, times the number of devices.
    """
    pairs = _pairs_of(lifts)
    gap = lifts.occurred_at[pairs.after] - lifts.occurred_at[pairs.before]
    again = (gap >= 0) & (gap <= rule["window_seconds"])
    same = lifts.grams[pairs.after] == lifts.grams[pairs.before]
    repeated = _judge(lifts, bins, rule, pairs, again, np.ones(len(again), dtype=np.bool_), "repeated")
    return repeated + _judge(lifts, bins, rule, pairs, same & ~again, ~again, "same-masses")


def _pairs_of(lifts: Lifts) -> _Pairs:
    order = np.lexsort((lifts.seq, lifts.device, lifts.bin))
    before, after = order[:-1], order[1:]
    paired = (lifts.bin[before] == lifts.bin[after]) & (lifts.device[before] == lifts.device[after])
    paired &= lifts.is_new[after]
    return _Pairs(before[paired], after[paired])


def _alike(lifts: Lifts, device: int) -> float:
    """Return how often two of a device's masses, taken at random, are the same."""
    grams = lifts.grams[lifts.is_new & (lifts.device == np.uint64(device))]
    _, counts = np.unique(grams, return_counts=True)
    pairs = len(grams) * (len(grams) - 1)
    return float((counts * (counts - 1)).sum()) / pairs if pairs else 0.0


def _judge(
    lifts: Lifts, bins: Bins, rule: Threshold, pairs: _Pairs, hits: Flags, judged: Flags, variant: str
) -> list[Finding]:
    if not hits.any():
        return []
    of_lifts = variant == "repeated"
    counted = lifts.device[lifts.is_new] if of_lifts else lifts.device[pairs.after[judged]]
    hit_devices = lifts.device[pairs.after]
    found = []
    by_chance = None if of_lifts else {int(d): _alike(lifts, int(d)) for d in np.unique(hit_devices[hits])}
    for one in excesses(counted, hit_devices[hits], rule, by_chance=by_chance):
        few = one.times < rule["repeats_min"] if of_lifts else one.of < rule["pairs_min"]
        if few or (not of_lifts and one.times * 1000 < rule["same_permille_min"] * one.of):
            continue
        if not rule.is_enough(one.confidence):
            continue
        mine = np.flatnonzero(hits & (hit_devices == one.device))
        shown = mine[: EVIDENCE_MAX // 2]
        evidence = np.stack([pairs.after[shown], pairs.before[shown]], axis=1).ravel()
        found.append(
            Finding(
                FindingKind.REPLAYED_SCAN,
                variant,
                int(lifts.occurred_at[pairs.after[mine]].max()),
                {"device": one.device},
                lifts.entries(evidence),
                one.confidence,
                {"lifts": one.of, "repeats": one.times, "usual_per_100000": one.usual_per_100000},
                rule,
                bins.site_of(int(lifts.bin[pairs.after[mine[0]]])),
                doubted=lifts.entries(pairs.after[mine]),
                doubted_grams=lifts.grams_by_lot(pairs.after[mine]),
            )
        )
    return found
