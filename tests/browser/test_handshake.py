"""A handover with no network on either side: each phone can show what the other has sealed."""

from __future__ import annotations

from people import PATIENCE, Phone, Town
from playwright.sync_api import expect
from test_gate import entry_grams, hand_over, lift_by_hand, weigh

from backend.domain.types import Stream


def take_offline(town: Town, crew: Phone, gate: Phone, lot: str, *, gross: str) -> int:
    """Read the giver's screen, weigh, take; the grams taken."""
    hand_over(crew, lot)
    town.camera.show_screen(crew.find("give-qr").screenshot())
    gate.tap("gate-scan")
    gate.seen("gross")
    grams = weigh(gate, declared=entry_grams(gate), gross=gross, tare="5000")
    gate.tap("take-save")
    expect(gate.seen("take-qr").locator("svg")).to_be_visible(timeout=PATIENCE)
    gate.picture("answer-code", in_english=True, shows="take-qr")
    return grams


def test_a_handover_is_counter_signed_with_no_network(town: Town, crew: Phone, gate: Phone) -> None:
    gate.page.evaluate("location.hash = '#/'")
    first = crew.start_lot("residual")
    crew.wait_sent()
    gate.wait_sent()
    with crew.without_network(), gate.without_network():
        lift_by_hand(crew, town.system.bin_of(Stream.RESIDUAL, 34), fill=4)
        take_offline(town, crew, gate, first, gross="5034")
        strange = gate.find("take-qr").screenshot()
        gate.tap("gate-home")
        crew.tap("back")
        crew.tap(f"given-lot-{first}")
        crew.tap("withdraw")
        crew.tap("ask-yes")
        crew.seen(f"held-lot-{first}")
        expect(crew.find(f"given-lot-{first}")).to_have_count(0)
        crew.picture("home-with-withdrawn", in_english=True)

        second = crew.start_lot("food")
        lift_by_hand(crew, town.system.bin_of(Stream.FOOD, 34), fill=2)
        grams = take_offline(town, crew, gate, second, gross="5070")
        answer = gate.find("take-qr").screenshot()
        gate.tap("gate-home")

        crew.seen("withdraw")
        town.camera.show_screen(strange)
        crew.tap("answer-scan")
        crew.seen("answer-other-lot")
        crew.picture("answer-of-another-lot")
        town.camera.show_screen(answer)
        crew.tap("back")
        crew.tap("answer-scan")
        assert crew.told("give-taken", "taker") == gate.device
        assert crew.told("give-taken", "by") == "seal"
        expect(crew.find("taken-mass")).to_have_text(f"{grams / 1000:g} kg")
        expect(crew.find("withdraw")).to_have_count(0)
        crew.picture("taken", in_english=True, shows="give-taken")
        crew.page.reload()
        crew.seen("give-taken")
        crew.tap("given-home")
        expect(crew.find(f"given-lot-{second}")).to_contain_text("已接收", timeout=PATIENCE)
        crew.picture("home-with-taken", in_english=True)
    crew.wait_sent()
    gate.wait_sent()
    town.system.wait_for(f"/api/v1/lots/{second}", holder=gate.device)
