"""A crew's shift from the depot to the depot, most of it without a network."""

from __future__ import annotations

from people import PATIENCE, Phone, Registrar, Town
from playwright.sync_api import expect
from test_gate import hand_over

from backend.domain.types import Role, Stream


def lift(crew: Phone, label: object, fill: int) -> None:
    crew.tap("scan-open")
    crew.type_bin(label)  # type: ignore[arg-type]
    crew.tap("grade-1")
    crew.tap(f"fill-{fill}")
    crew.tap("save-lift")
    crew.seen("lift-saved")
    crew.tap("back")


def test_a_shift_is_ended_with_what_was_done_in_it(town: Town, carrier_desk: Registrar) -> None:
    crew = Phone(town, "shift")
    carrier_desk.enrol(crew, Role.CREW)
    crew.seen("readiness")
    expect(crew.find("directory-date")).not_to_have_text("还没有", timeout=PATIENCE)
    expect(crew.find("key-valid")).to_contain_text("有效期至")
    crew.picture("ready", in_english=True, shows="readiness")
    lot = crew.start_lot("residual")
    crew.wait_sent()
    with crew.without_network():
        lift(crew, town.system.bin_of(Stream.RESIDUAL, 30), 4)
        lift(crew, town.system.bin_of(Stream.RESIDUAL, 31), 2)
        crew.tap("scan-open")
        crew.type_bin(town.system.bin_of(Stream.RESIDUAL, 32))
        crew.tap("decline-open")
        crew.tap("decline-overfull")
        crew.tap("decline-save")
        crew.seen("decline-saved")
        crew.tap("back")
        hand_over(crew, lot)
        crew.tap("back")
        crew.start_lot("food")
        lift(crew, town.system.bin_of(Stream.FOOD, 30), 1)

        crew.tap("shift-open")
        expect(crew.find("shift-lifts")).to_have_text("3 桶")
        expect(crew.find("shift-mass-residual")).to_have_text("54 kg")
        expect(crew.find("shift-mass-food")).to_have_text("36 kg")
        expect(crew.find("shift-given")).to_have_text("1")
        expect(crew.find("shift-refusals")).to_have_text("1")
        expect(crew.find("shift-unsent")).to_have_text("6")
        crew.picture("shift", in_english=True, shows="shift-lifts")
        crew.tap("shift-end")
        crew.picture("shift-end-loaded")
        crew.tap("ask-no")
        crew.tap("shift-end")
        crew.tap("ask-yes")
        seq = int(crew.told("shift-ended", "seq"))
        expect(crew.find("shift-unsent")).to_have_text("7")
        crew.picture("shift-ended", in_english=True, shows="shift-ended")
        crew.page.reload()
        expect(crew.find("shift-lifts")).to_have_text("3 桶", timeout=PATIENCE)
    entry = town.system.wait_for(f"/api/v1/entries/{crew.device}/{seq}", outcome="applied")
    assert entry["kind_name"] == "shift_end"
    assert (entry["fields"]["lifts"], entry["fields"]["grams"]) == (3, 90_000)
    crew.tap("shift-begin")
    lift(crew, town.system.bin_of(Stream.FOOD, 31), 2)
    crew.tap("shift-open")
    expect(crew.find("shift-lifts")).to_have_text("1 桶")
    expect(crew.find("shift-mass-food")).to_have_text("72 kg")
    expect(crew.find("shift-given")).to_have_text("0")
    crew.wait_sent()

    crew.tap("back")
    crew.seen("scan-open")
    revoke_and_go_on(carrier_desk, crew, town)
    crew.context.close()


def revoke_and_go_on(desk: Registrar, crew: Phone, town: Town) -> None:
    """The phone is lost: its registrar revokes it, and whoever found it can seal no more with it."""
    crew.context.set_offline(True)
    lift(crew, town.system.bin_of(Stream.FOOD, 32), 1)
    desk.tap(f"registrar-revoke-{crew.device}")
    desk.tap("ask-yes")
    device = desk.find(f"registrar-device-{crew.device}")
    expect(device).to_have_attribute("data-revoked", "true", timeout=PATIENCE)
    desk.picture("revoked")
    town.system.wait_for(f"/api/v1/devices/{crew.device}", revoked=True)
    expect(crew.find("revoked")).to_have_count(0)
    crew.page.reload()
    crew.seen("scan-open")
    crew.tap("scan-open")
    crew.type_bin(town.system.bin_of(Stream.FOOD, 33))
    crew.tap("grade-1")
    crew.tap("fill-1")

    crew.context.set_offline(False)
    crew.seen("revoked")
    crew.picture("revoked-notice")
    before = crew.told("lift-saved", "seq")
    crew.tap("save-lift")
    crew.seen("failure-revoked")
    crew.picture("revoked", in_english=False)
    with crew.page.expect_download() as download:
        crew.tap("failure-rescue")
    assert crew.device in download.value.suggested_filename
    expect(crew.find("lift-saved")).to_have_attribute("data-seq", before)
    crew.wait_sent()
    with crew.page.expect_download():
        crew.tap("revoked-rescue")
