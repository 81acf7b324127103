"""The city's map in a real browser: drawn from our own files alone, down to a bin, and readable by all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from people import DESK, PHONE, Town, overflow_of, take_picture
from playwright.sync_api import Page, Request, Route, expect
from running_system import ROOT

AXE = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
VIOLATIONS = "axe.run(document, {resultTypes: ['violations']}).then(({violations}) => violations)"
LIVE = ".map-frame.is-live"
POLICY_WATCH = """
addEventListener('securitypolicyviolation', (event) => {
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`);
});
"""
WIDE = (1440, 900)


@pytest.fixture(autouse=True)
def _software_rendering(town: Town) -> Iterator[None]:
    """A browser without a graphics card says that reading its picture back is slow; nothing else is forgiven."""
    yield
    town.watch.complaints[:] = [
        each for each in town.watch.complaints if "GPU stall due to ReadPixels" not in each
    ]


def visitor(town: Town, size: tuple[int, int] = WIDE, *, language: str = "zh", **more: Any) -> Page:
    page = town.page(size, language=language)
    page.add_init_script(POLICY_WATCH)
    if more:
        page.emulate_media(**more)
    return page


def keep_at_home(page: Page, url: str) -> list[Request]:
    """Let a page reach our origin and no other; return what it asked for elsewhere."""
    strangers: list[Request] = []

    def at_the_door(route: Route) -> None:
        if urlsplit(route.request.url).netloc == urlsplit(url).netloc:
            route.continue_()
        else:
            strangers.append(route.request)
            route.abort()

    page.route("**/*", at_the_door)
    return strangers


def open_map(page: Page, url: str) -> None:
    answer = page.goto(url)
    assert answer is not None
    assert answer.status == 200
    assert "unsafe" not in answer.headers["content-security-policy"]
    page.locator(LIVE).wait_for(state="attached")


def press(page: Page, name: str) -> None:
    """Press the map where a place is: its own projection says where."""
    at = page.evaluate(
        """async (name) => {
          const place = document.getElementById('city-map');
          const level = await (await fetch(place.dataset.source)).json();
          const found = level.features.find(({properties: p}) => p.shape === 'mark' && p.name === name);
          return place.cityMap.project(found.geometry.coordinates);
        }""",
        name,
    )
    page.locator("#city-map canvas").click(position={"x": at["x"], "y": at["y"]})


def test_goes_from_the_city_down_to_a_bin(town: Town) -> None:
    page = visitor(town)
    strangers = keep_at_home(page, town.system.url)
    open_map(page, town.system.url + "/city/map")
    take_picture(page, "city-map", "zh", full=True)
    district = page.locator(".map-table [data-place]").first.inner_text()
    press(page, district)
    page.wait_for_url("**district=*")
    page.locator(LIVE).wait_for(state="attached")
    take_picture(page, "city-map-district", "zh", full=True)
    street = page.locator(".map-table [data-place]").first.inner_text()
    press(page, street)
    page.wait_for_url("**street=*")
    page.locator(LIVE).wait_for(state="attached")
    take_picture(page, "city-map-street", "zh", full=True)
    point = page.locator("#point-1 th").inner_text()
    press(page, point)
    bin_link = page.locator(".maplibregl-popup .map-bins a").first
    expect(bin_link).to_be_visible()
    take_picture(page, "city-map-point", "zh")
    number = (bin_link.get_attribute("href") or "").rpartition("/")[2]
    bin_link.click()
    page.wait_for_url(f"**/bins/{number}")
    assert town.system.get(f"/api/v1/bins/{number}/trace")["bin"]["number"] == number
    assert strangers == []
    page.context.close()


def test_plays_a_day_and_is_stepped_by_keyboard(town: Town) -> None:
    page = visitor(town)
    open_map(page, town.system.url + "/city/map")
    box = page.locator("#map-lapse")
    play, says = box.locator('[data-lapse="play"]'), box.locator("output")
    first = int(box.get_attribute("data-quarter") or "-1")
    assert says.inner_text().startswith(f"{first // 4:02}:{first % 4 * 15:02}")
    play.focus()
    page.keyboard.press("Enter")
    expect(box).to_have_attribute("data-playing", "yes")
    later = "|".join(str(quarter) for quarter in range(first + 3, 96))
    expect(box).to_have_attribute("data-quarter", re.compile(f"^({later})$"))
    page.keyboard.press("Enter")
    expect(box).to_have_attribute("data-playing", "no")
    box.locator('[data-lapse="at"]').focus()
    page.keyboard.press("Home")
    expect(box).to_have_attribute("data-quarter", "0")
    page.keyboard.press("ArrowRight")
    expect(box).to_have_attribute("data-quarter", "1")
    assert says.inner_text().startswith("00:15")
    page.context.close()


def test_does_not_move_for_those_who_want_no_motion(town: Town) -> None:
    page = visitor(town, reduced_motion="reduce")
    open_map(page, town.system.url + "/city/map")
    box = page.locator("#map-lapse")
    expect(box.locator('[data-lapse="play"]')).to_be_hidden()
    at = int(box.get_attribute("data-quarter") or "-1")
    box.locator('[data-lapse="on"]').click()
    expect(box).to_have_attribute("data-quarter", str(at + 1))
    page.context.close()


def test_is_whole_without_scripts(town: Town) -> None:
    context = town.browser.new_context(
        java_script_enabled=False, viewport={"width": PHONE[0], "height": PHONE[1]}, locale="zh-CN"
    )
    town.watch.over(context)
    page = context.new_page()
    page.goto(town.system.url + "/city/map")
    expect(page.locator(".city-map.upright")).to_be_visible()
    expect(page.locator("#map-lapse")).to_be_hidden()
    take_picture(page, "city-map-no-script", "zh", full=True)
    page.locator(".map-table [data-place]").first.click()
    page.locator(".map-table [data-place]").first.click()
    page.locator("#point-1 .map-bins a").first.click()
    page.wait_for_url("**/bins/*")
    context.close()


def test_is_a_drawing_where_the_browser_cannot_draw_a_map(town: Town) -> None:
    page = visitor(town, DESK)
    page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null;")
    with page.expect_console_message(lambda message: "shown as a drawing" in message.text):
        page.goto(town.system.url + "/city/map")
    expect(page.locator(".city-map.lying")).to_be_visible()
    expect(page.locator("#city-map")).to_be_hidden()
    # That it says so, and why, is what was asked for here.
    town.watch.complaints.clear()
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_pages_of_the_city_are_accessible(town: Town, language: str, scheme: str) -> None:
    faults: list[str] = []
    street = town.system.bins and town.system.get(f"/api/v1/bins/{town.system.bins[0].number:010x}/trace")
    paths = {
        "city": "/city",
        "map": "/city/map",
        "street": f"/city/map?street={street['bin']['site']['site']}",
        "trends": "/city/trends",
    }
    for size in (PHONE, WIDE):
        page = visitor(town, size, language=language, color_scheme=scheme)
        for name, path in paths.items():
            page.goto(town.system.url + path)
            if path.startswith("/city/map"):
                page.locator(LIVE).wait_for(state="attached")
            page.evaluate(AXE)
            found: list[dict[str, Any]] = page.evaluate(VIOLATIONS)
            where = f"{name} {size[0]} {language} {scheme}"
            faults += [f"{where}: {rule['id']} {node['html']}" for rule in found for node in rule["nodes"]]
            faults += [f"{where}: {overflow_of(page)} pixels too wide"] if overflow_of(page) > 0 else []
            take_picture(page, f"look-city-{name}-{scheme}", language, full=True)
        page.context.close()
    assert not faults, "\n".join(faults)
