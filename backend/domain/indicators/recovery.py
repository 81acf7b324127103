"""Of the grams that came in, how many left as a product."""

from __future__ import annotations

from collections.abc import Iterable

from backend.domain.indicators.formula import Formula, Ratio, Scope, Unit
from backend.domain.mass_balance import Row
from backend.domain.mass_flows import Flow

FORMULA = Formula("recovery", 1, Unit.GRAMS, frozenset((Scope.CITY, Scope.COMPANY)))
FLOWS = (Flow.PRODUCT,)
CITY_INPUT = (Flow.LIFTED, Flow.UNATTESTED)
COMPANY_INPUT = (Flow.LIFTED, Flow.TAKEN, Flow.UNATTESTED)
"""What one company takes from another came into the city once only."""


def measure(rows: Iterable[Row], *, scope: Scope) -> Ratio:
    """Return the grams of lots closed as a product, of the grams lifted (and, for a company, taken)."""
    listed = list(rows)
    inward = CITY_INPUT if scope is Scope.CITY else COMPANY_INPUT
    return Ratio(sum(row.sum_of(*FLOWS) for row in listed), sum(row.sum_of(*inward) for row in listed))
