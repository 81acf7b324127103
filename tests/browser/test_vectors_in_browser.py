"""The treaty's vectors in the app's rules as they are built for a browser, in that browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from built_page import serve_built
from people import Watch
from playwright.sync_api import Browser, Page
from running_system import ROOT

_SOURCE = ROOT / "tests" / "scanner_app" / "in_browser" / "vectors"
_FILES = (
    *("custody", "journal", "label", "lifts_root", "renewal", "seal", "segment_bytes", "tolerances", "webauthn"),
    "verify",
)
_NOT_THE_APPS = {"draws.json"}
"""An inspection is drawn by the office and by the sample, both in Python; phones draw nothing."""
_PATIENCE = 600_000
"""Milliseconds. P-256 in plain JavaScript is slow on a busy machine; a hang is still found."""


@pytest.fixture(scope="module")
def page(browser: Browser, watch: Watch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with serve_built(_SOURCE, tmp_path_factory.mktemp("vectors")) as origin:
        context = browser.new_context()
        context.set_default_timeout(_PATIENCE)
        watch.over(context)
        opened = context.new_page()
        opened.goto(origin)
        opened.wait_for_function("window.vectors !== undefined")
        yield opened
        context.close()


def run(page: Page, file: str) -> tuple[int, list[str]]:
    report = page.evaluate("(file) => window.vectors.runFile(file)", file)
    return report["passed"], report["failed"]


class TestTheVectors:
    @pytest.mark.parametrize("file", _FILES)
    def test_hold_in_the_browser(self, page: Page, file: str) -> None:
        passed, failed = run(page, file)
        assert failed == []
        assert passed > 0

    def test_are_all_read(self, page: Page) -> None:
        there = sorted(path.name for path in (ROOT / "tests" / "vectors").glob("*.json"))
        assert page.evaluate("window.vectors.readAll()") == [name for name in there if name not in _NOT_THE_APPS]
        assert set(page.evaluate("window.vectors.files")) == {*_FILES, "broken"}

    def test_would_be_told_of_where_one_does_not_hold(self, page: Page) -> None:
        passed, failed = run(page, "broken")
        assert (passed, len(failed)) == (1, 2)
        assert failed[0].startswith("a broken rule is told of:")
