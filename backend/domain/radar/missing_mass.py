"""Mass that was given and never arrived, all of it or a part."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from backend.domain.radar.facts import Handoff, HeldLot
from backend.domain.radar.findings import Doubt, Finding, FindingKind
from backend.domain.radar.statistics import beyond, spread_of
from backend.domain.radar.thresholds import Threshold


def missing_mass(
    handoffs: Sequence[Handoff],
    held: Sequence[HeldLot],
    rule: Threshold,
    *,
    now: int,
    doubts: Iterable[Doubt] = (),
) -> list[Finding]:
    """Return a finding for each lot not given or not taken in time, and for each that arrived far too light.

    One that is too light only with the grams that another finding doubts follows from that finding.

    How sure: how long it was kept, against a published spread; the wait against the waits of all that was taken;
    the share that is missing against the shares of all other handoffs of the stream, by median and spread.
    """
    return _never_given(held, rule, now) + _never_taken(handoffs, rule, now) + _too_light(handoffs, rule, doubts)


def _never_given(held: Sequence[HeldLot], rule: Threshold, now: int) -> list[Finding]:
    found = []
    for lot in held:
        kept = now - lot.last_lift_at
        confidence = beyond(kept, median=0, sigma=rule["held_sigma_seconds"])
        if kept <= rule["held_seconds"] or not rule.is_enough(confidence):
            continue
        found.append(
            Finding(
                FindingKind.MISSING_MASS,
                "never-given",
                lot.last_lift_at,
                {"lot": lot.lot, "device": lot.last_lift.device},
                (lot.last_lift,),
                confidence,
                {"grams": lot.grams, "deadline_seconds": rule["held_seconds"]},
                rule,
            )
        )
    return found


def _never_taken(handoffs: Sequence[Handoff], rule: Threshold, now: int) -> list[Finding]:
    waits = np.array([h.take_recorded_at - h.given_at for h in handoffs if h.take is not None], dtype=np.float64)
    median, sigma = spread_of(waits) if len(waits) else (0.0, float(rule["deadline_seconds"]))
    found = []
    for handoff in handoffs:
        wait = now - handoff.given_at
        confidence = beyond(wait, median=median, sigma=sigma)
        if handoff.take is not None or wait <= rule["deadline_seconds"] or not rule.is_enough(confidence):
            continue
        found.append(
            Finding(
                FindingKind.MISSING_MASS,
                "never-taken",
                handoff.given_at,
                {"lot": handoff.lot, "device": handoff.give.device},
                (handoff.give,),
                confidence,
                {
                    "grams": handoff.given_grams,
                    "deadline_seconds": rule["deadline_seconds"],
                    "usual_seconds": int(median),
                },
                rule,
            )
        )
    return found


def _too_light(handoffs: Sequence[Handoff], rule: Threshold, doubts: Iterable[Doubt]) -> list[Finding]:
    doubted: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for doubt in doubts:
        for lot, grams in doubt.grams.items():
            doubted[lot].append((grams, doubt.finding_id))
    by_stream: dict[int, list[Handoff]] = defaultdict(list)
    for handoff in handoffs:
        if handoff.take is not None and handoff.given_grams:
            by_stream[handoff.stream].append(handoff)
    found = []
    for own in by_stream.values():
        if len(own) < rule["handoffs_min"]:
            continue
        missing = np.array([1 - h.taken_grams / h.given_grams for h in own])
        median, sigma = spread_of(missing)
        for handoff, share in zip(own, missing.tolist(), strict=True):
            grams = handoff.given_grams - handoff.taken_grams
            confidence = beyond(share, median=median, sigma=sigma)
            is_large = share * 1000 >= rule["missing_permille_min"] and grams >= rule["missing_grams_min"]
            if not is_large or not rule.is_enough(confidence) or handoff.take is None:
                continue
            cause = _cause(handoff, doubted[handoff.lot], rule, median, sigma)
            found.append(
                Finding(
                    FindingKind.MISSING_MASS,
                    "too-light",
                    handoff.taken_at,
                    {"lot": handoff.lot, "device": handoff.give.device, "other_device": handoff.take.device},
                    (handoff.give, handoff.take),
                    confidence,
                    {
                        "given_grams": handoff.given_grams,
                        "taken_grams": handoff.taken_grams,
                        "missing_permille": int(share * 1000),
                        "usual_permille": int(median * 1000),
                    },
                    rule,
                    follows_from=cause,
                )
            )
    return found


def _cause(
    handoff: Handoff, doubted: Sequence[tuple[int, str]], rule: Threshold, median: float, sigma: float
) -> str | None:
    """Return the finding that doubts most of this lot's grams, where without those enough has arrived."""
    given = handoff.given_grams - sum(grams for grams, _ in doubted)
    missing = given - handoff.taken_grams
    share = missing / given if given > 0 else 0.0
    is_large = share * 1000 >= rule["missing_permille_min"] and missing >= rule["missing_grams_min"]
    if not doubted or (is_large and rule.is_enough(beyond(share, median=median, sigma=sigma))):
        return None
    return max(doubted)[1]
