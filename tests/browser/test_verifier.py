"""The verifier is one file: opened from a folder, with no server and no network, in a real Chromium."""

from __future__ import annotations

import base64
import json
import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from people import DESK, PHONE, overflow_of, take_picture
from playwright.sync_api import Browser, Page, expect
from running_system import ROOT, RunningSystem

from backend.chain.client import Rpc
from backend.domain.proof import Verdict
from backend.domain.set_facts import date_of
from backend.domain.types import Stream
from backend.jobs.witness import RpcWitness
from backend.usecases.trust import trust_of
from backend.usecases.verify_set import verify_file

_CHANGES = 40


@dataclass
class Stranger:
    """Somebody with three files from the city, and a browser that writes down whatever it asks for."""

    page: Page
    folder: Path
    asked: list[str]

    def choose(self, what: str, name: str) -> None:
        self.page.set_input_files(f"#{what}-file", self.folder / name)

    def verdict(self) -> str:
        return self.page.get_by_test_id("verdict").inner_text()

    def ask(self, url: str) -> None:
        self.page.fill("#node", url)
        self.page.locator("#node-form button").click()

    def says(self, verdict: str) -> None:
        expect(self.page.get_by_test_id("verdict").locator("code")).to_have_text(verdict)

    def drop(self, *names: str) -> None:
        files = [[name, base64.b64encode((self.folder / name).read_bytes()).decode()] for name in names]
        self.page.evaluate(
            """files => {
                const given = new DataTransfer();
                for (const [name, content] of files) {
                    const bytes = Uint8Array.from(atob(content), (each) => each.charCodeAt(0));
                    given.items.add(new File([bytes], name));
                }
                const options = { dataTransfer: given, bubbles: true, cancelable: true };
                document.dispatchEvent(new DragEvent("drop", options));
            }""",
            files,
        )


@pytest.fixture(scope="module")
def folder(system: RunningSystem, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the city's server gave away while it was there."""
    made = tmp_path_factory.mktemp("stranger")
    page = httpx.get(f"{system.url}/verifier.html")
    assert page.headers["content-disposition"].startswith("attachment")
    (made / "verifier.html").write_bytes(page.content)
    (made / "trust.json").write_bytes(httpx.get(f"{system.url}/trust.json").content)
    number = f"{system.bin_of(Stream.FOOD, 3).number:010x}"
    entry = system.get(f"/api/v1/bins/{number}/trace")["lifts"][0]["entry"]
    answer = httpx.get(f"{system.url}/api/v1/entries/{entry['device']}/{entry['seq']}/bundle", timeout=30)
    assert answer.is_success
    (made / "bundle.json").write_bytes(answer.content)
    lot = system.get(f"/api/v1/bins/{number}/trace")["lifts"][0]["lot"]
    journey = httpx.get(f"{system.url}/api/v1/lots/{lot}/bundle", timeout=60)
    assert journey.is_success, journey.text
    (made / "journey.json").write_bytes(journey.content)
    changed = bytearray(answer.content)
    at = answer.content.rindex(b'"prev_head":"') + 20
    changed[at] = ord("0") if changed[at] != ord("0") else ord("1")
    (made / "changed.json").write_bytes(changed)
    return made


@contextmanager
def stranger(
    browser: Browser, folder: Path, *, size: tuple[int, int] = DESK, language: str = "zh-CN", **more: Any
) -> Iterator[Stranger]:
    width, height = size
    context = browser.new_context(viewport={"width": width, "height": height}, locale=language, **more)
    asked: list[str] = []
    complaints: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    context.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page = context.new_page()
    page.goto((folder / "verifier.html").as_uri())
    yield Stranger(page, folder, asked)
    context.close()
    assert not complaints


class TestWithoutANetwork:
    def test_a_bundle_is_consistent_and_its_hashes_are_shown(self, browser: Browser, folder: Path) -> None:
        with stranger(browser, folder, offline=True) as someone:
            someone.choose("trust", "trust.json")
            someone.choose("bundle", "bundle.json")
            someone.says("CONSISTENT, BLOCK NOT CHECKED")
            bundle = json.loads((folder / "bundle.json").read_bytes())
            hashes = someone.page.locator(".hashes").inner_text()
            assert bundle["recorded"]["block_hash"] in hashes
            assert bundle["named"]["block_hash"] in hashes
            assert "单一出块方" in someone.page.locator("#result").inner_text()
            assert "收运 lift" in someone.page.locator("#result").inner_text()
            assert someone.asked == [(folder / "verifier.html").as_uri()]

    def test_files_can_be_dropped(self, browser: Browser, folder: Path) -> None:
        with stranger(browser, folder, offline=True, language="en-GB") as someone:
            someone.drop("bundle.json", "trust.json")
            someone.says("CONSISTENT, BLOCK NOT CHECKED")
            someone.drop("changed.json")
            someone.says("INVALID (step 4)")
            assert "sealed by an enrolled device" in someone.page.locator("#result").inner_text()
            expect(someone.page.get_by_test_id("step-4")).to_have_class("no")
            expect(someone.page.get_by_test_id("step-5")).to_have_count(0)

    def test_blocks_that_the_trust_file_names_make_it_valid(self, browser: Browser, folder: Path) -> None:
        trust = json.loads((folder / "trust.json").read_bytes())
        with stranger(browser, folder, offline=True) as someone:
            someone.drop("trust.json", "bundle.json")
            someone.says("CONSISTENT, BLOCK NOT CHECKED")
            shown = someone.page.locator(".hashes li").all_inner_texts()
            known = [{"number": int(line.split()[1]), "hash": line.split()[2]} for line in shown]
            (folder / "known.json").write_text(json.dumps({**trust, "checkpoints": known}))
            someone.choose("trust", "known.json")
            someone.says("VALID")

    def test_no_changed_byte_passes(self, browser: Browser, folder: Path) -> None:
        rng, data = random.Random(8), (folder / "bundle.json").read_bytes()
        with stranger(browser, folder, offline=True) as someone:
            someone.choose("trust", "trust.json")
            for number in range(_CHANGES):
                changed = bytearray(data)
                changed[rng.randrange(len(data))] ^= rng.randrange(1, 256)
                name = f"changed-{number}.json"
                (folder / name).write_bytes(changed)
                someone.choose("bundle", name)
                expect(someone.page.locator("#bundle-name")).to_have_text(name)
                expect(someone.page.get_by_test_id("verdict").locator("code")).to_contain_text("INVALID (step ")

    def test_what_is_no_trust_file_is_said_to_be_none(self, browser: Browser, folder: Path) -> None:
        with stranger(browser, folder, offline=True) as someone:
            someone.choose("trust", "bundle.json")
            expect(someone.page.locator("#trust-content")).to_contain_text("这不是信任文件")


class TestWithANode:
    def test_a_bundle_is_valid(self, browser: Browser, folder: Path, system: RunningSystem) -> None:
        with stranger(browser, folder) as someone:
            someone.drop("trust.json", "bundle.json")
            someone.says("CONSISTENT, BLOCK NOT CHECKED")
            someone.ask(system.rpc_url)
            someone.says("VALID")
            expect(someone.page.locator(".steps li.yes")).to_have_count(9)
            own = (folder / "verifier.html").as_uri()
            assert {url.rstrip("/") for url in someone.asked} == {own, system.rpc_url}

    def test_a_whole_journey_is_valid_and_told(
        self, browser: Browser, folder: Path, system: RunningSystem
    ) -> None:
        with stranger(browser, folder) as someone:
            someone.drop("trust.json", "journey.json")
            someone.says("CONSISTENT, BLOCK NOT CHECKED")
            someone.ask(system.rpc_url)
            someone.says("VALID")
            lines = someone.page.locator(".lines").inner_text()
            assert "none left out" in lines
            assert "take lot" in lines
            take_picture(someone.page, "verifier-journey", "zh", full=True)

    def test_a_node_of_another_chain_makes_it_invalid(
        self, browser: Browser, folder: Path, system: RunningSystem
    ) -> None:
        trust = json.loads((folder / "trust.json").read_bytes())
        (folder / "other.json").write_text(json.dumps({**trust, "genesis_hash": "0x" + "ab" * 32}))
        with stranger(browser, folder) as someone:
            someone.drop("other.json", "bundle.json")
            someone.says("CONSISTENT, BLOCK NOT CHECKED")
            someone.ask(system.rpc_url)
            someone.says("INVALID (step 8)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("language", ["zh-CN", "en-GB"])
def test_looks_right(
    browser: Browser, folder: Path, system: RunningSystem, language: str, size: tuple[int, int], scheme: str
) -> None:
    with stranger(browser, folder, size=size, language=language, color_scheme=scheme) as someone:
        page, short = someone.page, language[:2]
        assert page.locator("html").get_attribute("lang") == {"zh": "zh-Hans", "en": "en"}[short]
        take_picture(page, f"verifier-{scheme}-empty", short, full=True)
        someone.drop("trust.json", "bundle.json")
        someone.says("CONSISTENT, BLOCK NOT CHECKED")
        take_picture(page, f"verifier-{scheme}-consistent", short, full=True)
        someone.ask(system.rpc_url)
        someone.says("VALID")
        take_picture(page, f"verifier-{scheme}-valid", short, full=True)
        someone.drop("changed.json")
        someone.says("INVALID (step 4)")
        take_picture(page, f"verifier-{scheme}-invalid", short, full=True)
        assert overflow_of(page) <= 0
        page.locator("#language").click()
        assert page.locator("html").get_attribute("lang") == {"zh": "en", "en": "zh-Hans"}[short]


def test_the_page_served_is_the_page_built(folder: Path, system: RunningSystem) -> None:
    built = (ROOT / "scanner_app" / "dist" / "verify.html").read_bytes()
    assert (folder / "verifier.html").read_bytes() == built
    assert b"src=" not in built.replace(b'src="data:', b"")
    assert shutil.which("chromium")


def test_every_lot_and_every_site_of_the_demo_is_proved(folder: Path, system: RunningSystem) -> None:
    trust = trust_of(json.loads((folder / "trust.json").read_bytes()))
    lots = [lot["lot"] for lot in system.get("/api/v1/lots?limit=200")["lots"]]
    addresses = {f"lots/{lot}/bundle" for lot in lots}
    for lot in lots:
        for step in system.get(f"/api/v1/lots/{lot}/trace")["steps"]:
            entry = step["entry"]
            if int(entry["fields"].get("site", "0"), 16) and entry["kind_name"] in ("take", "close", "transform"):
                date = date_of(int(datetime.fromisoformat(entry["recorded_at"]).timestamp()))
                addresses.add(f"sites/{entry['fields']['site']}/days/{date}/bundle")
    with Rpc(system.rpc_url) as rpc:
        witness = RpcWitness(rpc)
        for address in sorted(addresses):
            answer = httpx.get(f"{system.url}/api/v1/{address}", timeout=60)
            assert answer.status_code == 200, (address, answer.text)
            report = verify_file(answer.content, trust=trust, witness=witness)
            assert report.verdict == Verdict.VALID, (address, report.failed)
            assert report.facts
    print(f"\n{len(addresses)} sets: {sum(a.startswith('sites') for a in addresses)} days of sites")
