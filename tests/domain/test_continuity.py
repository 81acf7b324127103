from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from backend.domain.continuity import Backlog, Span, drain_after, gaps, seconds_of, union, within

spans = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 20)).map(lambda pair: Span(pair[0], pair[0] + pair[1])),
    max_size=8,
)
DAY = Span(10, 50)


def seconds(listed: list[Span]) -> set[int]:
    return {at for span in listed for at in range(span.from_at, span.to_at)}


class TestSpans:
    def test_join_where_they_overlap_or_touch(self) -> None:
        assert union([Span(5, 7), Span(1, 3), Span(3, 4), Span(6, 9)]) == [Span(1, 4), Span(5, 9)]

    def test_keep_the_longer_end_of_two_that_begin_in_one_another(self) -> None:
        assert union([Span(1, 10), Span(2, 4)]) == [Span(1, 10)]

    def test_leave_gaps_at_both_ends_and_between(self) -> None:
        assert gaps([Span(12, 20), Span(25, 40)], DAY) == [Span(10, 12), Span(20, 25), Span(40, 50)]

    def test_leave_no_gap_where_one_ends_as_the_next_begins(self) -> None:
        assert gaps([Span(0, 30), Span(30, 90)], DAY) == []

    def test_that_do_not_reach_into_a_period_are_not_in_it(self) -> None:
        assert within([Span(0, 10), Span(50, 60), Span(8, 12)], DAY) == [Span(10, 12)]

    @given(spans)
    def test_and_their_gaps_are_the_whole_period_and_never_both(self, listed: list[Span]) -> None:
        covered, missing = seconds(within(listed, DAY)), seconds(gaps(listed, DAY))
        assert covered | missing == seconds([DAY])
        assert not covered & missing

    @given(spans)
    def test_count_each_second_once(self, listed: list[Span]) -> None:
        assert seconds_of(listed) == len(seconds(listed))


class TestDrain:
    def test_is_the_backlog_that_waited_when_the_outage_ended(self) -> None:
        before, across, later = (Backlog(Span(*ends), 3, 9) for ends in ((0, 20), (15, 40), (31, 60)))
        assert drain_after(Span(10, 30), [before, across, later]) == across

    def test_is_the_longest_of_several(self) -> None:
        short, long = Backlog(Span(5, 31), 1, 1), Backlog(Span(6, 99), 1, 1)
        assert drain_after(Span(10, 30), [short, long, short]) == long

    def test_is_none_where_nothing_waited(self) -> None:
        assert drain_after(Span(10, 30), [Backlog(Span(12, 30), 3, 9)]) is None
