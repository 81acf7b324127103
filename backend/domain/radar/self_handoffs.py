"""Handoffs of an organisation to itself that stand for a receipt: nobody with another interest was there."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

from backend.domain.radar.facts import Handoff
from backend.domain.radar.findings import Finding, FindingKind
from backend.domain.radar.thresholds import Threshold
from backend.domain.types import organisation_of


def self_handoffs(handoffs: Iterable[Handoff], rule: Threshold) -> list[Finding]:
    """Return a finding for each handoff within one organisation that nobody else saw.

    How sure: each of the signs that are there leaves a published share of doubt, and the shares are multiplied.
    One organisation with its own station is honest; with its own scale, at once, and the lot ended there, less so.
    """
    found = []
    for handoff in handoffs:
        if handoff.take is None or organisation_of(handoff.take.device) != organisation_of(handoff.give.device):
            continue
        own = organisation_of(handoff.give.device)
        seconds = handoff.taken_at - handoff.given_at
        signs = {
            "same_organisation": True,
            "no_other_scale": not handoff.weigher or organisation_of(handoff.weigher) == own,
            "at_once": abs(seconds) <= rule["at_once_seconds"],
            "ended_there": handoff.closed_by is not None,
        }
        confidence = 1 - prod(1 - rule[f"{sign}_permille"] / 1000 for sign, is_there in signs.items() if is_there)
        if not rule.is_enough(confidence):
            continue
        closing = () if handoff.closed_by is None else (handoff.closed_by,)
        found.append(
            Finding(
                FindingKind.SELF_HANDOFF,
                "ended" if signs["ended_there"] else "unseen",
                handoff.taken_at,
                {"lot": handoff.lot, "device": handoff.give.device, "other_device": handoff.take.device},
                (handoff.give, handoff.take, *closing),
                confidence,
                {"grams": handoff.taken_grams, "seconds": seconds, "signs": sum(signs.values())},
                rule,
            )
        )
    return found
