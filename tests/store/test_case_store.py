"""Cases found in real books: by which rule, until when, and the same again after everything is forgotten."""

from __future__ import annotations

import pytest
from case_seeking import cases_at, rules, seek
from custody_stories import NOON
from judged_lot import DAY, HOUR, JudgedLot
from small_city import CREW, PARK, SmallCity, give, write_lifts

from backend.domain.cases import CaseKind, CaseState, Stage
from backend.domain.layout import Kind
from backend.domain.types import DisputeOp, Role, Verdict, device_id, lot_text, organisation_text
from backend.jobs.cases import CaseSeeker
from backend.store.cases import CaseReading, CaseStore
from backend.store.reading import Reader
from backend.store.session import Database
from backend.usecases.case_views import CaseFilter, CaseView


@pytest.fixture
def judged(database: Database) -> JudgedLot:
    return JudgedLot(SmallCity(database))


def found(judged: JudgedLot, kind: CaseKind, now: int | None = None) -> list[CaseView]:
    at = judged.city.clock.now if now is None else now
    seek(judged.city.database, at)
    return cases_at(judged.city.database, at, kind)


class TestAWeightDifference:
    def test_names_rule_version_masses_and_entries(self, judged: JudgedLot) -> None:
        (case,) = found(judged, CaseKind.WEIGHT_DIFFERENCE)
        assert (case.rule_id, case.rule_version) == ("estimated-bins", 1)
        assert case.subject == lot_text(judged.lot)
        assert {name: case.numbers[name] for name in ("declared_grams", "taken_grams", "permille")} == {
            "declared_grams": 100_000,
            "taken_grams": 160_000,
            "permille": 600,
        }
        assert [entry.seq for entry in case.entries[:2]] == [judged.take_seq, judged.given["give_seq"]]
        assert len(case.entries) == 3
        owner = case.span.owner
        assert owner is not None
        assert (owner.organisation, case.state) == (organisation_text(CREW), CaseState.OPEN)

    def test_is_overdue_after_the_published_time(self, judged: JudgedLot) -> None:
        (case,) = found(judged, CaseKind.WEIGHT_DIFFERENCE)
        due = case.span.due
        assert due is not None
        assert found(judged, CaseKind.WEIGHT_DIFFERENCE, due)[0].state is CaseState.OVERDUE

    def test_ends_when_the_masses_that_count_agree(self, judged: JudgedLot) -> None:
        judged.amend_take(grams=120_000)
        (case,) = found(judged, CaseKind.WEIGHT_DIFFERENCE)
        assert (case.span.stage, case.span.since) == (Stage.AGREES_NOW, judged.city.clock.now)

    def test_ends_when_the_giver_acknowledges_the_take_and_not_when_the_taker_does(
        self, judged: JudgedLot
    ) -> None:
        for office, stage in (
            (judged.park_office, Stage.AWAITING_EXPLANATION),
            (judged.crew_office, Stage.ACKNOWLEDGED),
        ):
            office.write(
                Kind.ACKNOWLEDGE, device=judged.gate.device, seq=judged.take_seq, verdict=Verdict.ACKNOWLEDGED
            )
            judged.city.record(office)
            (case,) = found(judged, CaseKind.WEIGHT_DIFFERENCE)
            assert case.span.stage is stage

    def test_goes_on_as_a_dispute(self, judged: JudgedLot) -> None:
        judged.dispute_take()
        (difference,) = found(judged, CaseKind.WEIGHT_DIFFERENCE)
        (dispute,) = found(judged, CaseKind.DISPUTE)
        assert difference.span.stage is Stage.DISPUTED
        assert dispute.span.stage is Stage.AWAITING_ANSWER
        assert dispute.span.due is not None
        (later,) = found(judged, CaseKind.DISPUTE, dispute.span.due)
        assert later.span.stage is Stage.APPEALABLE


class TestEveryCase:
    def test_of_this_lot_is_there(self, judged: JudgedLot) -> None:
        judged.amend_take(grams=130_000)
        judged.dispute_take()
        seek(judged.city.database, judged.city.clock.now)
        kinds = [case.kind for case in cases_at(judged.city.database, judged.city.clock.now)]
        assert sorted(kind.value for kind in kinds) == [
            "amendment",
            "dispute",
            "refusal-to-collect",
            "weight-difference",
        ]

    def test_is_found_again_byte_for_byte_after_all_are_forgotten(self, judged: JudgedLot) -> None:
        judged.amend_take()
        judged.dispute_take()
        database, now = judged.city.database, judged.city.clock.now
        seek(database, now)
        before = cases_at(database, now)
        with database.transaction() as connection:
            CaseStore(connection).forget()
        assert cases_at(database, now) == []
        seek(database, now)
        assert cases_at(database, now) == before

    def test_is_gone_with_the_blocks_that_it_came_from(self, judged: JudgedLot) -> None:
        city = judged.city
        seek(city.database, city.clock.now)
        with city.database.transaction(writes=False) as connection:
            head = Reader(connection).following().block_number
        assert head is not None
        judged.dispute_take()
        assert len(found(judged, CaseKind.DISPUTE)) == 1
        city.books.roll_back(head)
        assert found(judged, CaseKind.DISPUTE) == []
        assert len(found(judged, CaseKind.WEIGHT_DIFFERENCE)) == 1

    def test_is_not_written_again_when_nothing_is_new(self, judged: JudgedLot) -> None:
        now = judged.city.clock.now
        assert seek(judged.city.database, now) > 0
        assert seek(judged.city.database, now + HOUR) == 0


class TestTheInbox:
    def test_counts_what_waits_by_kind_and_owner(self, judged: JudgedLot) -> None:
        judged.dispute_take()
        city = judged.city
        now = city.clock.now
        seek(city.database, now)
        with city.database.transaction(writes=False) as connection:
            reading = CaseReading(Reader(connection), now + 30 * DAY)
            assert [c for c in reading.counts() if c.waiting] == []
            reading = CaseReading(Reader(connection), now)
            waiting = {
                (c.kind, None if c.owner is None else c.owner.organisation): (c.waiting, c.overdue)
                for c in reading.counts()
            }
            park = CaseFilter(owner=PARK, is_waiting=True)
            assert reading.count(park) == len(reading.page(park, offset=0, limit=9)) == 1
        assert waiting == {
            (CaseKind.DISPUTE, organisation_text(PARK)): (1, 0),
            (CaseKind.REFUSAL_TO_COLLECT, organisation_text(CREW)): (1, 0),
        }

    def test_shows_the_longest_overdue_first_and_the_done_last(self, judged: JudgedLot) -> None:
        truck, city = judged.truck, judged.city
        lot = write_lifts(truck, 2, serial=2)
        give(truck, lot, device_id(PARK, 0))
        city.record(truck)
        judged.dispute_take()
        now = city.clock.now + 3 * DAY
        seek(city.database, now)
        cases = cases_at(city.database, now)
        assert cases[0].kind is CaseKind.AWAITING_COUNTERPART
        assert [case.state for case in cases] == sorted(
            (case.state for case in cases), key=[CaseState.OVERDUE, CaseState.OPEN, CaseState.DONE].index
        )

    def test_finds_a_step_that_was_set_free_later(self, database: Database) -> None:
        city = SmallCity(database)
        truck, gate = city.device(CREW, 7), city.device(PARK, 7, Role.GATE)
        city.record(*city.registrars.values())
        city.place_bins()
        lot = write_lifts(truck, 2)
        lifts = truck.cut()
        given = give(truck, lot, device_id(PARK, 0))
        gate.write(Kind.TAKE, **given, grams=1_999, occurred_at=NOON + 600)
        city.record(lifts)
        city.record(gate)
        seek(database, city.clock.now)
        (waiting,) = cases_at(database, city.clock.now, CaseKind.ODD_ENTRY)
        assert (waiting.state, waiting.numbers["outcome"]) == (CaseState.OPEN, 2)
        city.clock.now += HOUR
        city.record(truck)
        seek(database, city.clock.now)
        (done,) = cases_at(database, city.clock.now, CaseKind.ODD_ENTRY)
        assert (done.state, done.span.stage) == (CaseState.DONE, Stage.SETTLED)

    def test_looks_through_many_segments_a_stretch_at_a_time(
        self, judged: JudgedLot, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        judged.amend_take()
        judged.dispute_take()
        database, now = judged.city.database, judged.city.clock.now
        seek(database, now)
        at_once = cases_at(database, now)
        monkeypatch.setattr("backend.jobs.cases.SEGMENTS_AT_ONCE", 1)
        with database.transaction() as connection:
            CaseStore(connection).forget()
        CaseSeeker(database, rules(), lambda: now).run_once()
        assert cases_at(database, now) == at_once

    def test_names_no_dispute_entry_that_had_no_effect(self, judged: JudgedLot) -> None:
        judged.dispute_take()
        (before,) = found(judged, CaseKind.DISPUTE)
        opening = before.entries[0]
        judged.crew_office.write(
            Kind.DISPUTE, op=DisputeOp.ANSWER, device=opening.device, seq=opening.seq, value=1
        )
        judged.city.record(judged.crew_office)
        (after,) = found(judged, CaseKind.DISPUTE)
        assert after == before
