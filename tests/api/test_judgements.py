"""Judgements and their rules, as programs read them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient
from judged_lot import HOUR, JudgedLot
from small_city import CREW, PARK, SmallCity

from backend.domain.layout import Kind
from backend.domain.tolerances import read_rules, rules_digest
from backend.domain.types import device_id, device_text, lot_id, lot_text, organisation_text


@pytest.fixture
def judged(city: SmallCity) -> JudgedLot:
    return JudgedLot(city)


def text(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def ask(client: TestClient, judged: JudgedLot, **query: str) -> dict[str, Any]:
    answer = client.get(f"/api/v1/lots/{lot_text(judged.lot)}/judgements", params=query)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


class TestJudgements:
    def test_name_the_rule_its_version_and_both_masses(self, client: TestClient, judged: JudgedLot) -> None:
        (handoff,) = ask(client, judged)["handoffs"]
        assert (handoff["declared"]["value"], handoff["take"]["grams"]["value"]) == (100_000, 160_000)
        assert (handoff["basis"], handoff["end"], handoff["take"]["citation"]) == ("estimated", "taken", "sound")
        assert handoff["verdict"] == {
            "rule": "estimated-bins",
            "version": 1,
            "difference_grams": 60_000,
            "permille": 600,
            "permille_max": 300,
            "floor_grams": 50_000,
            "is_within": False,
        }

    def test_are_those_of_now_or_of_the_instant_asked_for(self, client: TestClient, judged: JudgedLot) -> None:
        judged.amend_take()
        now = ask(client, judged)
        assert [step["value"] for step in now["handoffs"][0]["take"]["grams"]["steps"]] == [160_000, 120_000]
        assert now["changed"][0]["proposals"][0]["state"] == "approved"
        then = text(judged.recorded_at + HOUR)
        before = ask(client, judged, as_known_at=then)
        assert before["known_at"] == then
        assert before["changed"][0]["proposals"][0]["state"] == "proposed"
        assert before["handoffs"][0]["verdict"]["is_within"] is False

    def test_show_a_disputes_stage_and_deadline(self, client: TestClient, judged: JudgedLot) -> None:
        judged.dispute_take()
        (dispute,) = ask(client, judged)["changed"][0]["disputes"]
        assert (dispute["stage"], dispute["ground"], dispute["claimed"]) == ("awaiting_answer", "mass", 100_000)
        assert dispute["deadline"] == text(judged.city.clock.now + 72 * HOUR)

    def test_show_refusals_to_collect(self, client: TestClient, judged: JudgedLot) -> None:
        (refusal,) = ask(client, judged)["refusals"]
        assert (refusal["state"], refusal["reason"], refusal["second_lift"]) == ("awaiting_answer", 1, None)

    def test_of_no_lot_are_not_found(self, client: TestClient) -> None:
        answer = client.get(f"/api/v1/lots/{lot_text(lot_id(device_id(CREW, 9), 9))}/judgements")
        assert (answer.status_code, answer.json()["type"].rsplit("/", 1)[1]) == (404, "unknown-lot")

    @pytest.mark.parametrize("instant", ["yesterday", "2026-03-01T05:12:09"])
    def test_need_an_instant_with_its_zone(self, client: TestClient, judged: JudgedLot, instant: str) -> None:
        path = f"/api/v1/lots/{lot_text(judged.lot)}/judgements"
        answer = client.get(path, params={"as_known_at": instant})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "/as_known_at"


class TestRules:
    def test_are_the_whole_document_under_the_digest_that_judgements_name(
        self, client: TestClient, judged: JudgedLot
    ) -> None:
        shown = client.get("/api/v1/rules/tolerances").json()
        assert rules_digest(shown["document"]).hex() == shown["digest"] == ask(client, judged)["rules_digest"]
        assert all(rule.text_zh and rule.text_en for rule in read_rules(shown["document"]))


class TestMixture:
    def test_is_told_of_a_lot_on_its_way_and_of_the_lot(self, client: TestClient, judged: JudgedLot) -> None:
        truck, lot = judged.truck, lot_id(judged.truck.device, 2)
        truck.write(Kind.LOAD, lot=lot, stream=3)
        truck.write(Kind.LIFT, bin=1, stream=4, grams=5)
        truck.write(Kind.GIVE, lot=lot, to=device_id(PARK, 0))
        judged.city.record(truck)
        incoming = client.get("/api/v1/lots", params={"given_to": organisation_text(PARK)}).json()["lots"]
        assert [(found["giver"], found["mixture"]) for found in incoming] == [(device_text(truck.device), 1 << 4)]
        assert client.get(f"/api/v1/lots/{lot_text(lot)}").json()["mixture"] == 1 << 4
