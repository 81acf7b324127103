"""What the books make of a lot, from entries that went through a real database."""

from __future__ import annotations

import pytest
from custody_stories import NOON
from judged_lot import DAY, HOUR, JudgedLot
from small_city import BINS, CREW, STATION, SmallCity, give, write_lifts

from backend.domain.collection_refusals import RefusalState
from backend.domain.disputes import ANSWER_SECONDS, Stage
from backend.domain.handoff_end import HandoffEnd
from backend.domain.layout import Kind
from backend.domain.recorded import EntryId
from backend.domain.types import AmendedField, Basis, Role, Verdict, device_id, lot_id
from backend.domain.weighing import Citation
from backend.exchange.tolerance_file import load_tolerances
from backend.store.judging import JudgingReader
from backend.store.session import Database
from backend.usecases.judge_lot import JudgedHandoff, LotJudgement, judge_lot

RULES = load_tolerances().rules


@pytest.fixture
def judged(database: Database) -> JudgedLot:
    return JudgedLot(SmallCity(database))


def judgement(city: SmallCity, lot: int, at: int | None = None) -> LotJudgement:
    with city.database.transaction(writes=False) as connection:
        found = judge_lot(
            lot, reader=JudgingReader(connection), rules=RULES, at=city.clock.now if at is None else at
        )
    assert found is not None
    return found


def the_handoff(city: SmallCity, lot: int, at: int | None = None) -> JudgedHandoff:
    (found,) = judgement(city, lot, at).handoffs
    return found


class TestAHandoff:
    def test_joins_what_was_declared_taken_weighed_and_allowed(self, judged: JudgedLot) -> None:
        found = the_handoff(judged.city, judged.lot)
        assert (found.declared.value, found.stream, found.basis) == (100_000, 4, Basis.ESTIMATED)
        assert found.end is HandoffEnd.TAKEN
        assert found.take is not None
        assert found.take.entry_id == EntryId(judged.gate.device, judged.take_seq)
        assert (found.take.grams.value, found.take.citation) == (160_000, Citation.SOUND)
        assert found.take.ticket is not None
        assert found.take.ticket.number == 5
        assert found.verdict is not None
        assert (found.verdict.rule.rule_id, found.verdict.rule.version) == ("estimated-bins", 1)
        assert (found.verdict.found.difference_grams, found.verdict.found.permille) == (60_000, 600)
        assert found.verdict.found.is_within is False

    def test_is_judged_again_by_an_amended_mass_and_keeps_the_signed_one(self, judged: JudgedLot) -> None:
        judged.amend_take()
        found = the_handoff(judged.city, judged.lot)
        assert found.take is not None
        assert [step.value for step in found.take.grams.steps] == [160_000, 120_000]
        assert found.verdict is not None
        assert (found.verdict.found.difference_grams, found.verdict.found.is_within) == (20_000, True)

    def test_is_as_it_was_known_at_an_earlier_instant(self, judged: JudgedLot) -> None:
        judged.amend_take()
        before = the_handoff(judged.city, judged.lot, judged.recorded_at + 2 * HOUR - 1)
        assert before.take is not None
        assert [step.value for step in before.take.grams.steps] == [160_000]
        assert judgement(judged.city, judged.lot, NOON - DAY).handoffs == ()

    def test_that_waits_for_its_give_is_not_taken_before_that_came(self, judged: JudgedLot) -> None:
        city = judged.city
        lot = write_lifts(judged.truck, 2, serial=2)
        given = give(judged.truck, lot, judged.gate.device)
        judged.gate.write(Kind.TAKE, **given, grams=2_000, occurred_at=NOON + 900)
        deferred_at = judged.wait(HOUR)
        city.record(judged.gate)
        judged.wait(HOUR)
        city.record(judged.truck)
        assert the_handoff(city, lot).end is HandoffEnd.TAKEN
        assert judgement(city, lot, deferred_at).handoffs == ()

    def test_of_a_lot_weighed_by_its_holder_is_judged_as_weighed(self, judged: JudgedLot) -> None:
        given = give(judged.gate, judged.lot, device_id(STATION, 0))
        judged.city.record(judged.gate)
        last = judgement(judged.city, judged.lot).handoffs[-1]
        assert (last.entry_id.seq, last.basis, last.end) == (given["give_seq"], Basis.WEIGHED, HandoffEnd.AWAITING)

    def test_of_merged_lots_is_as_weak_as_the_weakest(self, judged: JudgedLot) -> None:
        city = judged.city
        weak = write_lifts(judged.truck, 2, serial=2)
        given = give(judged.truck, weak, judged.gate.device)
        into = lot_id(judged.gate.device, 1)
        judged.gate.write(Kind.TAKE, **given, grams=2_000, occurred_at=NOON + 900)
        for lot in (judged.lot, weak):
            judged.gate.write(Kind.MERGE, lot=lot, into=into, stream=4, occurred_at=NOON + 901)
        give(judged.gate, into, device_id(STATION, 0))
        city.record(judged.truck, judged.gate)
        assert (the_handoff(city, into).basis, the_handoff(city, into).stream) == (Basis.ESTIMATED, 4)

    @pytest.mark.parametrize("kind", [Kind.WITHDRAW, Kind.REFUSE, Kind.REDIRECT])
    def test_says_how_else_it_ended(self, judged: JudgedLot, kind: Kind) -> None:
        lot = write_lifts(judged.truck, 2, serial=2)
        given = give(judged.truck, lot, judged.gate.device)
        if kind is Kind.WITHDRAW:
            judged.truck.write(kind, lot=lot, undone_seq=given["give_seq"])
        elif kind is Kind.REDIRECT:
            judged.truck.write(kind, lot=lot, give_seq=given["give_seq"], to=device_id(STATION, 0))
        else:
            judged.gate.write(kind, **given, reason=1)
        judged.city.record(judged.truck, judged.gate)
        ends = {
            Kind.WITHDRAW: [HandoffEnd.WITHDRAWN],
            Kind.REFUSE: [HandoffEnd.REFUSED],
            Kind.REDIRECT: [HandoffEnd.REDIRECTED, HandoffEnd.AWAITING],
        }
        assert [found.end for found in judgement(judged.city, lot).handoffs] == ends[kind]


class TestChanges:
    def test_hold_a_dispute_with_its_stage_and_clock(self, judged: JudgedLot) -> None:
        judged.dispute_take()
        (fact,) = judgement(judged.city, judged.lot).changed
        (dispute,) = fact.disputes
        opened_at = judged.city.clock.now
        assert (dispute.stage, dispute.deadline) == (Stage.AWAITING_ANSWER, opened_at + ANSWER_SECONDS)
        later = judgement(judged.city, judged.lot, opened_at + ANSWER_SECONDS)
        assert later.changed[0].disputes[0].stage is Stage.APPEALABLE
        assert later.changed[0].values[AmendedField.GRAMS].value == 100_000
        assert later.handoffs[0].verdict is not None
        assert later.handoffs[0].verdict.found.difference_grams == 0

    def test_hold_a_lift_that_somebody_wants_amended(self, judged: JudgedLot) -> None:
        device = judged.truck.device
        judged.truck.write(Kind.AMEND, op=1, device=device, seq=2, field=AmendedField.GRAMS, value=900)
        judged.city.record(judged.truck)
        (fact,) = judgement(judged.city, judged.lot).changed
        assert (fact.entry_id, fact.kind, fact.proposals[0].value) == (EntryId(device, 2), Kind.LIFT, 900)

    def test_are_none_of_other_lots(self, judged: JudgedLot) -> None:
        judged.dispute_take()
        other = write_lifts(judged.truck, 1, serial=2)
        judged.city.record(judged.truck)
        assert judgement(judged.city, other).changed == ()


class TestRefusalsToCollect:
    def test_are_those_made_while_the_lot_was_loaded(self, judged: JudgedLot) -> None:
        other = write_lifts(judged.truck, 1, serial=2)
        judged.city.record(judged.truck)
        (refusal,) = judgement(judged.city, judged.lot).refusals
        assert (refusal.entry_id.seq, refusal.bin) == (judged.decline_seq, BINS[9])
        assert refusal.state is RefusalState.AWAITING_ANSWER
        assert judgement(judged.city, other).refusals == ()

    def test_are_answered_by_who_has_the_site_and_ended_by_the_next_lift(self, judged: JudgedLot) -> None:
        judged.crew_office.write(
            Kind.ACKNOWLEDGE, device=judged.truck.device, seq=judged.decline_seq, verdict=Verdict.ACKNOWLEDGED
        )
        again = judged.city.device(CREW, 9, Role.CREW)
        judged.city.record(judged.crew_office)
        again.write(Kind.LOAD, lot=lot_id(again.device, 1), stream=4, occurred_at=NOON + 3_000)
        again.write(Kind.LIFT, bin=BINS[9], stream=4, basis=1, grams=9, occurred_at=NOON + 3_001)
        judged.city.record(again)
        (refusal,) = judgement(judged.city, judged.lot).refusals
        assert refusal.state is RefusalState.ACKNOWLEDGED
        assert refusal.second_lift == EntryId(again.device, 2)


class TestALot:
    def test_that_does_not_exist_has_no_judgement(self, judged: JudgedLot) -> None:
        with judged.city.database.transaction(writes=False) as connection:
            reader = JudgingReader(connection)
            assert judge_lot(77, reader=reader, rules=RULES, at=NOON) is None
