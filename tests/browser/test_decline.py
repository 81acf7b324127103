"""A crew does not collect a bin: why, with a photo, and the server keeps the reason but never the photo."""

from __future__ import annotations

import hashlib
import io
import json
from typing import Any

import pytest
from people import PATIENCE, Phone, Town
from PIL import Image
from playwright.sync_api import expect

from backend.cli.places import open_database
from backend.domain.types import Stream
from backend.labels.layout import BinLabel

_PHOTOS = """
async () => {
  const db = await new Promise((resolve, reject) => {
    const opening = indexedDB.open("huanlian");
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
  const photos = await new Promise((resolve, reject) => {
    const reading = db.transaction("photos").objectStore("photos").getAll();
    reading.onsuccess = () => resolve(reading.result);
    reading.onerror = () => reject(reading.error);
  });
  db.close();
  return photos.map(({seq, bytes}) => ({seq, bytes: Array.from(bytes)}));
}
"""


def photos_of(phone: Phone) -> dict[int, bytes]:
    return {int(each["seq"]): bytes(each["bytes"]) for each in phone.page.evaluate(_PHOTOS)}


def refuse(crew: Phone, label: BinLabel, reason: str) -> None:
    crew.tap("scan-open")
    crew.type_bin(label)
    crew.picture("bin-found-refusable")
    crew.tap("decline-open")
    crew.tap(f"decline-{reason}")


def evidence_of(town: Town, device: str, seq: int) -> dict[str, Any]:
    with open_database(town.system.data_dir) as database, database.transaction(writes=False) as connection:
        query = "SELECT document FROM evidence WHERE device = ? AND seq = ?"
        [[document]] = connection.exec_driver_sql(query, (device, seq)).all()
    found: dict[str, Any] = json.loads(document)
    return found


@pytest.fixture
def crew_at_work(town: Town, crew: Phone) -> Phone:
    town.camera.look_away()
    crew.start_lot("residual")
    crew.wait_sent()
    return crew


def test_a_mixed_bin_is_refused_with_a_photo_and_no_network(town: Town, crew_at_work: Phone) -> None:
    crew, label = crew_at_work, town.system.bin_of(Stream.RESIDUAL, 20)
    town.camera.show_label(label, base_url=town.system.url)
    with crew.without_network():
        crew.tap("scan-open")
        crew.seen("bin-found")
        crew.page.evaluate("window.taps = 0; addEventListener('click', () => { window.taps += 1; }, true)")
        crew.tap("decline-open")
        crew.picture("decline")
        crew.tap("decline-mixed")
        crew.tap("photo-open")
        crew.picture("photo-aim")
        crew.tap("photo-take")
        crew.seen("photo-taken")
        crew.picture("decline-with-photo")
        crew.tap("decline-save")
        seq = int(crew.told("decline-saved", "seq"))
        assert crew.page.evaluate("window.taps") <= 5
        expect(crew.find("lift-saved")).to_have_count(0)
        crew.picture("declined")
        crew.tap("back")
    entry = town.system.wait_for(f"/api/v1/entries/{crew.device}/{seq}", outcome="applied")
    assert (entry["kind_name"], entry["fields"]["reason"]) == ("decline", 1)
    photo = photos_of(crew)[seq]
    picture = Image.open(io.BytesIO(photo))
    assert picture.format == "JPEG"
    assert max(picture.size) <= 1024
    document = evidence_of(town, crew.device, seq)
    assert document["photo"] == {
        "sha256": hashlib.sha256(photo).hexdigest(),
        "type": "image/jpeg",
        "bytes": len(photo),
    }
    assert document["reason"] == "mixed"


def test_a_photo_of_the_phones_own_camera_loses_place_and_time(town: Town, crew_at_work: Phone) -> None:
    crew = crew_at_work
    taken = Image.effect_noise((2400, 1600), 60).convert("RGB")
    exif = taken.getexif()
    exif[0x0110] = "A phone of this model"
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (23.0, 7.0, 45.0)
    file = io.BytesIO()
    taken.save(file, "JPEG", exif=exif)
    assert b"A phone of this model" in file.getvalue()

    with crew.without_camera():
        refuse(crew, town.system.bin_of(Stream.RESIDUAL, 21), "bulky-item")
        photo = {"name": "IMG_0001.jpg", "mimeType": "image/jpeg", "buffer": file.getvalue()}
        # There is no picture to aim in, so the phone's own camera is asked.
        with crew.page.expect_file_chooser() as asked:
            crew.tap("photo-open")
        asked.value.set_files([photo])  # type: ignore[list-item]
        crew.seen("photo-taken")
        not_a_photo = {"name": "x.jpg", "mimeType": "image/jpeg", "buffer": b"not a picture"}
        crew.find("photo-file").set_input_files([not_a_photo])  # type: ignore[list-item]
        expect(crew.page.get_by_text("这张照片读不出来")).to_be_visible(timeout=PATIENCE)
        crew.tap("decline-save")
        seq = int(crew.told("decline-saved", "seq"))
        crew.tap("back")
    kept = photos_of(crew)[seq]
    assert not Image.open(io.BytesIO(kept)).getexif()
    assert b"Exif" not in kept
    assert b"A phone" not in kept
    assert Image.open(io.BytesIO(kept)).size == (1024, 683)


def test_a_refusal_without_a_photo_still_has_evidence(town: Town, crew_at_work: Phone) -> None:
    crew = crew_at_work
    refuse(crew, town.system.bin_of(Stream.RESIDUAL, 22), "bin-not-reachable")
    crew.tap("decline-save")
    seq = int(crew.told("decline-saved", "seq"))
    crew.tap("back")
    town.system.wait_for(f"/api/v1/entries/{crew.device}/{seq}", outcome="applied")
    document = evidence_of(town, crew.device, seq)
    assert (document["about"], document["reason"]) == ("decline", "bin-not-reachable")
    assert "photo" not in document
    crew.tap("history-open")
    row = crew.page.locator(f'li[data-seq="{seq}"]')
    expect(row).to_contain_text("拒绝收运 · 无法到达")
    crew.picture("history-with-refusal", in_english=True)
    crew.tap("back")


def test_a_lift_carries_a_photo_where_somebody_took_one(town: Town, crew_at_work: Phone) -> None:
    crew = crew_at_work
    crew.tap("scan-open")
    crew.type_bin(town.system.bin_of(Stream.RESIDUAL, 24))
    crew.tap("grade-3")
    crew.tap("fill-2")
    crew.page.wait_for_function("document.querySelector('video').readyState >= 2")
    crew.tap("photo-open")
    crew.tap("photo-take")
    crew.seen("photo-taken")
    # The bin was judged before the picture was taken, and still is.
    expect(crew.find("grade-3")).to_have_attribute("aria-checked", "true")
    crew.picture("lift-with-photo")
    crew.tap("save-lift")
    seq = int(crew.told("lift-saved", "seq"))
    crew.tap("back")
    entry = town.system.wait_for(f"/api/v1/entries/{crew.device}/{seq}", outcome="applied")
    assert entry["kind_name"] == "lift"
    photo = photos_of(crew)[seq]
    assert Image.open(io.BytesIO(photo)).format == "JPEG"
    assert evidence_of(town, crew.device, seq)["photo"] == {
        "sha256": hashlib.sha256(photo).hexdigest(),
        "type": "image/jpeg",
        "bytes": len(photo),
    }
