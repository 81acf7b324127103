"""What became of a bin's waste, on its page and on one of its own."""

from __future__ import annotations

import re
from html import unescape

import pytest
from console_city import PARK_SITE, City
from fastapi.testclient import TestClient

from backend.console.language import TEXTS
from backend.domain.fate import MILLION
from backend.domain.periods import read_period
from backend.store.reading.fate import Days, FateReader

LANGUAGES = pytest.mark.parametrize("lang", ["zh", "en"])
MONTH = "2026-03"


def page(client: TestClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return unescape(answer.text)


def lifted(city: City, stream: int) -> str:
    """Return the first bin of a stream in the first street: its truck lifted it."""
    return next(str(b["number"]) for b in city.bins if b["stream"] == stream)


class TestABinsPage:
    @LANGUAGES
    def test_shows_a_bar_with_words(self, client: TestClient, city: City, lang: str) -> None:
        text = page(client, f"/bins/{lifted(city, 4)}?lang={lang}")
        assert TEXTS[lang]["fate.title"] in text
        assert TEXTS[lang]["fate.end.energy"] in text
        assert 'class="fate-bar"' in text

    def test_shows_none_where_nothing_was_lifted(self, client: TestClient, city: City) -> None:
        never = next(str(b["number"]) for b in city.bins if b["stream"] == 2 and b["site"] != f"{PARK_SITE:016x}")
        last = str(city.bins[-1]["number"])
        assert 'class="fate-bar"' not in page(client, f"/bins/{last}")
        assert client.get(f"/bins/{never}/fate").status_code == 200


class TestTheFatePage:
    @LANGUAGES
    def test_leads_to_the_entries_behind_each_part(self, client: TestClient, city: City, lang: str) -> None:
        text = page(client, f"/bins/{lifted(city, 4)}/fate?month={MONTH}&lang={lang}")
        for key in ("fate.low", "fate.high", "fate.method"):
            assert TEXTS[lang][key] in text
        entries = re.findall(r'href="/verify/([0-9a-f]{16})/(\d+)"', text)
        assert entries
        for device, seq in entries:
            assert client.get(f"/verify/{device}/{seq}").status_code == 200

    def test_is_not_found_for_no_bin_or_no_month(self, client: TestClient, city: City) -> None:
        assert client.get("/bins/0000000001/fate").status_code == 404
        assert client.get("/bins/zz/fate").status_code == 404
        assert client.get(f"/bins/{lifted(city, 4)}/fate?month=2026-13").status_code == 404

    def test_says_that_another_month_is_empty(self, client: TestClient, city: City) -> None:
        text = page(client, f"/bins/{lifted(city, 4)}/fate?month=2025-01&lang=en")
        assert TEXTS["en"]["fate.empty"] in text


class TestEveryBinOfTheCity:
    def test_loses_nothing(self, city: City) -> None:
        period = read_period(MONTH)
        assert period is not None
        grams = 0
        with city.read() as reader:
            fates = FateReader(reader)
            for row in city.bins:
                found = fates.fate(int(row["number"], 16), Days(period.first_day, period.last_day))
                assert sum(part.likely for part in found.parts) == found.grams * MILLION
                assert not found.grams or sum(part.share_ppm for part in found.parts) == MILLION
                assert all(part.low <= part.likely <= part.high for part in found.parts)
                grams += found.grams
        assert grams > 1_000_000
