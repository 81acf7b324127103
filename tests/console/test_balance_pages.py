"""The mass balance's pages: red rows first, and every figure leads to a signed entry."""

from __future__ import annotations

import re
from html import unescape

import pytest
from console_city import PARK_SITE, City
from fastapi.testclient import TestClient

from backend.console.language import TEXTS

DAY = "2026-03-01"
LANGUAGES = pytest.mark.parametrize("lang", ["zh", "en"])


def page(client: TestClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return unescape(answer.text)


class TestTheBalanceOfADay:
    @LANGUAGES
    def test_shows_every_site_and_what_it_rests_on(self, client: TestClient, lang: str) -> None:
        text = page(client, f"/balance?day={DAY}&lang={lang}")
        words = TEXTS[lang]
        assert words["mass.title"] in text
        assert words["mass.flow.energy"] in text
        assert f'href="/api/v1/balance?day={DAY}&format=csv"' in text
        assert "<script>alert" not in client.get(f"/balance?day={DAY}").text

    def test_is_of_the_newest_day_unless_one_is_asked_for(self, client: TestClient) -> None:
        assert f'value="{DAY}"' in page(client, "/balance")
        assert f'value="{DAY}"' not in page(client, "/balance?day=2026-02-27")
        assert TEXTS["zh"]["mass.empty"] in page(client, "/balance?day=2026-02-27&lang=zh")

    def test_can_be_of_one_stream_and_one_site(self, client: TestClient) -> None:
        row = '<tr class="s-'
        everything = page(client, f"/balance?day={DAY}").count(row)
        food = page(client, f"/balance?day={DAY}&stream=3")
        assert 0 < food.count(row) < everything
        assert f"{row}residual" not in food
        assert page(client, f"/balance?day={DAY}&site={PARK_SITE:016x}").count(row) == 2
        assert page(client, f"/balance?day={DAY}&site=nowhere").count(row) == everything

    @pytest.mark.parametrize("day", ["yesterday", "2026-02-30", "2026-3-1", "../etc"])
    def test_of_no_day_is_a_page_that_says_so(self, client: TestClient, day: str) -> None:
        for path in ("/balance", f"/balance/{PARK_SITE:016x}"):
            answer = client.get(path, params={"day": day, "lang": "en"})
            assert answer.status_code == 404
            assert TEXTS["en"]["error.day.title"] in answer.text

    def test_leads_from_a_figure_to_its_entries(self, client: TestClient, city: City) -> None:
        figures = re.findall(r'class="figure" href="([^"]+flow=[^"]+)"', page(client, f"/balance?day={DAY}"))
        assert figures
        for href in figures:
            shown = page(client, href.partition("#")[0])
            entries = re.findall(r'href="/verify/([0-9a-f]{16})/(\d+)"', shown)
            assert entries, href
            device, seq = entries[0]
            assert client.get(f"/verify/{device}/{seq}").status_code == 200


class TestASitesBalance:
    @LANGUAGES
    def test_writes_its_equation_out(self, client: TestClient, lang: str) -> None:
        text = page(client, f"/balance/{PARK_SITE:016x}?day={DAY}&lang={lang}")
        for key in ("mass.opening", "mass.closing", "mass.error", "mass.flow.moved_in"):
            assert TEXTS[lang][key] in text

    def test_says_that_a_site_is_not_known(self, client: TestClient) -> None:
        assert TEXTS["en"]["mass.unknown_about"] in page(client, f"/balance/000004?day={DAY}&lang=en")

    @pytest.mark.parametrize("place", ["00000400000000", "zz", "0000040000000001x"])
    def test_is_not_found_where_the_address_names_no_place(self, client: TestClient, place: str) -> None:
        assert client.get(f"/balance/{place}?day={DAY}").status_code == 404
