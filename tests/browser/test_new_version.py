"""A new version of the app meets a phone in the middle of its shift: it asks first, and finds everything."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import kept_journal
import pytest
from people import PATIENCE, PHONE, take_picture
from playwright.sync_api import Browser, Page, expect
from running_system import ROOT, build_app

_OLD, _NEW = '  history: "流水账",', '  history: "流水账二",'


class Served(SimpleHTTPRequestHandler):
    """One build after the other at one address; the server behind it is away."""

    build = Path()

    def translate_path(self, path: str) -> str:
        return str(self.build / path.split("?")[0].removeprefix("/app/").lstrip("/"))

    def do_GET(self) -> None:
        if self.path.startswith("/app/"):
            super().do_GET()
        else:
            self.send_error(503)

    do_POST = do_PUT = do_GET

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Today's build, and one in which a single word is another."""
    build_app()
    folder = tmp_path_factory.mktemp("next")
    source = folder / "scanner_app"
    shutil.copytree(ROOT / "scanner_app", source, ignore=shutil.ignore_patterns("dist"))
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    (folder / "package.json").write_text((ROOT / "package.json").read_text())
    texts = source / "src" / "i18n" / "zh-Hans.ts"
    before = texts.read_text(encoding="utf-8")
    assert _OLD in before
    texts.write_text(before.replace(_OLD, _NEW), encoding="utf-8")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for config in ("vite.config.ts", "vite.sw.config.ts"):
        command = [str(ROOT / "node_modules/.bin/vite"), "build", "--config", str(source / config)]
        built = subprocess.run(
            command, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True
        )
        assert built.returncode == 0, f"{built.stdout}{built.stderr}"
    return ROOT / "scanner_app" / "dist", source / "dist"


@pytest.fixture
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Served))
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://localhost:{server.server_port}/app/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    """Not watched: the server that it asks is away on purpose, and the browser notes that."""
    context = browser.new_context(
        viewport={"width": PHONE[0], "height": PHONE[1]}, locale="zh-CN", timezone_id="Asia/Shanghai"
    )
    context.set_default_timeout(PATIENCE)
    yield context.new_page()
    context.close()


def test_a_new_version_asks_before_it_replaces_a_running_shift(
    builds: tuple[Path, Path], address: str, phone: Page
) -> None:
    Served.build = builds[0]
    phone.goto(address + "icon.svg")
    kept_journal.put(phone)
    phone.goto(address)
    lifts = phone.get_by_test_id("lot-lifts")
    expect(lifts).to_be_visible(timeout=PATIENCE)
    held = lifts.inner_text()
    assert int(held) > 0
    unsent = phone.get_by_test_id("unsent-count")
    waiting = unsent.get_attribute("data-count")
    assert waiting not in (None, "0")
    phone.wait_for_function("navigator.serviceWorker.controller !== null")
    history = phone.get_by_test_id("history-open")
    expect(history).to_have_text("流水账")
    phone.evaluate("globalThis.isTheSamePage = true")

    Served.build = builds[1]
    phone.evaluate("navigator.serviceWorker.getRegistration().then((registration) => registration.update())")
    update = phone.get_by_test_id("update-now")
    expect(update).to_be_visible(timeout=PATIENCE)
    take_picture(phone, "app-update-ready", "zh")
    # It is said in the language that the page is read in now.
    phone.get_by_test_id("language").select_option("en")
    expect(update).to_have_text("Update now")
    phone.get_by_test_id("language").select_option("zh-Hans")
    expect(update).to_have_text("现在更新")
    # It waits: the shift goes on in the old version, also after a reload.
    phone.get_by_test_id("scan-open").click()
    phone.get_by_test_id("manual-open").wait_for()
    phone.get_by_test_id("back").click()
    assert phone.evaluate("globalThis.isTheSamePage") is True
    phone.reload()
    expect(history).to_have_text("流水账", timeout=PATIENCE)
    expect(update).to_be_visible(timeout=PATIENCE)

    update.click()
    expect(history).to_have_text("流水账二", timeout=PATIENCE)
    expect(lifts).to_have_text(held)
    expect(unsent).to_have_attribute("data-count", waiting)
    expect(update).to_have_count(0)
