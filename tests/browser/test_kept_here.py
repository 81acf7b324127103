"""A phone lets go of old entries: only of those that it has proved to be on the ledger, and that nothing needs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from offline_shift import Shift, begin_shift, sealed_by
from people import PATIENCE, Phone, Town, take_picture
from playwright.sync_api import Route, expect
from running_system import RunningSystem
from test_ways_on import full_disk

from backend.domain.types import Stream

_AHEAD = """
(() => {
  const ahead = Number(localStorage.getItem("days-ahead") ?? 0) * 86_400_000;
  const now = Date.now;
  Date.now = () => now() + ahead;
})();
"""
"""The phone's calendar, so many days on; the month itself nobody waits for."""
_SEQS = """
() => new Promise((resolve) => {
  const opening = indexedDB.open("huanlian");
  opening.onsuccess = () => {
    const asking = opening.result.transaction("entries").objectStore("entries").getAll();
    asking.onsuccess = () => { opening.result.close(); resolve(asking.result.map((entry) => [
      entry.seq, entry.state.is === "accepted" ? entry.state.onLedger.state : entry.state.is,
    ])); };
  };
})
"""


@pytest.fixture
def shift(town: Town) -> Iterator[Shift]:
    shift = begin_shift(town)
    shift.crew.context.add_init_script(_AHEAD)
    yield shift
    for phone in shift.phones:
        phone.context.close()


def _kept(phone: Phone) -> dict[int, str]:
    """Each entry that the phone still has, with what it last heard of it."""
    return {seq: state for seq, state in phone.page.evaluate(_SEQS)}


def _lift(shift: Shift, stream: Stream, place: int) -> None:
    shift.crew.tap("scan-open")
    shift.crew.type_bin(shift.town.system.bin_of(stream, place))
    shift.crew.tap("grade-1")
    shift.crew.tap("fill-1")
    shift.crew.tap("save-lift")
    expect(shift.crew.find("bin-found")).to_have_count(0)
    shift.crew.tap("back")


def _end_shift(crew: Phone) -> int:
    crew.page.evaluate("location.hash = '#/'")
    crew.tap("shift-open")
    crew.tap("shift-end")
    crew.tap("ask-yes")
    seq = int(crew.told("shift-ended", "seq"))
    crew.tap("shift-begin")
    return seq


def _work(shift: Shift) -> tuple[int, int]:
    """Two shifts and the begin of a third; the first lot is handed over and answered, the second is not."""
    crew = shift.crew
    lot = crew.start_lot("food")
    _lift(shift, Stream.FOOD, 6)
    # With a network the giver would hear it from the server; so it is read off the receiver's screen.
    shift.go_offline()
    shift.hand_over(lot)
    for phone in shift.phones:
        phone.context.set_offline(False)
    first = _end_shift(crew)
    crew.start_lot("residual")
    _lift(shift, Stream.RESIDUAL, 6)
    second = _end_shift(crew)
    _lift(shift, Stream.RESIDUAL, 7)
    crew.wait_sent()
    crew.page.wait_for_function(
        f"() => ({_SEQS})().then((all) => all.every(([, state]) => state === 'finalized'))", timeout=PATIENCE
    )
    return first, second


def _days_on(phone: Phone, days: int) -> None:
    phone.page.evaluate("(days) => localStorage.setItem('days-ahead', String(days))", days)
    phone.page.reload()


def _wait_trimmed(phone: Phone) -> None:
    phone.page.evaluate("location.hash = '#/history'")
    phone.seen("trimmed")


class Liar:
    """A server that says `finalized` of everything, and proves something else or nothing."""

    def __init__(self, phone: Phone, system: RunningSystem, proof_of: int | None) -> None:
        self.phone, self.url = phone, f"{system.url}/api/v1/entries/{phone.device}/{proof_of}/bundle"
        self.proves, self.asked = proof_of is not None, 0

    def answer(self, route: Route) -> None:
        self.asked += 1
        body = httpx.get(self.url).text if self.proves else json.dumps({"title": "no", "status": 409})
        status, kind = (200, "application/json") if self.proves else (409, "application/problem+json")
        route.fulfill(status=status, content_type=kind, body=body)

    def __enter__(self) -> None:
        self.phone.context.route("**/bundle", self.answer)

    def __exit__(self, *_: object) -> None:
        self.phone.context.unroute("**/bundle")
        assert self.asked > 0, "the phone asked for no proof"


def _wait_asked(phone: Phone, liar: Liar) -> None:
    while liar.asked < 3:
        phone.page.wait_for_timeout(100)


def test_old_entries_go_once_they_are_proved_and_nothing_else_does(town: Town, shift: Shift) -> None:
    crew, system = shift.crew, town.system
    first, second = _work(shift)
    before = _kept(crew)
    sealed: Any = sealed_by(crew)
    crew.page.evaluate("location.hash = '#/'")
    mass = crew.seen("lot-mass").inner_text()

    for proof_of in (None, second):
        liar = Liar(crew, system, proof_of)
        with liar:
            _days_on(crew, 31)
            _wait_asked(crew, liar)
            assert _kept(crew).keys() == before.keys()
    # The browser notes each refused proof; that was asked for.
    town.watch.complaints[:] = [said for said in town.watch.complaints if "409" not in said]

    _days_on(crew, 31)
    _wait_trimmed(crew)
    crew.page.wait_for_function(f"(first) => ({_SEQS})().then((all) => all[0][0] === first)", arg=first)
    kept = _kept(crew)
    assert list(kept) == list(range(first, max(before) + 1))
    crew.seen("trimmed").scroll_into_view_if_needed()
    crew.picture("history-trimmed")
    with crew.reading("en"):
        crew.seen("trimmed").scroll_into_view_if_needed()
        take_picture(crew.page, "app-shift-crew-history-trimmed", "en")
    link = crew.seen("trimmed").locator("a").get_attribute("href")
    assert link == f"{system.url}/verify/{crew.device}/{first - 1}"
    assert httpx.get(link).status_code == 200

    rest = sealed_by(crew)
    assert rest.words == {seq: words for seq, words in sealed.words.items() if seq >= first}
    crew.page.evaluate("location.hash = '#/'")
    expect(crew.find("lot-mass")).to_have_text(mass)
    _days_on(crew, 0)
    _lift(shift, Stream.RESIDUAL, 8)
    crew.wait_sent()
    system.wait_for(f"/api/v1/entries/{crew.device}/{max(before) + 1}", outcome="applied")


def test_where_storage_was_refused_what_is_proved_goes_early_and_nothing_else(town: Town, shift: Shift) -> None:
    crew = shift.crew
    first, _ = _work(shift)
    before = _kept(crew)
    _days_on(crew, 2)
    crew.tap("scan-open")
    crew.type_bin(town.system.bin_of(Stream.RESIDUAL, 9))
    crew.tap("grade-1")
    crew.tap("fill-1")
    # There is room, as far as anybody knows, so thirty days are kept.
    assert _kept(crew).keys() == before.keys()
    with full_disk(crew):
        crew.tap("save-lift")
        crew.tap("doubt-continue")
        crew.seen("failure-full")
        assert _kept(crew).keys() == before.keys()
    crew.tap("failure-again")
    expect(crew.find("bin-found")).to_have_count(0)
    _wait_trimmed(crew)
    crew.page.wait_for_function(f"(first) => ({_SEQS})().then((all) => all[0][0] === first)", arg=first)
    assert list(_kept(crew)) == list(range(first, max(before) + 2))
    crew.page.evaluate("location.hash = '#/'")
    crew.wait_sent()
