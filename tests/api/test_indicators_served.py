"""Indicators and fates as programs read them."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from custody_stories import NOON
from fastapi.testclient import TestClient
from small_city import CREW, STATION, SmallCity

from backend.domain.layout import Kind
from backend.domain.products import Product
from backend.domain.types import Fate, Role, lot_id
from backend.jobs.tally import Tally

MONTH, DAY = "2026-03", "2026-03-01"


@pytest.fixture
def told(city: SmallCity) -> SmallCity:
    """Three lifts; a station takes the lot, makes compost of a part of it, and closes that."""
    truck, gate = city.device(CREW, 7), city.device(STATION, 7, Role.GATE)
    city.record(*city.registrars.values())
    lot, made = lot_id(truck.device, 1), lot_id(gate.device, 1)
    truck.write(Kind.LOAD, lot=lot, stream=3, occurred_at=NOON)
    for grade in (1, 1, 3):
        truck.write(Kind.LIFT, bin=1, stream=3, grade=grade, basis=1, grams=40_000, occurred_at=NOON)
    give = truck.write(Kind.GIVE, lot=lot, grams=120_000, to=gate.device, occurred_at=NOON)
    cited = {"giver": truck.device, "give_seq": give, "give_head": int.from_bytes(truck.head, "big")}
    gate.write(Kind.TAKE, lot=lot, grams=120_000, occurred_at=NOON, **cited)
    items = (
        {"lot": made, "amount": 30_000, "product": Product.COMPOST},
        {"amount": 7, "product": Product.BIOGAS},
    )
    gate.write(Kind.TRANSFORM, items, lot=lot, grams=120_000, outputs=1, loss=90_000, occurred_at=NOON)
    gate.write(Kind.CLOSE, lot=made, grams=30_000, fate=Fate.PRODUCT, product=Product.COMPOST, occurred_at=NOON)
    city.record(truck, gate)
    Tally(city.database).run_once()
    return city


def rows(client: TestClient, **query: Any) -> dict[tuple[str, str], dict[str, Any]]:
    answer = client.get("/api/v1/indicators", params={"period": MONTH, **query})
    assert answer.status_code == 200, answer.text
    return {(row["key"], row["indicator"]): row for row in answer.json()["rows"]}


class TestTheIndicatorsServed:
    def test_are_fractions_with_version_and_unit(self, client: TestClient, told: SmallCity) -> None:
        found = rows(client)
        accuracy = found["city", "sorting-accuracy"]
        assert (accuracy["numerator"], accuracy["denominator"], accuracy["value_ppm"]) == (2, 3, 666_666)
        assert (accuracy["version"], accuracy["unit"]) == (1, "lifts")
        recovery = found["city", "recovery"]
        assert (recovery["numerator"], recovery["denominator"]) == (30_000, 120_000)
        assert found["city", "closure"]["value_ppm"] == 1_000_000

    def test_are_of_companies_too(self, client: TestClient, told: SmallCity) -> None:
        found = rows(client, by="company")
        assert found["000002", "device-coverage"]["numerator"] == 1
        assert found["000003", "recovery"]["denominator"] == 120_000
        assert ("000002", "coverage") not in found

    def test_are_the_same_as_csv(self, client: TestClient, told: SmallCity) -> None:
        for by in ("city", "company", "street", "district"):
            query = {"period": DAY, "by": by, "format": "csv"}
            listed = list(csv.DictReader(io.StringIO(client.get("/api/v1/indicators", params=query).text)))
            served = client.get("/api/v1/indicators", params={"period": DAY, "by": by}).json()["rows"]
            assert [{k: "" if v is None else str(v) for k, v in row.items()} for row in served] == listed

    @pytest.mark.parametrize("query", [{}, {"period": "2026-13"}, {"period": "x"}, {"period": DAY, "by": "house"}])
    def test_refuse_what_no_calendar_has(self, client: TestClient, query: dict[str, str]) -> None:
        answer = client.get("/api/v1/indicators", params=query)
        assert answer.status_code == 422
        assert answer.json()["type"].endswith("/problems/malformed-request")


class TestAFateServed:
    def test_of_no_bin_is_a_problem(self, client: TestClient, told: SmallCity) -> None:
        answer = client.get("/api/v1/bins/ffffffffff/fate")
        assert answer.status_code == 404
        assert answer.json()["type"].endswith("/problems/unknown-bin")

    def test_sums_to_one_and_names_its_entries(self, client: TestClient, told: SmallCity) -> None:
        number = named_bin(told)
        found = client.get(f"/api/v1/bins/{number}/fate").json()
        assert (found["version"], found["month"], found["lifts"], found["grams"]) == ("fate-1", MONTH, 3, 120_000)
        assert [(part["end"], part["product"], part["grams"]) for part in found["parts"]] == [
            ("loss", None, 90_000),
            ("product", "compost", 30_000),
        ]
        assert sum(part["share_ppm"] for part in found["parts"]) == 1_000_000
        assert found["yields"] == [{"product": "biogas", "amount_millionths": 7_000_000, "unit": "m3"}]
        fact = found["parts"][1]["facts"][0]
        assert client.get(f"/api/v1/entries/{fact['device']}/{fact['seq']}").json()["kind_name"] == "close"

    @pytest.mark.parametrize("month", ["2026-13", "2026", "0000-01"])
    def test_refuses_what_is_no_month(self, client: TestClient, told: SmallCity, month: str) -> None:
        answer = client.get(f"/api/v1/bins/{named_bin(told)}/fate", params={"month": month})
        assert answer.status_code == 422


def named_bin(city: SmallCity) -> str:
    """Give the lifted bin a label, as whoever placed it did."""
    from backend.store.directory import DirectoryStore

    row = {"number": f"{1:010x}", "serial": "00" * 16, "serial_digest": "00" * 32, "stream": 3, "site": "0" * 16}
    with city.database.transaction() as connection:
        store = DirectoryStore(connection)
        if not any(known.number == row["number"] for known in store.bins()):
            store.add_bins([{**row, "point_id": None, "placed_from": 0}])
    return str(row["number"])
