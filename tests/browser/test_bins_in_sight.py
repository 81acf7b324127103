"""What a crew has just sealed stays in sight, whatever else comes before the camera, and after a reload."""

from __future__ import annotations

from people import PATIENCE, Phone, Town
from playwright.sync_api import expect

from backend.domain.types import Stream


def judge(crew: Phone) -> None:
    crew.tap("grade-1")
    crew.tap("fill-2")
    crew.tap("save-lift")


def test_the_last_lifts_stay_in_sight(town: Town, crew: Phone) -> None:
    crew.start_lot("recyclable")
    crew.wait_sent()
    labels = [town.system.bin_of(Stream.RECYCLABLE, place) for place in (10, 11, 12, 13)]
    crew.tap("scan-open")
    with crew.without_network():
        seqs = []
        for label in labels:
            crew.type_bin(label)
            judge(crew)
            newest = crew.page.locator('[data-testid="lift-saved"]')
            expect(newest).to_contain_text(f"{label.number:010x}"[-4:].upper())
            expect(newest).to_contain_text("7.2 kg")
            expect(newest).to_have_attribute("data-state", "queued")
            seqs.append(int(crew.told("lift-saved", "seq")))
        rows = crew.page.locator(".just-row")
        shown = [int(row.get_attribute("data-seq") or 0) for row in rows.all()]
        assert shown == seqs[:-4:-1]

        town.camera.show_code("https://evil.example/8004/")
        crew.tap("back")
        crew.tap("scan-open")
        crew.seen("scan-foreign")
        expect(crew.find("lift-saved")).to_be_visible()
        crew.picture("just-sealed-and-foreign")
        expect(crew.find("scan-foreign")).to_be_hidden(timeout=PATIENCE)
        expect(rows).to_have_count(3)

        crew.page.reload()
        expect(rows).to_have_count(3, timeout=PATIENCE)
        assert int(crew.told("lift-saved", "seq")) == seqs[-1]

    expect(crew.find("lift-saved")).to_have_attribute("data-state", "accepted", timeout=PATIENCE)
    crew.picture("just-sealed", in_english=True, shows="lift-saved")
    crew.tap("back")
    crew.start_lot("food")
    crew.tap("scan-open")
    crew.seen("scan-video")
    expect(rows).to_have_count(0)
    crew.tap("back")
