"""Of the grams that were there or came in, how many the signed facts account for."""

from __future__ import annotations

from collections.abc import Iterable

from backend.domain.indicators.formula import Formula, Ratio, Scope, Unit
from backend.domain.mass_balance import Row

FORMULA = Formula("closure", 1, Unit.GRAMS, frozenset((Scope.CITY, Scope.COMPANY)))


def measure(rows: Iterable[Row]) -> Ratio:
    """Return opening + in less all errors, of opening + in: errors of both signs count, they do not cancel out.

    A row in which more is wrong than ever was there counts as wholly wrong.
    """
    whole = explained = 0
    for row in rows:
        there = max(row.opening + row.inward, 0)
        whole += there
        explained += max(there - abs(row.error), 0)
    return Ratio(explained, whole)
