"""What can go wrong with a phone, and that there is a way on from each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from people import PATIENCE, PHONE, Person, Phone, Town
from playwright.sync_api import expect

from backend.domain.types import Stream
from backend.labels.layout import BinLabel

_LOSE_STORAGE = """
() => new Promise((resolve) => {
  const opening = indexedDB.open("huanlian", 99);
  opening.onupgradeneeded = () => opening.transaction.abort();
  opening.onerror = () => resolve();
})
"""
_WRITE_UNTIL_REFUSED = """
async () => {
  const db = await new Promise((resolve) => {
    const opening = indexedDB.open("scratch", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("writes", {autoIncrement: true});
    opening.onsuccess = () => resolve(opening.result);
  });
  const write = () => new Promise((resolve) => {
    const change = db.transaction("writes", "readwrite");
    change.objectStore("writes").add("x".repeat(100));
    change.oncomplete = () => resolve("written");
    change.onabort = () => resolve(change.error.name);
  });
  while ((await write()) !== "QuotaExceededError") await new Promise((resume) => setTimeout(resume, 500));
  db.close();
}
"""
_UPLOAD_LOCKS = """
navigator.locks.query().then(({held, pending}) =>
  [held, pending].map((all) => all.filter(({name}) => name.startsWith("huanlian-upload")).length))
""".strip()
_NO_STORAGE = """
Object.defineProperty(globalThis, "indexedDB", {
  get() { throw new DOMException("The user denied permission to access the database.", "SecurityError"); },
});
"""


@pytest.fixture
def at_work(town: Town, crew: Phone) -> Phone:
    town.camera.look_away()
    crew.start_lot("residual")
    crew.wait_sent()
    return crew


def open_bin(person: Person, label: BinLabel) -> None:
    person.tap("scan-open")
    person.type_bin(label)
    person.tap("grade-1")
    person.tap("fill-1")


@contextmanager
def full_disk(phone: Phone) -> Iterator[None]:
    """The browser lets this site keep nothing more."""
    session = phone.context.new_cdp_session(phone.page)
    origin = phone.town.system.url
    session.send("Storage.overrideQuotaForOrigin", {"origin": origin, "quotaSize": 1})
    # The browser hands out room in advance, and looks again only after a while.
    phone.page.evaluate(_WRITE_UNTIL_REFUSED)
    try:
        yield
    finally:
        session.send("Storage.overrideQuotaForOrigin", {"origin": origin})
        session.detach()


def test_a_full_phone_seals_nothing_says_so_and_seals_when_there_is_room(town: Town, at_work: Phone) -> None:
    crew = at_work
    open_bin(crew, town.system.bin_of(Stream.RESIDUAL, 10))
    with full_disk(crew):
        crew.tap("save-lift")
        crew.seen("failure-full")
        crew.picture("storage-full")
        crew.tap("failure-again")
        crew.seen("failure-full")
        expect(crew.find("lift-saved")).to_have_count(0)
        expect(crew.find("unsent-count")).to_have_attribute("data-count", "0")
    crew.tap("failure-again")
    crew.seen("lift-saved")
    crew.tap("back")
    crew.wait_sent()


def test_a_closed_storage_is_told_and_a_reload_goes_on(town: Town, at_work: Phone) -> None:
    crew = at_work
    open_bin(crew, town.system.bin_of(Stream.RESIDUAL, 11))
    crew.page.evaluate(_LOSE_STORAGE)
    crew.seen("storage-reload")
    crew.picture("storage-lost")
    crew.tap("save-lift")
    crew.seen("failure-lost")
    crew.tap("failure-reload")
    crew.seen("manual-open")
    expect(crew.find("lift-saved")).to_have_count(0)
    crew.tap("back")
    open_bin(crew, town.system.bin_of(Stream.RESIDUAL, 11))
    crew.tap("save-lift")
    crew.seen("lift-saved")
    crew.tap("back")


def test_a_browser_without_storage_does_not_look_as_if_it_worked(town: Town) -> None:
    page = town.page(PHONE)
    page.add_init_script(_NO_STORAGE)
    page.goto(town.system.url + "/app/")
    visitor = Person(town, "visitor", page)
    visitor.seen("unopened")
    expect(page.get_by_text("无痕")).to_be_visible()
    visitor.picture("unopened")
    visitor.tap("unopened-retry")
    visitor.seen("unopened")
    page.context.close()


def test_without_a_camera_the_number_is_typed_and_the_camera_asked_for_again(town: Town, at_work: Phone) -> None:
    crew = at_work
    with crew.without_camera():
        crew.tap("scan-open")
        crew.seen("camera-denied")
        crew.picture("camera-denied", in_english=True, shows="camera-denied")
        crew.type_bin(town.system.bin_of(Stream.RESIDUAL, 12))
        crew.tap("grade-1")
        crew.tap("fill-1")
        crew.tap("save-lift")
        crew.seen("lift-saved")
        crew.tap("camera-again")
        crew.seen("camera-denied")
        town.camera.show_label(town.system.bin_of(Stream.RESIDUAL, 13), base_url=town.system.url)
    crew.seen("bin-found")
    expect(crew.find("camera-denied")).to_have_count(0)
    crew.tap("bin-close")
    crew.tap("back")


def test_a_wrong_clock_is_told_and_asked_about_once(town: Town, at_work: Phone) -> None:
    at_work.wait_sent()
    page = at_work.context.new_page()
    # Of this tab alone: playwright's own clock would stay with the whole phone.
    page.add_init_script("const right = Date.now; Date.now = () => right() + 5 * 3_600_000;")
    crew = Phone.on(town, "crew", page)
    page.goto(town.system.url + "/app/")
    expect(crew.seen("clock-wrong")).to_have_text("手机时间快了约 5 小时。")
    crew.seen("scan-open")
    crew.picture("clock-notice")
    open_bin(crew, town.system.bin_of(Stream.RESIDUAL, 14))
    crew.tap("save-lift")
    crew.picture("clock-wrong")
    crew.tap("doubt-back")
    expect(crew.find("lift-saved")).to_have_count(0)
    crew.tap("save-lift")
    crew.tap("doubt-continue")
    crew.seen("lift-saved")
    crew.type_bin(town.system.bin_of(Stream.RESIDUAL, 15))
    crew.tap("grade-1")
    crew.tap("fill-1")
    crew.tap("save-lift")
    expect(crew.page.locator(".just-row")).to_have_count(2)
    crew.tap("back")
    page.close()
    at_work.page.reload()
    expect(at_work.find("clock-wrong")).to_have_count(0, timeout=PATIENCE)
    at_work.wait_sent()


def test_one_of_two_tabs_sends_and_the_other_goes_on_when_it_is_closed(town: Town, at_work: Phone) -> None:
    first, page = at_work, at_work.context.new_page()
    second = Phone.on(town, "crew", page)
    page.goto(town.system.url + "/app/")
    second.seen("scan-open")
    locks = _UPLOAD_LOCKS
    page.wait_for_function(f"{locks}.then((counts) => counts.join() === '1,1')")
    open_bin(second, town.system.bin_of(Stream.RESIDUAL, 16))
    second.tap("save-lift")
    second.wait_sent()
    expect(first.find("lot-lifts")).to_have_text("1")
    second.tap("back")
    first.page.goto("about:blank")
    page.wait_for_function(f"{locks}.then((counts) => counts.join() === '1,0')")
    open_bin(second, town.system.bin_of(Stream.RESIDUAL, 17))
    second.tap("save-lift")
    expect(second.find("lift-saved")).to_have_attribute("data-state", "accepted", timeout=PATIENCE)
    page.close()
    first.page.goto(town.system.url + "/app/")
    expect(first.find("lot-lifts")).to_have_text("2", timeout=PATIENCE)
