"""The app's reader of codes in a real browser, given pictures instead of a camera."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from built_page import build_page, serving
from playwright.sync_api import Browser, Page
from running_system import ROOT

_SOURCE = ROOT / "tests" / "scanner_app" / "reading"


@dataclass(frozen=True)
class Reading:
    """What was read, and how long it took."""

    text: str | None
    milliseconds: float


@dataclass(frozen=True)
class ReadingPage:
    """The page, and what it is asked."""

    page: Page

    def load(self, name: str, picture: bytes, kind: str) -> None:
        """Keep a picture (`png` or `jpeg`) under a name."""
        self._call("load", name, f"data:image/{kind};base64,{base64.b64encode(picture).decode()}")

    def forget(self) -> None:
        self._call("forget")

    def ours(self, *names: str) -> list[Reading]:
        """As the app reads pictures that are held before it: each is looked at in every way until one reads it."""
        return [Reading(**told) for told in self._call("ours", names)]

    def ours_lent(self, *names: str) -> list[Reading]:
        """The same of frames as a camera lends them; their sides must be even."""
        return [Reading(**told) for told in self._call("oursLent", names)]

    def theirs(self, options: dict[str, Any], *names: str) -> list[Reading]:
        """As zxing-wasm reads them with options of one's own."""
        return [Reading(**told) for told in self._call("theirs", names, options)]

    def watch(self, frames: Iterable[bytes]) -> tuple[list[Reading], str | None]:
        """Look at a video as the app does, until something is read: every look, and the text."""
        self._call("beginVideo")
        looks = []
        for jpeg in frames:
            self.load("frame", jpeg, "jpeg")
            looks.append(Reading(**self._call("frame", "frame")))
            if looks[-1].text is not None:
                return looks, looks[-1].text
        return looks, None

    def _call(self, function: str, *arguments: Any) -> Any:
        return self.page.evaluate(f"(given) => window.reading.{function}(...given)", list(arguments))


@contextmanager
def open_reading(browser: Browser, folder: Path) -> Iterator[ReadingPage]:
    """Build the page and open it."""
    build_page(_SOURCE, folder)
    with serving(folder) as port:
        page = browser.new_page()
        page.goto(f"http://localhost:{port}")
        page.wait_for_function("() => window.reading !== undefined")
        yield ReadingPage(page)
        page.close()
