"""Totals of grams: of a stream, and of an organisation's day."""

from __future__ import annotations

from backend.domain.custody_state import State, Totals
from backend.domain.days import day_of

_TOTAL_MASK = (1 << 64) - 1


def book(state: State, organisation: int, block_time: int, stream: int, **grams: int) -> None:
    """Add grams to the totals of a stream, and of an organisation's day; each counts modulo 2^64."""
    day_key = (organisation, day_of(block_time), stream)
    state.totals[stream] = _added(state.totals.get(stream), grams)
    state.day_totals[day_key] = _added(state.day_totals.get(day_key), grams)


def _added(before: Totals | None, grams: dict[str, int]) -> Totals:
    before = before or Totals()
    return before._replace(**{name: getattr(before, name) + more & _TOTAL_MASK for name, more in grams.items()})
