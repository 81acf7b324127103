"""What an operator sees, and what anybody may hold the operator to."""

from __future__ import annotations

import re

from fastapi.testclient import TestClient
from small_city import CREW, SmallCity, upload_of, write_lifts

from backend.api.deps import UPLOADS_MAX
from backend.domain.writer import JournalWriter

MINUTE = 60


def measures(client: TestClient) -> dict[str, float]:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    lines = (line for line in answer.text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


class TestMetrics:
    def test_count_what_is_handed_in_and_why_not(
        self, client: TestClient, city: SmallCity, truck: JournalWriter
    ) -> None:
        write_lifts(truck, 3)
        upload = upload_of(truck.cut())
        for body in (upload, upload, {**upload, "seal": {"r": "11" * 32, "s": "11" * 32}}):
            client.post("/api/v1/segments", json=body)
        found = measures(client)
        assert found['huanlian_segments_total{answer="accepted"}'] == 1
        assert found['huanlian_segments_total{answer="repeated"}'] == 1
        assert found['huanlian_segments_total{answer="bad-seal"}'] == 1
        assert found["huanlian_entries_accepted_total"] == 4
        route = 'method="POST",route="/segments",status="201"'
        assert found[f"huanlian_answer_seconds_count{{{route}}}"] == 1

    def test_tell_how_far_behind_everything_is(
        self, client: TestClient, city: SmallCity, truck: JournalWriter
    ) -> None:
        write_lifts(truck, 3)
        client.post("/api/v1/segments", json=upload_of(truck.cut()))
        city.clock.now += 90
        found = measures(client)
        assert found['huanlian_outbox_segments{state="queued"}'] == 1
        assert found["huanlian_outbox_oldest_seconds"] == 90
        assert found["huanlian_books_lag_seconds"] == 90
        assert found["huanlian_disagreements"] == 0

    def test_name_no_device_bin_or_code(self, client: TestClient, city: SmallCity, truck: JournalWriter) -> None:
        write_lifts(truck, 3)
        client.post("/api/v1/segments", json=upload_of(truck.cut()))
        client.get(f"/api/v1/devices/{truck.device:016x}")
        client.get("/api/v1/enrolments/some-code")
        client.get("/nowhere/000000000000000000000000")
        named = " ".join(measures(client))
        assert not re.search(r"[0-9a-f]{10}", named)
        assert "some-code" not in named


class TestABusyServer:
    def test_keeps_nothing_of_what_it_sends_away_and_all_of_it_later(
        self, client: TestClient, city: SmallCity, truck: JournalWriter
    ) -> None:
        write_lifts(truck, 3)
        upload = upload_of(truck.cut())
        for _ in range(UPLOADS_MAX):
            city.pressure.enter()
        away = client.post("/api/v1/segments", json=upload)
        assert (away.status_code, away.headers["retry-after"]) == (429, "1")
        city.pressure.leave()
        assert client.post("/api/v1/segments", json=upload).status_code == 201


class TestOverdueReceipts:
    def test_are_public_until_the_ledger_has_them(
        self, client: TestClient, city: SmallCity, truck: JournalWriter
    ) -> None:
        write_lifts(truck, 3)
        segment = truck.cut()
        receipt = client.post("/api/v1/segments", json=upload_of(segment)).json()["receipt"]
        assert client.get("/api/v1/receipts/overdue").json() == {"minutes": 10, "receipts": []}
        city.clock.now += 10 * MINUTE + 1
        (late,) = client.get("/api/v1/receipts/overdue").json()["receipts"]
        assert late == {
            "id": receipt["id"],
            "organisation": f"{CREW:06x}",
            "received_at": receipt["received_at"],
            "entries": 4,
            "state": "queued",
            "reason": None,
        }
        assert client.get("/api/v1/receipts/overdue?minutes=11").json()["receipts"] == []
        city.record(segment)
        assert client.get("/api/v1/receipts/overdue").json()["receipts"] == []

    def test_are_asked_for_within_reason(self, client: TestClient) -> None:
        assert client.get("/api/v1/receipts/overdue?minutes=-1").status_code == 422
