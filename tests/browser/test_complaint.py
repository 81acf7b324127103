"""A resident complains on a phone, the organisations handle it, it runs over, it is anchored, and it is rated."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from click.testing import Result
from people import DESK, PHONE, Town, overflow_of, take_picture
from PIL import Image
from playwright.sync_api import Page, expect
from running_system import free_ports, giai
from typer.testing import CliRunner

from backend.cli.app import build_app
from backend.domain.types import Stream
from backend.main import create_app
from backend.settings import Settings

CITY, CARRIER = 1, 2
HOUR = 3600


@dataclass
class Clock:
    """This machine's time, and so many seconds ahead of it."""

    ahead: int = 0

    def __call__(self) -> int:
        return int(time.time()) + self.ahead


@contextmanager
def serve_ahead(town: Town, clock: Clock, **more: Any) -> Iterator[str]:
    """A second server on the town's database and chain whose clock can be moved; `more` are its settings."""
    (port,) = free_ports(1)
    settings = Settings(data_dir=town.system.data_dir, rpc_urls=town.system.rpc_url, **more)
    config = uvicorn.Config(create_app(settings, now=clock), port=port, log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    address = f"http://localhost:{port}"
    while True:
        assert thread.is_alive(), "the second server ended by itself"
        try:
            if httpx.get(f"{address}/health", timeout=5).is_success:
                break
        except httpx.HTTPError:
            time.sleep(0.2)
    try:
        yield address
    finally:
        server.should_exit = True
        thread.join(30)


@dataclass
class Office:
    """The operator of an organisation at the command line."""

    town: Town

    def run(self, *command: str) -> Result:
        place = ["--data-dir", str(self.town.system.data_dir)]
        return CliRunner().invoke(build_app(), ["complaint", *command, *place])

    def step(self, name: str, case: str, organisation: int, *options: str) -> str:
        steps = ["--organisation", str(organisation), "--api", self.town.system.url, "--patience-seconds", "60"]
        result = self.run(name, case, *steps, *options)
        assert result.exit_code == 0, result.output
        assert "anchored" in result.output
        assert "not anchored" not in result.output
        return result.output


def look(page: Page, name: str) -> None:
    """Keep pictures of a page on a phone and on a desk, in both languages."""
    for language in ("en", "zh"):
        page.goto(f"{page.url.split('?')[0]}?lang={language}")
        for size in (DESK, PHONE):
            page.set_viewport_size({"width": size[0], "height": size[1]})
            assert overflow_of(page) <= 0, f"{name} is wider than {size[0]} pixels in {language}"
            take_picture(page, f"complaint-{name}", language, full=True)


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("photo") / "bin.jpg"
    exif = Image.Exif()
    exif[0x010F] = "PhoneOfSomebody"
    Image.new("RGB", (3000, 4000), (90, 120, 90)).save(file, exif=exif)
    return file


def test_a_complaint_from_the_bins_code_to_its_rating(town: Town, photo: Path) -> None:
    label = town.system.bin_of(Stream.RESIDUAL, 7)
    resident = town.page(PHONE, is_phone=True)
    resident.goto(f"{town.system.url}/8004/{giai(label)}")
    look(resident, "code")
    resident.locator(".branches a", has_text="投诉点评").click()
    expect(resident.get_by_role("heading", level=1)).to_have_text("投诉这个桶")
    look(resident, "form")
    resident.get_by_text("满溢", exact=True).click()
    resident.get_by_label("说明").fill("桶满了，<b>垃圾</b>堆在地上。")
    resident.get_by_label("照片").set_input_files(photo)
    resident.get_by_role("button", name="提交").click()

    expect(resident.locator(".case-code code")).to_have_text(re.compile(r"^([0-9A-Z]{5}-){4}[0-9A-Z]{5}$"))
    case_page = resident.url
    expect(resident.locator(".their-words")).to_have_text("桶满了，<b>垃圾</b>堆在地上。")
    picture = resident.locator(".their-photo")
    picture.scroll_into_view_if_needed()
    expect(picture).to_have_js_property("naturalHeight", 1280)
    expect(resident.locator("#facts ~ .lifts .lift").first).to_be_visible()
    look(resident, "filed")

    office = Office(town)
    listed = office.run("list", "--organisation", str(CITY))
    case = next(line.split()[0] for line in listed.output.splitlines() if f"bin {label.number:010x}" in line)
    office.step("assign", case, CITY, "--to", str(CARRIER))
    shown = office.run("show", case)
    assert "桶满了" in shown.output

    clock = Clock()
    with serve_ahead(town, clock) as ahead:
        code = case_page.rpartition("/")[2]
        resident.goto(f"{ahead}/complaints/{code}")
        expect(resident.locator(".case-now.bad")).to_have_count(0)
        clock.ahead = 30 * HOUR
        resident.reload()
        expect(resident.locator(".case-now.bad")).to_contain_text("已超期")
        expect(resident.locator(".stage.now.late .late-mark")).to_contain_text("超期")
        look(resident, "overdue")
        resident.goto(f"{ahead}/complaints")
        expect(resident.locator(".figures .bad dd")).to_have_text("1")
        look(resident, "counts")

    trace = town.system.get(f"/api/v1/bins/{label.number:010x}/trace")
    entry = trace["lifts"][0]["entry"]
    fact = f"{entry['device']}/{entry['seq']}"
    office.step("answer", case, CARRIER, "--finding", "settled", "--fact", fact, "--text", "已清运，并加派一班。")
    office.step("supervise", case, CITY, "--accept")

    refused = office.run("close", case, "--organisation", str(CITY))
    assert type(refused.exception).__name__ == "RatingAwaited"

    resident.goto(case_page)
    expect(resident.get_by_text("已清运，并加派一班。")).to_be_visible()
    expect(resident.locator(f'.statement a[href="/verify/{fact}"]')).to_be_visible()
    look(resident, "answered")
    resident.get_by_text("★★★★ 满意").click()
    resident.get_by_role("button", name="提交评价").click()
    expect(resident.locator(".statement", has_text="评价").last).to_contain_text("满意")
    output = office.step("close", case, CITY)
    assert "closed" in output

    # Every statement is anchored, the resident's too, and verifies as any entry does.
    for _ in range(120):
        resident.goto(case_page)
        if resident.locator(".statement .exact").count() == 6:
            break
        time.sleep(0.5)
    anchored = resident.locator(".statement .exact")
    expect(anchored).to_have_count(6)
    for index in range(6):
        expect(anchored.nth(index)).to_have_text(re.compile(r"已锚定，区块 \S+ VALID"))
    expect(resident.locator(".case-now.good")).to_contain_text("已结案")
    look(resident, "closed")

    with resident.expect_download() as download:
        resident.get_by_role("link", name="下载全部记录").click()
    checked = CliRunner().invoke(build_app(), ["complaint", "check", str(download.value.path())])
    assert checked.exit_code == 0, checked.output
    assert "6 statements in order, closed" in checked.output
    resident.context.close()


def test_a_pick_up_is_asked_for_and_withdrawn(town: Town) -> None:
    label = town.system.bin_of(Stream.RECYCLABLE, 3)
    resident = town.page(PHONE, is_phone=True)
    resident.goto(f"{town.system.url}/8004/{giai(label)}")
    resident.get_by_role("link", name="预约上门收运").click()
    look(resident, "pickup")
    day = resident.locator('input[name="wanted"]')
    wanted = day.get_attribute("max")
    assert wanted is not None
    day.fill(wanted)
    resident.get_by_label("有哪些、多少").fill("旧沙发一张")
    resident.get_by_role("button", name="提交").click()
    expect(resident.locator(".lead")).to_contain_text(wanted)
    resident.get_by_role("button", name="撤回本案").click()
    expect(resident.locator(".case-now.good")).to_contain_text("已撤回")
    look(resident, "withdrawn")
    resident.context.close()


def test_a_bins_page_is_light(town: Town) -> None:
    page = town.page(PHONE, is_phone=True)
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    transferred: list[float] = []
    session.on("Network.loadingFinished", lambda event: transferred.append(event["encodedDataLength"]))
    page.goto(f"{town.system.url}/8004/{giai(town.system.bin_of(Stream.FOOD, 8))}")
    page.wait_for_load_state("networkidle")
    assert len(transferred) >= 3
    assert sum(transferred) <= 60_000, transferred
    page.context.close()
