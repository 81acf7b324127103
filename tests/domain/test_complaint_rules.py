"""Limits of a complaint's stages, and the working time that some of them count."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.complaint_rules import (
    ComplaintKind,
    NoComplaintRules,
    UnusableComplaintRules,
    read_complaint_rules,
    rules_in_force,
    rules_of_version,
)
from backend.domain.working_time import WorkCalendar, local_day, midnight_of
from backend.exchange.complaint_rules_file import PUBLISHED, load_complaint_rules

DOCUMENT: dict[str, Any] = json.loads(PUBLISHED.read_text(encoding="utf-8"))
RULES = load_complaint_rules()
HOUR = 3600


def at(text: str) -> int:
    return int(datetime.fromisoformat(f"{text}+08:00").timestamp())


class TestWorkingTime:
    calendar = RULES[0].calendar

    @pytest.mark.parametrize(
        ("start", "hours", "end"),
        [
            ("2026-03-02T09:00", 1, "2026-03-02T10:00"),
            ("2026-03-02T11:30", 1, "2026-03-02T13:30"),
            ("2026-03-02T12:20", 1, "2026-03-02T14:00"),
            ("2026-03-02T06:00", 3, "2026-03-02T12:00"),
            ("2026-03-02T13:00", 7, "2026-03-03T12:00"),
            # Friday evening; the weekend does not count.
            ("2026-03-06T18:00", 2, "2026-03-09T11:00"),
            # Into Spring Festival: Saturday the 14th is worked, then nine days are not.
            ("2026-02-13T16:00", 3, "2026-02-14T11:00"),
            ("2026-02-14T16:00", 2, "2026-02-24T10:00"),
            # A Saturday to which work was moved, after it a Sunday.
            ("2026-10-10T16:30", 1, "2026-10-12T09:30"),
            # A year that nobody has published yet: weekdays.
            ("2027-01-01T09:00", 1, "2027-01-01T10:00"),
        ],
    )
    def test_passes_only_while_people_work(self, start: str, hours: int, end: str) -> None:
        assert self.calendar.after(at(start), hours * HOUR) == at(end)

    @given(st.integers(at("2026-01-01T00:00"), at("2026-12-31T00:00")), st.integers(1, 200 * HOUR))
    def test_ends_within_working_hours_and_never_early(self, start: int, seconds: int) -> None:
        end = self.calendar.after(start, seconds)
        assert end >= start + seconds
        clock = end - midnight_of(local_day(end))
        assert self.calendar.is_working_day(local_day(end))
        assert any(opens < clock <= closes for opens, closes in self.calendar.hours)

    @given(st.integers(at("2026-01-01T00:00"), at("2026-12-01T00:00")), st.integers(1, HOUR), st.integers(1, HOUR))
    def test_adds_up(self, start: int, first: int, second: int) -> None:
        calendar = self.calendar
        assert calendar.after(calendar.after(start, first), second) == calendar.after(start, first + second)

    def test_has_days_that_begin_in_shanghai(self) -> None:
        assert local_day(at("2026-03-01T00:00")) == date(2026, 3, 1)
        assert local_day(at("2026-03-01T00:00") - 1) == date(2026, 2, 28)
        assert midnight_of(date(2026, 3, 1)) == at("2026-03-01T00:00")

    def test_knows_a_holiday_from_a_worked_weekend(self) -> None:
        calendar = WorkCalendar(((0, 60),), frozenset([date(2026, 3, 2)]), frozenset([date(2026, 3, 1)]))
        days = [calendar.is_working_day(date(2026, 3, day)) for day in range(1, 9)]
        assert days == [True, False, True, True, True, True, False, False]


class TestComplaintRules:
    def test_give_urgent_kinds_less_time_on_every_hour(self) -> None:
        rules, friday = RULES[0], at("2026-03-06T18:00")
        assert rules.due_at("handle", friday, ComplaintKind.OVERFLOW) == friday + 24 * HOUR
        assert rules.due_at("handle", friday, ComplaintKind.STAFF) == at("2026-03-13T17:00")
        assert rules.due_at("supervise", friday, ComplaintKind.OVERFLOW) == at("2026-03-10T17:00")

    def test_are_found_by_instant_and_by_version(self) -> None:
        document = copy.deepcopy(DOCUMENT)
        document["versions"].append(
            {**document["versions"][0], "version": 2, "in_force_from": "2026-06-01T00:00:00+08:00"}
        )
        rules = read_complaint_rules(document)
        assert rules_in_force(rules, at("2026-05-31T23:59")).version == 1
        assert rules_in_force(rules, at("2026-06-01T00:00")).version == 2
        assert rules_of_version(rules, 2) is rules[1]

    def test_are_none_before_the_first_and_beyond_the_last(self) -> None:
        with pytest.raises(NoComplaintRules):
            rules_in_force(RULES, at("2025-12-31T23:59"))
        for version in (0, 2):
            with pytest.raises(NoComplaintRules):
                rules_of_version(RULES, version)

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda d: d.pop("calendar"),
            lambda d: d.update(versions=[]),
            lambda d: d.update(versions=None),
            lambda d: d["calendar"].update(hours=[]),
            lambda d: d["calendar"].update(hours=[["13:00", "17:00"], ["09:00", "12:00"]]),
            lambda d: d["calendar"].update(hours=[["-1:00", "17:00"]]),
            lambda d: d["calendar"].update(hours=[["09:00", "25:00"]]),
            lambda d: d["calendar"].update(hours=[["nine", "17:00"]]),
            lambda d: d["calendar"].update(holidays=["2026-02-30"]),
            lambda d: d["versions"][0].update(version=2),
            lambda d: d["versions"].append(d["versions"][0]),
            lambda d: d["versions"].append({**d["versions"][0], "version": 2}),
            lambda d: d["versions"][0].update(urgent=["ufo"]),
            lambda d: d["versions"][0].update(in_force_from="soon"),
            lambda d: d["versions"][0]["limits"].pop("rate"),
            lambda d: d["versions"][0]["limits"].update(rate={"hours": 0, "clock": "every"}),
            lambda d: d["versions"][0]["limits"].update(rate={"hours": 1.5, "clock": "every"}),
            lambda d: d["versions"][0]["limits"].update(rate={"hours": 1, "clock": "lunar"}),
        ],
    )
    def test_are_refused_when_they_cannot_be_used(self, spoil: Callable[[dict[str, Any]], Any]) -> None:
        document = copy.deepcopy(DOCUMENT)
        spoil(document)
        with pytest.raises(UnusableComplaintRules):
            read_complaint_rules(document)

    def test_are_refused_when_the_file_is_no_json(self, tmp_path: Path) -> None:
        file = tmp_path / "rules.json"
        file.write_text("{")
        with pytest.raises(UnusableComplaintRules, match=r"rules\.json"):
            load_complaint_rules(file)
