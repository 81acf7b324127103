"""The gate's terminal: the live weighbridge, the verdict before the seal, and each way to answer a lot."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from axe import faults_of
from people import PATIENCE, Phone, Registrar, Town, overflow_of, take_picture
from playwright.sync_api import Page, expect
from test_gate import arrive, offers
from weighbridge import Weighbridge, weighbridge

from backend.domain.types import Role, Stream

SIZES = ((1280, 800), (1920, 1080))


@pytest.fixture(scope="module")
def terminal(town: Town, park_desk: Registrar) -> Iterator[Phone]:
    """A gate of its own, on a large screen."""
    gate = Phone(town, "terminal")
    park_desk.enrol(gate, Role.GATE)
    gate.page.set_viewport_size({"width": 1280, "height": 800})
    yield gate
    gate.context.close()


@pytest.fixture(scope="module")
def bridge(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Weighbridge]:
    with weighbridge(tmp_path_factory.mktemp("bridge"), origin=town.system.url) as made:
        yield made


def call_up(gate: Phone, lot: str) -> None:
    gate.page.evaluate("location.hash = '#/'")
    card = gate.find(f"gate-lot-{lot}")
    expect(card).to_be_visible(timeout=PATIENCE)
    card.click()
    gate.seen("gross")


@contextmanager
def server_away(gate: Phone) -> Iterator[None]:
    """Nothing reaches the server; what is on this very machine still answers, as it does without a network."""
    calls = "**/api/v1/**"
    gate.context.route(calls, lambda route: route.abort("internetdisconnected"))
    try:
        yield
    finally:
        gate.context.unroute(calls)


def at_each_size(page: Page, name: str) -> None:
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        assert not faults_of(page), f"{name} at {width} pixels"
        take_picture(page, f"terminal-{name}", "zh")
    page.set_viewport_size({"width": SIZES[0][0], "height": SIZES[0][1]})


def connect(gate: Phone, bridge: Weighbridge) -> None:
    if gate.find("scale-open").is_visible():
        gate.tap("scale-open")
        gate.find("scale-port").fill(str(bridge.port))
        gate.tap("scale-connect")
    expect(gate.find("scale-state")).to_have_attribute("data-is", "stable", timeout=PATIENCE)


def weigh_live(gate: Phone, bridge: Weighbridge, *, gross: int, tare: int) -> None:
    """Two readings off the bridge, in kilograms; then the ticket is sealed."""
    for which, kilograms in (("gross", gross), ("tare", tare)):
        bridge.put(kilograms)
        figure = gate.find("scale-figure")
        expect(figure).to_have_attribute("data-grams", str(kilograms * 1000), timeout=PATIENCE)
        expect(gate.find(f"read-{which}")).to_be_enabled(timeout=PATIENCE)
        gate.tap(f"read-{which}")
        expect(gate.find(which)).to_have_value(str(kilograms))
    gate.tap("weigh-save")
    gate.seen("take-save")


def test_a_truck_is_weighed_live_and_taken_while_the_server_is_down(
    town: Town, crew: Phone, terminal: Phone, bridge: Weighbridge
) -> None:
    gate = terminal
    lot = arrive(town, crew, Stream.RESIDUAL, 2)
    bridge.put(12_040)
    call_up(gate, lot)
    connect(gate, bridge)
    # What the server could tell is known; from here on it is away.
    gate.wait_sent()
    with server_away(gate):
        at_each_size(gate.page, "weigh")
        bridge.put(90_000)
        expect(gate.find("scale-state")).to_have_attribute("data-is", "trouble", timeout=PATIENCE)
        expect(gate.find("read-gross")).to_be_disabled()
        bridge.put(12_040)
        expect(gate.find("read-gross")).to_be_enabled(timeout=PATIENCE)
        gate.tap("read-gross")
        # The truck tips while others come and go; what was read is still there.
        gate.page.evaluate("location.hash = '#/'")
        gate.find(f"gate-lot-{lot}").click()
        gate.seen("gross-kept")
        expect(gate.find("gross")).to_have_value("12040")
        bridge.put(12_000)
        expect(gate.find("scale-figure")).to_have_attribute("data-grams", "12000000", timeout=PATIENCE)
        expect(gate.find("read-tare")).to_be_enabled(timeout=PATIENCE)
        gate.tap("read-tare")
        gate.tap("weigh-save")
        gate.seen("take-save")
        verdict = gate.seen("verdict")
        expect(verdict).to_have_attribute("data-rule", "estimated-bins")
        expect(verdict).to_have_attribute("data-version", "1")
        expect(verdict).to_have_attribute("data-within", "true")
        at_each_size(gate.page, "compare")
        gate.tap("take-save")
        seq = int(gate.told("take-saved", "seq"))
        gate.tap("ticket-open")
        expect(gate.find("ticket-net")).to_have_text("40 kg")
        expect(gate.find("ticket-verdict")).to_have_attribute("data-within", "true")
        expect(gate.find("ticket-qr").locator("svg")).to_be_visible(timeout=PATIENCE)
        at_each_size(gate.page, "ticket")
        print_ticket(gate)
        ticket = gate.told("ticket-qr", "text")
    gate.wait_sent()
    town.system.wait_for(f"/api/v1/entries/{gate.device}/{seq}", outcome="applied")
    weighed = town.system.get(f"/api/v1/entries/{gate.device}/{seq - 1}")
    assert (weighed["fields"]["gross"], weighed["fields"]["tare"]) == (12_040_000, 12_000_000)
    assert weighed["fields"]["calibration_until"] == 4_102_415_999
    judged = town.system.get(f"/api/v1/lots/{lot}/judgements")["handoffs"][0]
    assert (judged["take"]["citation"], judged["verdict"]["rule"]) == ("sound", "estimated-bins")
    # The code on the paper: the lot's page for anybody, the sealed take for the giver.
    assert ticket.startswith(f"{town.system.url}/lots/{lot}#take=")
    reader = town.page(SIZES[0])
    reader.goto(ticket)
    expect(reader.locator("li.step").first).to_be_visible(timeout=PATIENCE)
    reader.context.close()
    crew.page.goto(f"{town.system.url}/app/{ticket[ticket.index('#') :]}")
    crew.page.reload()
    assert crew.told("give-taken", "by") in ("seal", "server")
    crew.page.evaluate("location.hash = '#/'")


def print_ticket(gate: Phone) -> None:
    """On paper there is the ticket and nothing to press."""
    gate.page.emulate_media(media="print")
    expect(gate.find("ticket")).to_be_visible()
    expect(gate.find("ticket-print")).to_be_hidden()
    expect(gate.find("language")).to_be_hidden()
    assert overflow_of(gate.page) <= 0
    take_picture(gate.page, "terminal-ticket-on-paper", "zh", full=True)
    gate.page.emulate_media(media="screen")


def test_a_mass_beyond_tolerance_is_said_before_the_seal(
    town: Town, crew: Phone, terminal: Phone, bridge: Weighbridge
) -> None:
    lot = arrive(town, crew, Stream.RESIDUAL, 3)
    call_up(terminal, lot)
    connect(terminal, bridge)
    weigh_live(terminal, bridge, gross=12_200, tare=12_000)
    expect(terminal.seen("verdict")).to_have_attribute("data-within", "false")
    at_each_size(terminal.page, "beyond")
    terminal.tap("take-part")
    seq = int(terminal.told("take-saved", "seq"))
    taken = town.system.wait_for(f"/api/v1/entries/{terminal.device}/{seq}", outcome="applied")
    assert taken["fields"]["into"].startswith(terminal.device)
    expect(terminal.seen("take-outcome")).to_have_attribute("data-outcome", "applied", timeout=PATIENCE)
    town.system.wait_for(f"/api/v1/lots/{lot}", holder=crew.device)


def test_a_lot_is_refused_with_its_reason_and_stays_with_its_giver(
    town: Town, crew: Phone, terminal: Phone
) -> None:
    lot = arrive(town, crew, Stream.FOOD, 2)
    call_up(terminal, lot)
    terminal.tap("refuse-open")
    terminal.tap("refuse-hazardous-inside")
    at_each_size(terminal.page, "refuse")
    terminal.tap("refuse-save")
    seq = int(terminal.told("refuse-saved", "seq"))
    at_each_size(terminal.page, "refused")
    refused = town.system.wait_for(f"/api/v1/entries/{terminal.device}/{seq}", outcome="applied")
    assert (refused["kind_name"], refused["fields"]["reason"]) == ("refuse", 2)
    town.system.wait_for(f"/api/v1/lots/{lot}", holder=crew.device)
    assert lot not in [each["lot"] for each in offers(town)]
    terminal.tap("gate-home")
    expect(terminal.find(f"gate-lot-{lot}")).to_have_count(0)
    at_each_size(terminal.page, "board")


def test_figures_are_typed_where_the_bridge_is_not_heard(
    town: Town, crew: Phone, terminal: Phone, bridge: Weighbridge
) -> None:
    lot = arrive(town, crew, Stream.RECYCLABLE, 2)
    call_up(terminal, lot)
    connect(terminal, bridge)
    terminal.tap("scale-port-open")
    terminal.find("scale-port").fill("0")
    terminal.tap("scale-connect")
    expect(terminal.page.get_by_role("alert").filter(has_text="65535")).to_be_visible()
    terminal.find("scale-port").fill(str(bridge.port))
    terminal.tap("scale-connect")
    expect(terminal.find("scale-state")).to_have_attribute("data-is", "stable", timeout=PATIENCE)
    terminal.find("gross").fill("5,014")
    terminal.find("tare").fill("5000")
    terminal.tap("weigh-save")
    terminal.seen("take-save")
    kept = terminal.page.evaluate(_LAST_EVIDENCE)
    assert kept is None, json.dumps(kept)


_LAST_EVIDENCE = """
() => new Promise((resolve) => {
  const opening = indexedDB.open("huanlian");
  opening.onsuccess = () => {
    const asked = opening.result.transaction("entries").objectStore("entries").openCursor(null, "prev");
    asked.onsuccess = () => { opening.result.close(); resolve(asked.result.value.evidence ?? null); };
  };
})
"""
