"""What a lot was when it was given, found from what it was made of."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pytest
from recorded_entries import CREW, GATE, LedgerStory

from backend.domain.declared import LotPast
from backend.domain.journal import pack_entry_with_items
from backend.domain.layout import Kind
from backend.domain.recorded import EntryId, RecordedEntry
from backend.domain.types import Basis, Outcome, Stream, lot_id

LOT, PART, MADE = lot_id(CREW, 1), lot_id(GATE, 1), lot_id(GATE, 2)
END = 1_000


def past(
    story: LedgerStory, bases: Mapping[int, frozenset[int]] | None = None, sound: Collection[EntryId] = ()
) -> LotPast:
    return LotPast(story.entries, lift_bases=bases or {}, sound_takes=sound)


def loaded() -> LedgerStory:
    story = LedgerStory()
    story.record(CREW, Kind.LOAD, at=1, lot=LOT, stream=Stream.FOOD)
    return story


def take(story: LedgerStory, outcome: Outcome = Outcome.APPLIED, **fields: int) -> RecordedEntry:
    return story.record(GATE, Kind.TAKE, at=2, lot=LOT, giver=CREW, outcome=outcome, **fields)


class TestStream:
    def test_is_that_of_the_load(self) -> None:
        assert past(loaded()).stream_before(LOT, END) == Stream.FOOD

    def test_is_what_a_take_made_of_it_from_then_on(self) -> None:
        story = loaded()
        taken = take(story, stream=Stream.RESIDUAL)
        assert past(story).stream_before(LOT, taken.order) == Stream.FOOD
        assert past(story).stream_before(LOT, END) == Stream.RESIDUAL

    def test_is_not_changed_by_a_take_that_failed_or_named_none(self) -> None:
        story = loaded()
        take(story, Outcome.CONFLICT, stream=Stream.RESIDUAL)
        take(story)
        assert past(story).stream_before(LOT, END) == Stream.FOOD

    def test_of_a_part_is_the_wholes_or_the_one_named(self) -> None:
        story = loaded()
        take(story, into=PART)
        take(story, into=MADE, stream=Stream.HAZARDOUS)
        assert past(story).stream_before(PART, END) == Stream.FOOD
        assert past(story).stream_before(MADE, END) == Stream.HAZARDOUS

    def test_of_what_nobody_registered_gave_is_that_of_its_take(self) -> None:
        story = LedgerStory()
        taken = story.record(GATE, Kind.TAKE, at=1, lot=PART, giver=0, stream=Stream.RECYCLABLE)
        for order in (taken.order, END):
            assert past(story).stream_before(PART, order) == Stream.RECYCLABLE

    def test_is_not_known_of_two_lots_that_are_said_to_come_from_each_other(self) -> None:
        story = LedgerStory()
        story.record(GATE, Kind.SPLIT, at=1, lot=PART, into=MADE)
        story.record(GATE, Kind.SPLIT, at=2, lot=MADE, into=PART)
        assert past(story).stream_before(PART, END) is None

    def test_of_what_was_made_is_that_of_what_went_in(self) -> None:
        story = loaded()
        words = pack_entry_with_items(Kind.TRANSFORM, {"lot": LOT, "outputs": 1}, ({"lot": MADE, "amount": 5},))
        story.record_words(GATE, words, at=3)
        assert past(story).stream_before(MADE, END) == Stream.FOOD

    def test_is_not_known_of_a_lot_that_nobody_opened(self) -> None:
        assert past(LedgerStory()).stream_before(LOT, END) is None


class TestBasis:
    @pytest.mark.parametrize(
        ("bases", "basis"),
        [
            ({2}, Basis.ONBOARD_SCALE),
            ({1, 2, 3}, Basis.ESTIMATED),
            ({3}, Basis.WEIGHED),
            ({0, 3}, Basis.ESTIMATED),
            ({9}, Basis.ESTIMATED),
            (set(), Basis.ESTIMATED),
        ],
    )
    def test_is_the_weakest_of_the_lifts(self, bases: set[int], basis: Basis) -> None:
        assert past(loaded(), {LOT: frozenset(bases)}).basis_before(LOT, END) is basis

    def test_is_weighed_after_a_take_that_a_ticket_proves_until_something_leaves_the_lot(self) -> None:
        story = loaded()
        taken = take(story)
        proved = {taken.entry_id}
        assert past(story, sound=proved).basis_before(LOT, taken.order) is Basis.ESTIMATED
        assert past(story, sound=proved).basis_before(LOT, END) is Basis.WEIGHED
        story.record(GATE, Kind.SPLIT, at=3, lot=LOT, into=PART, grams=5, stream=Stream.FOOD)
        assert past(story, sound=proved).basis_before(LOT, END) is Basis.ESTIMATED

    def test_of_a_part_is_weighed_only_by_a_ticket_of_its_own(self) -> None:
        story = loaded()
        taken = take(story, into=PART)
        bases = {LOT: frozenset({3})}
        assert past(story, bases).basis_before(PART, END) is Basis.ESTIMATED
        assert past(story, bases, {taken.entry_id}).basis_before(PART, END) is Basis.WEIGHED

    def test_of_merged_lots_is_the_weakest_of_those_that_were_merged(self) -> None:
        story = loaded()
        other = lot_id(CREW, 2)
        bases = {LOT: frozenset({3}), other: frozenset({2})}
        story.record(GATE, Kind.MERGE, at=3, lot=LOT, into=MADE, stream=Stream.FOOD)
        assert past(story, bases).basis_before(MADE, END) is Basis.WEIGHED
        failed = story.record(GATE, Kind.MERGE, at=3, lot=other, into=MADE, stream=3, outcome=Outcome.CONFLICT)
        assert past(story, bases).basis_before(MADE, END) is Basis.WEIGHED
        story.record(GATE, Kind.MERGE, at=3, lot=other, into=MADE, stream=3)
        assert past(story, bases).basis_before(MADE, failed.order + 9) is Basis.ONBOARD_SCALE
