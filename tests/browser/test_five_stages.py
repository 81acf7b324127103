"""A complaint's five stages in the browser: on time and overdue, with the 12345 hotline and without, proved."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from hotline_server import KEY, Hotline12345, hotline_server
from people import DESK, PATIENCE, PHONE, Town, take_picture
from playwright.sync_api import Page, expect
from running_system import giai
from test_case_acting import CLICKS_MAX, verify
from test_complaint import Clock, look, serve_ahead
from typer.testing import CliRunner

from backend.cli.app import build_app
from backend.cli.places import open_database
from backend.domain.types import Stream
from backend.exchange.hotline import HttpHotline
from backend.jobs.hotline import HotlineJob

CARRIER = "000002"
HOUR, STATEMENTS = 3600, 6
STAGES = ("发现上报", "流转分派", "受理处置", "跟踪督办", "评价结案")


@dataclass
class Clerk:
    """Somebody at a desk of the second server; signs in again where the session is over."""

    page: Page
    address: str
    role: str

    def open(self, case: str) -> None:
        self.page.goto(f"{self.address}/desk/complaints/{case}")
        if "/sign-in" in self.page.url:
            self.page.locator(f'button[value="{self.role}"]').click()
            self.page.wait_for_url(f"{self.address}/desk/complaints/{case}")

    def send(self, button: str = "button.main") -> None:
        with self.page.expect_navigation():
            self.page.locator(f".desk-form {button}").first.click()
        expect(self.page.locator(".form-wrong")).to_have_count(0)


class Story:
    """One complaint from its report to its closing, by the people whose steps they are."""

    def __init__(self, town: Town, address: str, clock: Clock, place: int) -> None:
        self.town, self.address, self.clock = town, address, clock
        self.label = town.system.bin_of(Stream.RESIDUAL, place)
        self.resident = town.page(PHONE, is_phone=True)
        self.city = Clerk(town.page(DESK), address, "city-administrator")
        self.carrier = Clerk(town.page(DESK), address, "dispatcher")
        self.code, self.case = "", ""

    def close(self) -> None:
        for page in (self.resident, self.city.page, self.carrier.page):
            page.context.close()

    def report(self) -> None:
        self.resident.goto(f"{self.address}/8004/{giai(self.label)}")
        self.resident.locator(".branches a", has_text="投诉点评").click()
        self.resident.get_by_text("满溢", exact=True).click()
        self.resident.get_by_label("说明").fill("桶满了")
        self.resident.get_by_role("button", name="提交").click()
        self._filed()

    def telephoned(self) -> None:
        """The hotline hands in what somebody said on the telephone, and reads the code to them."""
        told = {"bin": f"{self.label.number:010x}", "kind": "overflow", "text": "桶满了"}
        answer = httpx.put(
            f"{self.address}/api/v1/hotline/complaints/GZ-{self.label.number:x}",
            json=told,
            headers={"Authorization": f"Bearer {KEY}"},
            timeout=60,
        )
        assert answer.status_code == 200, answer.text
        self.resident.goto(f"{self.address}/complaints")
        self.resident.locator('input[name="code"]').fill(answer.json()["code"])
        self.resident.locator('form[action="/complaints"] button').click()
        self._filed()

    def _filed(self) -> None:
        expect(self.resident.locator(".case-code code")).to_have_text(
            re.compile(r"^([0-9A-Z]{5}-){4}[0-9A-Z]{5}$")
        )
        self.code = self.resident.url.rpartition("/")[2]
        record = self.resident.request.get(f"{self.address}/complaints/{self.code}/record.json").json()
        self.case = record["case"]

    def expect_stage(self, number: int, *, late: bool) -> None:
        """The page shows the five stages by name, which of them is now, and whether it is overdue."""
        self.resident.goto(f"{self.address}/complaints/{self.code}")
        expect(self.resident.locator(".stage b")).to_have_text(list(STAGES))
        now = self.resident.locator('.stage[aria-current="step"]')
        expect(now.locator("b")).to_have_text(STAGES[number - 1])
        expect(self.resident.locator(".case-now.bad")).to_have_count(int(late))
        expect(now.locator(".late-mark")).to_have_count(int(late))

    def let_time_pass(self, hours: int) -> None:
        self.clock.ahead += hours * HOUR

    def assign(self) -> None:
        self.city.open(self.case)
        self.city.page.locator('select[name="to"]').select_option(CARRIER)
        self.city.send()

    def answer(self) -> None:
        self.carrier.open(self.case)
        self.carrier.page.locator('input[name="finding"]').first.check()
        self.carrier.page.locator('input[name="fact"]').first.check()
        self.carrier.page.locator("textarea").fill("已清运")
        self.carrier.send()

    def accept(self) -> None:
        self.city.open(self.case)
        self.city.send()

    def rate(self) -> None:
        self.resident.goto(f"{self.address}/complaints/{self.code}")
        self.resident.get_by_text("★★★★ 满意").click()
        self.resident.get_by_role("button", name="提交评价").click()
        expect(self.resident.locator(".statement", has_text="评价").last).to_contain_text("满意")

    def close_case(self) -> None:
        self.city.open(self.case)
        self.city.send()
        self.resident.goto(f"{self.address}/complaints/{self.code}")
        expect(self.resident.locator(".case-now.good")).to_contain_text("已结案")


def tell(town: Town, hotline: Hotline12345 | None, clock: Clock) -> None:
    """What the server that holds the lease does every few seconds, with the hotline that this town has."""
    if hotline is None:
        return
    client = HttpHotline(hotline.url, KEY)
    with open_database(town.system.data_dir) as database:
        HotlineJob(database, client, clock).run_once()
    client.close()


def prove(town: Town, story: Story, folder: Path) -> None:
    """What the code opens proves every stage: on the page, and with a record, a trust file and a node."""
    page = story.resident
    deadline = time.monotonic() + PATIENCE / 1000
    while True:
        page.goto(f"{town.system.url}/complaints/{story.code}")
        anchored = page.locator(".statement .exact")
        if anchored.count() == STATEMENTS or time.monotonic() > deadline:
            break
        page.wait_for_timeout(500)
    expect(anchored).to_have_count(STATEMENTS)
    for index in range(STATEMENTS):
        expect(anchored.nth(index)).to_have_text(re.compile(r"已锚定，区块 \S+ VALID"))
    record = folder / "complaint.json"
    with page.expect_download() as downloading:
        page.get_by_role("link", name="下载全部记录").click()
    downloading.value.save_as(record)
    trust = str(town.system.data_dir / "trust.json")
    place = ["--trust", trust, "--api", town.system.url, "--rpc", town.system.rpc_url]
    checked = CliRunner().invoke(build_app(), ["complaint", "check", str(record), *place])
    assert checked.exit_code == 0, checked.output
    assert f"{STATEMENTS} statements in order, closed" in checked.output
    assert len(re.findall(r"statement \d: anchored by [0-9a-f]{16}/\d+, VALID", checked.output)) == STATEMENTS
    # Another statement's anchor proves nothing of this one.
    content = json.loads(record.read_text(encoding="utf-8"))
    content["statements"][2]["anchor"] = content["statements"][3]["anchor"]
    record.write_text(json.dumps(content), encoding="utf-8")
    assert type(
        CliRunner().invoke(build_app(), ["complaint", "check", str(record), *place]).exception
    ).__name__ == ("BadRecord")


@pytest.mark.parametrize(
    ("place", "is_overdue", "has_hotline"),
    [(9, False, False), (10, True, False), (11, False, True), (12, True, True)],
    ids=["on time", "overdue", "on time with 12345", "overdue with 12345"],
)
def test_runs_its_stages_and_its_code_proves_them(
    town: Town, tmp_path: Path, place: int, is_overdue: bool, has_hotline: bool
) -> None:
    clock = Clock()
    with hotline_server() as hotline:
        told = hotline if has_hotline else None
        more = {"hotline_url": hotline.url, "hotline_key": KEY} if has_hotline else {}
        with serve_ahead(town, clock, is_demo=True, **more) as address:
            story = Story(town, address, clock, place)
            is_telephoned = has_hotline and not is_overdue
            story.telephoned() if is_telephoned else story.report()
            tell(town, told, clock)
            for number, step in ((2, story.assign), (3, story.answer), (4, story.accept)):
                story.expect_stage(number, late=False)
                if is_overdue:
                    story.let_time_pass(24 * 14)
                    story.expect_stage(number, late=True)
                step()
                tell(town, told, clock)
            story.expect_stage(5, late=False)
            look(
                story.resident, f"stages-{'late' if is_overdue else 'timely'}-{'12345' if has_hotline else 'own'}"
            )
            hotline_line = story.resident.get_by_text(f"GZ-{story.case[:8]}")
            expect(hotline_line).to_have_count(int(has_hotline))
            story.rate()
            story.close_case()
            expect(story.resident.locator(".late-mark")).to_have_count(3 if is_overdue else 0)
            tell(town, told, clock)
    stages = [each["stage"] for each in hotline.heard if each["case"] == story.case]
    # What the hotline has told us itself it need not hear.
    wanted = ["assign"] if has_hotline and not is_telephoned else []
    assert stages == ([*wanted, "handle", "supervise", "close", "close"] if has_hotline else [])
    if has_hotline:
        assert all("text" not in each for each in hotline.heard)
        assert hotline.heard[-1]["closed_at"] is not None
    prove(town, story, tmp_path)
    story.close()


def test_a_red_line_of_a_desk_leads_to_a_valid_bundle(town: Town, tmp_path: Path) -> None:
    """From an overdue complaint to the sealed anchor of what was said: open the case, verify, download."""
    clock = Clock()
    with serve_ahead(town, clock, is_demo=True) as address:
        story = Story(town, address, clock, 13)
        story.report()
        story.let_time_pass(24 * 14)
        for role, way in (("city-administrator", "desk"), ("regulator", "bin")):
            page = Clerk(town.page(DESK), address, role).page
            start = "/desk/complaints" if way == "desk" else f"/bins/{story.label.number:010x}/oversight"
            page.goto(f"{address}/sign-in?next={start}")
            page.locator(f'button[value="{role}"]').click()
            page.wait_for_url(f"{address}{start}")
            red = page.locator(
                ".case-line.late", has=page.locator(f'[href*="{story.case}"], :text("{story.case}")')
            )
            link = 'a.button[href^="/desk/complaints/"]' if way == "desk" else 'a.button[href^="/verify/"]'
            deadline = time.monotonic() + PATIENCE / 1000
            while way == "bin" and red.locator(link).count() == 0:
                assert time.monotonic() < deadline, "the statement was not anchored"
                page.wait_for_timeout(500)
                page.reload()
            take_picture(page, f"red-complaint-{way}", "zh", full=True)
            clicks = 1
            red.locator(link).first.click()
            if way == "desk":
                clicks += 1
                page.locator('.statement a.button[href^="/verify/"]').first.click()
            bundle = tmp_path / f"{way}.json"
            with page.expect_download() as downloading:
                clicks += 1
                page.locator('a[download="bundle.json"]').click()
            downloading.value.save_as(bundle)
            assert clicks <= CLICKS_MAX
            verify(town, bundle)
            page.context.close()
        story.close()
