"""All indicators, in the order in which they are shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from backend.domain.indicators import (
    closure,
    complaint_handling,
    contamination,
    coverage,
    recovery,
    sorting_accuracy,
    timeliness,
)
from backend.domain.indicators.formula import Formula, Ratio
from backend.domain.indicators.lift_counts import LiftCounts

OF_LIFTS: Mapping[Formula, Callable[[LiftCounts], Ratio]] = {
    sorting_accuracy.FORMULA: sorting_accuracy.measure,
    contamination.FORMULA: contamination.measure,
    timeliness.FORMULA: timeliness.measure,
}
FORMULAS: tuple[Formula, ...] = (
    *OF_LIFTS,
    coverage.FORMULA,
    coverage.DEVICES,
    recovery.FORMULA,
    closure.FORMULA,
    complaint_handling.FORMULA,
)


def find_formula(formula_id: str) -> Formula | None:
    """Return the newest version of a formula."""
    return next((formula for formula in FORMULAS if formula.formula_id == formula_id), None)
