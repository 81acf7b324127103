"""Of all lifts, how many were on the ledger within 12 hours.

The books hold no planned times of visits, so this says how soon a fact can be checked, not whether a crew was
punctual.
"""

from __future__ import annotations

from backend.domain.indicators.formula import ALL_SCOPES, Formula, Ratio, Unit
from backend.domain.indicators.lift_counts import LiftCounts

FORMULA = Formula("timeliness", 1, Unit.LIFTS, ALL_SCOPES)


def measure(counts: LiftCounts) -> Ratio:
    """Return lifts that were on the ledger in time, of all lifts."""
    return Ratio(counts.timely, counts.lifts)
