"""Every page, in both languages, on a phone and on a desk."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from people import DESK, PHONE, Town, overflow_of, take_picture
from playwright.sync_api import Page
from running_system import giai

from backend.domain.label import giai_of, label_serial
from backend.domain.types import Stream

_STRANGE_SERIAL = label_serial(bytes(range(16)))

PAGES = {
    "home": 200,
    "streets": 200,
    "street": 200,
    "bin": 200,
    "label": 200,
    "label-unknown": 404,
    "lots": 200,
    "lot": 200,
    "verify": 200,
    "verify-how": 200,
    "devices": 200,
    "continuity": 200,
    "open-data": 200,
    "radar": 200,
    "balance": 200,
    "city": 200,
    "city-map": 200,
    "trends": 200,
    "complaints": 200,
    "registrar": 200,
    "no-such-page": 404,
}


@pytest.fixture(scope="module")
def visitors(town: Town) -> Iterator[dict[tuple[str, tuple[int, int]], Page]]:
    pages = {
        (language, size): town.page(size, language=language) for language in ("zh", "en") for size in (PHONE, DESK)
    }
    yield pages
    for page in pages.values():
        page.context.close()


@pytest.fixture(scope="module")
def addresses(town: Town) -> dict[str, str]:
    label = town.system.bin_of(Stream.FOOD, 5)
    number = f"{label.number:010x}"
    trace = town.system.get(f"/api/v1/bins/{number}/trace")
    lift = trace["lifts"][0]
    entry = lift["entry"]
    return {
        "home": "/",
        "streets": "/streets",
        "street": f"/streets/{trace['bin']['site']['site']}",
        "bin": f"/bins/{number}",
        "label": f"/8004/{giai(label)}",
        "label-unknown": f"/8004/{giai_of(_STRANGE_SERIAL)}",
        "lots": "/lots",
        "lot": f"/lots/{lift['lot']}",
        "verify": f"/verify/{entry['device']}/{entry['seq']}",
        "verify-how": "/verify",
        "devices": "/devices",
        "continuity": "/continuity",
        "open-data": "/open-data",
        "radar": "/radar",
        "balance": "/balance",
        "city": "/city",
        "city-map": "/city/map",
        "trends": "/city/trends",
        "complaints": "/complaints",
        "registrar": "/console/registrar",
        "no-such-page": "/no/such/page",
    }


@pytest.mark.parametrize("name", PAGES)
def test_pages(
    town: Town,
    visitors: dict[tuple[str, tuple[int, int]], Page],
    addresses: dict[str, str],
    name: str,
) -> None:
    for (language, size), page in visitors.items():
        answer = page.goto(town.system.url + addresses[name])
        assert answer is not None
        assert answer.status == PAGES[name]
        if name == "registrar":
            page.get_by_test_id("enrol-use").wait_for()
        assert page.locator("html").get_attribute("lang") == {"zh": "zh-Hans", "en": "en"}[language]
        assert page.title()
        take_picture(page, name, language, full=True)
        assert overflow_of(page) <= 0, f"{name} is wider than {size[0]} pixels in {language}"
    if PAGES[name] == 404:
        # The browser itself notes that a page was not found; nothing else may be missing.
        town.watch.complaints[:] = [each for each in town.watch.complaints if addresses[name] not in each]
