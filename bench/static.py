"""The part `static` of scripts/prove: slither, and what the Solidity tests reach."""

from __future__ import annotations

from bench.report import Report
from bench.static_analysis import check_slither, check_solidity_coverage


def missing_material() -> list[str]:
    """Return nothing: the contracts are all that is looked at."""
    return []


def prove(report: Report) -> None:
    """Look at the contracts."""
    check_slither(report)
    check_solidity_coverage(report)
