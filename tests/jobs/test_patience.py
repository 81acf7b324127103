"""What can wait lets uploads go first, but comes to its turn all the same."""

from __future__ import annotations

import pytest

from backend.jobs.patience import SECONDS_MAX, patiently


class Day:
    def __init__(self) -> None:
        self.now, self.is_busy, self.done = 100.0, False, 0
        self.turn = patiently(self.work, lambda: self.is_busy, clock=lambda: self.now)

    def work(self) -> None:
        self.done += 1


def test_takes_every_turn_while_nothing_comes_in() -> None:
    day = Day()
    day.turn()
    day.turn()
    assert day.done == 2


def test_leaves_out_turns_while_uploads_are_kept() -> None:
    day = Day()
    day.is_busy = True
    day.turn()
    assert day.done == 0
    day.is_busy = False
    day.turn()
    assert day.done == 1


def test_does_not_wait_for_ever() -> None:
    day = Day()
    day.is_busy = True
    day.now += SECONDS_MAX
    day.turn()
    day.turn()
    assert day.done == 1
    day.now += SECONDS_MAX
    day.turn()
    assert day.done == 2


def test_a_turn_that_failed_is_no_turn() -> None:
    now = 100.0
    calls: list[float] = []

    def fails_once() -> None:
        calls.append(now)
        if len(calls) == 1:
            raise OSError("disk")

    turn = patiently(fails_once, lambda: True, clock=lambda: now)
    now += SECONDS_MAX
    with pytest.raises(OSError, match="disk"):
        turn()
    turn()
    assert len(calls) == 2
