"""A truck that weighs: its crew takes a bin's mass off the scale, and goes on by eye where the scale is away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from offline_shift import enrol
from people import PATIENCE, Phone, Town, take_picture
from playwright.sync_api import expect
from weighbridge import Weighbridge, weighbridge

from backend.domain.types import Basis, Role, Stream

_CARRIER = 2
_GONE = "ERR_CONNECTION_REFUSED"


@pytest.fixture
def phone(town: Town) -> Iterator[Phone]:
    phone = enrol(town, _CARRIER, Role.CREW, "weighing-crew", set())
    yield phone
    phone.context.close()


@pytest.fixture
def scale(town: Town, tmp_path: Path) -> Iterator[Weighbridge]:
    with weighbridge(tmp_path, origin=town.system.url) as scale:
        yield scale


def _open_bin(phone: Phone, place: int) -> None:
    phone.tap("scan-open")
    phone.type_bin(phone.town.system.bin_of(Stream.RESIDUAL, place))
    phone.tap("grade-1")


def _save(phone: Phone) -> int:
    phone.tap("save-lift")
    expect(phone.find("bin-found")).to_have_count(0)
    seq = int(phone.told("lift-saved", "seq"))
    phone.tap("back")
    return seq


def _sealed(phone: Phone, seq: int) -> tuple[int, int]:
    """Grams of a lift as the ledger has it, and how they were known."""
    fields = phone.town.system.wait_for(f"/api/v1/entries/{phone.device}/{seq}", outcome="applied")["fields"]
    return int(fields["grams"]), int(fields["basis"])


def test_a_lift_is_weighed_on_the_truck_and_estimated_where_the_scale_is_away(
    town: Town, phone: Phone, scale: Weighbridge
) -> None:
    phone.start_lot("residual")
    # Off by default: nothing is listened to.
    _open_bin(phone, 12)
    expect(phone.find("truck-scale")).to_have_count(0)
    phone.tap("bin-close")
    phone.tap("back")

    phone.page.evaluate("location.hash = '#/settings'")
    phone.tap("truck-scale-on")
    phone.find("truck-scale-port").fill("0")
    expect(phone.find("truck-scale-problem")).not_to_be_empty()
    phone.find("truck-scale-port").fill(str(scale.port))
    expect(phone.find("truck-scale-problem")).to_be_empty()
    phone.picture("truck-scale-setting", in_english=True, shows="truck-scale-port")
    phone.page.evaluate("location.hash = '#/'")
    phone.page.reload()

    _open_bin(phone, 12)
    state = phone.page.locator(".truck-scale")
    expect(state).to_have_attribute("data-is", "empty", timeout=PATIENCE)
    expect(phone.find("truck-scale")).to_be_disabled()
    scale.put(180)
    expect(state).to_have_attribute("data-is", "stable", timeout=PATIENCE)
    expect(state).to_have_attribute("data-grams", "180000")
    phone.tap("truck-scale")
    expect(phone.find("mass")).to_contain_text("180")
    expect(phone.page.locator(".mass")).to_contain_text("车载秤质量")
    phone.picture("truck-scale")
    # What was taken over stays, whatever the scale shows then.
    scale.put(0)
    expect(state).to_have_attribute("data-is", "empty", timeout=PATIENCE)
    expect(phone.find("mass")).to_contain_text("180")
    weighed = _save(phone)

    _open_bin(phone, 13)
    scale.put(90)
    expect(state).to_have_attribute("data-is", "stable", timeout=PATIENCE)
    phone.tap("truck-scale")
    phone.tap("fill-2")
    expect(phone.find("mass")).not_to_contain_text("90")
    expect(phone.page.locator(".mass")).to_contain_text("估算质量")
    estimated = _save(phone)

    phone.wait_sent()
    assert _sealed(phone, weighed) == (180_000, Basis.ONBOARD_SCALE)
    assert _sealed(phone, estimated)[1] == Basis.ESTIMATED


def test_a_scale_that_is_away_says_so_and_the_fill_level_goes_on(
    town: Town, phone: Phone, scale: Weighbridge
) -> None:
    port = scale.port
    phone.start_lot("residual")
    phone.page.evaluate("(port) => localStorage.setItem('huanlian-truck-scale-port', port)", str(port + 1))
    phone.find("language").select_option("en")
    _open_bin(phone, 14)
    state = phone.page.locator(".truck-scale")
    expect(state).to_have_attribute("data-is", "lost", timeout=PATIENCE)
    expect(phone.find("truck-scale")).to_be_disabled()
    take_picture(phone.page, "app-weighing-crew-truck-scale-away", "en")
    phone.tap("fill-3")
    seq = _save(phone)
    phone.wait_sent()
    assert _sealed(phone, seq)[1] == Basis.ESTIMATED
    town.watch.complaints[:] = [said for said in town.watch.complaints if _GONE not in said]
