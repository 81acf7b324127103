"""How sure: robust spread, exact tails, and bounds that hold whatever the shape of the data."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from backend.domain.radar.facts import Floats

_MAD_TO_SIGMA = 1.4826
"""What makes the median absolute deviation of normal data its standard deviation."""
_TRIMMED_SHARE = 10
"""One in so many of the devices with the highest rates is left out of the rate that the others show."""


def spread_of(values: Floats) -> tuple[float, float]:
    """Return (median, robust standard deviation); a few wild values move neither."""
    median = float(np.median(values))
    return median, _MAD_TO_SIGMA * float(np.median(np.abs(values - median)))


def beyond(value: float, *, median: float, sigma: float) -> float:
    """Return how sure it is that a value so far above the median is not chance.

    By Cantelli's inequality a value at least z standard deviations above the mean has a probability of at most
    1 / (1 + z²), whatever the distribution; this is one minus that bound. 0 at and below the median.
    """
    if value <= median:
        return 0.0
    z = (value - median) / max(sigma, 1e-9)
    return z * z / (1 + z * z)


def binomial_tail(count: int, *, of: int, chance: float) -> float:
    """Return the probability of at least `count` in `of` independent trials."""
    if count <= 0:
        return 1.0
    if chance <= 0 or count > of:
        return 0.0
    if chance >= 1:
        return 1.0
    odds = math.log(chance), math.log1p(-chance)
    top = math.lgamma(of + 1)
    logs = (
        top - math.lgamma(k + 1) - math.lgamma(of - k + 1) + k * odds[0] + (of - k) * odds[1]
        for k in range(count, of + 1)
    )
    return min(1.0, math.fsum(map(math.exp, logs)))


def sure(probability: float, *, tries: int) -> float:
    """Return how sure something is not chance when so many were tried (Bonferroni)."""
    return max(0.0, 1.0 - probability * tries)


def usual_rate(counts: Sequence[int], totals: Sequence[int], *, at_least_permille: int) -> float:
    """Return the rate that all but the highest tenth show together, and no less than published slips.

    Where slips are rare, leaving out the highest tenth leaves out most of them: hence the least.
    """
    order = sorted(range(len(counts)), key=lambda at: counts[at] / totals[at])
    kept = order[: len(order) - len(order) // _TRIMMED_SHARE]
    return max(sum(counts[at] for at in kept) / sum(totals[at] for at in kept), at_least_permille / 1000)
