"""What share of the bins, or of a company's devices, the facts speak of: silence counts against nobody else."""

from __future__ import annotations

from collections.abc import Iterable

from backend.domain.indicators.formula import Formula, Ratio, Scope, Unit

FORMULA = Formula("coverage", 1, Unit.BINS, frozenset((Scope.CITY, Scope.DISTRICT, Scope.STREET)))
DEVICES = Formula("device-coverage", 1, Unit.DEVICES, frozenset((Scope.CITY, Scope.COMPANY)))
RANKED_FROM_PPM = 800_000
"""Whoever is heard of less than this is shown, and ranked nowhere: else silence would be the way to the top."""


def measure(*, heard: int, registered: int) -> Ratio:
    """Return the bins (or devices) with a lift in the period, of those registered before its end."""
    return Ratio(min(heard, registered), registered)


def over(parts: Iterable[Ratio]) -> Ratio:
    """Return the coverage of several streets together."""
    whole = Ratio(0, 0)
    for part in parts:
        whole += part
    return whole
