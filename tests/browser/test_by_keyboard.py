"""Whoever cannot use a pointer: lift, give, and take at the gate, by the keyboard alone."""

from __future__ import annotations

from people import PATIENCE, Phone, Town
from playwright.sync_api import expect

from backend.domain.label import human_readable
from backend.domain.types import Stream

PARK = "000004"
_FOCUS = "() => document.activeElement?.dataset.testid ?? document.activeElement?.tagName"
_TABS_MAX = 80


class Keyboard:
    """Somebody who only presses keys; what is not reached by them cannot be used."""

    def __init__(self, phone: Phone) -> None:
        self.phone, self.page = phone, phone.page

    def go_to(self, test_id: str) -> None:
        """Press Tab until the focus is there."""
        self.phone.seen(test_id)
        for _ in range(_TABS_MAX):
            if self.page.evaluate(_FOCUS) == test_id:
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{test_id} is not reached in {_TABS_MAX} presses of Tab")

    def press(self, test_id: str, key: str = "Enter") -> None:
        self.go_to(test_id)
        expect(self.phone.find(test_id)).to_be_enabled(timeout=PATIENCE)
        self.page.keyboard.press(key)

    def type(self, test_id: str, text: str) -> None:
        self.go_to(test_id)
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.type(text)

    def choose(self, first: str, wanted: str) -> None:
        """Go to the first of several choices, then by arrow keys to the wanted one."""
        self.go_to(first)
        for _ in range(_TABS_MAX):
            if self.page.evaluate(_FOCUS) == wanted:
                return
            self.page.keyboard.press("ArrowRight")
        raise AssertionError(f"{wanted} is not reached by arrow keys")


def test_a_bin_is_lifted_given_and_taken_by_keys_alone(town: Town, crew: Phone, gate: Phone) -> None:
    town.camera.look_away()
    for phone in (crew, gate):
        phone.page.evaluate("location.hash = '#/'")
    start = crew.find("start-lot-residual").or_(crew.find("new-lot"))
    expect(start).to_be_visible(timeout=PATIENCE)
    keys = Keyboard(crew)
    if crew.find("new-lot").is_visible():
        keys.press("new-lot")
    keys.press("start-lot-residual", " ")
    expect(crew.find("current-lot")).to_have_attribute("data-stream", "residual", timeout=PATIENCE)
    lot = crew.told("current-lot", "lot")

    keys.press("scan-open")
    keys.press("manual-open")
    label = town.system.bin_of(Stream.RESIDUAL, 4)
    crew.seen("manual-input")
    keys.page.keyboard.type(human_readable(label.serial))
    keys.page.keyboard.press("Enter")
    crew.seen("bin-found")
    keys.choose("grade-1", "grade-2")
    expect(crew.find("grade-2")).to_have_attribute("aria-checked", "true")
    keys.press("fill-4", " ")
    keys.press("save-lift")
    crew.seen("lift-saved")
    keys.page.keyboard.press("Escape")
    crew.seen("give-open")

    keys.press("give-open")
    expect(crew.find(f"give-lot-{lot}").or_(crew.find("give-save"))).to_be_visible(timeout=PATIENCE)
    if crew.find(f"give-lot-{lot}").is_visible():
        keys.press(f"give-lot-{lot}")
    keys.press(f"receiver-{PARK}", " ")
    keys.press("give-save")
    assert crew.told("give-saved", "lot") == lot
    keys.page.keyboard.press("Escape")
    crew.wait_sent()

    at_gate = Keyboard(gate)
    expect(gate.find(f"gate-lot-{lot}")).to_be_visible(timeout=PATIENCE)
    at_gate.press(f"gate-lot-{lot}")
    at_gate.type("gross", "5036")
    at_gate.page.keyboard.press("Enter")
    at_gate.type("tare", "5000")
    at_gate.go_to("calibrated-until")
    # The order of a date's parts is the browser's own language, here English.
    gate.find("calibrated-until").press_sequentially("12312099")
    expect(gate.find("calibrated-until")).to_have_value("2099-12-31")
    at_gate.press("weigh-save")
    gate.seen("verdict")
    at_gate.choose("take-as-recyclable", "take-as-residual")
    at_gate.press("take-save")
    assert gate.told("take-saved", "lot") == lot
    at_gate.press("ticket-open")
    gate.seen("ticket")
    at_gate.go_to("ticket-print")
    at_gate.page.keyboard.press("Escape")
    at_gate.press("gate-home")
    expect(gate.find(f"gate-lot-{lot}")).to_have_count(0)


def test_the_focus_stays_where_it_was_when_the_screen_is_drawn_anew(town: Town, crew: Phone) -> None:
    crew.page.evaluate("location.hash = '#/'")
    crew.start_lot("food")
    keys = Keyboard(crew)
    keys.go_to("give-open")
    # An entry that was sent has the first screen drawn anew.
    crew.wait_sent()
    crew.page.evaluate("new BroadcastChannel('huanlian').postMessage('synced')")
    crew.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert crew.page.evaluate(_FOCUS) == "give-open"


def test_a_dialog_keeps_the_focus_and_gives_it_back(crew: Phone) -> None:
    crew.page.evaluate("location.hash = '#/shift'")
    keys = Keyboard(crew)
    keys.press("shift-end")
    crew.seen("ask-no")
    for _ in range(6):
        keys.page.keyboard.press("Tab")
        assert crew.page.evaluate(
            "document.activeElement === document.body || document.activeElement.closest('dialog') !== null"
        )
    keys.page.keyboard.press("Escape")
    expect(crew.find("ask-no")).to_have_count(0)
    crew.seen("shift-end")
    assert crew.page.evaluate(_FOCUS) == "shift-end"
    keys.page.keyboard.press("Escape")
    crew.seen("shift-open")
