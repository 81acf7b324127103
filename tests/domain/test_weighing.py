"""Weigh tickets, and the takes that cite them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded_entries import CREW, GATE, SCALE, LedgerStory

from backend.domain.layout import Kind
from backend.domain.recorded import RecordedEntry
from backend.domain.types import Flaw, Outcome, lot_id
from backend.domain.weighing import (
    Citation,
    TareExceedsGross,
    find_ticket,
    judge_citations,
    net_mass,
    tickets_of,
)

LOT, OTHER_LOT = lot_id(CREW, 1), lot_id(CREW, 2)
KG = 1000


def weigh(story: LedgerStory, number: int, **changed: int) -> RecordedEntry:
    fields = {
        "lot": LOT,
        "gross": 18_000 * KG,
        "tare": 8_000 * KG,
        "net": 10_000 * KG,
        "ticket": number,
        "calibration": 7,
        "calibration_until": 2_000,
        "occurred_at": 1_000,
    }
    outcome = Outcome(changed.pop("outcome", Outcome.APPLIED))
    flaw = Flaw(changed.pop("flaw", Flaw.NONE))
    device = changed.pop("device", SCALE)
    return story.record(device, Kind.WEIGH, at=1_100, outcome=outcome, flaw=flaw, **(fields | changed))


def take(story: LedgerStory, **changed: int) -> RecordedEntry:
    fields = {"lot": LOT, "grams": 10_000 * KG, "weigher": SCALE, "weigh_seq": 1, "giver": CREW}
    outcome = Outcome(changed.pop("outcome", Outcome.APPLIED))
    return story.record(GATE, Kind.TAKE, at=1_200, outcome=outcome, **(fields | changed))


def citations(story: LedgerStory) -> list[Citation]:
    takes = [entry for entry in story.entries if entry.entry.kind == Kind.TAKE]
    return list(judge_citations(takes, tickets_of(story.entries), story.last_seqs()).values())


class TestNetMass:
    @given(st.integers(0, 2**47), st.integers(0, 2**47))
    def test_adds_up_with_the_tare_to_the_gross(self, load: int, tare: int) -> None:
        assert net_mass(gross_grams=load + tare, tare_grams=tare) == load

    def test_refuses_a_tare_above_the_gross(self) -> None:
        with pytest.raises(TareExceedsGross) as raised:
            net_mass(gross_grams=5, tare_grams=6)
        assert (raised.value.gross_grams, raised.value.tare_grams) == (5, 6)
        assert str(raised.value) == "Tare 6 g exceeds gross 5 g."


class TestFindTicket:
    def test_reads_every_field(self) -> None:
        found = find_ticket(weigh(LedgerStory(), 1, vehicle=99))
        assert found is not None
        assert (found.lot, found.number, found.vehicle, found.calibration) == (LOT, 1, 99, 7)
        assert (found.gross_grams, found.tare_grams, found.net_grams) == (18_000 * KG, 8_000 * KG, 10_000 * KG)
        assert (found.occurred_at, found.calibration_until, found.outcome) == (1_000, 2_000, Outcome.APPLIED)

    def test_finds_none_in_another_kind_or_in_half_a_ticket(self) -> None:
        story = LedgerStory()
        assert find_ticket(take(story)) is None
        whole = weigh(story, 1).entry.words
        half = whole[:1] + b"\x02" + whole[2:64]
        assert find_ticket(story.record_words(SCALE, half, at=1, outcome=Outcome.INVALID)) is None


class TestTickets:
    def test_are_sound_when_the_ledger_applied_them(self) -> None:
        story = LedgerStory()
        weigh(story, 1)
        (ticket,) = tickets_of(story.entries).values()
        assert (ticket.is_sound, ticket.flaw) == (True, Flaw.NONE)

    @pytest.mark.parametrize(
        ("outcome", "flaw"),
        [
            (Outcome.INVALID, Flaw.NOT_A_SCALE),
            (Outcome.INVALID, Flaw.TICKET_SKIPPED),
            (Outcome.INVALID, Flaw.NONE),
            (Outcome.QUARANTINED, Flaw.FORKED),
        ],
    )
    def test_prove_nothing_otherwise_and_say_with_the_ledger_why(self, outcome: Outcome, flaw: Flaw) -> None:
        story = LedgerStory()
        weigh(story, 1, outcome=outcome, flaw=flaw)
        (ticket,) = tickets_of(story.entries).values()
        assert (ticket.is_sound, ticket.flaw) == (False, flaw)

    def test_are_named_by_their_entries(self) -> None:
        story = LedgerStory()
        first, second = weigh(story, 1), weigh(story, 1, device=GATE)
        take(story)
        assert list(tickets_of(story.entries)) == [first.entry_id, second.entry_id]


class TestCitations:
    def test_are_sound_when_lot_and_grams_are_the_tickets(self) -> None:
        story = LedgerStory()
        weigh(story, 1)
        take(story)
        assert citations(story) == [Citation.SOUND]

    def test_may_be_none(self) -> None:
        story = LedgerStory()
        take(story, weigher=0, weigh_seq=0)
        assert citations(story) == [Citation.NONE]

    def test_await_the_ticket_while_the_scales_journal_is_on_its_way(self) -> None:
        story = LedgerStory()
        take(story)
        assert citations(story) == [Citation.AWAITING_TICKET]
        weigh(story, 1)
        assert citations(story) == [Citation.SOUND]

    def test_of_what_is_no_ticket_prove_nothing(self) -> None:
        story = LedgerStory()
        story.record(SCALE, Kind.MARK, at=1)
        take(story)
        assert citations(story) == [Citation.NOT_A_TICKET]

    @pytest.mark.parametrize(
        ("changed", "citation"),
        [
            ({"lot": OTHER_LOT}, Citation.OF_ANOTHER_LOT),
            ({"grams": 10_000 * KG + 1}, Citation.OTHER_GRAMS),
        ],
    )
    def test_of_a_ticket_that_says_otherwise_leave_it_to_the_right_take(
        self, changed: dict[str, int], citation: Citation
    ) -> None:
        story = LedgerStory()
        weigh(story, 1)
        take(story, **changed)
        take(story, outcome=Outcome.DEFERRED)
        assert citations(story) == [citation, Citation.SOUND]

    def test_of_a_flawed_ticket_prove_nothing(self) -> None:
        story = LedgerStory()
        weigh(story, 1, outcome=Outcome.INVALID, flaw=Flaw.CALIBRATION_EXPIRED)
        take(story)
        assert citations(story) == [Citation.FLAWED_TICKET]

    def test_use_a_ticket_up_in_the_ledgers_order(self) -> None:
        story = LedgerStory()
        weigh(story, 1)
        first, second = take(story), take(story)
        tickets = tickets_of(story.entries)
        judged = judge_citations([second, first], tickets, story.last_seqs())
        assert judged == {first.entry_id: Citation.SOUND, second.entry_id: Citation.CITED_BEFORE}

    def test_of_takes_without_effect_are_not_judged(self) -> None:
        story = LedgerStory()
        weigh(story, 1)
        take(story, outcome=Outcome.CONFLICT)
        take(story)
        assert citations(story) == [Citation.SOUND]
