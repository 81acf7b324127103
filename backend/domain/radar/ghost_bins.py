"""Bins that are lifted and stand nowhere."""

from __future__ import annotations

import numpy as np

from backend.domain.radar.excess import excesses
from backend.domain.radar.facts import NOWHERE, Bins, Lifts
from backend.domain.radar.findings import EVIDENCE_MAX, Finding, FindingKind
from backend.domain.radar.thresholds import Threshold


def ghost_bins(lifts: Lifts, bins: Bins, rule: Threshold) -> list[Finding]:
    """Return a finding for each device that lifts bins nobody has placed, more often than others do.

    A bin that was placed within the grace after its lift is one that the registry was late with. How sure: the
    exact chance of so many at the rate that nine tenths of the devices show, times the number of devices.
    """
    new = lifts.where(lifts.is_new)
    at = bins.find(new.bin)
    ghost = at == NOWHERE
    placed = np.flatnonzero(~ghost)
    ghost[placed] = bins.placed_from[at[placed]] > new.occurred_at[placed] + rule["registry_grace_seconds"]
    if not ghost.any():
        return []
    found = []
    for one in excesses(new.device, new.device[ghost], rule):
        if one.times < rule["lifts_min"] or not rule.is_enough(one.confidence):
            continue
        mine = np.flatnonzero(ghost & (new.device == one.device))
        found.append(
            Finding(
                FindingKind.GHOST_BIN,
                "never-placed",
                int(new.occurred_at[mine].max()),
                {"device": one.device, "bin": int(new.bin[mine[0]])},
                new.entries(mine[:EVIDENCE_MAX]),
                one.confidence,
                {
                    "lifts": one.of,
                    "ghost_lifts": one.times,
                    "bins": len(np.unique(new.bin[mine])),
                    "grams": int(new.grams[mine].sum()),
                    "usual_per_100000": one.usual_per_100000,
                },
                rule,
                doubted=new.entries(mine),
                doubted_grams=new.grams_by_lot(mine),
            )
        )
    return found
