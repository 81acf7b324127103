"""From a finding of the radar to the signed entry that says so, and its valid bundle."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from people import DESK, PATIENCE, Town, take_picture
from playwright.sync_api import Locator, Page
from test_case_acting import CLICKS_MAX, verify

from backend.cli.field import open_field
from backend.domain.layout import Kind
from backend.domain.types import Role, Scheme, Stream, device_text, lot_id
from backend.domain.writer import JournalWriter
from backend.simulate.run import registrar_for

CARRIER, LIFTS, AHEAD_SECONDS = 2, 12, 3 * 86_400
LOOKS_WITHIN_MS = 3 * PATIENCE


@pytest.fixture(scope="module")
def liar(town: Town) -> str:
    """A crew's device whose clock is days ahead: what it seals cannot have happened yet."""
    system = town.system
    with open_field(system.data_dir, system.rpc_url, system.url, patience_seconds=120) as here:
        registrar = here.courier.continued(registrar_for(here, CARRIER, "registrar/desk"))
        name = f"liar/{secrets.token_hex(4)}"
        device, key = here.vault.device(CARRIER, name), here.vault.key(f"{name}/{CARRIER}")
        x, y = key.public
        registrar.write(Kind.ENROL, device=device, role=Role.CREW, scheme=Scheme.RAW, x=x, y=y)
        here.courier.hand_in(registrar.cut())
        crew, at = JournalWriter(here.network, device, key), int(time.time()) + AHEAD_SECONDS
        crew.write(Kind.LOAD, lot=lot_id(device, 1), stream=4, occurred_at=at)
        for n in range(LIFTS):
            bin_number = system.bin_of(Stream.RESIDUAL, 20 + n).number
            lifted_at = at + 90 * n
            crew.write(
                Kind.LIFT, bin=bin_number, stream=4, grade=1, basis=1, grams=21_300 + n, occurred_at=lifted_at
            )
        here.courier.hand_in(crew.cut())
        here.courier.wait_recorded({device: LIFTS + 1})
    return device_text(device)


@pytest.fixture
def page(town: Town) -> Iterator[Page]:
    page = town.page(DESK)
    yield page
    page.context.close()


def found(town: Town, page: Page, address: str, device: str) -> Locator:
    """The finding about a device, once the radar has looked."""
    deadline = time.monotonic() + LOOKS_WITHIN_MS / 1000
    while True:
        page.goto(f"{town.system.url}{address}")
        card = page.locator(".finding", has=page.locator(f'a[href^="/verify/{device}/"]')).first
        if card.count():
            return card
        assert time.monotonic() < deadline, "the radar found nothing"
        page.wait_for_timeout(1000)


def test_a_finding_leads_to_a_valid_bundle(town: Town, page: Page, liar: str, tmp_path: Path) -> None:
    card, clicks = found(town, page, "/radar?kind=moved-clock", liar), 0
    take_picture(page, "red-finding", "zh", full=True)
    for step in (card.locator("summary").first, card.locator(f'a[href^="/verify/{liar}/"]').first):
        step.click()
        clicks += 1
    path = tmp_path / "bundle.json"
    with page.expect_download() as downloading:
        page.locator('a[download="bundle.json"]').click()
        clicks += 1
    downloading.value.save_as(path)
    assert clicks <= CLICKS_MAX
    assert liar in path.read_text(encoding="utf-8")
    verify(town, path)
