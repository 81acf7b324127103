"""A phone that cannot send: another reads its journal off its screen, or is given its file, and hands it in."""

from __future__ import annotations

from pathlib import Path

from people import PATIENCE, Phone, Town
from playwright.sync_api import expect
from test_gate import hand_over, lift_by_hand

from backend.domain.types import Stream

_BINS = 5


def codes_of(phone: Phone) -> list[bytes]:
    """Every code of the run as this phone's screen shows it."""
    code, count = phone.find("rescue-qr").locator("svg"), phone.seen("rescue-count")
    of = int(phone.told("rescue-count", "of"))
    pictures = []
    for _ in range(of):
        if of > 1:
            # Also holds the run: nothing follows by itself any more.
            phone.tap("rescue-next")
        expect(code).to_be_visible(timeout=PATIENCE)
        pictures.append((phone.told("rescue-count", "at"), phone.find("rescue-qr").screenshot()))
    assert len({at for at, _ in pictures}) == of, count.inner_text()
    return [picture for _, picture in pictures]


def test_a_journal_is_handed_in_off_the_screen_of_a_phone_without_network(
    town: Town, crew: Phone, gate: Phone
) -> None:
    lot = crew.start_lot("residual")
    crew.wait_sent()
    with crew.without_network():
        for place in range(30, 30 + _BINS):
            lift_by_hand(crew, town.system.bin_of(Stream.RESIDUAL, place), fill=2)
        hand_over(crew, lot)
        crew.page.evaluate("location.hash = '#/history'")
        crew.seen("rescue-codes")
        crew.tap("rescue-codes")
        crew.seen("rescue-qr")
        crew.picture("rescue-codes", in_english=True, shows="rescue-qr")
        pictures = codes_of(crew)
        assert len(pictures) > 1
        town.camera.show_screens(pictures)
        gate.page.evaluate("location.hash = '#/relay'")
        handed_in = gate.seen("rescue-handed-in")
        expect(handed_in).to_have_attribute("data-device", crew.device)
        expect(handed_in).to_have_attribute("data-entries", str(_BINS + 1))
        gate.picture("rescue-handed-in")
        given = town.system.wait_for(f"/api/v1/lots/{lot}", status=2)
        assert given["lifts"] == _BINS
    # The phone itself finds that the server has it all, and sends nothing twice.
    crew.wait_sent()
    town.camera.look_away()
    accepted = town.system.get(f"/api/v1/devices/{crew.device}")["accepted"]["seq"]
    crew.page.evaluate("location.hash = '#/history'")
    crew.tap("rescue-codes")
    expect(crew.page.locator(".empty")).to_be_visible(timeout=PATIENCE)
    assert town.system.get(f"/api/v1/lots/{lot}")["lifts"] == _BINS
    assert accepted == town.system.get(f"/api/v1/devices/{crew.device}")["accepted"]["seq"]
    gate.tap("back")


def test_a_rescue_file_is_handed_in_with_its_evidence(
    town: Town, crew: Phone, gate: Phone, tmp_path: Path
) -> None:
    lot = crew.start_lot("residual")
    crew.wait_sent()
    with crew.without_network():
        lift_by_hand(crew, town.system.bin_of(Stream.RESIDUAL, 36), fill=2)
        crew.page.evaluate("location.hash = '#/history'")
        with crew.page.expect_download() as saving:
            crew.tap("rescue")
        file = tmp_path / saving.value.suggested_filename
        saving.value.save_as(file)
        gate.page.evaluate("location.hash = '#/relay'")
        chosen = gate.find("rescue-file")
        wrong = tmp_path / "other.json"
        wrong.write_text("{}")
        chosen.set_input_files(wrong)
        gate.seen("rescue-not-file")
        chosen.set_input_files(file)
        assert gate.told("rescue-handed-in", "device") == crew.device
        town.system.wait_for(f"/api/v1/lots/{lot}", lifts=1)
    crew.wait_sent()
    gate.tap("back")


def test_codes_that_were_read_wait_for_the_network(town: Town, crew: Phone, gate: Phone) -> None:
    lot = crew.start_lot("residual")
    crew.wait_sent()
    with crew.without_network(), gate.without_network():
        lift_by_hand(crew, town.system.bin_of(Stream.RESIDUAL, 37), fill=2)
        crew.page.evaluate("location.hash = '#/codes'")
        town.camera.show_screens(codes_of(crew))
        gate.page.evaluate("location.hash = '#/relay'")
        gate.seen("rescue-unreachable")
        gate.picture("rescue-unreachable")
        gate.context.set_offline(False)
        gate.tap("rescue-retry")
        gate.seen("rescue-handed-in")
        town.system.wait_for(f"/api/v1/lots/{lot}", lifts=1)
    town.camera.look_away()
    gate.tap("back")
