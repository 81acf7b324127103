"""The radar on a month's facts in memory."""

from __future__ import annotations

from backend.domain.radar.findings import Finding
from backend.domain.radar.looking import look_at_handoffs, look_at_lifts
from backend.domain.radar.thresholds import in_force
from backend.exchange.threshold_file import load_thresholds
from backend.simulate.month.month import Month
from bench.month import typed


def findings_of(month: Month) -> list[Finding]:
    """Return what the radar finds in the month's facts."""
    rules, bins = in_force(load_thresholds(), month.end), typed.bins_of(month)
    found = [finding for lifts in typed.lift_days(month) for finding in look_at_lifts(lifts, bins, rules)]
    return found + look_at_handoffs(
        typed.handoffs_of(month),
        typed.tickets_of(month),
        typed.held_lots(month),
        rules,
        now=month.end,
        doubts=[finding.doubt for finding in found],
    )
