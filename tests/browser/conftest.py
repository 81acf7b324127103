"""A real system, a real browser and people in it; started once for all tests of this folder."""

from __future__ import annotations

import ipaddress
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from camera import Camera
from chain_support import start_devnet
from people import Phone, Registrar, Town, Watch
from playwright.sync_api import Browser, sync_playwright
from running_system import RunningSystem, start_system
from sealing_page import SealingSite, serve_sealing
from silent_browser import SILENT, connected, with_camera
from treaty_harness import deploy_harness
from web3 import Web3

from backend.domain.types import Role

CARRIER, PARK = 2, 4


def _require(command: str, package: str) -> str:
    path = shutil.which(command)
    if path is None:
        pytest.fail(
            f"{command} is not there: install Debian's {package} (apt-get install {package}).", pytrace=False
        )
    return path


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSystem]:
    with start_system(tmp_path_factory.mktemp("system")) as running:
        yield running


@pytest.fixture(scope="session")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Camera:
    return Camera(tmp_path_factory.mktemp("camera"), _require("ffmpeg", "ffmpeg"))


@pytest.fixture(scope="session")
def browser(camera: Camera, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    chromium = _require("chromium", "chromium")
    log = tmp_path_factory.mktemp("browser") / "net-log.json"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=[*SILENT, *with_camera(camera.file), f"--log-net-log={log}"]
        )
        yield browser
        browser.close()
    hosts = connected(log)
    assert hosts, "the browser's network log names no connection at all"
    assert all(ipaddress.ip_address(host).is_loopback for host in hosts), f"connections left: {hosts}"


@pytest.fixture(scope="session")
def watch() -> Watch:
    return Watch()


@pytest.fixture(autouse=True)
def nobody_complains(watch: Watch) -> Iterator[None]:
    """After each test: nothing was asked of another machine, and no page wrote an error."""
    yield
    strangers, complaints = watch.strangers(), list(watch.complaints)
    watch.forget()
    assert not strangers, "requests left this machine"
    assert not complaints


@pytest.fixture(scope="session")
def sealing_site(
    browser: Browser, watch: Watch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SealingSite]:
    """The app's sealing modules on a page of their own; needs no running system."""
    with serve_sealing(browser, watch, tmp_path_factory.mktemp("sealing")) as site:
        yield site


@pytest.fixture(scope="session")
def harness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The treaty's functions on a real devnet."""
    devnet = start_devnet(tmp_path_factory.mktemp("devnet"), "--block-period-ms", "20")
    try:
        yield deploy_harness(Web3(Web3.HTTPProvider(devnet.url)))
    finally:
        devnet.stop()


@pytest.fixture(scope="session")
def town(browser: Browser, camera: Camera, system: RunningSystem, watch: Watch) -> Town:
    return Town(browser, camera, system, watch)


@pytest.fixture(scope="session")
def carrier_desk(town: Town) -> Registrar:
    return Registrar(town, CARRIER)


@pytest.fixture(scope="session")
def park_desk(town: Town) -> Registrar:
    return Registrar(town, PARK, "en")


@pytest.fixture(scope="session")
def crew(town: Town, carrier_desk: Registrar) -> Phone:
    phone = Phone(town, "crew")
    carrier_desk.enrol(phone, Role.CREW)
    return phone


@pytest.fixture(scope="session")
def gate(town: Town, park_desk: Registrar) -> Phone:
    phone = Phone(town, "gate")
    park_desk.enrol(phone, Role.GATE)
    return phone
