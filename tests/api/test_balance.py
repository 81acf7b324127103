"""The mass balance as programs read it."""

from __future__ import annotations

import csv
import datetime
import io
from typing import Any

import pytest
from custody_stories import NOON
from fastapi.testclient import TestClient
from small_city import CREW, STATION, SmallCity

from backend.domain.layout import Kind
from backend.domain.types import Fate, Role, lot_id, site_id

DAY = "2026-03-01"
HALL = site_id(STATION, 1)


@pytest.fixture
def day(city: SmallCity) -> str:
    """A truck's load taken by a station that has one site; a part of it leaves as product, with less declared."""
    truck, gate = city.device(CREW, 7), city.device(STATION, 7, Role.GATE)
    city.registrars[STATION].write(Kind.SITE, site=HALL, site_kind=2)
    city.record(*city.registrars.values())
    lot, part = lot_id(truck.device, 1), lot_id(gate.device, 1)
    truck.write(Kind.LOAD, lot=lot, stream=4, occurred_at=NOON)
    for _ in range(3):
        truck.write(Kind.LIFT, bin=1, stream=4, basis=1, grams=40_000, occurred_at=NOON)
    give = truck.write(Kind.GIVE, lot=lot, grams=120_000, to=gate.device, occurred_at=NOON)
    cited = {"giver": truck.device, "give_seq": give, "give_head": int.from_bytes(truck.head, "big")}
    gate.write(Kind.TAKE, lot=lot, grams=118_000, occurred_at=NOON, **cited)
    gate.write(Kind.SPLIT, lot=lot, into=part, grams=50_000, stream=4, occurred_at=NOON)
    gate.write(Kind.CLOSE, lot=part, grams=45_000, fate=Fate.PRODUCT, occurred_at=NOON)
    city.record(truck, gate)
    return _day_of(NOON)


def _day_of(at: int) -> str:
    return str(datetime.datetime.fromtimestamp(at, datetime.timezone(datetime.timedelta(hours=8))).date())


def ask(client: TestClient, **query: Any) -> dict[str, Any]:
    answer = client.get("/api/v1/balance", params=query)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


class TestTheTable:
    def test_has_a_row_for_each_site_and_one_where_the_chain_names_none(
        self, client: TestClient, day: str
    ) -> None:
        truck, hall = ask(client, day=day)["rows"]
        assert (truck["organisation"], truck["site"], truck["lifted_grams"]) == ("000002", None, 120_000)
        assert (truck["given_grams"], truck["closing_grams"], truck["error_grams"]) == (120_000, 0, 0)
        assert (hall["site"], hall["taken_grams"], hall["difference_grams"]) == (f"{HALL:016x}", 118_000, -2_000)
        assert (hall["product_grams"], hall["closing_grams"], hall["error_grams"]) == (45_000, 68_000, 5_000)
        assert (truck["is_red"], hall["is_red"], hall["error_ppm"]) == (False, True, 42_372)

    def test_says_which_version_rules_and_block_it_rests_on(self, client: TestClient, day: str) -> None:
        shown = ask(client, day=day)
        assert shown["version"] == "mass-balance-1"
        assert shown["rules_digest"] == client.get("/api/v1/rules/tolerances").json()["digest"]
        assert shown["known_to"]["block"] > 0

    def test_is_the_same_as_csv(self, client: TestClient, day: str) -> None:
        answer = client.get("/api/v1/balance", params={"day": day, "format": "csv"})
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        for told, row in zip(rows, ask(client, day=day)["rows"], strict=True):
            assert {
                name: "" if value is None else str(int(value) if isinstance(value, bool) else value)
                for name, value in row.items()
            } == told

    def test_can_be_of_one_site_organisation_or_stream(self, client: TestClient, day: str) -> None:
        assert [row["site"] for row in ask(client, day=day, site=f"{HALL:016x}")["rows"]] == [f"{HALL:016x}"]
        assert [row["organisation"] for row in ask(client, day=day, organisation="000002")["rows"]] == ["000002"]
        assert ask(client, day=day, stream=1)["rows"] == []
        assert len(ask(client, day=day, stream=4)["rows"]) == 2

    def test_opens_the_next_day_with_what_lay_there(self, client: TestClient, day: str) -> None:
        (hall,) = ask(client, day=_day_of(NOON + 86_400))["rows"]
        assert (hall["opening_grams"], hall["closing_grams"], hall["is_red"]) == (68_000, 68_000, False)

    def test_is_empty_before_anything_happened(self, client: TestClient, day: str) -> None:
        assert ask(client, day="2001-01-01")["rows"] == []


class TestTheFactsBehindAFigure:
    def test_name_entries_and_both_masses(self, client: TestClient, day: str) -> None:
        query = {"day": day, "site": f"{HALL:016x}", "flow": "product"}
        found = client.get("/api/v1/balance/facts", params=query).json()
        (fact,) = found["facts"]
        assert (found["count"], fact["grams"], fact["lot_change_grams"]) == (1, 45_000, -50_000)
        entry = client.get(f"/api/v1/entries/{fact['device']}/{fact['seq']}").json()
        assert entry["kind_name"] == "close"

    def test_come_a_page_at_a_time(self, client: TestClient, day: str) -> None:
        everything = client.get("/api/v1/balance/facts", params={"day": day}).json()
        second = client.get("/api/v1/balance/facts", params={"day": day, "offset": 1, "limit": 1}).json()
        assert second["facts"] == everything["facts"][1:2]
        assert second["count"] == everything["count"] == len(everything["facts"])


class TestABadRequest:
    @pytest.mark.parametrize(
        ("query", "pointer"),
        [
            ({}, "/day"),
            ({"day": "yesterday"}, "/day"),
            ({"day": "2026-02-30"}, "/day"),
            ({"day": DAY, "stream": 5}, "/stream"),
            ({"day": DAY, "site": "zz"}, "/site"),
            ({"day": DAY, "format": "xlsx"}, "/format"),
        ],
    )
    @pytest.mark.parametrize("language", ["zh", "en"])
    def test_is_answered_with_a_problem(
        self, client: TestClient, query: dict[str, Any], pointer: str, language: str
    ) -> None:
        answer = client.get("/api/v1/balance", params=query, headers={"accept-language": language})
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert problem["type"].endswith("/problems/malformed-request")
        assert problem["errors"][0]["pointer"] == pointer
        assert problem["title"] == {"zh": "请求格式不对", "en": "The request is malformed"}[language]
