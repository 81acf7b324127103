"""A page of its own with the app's own modules in it, built as the app is built."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from running_system import ROOT


def build_page(source: Path, folder: Path) -> None:
    """Build the page in `source` into a folder."""
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


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing: the browser's own log is what the tests read."""


@contextmanager
def serving(folder: Path) -> Iterator[int]:
    """Serve a folder on this machine until the block ends; the port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def serve_built(source: Path, folder: Path) -> Iterator[str]:
    """Build a page and serve it until the block ends; yield its origin."""
    build_page(source, folder)
    with serving(folder) as port:
        yield f"http://localhost:{port}"
