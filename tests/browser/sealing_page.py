"""A page with the app's own sealing modules, built as the app is built, and a person with a passkey before it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from people import Watch
from playwright.sync_api import Browser, CDPSession, Frame, Page
from running_system import ROOT

_SOURCE = ROOT / "tests" / "scanner_app" / "in_browser"
_ONE_ALGORITHM = "pubKeyCredParams is missing at least one of the default algorithm identifiers"


def call(frame: Page | Frame, function: str, *arguments: Any) -> Any:
    """Call a function of the page's and return what it returns; what it throws is raised here."""
    frame.wait_for_function("window.sealing !== undefined")
    return frame.evaluate(f"(given) => window.sealing.{function}(...given)", list(arguments))


@dataclass
class PasskeyOwner:
    """Somebody at a page whose device answers for them when it is asked."""

    page: Page
    _session: CDPSession
    _authenticator: str

    def can_be_verified(self, can: bool) -> None:
        """Say whether finger, face or PIN are the right ones from now on."""
        told = {"authenticatorId": self._authenticator, "isUserVerified": can}
        self._session.send("WebAuthn.setUserVerified", told)


@dataclass
class SealingSite:
    """The same page at two origins, which differ in their port."""

    browser: Browser
    watch: Watch
    origin: str
    other_origin: str

    @contextmanager
    def passkey_owner(self) -> Iterator[PasskeyOwner]:
        """Open the page in a browser with a virtual authenticator."""
        context = self.browser.new_context()
        self.watch.over(context)
        page = context.new_page()
        page.goto(self.origin)
        session = context.new_cdp_session(page)
        session.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        added = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        yield PasskeyOwner(page, session, added["authenticatorId"])
        context.close()
        # The browser would like RSA to be allowed as well; the ledger knows one algorithm.
        self.watch.complaints[:] = [each for each in self.watch.complaints if _ONE_ALGORITHM not in each]


def build_page(source: Path, folder: Path) -> None:
    """Build a page of the tests as the app is built."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = [
        str(ROOT / "node_modules/.bin/vite"),
        "build",
        str(source),
        "--outDir",
        str(folder),
        "--emptyOutDir",
    ]
    built = subprocess.run(command, env={**os.environ, "PATH": path}, capture_output=True, text=True)
    assert built.returncode == 0, f"the page cannot be built:\n{built.stdout}{built.stderr}"


@contextmanager
def serve_built(source: Path, folder: Path) -> Iterator[str]:
    """Build a page and serve it until the block ends; yield its origin."""
    build_page(source, folder)
    with _serving(folder) as port:
        yield f"http://localhost:{port}"


@contextmanager
def serve_sealing(browser: Browser, watch: Watch, folder: Path) -> Iterator[SealingSite]:
    """Build the page and serve it at two ports until the block ends."""
    build_page(_SOURCE, folder)
    with ExitStack() as stack:
        ports = [stack.enter_context(_serving(folder)) for _ in range(2)]
        yield SealingSite(browser, watch, *(f"http://localhost:{port}" for port in ports))


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing: the browser's own log is what the tests read."""


@contextmanager
def _serving(folder: Path) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
