"""A vehicle that suddenly, or little by little, weighs something else when it is empty."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from backend.domain.radar.facts import Floats, Ticket
from backend.domain.radar.findings import EVIDENCE_MAX, Finding, FindingKind
from backend.domain.radar.statistics import beyond
from backend.domain.radar.thresholds import Threshold

_MAD_TO_SIGMA = 1.4826


def tare_drift(tickets: Iterable[Ticket], rule: Threshold) -> list[Finding]:
    """Return a finding for each vehicle whose tares before and after some ticket differ beyond their noise.

    Fuel, water and mud are the noise: its spread is taken from one ticket to the next, which neither a step nor
    a slow drift can widen much. How sure: the change of the medians against that spread.
    """
    by_vehicle: dict[int, list[Ticket]] = defaultdict(list)
    for ticket in tickets:
        if ticket.vehicle:
            by_vehicle[ticket.vehicle].append(ticket)
    found = []
    for vehicle, own in by_vehicle.items():
        if len(own) < max(rule["tickets_min"], 2 * rule["side_min"]):
            continue
        own.sort(key=lambda ticket: (ticket.occurred_at, ticket.entry))
        tares = np.array([ticket.tare_grams for ticket in own], dtype=np.float64)
        at, change = _largest_change(tares, rule["side_min"])
        steps = np.abs(np.diff(tares))
        sigma = _MAD_TO_SIGMA * float(np.median(steps)) / np.sqrt(2)
        confidence = beyond(abs(change), median=0, sigma=sigma)
        if abs(change) < rule["change_grams_min"] or not rule.is_enough(confidence):
            continue
        found.append(
            Finding(
                FindingKind.TARE_DRIFT,
                "lighter" if change < 0 else "heavier",
                own[-1].occurred_at,
                {"vehicle": vehicle, "device": own[-1].entry.device},
                tuple(ticket.entry for ticket in _around(own, at)),
                confidence,
                {
                    "tickets": len(own),
                    "before_grams": round(float(np.median(tares[:at]))),
                    "after_grams": round(float(np.median(tares[at:]))),
                    "change_grams": abs(round(change)),
                    "noise_grams": round(float(sigma)),
                },
                rule,
                doubted=tuple(ticket.entry for ticket in own[at:]),
                # A tare too heavy makes the load too light; one too light hides what is missing.
                doubted_grams={ticket.lot: round(change) for ticket in own[at:] if change > 0},
            )
        )
    return found


def _largest_change(tares: Floats, side_min: int) -> tuple[int, float]:
    """Return where to cut so that the medians of both sides differ most, weighed by how many stand on each."""
    cuts = range(side_min, len(tares) - side_min + 1)
    changes = [float(np.median(tares[cut:]) - np.median(tares[:cut])) for cut in cuts]
    weights = [np.sqrt(cut * (len(tares) - cut)) for cut in cuts]
    best = max(range(len(changes)), key=lambda at: abs(changes[at]) * weights[at])
    return cuts[best], changes[best]


def _around(tickets: Sequence[Ticket], at: int) -> Sequence[Ticket]:
    half = EVIDENCE_MAX // 2
    return (*tickets[max(at - half, 0) : at], *tickets[at:][-half:])
