"""The 12345 hotline, both ways: it calls us with a key, and a stand-in for its server takes our work orders."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hotline_server import KEY, Hotline12345, hotline_server
from small_city import BINS, SITE, SmallCity

from backend.api.app import create_api
from backend.domain.case_code import code_digest, read_case_code
from backend.domain.complaint_statements import Act
from backend.domain.types import bin_text, device_text
from backend.exchange.complaint_rules_file import load_complaint_rules
from backend.exchange.hotline import HttpHotline
from backend.jobs.hotline import HotlineJob
from backend.store.complaints import ComplaintStore
from backend.store.directory import DirectoryStore
from backend.usecases.complaints import step_complaint

BIN = bin_text(BINS[0])
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def hotline() -> Iterator[tuple[Hotline12345, str]]:
    with hotline_server() as double:
        yield double, double.url


@pytest.fixture
def caller(city: SmallCity) -> Iterator[TestClient]:
    """The hotline as it calls us."""
    city.place_bins()
    with city.database.transaction() as connection:
        DirectoryStore(connection).put_sites(
            [
                {
                    "site": device_text(SITE),
                    "organisation": "000002",
                    "kind": 1,
                    "name_zh": "街",
                    "name_en": "Street",
                    "parent": None,
                    "lat": None,
                    "lng": None,
                    "facts": "[]",
                }
            ]
        )
    app = create_api(city.services(hotline_key=KEY), max_body_bytes=2 * 1024 * 1024)
    with TestClient(app) as made:
        made.headers["Authorization"] = f"Bearer {KEY}"
        yield made


def tell(caller: TestClient, order: str = "GZ-7", **change: Any) -> Any:
    body = {"bin": BIN, "kind": "overflow", "text": "来电反映桶满", **change}
    return caller.put(f"/api/v1/hotline/complaints/{order}", json=body)


class TestCallFromTheHotline:
    def test_files_a_complaint_once_for_each_order(self, caller: TestClient, city: SmallCity) -> None:
        first, again, other = tell(caller), tell(caller), tell(caller, "GZ-8")
        assert first.status_code == again.status_code == 200
        assert first.json() == again.json()
        assert other.json()["case"] != first.json()["case"]
        with city.database.transaction() as connection:
            store = ComplaintStore(connection)
            case = store.find_case(code_digest(read_case_code(first.json()["code"])))
            assert case == int(first.json()["case"], 16)
            assert store.statements_of(case)[0].text == "来电反映桶满"

    def test_is_told_where_a_complaint_stands(self, caller: TestClient, city: SmallCity) -> None:
        case = tell(caller).json()["case"]
        stands = caller.get("/api/v1/hotline/complaints/GZ-7").json()
        assert (stands["case"], stands["stage"], stands["owner"]) == (case, "assign", "000001")
        assert (stands["is_overdue"], stands["closed_at"]) == (False, None)
        city.clock.now += 4 * 3600
        assert caller.get("/api/v1/hotline/complaints/GZ-7").json()["is_overdue"]
        assert "code" not in stands

    def test_is_refused_with_another_order_content(self, caller: TestClient) -> None:
        tell(caller)
        answer = tell(caller, text="别的事")
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["code"] == "order-used"

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"bin": "ffffffffff"}, "/bin"),
            ({"bin": "1"}, "/bin"),
            ({"kind": "ufo"}, "/kind"),
            ({"text": "满" * 501}, "/text"),
            ({"phone": "13800000000"}, "/phone"),
        ],
    )
    def test_is_refused_when_malformed(self, caller: TestClient, change: dict[str, Any], pointer: str) -> None:
        answer = tell(caller, **change)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == pointer
        assert answer.headers["content-type"] == "application/problem+json"

    def test_is_refused_without_the_key(self, caller: TestClient) -> None:
        for key in ("", "Bearer ", f"Bearer {KEY}x", KEY):
            caller.headers["Authorization"] = key
            assert tell(caller).status_code == 401
            assert caller.get("/api/v1/hotline/complaints/GZ-7").status_code == 401

    def test_is_not_there_unless_a_key_was_agreed(self, client: TestClient) -> None:
        client.headers["Authorization"] = "Bearer "
        assert tell(client).status_code == 404
        assert client.get("/api/v1/hotline/complaints/GZ-7").status_code == 404

    def test_leaves_no_order_in_the_log(self, caller: TestClient, capsys: pytest.CaptureFixture[str]) -> None:
        tell(caller, "GZ-SECRET")
        said = capsys.readouterr().out
        assert "/complaints/…" in said
        assert "SECRET" not in said
        assert "桶满" not in said


class TestCallToTheHotline:
    def test_carries_where_a_complaint_stands_and_nobodys_words(
        self, caller: TestClient, city: SmallCity, hotline: tuple[Hotline12345, str]
    ) -> None:
        double, url = hotline
        case = tell(caller).json()["case"]
        with city.database.transaction() as connection:
            rules = load_complaint_rules()
            step_complaint(
                ComplaintStore(connection), int(case, 16), rules, act=Act.ASSIGN, by=1, to=2, now=city.clock.now
            )
        double.orders[case] = "GZ-7"
        job = HotlineJob(city.database, HttpHotline(url, KEY), city.clock)
        assert [job.run_once(), job.run_once()] == [1, 0]
        (heard,) = double.heard
        assert (heard["case"], heard["statements"], heard["stage"], heard["owner"]) == (
            case,
            2,
            "handle",
            "000002",
        )
        assert (heard["kind"], heard["bin"], heard["closed_at"]) == ("overflow", BIN, None)
        assert "满" not in json.dumps(heard, ensure_ascii=False)

    @pytest.mark.parametrize(
        ("status", "answer"),
        [(500, None), (401, None), (200, b"not json"), (200, b"{}"), (200, b"[]"), (200, b'{"order": 7}'),
         (200, b'{"order": ""}'), (200, b'{"order": "' + b"9" * 65 + b'"}')],
    )  # fmt: skip
    def test_keeps_the_complaint_whatever_the_hotline_answers(
        self,
        caller: TestClient,
        city: SmallCity,
        hotline: tuple[Hotline12345, str],
        status: int,
        answer: bytes | None,
    ) -> None:
        double, url = hotline
        case = int(tell(caller).json()["case"], 16)
        with city.database.transaction() as connection:
            rules = load_complaint_rules()
            step_complaint(ComplaintStore(connection), case, rules, act=Act.ASSIGN, by=1, to=2, now=city.clock.now)
        double.status, double.answer = status, answer
        job = HotlineJob(city.database, HttpHotline(url, KEY), city.clock)
        assert job.run_once() == 0
        with city.database.transaction() as connection:
            row = ComplaintStore(connection).find_row(case)
        assert row is not None
        assert (row.told, row.statements, row.hotline_attempts) == (1, 2, 1)
        double.status, double.answer = 200, b'{"order": "GZ-7"}'
        city.clock.now += 60
        assert job.run_once() == 1

    def test_keeps_the_complaint_while_nobody_answers(self, caller: TestClient, city: SmallCity) -> None:
        case = int(tell(caller).json()["case"], 16)
        with city.database.transaction() as connection:
            rules = load_complaint_rules()
            step_complaint(ComplaintStore(connection), case, rules, act=Act.ASSIGN, by=1, to=2, now=city.clock.now)
        job = HotlineJob(city.database, HttpHotline("http://127.0.0.1:9/", KEY), city.clock)
        assert job.run_once() == 0
        with city.database.transaction() as connection:
            row = ComplaintStore(connection).find_row(case)
        assert row is not None
        assert row.hotline_attempts == 1


def test_interface_is_described_with_every_field() -> None:
    told = (ROOT / "docs" / "spec" / "hotline.md").read_text()
    fields = ("case", "statements", "bin", "site", "kind", "reported_at", "stage", "owner", "due_at", "closed_at")
    for name in (*fields, "order", "text", "code", "is_overdue"):
        assert f"`{name}`" in told or f'"{name}"' in told, name
