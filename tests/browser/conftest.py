"""A real system, a real browser and people in it; started once for all tests of this folder."""

from __future__ import annotations

import ipaddress
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from camera import Camera
from chain_support import start_devnet
from people import Phone, Registrar, Town, Watch
from playwright.sync_api import Browser, sync_playwright
from running_system import RunningSystem, start_system
from sealing_page import SealingSite, serve_sealing
from treaty_harness import deploy_harness
from web3 import Web3

from backend.domain.types import Role

CARRIER, PARK = 2, 4
_SILENT = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
    "--no-pings",
    # Whatever the browser itself would still like to ask finds nobody.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
]


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
    fake = [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={camera.file}",
    ]
    log = tmp_path_factory.mktemp("browser") / "net-log.json"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=[*_SILENT, *fake, f"--log-net-log={log}"]
        )
        yield browser
        browser.close()
    connected = _connected(log)
    assert connected, "the browser's network log names no connection at all"
    assert all(ipaddress.ip_address(host).is_loopback for host in connected), f"connections left: {connected}"


def _connected(log: Path) -> set[str]:
    """The addresses that any part of the browser tried to connect to, from its own network log."""
    lines = log.read_text(encoding="utf-8").splitlines()
    constants = json.loads(lines[0].removesuffix(",") + "}")["constants"]
    attempt = constants["logEventTypes"]["TCP_CONNECT_ATTEMPT"]
    hosts = set()
    for line in lines[2:]:
        if f'"type":{attempt}' not in line:
            continue
        address = json.loads(line.removesuffix(",").removesuffix("]}")).get("params", {}).get("address")
        if address:
            hosts.add(address.rpartition(":")[0].strip("[]"))
    return hosts


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
