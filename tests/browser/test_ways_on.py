"""What can go wrong with a phone, and that there is a way on from each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from people import PATIENCE, PHONE, Person, Phone, Town
from playwright.sync_api import expect

from backend.domain.types import Role, Stream
from backend.labels.layout import BinLabel

CARRIER, PARK = 2, 4
LOSE_STORAGE = """
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
    open_bin_by_number(person, label)


def open_bin_by_number(person: Person, label: BinLabel) -> None:
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
    crew.page.evaluate(LOSE_STORAGE)
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


_NO_READER = """
const Real = Worker;
globalThis.Worker = class extends Real {
  constructor(url, options) { super(globalThis.readerIsBack ? url : "/app/no-such-worker.js", options); }
};
"""


def test_a_reader_that_does_not_start_is_told_and_the_number_is_typed(town: Town, at_work: Phone) -> None:
    page = at_work.context.new_page()
    page.add_init_script(_NO_READER)
    crew = Phone.on(town, "crew", page)
    page.goto(town.system.url + "/app/")
    town.camera.show_label(town.system.bin_of(Stream.RESIDUAL, 35), base_url=town.system.url)
    crew.tap("scan-open")
    crew.seen("reader-failed")
    crew.picture("reader-failed", in_english=True, shows="reader-failed")
    open_bin_by_number(crew, town.system.bin_of(Stream.RESIDUAL, 33))
    crew.tap("save-lift")
    crew.seen("lift-saved")
    page.evaluate("globalThis.readerIsBack = true")
    crew.tap("reader-again")
    crew.seen("bin-found")
    expect(crew.find("reader-failed")).to_have_count(0)
    town.camera.look_away()
    page.close()


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
    # The row of the lift before says that it is accepted, too: the sheet makes way when this one's is there.
    expect(second.find("bin-found")).to_have_count(0, timeout=PATIENCE)
    expect(second.find("lift-saved")).to_have_attribute("data-state", "accepted", timeout=PATIENCE)
    page.close()
    first.page.goto(town.system.url + "/app/")
    expect(first.find("lot-lifts")).to_have_text("2", timeout=PATIENCE)


@contextmanager
def refusals_expected(town: Town) -> Iterator[None]:
    """The browser itself notes each answer that is no success; here they are what is asked for."""
    yield
    kept = [each for each in town.watch.complaints if "Failed to load resource" not in each]
    assert len(kept) < len(town.watch.complaints), "the server refused nothing"
    town.watch.complaints[:] = kept


def newcomer(town: Town, name: str, address: str, *, script: str = "") -> Person:
    page = town.page(PHONE, is_phone=True)
    if script:
        page.add_init_script(script)
    page.goto(town.system.url + address)
    return Person(town, name, page)


class TestAnInvitation:
    def test_that_nobody_made_is_told(self, town: Town) -> None:
        with refusals_expected(town):
            visitor = newcomer(town, "stranger", "/app/#enrol=" + "A" * 22)
            visitor.seen("enrol-refused-unknown-code")
            visitor.picture("enrol-unknown", in_english=False)
            visitor.seen("enrol-scan")
            visitor.context.close()

    def test_that_another_device_has_used_is_told(self, town: Town) -> None:
        with town.system.invitation(CARRIER, Role.CREW) as (invitation, _), refusals_expected(town):
            first = newcomer(town, "first", invitation.path)
            first.seen("enrol-check")
            second = newcomer(town, "second", invitation.path)
            expect(second.seen("enrol-refused-code-used")).to_contain_text("另一台设备")
            second.picture("enrol-used")
            for visitor in (first, second):
                visitor.context.close()

    def test_that_is_over_is_told(self, town: Town) -> None:
        with town.system.invitation(CARRIER, Role.CREW) as (invitation, _):
            town.system.expire(invitation.code)
            with refusals_expected(town):
                visitor = newcomer(town, "late", invitation.path)
                visitor.seen("enrol-refused-code-expired")
                visitor.picture("enrol-expired")
                visitor.context.close()

    def test_that_runs_out_while_it_waits_is_told(self, town: Town) -> None:
        with town.system.invitation(CARRIER, Role.CREW) as (invitation, _):
            visitor = newcomer(town, "waiting", invitation.path)
            visitor.seen("enrol-check")
            town.system.expire(invitation.code)
            expect(visitor.page.get_by_text("邀请码已失效").first).to_be_visible(timeout=PATIENCE)
            visitor.seen("enrol-scan")
            visitor.context.close()

    def test_of_another_organisation_shows_whose_it_is_before_it_is_approved(self, town: Town) -> None:
        with town.system.invitation(PARK, Role.GATE) as (invitation, _):
            visitor = newcomer(town, "joining", invitation.path)
            joining = visitor.seen("enrol-join")
            expect(joining).to_have_attribute("data-organisation", f"{PARK:06x}", timeout=PATIENCE)
            names = {
                each["id"]: each["name"]["zh"]
                for each in town.system.get(f"/api/v1/directory?organisation={PARK:06x}")["organisations"]
            }
            expect(joining).to_contain_text(names[f"{PARK:06x}"])
            expect(joining).to_contain_text("门岗")
            visitor.picture("enrol-join")
            visitor.context.close()

    def test_on_a_phone_with_a_wrong_clock_says_so_before_the_certificate_is_made(self, town: Town) -> None:
        ahead = "const right = Date.now; Date.now = () => right() + 5 * 3_600_000;"
        with town.system.invitation(CARRIER, Role.CREW) as (invitation, _):
            visitor = newcomer(town, "ahead", invitation.path, script=ahead)
            expect(visitor.seen("enrol-clock")).to_contain_text("快了约 5 小时")
            visitor.picture("enrol-clock")
            visitor.context.close()


def test_a_phone_without_a_torch_says_so(at_work: Phone) -> None:
    crew = at_work
    crew.tap("scan-open")
    crew.tap("torch-none")
    expect(crew.seen("torch-missing")).to_have_text("本机没有可用的补光灯")
    crew.picture("torch-missing")
    crew.seen("manual-open")
    crew.tap("back")


def test_yesterdays_directory_is_worked_from_and_dated(town: Town, at_work: Phone) -> None:
    crew = at_work
    crew.page.evaluate(_DATE_DIRECTORY, "2026-01-02T03:04:05Z")
    with crew.without_network():
        crew.page.reload()
        open_bin(crew, town.system.bin_of(Stream.RESIDUAL, 18))
        assert crew.told("bin-found", "bin") == f"{town.system.bin_of(Stream.RESIDUAL, 18).number:010x}"
        crew.tap("save-lift")
        crew.seen("lift-saved")
        crew.tap("back")
        crew.page.evaluate("location.hash = '#/shift'")
        expect(crew.seen("directory-date")).to_contain_text("1/2 11:04")
        expect(crew.page.get_by_text("名录旧了")).to_be_visible()
        crew.picture("directory-old")
        crew.tap("back")
    crew.wait_sent()


_DATE_DIRECTORY = """
(datedAt) => new Promise((resolve) => {
  const opening = indexedDB.open("huanlian");
  opening.onsuccess = () => {
    const singles = opening.result.transaction("singles", "readwrite").objectStore("singles");
    const asked = singles.get("directory");
    asked.onsuccess = () => {
      singles.put({...asked.result, dated_at: datedAt}, "directory");
      singles.transaction.oncomplete = () => { opening.result.close(); resolve(); };
    };
  };
})
"""
