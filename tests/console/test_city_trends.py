"""Thirty days as lines and as a table: the same numbers, each with the way to its day's facts."""

from __future__ import annotations

import re
from html import unescape
from xml.etree import ElementTree

import pytest
from console_city import City
from console_client import page
from fastapi.testclient import TestClient
from sqlalchemy import select

from backend.console.language import TEXTS
from backend.console.trend_lines import Line, Point, chart_of
from backend.domain.mass_flows import Flow
from backend.jobs.tally import Tally
from backend.store.reading.trends import trend_of
from backend.store.tables import LiftTally, MassDay, table_of

DAY, DAY_NUMBER = "2026-03-01", 20_513


@pytest.fixture(autouse=True)
def _counted(city: City) -> None:
    Tally(city.database).run_once()


class TestThirtyDays:
    @pytest.mark.parametrize("lang", ["zh", "en"])
    def test_are_four_charts_whose_points_are_in_the_table(self, client: TestClient, lang: str) -> None:
        text = page(client, f"/city/trends?day={DAY}&lang={lang}")
        charts = re.findall(r'<svg viewBox="0 0 440.0 200.0".*?</svg>', text, re.S)
        assert len(charts) == 4
        for chart in charts:
            ElementTree.fromstring(chart)
            assert "<a href=" in chart
        for key in ("trends.mass", "trends.accuracy", "trends.late", "trends.coverage"):
            assert TEXTS[lang][key] in text
        drawn = {unescape(href) for href in re.findall(r'<a href="([^"]+)" tabindex="-1"', text)}
        listed = {unescape(href) for href in re.findall(r'class="figure" href="([^"]+)"', text)}
        assert {href.partition("&stream=")[0] for href in listed} >= drawn
        for href in sorted(drawn | listed):
            assert client.get(href).status_code == 200, href

    def test_add_up_to_what_was_lifted(self, city: City) -> None:
        days, lifts = table_of(MassDay), table_of(LiftTally)
        with city.read() as reader:
            found = trend_of(reader.connection, DAY_NUMBER - 29, DAY_NUMBER)
            booked = reader.connection.execute(select(days).where(days.c.flow == int(Flow.LIFTED))).all()
            counted = reader.connection.execute(select(lifts).where(lifts.c.period == DAY)).all()
        assert len(found) == 30
        assert all(not day.grams and day.coverage.denominator == 0 for day in found[:-1])
        today = found[-1]
        assert sum(today.grams.values()) == sum(row.grams for row in booked) > 0
        assert today.timeliness.denominator == sum(row.lifts for row in counted) > 0
        assert today.accuracy.numerator == sum(row.clean for row in counted)
        assert 0 < today.coverage.numerator <= today.coverage.denominator

    def test_without_facts_say_so(self, client: TestClient) -> None:
        assert TEXTS["en"]["trends.none"] in page(client, "/city/trends?day=2026-01-01&lang=en")

    @pytest.mark.parametrize("day", ["x", "2026-02-30", "1970-01-05"])
    def test_of_no_day_are_a_page_that_says_so(self, client: TestClient, day: str) -> None:
        assert client.get(f"/city/trends?day={day}").status_code == 404


def points(*values: float | None) -> list[Point | None]:
    return [None if value is None else Point(at, value, "", "/") for at, value in enumerate(values)]


class TestAChart:
    def test_is_broken_where_a_day_says_nothing(self) -> None:
        chart = chart_of("x", [Line("a", "a", points(1, 2, None, 3, 4, None, 5))], 0, 7, unit="t", most=None)
        (drawn,) = chart.lines
        assert len(drawn.paths) == 2
        assert len(drawn.dots) == 5

    @pytest.mark.parametrize("highest", [0.0004, 0.9, 1.0, 7.3, 43_000.0])
    def test_holds_its_highest_point_and_is_not_much_higher(self, highest: float) -> None:
        chart = chart_of("x", [Line("a", "a", points(0, highest))], 0, 2, unit="t", most=None)
        low, high = chart.lines[0].dots
        assert low.y == chart.base
        assert min(y for y, _ in chart.ticks) <= high.y + 1e-6
        assert high.y < chart.base - (chart.base - min(y for y, _ in chart.ticks)) * 0.4
        assert 2 <= len(chart.ticks) <= 6

    def test_of_nothing_has_an_axis(self) -> None:
        chart = chart_of("x", [], 0, 30, unit="%", most=100)
        assert [text.split()[0] for _, text in chart.ticks] == ["0", "25", "50", "75", "100"]
        assert chart.days[0][0] == pytest.approx(chart.right)
