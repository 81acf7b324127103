"""A run of lifts that is loaded at once gives what loading lift by lift gives."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.domain.custody_state import Lot, LotStatus
from backend.domain.errors import MalformedSegment
from backend.domain.journal import pack_entry, read_entry, split_entries
from backend.domain.layout import Kind
from backend.domain.lifts import (
    Lifts,
    bin_of,
    bins_in,
    end_of_lifts,
    entries_of,
    grams_in,
    is_only_lifts,
    joined,
    load_at_once,
    load_lifts,
    load_one_by_one,
)
from backend.domain.steps import MAX_LOT_GRAMS
from backend.domain.types import Outcome

DEVICE = 7
STREAMS = st.sampled_from((1, 2, 3, 4)) | st.integers(0, 15)
GRAMS = st.sampled_from((0, 1, 255, 256, (1 << 32) - 1)) | st.integers(0, (1 << 32) - 1)
LIFTS = st.lists(
    st.builds(
        lambda stream, grade, grams: pack_entry(
            Kind.LIFT, bin=(1 << 40) - 1, stream=stream, grade=grade, basis=3, grams=grams, evidence=(1 << 120) - 1
        ),
        STREAMS,
        st.integers(0, 15),
        GRAMS,
    ),
    min_size=1,
    max_size=40,
)
LOTS = st.builds(
    Lot,
    holder=st.just(DEVICE),
    grams=st.integers(0, 1 << 40) | st.integers(MAX_LOT_GRAMS - (1 << 33), MAX_LOT_GRAMS),
    lifts=st.integers(0, 5) | st.integers((1 << 32) - 5, (1 << 32) - 1),
    stream=st.integers(1, 4),
    status=st.just(LotStatus.HELD),
    pendings=st.just(0),
    last_seq=st.integers(0, 99),
    shut=st.just(False),
    mixture=st.sampled_from((0, 2, 4, 24)),
)


class TestLoadingAtOnce:
    @given(LOTS, LIFTS)
    @settings(max_examples=400, deadline=None)
    def test_gives_the_same_lot_and_outcomes(self, lot: Lot, lifts: list[bytes]) -> None:
        expected = load_one_by_one(lot, lifts, first_seq=100, is_open=True)
        at_once = load_at_once(lot, b"".join(lifts), first_seq=100)
        if at_once is None:
            assert Outcome.INVALID in expected[1]
        else:
            assert at_once == expected
        assert load_lifts(lot, lifts, first_seq=100, is_open=True) == expected

    @given(LOTS, LIFTS)
    @settings(max_examples=100, deadline=None)
    def test_is_as_if_each_lift_came_alone(self, lot: Lot, lifts: list[bytes]) -> None:
        alone, outcomes = lot, b""
        for seq, word in enumerate(lifts, 100):
            alone, outcome = load_lifts(alone, [word], first_seq=seq, is_open=True)
            outcomes += outcome
        assert load_lifts(lot, lifts, first_seq=100, is_open=True) == (alone, outcomes)

    @given(LOTS, LIFTS)
    @settings(max_examples=50, deadline=None)
    def test_changes_nothing_in_a_lot_that_is_not_open(self, lot: Lot, lifts: list[bytes]) -> None:
        loaded, outcomes = load_lifts(lot, lifts, first_seq=100, is_open=False)
        assert loaded == lot
        assert set(outcomes) <= {Outcome.CONFLICT, Outcome.INVALID}

    @given(LIFTS)
    def test_adds_up_the_same_grams(self, lifts: list[bytes]) -> None:
        assert grams_in(b"".join(lifts)) == sum(read_entry(word).fields["grams"] for word in lifts)


class TestOnlyLifts:
    def test_are_told_from_a_word_that_looks_like_one(self) -> None:
        lift = pack_entry(Kind.LIFT, stream=4)
        assert is_only_lifts(lift * 3)
        assert not is_only_lifts(lift + pack_entry(Kind.ANCHOR, digest=1 << 248))
        assert not is_only_lifts(b"")
        assert not is_only_lifts(lift + b"\1")

    def test_are_cut_out_as_any_entries_are(self) -> None:
        words = b"".join(pack_entry(Kind.LIFT, bin=number, stream=4) for number in range(1, 6))
        entries = entries_of(words)
        assert isinstance(entries, Lifts)
        assert list(entries) == split_entries(words) == [entries[at] for at in range(5)]
        assert len(entries) == 5
        assert entries[-1] == words[-32:]
        assert list(entries[1:3]) == split_entries(words)[1:3]
        assert joined(entries[1:3]) == joined(list(entries[1:3])) == words[32:96]
        for beyond in (5, -6):
            with pytest.raises(IndexError):
                entries[beyond]

    def test_end_where_another_entry_begins(self) -> None:
        lift, mark = pack_entry(Kind.LIFT, stream=4), pack_entry(Kind.MARK, block=1)
        mixed = entries_of(lift + lift + mark + lift)
        assert [end_of_lifts(mixed, start, end) for start, end in ((0, 4), (0, 1), (2, 4), (3, 4))] == [2, 1, 2, 4]
        assert end_of_lifts(entries_of(lift * 4), 1, 3) == 3

    def test_are_no_segment_when_there_are_too_many(self) -> None:
        with pytest.raises(MalformedSegment):
            entries_of(pack_entry(Kind.LIFT, stream=4) * 257)


def test_the_bins_of_a_run_are_those_of_its_lifts() -> None:
    lifts = [pack_entry(Kind.LIFT, bin=number, stream=4, grams=1) for number in (0, 7, (1 << 40) - 1)]
    assert bins_in(b"".join(lifts)) == [bin_of(lift) for lift in lifts] == [0, 7, (1 << 40) - 1]
    assert bins_in(b"") == []
