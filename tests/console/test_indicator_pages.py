"""Indicators: every value leads down to signed entries, and silence is not ranked."""

from __future__ import annotations

import re
from html import unescape

import pytest
from console_city import STREET, City
from fastapi.testclient import TestClient

from backend.console import indicators
from backend.console.language import TEXTS
from backend.domain.indicators.catalogue import FORMULAS
from backend.jobs.tally import Tally

LANGUAGES = pytest.mark.parametrize("lang", ["zh", "en"])
DAY, MONTH = "2026-03-01", "2026-03"
SITE = f"{STREET:016x}"


@pytest.fixture(autouse=True)
def _counted(city: City) -> None:
    Tally(city.database).run_once()


def page(client: TestClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return unescape(answer.text)


def league_of(text: str) -> list[str]:
    return re.findall(r'<th scope="row"><a href="/streets/([0-9a-f]{16})"', text[text.index('id="league"') :])


class TestTheIndicators:
    @LANGUAGES
    @pytest.mark.parametrize("by", ["street", "company", "district"])
    def test_show_formula_version_and_coverage(self, client: TestClient, lang: str, by: str) -> None:
        text = page(client, f"/indicators?period={MONTH}&by={by}&lang={lang}")
        assert all(formula.name in text for formula in FORMULAS)
        assert TEXTS[lang]["indicators.coverage"] in text
        assert "<script>alert" not in client.get(f"/indicators?period={MONTH}&by={by}").text

    def test_rank_no_street_of_which_little_is_heard(self, client: TestClient) -> None:
        text = page(client, f"/indicators?period={MONTH}&by=street&lang=en")
        league = text[text.index('id="league"') :]
        assert league.count('class="unranked"') == league.count(f">{TEXTS['en']['indicators.unranked']}<") == 2

    def test_are_told_page_by_page(self, client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
        path = f"/indicators?period={MONTH}&by=street"
        keys = league_of(page(client, path))
        monkeypatch.setattr(indicators, "_RANKS_A_PAGE", 1)
        first = page(client, path)
        assert league_of(first) == keys[:1]
        (following,) = re.findall(r'rel="next" href="(\?page=2[^"#]+)#league"', first)
        assert league_of(page(client, "/indicators" + following)) == keys[1:2]
        assert league_of(page(client, path + "&page=99")) == keys[:1]

    def test_lead_down_to_entries(self, client: TestClient) -> None:
        city_page = page(client, f"/indicators/sorting-accuracy?period={MONTH}")
        (street,) = set(re.findall(r'href="(/indicators/sorting-accuracy\?by=street&of=[^"]+)"', city_page))
        entries = re.findall(r'href="/verify/([0-9a-f]{16})/(\d+)"', page(client, street))
        assert len(entries) > 50
        assert client.get(f"/verify/{entries[0][0]}/{entries[0][1]}").status_code == 200

    @pytest.mark.parametrize("formula", ["sorting-accuracy", "contamination", "timeliness"])
    def test_count_what_they_list(self, client: TestClient, formula: str) -> None:
        rows = client.get(f"/indicators/{formula}?by=street&of={SITE}&period={DAY}&lang=en")
        text = unescape(rows.text)
        above, below = re.findall(r"([\d\u202f]+) / ([\d\u202f]+) lifts", text)[0]
        listed = len(re.findall(r'href="/verify/', text))
        assert int(below.replace("\u202f", "")) == listed > 0
        counted = text.count(TEXTS["en"]["indicators.in_numerator"])
        assert int(above.replace("\u202f", "")) == counted

    def test_list_the_bins_that_nobody_lifted(self, client: TestClient, city: City) -> None:
        text = page(client, f"/indicators/coverage?by=street&of={SITE}&period={DAY}&lang=en")
        heard, placed = map(int, re.findall(r"(\d+) / (\d+) bins", text)[0])
        silent = text[text.index('id="silent"') :]
        assert len(re.findall(r'href="/bins/', silent)) == placed - heard > 0

    def test_lead_from_grams_to_the_rows_of_the_balance(self, client: TestClient) -> None:
        text = page(client, f"/indicators/recovery?by=company&of=000004&period={DAY}")
        (link,) = re.findall(r'href="(/balance/000004\?[^"]+)"', text)
        assert client.get(link).status_code == 200

    @pytest.mark.parametrize(
        "path",
        [
            "/indicators?period=2026-13",
            "/indicators/happiness",
            f"/indicators/recovery?by=street&of={SITE}",
            "/indicators/coverage?by=street&of=nowhere",
            "/indicators/coverage?by=company&of=000002",
        ],
    )
    def test_are_not_found_where_there_are_none(self, client: TestClient, path: str) -> None:
        assert client.get(path).status_code == 404
