"""Who is ranked before whom; whoever is heard of too little has no rank."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from backend.domain.indicators.coverage import RANKED_FROM_PPM
from backend.domain.indicators.formula import Formula, Ratio


@dataclass(frozen=True)
class Entrant:
    """Somebody with a value and what share of them the facts speak of."""

    key: str
    value: Ratio
    coverage: Ratio


@dataclass(frozen=True)
class Standing:
    """An entrant's rank; None for one of whom too little is heard, or nothing can be said."""

    entrant: Entrant
    rank: int | None


def ranked(entrants: Iterable[Entrant], formula: Formula) -> list[Standing]:
    """Return all, the best first; equals share a rank, and those without one come last."""
    heard, rest = list[Entrant](), list[Entrant]()
    for one in entrants:
        is_ranked = one.value.ppm is not None and (one.coverage.ppm or 0) >= RANKED_FROM_PPM
        (heard if is_ranked else rest).append(one)
    heard.sort(key=lambda one: one.key)
    heard.sort(key=lambda one: one.value.ppm or 0, reverse=not formula.less_is_better)
    standings, rank = list[Standing](), 0
    for place, one in enumerate(heard, 1):
        if place == 1 or one.value.ppm != heard[place - 2].value.ppm:
            rank = place
        standings.append(Standing(one, rank))
    rest.sort(key=lambda one: one.key)
    return standings + [Standing(one, None) for one in rest]
