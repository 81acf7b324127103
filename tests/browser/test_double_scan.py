"""One bin, scanned twice within minutes: asked about, and doubled only by whoever says so."""

from __future__ import annotations

from people import Phone, Town
from playwright.sync_api import expect
from running_system import RunningSystem

from backend.domain.types import Stream

_REPEATED = 2
"""A lift's flag (scanner_app/README.md)."""


def _judge(crew: Phone) -> int:
    crew.tap("grade-1")
    crew.tap("fill-2")
    before = crew.find("lift-saved").all()
    seq = before[0].get_attribute("data-seq") if before else "0"
    crew.tap("save-lift")
    expect(crew.find("lift-saved")).not_to_have_attribute("data-seq", seq or "0")
    return int(crew.told("lift-saved", "seq"))


def _flags(system: RunningSystem, device: str, seq: int) -> int:
    entry = system.wait_for(f"/api/v1/entries/{device}/{seq}", outcome="applied")
    return int(entry["fields"]["flags"])


def test_a_bin_scanned_again_is_asked_about_and_doubled_only_on_purpose(town: Town, crew: Phone) -> None:
    label = town.system.bin_of(Stream.RECYCLABLE, 0)
    town.camera.show_label(label, base_url=town.system.url)
    crew.start_lot("recyclable")
    crew.tap("scan-open")
    assert crew.told("bin-found", "bin") == f"{label.number:010x}"
    first = _judge(crew)
    crew.tap("back")
    crew.tap("scan-open")
    crew.seen("warn-repeat")
    crew.picture("scanned-again")
    crew.tap("warn-back")
    expect(crew.find("warn-repeat")).to_have_count(0)
    crew.tap("back")
    expect(crew.find("lot-lifts")).to_have_text("1")

    crew.tap("scan-open")
    crew.seen("warn-repeat")
    crew.tap("warn-continue")
    assert crew.told("bin-found", "bin") == f"{label.number:010x}"
    second = _judge(crew)
    assert second == first + 1
    crew.tap("back")
    expect(crew.find("lot-lifts")).to_have_text("2")
    crew.wait_sent()
    assert _flags(town.system, crew.device, first) & _REPEATED == 0
    assert _flags(town.system, crew.device, second) & _REPEATED == _REPEATED
    town.camera.look_away()
