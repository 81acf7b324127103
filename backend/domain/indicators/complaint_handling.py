"""Of the complaints whose time is up, how many were closed in time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from backend.domain.indicators.formula import ALL_SCOPES, Formula, Ratio, Unit

FORMULA = Formula("complaint-handling", 1, Unit.COMPLAINTS, ALL_SCOPES)
LIMIT_SECONDS = 15 * 86_400
"""From the report to the close, all stages together; this project's proposal, as no rule names one for bins."""


class Handled(NamedTuple):
    """When a complaint was reported and closed; None while it is open."""

    reported_at: int
    closed_at: int | None


def measure(complaints: Iterable[Handled], *, now: int) -> Ratio:
    """Return complaints closed within 15 days, of those that are closed or whose 15 days are over."""
    in_time = due = 0
    for one in complaints:
        is_in_time = one.closed_at is not None and one.closed_at - one.reported_at <= LIMIT_SECONDS
        in_time += is_in_time
        due += one.closed_at is not None or now - one.reported_at > LIMIT_SECONDS
    return Ratio(in_time, due)
