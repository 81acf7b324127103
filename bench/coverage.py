"""The part `coverage` of scripts/prove: how much of the domain its tests reach."""

from __future__ import annotations

from bench.domain_coverage import check_domain_coverage
from bench.report import Report


def missing_material() -> list[str]:
    """Return nothing: the domain and its tests are all that is looked at."""
    return []


def prove(report: Report) -> None:
    """Run the domain's tests and see what they leave out."""
    check_domain_coverage(report)
