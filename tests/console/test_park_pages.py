"""Parks: public facts with their sources, and figures that lead to signed entries."""

from __future__ import annotations

import re
from html import unescape

import pytest
from console_city import PARK_SITE, RECYCLER_SITE, City
from fastapi.testclient import TestClient

from backend.console.language import TEXTS
from backend.demo.parks import load_parks

LANGUAGES = pytest.mark.parametrize("lang", ["zh", "en"])
MONTH = "2026-03"


def page(client: TestClient, path: str, **query: str) -> str:
    answer = client.get(path, params=query)
    assert answer.status_code == 200, path
    return unescape(answer.text)


class TestTheListOfParks:
    @LANGUAGES
    def test_has_all_seven_and_says_which_are_not_confirmed(self, client: TestClient, lang: str) -> None:
        text = page(client, "/parks", lang=lang)
        names = [record.park.name.zh if lang == "zh" else record.park.name.en for record in load_parks()]
        assert len(names) == 7
        assert all(name in text for name in names)
        assert text.count(TEXTS[lang]["parks.unconfirmed"]) == 2

    def test_shows_what_a_park_of_the_ledger_took_in(self, client: TestClient, city: City) -> None:
        hrefs = re.findall(r'href="(/parks/fushan/facts\?[^"]+stream=4)"', page(client, "/parks", period=MONTH))
        assert len(hrefs) == 1
        assert "/verify/" in page(client, hrefs[0])

    @pytest.mark.parametrize("period", ["2026-13", "march", "2026-02-30"])
    def test_is_not_found_for_no_month(self, client: TestClient, period: str) -> None:
        assert client.get("/parks", params={"period": period}).status_code == 404


class TestAPark:
    @LANGUAGES
    def test_gives_source_date_and_reliability_of_every_fact(self, client: TestClient, lang: str) -> None:
        text = page(client, "/parks/fushan", lang=lang)
        for fact in load_parks()[0].park.facts:
            assert (fact.zh if lang == "zh" else fact.en) in text
            assert fact.source in text
        assert TEXTS[lang]["parks.no_date"] in text

    def test_leads_from_every_figure_to_its_entries(self, client: TestClient) -> None:
        text = page(client, "/parks/fushan", period=MONTH)
        hrefs = set(re.findall(r'class="figure" href="([^"]+)"', text))
        assert hrefs
        for href in hrefs:
            entries = re.findall(r'href="/verify/([0-9a-f]{16})/(\d+)"', page(client, href))
            assert entries, href
            device, seq = entries[0]
            assert client.get(f"/verify/{device}/{seq}").status_code == 200

    def test_shows_receipts_that_a_scale_proved(self, client: TestClient) -> None:
        assert TEXTS["en"]["parks.weighed"] in page(client, "/parks/fushan", period=MONTH, lang="en")

    def test_is_found_by_its_site_too(self, client: TestClient) -> None:
        assert page(client, f"/parks/{PARK_SITE:016x}") == page(client, "/parks/fushan")

    @LANGUAGES
    def test_without_a_site_says_so(self, client: TestClient, lang: str) -> None:
        assert TEXTS[lang]["parks.no_site"] in page(client, "/parks/nansha", lang=lang)

    @pytest.mark.parametrize("key", ["nowhere", "%3Cscript%3E", f"{RECYCLER_SITE:016x}"])
    def test_is_not_found_where_there_is_none(self, client: TestClient, key: str) -> None:
        assert client.get(f"/parks/{key}").status_code == 404
        assert client.get(f"/parks/{key}/facts").status_code == 404

    def test_takes_no_odd_questions(self, client: TestClient) -> None:
        for query in ({"fate": "9"}, {"product": "x"}, {"period": "2026-99"}):
            assert client.get("/parks/fushan/facts", params=query).status_code == 404
