"""Bins of one stream in a load of another, more than slips explain."""

from __future__ import annotations

import numpy as np

from backend.domain.radar.excess import excesses
from backend.domain.radar.facts import NOWHERE, Bins, Lifts
from backend.domain.radar.findings import EVIDENCE_MAX, Finding, FindingKind
from backend.domain.radar.thresholds import Threshold


def mixed_streams(lifts: Lifts, bins: Bins, rule: Threshold) -> list[Finding]:
    """Return a finding for each device whose loads mix streams more often than others do.

    What counts is where the bin stands in the registry, not only what the crew said. How sure: the exact
    chance of so many at the rate that nine tenths of the devices show, times the number of devices.
    """
    new = lifts.where(lifts.is_new)
    at = bins.find(new.bin)
    mixed = new.stream != new.lot_stream
    placed = np.flatnonzero(at != NOWHERE)
    mixed[placed] |= bins.stream[at[placed]] != new.lot_stream[placed]
    if not mixed.any():
        return []
    found = []
    for one in excesses(new.device, new.device[mixed], rule):
        if one.times < rule["lifts_min"] or not rule.is_enough(one.confidence):
            continue
        mine = np.flatnonzero(mixed & (new.device == one.device))
        # A slip in another load of the day is no part of it.
        lots, counts = np.unique(new.lot[mine], return_counts=True)
        lot = int(lots[np.argmax(counts)])
        shown = mine[np.argsort(new.lot[mine] != lot, kind="stable")]
        found.append(
            Finding(
                FindingKind.MIXED_STREAMS,
                "into-another",
                int(new.occurred_at[mine].max()),
                {"device": one.device, "lot": one.device << 32 | lot},
                new.entries(shown[:EVIDENCE_MAX]),
                one.confidence,
                {
                    "lifts": one.of,
                    "mixed": one.times,
                    "grams": int(new.grams[mine].sum()),
                    "usual_per_100000": one.usual_per_100000,
                },
                rule,
                bins.site_of(int(new.bin[shown[0]])),
                doubted=new.entries(mine),
            )
        )
    return found
