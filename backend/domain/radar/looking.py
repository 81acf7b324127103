"""All detectors: those that look at a day of lifts, and those that look at a month of handoffs and tickets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from backend.domain.radar.causes import with_causes
from backend.domain.radar.copied_labels import copied_labels
from backend.domain.radar.facts import Bins, Handoff, HeldLot, Lifts, Ticket
from backend.domain.radar.findings import Doubt, Finding
from backend.domain.radar.ghost_bins import ghost_bins
from backend.domain.radar.impossible_speed import impossible_speed
from backend.domain.radar.missing_mass import missing_mass
from backend.domain.radar.mixed_streams import mixed_streams
from backend.domain.radar.moved_clocks import clocks_apart, moved_clocks
from backend.domain.radar.replayed_scans import replayed_scans
from backend.domain.radar.round_weights import round_lifts, round_tickets
from backend.domain.radar.self_handoffs import self_handoffs
from backend.domain.radar.tare_drift import tare_drift
from backend.domain.radar.thresholds import Thresholds


def look_at_lifts(lifts: Lifts, bins: Bins, rules: Thresholds) -> list[Finding]:
    """Return what does not fit in the lifts recorded on a day; those of the day before are there to compare."""

    def look(some: Lifts) -> list[Finding]:
        return _look(some, bins, rules)

    return with_causes(look(lifts), lifts, look)


def _look(lifts: Lifts, bins: Bins, rules: Thresholds) -> list[Finding]:
    if not lifts.is_new.any():
        return []
    return [
        *copied_labels(lifts, bins, rules["copied-label"]),
        *impossible_speed(lifts, bins, rules["impossible-speed"]),
        *replayed_scans(lifts, bins, rules["replayed-scan"]),
        *moved_clocks(lifts, bins, rules["moved-clock"]),
        *ghost_bins(lifts, bins, rules["ghost-bin"]),
        *mixed_streams(lifts, bins, rules["mixed-streams"]),
        *round_lifts(lifts, bins, rules["round-weights"]),
    ]


def look_at_handoffs(
    handoffs: Sequence[Handoff],
    tickets: Sequence[Ticket],
    held: Sequence[HeldLot],
    rules: Thresholds,
    *,
    now: int,
    doubts: Iterable[Doubt] = (),
) -> list[Finding]:
    """Return what does not fit in some weeks of handoffs, weigh tickets, and lots that nobody has given on.

    `doubts` are of the findings in the lifts of these weeks: grams that were never lifted do not arrive.
    """
    of_tickets = [*tare_drift(tickets, rules["tare-drift"]), *round_tickets(tickets, rules["round-weights"])]
    return [
        *of_tickets,
        *self_handoffs(handoffs, rules["self-handoff"]),
        *clocks_apart(handoffs, rules["moved-clock"]),
        *missing_mass(
            handoffs,
            held,
            rules["missing-mass"],
            now=now,
            doubts=[*doubts, *(finding.doubt for finding in of_tickets)],
        ),
    ]
