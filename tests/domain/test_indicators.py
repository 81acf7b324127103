"""Each indicator by hand, and a league table in which silence wins nothing."""

from __future__ import annotations

import pytest

from backend.domain.indicators import (
    closure,
    complaint_handling,
    contamination,
    coverage,
    recovery,
    sorting_accuracy,
    timeliness,
)
from backend.domain.indicators.catalogue import FORMULAS, find_formula
from backend.domain.indicators.complaint_handling import LIMIT_SECONDS, Handled
from backend.domain.indicators.formula import NOTHING, Ratio, Scope
from backend.domain.indicators.league import Entrant, ranked
from backend.domain.indicators.lift_counts import TIMELY_SECONDS, LiftCounts, is_timely
from backend.domain.mass_balance import Line, Row, RowKey, row_of
from backend.domain.mass_flows import Flow, Place

COUNTS = LiftCounts(lifts=10, grams=1, clean=6, some_mixing=1, badly_mixed=1, wrong=2, declined=2, timely=9)


def row(opening: int = 0, **flows: tuple[int, int]) -> Row:
    """A row of the balance: (signed grams, change) by flow."""
    lines = [Line(Flow[name.upper()], False, grams, delta, 0, 1) for name, (grams, delta) in flows.items()]
    return row_of(RowKey(Place(2, 0), 4), 1, opening=opening, lines=lines)


class TestAFormula:
    def test_of_lifts_leaves_out_what_says_nothing(self) -> None:
        assert sorting_accuracy.measure(COUNTS) == Ratio(6, 8)
        assert timeliness.measure(COUNTS) == Ratio(9, 10)

    def test_of_contamination_counts_refusals_on_both_sides(self) -> None:
        assert contamination.measure(COUNTS) == Ratio(4, 12)
        assert contamination.measure(COUNTS).ppm == 333_333

    def test_of_nothing_has_no_value(self) -> None:
        assert sorting_accuracy.measure(LiftCounts()).ppm is None
        assert closure.measure([]).ppm is None

    @pytest.mark.parametrize(
        ("delay", "expected"), [(0, True), (TIMELY_SECONDS, True), (TIMELY_SECONDS + 1, False), (-1, False)]
    )
    def test_of_timeliness_ends_after_twelve_hours(self, delay: int, expected: bool) -> None:
        assert is_timely(occurred_at=1000, recorded_at=1000 + delay) is expected

    def test_of_coverage_is_never_above_all(self) -> None:
        assert coverage.measure(heard=3, registered=2) == Ratio(2, 2)
        assert coverage.over([Ratio(1, 2), Ratio(2, 2)]) == Ratio(3, 4)

    def test_of_recovery_counts_what_the_city_took_in_once(self) -> None:
        rows = [row(lifted=(100, 100)), row(taken=(95, 95), product=(20, -20), energy=(70, -70))]
        assert recovery.measure(rows, scope=Scope.CITY) == Ratio(20, 100)
        assert recovery.measure(rows[1:], scope=Scope.COMPANY) == Ratio(20, 95)

    def test_of_closure_does_not_let_errors_cancel_out(self) -> None:
        less, more = row(lifted=(100, 100), product=(90, -100)), row(lifted=(100, 100), product=(110, -100))
        assert (less.error, more.error) == (10, -10)
        assert closure.measure([less, more]) == Ratio(180, 200)

    def test_of_closure_never_falls_below_nothing(self) -> None:
        assert closure.measure([row(lifted=(10, 10), product=(500, -10))]) == Ratio(0, 10)

    def test_of_complaints_waits_until_their_time_is_up(self) -> None:
        now = 100 * LIMIT_SECONDS
        in_time, late = Handled(0, LIMIT_SECONDS), Handled(0, LIMIT_SECONDS + 1)
        fresh, overdue = Handled(now - 5, None), Handled(now - LIMIT_SECONDS - 1, None)
        assert complaint_handling.measure([in_time, late, fresh, overdue], now=now) == Ratio(1, 3)

    def test_is_found_by_its_id(self) -> None:
        assert all(find_formula(one.formula_id) is one for one in FORMULAS)
        assert find_formula("happiness") is None
        assert len({one.name for one in FORMULAS}) == len(FORMULAS)


class TestALeagueTable:
    ALL = Ratio(10, 10)

    def test_ranks_the_best_first_and_equals_together(self) -> None:
        entrants = [Entrant(key, Ratio(n, 10), self.ALL) for key, n in (("a", 5), ("b", 9), ("c", 5), ("d", 1))]
        found = [(one.entrant.key, one.rank) for one in ranked(entrants, sorting_accuracy.FORMULA)]
        assert found == [("b", 1), ("a", 2), ("c", 2), ("d", 4)]

    def test_turns_round_where_less_is_better(self) -> None:
        entrants = [Entrant("a", Ratio(5, 10), self.ALL), Entrant("b", Ratio(1, 10), self.ALL)]
        assert [one.entrant.key for one in ranked(entrants, contamination.FORMULA)] == ["b", "a"]

    @pytest.mark.parametrize("share", [Ratio(0, 10), Ratio(7, 10), NOTHING])
    def test_ranks_nobody_of_whom_too_little_is_heard(self, share: Ratio) -> None:
        silent = Entrant("silent", Ratio(10, 10), share)
        loud = Entrant("loud", Ratio(1, 10), Ratio(8, 10))
        assert [(one.entrant.key, one.rank) for one in ranked([silent, loud], sorting_accuracy.FORMULA)] == [
            ("loud", 1),
            ("silent", None),
        ]

    def test_ranks_nobody_who_has_no_value(self) -> None:
        (only,) = ranked([Entrant("a", NOTHING, self.ALL)], sorting_accuracy.FORMULA)
        assert only.rank is None
