"""The list that a crew drives off with: checked against seals, kept when the server lies or is not there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from axe import faults_of
from people import PATIENCE, Phone, Registrar, Town
from playwright.sync_api import Route, expect
from test_gate import lift_by_hand
from test_ways_on import _DATE_DIRECTORY

from backend.domain.types import Role, Stream

DIRECTORY = "**/api/v1/directory?*"
SECOND = "00000200000000ff"

Told = dict[str, Any]


@pytest.fixture(scope="module")
def phone(town: Town, carrier_desk: Registrar) -> Iterator[Phone]:
    made = Phone(town, "list")
    carrier_desk.enrol(made, Role.CREW)
    made.seen("readiness")
    expect(made.find("directory-seals")).not_to_have_text("还没有核对", timeout=PATIENCE)
    yield made
    made.context.close()


@contextmanager
def told_otherwise(phone: Phone, change: Callable[[Told], None]) -> Iterator[None]:
    """Whatever the server answers reaches the phone changed."""

    def lie(route: Route) -> None:
        headers = {name: value for name, value in route.request.headers.items() if name != "if-none-match"}
        told = route.fetch(headers=headers).json()
        change(told)
        route.fulfill(status=200, content_type="application/json", body=json.dumps(told))

    phone.context.route(DIRECTORY, lie)
    try:
        yield
    finally:
        phone.context.unroute(DIRECTORY)


@contextmanager
def without_server(phone: Phone) -> Iterator[None]:
    """There is a network, and nobody answers."""
    phone.context.route("**/api/**", lambda route: route.abort("internetdisconnected"))
    try:
        yield
    finally:
        phone.context.unroute("**/api/**")


def open_settings(phone: Phone) -> None:
    phone.page.evaluate("location.hash = '#/'")
    phone.tap("settings-open")
    phone.seen("directory-date")


def test_says_from_when_it_is_and_against_how_many_seals_it_was_checked(town: Town, phone: Phone) -> None:
    told = town.system.get("/api/v1/directory?organisation=000002")
    assert told["placements"]
    assert told["bins"] == [], "the demo's bins are all placed under a registrar's seal"
    assert int(phone.find("directory-seals").inner_text()) > 2
    phone.picture("ready", in_english=True, shows="directory-seals")
    open_settings(phone)
    expect(phone.find("directory-date")).to_contain_text("已核对")
    expect(phone.find("directory-refused")).to_have_count(0)
    phone.picture("settings", in_english=True, shows="directory-date")
    phone.tap("back")


def test_of_a_lying_server_is_not_taken_and_yesterdays_stays(town: Town, phone: Phone) -> None:
    phone.page.evaluate(_DATE_DIRECTORY, "2026-11-24T06:05:00Z")

    def another_key(told: Told) -> None:
        """Put another key under the enrolment of the first device."""
        device = told["devices"][0]
        run = told["runs"][device["run"]]
        at = run["words"].index(device["device"]) + 80
        run["words"] = f"{run['words'][:at]}{int(run['words'][at], 16) ^ 1:x}{run['words'][at + 1 :]}"
        told["placements"] = []

    with told_otherwise(phone, another_key):
        phone.page.reload()
        expect(phone.seen("directory-refused")).to_have_attribute("data-reason", "seal")
        expect(phone.find("directory-refused")).to_contain_text("签封不对")
        phone.picture("refused-ready", in_english=True, shows="directory-refused")
        open_settings(phone)
        expect(phone.find("directory-date")).to_contain_text("11/24 14:05")
        expect(phone.seen("directory-refused")).to_be_visible()
        phone.picture("refused-settings", in_english=True, shows="directory-refused")
        assert faults_of(phone.page, None) == []
        phone.tap("back")
        phone.start_lot("residual")
        # A bin of the list that was kept is still known by its number.
        lift_by_hand(phone, town.system.bin_of(Stream.RESIDUAL, 40), fill=1)
    phone.page.reload()
    # The shift's page is drawn anew when there is news.
    phone.page.evaluate("location.hash = '#/shift'")
    expect(phone.find("directory-date")).not_to_contain_text("11/24", timeout=PATIENCE)
    expect(phone.find("directory-refused")).to_have_count(0)
    phone.tap("back")


def test_of_yesterday_is_worked_from_while_no_server_answers(town: Town, phone: Phone) -> None:
    phone.page.evaluate(_DATE_DIRECTORY, "2026-11-20T06:05:00Z")
    with without_server(phone):
        phone.page.reload()
        lift_by_hand(phone, town.system.bin_of(Stream.RESIDUAL, 41), fill=1)
        phone.page.evaluate("location.hash = '#/shift'")
        expect(phone.seen("directory-date")).to_contain_text("11/20 14:05")
        expect(phone.page.get_by_text("名录旧了")).to_be_visible()
        assert int(phone.find("directory-seals").inner_text()) > 2
        phone.picture("server-down")
        phone.tap("back")
    phone.page.reload()
    phone.wait_sent()
    phone.page.evaluate("location.hash = '#/shift'")
    expect(phone.find("directory-date")).not_to_contain_text("11/20", timeout=PATIENCE)
    phone.tap("back")


def test_of_too_many_bins_is_of_the_streets_that_are_chosen(town: Town, phone: Phone) -> None:
    street = town.system.get("/api/v1/directory?organisation=000002")["streets"][0]

    def a_large_organisation(told: Told) -> None:
        name = {"zh": "演示第二街", "en": "Second Demo Street"}
        told["sites"].append(
            {"id": SECOND, "kind": 1, "organisation": "000002", "name": name, "run": None, "seq": None}
        )
        told["streets"].append({"site": SECOND, "bins": 5_000})
        told.update(bins_left_out=True, placements=[], bins=[])

    with told_otherwise(phone, a_large_organisation):
        phone.page.reload()
        phone.page.evaluate("location.hash = '#/shift'")
        phone.seen("streets-open")
        phone.picture("too-many", in_english=True, shows="streets-open")
        phone.tap("streets-open")
        expect(phone.seen("streets-save")).to_be_disabled()
        phone.picture("streets", in_english=True, shows="streets-save")
        assert faults_of(phone.page, None) == []
        phone.tap(f"street-{street['site']}")
        expect(phone.find("streets-bins")).to_have_text(f"共 {street['bins']} 桶")
        expect(phone.find("streets-save")).to_be_enabled()
        phone.picture("streets-chosen")
    with without_server(phone):
        phone.tap("streets-save")
        phone.seen("streets-offline")
        phone.picture("streets-offline", in_english=False)
    with phone.page.expect_request(DIRECTORY) as asked:
        phone.tap("streets-save")
    assert asked.value.url.endswith(f"/directory?organisation=000002&site={street['site']}")
    phone.seen("shift-end")
    expect(phone.find("streets-open")).to_have_count(0, timeout=PATIENCE)
    phone.page.evaluate("location.hash = '#/'")
    phone.tap("route-open")
    bins = [label for label in town.system.bins if label.stream == Stream.RESIDUAL]
    expect(phone.seen("route-left")).to_have_attribute("data-total", str(len(bins)))
    expect(phone.find("route-unsealed")).to_have_count(0)
    phone.tap("back")
