"""Silence: what is missing of journals, and how much of an organisation is there."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded_entries import CREW, CREW_OFFICE, CREW_PHONE, GATE

from backend.domain.silence import (
    GRACE_SECONDS,
    Coverage,
    JournalRecord,
    Silence,
    coverage_by_organisation,
    entries_missing,
    silences_of,
)

STARTS, ENDS = 10_000, 40_000
DUE = ENDS + GRACE_SECONDS
WHOLE = JournalRecord(CREW, last_seq=9, shift=(STARTS, ENDS), last_shift_end_at=STARTS)


class TestAJournal:
    def test_is_whole_when_its_shift_end_is_there(self) -> None:
        assert silences_of(WHOLE, now=DUE) == frozenset()
        assert silences_of(JournalRecord(CREW, 9), now=DUE) == frozenset()

    def test_is_silent_once_its_shift_is_over_and_nothing_came_in_time(self) -> None:
        silent = replace(WHOLE, last_shift_end_at=STARTS - 1)
        assert silences_of(silent, now=DUE - 1) == frozenset()
        assert silences_of(silent, now=DUE) == {Silence.PAST_SHIFT_END}

    @pytest.mark.parametrize(
        ("witnessed", "revoked_at", "expected"),
        [
            (9, 8, {Silence.REVOKED_BELOW_WITNESS}),
            (9, 9, set()),
            (9, None, set()),
            (1, 0, {Silence.REVOKED_BELOW_WITNESS}),
        ],
    )
    def test_shows_a_revocation_below_what_was_witnessed(
        self, witnessed: int, revoked_at: int | None, expected: set[Silence]
    ) -> None:
        journal = replace(WHOLE, witnessed_seq=witnessed, revoked_at_seq=revoked_at)
        assert silences_of(journal, now=DUE) == expected

    def test_shows_all_that_is_missing(self) -> None:
        journal = JournalRecord(CREW, 1, (STARTS, ENDS), 0, 5, 2, ((2, 3),))
        assert silences_of(journal, now=DUE) == set(Silence)


class TestEntriesMissing:
    @pytest.mark.parametrize(
        ("last", "witnessed", "gaps", "missing"),
        [
            (9, 9, (), 0),
            (9, 12, (), 3),
            (9, 5, ((3, 4),), 2),
            (9, 9, ((3, 6), (5, 7)), 5),
            (9, 9, ((3, 7), (4, 5)), 5),
            (9, 12, ((11, 14),), 5),
            (9, 9, ((6, 5),), 0),
        ],
    )
    def test_counts_a_seq_once(
        self, last: int, witnessed: int, gaps: tuple[tuple[int, int], ...], missing: int
    ) -> None:
        journal = JournalRecord(CREW, last, witnessed_seq=witnessed, closed_gaps=gaps)
        assert entries_missing(journal) == missing

    @given(
        st.integers(0, 30),
        st.integers(0, 30),
        st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30)), max_size=5),
    )
    def test_is_the_size_of_the_set_of_missing_seqs(
        self, last: int, witnessed: int, gaps: list[tuple[int, int]]
    ) -> None:
        expected = set(range(last + 1, witnessed + 1)).union(*(range(a, b + 1) for a, b in gaps))
        journal = JournalRecord(CREW, last, witnessed_seq=witnessed, closed_gaps=tuple(gaps))
        assert entries_missing(journal) == len(expected)


class TestCoverage:
    def test_counts_by_organisation_and_a_journal_once(self) -> None:
        journals = [
            WHOLE,
            JournalRecord(CREW_OFFICE, 1, (STARTS, ENDS), 0, 5, 2, ((2, 3),)),
            JournalRecord(CREW_PHONE, 4, (STARTS, ENDS)),
            JournalRecord(GATE, 4),
        ]
        found = coverage_by_organisation(journals, now=DUE)
        assert found == [Coverage(2, 3, 2, 2, 1, 1, 4), Coverage(3, 1, 0, 0, 0, 0, 0)]
        assert [line.permille for line in found] == [333, 1000]
