"""Of the lifts that a crew graded, how many were clean."""

from __future__ import annotations

from backend.domain.indicators.formula import ALL_SCOPES, Formula, Ratio, Unit
from backend.domain.indicators.lift_counts import LiftCounts

FORMULA = Formula("sorting-accuracy", 1, Unit.LIFTS, ALL_SCOPES)


def measure(counts: LiftCounts) -> Ratio:
    """Return clean lifts of graded lifts; a lift without a grade says nothing."""
    return Ratio(counts.clean, counts.graded)
