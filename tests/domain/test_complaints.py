"""A complaint from report to closing: who may do what, in which stage, and until when."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain import complaint_errors as errors
from backend.domain.complaint_rules import ComplaintKind, NoComplaintRules
from backend.domain.complaint_statements import (
    ANCHOR_SCHEMA,
    COMPLAINANT,
    TEXT_CHARACTERS_MAX,
    Act,
    Finding,
    Statement,
    read_statement,
    require_text,
    salted_digest,
    statement_document,
)
from backend.domain.complaints import Case, Stage, advance, begin, fold_case
from backend.domain.recorded import EntryId
from backend.exchange.complaint_rules_file import load_complaint_rules

RULES = load_complaint_rules()
HOUR, DAY = 3600, 86_400
MONDAY = 1_772_413_200  # 2026-03-02 09:00 in Shanghai
CITY, CARRIER, OTHER = 1, 2, 3
SALT = bytes(16)
LIFT = EntryId(0x20000000007, 9)


class Told:
    """A case and the statements that made it."""

    def __init__(self, kind: int = ComplaintKind.OVERFLOW, *, wanted: int = 0) -> None:
        report = Statement(
            case=7, number=0, act=Act.REPORT, at=MONDAY, by=COMPLAINANT, rules=1, kind=kind, bin=5, site=6,
            supervisor=CITY, to=CARRIER, wanted=wanted,
        )  # fmt: skip
        self.kept = [(report, digest_of(report))]
        self.case: Case = begin(*self.kept[0], RULES)
        self.now = MONDAY

    def say(self, act: Act, by: int, *, after: int = 0, **values: Any) -> Case:
        self.now += after
        statement = Statement(
            case=7, number=self.case.statements, act=act, at=self.now, by=by, previous=self.case.digest, **values
        )
        self.case = advance(self.case, statement, digest_of(statement))
        self.kept.append((statement, digest_of(statement)))
        return self.case

    def assign(self, **values: Any) -> Case:
        return self.say(Act.ASSIGN, CITY, **{"to": CARRIER, **values})

    def answer(self, **values: Any) -> Case:
        return self.say(Act.ANSWER, CARRIER, **{"finding": Finding.SETTLED, "facts": (LIFT,), **values})

    def answered(self) -> Told:
        self.assign(after=HOUR)
        self.answer(after=HOUR)
        self.say(Act.ACCEPT, CITY, after=HOUR)
        return self

    def closed(self) -> Told:
        self.answered()
        self.say(Act.RATE, COMPLAINANT, stars=4)
        self.say(Act.CLOSE, CITY)
        return self


def digest_of(statement: Statement) -> bytes:
    return salted_digest(SALT, statement_document(statement))


class TestLoop:
    def test_goes_through_five_stages_each_with_its_owner_and_clock(self) -> None:
        told = Told()
        assert (told.case.stage, told.case.span.owner, told.case.due_at) == (Stage.ASSIGN, CITY, MONDAY + 4 * HOUR)
        told.assign(after=HOUR)
        assert (told.case.stage, told.case.span.owner) == (Stage.HANDLE, CARRIER)
        assert told.case.due_at == MONDAY + 25 * HOUR
        told.answer(after=HOUR)
        assert (told.case.stage, told.case.span.owner) == (Stage.SUPERVISE, CITY)
        told.say(Act.ACCEPT, CITY)
        assert (told.case.stage, told.case.can_rate()) == (Stage.CLOSE, True)
        told.say(Act.RATE, COMPLAINANT, stars=5)
        assert (told.case.stars, told.case.can_rate()) == (5, False)
        case = told.say(Act.CLOSE, CITY)
        assert [span.stage for span in case.spans] == list(Stage)
        assert (case.closed_at, case.due_at) == (told.now, None)
        assert all(span.ended_at is not None for span in case.spans)
        assert fold_case(told.kept, RULES) == case

    def test_sends_back_what_was_not_settled(self) -> None:
        told = Told()
        told.assign()
        told.answer()
        case = told.say(Act.RETURN, CITY)
        assert (case.stage, case.span.owner) == (Stage.HANDLE, CARRIER)
        told.answer(documents=(bytes(32),), facts=())
        assert told.case.stage is Stage.SUPERVISE

    def test_closes_without_a_rating_once_the_time_for_it_is_over(self) -> None:
        told = Told().answered()
        with pytest.raises(errors.RatingAwaited) as refused:
            told.say(Act.CLOSE, CITY, after=120 * HOUR - 1)
        assert refused.value.until == told.case.rate_until == told.now + 1
        assert told.say(Act.CLOSE, CITY, after=1).closed_at == told.now

    def test_takes_a_rating_after_closing(self) -> None:
        told = Told().answered()
        told.say(Act.CLOSE, CITY, after=121 * HOUR)
        assert told.say(Act.RATE, COMPLAINANT, stars=1).stars == 1

    def test_is_overdue_from_its_deadline_on(self) -> None:
        case = Told().case
        due_at = case.due_at
        assert due_at is not None
        assert [case.is_overdue(due_at + late) for late in (-1, 0, 1)] == [False, True, True]

    def test_keeps_showing_that_a_stage_took_too_long(self) -> None:
        told = Told()
        told.assign(after=5 * HOUR)
        assert [span.is_overdue(told.now) for span in told.case.spans] == [False, True, False]
        assert not told.case.is_overdue(told.now)

    def test_is_never_overdue_once_closed(self) -> None:
        told = Told().closed()
        assert not told.case.is_overdue(told.now + 1000 * DAY)


class TestAppeal:
    def test_begins_again_with_the_assignment(self) -> None:
        told = Told().closed()
        closed_span = told.case.span
        case = told.say(Act.APPEAL, COMPLAINANT, after=DAY)
        assert (case.stage, case.span.owner, case.stars, case.closed_at) == (Stage.ASSIGN, CITY, 0, None)
        assert case.spans[-2] == closed_span
        told.assign(to=OTHER)
        assert told.case.span.owner == OTHER
        assert fold_case(told.kept, RULES) == told.case

    def test_ends_the_stage_it_interrupts(self) -> None:
        told = Told().answered()
        case = told.say(Act.APPEAL, COMPLAINANT)
        assert case.spans[-2].ended_at == told.now

    def test_is_possible_once(self) -> None:
        told = Told().answered()
        told.say(Act.APPEAL, COMPLAINANT)
        told.answered()
        assert not told.case.can_appeal(told.now)
        with pytest.raises(errors.AlreadyAppealed):
            told.say(Act.APPEAL, COMPLAINANT)

    def test_is_possible_for_a_while_after_closing(self) -> None:
        told = Told().closed()
        until = told.case.appeal_until
        assert until == told.now + 360 * HOUR
        assert told.case.can_appeal(until - 1)
        assert not told.case.can_appeal(until)
        with pytest.raises(errors.AppealTooLate) as refused:
            told.say(Act.APPEAL, COMPLAINANT, after=360 * HOUR)
        assert refused.value.until == until
        open_case = Told().answered().case
        assert open_case.appeal_until is None
        assert open_case.can_appeal(open_case.changed_at)


class TestWithdrawal:
    def test_ends_a_case_at_any_stage(self) -> None:
        for told in (Told(), Told().answered()):
            case = told.say(Act.WITHDRAW, COMPLAINANT, after=HOUR)
            assert (case.closed_at, case.due_at, case.span.ended_at) == (told.now, None, told.now)
            assert fold_case(told.kept, RULES) == case

    def test_is_the_complainants_only(self) -> None:
        with pytest.raises(errors.NotTheOwner):
            Told().say(Act.WITHDRAW, CITY)

    def test_leaves_nothing_to_rate_or_appeal_before_an_answer(self) -> None:
        case = Told().say(Act.WITHDRAW, COMPLAINANT)
        assert not case.can_rate()
        assert not case.can_appeal(case.changed_at)


class TestPickUp:
    @pytest.mark.parametrize("day", [20260303, 20260316])
    def test_is_due_when_the_wanted_day_is_over(self, day: int) -> None:
        told = Told(ComplaintKind.BULKY_PICKUP, wanted=day)
        told.assign(after=HOUR)
        end = told.case.due_at
        assert end is not None
        assert (end - MONDAY + 9 * HOUR) % DAY == 0
        assert (end - MONDAY + 9 * HOUR) // DAY == day - 20260302 + 1

    def test_has_the_usual_time_once_the_day_has_passed(self) -> None:
        told = Told(ComplaintKind.BULKY_PICKUP, wanted=20260303)
        told.assign(after=2 * DAY)
        assert told.case.due_at == told.case.rules.due_at("handle", told.now, ComplaintKind.BULKY_PICKUP)

    @pytest.mark.parametrize("day", [0, 1, 20260302, 20260317, 20260230, 20250303])
    def test_is_on_one_of_the_next_fourteen_days(self, day: int) -> None:
        with pytest.raises(errors.NoSuchDay) as refused:
            Told(ComplaintKind.MERCHANT_PICKUP, wanted=day)
        assert refused.value.day == day

    def test_is_what_a_complaint_is_not(self) -> None:
        for day in (1, 20260303):
            with pytest.raises(errors.NoSuchDay):
                Told(ComplaintKind.OVERFLOW, wanted=day)


class TestRefusals:
    @pytest.mark.parametrize(
        ("act", "by", "values"),
        [
            (Act.ASSIGN, CARRIER, {"to": CARRIER}),
            (Act.ASSIGN, COMPLAINANT, {"to": CARRIER}),
        ],
    )
    def test_of_an_assignment_by_somebody_else(self, act: Act, by: int, values: dict[str, Any]) -> None:
        with pytest.raises(errors.NotTheOwner) as refused:
            Told().say(act, by, **values)
        assert (refused.value.owner, refused.value.by) == (CITY, by)

    def test_of_every_other_step_by_somebody_else(self) -> None:
        told = Told()
        told.assign()
        with pytest.raises(errors.NotTheOwner):
            told.say(Act.ANSWER, OTHER, finding=1, facts=(LIFT,))
        told.answer()
        for act in (Act.ACCEPT, Act.RETURN):
            with pytest.raises(errors.NotTheOwner):
                told.say(act, CARRIER)
        told.say(Act.ACCEPT, CITY)
        for act in (Act.RATE, Act.APPEAL):
            with pytest.raises(errors.NotTheOwner):
                told.say(act, CITY, stars=5)
        with pytest.raises(errors.NotTheOwner):
            told.say(Act.CLOSE, CARRIER)

    @pytest.mark.parametrize("act", [act for act in Act if act not in (Act.ASSIGN, Act.WITHDRAW)])
    def test_of_every_step_but_the_next(self, act: Act) -> None:
        with pytest.raises(errors.WrongStage) as refused:
            Told().say(act, CITY)
        assert (refused.value.act, refused.value.stage) == (act, "assign")

    def test_of_an_assignment_to_nobody(self) -> None:
        with pytest.raises(errors.NoHandler):
            Told().assign(to=COMPLAINANT)

    def test_of_an_answer_without_evidence_or_with_no_finding(self) -> None:
        told = Told()
        told.assign()
        with pytest.raises(errors.NoEvidence):
            told.answer(facts=())
        with pytest.raises(errors.UnknownFinding):
            told.answer(finding=9)

    @pytest.mark.parametrize("stars", [-1, 0, 6])
    def test_of_a_rating_out_of_range(self, stars: int) -> None:
        with pytest.raises(errors.StarsOutOfRange):
            Told().answered().say(Act.RATE, COMPLAINANT, stars=stars)

    def test_of_a_second_rating(self) -> None:
        told = Told().answered()
        told.say(Act.RATE, COMPLAINANT, stars=1)
        with pytest.raises(errors.AlreadyRated):
            told.say(Act.RATE, COMPLAINANT, stars=5)

    @pytest.mark.parametrize("act", [Act.ASSIGN, Act.ANSWER, Act.ACCEPT, Act.RETURN, Act.CLOSE, Act.WITHDRAW])
    def test_of_everything_once_closed(self, act: Act) -> None:
        with pytest.raises(errors.CaseClosed):
            Told().closed().say(act, CITY)

    def test_of_a_statement_out_of_order(self) -> None:
        told = Told()
        good = Statement(
            case=7, number=1, act=Act.ASSIGN, at=MONDAY, by=CITY, previous=told.case.digest, to=CARRIER
        )
        for wrong in (
            replace(good, number=2),
            replace(good, case=8),
            replace(good, previous=bytes(32)),
            replace(good, at=MONDAY - 1),
        ):
            with pytest.raises(errors.BrokenChain):
                advance(told.case, wrong, bytes(32))

    def test_of_a_first_statement_that_begins_nothing(self) -> None:
        report = Told().kept[0][0]
        for wrong in (
            replace(report, number=1),
            replace(report, previous=bytes(32)),
            replace(report, act=Act.ASSIGN),
        ):
            with pytest.raises(errors.BrokenChain):
                begin(wrong, bytes(32), RULES)
        with pytest.raises(errors.NotTheOwner):
            begin(replace(report, by=CARRIER), bytes(32), RULES)
        with pytest.raises(errors.UnknownKind):
            begin(replace(report, kind=99), bytes(32), RULES)
        with pytest.raises(NoComplaintRules):
            begin(replace(report, rules=2), bytes(32), RULES)


DIGESTS = st.sampled_from([b"", bytes(32), bytes(range(32))])
STATEMENTS = st.builds(
    Statement,
    case=st.integers(0, 2**96 - 1),
    number=st.integers(0, 1000),
    act=st.sampled_from(Act),
    at=st.integers(0, 2**40),
    by=st.integers(0, 2**24 - 1),
    previous=DIGESTS,
    rules=st.integers(0, 9),
    kind=st.integers(0, 9),
    bin=st.integers(0, 2**40 - 1),
    site=st.integers(0, 2**64 - 1),
    wanted=st.sampled_from([0, 20260302]),
    supervisor=st.integers(0, 2**24 - 1),
    to=st.integers(0, 2**24 - 1),
    finding=st.integers(0, 3),
    stars=st.integers(0, 5),
    text=DIGESTS,
    photo=DIGESTS,
    facts=st.lists(st.builds(EntryId, st.integers(0, 2**64 - 1), st.integers(1, 2**40 - 1)), max_size=3).map(
        tuple
    ),
    documents=st.lists(st.just(bytes(range(32))), max_size=2).map(tuple),
)


class TestStatements:
    @given(STATEMENTS)
    def test_are_read_as_they_were_written(self, statement: Statement) -> None:
        assert read_statement(statement_document(statement)) == statement

    def test_are_written_in_one_way(self) -> None:
        told = Told()
        told.assign()
        assert statement_document(told.kept[1][0]).startswith(
            b'{"act":"assign","at":1772413200,"bin":"0000000000"'
        )

    @pytest.mark.parametrize(
        "change",
        [
            lambda d: d.replace(b'"number":1', b'"number": 1'),
            lambda d: d.replace(b'"number":1', b'"number":true'),
            lambda d: d.replace(b'"number":1', b'"number":"1"'),
            lambda d: d.replace(b'"number":1', b'"number":1,"number":1'),
            lambda d: d.replace(b'"text":""', b'"text":"00"'),
            lambda d: d.replace(b'"act":"assign"', b'"act":"hide"'),
            lambda d: d.replace(b'"act":"assign",', b""),
            lambda d: d.replace(b'"facts":[]', b'"facts":[7]'),
            lambda d: d.replace(b'"to":"000002"', b'"to":"2"'),
            lambda d: d.replace(b'"to":"000002"', b'"to":2'),
            lambda d: b"[]",
            lambda d: b"\xff",
            lambda d: b"[" * 100_000,
        ],
    )
    def test_are_refused_in_any_other_way(self, change: Any) -> None:
        told = Told()
        told.assign()
        document = statement_document(told.kept[1][0])
        assert change(document) != document
        with pytest.raises(errors.UnreadableStatement):
            read_statement(change(document))

    def test_show_an_altered_order(self) -> None:
        told = Told().closed()
        swapped = copy.copy(told.kept)
        swapped[1], swapped[2] = swapped[2], swapped[1]
        for kept in (swapped, told.kept[:1] + told.kept[2:]):
            with pytest.raises(errors.BrokenChain):
                fold_case(kept, RULES)

    def test_give_nothing_away_by_their_digest(self) -> None:
        document = statement_document(Told().kept[0][0])
        assert salted_digest(bytes(16), document) != salted_digest(bytes(15) + b"\1", document)

    def test_have_an_anchor_schema_that_fits_its_field(self) -> None:
        assert 0 < ANCHOR_SCHEMA < 2**32


class TestText:
    def test_loses_only_blanks_around_it(self) -> None:
        assert require_text("  桶满了 \r\n\r\n臭味很大\t\n") == "桶满了\n\n臭味很大"

    def test_has_at_most_500_characters(self) -> None:
        assert len(require_text("满" * TEXT_CHARACTERS_MAX)) == 500
        with pytest.raises(errors.TextTooLong) as refused:
            require_text("满" * (TEXT_CHARACTERS_MAX + 1))
        assert refused.value.characters == 501
