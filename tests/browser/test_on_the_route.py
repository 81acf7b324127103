"""A crew's shift besides the bins: who is on a shared phone, what is left on the route, and what is recorded."""

from __future__ import annotations

import json

from people import PATIENCE, Phone, Town
from playwright.sync_api import expect
from sqlalchemy import select
from test_gate import lift_by_hand

from backend.cli.places import open_database
from backend.domain.types import Stream
from backend.store.tables import Evidence, table_of


def document_of(town: Town, device: str, seq: int) -> dict[str, object]:
    """The document behind an entry's evidence, as the server keeps it."""
    table = table_of(Evidence)
    wanted = select(table.c.document).where(table.c.device == device, table.c.seq == seq)
    with open_database(town.system.data_dir) as database, database.transaction(writes=False) as connection:
        document: dict[str, object] = json.loads(connection.execute(wanted).scalar_one())
    return document


def test_a_crew_signs_on_to_a_shared_phone_until_its_shift_ends(town: Town, crew: Phone) -> None:
    crew.start_lot("food")
    crew.tap("sign-on-open")
    crew.picture("sign-on", in_english=True, shows="sign-on-code")
    crew.find("sign-on-code").fill("1381234")
    crew.tap("sign-on-save")
    expect(crew.find("sign-on-problem")).not_to_be_empty()
    crew.find("sign-on-code").fill("b3")
    crew.tap("sign-on-save")
    expect(crew.seen("sign-on-open")).to_have_text("班组 B3")
    crew.picture("signed-on")
    lift_by_hand(crew, town.system.bin_of(Stream.FOOD, 30), fill=1)
    crew.wait_sent()
    seq = town.system.get(f"/api/v1/devices/{crew.device}")["accepted"]["seq"]
    assert document_of(town, crew.device, seq)["crew_code"] == "B3"
    entry = town.system.wait_for(f"/api/v1/entries/{crew.device}/{seq}", outcome="applied")
    assert entry["kind_name"] == "lift"
    assert int(entry["fields"]["evidence"], 16) != 0
    crew.page.evaluate("location.hash = '#/shift'")
    crew.tap("shift-end")
    crew.tap("ask-yes")
    crew.seen("shift-ended")
    crew.page.evaluate("location.hash = '#/'")
    expect(crew.seen("sign-on-open")).to_have_text("班组代号")


def test_the_route_shows_what_is_left_of_this_stream(town: Town, crew: Phone) -> None:
    crew.start_lot("hazardous")
    bins = [label for label in town.system.bins if label.stream == Stream.HAZARDOUS]
    crew.tap("route-open")
    shown = crew.seen("route-left")
    expect(shown).to_have_attribute("data-total", str(len(bins)))
    left = int(crew.told("route-left", "left"))
    expect(crew.find("route-point").first).to_have_attribute("data-left", "1")
    crew.picture("route", in_english=True, shows="route-left")
    crew.tap("back")
    lift_by_hand(crew, bins[-1], fill=1)
    crew.tap("route-open")
    expect(shown).to_have_attribute("data-left", str(left - 1))
    # What is done stands at the end.
    expect(crew.find("route-point").last).to_have_attribute("data-left", "0")
    crew.tap("back")
    crew.wait_sent()


def test_what_is_recorded_is_said_and_is_true(town: Town, crew: Phone) -> None:
    crew.tap("settings-open")
    crew.tap("privacy-open")
    expect(crew.seen("privacy")).to_contain_text(town.system.url.removeprefix("http://"))
    crew.picture("privacy", in_english=True, shows="privacy")
    asked = crew.page.evaluate(
        "Promise.all(['geolocation', 'microphone'].map((name) => document.featurePolicy?.allowsFeature(name)))"
    )
    assert asked == [False, False]
    crew.tap("back")
    crew.tap("back")
    expect(crew.find("shift-open")).to_be_visible(timeout=PATIENCE)
