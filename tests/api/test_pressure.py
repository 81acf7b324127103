"""Who is sent away is told a time of its own, as the server's pace allows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pytest

from backend.api.pressure import RETRY_AFTER_SECONDS_MAX, Pressure
from backend.api.problems import ApiProblem

PLACES = 4


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


def full(clock: Clock) -> Pressure:
    pressure = Pressure(PLACES, clock=clock)
    for _ in range(PLACES):
        pressure.enter()
    return pressure


def told(pressure: Pressure) -> int:
    with pytest.raises(ApiProblem) as refused:
        pressure.enter()
    assert refused.value.retry_after_seconds is not None
    return refused.value.retry_after_seconds


def work(pressure: Pressure, clock: Clock, *, uploads: int, seconds_each: float) -> None:
    for _ in range(uploads):
        clock.now += seconds_each
        pressure.leave()
        pressure.enter()


class TestPressure:
    def test_spreads_those_it_sends_away(self) -> None:
        clock = Clock()
        pressure = full(clock)
        work(pressure, clock, uploads=500, seconds_each=0.1)
        seconds = Counter(told(pressure) for _ in range(45))
        assert sorted(seconds) == [1, 2, 3, 4, 5]
        assert all(count in (9, 10) for _, count in sorted(seconds.items())[:4])

    @pytest.mark.parametrize(("seconds_each", "last"), [(0.01, {1}), (1.0, {10, 11})])
    def test_has_the_callers_of_a_slow_server_wait_longer(self, seconds_each: float, last: set[int]) -> None:
        clock = Clock()
        pressure = full(clock)
        work(pressure, clock, uploads=500, seconds_each=seconds_each)
        waits = [told(pressure) for _ in range(10)]
        assert waits == sorted(waits)
        assert waits[-1] in last

    def test_forgets_promises_when_their_time_has_passed(self) -> None:
        clock = Clock()
        pressure = full(clock)
        work(pressure, clock, uploads=500, seconds_each=0.5)
        assert max(told(pressure) for _ in range(20)) in (10, 11)
        clock.now += 11
        assert told(pressure) == 1

    def test_never_sends_anybody_away_for_longer_than_a_minute(self) -> None:
        clock = Clock()
        pressure = full(clock)
        work(pressure, clock, uploads=500, seconds_each=20.0)
        assert [told(pressure) for _ in range(50)][-1] == RETRY_AFTER_SECONDS_MAX

    def test_does_not_count_the_time_when_nothing_was_to_do(self) -> None:
        clock = Clock()
        pressure = full(clock)
        work(pressure, clock, uploads=500, seconds_each=0.1)
        for _ in range(PLACES):
            clock.now += 0.1
            pressure.leave()
        clock.now += 3600
        for _ in range(PLACES):
            pressure.enter()
        clock.now += 0.1
        pressure.leave()
        pressure.enter()
        assert [told(pressure) for _ in range(9)] == [1] * 9

    def test_lets_the_next_in_when_one_has_left(self) -> None:
        pressure = full(Clock())
        told(pressure)
        pressure.leave()
        pressure.enter()
        told(pressure)
