"""Devices that do something more often than the others do, where everybody slips now and then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from backend.domain.radar.facts import Ids, tally
from backend.domain.radar.statistics import binomial_tail, sure, usual_rate
from backend.domain.radar.thresholds import Threshold


class Excess(NamedTuple):
    """How often a device did it, of how many times that it could have; how sure it is that this is not chance."""

    device: int
    times: int
    of: int
    usual_per_100000: int
    confidence: float


def excesses(
    counted: Ids, hits: Ids, rule: Threshold, *, by_chance: Mapping[int, float] | None = None
) -> Iterator[Excess]:
    """Yield each device, by ascending id; `counted` names it once for every time, `hits` for those that count.

    How sure: the exact chance of so many at the rate that nine tenths of the devices show, times the number of
    devices. `by_chance` is a rate that a device has anyhow, where it is higher.
    """
    devices, totals = np.unique(counted, return_counts=True)
    counts = tally(devices, hits)
    rate = usual_rate(counts, totals.tolist(), at_least_permille=rule["slips_permille"])
    for device, count, total in zip(devices, counts, totals.tolist(), strict=True):
        own = max(rate, (by_chance or {}).get(int(device), 0.0))
        confidence = sure(binomial_tail(count, of=total, chance=own), tries=len(devices))
        yield Excess(int(device), count, total, int(own * 100_000), confidence)
