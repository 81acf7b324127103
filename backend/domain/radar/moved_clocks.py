"""A device whose clock was moved: it wrote of the future, or went back in time from one line to the next."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from backend.domain.radar.facts import Bins, Flags, Handoff, Ints, Lifts
from backend.domain.radar.findings import EVIDENCE_MAX, Finding, FindingKind
from backend.domain.radar.statistics import beyond
from backend.domain.radar.thresholds import Threshold


def moved_clocks(lifts: Lifts, bins: Bins, rule: Threshold) -> list[Finding]:
    """Return a finding for each device with lifts later than their own block, or earlier than the lift before.

    A journal's order cannot be changed, so time that runs backwards in it is the clock's doing. A clock that
    is behind for a whole shift shows in neither. How sure: the jump against the published spread of honest clocks.
    """
    ordered = lifts.in_journal_order()
    ahead = ordered.occurred_at - ordered.recorded_at
    back = np.zeros(len(ordered), dtype=np.int64)
    one_journal = ordered.device[1:] == ordered.device[:-1]
    back[1:] = np.where(one_journal, ordered.occurred_at[:-1] - ordered.occurred_at[1:], 0)
    return _judge(ordered, bins, rule, ahead, "future") + _judge(ordered, bins, rule, back, "backwards")


def clocks_apart(handoffs: Iterable[Handoff], rule: Threshold) -> list[Finding]:
    """Return a finding for each take that is earlier than its give: one of both clocks must be wrong.

    A take long after its give says nothing, for a load may wait.
    """
    found = []
    for handoff in handoffs:
        apart = handoff.given_at - handoff.taken_at
        confidence = beyond(apart, median=0, sigma=rule["sigma_seconds"])
        if handoff.take is None or apart <= rule["tolerance_seconds"] or not rule.is_enough(confidence):
            continue
        found.append(
            Finding(
                FindingKind.MOVED_CLOCK,
                "taken-before-given",
                handoff.taken_at,
                {"lot": handoff.lot, "device": handoff.give.device, "other_device": handoff.take.device},
                (handoff.give, handoff.take),
                confidence,
                {"seconds": apart},
                rule,
            )
        )
    return found


def _judge(lifts: Lifts, bins: Bins, rule: Threshold, jumps: Ints, variant: str) -> list[Finding]:
    wrong: Flags = (jumps > rule["tolerance_seconds"]) & lifts.is_new
    found = []
    for device in np.unique(lifts.device[wrong]):
        mine = np.flatnonzero(wrong & (lifts.device == device))
        largest = int(mine[np.argmax(jumps[mine])])
        confidence = beyond(float(jumps[largest]), median=0, sigma=rule["sigma_seconds"])
        if not rule.is_enough(confidence):
            continue
        shown = mine[: EVIDENCE_MAX // 2]
        if variant == "backwards":
            shown = np.stack([shown - 1, shown], axis=1).ravel()
        found.append(
            Finding(
                FindingKind.MOVED_CLOCK,
                variant,
                int(lifts.occurred_at[mine[-1]]),
                {"device": int(device)},
                lifts.entries(shown),
                confidence,
                {"lifts": len(mine), "seconds": int(jumps[largest])},
                rule,
                bins.site_of(int(lifts.bin[largest])),
                doubted=lifts.entries(mine),
            )
        )
    return found
