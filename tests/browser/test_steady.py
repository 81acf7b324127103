"""Nothing jumps when the network comes and goes, and nothing is lost at twice the size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from people import PATIENCE, PHONE, SCREENSHOTS, Person, Phone, Registrar, Town, overflow_of, take_picture
from playwright.sync_api import Page, expect
from test_gate import hand_over, lift_by_hand

from backend.domain.types import Stream

_WATCH_SHIFTS = """
() => {
  globalThis.shifts = [];
  new PerformanceObserver((list) => {
    for (const {value, sources} of list.getEntries()) {
      const moved = sources.map(({node}) => node?.className ?? node?.nodeName ?? "gone");
      globalThis.shifts.push([value, moved]);
    }
  }).observe({type: "layout-shift", buffered: false});
}
"""
_SHIFT_MAX = 0.1
"""What browsers call good: https://web.dev/articles/cls"""
_SETTLED = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"
_HIDDEN = """
() => [...document.querySelectorAll("#app :is(button, select, input, h1, h2, p, strong)")]
  .filter((element) => element.checkVisibility({visibilityProperty: true}) && !element.closest(".visually-hidden"))
  .filter((element) =>
    getComputedStyle(element).overflowX !== "visible" && element.scrollWidth > element.clientWidth + 1
    || element.getBoundingClientRect().right > document.documentElement.clientWidth + 1
    || element.getBoundingClientRect().left < -1)
  .map((element) => `${element.dataset.testid ?? element.tagName} ${element.className}: ${element.textContent}`)
"""


def shifts_of(page: Page) -> list[tuple[float, list[str]]]:
    page.evaluate(_SETTLED)
    found: list[tuple[float, list[str]]] = page.evaluate("globalThis.shifts")
    return found


class TestTheNetworkLine:
    def test_moves_nothing_when_the_network_goes_and_comes(self, town: Town, crew: Phone) -> None:
        crew.page.evaluate("location.hash = '#/'")
        crew.start_lot("residual")
        lift_by_hand(crew, town.system.bin_of(Stream.RESIDUAL, 6), fill=1)
        crew.wait_sent()
        line = crew.seen("network-line")
        expect(line).to_have_attribute("data-is", "resting", timeout=PATIENCE)
        for language in ("zh-Hans", "zh-Hant", "en"):
            with crew.reading(language):
                crew.seen("scan-open")
                crew.page.evaluate(_WATCH_SHIFTS)
                with crew.without_network():
                    expect(line).to_have_attribute("data-is", "unreachable", timeout=PATIENCE)
                    take_picture(crew.page, "app-crew-no-network", language)
                expect(line).to_have_attribute("data-is", "resting", timeout=PATIENCE)
                assert shifts_of(crew.page) == []

    def test_is_watched_by_an_observer_that_sees_a_shift(self, crew: Phone) -> None:
        crew.page.evaluate("location.hash = '#/'")
        crew.seen("scan-open")
        crew.page.evaluate(_WATCH_SHIFTS)
        crew.page.evaluate("document.querySelector('main').style.paddingTop = '120px'")
        assert shifts_of(crew.page) != []
        crew.page.evaluate("document.querySelector('main').style.paddingTop = ''")


class TestAScreen:
    def test_moves_little_while_the_app_opens_and_people_go_about(
        self, town: Town, crew: Phone, gate: Phone
    ) -> None:
        walks = {
            crew: {"/history": "rescue", "/shift": "readiness", "/settings": "print-large", "/take": "take-scan"},
            gate: {"/history": "rescue", "/code": "receive-qr", "/settings": "print-large"},
        }
        for phone, routes in walks.items():
            page = phone.context.new_page()
            page.add_init_script(f"({_WATCH_SHIFTS})()")
            tab = Phone.on(town, phone.name, page)
            page.goto(town.system.url + "/app/")
            tab.seen("history-open")
            for route, shows in routes.items():
                page.evaluate("(route) => { location.hash = route; }", route)
                tab.seen(shows)
            shifts = shifts_of(page)
            assert sum(value for value, _ in shifts) < _SHIFT_MAX, (phone.name, shifts)
            page.close()


@contextmanager
def twice_as_large(page: Page) -> Iterator[None]:
    """As a browser zooms to 200 %: half as many pixels of the page's, each twice as large."""
    session = page.context.new_cdp_session(page)
    width, height = PHONE
    half = {"width": width // 2, "height": height // 2, "deviceScaleFactor": 4, "mobile": True}
    session.send("Emulation.setDeviceMetricsOverride", half)
    try:
        yield
    finally:
        session.send(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 2, "mobile": True},
        )
        session.detach()


def check(person: Person, screen: str, faults: list[str]) -> None:
    page = person.page
    over = overflow_of(page)
    faults += [f"{screen}: {over} pixels wider than the screen"] if over > 0 else []
    faults += [f"{screen}: cut: {fault}" for fault in page.evaluate(_HIDDEN)]
    page.screenshot(path=_file(f"zoom-{person.name}-{screen}"), animations="disabled")


def _file(name: str) -> str:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    return str(SCREENSHOTS / f"{name}-195x422.png")


def walk(
    person: Person, routes: dict[str, str], faults: list[str], then: Callable[[], None] | None = None
) -> None:
    for route, shows in routes.items():
        person.page.evaluate("(route) => { location.hash = route; }", route)
        person.seen(shows)
        check(person, route.strip("/").split("/")[0] or "home", faults)
    if then is not None:
        then()


class TestTwiceAsLarge:
    def test_the_crews_and_the_gates_screens_lose_nothing(self, town: Town, crew: Phone, gate: Phone) -> None:
        faults: list[str] = []
        given = crew.start_lot("recyclable")
        lift_by_hand(crew, town.system.bin_of(Stream.RECYCLABLE, 6), fill=4)
        hand_over(crew, given)
        crew.tap("back")
        held = crew.start_lot("food")
        lift_by_hand(crew, town.system.bin_of(Stream.FOOD, 6), fill=1)
        crew.wait_sent()
        gate.page.evaluate("location.hash = '#/'")
        expect(gate.find(f"gate-lot-{given}")).to_be_visible(timeout=PATIENCE)

        def on_the_scan_page() -> None:
            crew.page.evaluate("location.hash = '#/scan'")
            crew.type_bin(town.system.bin_of(Stream.FOOD, 7))
            crew.tap("grade-1")
            crew.tap("fill-2")
            check(crew, "bin", faults)
            crew.tap("save-lift")
            crew.seen("lift-saved")

        for language in ("zh-Hans", "en"):
            with crew.reading(language), twice_as_large(crew.page):
                crew_routes = {
                    "/": "scan-open",
                    "/start": "start-lot-food",
                    "/take": "take-scan",
                    "/unattested": "take-save",
                    f"/give/{held}": "give-save",
                    f"/given/{given}": "give-qr",
                    "/history": "rescue",
                    "/shift": "shift-end",
                    "/settings": "print-large",
                }
                walk(crew, crew_routes, faults, on_the_scan_page if language == "en" else None)
                crew.page.evaluate("location.hash = '#/'")
            with gate.reading(language), twice_as_large(gate.page):
                gate_routes = {
                    "/": "gate-scan",
                    "/code": "receive-qr",
                    f"/lot/{given}": "gross",
                    f"/refuse/{given}": "refuse-save",
                    "/history": "rescue",
                }
                walk(gate, gate_routes, faults)
                gate.page.evaluate("location.hash = '#/'")
        assert not faults, "\n".join(faults)

    def test_a_new_phone_and_the_registrars_desk_lose_nothing(self, town: Town, carrier_desk: Registrar) -> None:
        faults: list[str] = []
        visitor = Person(town, "visitor", town.page(PHONE, is_phone=True))
        visitor.page.goto(town.system.url + "/app/")
        visitor.seen("enrol-scan")
        with twice_as_large(visitor.page):
            check(visitor, "enrol", faults)
        visitor.context.close()
        assert not faults, "\n".join(faults)
