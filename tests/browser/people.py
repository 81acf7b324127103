"""The people of the tests, each with a browser of their own: registrars at a desk, crews and gates with phones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from camera import Camera
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Locator, Page, Route, expect
from running_system import RunningSystem

from backend.domain.label import human_readable
from backend.domain.types import Role
from backend.labels.layout import BinLabel

PHONE, DESK = (390, 844), (1280, 800)
SCREENSHOTS = Path(__file__).parents[2] / "test-output" / "screenshots"
PATIENCE = 90_000
"""Milliseconds. Generous: the machine may be busy with other things."""
_LOOKS_MAX = 5
_KNOWN = (
    "net::ERR_INTERNET_DISCONNECTED",
    "camera is not allowed in this document",
    "GL Driver Message",
    "A VideoFrame was garbage collected without being closed",
)
"""No fault of a page: it has no network, camera or graphics card, or was closed while it looked at a frame."""


@dataclass
class Watch:
    """Everything that the browsers asked for, and everything that they complained about."""

    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def over(self, context: BrowserContext) -> None:
        context.on("request", lambda request: self.requests.append(request.url))
        context.on("console", self._console)
        context.on("weberror", lambda error: self.complaints.append(f"uncaught: {error.error}"))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not any(known in message.text for known in _KNOWN):
            self.complaints.append(f"{message.type}: {message.text} ({message.location.get('url')})")

    def strangers(self) -> set[str]:
        """Requests that left this machine."""
        own = ("localhost", "127.0.0.1", "")
        return {
            url for url in self.requests if urlsplit(url.removeprefix("blob:")).hostname not in own and "//" in url
        }

    def forget(self) -> None:
        self.requests.clear()
        self.complaints.clear()


def take_picture(
    page: Page, name: str, language: str, *, full: bool = False, scale: Literal["css", "device"] = "device"
) -> None:
    size = page.viewport_size
    assert size is not None
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    file = SCREENSHOTS / f"{name}-{language}-{size['width']}x{size['height']}.png"
    page.screenshot(path=file, full_page=full, animations="disabled", scale=scale)


def overflow_of(page: Page) -> int:
    """How many pixels a page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


@dataclass
class Town:
    """The browser, the camera and the system that all people share."""

    browser: Browser
    camera: Camera
    system: RunningSystem
    watch: Watch

    def page(
        self, size: tuple[int, int], *, language: str = "zh", scale: float = 1, is_phone: bool = False
    ) -> Page:
        """A browser with nothing in it, of somebody who reads this language."""
        context = self.browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            locale={"zh": "zh-CN", "en": "en-GB"}[language],
            timezone_id="Asia/Shanghai",
            device_scale_factor=scale,
            has_touch=is_phone,
            is_mobile=is_phone,
        )
        context.set_default_timeout(PATIENCE)
        self.watch.over(context)
        return context.new_page()


class Person:
    """Somebody's page, with its pictures and the hooks of the app."""

    def __init__(self, town: Town, name: str, page: Page, language: str = "zh") -> None:
        self.town, self.name, self.page, self.language = town, name, page, language
        self.device = ""

    @property
    def context(self) -> BrowserContext:
        return self.page.context

    def find(self, test_id: str) -> Locator:
        return self.page.get_by_test_id(test_id)

    def tap(self, test_id: str) -> None:
        self.find(test_id).click()

    def seen(self, test_id: str) -> Locator:
        """What the hook names, once it is in sight."""
        found = self.find(test_id)
        expect(found).to_be_visible(timeout=PATIENCE)
        return found

    def photograph(self, test_id: str) -> bytes:
        """What the hook names, as this screen shows it; one that is drawn anew meanwhile is looked at again."""
        for _ in range(_LOOKS_MAX - 1):
            try:
                return self.seen(test_id).screenshot()
            except Error as problem:
                if "not visible" not in problem.message and "not attached" not in problem.message:
                    raise
        return self.seen(test_id).screenshot()

    def told(self, test_id: str, name: str) -> str:
        value = self.seen(test_id).get_attribute(f"data-{name}")
        assert value is not None
        return value

    def picture(self, screen: str, *, in_english: bool = False, shows: str = "") -> None:
        """Keep a picture; in English too (once `shows` is in sight) where the screen survives the change."""
        assert overflow_of(self.page) <= 0, f"{screen} is wider than the screen"
        take_picture(self.page, f"app-{self.name}-{screen}", self.language)
        if in_english:
            with self.reading("en"):
                if shows:
                    self.seen(shows)
                assert overflow_of(self.page) <= 0, f"{screen} in English is wider than the screen"
                take_picture(self.page, f"app-{self.name}-{screen}", "en")

    @contextmanager
    def reading(self, language: str) -> Iterator[None]:
        select = self.find("language")
        select.select_option(language)
        expect(self.page.locator("html")).to_have_attribute("lang", language)
        yield
        select.select_option("zh-Hans")
        expect(self.page.locator("html")).to_have_attribute("lang", "zh-Hans")

    def type_bin(self, label: BinLabel) -> None:
        """Type the line under a bin's code, on the scan page."""
        self.tap("manual-open")
        self.type_number(label)
        assert self.told("bin-found", "bin") == f"{label.number:010x}"

    def type_number(self, label: BinLabel) -> None:
        self.find("manual-input").fill(human_readable(label.serial))
        self.tap("manual-submit")

    def entry_state(self, kind: str) -> Locator:
        """The chip of the newest entry of a kind, in a list of entries."""
        return self.page.locator(f'li[data-kind="{kind}"]').first.get_by_test_id("entry-state")


class Registrar(Person):
    """The registrar's desk of an organisation; it enrols itself on an invitation of the software registrar."""

    def __init__(self, town: Town, organisation: int, language: str = "zh") -> None:
        super().__init__(town, "registrar", town.page(DESK, language=language), language)
        with town.system.invitation(organisation, Role.REGISTRAR) as (invitation, approve):
            self.page.goto(town.system.url + "/console/registrar")
            self.seen("enrol-code")
            self.picture("start")
            self.find("enrol-code").fill(invitation.code)
            self.tap("enrol-use")
            shown = self.told("enrol-check", "check")
            self.picture("check")
            assert shown == invitation.wait_for_key()
            device = approve()
        assert self.told("enrol-done", "device") == f"{device:016x}"
        self.device = f"{device:016x}"
        self.picture("done")
        self.tap("enrol-begin")
        self.seen("registrar-new")

    def enrol(self, phone: Phone, role: Role) -> None:
        """Invite a phone, which reads the code off this screen, compare the digits, and approve it."""
        self.find("registrar-role").select_option(role.name.lower())
        self.picture("desk")
        self.tap("registrar-new")
        code = self.seen("registrar-qr")
        expect(code.locator("svg")).to_be_visible(timeout=PATIENCE)
        self.picture("invitation")
        assert self.told("registrar-qr", "text") == self.find("registrar-link").inner_text()
        self.town.camera.show_screen(code.screenshot())
        phone.offer_key()
        digits = phone.told("enrol-check", "check")
        assert re.fullmatch(r"\d{6}", digits)
        assert self.told("registrar-check", "check") == digits
        self.picture("compare")
        self.tap("registrar-approve")
        phone.begin()
        assert self.told("registrar-approved", "device") == phone.device
        self.picture("approved")
        self.page.get_by_test_id("registrar-approved").locator("..").get_by_role("button").last.click()
        self.seen("registrar-new")


class Phone(Person):
    """A phone that becomes a crew's or a gate's."""

    def __init__(self, town: Town, name: str) -> None:
        super().__init__(town, name, town.page(PHONE, scale=2, is_phone=True))
        self.page.goto(town.system.url + "/app/")

    @classmethod
    def on(cls, town: Town, name: str, page: Page) -> Phone:
        """Another tab of a phone that is enrolled."""
        phone = cls.__new__(cls)
        Person.__init__(phone, town, name, page)
        return phone

    def offer_key(self) -> None:
        self.seen("enrol-scan")
        self.picture("start", in_english=True)
        self.tap("enrol-scan")
        self.seen("enrol-check")
        self.picture("check", in_english=True, shows="enrol-check")

    def begin(self) -> None:
        self.device = self.told("enrol-done", "device")
        self.picture("done", in_english=True, shows="enrol-done")
        self.tap("enrol-begin")

    @contextmanager
    def without_network(self) -> Iterator[None]:
        self.context.set_offline(True)
        try:
            yield
        finally:
            self.context.set_offline(False)

    @contextmanager
    def without_camera(self) -> Iterator[None]:
        """The page may not use the camera; it is opened anew for that, and again afterwards."""

        def forbid(route: Route) -> None:
            if route.request.resource_type == "document":
                answer = route.fetch()
                route.fulfill(response=answer, headers={**answer.headers, "permissions-policy": "camera=()"})
            else:
                route.continue_()

        pages = self.town.system.url + "/app/"
        session = self.context.new_cdp_session(self.page)
        session.send("Network.enable")
        session.send("Network.setBypassServiceWorker", {"bypass": True})
        self.page.route(pages, forbid)
        self.page.reload()
        try:
            yield
        finally:
            self.page.unroute(pages)
            session.send("Network.setBypassServiceWorker", {"bypass": False})
            session.detach()
            self.page.reload()

    def keep_app(self) -> None:
        """Return once the app would open without a network."""
        self.page.wait_for_function("() => navigator.serviceWorker.controller !== null")

    def start_lot(self, stream: str) -> str:
        """Open a lot; return its id."""
        self.page.evaluate("location.hash = '#/'")
        stream_button = self.find(f"start-lot-{stream}")
        expect(stream_button.or_(self.find("new-lot"))).to_be_visible(timeout=PATIENCE)
        if self.find("new-lot").is_visible():
            self.tap("new-lot")
        self.seen(f"start-lot-{stream}")
        self.picture("streams", in_english=True)
        self.tap(f"start-lot-{stream}")
        self.seen("scan-open")
        expect(self.find("current-lot")).to_have_attribute("data-stream", stream)
        return self.told("current-lot", "lot")

    def wait_sent(self) -> None:
        expect(self.find("unsent-count")).to_have_attribute("data-count", "0", timeout=PATIENCE)
