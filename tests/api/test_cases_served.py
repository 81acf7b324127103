"""Cases as programs read them."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from case_seeking import seek
from fastapi.testclient import TestClient
from judged_lot import DAY, JudgedLot
from small_city import CREW, PARK, SmallCity

from backend.domain.types import device_text, organisation_text


@pytest.fixture
def judged(city: SmallCity) -> JudgedLot:
    made = JudgedLot(city)
    made.dispute_take()
    seek(city.database, city.clock.now)
    return made


def ask(client: TestClient, **query: str | int) -> dict[str, Any]:
    answer = client.get("/api/v1/cases", params=query)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


class TestCases:
    def test_are_told_with_owner_deadline_rule_and_entries(self, client: TestClient, judged: JudgedLot) -> None:
        shown = ask(client, kind="dispute")
        assert (shown["count"], shown["waiting"], shown["overdue"]) == (1, 2, 0)
        (case,) = shown["cases"]
        assert case["owner"] == {"organisation": organisation_text(PARK), "role": "office"}
        assert (case["state"], case["stage"]) == ("open", "awaiting-answer")
        assert case["numbers"]["value"] == 100_000
        assert {"device": device_text(judged.gate.device), "seq": judged.take_seq} in case["entries"]

    def test_are_those_asked_for(self, client: TestClient, judged: JudgedLot) -> None:
        assert {case["kind"] for case in ask(client)["cases"]} == {"dispute", "refusal-to-collect"}
        assert {case["kind"] for case in ask(client, state="done")["cases"]} == {"weight-difference"}
        assert ask(client, state="all")["count"] == 3
        assert ask(client, organisation=organisation_text(CREW))["count"] == 1
        assert len(ask(client, state="all", limit=1, offset=1)["cases"]) == 1

    def test_move_on_with_the_clock_alone(self, client: TestClient, judged: JudgedLot) -> None:
        judged.wait(4 * DAY)
        (case,) = ask(client, kind="dispute")["cases"]
        assert case["stage"] == "appealable"
        judged.wait(30 * DAY)
        assert ask(client)["count"] == 0

    def test_come_as_csv_too(self, client: TestClient, judged: JudgedLot) -> None:
        answer = client.get("/api/v1/cases", params={"format": "csv", "state": "all"})
        assert answer.headers["content-type"].startswith("text/csv")
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert [row["code"] for row in rows] == [case["code"] for case in ask(client, state="all")["cases"]]
        place = f"{device_text(judged.gate.device)}/{judged.take_seq}"
        assert all(place in row["entries"].split() for row in rows if row["kind"] != "refusal-to-collect")

    def test_refuse_what_is_no_kind(self, client: TestClient) -> None:
        assert client.get("/api/v1/cases", params={"kind": "nonsense"}).status_code == 422

    def test_have_public_rules(self, client: TestClient) -> None:
        rules = client.get("/api/v1/rules/cases").json()["rules"]
        assert {(rule["rule_id"], rule["version"]) for rule in rules} >= {("weight-difference", 1), ("finding", 1)}
