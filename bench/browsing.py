"""The browser tests' own helpers, for proofs that are too long for a test."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent


def use_helpers() -> None:
    """Make them importable: they are plain modules beside one another."""
    wanted = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "browser")]
    sys.path[:0] = [path for path in wanted if path not in sys.path]


def missing_commands(*commands: str) -> list[str]:
    """Return those that are not installed."""
    return [command for command in commands if shutil.which(command) is None]


@contextmanager
def open_browser(camera_file: Path | None = None) -> Iterator[Any]:
    """Start the Chromium that the tests use."""
    use_helpers()
    from playwright.sync_api import sync_playwright
    from silent_browser import SILENT, with_camera

    arguments = [*SILENT, *(with_camera(camera_file) if camera_file else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        yield browser
        browser.close()


@contextmanager
def open_town(folder: Path) -> Iterator[Any]:
    """Start a whole Huanlian with a demo street, and a browser whose camera is a file."""
    use_helpers()
    from camera import Camera
    from people import Town, Watch
    from running_system import start_system

    camera = Camera(folder, shutil.which("ffmpeg") or "ffmpeg")
    home = folder / "system"
    home.mkdir()
    with start_system(home) as system, open_browser(camera.file) as browser:
        yield Town(browser, camera, system, Watch())


def middle(values: list[float], share: float = 0.5) -> float:
    """Return the value below which this share of them lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def how_busy() -> str:
    """Return how many processes wanted a core in the last minute, which is what times must be read beside."""
    return f"the machine: {os.cpu_count()} cores, {os.getloadavg()[0]:.1f} processes at work in the last minute"
