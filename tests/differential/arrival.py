"""Ways for journals to arrive: cut anywhere, in any order of devices."""

from __future__ import annotations

import random
from collections.abc import Iterable

from backend.domain.custody import record_segment
from backend.domain.custody_state import Recorded, State
from backend.domain.journal import Segment
from backend.domain.steps import settle
from backend.domain.writer import JournalWriter


def cut_at_random(writers: Iterable[JournalWriter], rng: random.Random, longest: int = 40) -> list[list[Segment]]:
    """Return each journal cut into sealed segments; the writers are left with nothing uncut."""
    runs = []
    for writer in writers:
        run = []
        while writer.uncut:
            run.append(writer.cut(min(rng.randint(1, longest), len(writer.uncut))))
        if run:
            runs.append(run)
    return runs


def shuffled(runs: list[list[Segment]], rng: random.Random) -> list[Segment]:
    """Return all segments in a random order that keeps each journal's own."""
    left = [list(reversed(run)) for run in runs]
    order = []
    while left:
        run = rng.choice(left)
        order.append(run.pop())
        if not run:
            left.remove(run)
    return order


def settle_all(state: State, outcomes: dict[tuple[int, int], int], block_time: int) -> None:
    """Settle every queue until nothing moves any more."""
    moved = True
    while moved:
        moved = False
        for lot, device in list(state.queues):
            for done in settle(state, lot, device, block_time=block_time, max_steps=100):
                outcomes[done.device, done.seq] = done.outcome
                moved = True


def record_one(state: State, segment: Segment, block_time: int) -> dict[tuple[int, int], int]:
    """Record a segment that the ledger takes, and return the outcome bytes that entries got by it."""
    answer = record_segment(state, segment, block_time=block_time)
    assert isinstance(answer, Recorded), answer
    outcomes = {(segment.device, seq): byte for seq, byte in enumerate(answer.outcomes, segment.first_seq)}
    return outcomes | {(done.device, done.seq): done.outcome for done in answer.settled}


def record_all(state: State, order: Iterable[Segment], block_time: int) -> dict[tuple[int, int], int]:
    """Record segments, settle all, and return the last outcome byte of each entry."""
    outcomes: dict[tuple[int, int], int] = {}
    for segment in order:
        outcomes |= record_one(state, segment, block_time)
    settle_all(state, outcomes, block_time)
    return outcomes
