"""Complaints on both databases: filed once, taken on in order, erasable, told to the hotline until it listens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from custody_stories import NOON

from backend.domain.case_code import code_digest
from backend.domain.complaint_errors import ComplaintError, NotTheOwner
from backend.domain.complaint_statements import Act, Finding, read_statement, salted_digest
from backend.domain.complaints import Stage
from backend.domain.recorded import EntryId
from backend.exchange.complaint_rules_file import load_complaint_rules
from backend.jobs.hotline import HotlineJob
from backend.store.complaints import ComplaintStore
from backend.store.session import Database
from backend.usecases.complaints import (
    Report,
    TooManyComplaints,
    UnknownComplaint,
    UnknownFact,
    file_complaint,
    find_case,
    step_complaint,
)
from backend.usecases.ports import HotlineAway, HotlineNews
from backend.usecases.tell_hotline import pause_seconds

RULES = load_complaint_rules()
CITY, CARRIER = 1, 2
STREET = CARRIER << 40 | 1
HOUR = 3600


@dataclass
class Desk:
    """What residents and organisations do, each in a transaction of its own."""

    database: Database
    now: int = NOON

    @contextmanager
    def store(self) -> Iterator[ComplaintStore]:
        with self.database.transaction() as connection:
            yield ComplaintStore(connection)

    def file(self, *, token: bytes = b"token", bin: int = 5, **values: Any) -> int:
        report = Report(**{"bin": bin, "site": STREET, "kind": 3, "text": "满了", **values})
        with self.store() as store:
            code = file_complaint(store, report, RULES, token=token, now=self.now)
            case = store.find_case(code_digest(code))
        assert case is not None
        return case

    def step(self, case: int, act: Act, by: int, **values: Any) -> None:
        with self.store() as store:
            step_complaint(store, case, RULES, act=act, by=by, now=self.now, **values)

    def answer(self, case: int) -> None:
        self.step(case, Act.ASSIGN, CITY, to=CARRIER)
        self.step(case, Act.ANSWER, CARRIER, finding=int(Finding.SETTLED), documents=(bytes(32),))


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


class TestComplaintStore:
    def test_keeps_a_form_sent_twice_once(self, desk: Desk) -> None:
        first = desk.file()
        assert desk.file() == first
        assert desk.file(text="还是满的") != first
        assert desk.file(token=b"other") != first
        with desk.store() as store:
            assert len(store.open_cases()) == 3
            assert len(store.statements_of(first)) == 1

    def test_reads_back_what_was_said_byte_for_byte(self, desk: Desk) -> None:
        case = desk.file(photo=b"\xff\xd8jpeg")
        desk.answer(case)
        with desk.store() as store:
            kept, stands = store.statements_of(case), find_case(store, case, RULES)
            row = store.find_row(case)
            assert store.find_photo(case, 0) == b"\xff\xd8jpeg"
        assert [read_statement(each.document).act for each in kept] == [Act.REPORT, Act.ASSIGN, Act.ANSWER]
        assert all(salted_digest(each.salt, each.document) == each.digest for each in kept)
        assert kept[0].text == "满了"
        assert row is not None
        assert (row.stage, row.owner, row.due_at) == (Stage.SUPERVISE, "000001", stands.due_at)

    def test_changes_nothing_when_a_step_is_refused(self, desk: Desk) -> None:
        case = desk.file()
        with pytest.raises(NotTheOwner):
            desk.step(case, Act.ASSIGN, CARRIER, to=CARRIER)
        with pytest.raises(UnknownComplaint):
            desk.step(case + 1, Act.ASSIGN, CITY, to=CARRIER)
        desk.step(case, Act.ASSIGN, CITY, to=CARRIER)
        with pytest.raises(UnknownFact):
            desk.step(case, Act.ANSWER, CARRIER, finding=1, facts=(EntryId(9, 9),))
        with desk.store() as store:
            assert len(store.statements_of(case)) == 2

    def test_lists_the_most_urgent_first_and_by_owner(self, desk: Desk) -> None:
        slow = desk.file(kind=5)
        desk.now += HOUR
        urgent = desk.file(kind=3)
        handled = desk.file(kind=3, bin=6)
        desk.step(handled, Act.ASSIGN, CITY, to=CARRIER)
        with desk.store() as store:
            rows = store.open_cases()
            assert [row.due_at for row in rows] == sorted(row.due_at or 0 for row in rows)
            assert {row.case for row in store.open_cases(owner=CITY)} == {f"{slow:024x}", f"{urgent:024x}"}
            assert [row.case for row in store.open_cases(owner=CARRIER)] == [f"{handled:024x}"]

    def test_counts_by_street_and_stage(self, desk: Desk) -> None:
        desk.answer(desk.file())
        desk.file(bin=6)
        desk.file(bin=7, site=STREET + 1)
        desk.now += 5 * HOUR
        with desk.store() as store:
            counts = {(c.site[-1], c.stage): (c.count, c.overdue) for c in store.counts(desk.now)}
        assert counts == {("1", 2): (1, 1), ("1", 4): (1, 0), ("2", 2): (1, 1)}

    def test_counts_what_is_closed_apart_and_never_as_overdue(self, desk: Desk) -> None:
        case = desk.file()
        desk.answer(case)
        desk.step(case, Act.ACCEPT, CITY)
        desk.step(case, Act.RATE, 0, stars=5)
        desk.step(case, Act.CLOSE, CITY)
        with desk.store() as store:
            assert [(c.stage, c.count, c.overdue) for c in store.counts(desk.now + 10**7)] == [(0, 1, 0)]
            assert store.open_cases() == []

    def test_takes_so_many_about_a_bin_an_hour(self, desk: Desk) -> None:
        for number in range(12):
            desk.file(text=str(number))
        with pytest.raises(TooManyComplaints):
            desk.file(text="13")
        desk.file(text="13", bin=6)
        desk.now += HOUR + 1
        desk.file(text="13")

    def test_erases_texts_with_their_salts_and_photos(self, desk: Desk) -> None:
        case, other = desk.file(photo=b"jpeg"), desk.file(bin=6, photo=b"jpeg")
        desk.answer(case)
        with desk.store() as store:
            store.erase(case)
            kept = store.statements_of(case)
            assert all((each.text, each.text_salt) == (None, None) for each in kept)
            assert store.find_photo(case, 0) is None
            assert store.find_photo(other, 0) == b"jpeg"
            assert store.statements_of(other)[0].text == "满了"
            assert find_case(store, case, RULES).stage is Stage.SUPERVISE

    def test_knows_what_is_not_anchored(self, desk: Desk) -> None:
        case, other = desk.file(), desk.file(bin=6)
        desk.step(case, Act.ASSIGN, CITY, to=CARRIER)
        with desk.store() as store:
            assert {(c, n) for c, n, _ in store.unanchored()} == {(case, 0), (case, 1), (other, 0)}
            store.put_anchor(case, 0, EntryId(7, 8))
            assert [n for _, n, _ in store.unanchored(case)] == [1]
            assert store.statements_of(case)[0].anchor == EntryId(7, 8)


@dataclass
class Line:
    """A telephone line to the hotline that can be cut."""

    is_cut: bool = False
    order: str = ""
    heard: list[HotlineNews] = field(default_factory=list)

    def tell(self, news: HotlineNews) -> str:
        if self.is_cut:
            raise HotlineAway("cut")
        self.heard.append(news)
        return self.order or f"GZ-{news.case:024x}"


class TestHotline:
    def test_is_told_each_step_once(self, desk: Desk) -> None:
        line = Line()
        job = HotlineJob(desk.database, line, lambda: desk.now)
        case = desk.file()
        assert [job.run_once(), job.run_once()] == [1, 0]
        desk.step(case, Act.ASSIGN, CITY, to=CARRIER)
        assert job.run_once() == 1
        assert [(news.statements, news.stage) for news in line.heard] == [(1, 2), (2, 3)]
        with desk.store() as store:
            row = store.find_order(f"GZ-{case:024x}")
        assert row is not None
        assert (row.told, row.hotline_attempts) == (2, 0)

    def test_is_tried_again_later_and_later_and_loses_nothing(self, desk: Desk) -> None:
        line = Line(is_cut=True)
        job = HotlineJob(desk.database, line, lambda: desk.now)
        case = desk.file()
        for attempts in range(1, 4):
            assert job.run_once() == 0
            with desk.store() as store:
                row = store.find_row(case)
            assert row is not None
            assert (row.told, row.hotline_attempts) == (0, attempts)
            assert job.run_once() == 0, "not before its pause is over"
            with desk.store() as store:
                assert store.find_row(case) == row
            desk.now += pause_seconds(attempts)
        desk.step(case, Act.ASSIGN, CITY, to=CARRIER)
        line.is_cut = False
        assert job.run_once() == 1
        assert [news.statements for news in line.heard] == [2], "it hears where the case stands now"

    def test_is_no_reason_to_mix_up_two_complaints(self, desk: Desk) -> None:
        line = Line(order="GZ-1")
        job = HotlineJob(desk.database, line, lambda: desk.now)
        first, second = desk.file(), desk.file(bin=6)
        job.run_once()
        with desk.store() as store:
            rows = [store.find_row(case) for case in (first, second)]
        assert sorted((row.told, row.hotline_attempts) for row in rows if row is not None) == [(0, 1), (1, 0)]

    def test_waits_twice_as_long_each_time_up_to_an_hour(self) -> None:
        assert [pause_seconds(n) for n in (0, 1, 2, 8, 9, 1000)] == [15, 30, 60, 3600, 3600, 3600]


def test_every_refusal_is_a_complaint_error() -> None:
    for refusal in (TooManyComplaints, UnknownComplaint, UnknownFact):
        assert issubclass(refusal, ComplaintError)
