"""Segments as bytes, and many in one request: the same answers, and nothing kept of what cannot be read."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from custody_stories import read_vectors
from fastapi.testclient import TestClient
from small_city import BINS, CREW, SmallCity, upload_of, write_lifts

from backend.api.deps import UPLOADS_MAX
from backend.api.upload_body import SEGMENTS_MAX
from backend.domain.journal import Segment, evidence_digest
from backend.domain.layout import Kind
from backend.domain.segment_bytes import EvidenceDocument, Upload, pack_uploads
from backend.domain.types import lot_id
from backend.domain.writer import JournalWriter

Kept = Callable[[], tuple[Any, ...]]
BYTES = {"content-type": "application/vnd.huanlian.segments"}
ONE, MANY = "/api/v1/segments", "/api/v1/segments/batch"


def slug_of(problem: Any) -> str:
    return str(problem["type"].rpartition("/")[2])


def post_bytes(client: TestClient, path: str, *segments: Segment | Upload) -> Any:
    uploads = [s if isinstance(s, Upload) else Upload(s) for s in segments]
    return client.post(path, content=pack_uploads(uploads), headers=BYTES)


def cut_lifts(truck: JournalWriter, count: int) -> list[Segment]:
    write_lifts(truck, count, serial=truck.next_seq)
    return [truck.cut(1) for _ in range(count + 1)]


class TestOneSegmentAsBytes:
    def test_gets_the_receipt_that_its_json_gets(self, client: TestClient, truck: JournalWriter) -> None:
        salt, document = bytes(range(16)), '{"photo":"照片"}'
        truck.write(Kind.LOAD, lot=lot_id(truck.device, 1), stream=4)
        truck.write(Kind.LIFT, bin=BINS[0], stream=4, evidence=evidence_digest(salt, document.encode()))
        upload = Upload(truck.cut(), (EvidenceDocument(2, salt, document),))
        first = post_bytes(client, ONE, upload)
        again = client.post(ONE, json=upload_of(upload.segment))
        assert (first.status_code, again.status_code) == (201, 200)
        assert first.json()["receipt"] == again.json()["receipt"]
        assert first.json()["warnings"] == again.json()["warnings"]

    def test_is_half_as_large(self, truck: JournalWriter) -> None:
        write_lifts(truck, 100)
        segment = truck.cut()
        assert len(pack_uploads([Upload(segment)])) < 0.55 * len(json.dumps(upload_of(segment)))

    @pytest.mark.parametrize("case", read_vectors("uploads.json")["malformed"], ids=lambda case: case["name"])
    def test_that_cannot_be_read_is_refused_with_the_part_that_is_wrong(
        self, client: TestClient, kept: Kept, case: dict[str, Any]
    ) -> None:
        before, body = kept(), bytes.fromhex(case["body"])
        answer = client.post(ONE, content=body, headers=BYTES)
        assert answer.status_code == 422
        errors = answer.json()["errors"]
        assert [error["pointer"] for error in errors] == [case["pointer"]]
        many = client.post(MANY, content=body, headers=BYTES)
        pointer = case["pointer"]
        if pointer.startswith(("/version", "/count", "/segments")):
            assert (many.status_code, many.json()["errors"][0]["pointer"]) == (422, pointer)
        else:
            (one,) = many.json()["answers"]
            assert (one["status"], slug_of(one["problem"])) == (422, "malformed-segment")
            assert one["problem"]["errors"][0]["pointer"] == f"/segments/0{pointer}"
        assert kept() == before

    def test_with_a_neighbour_belongs_to_the_other_address(
        self, client: TestClient, truck: JournalWriter, kept: Kept
    ) -> None:
        before = kept()
        for segments in ([], cut_lifts(truck, 1)):
            answer = post_bytes(client, ONE, *segments)
            assert (answer.status_code, slug_of(answer.json())) == (422, "malformed-request")
            assert answer.json()["errors"][0]["pointer"] == "/count"
        assert kept() == before

    @pytest.mark.parametrize(
        "media_type", ["text/csv", "application/x-www-form-urlencoded", "multipart/form-data"]
    )
    @pytest.mark.parametrize("path", [ONE, MANY])
    def test_of_another_type_is_told_so(self, client: TestClient, path: str, media_type: str) -> None:
        answer = client.post(path, content=b"a", headers={"content-type": media_type})
        assert (answer.status_code, slug_of(answer.json())) == (415, "unsupported-media-type")


class TestManySegments:
    @pytest.fixture(params=["json", "bytes"])
    def post(self, request: pytest.FixtureRequest, client: TestClient) -> Callable[..., Any]:
        def as_json(*segments: Segment) -> Any:
            return client.post(MANY, json={"segments": [upload_of(segment) for segment in segments]})

        def as_bytes(*segments: Segment) -> Any:
            return post_bytes(client, MANY, *segments)

        return as_json if request.param == "json" else as_bytes

    def test_are_each_answered_as_they_would_be_alone(
        self, client: TestClient, city: SmallCity, truck: JournalWriter, post: Callable[..., Any]
    ) -> None:
        other = city.device(CREW, 8)
        city.record(city.registrars[CREW])
        first, second, third = cut_lifts(truck, 2)
        (own, *_) = cut_lifts(other, 1)
        forged = replace(second, r=second.r ^ 1)
        shapeless = replace(own, words=bytes([3, 4]) + bytes(30))
        answer = post(first, forged, shapeless, second, first, own, third)
        assert answer.status_code == 200
        answers = answer.json()["answers"]
        assert [one["status"] for one in answers] == [201, 403, 422, 201, 200, 201, 201]
        assert answers[4]["receipt"] == answers[0]["receipt"]
        assert slug_of(answers[1]["problem"]) == "bad-seal"
        assert answers[1]["problem"]["request_id"] == answer.headers["x-request-id"]
        assert answers[2]["problem"]["errors"][0]["pointer"] == "/segments/2/words"
        again = post(first, second, own, third).json()["answers"]
        assert [one["status"] for one in again] == [200] * 4
        assert [one["receipt"] for one in again] == [answers[at]["receipt"] for at in (0, 3, 5, 6)]
        alone = client.post(ONE, json=upload_of(third))
        assert (alone.status_code, alone.json()["receipt"]) == (200, answers[6]["receipt"])

    def test_say_when_a_problem_goes_away_by_itself(self, truck: JournalWriter, post: Callable[..., Any]) -> None:
        _, second, _ = cut_lifts(truck, 2)
        (gap,) = post(second).json()["answers"]
        assert (gap["status"], gap["problem"]["retryable"], gap["problem"]["next_seq"]) == (409, True, 1)

    def test_are_bounded(
        self, client: TestClient, truck: JournalWriter, kept: Kept, post: Callable[..., Any]
    ) -> None:
        segments, before = cut_lifts(truck, SEGMENTS_MAX), kept()
        answer = post(*segments)
        assert (answer.status_code, slug_of(answer.json())) == (413, "too-large")
        assert post().status_code == 422
        assert kept() == before
        assert {one["status"] for one in post(*segments[:-1]).json()["answers"]} == {201}

    def test_take_one_place_among_those_that_are_kept(
        self, city: SmallCity, truck: JournalWriter, kept: Kept, post: Callable[..., Any]
    ) -> None:
        segments, before = cut_lifts(truck, 3), kept()
        for _ in range(UPLOADS_MAX):
            city.pressure.enter()
        away = post(*segments)
        assert (away.status_code, away.headers["retry-after"]) == (429, "1")
        assert kept() == before
        city.pressure.leave()
        assert post(*segments).status_code == 200
        city.pressure.enter()

    @pytest.mark.parametrize("body", [{}, {"segments": {}}, {"segments": [], "more": 1}, [], 5])
    def test_that_are_no_list_are_refused_whole(self, client: TestClient, kept: Kept, body: Any) -> None:
        before, answer = kept(), client.post(MANY, json=body)
        assert (answer.status_code, slug_of(answer.json())) == (422, "malformed-request")
        assert kept() == before

    @pytest.mark.parametrize(
        ("item", "pointer"),
        [(5, "/segments/1"), ({}, "/segments/1/device"), ({"first_seq": 0}, "/segments/1/first_seq")],
    )
    def test_of_which_one_has_the_wrong_shape_keep_the_others(
        self, client: TestClient, truck: JournalWriter, item: Any, pointer: str
    ) -> None:
        first, second = cut_lifts(truck, 1)
        wrong = {**upload_of(second), **item} if isinstance(item, dict) and item else item
        body = {"segments": [upload_of(first), wrong, upload_of(second)]}
        answers = client.post(MANY, json=body).json()["answers"]
        assert [one["status"] for one in answers] == [201, 422, 201]
        assert slug_of(answers[1]["problem"]) == "malformed-request"
        assert pointer in [error["pointer"] for error in answers[1]["problem"]["errors"]]


def test_the_form_of_every_body_is_in_openapi(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    for path in (ONE, MANY):
        content = paths[path]["post"]["requestBody"]["content"]
        assert set(content) == {"application/json", "application/vnd.huanlian.segments"}
        assert "$ref" not in str(content)
