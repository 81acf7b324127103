"""What a crew takes: under a mandate, in part, and from somebody who is not registered."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from people import PATIENCE, Phone, Registrar, Town
from playwright.sync_api import expect
from test_gate import arrive, lift_by_hand

from backend.domain.types import Role, Stream

CARRIER, PARK = 2, 4


@pytest.fixture(scope="module")
def taker(town: Town, carrier_desk: Registrar) -> Iterator[Phone]:
    """A second truck of the carrier's."""
    phone = Phone(town, "taker")
    carrier_desk.enrol(phone, Role.CREW)
    yield phone
    phone.context.close()


def give_to_device(town: Town, crew: Phone, taker: Phone, lot: str) -> None:
    """The receiver is read off its own screen: the lot is for this very device."""
    taker.page.evaluate("location.hash = '#/code'")
    expect(taker.seen("receive-qr").locator("svg")).to_be_visible(timeout=PATIENCE)
    town.camera.show_screen(taker.photograph("receive-qr"))
    crew.tap("give-open")
    expect(crew.find(f"give-lot-{lot}").or_(crew.find("give-save"))).to_be_visible()
    if crew.find(f"give-lot-{lot}").is_visible():
        crew.tap(f"give-lot-{lot}")
    crew.tap("give-scan")
    expect(crew.find("give-save")).to_be_enabled(timeout=PATIENCE)
    crew.tap("give-save")
    expect(crew.seen("give-qr").locator("svg")).to_be_visible(timeout=PATIENCE)


def read_give(town: Town, crew: Phone, taker: Phone) -> None:
    town.camera.show_screen(crew.photograph("give-qr"))
    taker.page.evaluate("location.hash = '#/receive'")
    taker.seen("take-mass")


def breach(taker: Phone, *, says: str) -> None:
    """Seal, be warned of this breach, and think better of it."""
    before = taker.told("unsent-count", "count")
    taker.tap("take-save")
    expect(taker.page.locator("dialog")).to_contain_text(says, timeout=PATIENCE)
    taker.tap("ask-no")
    expect(taker.find("take-save")).to_be_enabled()
    assert taker.told("unsent-count", "count") == before


def test_a_lot_is_taken_under_a_mandate_and_each_breach_is_said_before_the_seal(
    town: Town, crew: Phone, taker: Phone
) -> None:
    site = next(
        each["id"]
        for each in town.system.get(f"/api/v1/directory?organisation={PARK:06x}")["sites"]
        if each["organisation"] == f"{PARK:06x}" and each["kind"] != 1
    )
    principal, seq = town.system.grant(
        PARK, CARRIER, grams=100_000, streams=1 << Stream.FOOD | 1 << Stream.RESIDUAL, site=int(site, 16)
    )
    lot = arrive(town, crew, Stream.RESIDUAL, 5)
    taker.page.reload()
    taker.seen("take-open")
    taker.tap("take-open")
    card = taker.find(f"take-lot-{lot}")
    expect(card).to_be_visible(timeout=PATIENCE)
    taker.picture("take-list", in_english=True, shows=f"take-lot-{lot}")
    card.click()
    taker.tap(f"mandate-{principal}-{seq}")
    taker.picture("take-mandate")
    breach(taker, says="委托不在这个场所")
    taker.find("mandate-site").select_option(site)
    taker.find("take-mass").fill("101")
    breach(taker, says="超过委托的质量")
    taker.find("take-mass").fill("36")
    taker.tap("take-as-recyclable")
    breach(taker, says="委托不含这一类")
    taker.tap("take-as-residual")
    taker.tap("take-save")
    taken = int(taker.told("take-saved", "seq"))
    taker.picture("took-under-mandate")
    entry = town.system.wait_for(f"/api/v1/entries/{taker.device}/{taken}", outcome="applied")
    assert (entry["fields"]["principal"], entry["fields"]["mandate_seq"]) == (principal, seq)
    town.system.wait_for(f"/api/v1/lots/{lot}", holder=taker.device)
    (mandate,) = [
        each
        for each in town.system.get(f"/api/v1/mandates?to={CARRIER:06x}")["mandates"]
        if each["seq"] == seq and each["principal"] == principal
    ]
    assert mandate["left"] == 64_000
    # What was taken is in these hands, and can be handed on.
    taker.page.evaluate("location.hash = '#/'")
    expect(taker.find(f"held-lot-{lot}")).to_be_visible(timeout=PATIENCE)


def test_a_part_is_taken_off_a_givers_screen_and_the_rest_stays(town: Town, crew: Phone, taker: Phone) -> None:
    lot = crew.start_lot("food")
    lift_by_hand(crew, town.system.bin_of(Stream.FOOD, 5), fill=4)
    give_to_device(town, crew, taker, lot)
    with taker.without_network():
        read_give(town, crew, taker)
        expect(taker.find("take-save")).to_be_disabled()
        taker.picture("take-part", in_english=True, shows="take-mass")
        taker.tap("take-part")
        taker.tap("take-as-food")
        taker.find("take-mass").fill("100")
        taker.tap("take-save")
        seq = int(taker.told("take-saved", "seq"))
        expect(taker.find("take-qr").locator("svg")).to_be_visible(timeout=PATIENCE)
    crew.wait_sent()
    taker.wait_sent()
    entry = town.system.wait_for(f"/api/v1/entries/{taker.device}/{seq}", outcome="applied")
    part = entry["fields"]["into"]
    town.system.wait_for(f"/api/v1/lots/{part}", holder=taker.device, grams=100_000)
    town.system.wait_for(f"/api/v1/lots/{lot}", holder=crew.device, grams=44_000)
    taker.page.evaluate("location.hash = '#/'")
    expect(taker.find(f"held-lot-{part}")).to_be_visible(timeout=PATIENCE)
    crew.tap("back")


def test_a_leg_without_a_registered_giver_says_so_and_is_sealed(town: Town, taker: Phone) -> None:
    taker.page.evaluate("location.hash = '#/unattested'")
    expect(taker.seen("take-save")).to_be_disabled()
    taker.picture("unattested", in_english=True, shows="unattested-document")
    taker.tap("take-as-recyclable")
    taker.find("take-mass").fill("250")
    taker.find("unattested-document").fill("2026-0731")
    taker.tap("take-save")
    expect(taker.page.locator("dialog")).to_contain_text("交出方没有登记")
    taker.picture("unattested-asked")
    taker.tap("ask-yes")
    seq, lot = int(taker.told("take-saved", "seq")), taker.told("take-saved", "lot")
    expect(taker.find("take-qr")).to_have_count(0)
    entry = town.system.wait_for(f"/api/v1/entries/{taker.device}/{seq}", outcome="applied")
    assert (entry["fields"]["giver"], entry["flaw"]) == ("0" * 16, "unattested")
    town.system.wait_for(f"/api/v1/lots/{lot}", holder=taker.device, grams=250_000)
    expect(taker.find("answer")).to_have_attribute("data-flaw", "unattested", timeout=PATIENCE)


def test_a_crew_refuses_what_it_was_given(town: Town, crew: Phone, taker: Phone) -> None:
    lot = crew.start_lot("recyclable")
    lift_by_hand(crew, town.system.bin_of(Stream.RECYCLABLE, 5), fill=4)
    give_to_device(town, crew, taker, lot)
    crew.wait_sent()
    read_give(town, crew, taker)
    taker.tap("refuse-open")
    taker.picture("refuse", in_english=True, shows="refuse-save")
    taker.tap("refuse-mixed")
    taker.tap("refuse-save")
    seq = int(taker.told("refuse-saved", "seq"))
    entry = town.system.wait_for(f"/api/v1/entries/{taker.device}/{seq}", outcome="applied")
    assert entry["fields"]["reason"] == 1
    town.system.wait_for(f"/api/v1/lots/{lot}", holder=crew.device, status=1)
    crew.tap("back")
