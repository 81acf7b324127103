"""Reports on paper: no navigation and no buttons, and beside each fact the address that proves it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from people import DESK, SCREENSHOTS, Town
from playwright.sync_api import Page, expect

_ADDRESS = re.compile(r"/verify/[0-9a-f]{16}/\d+")
_HIDDEN = (".top nav", ".language", ".foot-links", "main form", "main button", ".skip", ".crumbs")


@pytest.fixture
def page(town: Town) -> Iterator[Page]:
    page = town.page(DESK)
    yield page
    page.context.close()


def reports_of(town: Town) -> dict[str, tuple[str, bool]]:
    """Addresses of the reports, and whether they show single facts."""
    lot = town.system.get("/api/v1/lots?limit=1")["lots"][0]["lot"]
    found = town.system.get(f"/api/v1/lots/{lot}/trace")
    recorded = datetime.fromisoformat(found["steps"][0]["entry"]["occurred_at"]).astimezone(UTC)
    day = (recorded + timedelta(hours=8)).date().isoformat()
    rows = town.system.get(f"/api/v1/balance?day={day}")["rows"]
    row = next(row for row in rows if row["site"])
    place = row["site"]
    return {
        "balance": (f"/balance?day={day}", False),
        "balance-facts": (f"/balance/{place}?day={day}", True),
        "indicators": (f"/indicators?period={day[:7]}", False),
        "inspections": ("/inspections", False),
        "lot": (f"/lots/{lot}", True),
    }


def print_out(page: Page, name: str, folder: Path) -> str:
    """Print a page as Chromium does; keep its first sheet as a picture, and return what can be read on all."""
    pdf = folder / f"{name}.pdf"
    page.pdf(path=pdf, format="A4", margin={side: "12mm" for side in ("top", "right", "bottom", "left")})
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    picture = SCREENSHOTS / f"printed-{name}"
    subprocess.run(["pdftoppm", "-r", "70", "-png", "-singlefile", str(pdf), str(picture)], check=True)
    done = subprocess.run(["pdftotext", "-layout", str(pdf), "-"], capture_output=True, text=True, check=True)
    return done.stdout


def test_reports_leave_out_what_paper_cannot_do_and_print_where_the_proof_is(
    town: Town, page: Page, tmp_path: Path
) -> None:
    for name, (address, has_facts) in reports_of(town).items():
        answer = page.goto(town.system.url + address)
        assert answer is not None
        assert answer.status == 200, address
        heading = page.get_by_role("heading", level=1).inner_text()
        links = page.locator('main a[href^="/verify/"]').count()
        assert (links > 0) is has_facts, f"{name} has {links} facts"
        page.emulate_media(media="print")
        for selector in _HIDDEN:
            for each in page.locator(selector).all():
                expect(each).to_be_hidden()
        text = print_out(page, name, tmp_path)
        page.emulate_media(media="screen")
        assert heading.split()[0] in text, name
        # On paper an address may be broken over lines.
        printed = _ADDRESS.findall(re.sub(r"\s+", "", text))
        assert bool(printed) is has_facts, name
