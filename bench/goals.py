"""What figures are to come to, and how far they are from it."""

from __future__ import annotations

from dataclasses import dataclass

from bench.figure import Figure


@dataclass(frozen=True)
class Goal:
    """A bound that a figure is to keep; `at_least` where more is better."""

    bound: float
    at_least: bool

    def times(self, value: float) -> float:
        """Return how many times as good as the goal a value is; below 1 it is missed."""
        return value / self.bound if self.at_least else self.bound / value

    @property
    def text(self) -> str:
        """The bound as people write it."""
        return f"{'≥' if self.at_least else '≤'} {self.bound:,}"


def _at_least(bound: float) -> Goal:
    return Goal(bound, at_least=True)


def _at_most(bound: float) -> Goal:
    return Goal(bound, at_least=False)


GOALS: dict[str, Goal] = {
    "pipeline_lifts_per_s": _at_least(15_000),
    "pipeline_2m_lifts_per_s": _at_least(15_000),
    "city_day_seconds": _at_most(120),
    "scan_to_books_p95_s": _at_most(5),
    "scan_to_books_10min_p95_s": _at_most(5),
    "peak_accept_p95_ms": _at_most(100),
    "peak_accept_10min_p95_ms": _at_most(100),
    "storm_p95_s": _at_most(5),
    "accept_50_lifts_per_s": _at_least(30_000),
    "index_sqlite_lifts_per_s": _at_least(150_000),
    "index_postgres_lifts_per_s": _at_least(100_000),
    "index_sqlite_peak_mb": _at_most(500),
    "index_postgres_peak_mb": _at_most(500),
    "index_over_download": _at_most(15),
    "index_over_best_peer": _at_least(15),
    "index_10m_over_1m": _at_least(0.6),
    "audit_seconds_1m": _at_most(180),
    "trace_p95_ms_sqlite": _at_most(30),
    "trace_p95_ms_postgres": _at_most(30),
    "pages_p95_ms_sqlite": _at_most(150),
    "pages_10m_p95_ms_sqlite": _at_most(150),
    "verify_valid_10k": _at_least(10_000),
    "verify_invalid_1k": _at_least(1_000),
    "lift_bundle_max_kb": _at_most(100),
}


@dataclass(frozen=True)
class Measured:
    """A figure, and how busy the machine was right before and after: its load a minute, in processes."""

    figure: Figure
    load_before: float
    load_after: float

    @property
    def goal(self) -> Goal | None:
        """What it is to come to, if anybody said."""
        return GOALS.get(self.figure.figure)
