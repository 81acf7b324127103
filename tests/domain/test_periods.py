from __future__ import annotations

import pytest

from backend.domain.periods import date_text, month_of, read_period, shifted


class TestAPeriod:
    def test_is_a_day_or_a_month(self) -> None:
        day, month = read_period("2026-03-01"), read_period("2028-02")
        assert day is not None
        assert month is not None
        assert (day.is_month, len(day.days), day.month) == (False, 1, "2026-03")
        assert (month.is_month, len(month.days)) == (True, 29)
        assert (date_text(month.first_day), date_text(month.last_day)) == ("2028-02-01", "2028-02-29")

    @pytest.mark.parametrize("text", ["", "2026", "2026-13", "2026-02-30", "0000-01", "2026-3", "2026-03-011"])
    def test_is_none_where_no_calendar_has_it(self, text: str) -> None:
        assert read_period(text) is None

    @pytest.mark.parametrize(
        ("text", "steps", "expected"),
        [("2026-01", -1, "2025-12"), ("2026-12", 1, "2027-01"), ("2026-02-28", 1, "2026-03-01")],
    )
    def test_has_neighbours(self, text: str, steps: int, expected: str) -> None:
        period = read_period(text)
        assert period is not None
        assert shifted(period, steps) == expected

    def test_begins_at_midnight_in_shanghai(self) -> None:
        assert month_of(1_772_294_399) == "2026-02"
        assert month_of(1_772_294_400) == "2026-03"
