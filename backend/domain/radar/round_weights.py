"""Masses that were made up: people write round numbers, scales do not."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from backend.domain.radar.facts import Bins, Ints, Lifts, Ticket
from backend.domain.radar.findings import EVIDENCE_MAX, Finding, FindingKind
from backend.domain.radar.statistics import binomial_tail, sure
from backend.domain.radar.thresholds import Threshold
from backend.domain.types import Basis

_DIVISIONS = (20_000, 10_000, 5_000, 2_000, 1_000, 500, 200, 100, 50, 20, 10, 5, 2, 1)
_DIVIDES_NEARLY_ALL = 0.95


class _Roundness(NamedTuple):
    rounds: int
    division_grams: int
    expected: float
    is_round: np.ndarray[tuple[int], np.dtype[np.bool_]]


def round_lifts(lifts: Lifts, bins: Bins, rule: Threshold) -> list[Finding]:
    """Return a finding for each device whose weighed lifts are round far more often than its scale's are.

    Estimates are left out: those are round by nature. How sure: the exact chance of so many multiples of the
    step on a scale of this division, times the number of devices.
    """
    weighed = lifts.where(lifts.is_new & (lifts.basis != Basis.ESTIMATED))
    groups = [(device, own) for device, own in weighed.by_device() if len(own) >= rule["lifts_min"]]
    found = []
    for device, own in groups:
        roundness = _roundness(
            own.grams, step=rule["lift_step_grams"], division_max=rule["lift_division_grams_max"]
        )
        confidence = _confidence(roundness, len(own), tries=len(groups), rule=rule)
        if not rule.is_enough(confidence):
            continue
        found.append(
            Finding(
                FindingKind.ROUND_WEIGHTS,
                "lifts",
                int(own.occurred_at.max()),
                {"device": device},
                own.entries(np.flatnonzero(roundness.is_round)[:EVIDENCE_MAX]),
                confidence,
                _numbers(roundness, len(own), rule["lift_step_grams"]),
                rule,
                bins.site_of(int(own.bin[0])),
                doubted=own.entries(roundness.is_round),
                # As much as may have been rounded off.
                doubted_grams={
                    lot: count * rule["lift_step_grams"]
                    for lot, count in Counter(own.lots(roundness.is_round)).items()
                },
            )
        )
    return found


def round_tickets(tickets: Iterable[Ticket], rule: Threshold) -> list[Finding]:
    """Return a finding for each (scale, vehicle) whose net masses are round more often than by chance."""
    by_pair: dict[tuple[int, int], list[Ticket]] = defaultdict(list)
    for ticket in tickets:
        by_pair[ticket.entry.device, ticket.vehicle].append(ticket)
    groups = {pair: own for pair, own in by_pair.items() if len(own) >= rule["tickets_min"]}
    found = []
    for (scale, vehicle), own in groups.items():
        nets = np.array([ticket.net_grams for ticket in own], dtype=np.int64)
        roundness = _roundness(
            nets, step=rule["ticket_step_grams"], division_max=rule["ticket_division_grams_max"]
        )
        confidence = _confidence(roundness, len(own), tries=len(groups), rule=rule)
        if not rule.is_enough(confidence):
            continue
        found.append(
            Finding(
                FindingKind.ROUND_WEIGHTS,
                "tickets",
                max(ticket.occurred_at for ticket in own),
                {"device": scale, "vehicle": vehicle},
                tuple(ticket.entry for ticket in _round(own, roundness)[:EVIDENCE_MAX]),
                confidence,
                _numbers(roundness, len(own), rule["ticket_step_grams"]),
                rule,
                doubted=tuple(ticket.entry for ticket in _round(own, roundness)),
                # As much as may have been rounded off.
                doubted_grams={ticket.lot: rule["ticket_step_grams"] for ticket in _round(own, roundness)},
            )
        )
    return found


def _roundness(grams: Ints, *, step: int, division_max: int) -> _Roundness:
    """Count the multiples of a step, and how many there would be if the scale's digits were left alone.

    The scale's division is read from the masses that are not round; with none of those it is taken to be the
    coarsest that is allowed, which favours the device.
    """
    is_round = grams % step == 0
    others = grams[~is_round]
    allowed = [division for division in _DIVISIONS if division <= division_max]
    division = next(
        (d for d in allowed if len(others) and (others % d == 0).mean() >= _DIVIDES_NEARLY_ALL), allowed[0]
    )
    return _Roundness(int(is_round.sum()), division, division / step, is_round)


def _confidence(roundness: _Roundness, total: int, *, tries: int, rule: Threshold) -> float:
    excess = roundness.rounds / total - roundness.expected
    if excess * 1000 < rule["excess_permille_min"]:
        return 0.0
    return sure(binomial_tail(roundness.rounds, of=total, chance=roundness.expected), tries=tries)


def _numbers(roundness: _Roundness, total: int, step: int) -> dict[str, int]:
    return {
        "masses": total,
        "round": roundness.rounds,
        "step_grams": step,
        "division_grams": roundness.division_grams,
        "expected_permille": int(roundness.expected * 1000),
    }


def _round(tickets: Sequence[Ticket], roundness: _Roundness) -> list[Ticket]:
    return [tickets[at] for at in np.flatnonzero(roundness.is_round).tolist()]
