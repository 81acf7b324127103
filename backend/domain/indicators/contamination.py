"""Of all visits to bins, how many found waste of the wrong class."""

from __future__ import annotations

from backend.domain.indicators.formula import ALL_SCOPES, Formula, Ratio, Unit
from backend.domain.indicators.lift_counts import LiftCounts
from backend.domain.types import DeclineReason

FORMULA = Formula("contamination", 1, Unit.LIFTS, ALL_SCOPES, less_is_better=True)
REASONS = frozenset((DeclineReason.MIXED, DeclineReason.HAZARDOUS_INSIDE, DeclineReason.CONSTRUCTION_WASTE))
"""The refusals to collect that are about what was in the bin."""


def measure(counts: LiftCounts) -> Ratio:
    """Return wrong lifts and refusals because of what was inside, of all lifts and such refusals."""
    return Ratio(counts.wrong + counts.declined, counts.lifts + counts.declined)
