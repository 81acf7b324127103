"""A park's gate: lots are weighed and taken, heard of from the server or read off the giver's screen."""

from __future__ import annotations

import re
from typing import Any

from people import DESK, PATIENCE, PHONE, Phone, Town, overflow_of, take_picture
from playwright.sync_api import expect

from backend.console.formats import mass, signed_mass
from backend.domain.types import Stream
from backend.labels.layout import BinLabel

PARK = "000004"


def lift_by_hand(crew: Phone, label: BinLabel, *, fill: int) -> None:
    """Type the line under the code, for a bin whose code nobody can read any more."""
    crew.tap("scan-open")
    crew.tap("manual-open")
    crew.find("manual-input").fill("not a bin")
    crew.tap("manual-submit")
    expect(crew.find("manual-problem")).not_to_be_empty()
    crew.picture("manual")
    crew.tap("manual-cancel")
    crew.type_bin(label)
    crew.tap("grade-1")
    crew.tap(f"fill-{fill}")
    crew.tap("save-lift")
    crew.seen("lift-saved")
    crew.tap("back")
    crew.seen("scan-open")


def hand_over(crew: Phone, lot: str) -> None:
    crew.tap("give-open")
    which = crew.find(f"give-lot-{lot}")
    expect(which.or_(crew.find("give-save"))).to_be_visible()
    if which.is_visible():
        crew.picture("give-which", in_english=True)
        which.click()
    crew.tap(f"receiver-{PARK}")
    crew.picture("give")
    crew.tap("give-save")
    assert crew.told("give-saved", "lot") == lot
    expect(crew.find("give-qr").locator("svg")).to_be_visible()
    crew.picture("given", in_english=True)


def arrive(town: Town, crew: Phone, stream: Stream, place: int) -> str:
    """A truck with one bin of a stream is on its way; the lot."""
    lot = crew.start_lot(stream.name.lower())
    lift_by_hand(crew, town.system.bin_of(stream, place), fill=4)
    hand_over(crew, lot)
    crew.tap("back")
    crew.wait_sent()
    town.system.wait_for(f"/api/v1/lots/{lot}", status=2)
    return lot


def weigh(gate: Phone, *, declared: int, gross: str, tare: str) -> int:
    """Type what the indicator shows; return the grams sealed."""
    gate.find("gross").fill(gross)
    gate.find("tare").fill(tare)
    gate.find("calibrated-until").fill("2099-12-31")
    gate.picture("weigh")
    gate.tap("weigh-save")
    net = round((_number(gross) - _number(tare)) * 1000)
    expect(gate.find("declared")).to_contain_text(f"{declared / 1000:g}")
    expect(gate.find("weighed")).to_contain_text(f"{net / 1000:g}")
    percent = (net - declared) / declared * 100
    expect(gate.find("difference")).to_have_text(f"{percent:+.1f}%")
    gate.picture("compare", in_english=True)
    return net


def test_a_park_weighs_and_takes_a_lot(town: Town, crew: Phone, gate: Phone) -> None:
    lot = crew.start_lot("residual")
    lift_by_hand(crew, town.system.bin_of(Stream.RESIDUAL, 1), fill=4)
    hand_over(crew, lot)
    crew.tap("back")
    crew.wait_sent()

    offer = gate.find(f"gate-lot-{lot}")
    expect(offer).to_be_visible(timeout=PATIENCE)
    gate.picture("on-the-way", in_english=True)
    offered = next(each for each in offers(town) if each["lot"] == lot)
    offer.click()
    net = weigh(gate, declared=offered["grams"], gross="12,028.5", tare="11,993.5")
    gate.tap("take-save")
    seq = int(gate.told("take-saved", "seq"))
    entry = town.system.wait_for(f"/api/v1/entries/{gate.device}/{seq}", state="finalized")
    chip = gate.seen("take-saved").get_by_test_id("entry-state")
    expect(chip).to_have_attribute("data-ledger", "finalized", timeout=PATIENCE)
    expect(chip).to_contain_text(str(entry["block_number"]))
    expect(gate.find("take-outcome")).to_have_attribute("data-outcome", "applied")
    gate.picture("taken", in_english=True)
    gate.tap("gate-home")
    expect(gate.page.locator(f'li[data-kind="take"][data-seq="{seq}"]')).to_have_count(1)
    expect(gate.find(f"gate-lot-{lot}")).to_have_count(0)
    gate.picture("home", in_english=True)
    gate.tap("gate-code")
    expect(gate.find("receive-qr").locator("svg")).to_be_visible()
    gate.picture("code", in_english=True)
    gate.tap("back")

    for size in (PHONE, DESK):
        visitor = town.page(size)
        visitor.goto(f"{town.system.url}/lots/{lot}")
        expect(visitor.locator(".weight-difference")).to_contain_text(signed_mass(net - offered["grams"]))
        ticket = visitor.locator("li.step", has=visitor.locator(f'a[href="/verify/{gate.device}/{seq - 1}"]'))
        expect(ticket).to_contain_text(re.compile(r"12.028\.500.kg − 皮重 11.993\.500.kg = 净重 35\.000.kg"))
        step = visitor.locator("li.step", has=visitor.locator(f'a[href="/verify/{gate.device}/{seq}"]'))
        expect(step).to_contain_text("接收")
        expect(step).to_contain_text(mass(net))
        expect(step).to_contain_text(f"区块 {entry['block_number']}")
        step.locator("a[data-verify]").click()
        expect(step.locator(".verdict")).to_contain_text("VALID", timeout=PATIENCE)
        expect(step.locator(".verdict")).not_to_contain_text("INVALID")
        assert overflow_of(visitor) <= 0
        take_picture(visitor, "lot-taken-and-verified", "zh", full=True)
        visitor.context.close()


def test_a_gate_takes_a_lot_that_only_the_givers_screen_tells_of(town: Town, crew: Phone, gate: Phone) -> None:
    lot = crew.start_lot("recyclable")
    crew.wait_sent()
    with crew.without_network():
        lift_by_hand(crew, town.system.bin_of(Stream.RECYCLABLE, 1), fill=2)
        hand_over(crew, lot)
        crew.page.get_by_test_id("give-qr").scroll_into_view_if_needed()
        town.camera.show_screen(crew.find("give-qr").screenshot())

        gate.tap("gate-scan")
        gate.seen("gross")
        assert lot not in [each["lot"] for each in offers(town)]
        declared = entry_grams(gate)
        weigh(gate, declared=declared, gross="5007", tare="5000")
        gate.picture("compare-off-screen")
        gate.tap("take-save")
        seq = int(gate.told("take-saved", "seq"))
        waiting = town.system.wait_for(f"/api/v1/entries/{gate.device}/{seq}", state="finalized")
        assert waiting["outcome"] == "deferred"
        expect(gate.find("take-outcome")).to_have_attribute("data-outcome", "deferred", timeout=PATIENCE)
        gate.picture("taken-before-given", in_english=True)

    crew.wait_sent()
    town.system.wait_for(f"/api/v1/entries/{gate.device}/{seq}", outcome="applied")
    gate.tap("gate-home")


def _number(typed: str) -> float:
    return float(typed.replace(",", ""))


def entry_grams(gate: Phone) -> int:
    """The grams that the giver declared, as the gate's screen shows them."""
    text = gate.page.locator(".summary .figure").inner_text()
    return round(float(text.split()[0]) * 1000)


def offers(town: Town) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = town.system.get(f"/api/v1/lots?given_to={PARK}")["lots"]
    return found
