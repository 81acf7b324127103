"""Every problem type has a page, is in OpenAPI, and is what somebody really gets."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from custody_stories import NETWORK, NOON
from fastapi.testclient import TestClient
from renewing import renewal_of
from sealed_route import bins_of, name_bins
from shared_material import find_shared
from small_city import CREW, SITE, STATION, SmallCity, upload_of, write_lifts

from backend.api.app import create_api
from backend.api.deps import UPLOADS_MAX
from backend.api.problems import PROBLEMS
from backend.domain import errors
from backend.domain.errors import DomainError
from backend.domain.inspection_statements import (
    ANCHOR_SCHEMA,
    Commit,
    Opening,
    Statement,
    digest_of,
    inspection_id,
    inspection_text,
    statement_document,
    statement_subject,
)
from backend.domain.layout import Kind
from backend.domain.recorded import EntryId
from backend.domain.types import device_id, device_text
from backend.domain.writer import JournalWriter, SigningKey
from backend.store.inspections import InspectionStore
from backend.usecases.inspections import Published
from backend.usecases.route_directory import BINS_MAX

ROOT = Path(__file__).resolve().parents[2]
JSON = {"content-type": "application/json"}
OPENING = Opening(
    by=f"{CREW:06x}",
    at=1,
    auditor="00000b",
    candidates="bins",
    site="",
    day="",
    list_block=1,
    list_count=3,
    list_root="00" * 32,
    sample=1,
    commit_by=9,
    seed_block=10,
    reveal_by=19,
    default_block=20,
)


def require_valid(body: dict[str, Any]) -> None:
    """Check a body against the published schema of problem objects, by the words that it uses."""
    path = find_shared("problem_json/problem.schema.fixed.json")
    if path is None:
        return
    schema = json.loads(path.read_text())
    assert schema["type"] == "object"
    types = {"string": str, "integer": int}
    for name, told in schema["properties"].items():
        assert set(told) <= {"type", "format", "description", "minimum", "maximum"}
        value = body[name]
        assert type(value) is types[told["type"]], name
        if "minimum" in told:
            assert told["minimum"] <= value <= told["maximum"]
        if told.get("format") == "uri-reference":
            assert re.fullmatch(r"[A-Za-z0-9:/?#\[\]@!$&'()*+,;=._~%-]*", value), value


class Provoke:
    """One way to meet each problem."""

    def __init__(self, client: TestClient, city: SmallCity, truck: JournalWriter) -> None:
        self.client, self.city, self.truck = client, city, truck

    def hand_in(self, **change: Any) -> Any:
        if not self.truck.uncut:
            write_lifts(self.truck, 1, serial=self.truck.next_seq)
        return self.client.post("/api/v1/segments", json={**upload_of(self.truck.cut()), **change})

    def bad_seal(self) -> Any:
        return self.hand_in(seal={"r": "11" * 32, "s": "11" * 32})

    def unknown_device(self) -> Any:
        return self.hand_in(device="0000090000000009")

    def wrong_key(self) -> Any:
        return self.hand_in(key={"x": "11" * 32, "y": "11" * 32})

    def gap(self) -> Any:
        return self.hand_in(first_seq=9)

    def fork(self) -> Any:
        assert self.hand_in().status_code == 201
        other = JournalWriter(NETWORK, self.truck.device, self.truck.key)
        other.write(Kind.SHIFT_END)
        return self.client.post("/api/v1/segments", json=upload_of(other.cut()))

    def malformed_segment(self) -> Any:
        return self.hand_in(words="0201" + "00" * 30 + "0300" + "00" * 30)

    def segment_too_heavy(self) -> Any:
        return self.hand_in(words=("13ff" + "00" * 30 + "00" * 254 * 32) * 9)

    def route_too_large(self) -> Any:
        name_bins(self.city, bins_of(BINS_MAX + 1))
        return self.client.get(f"/api/v1/directory?organisation={CREW:06x}&site={device_text(SITE)}")

    def busy(self) -> Any:
        pressure = self.city.pressure
        for _ in range(UPLOADS_MAX):
            pressure.enter()
        answer = self.hand_in()
        for _ in range(UPLOADS_MAX):
            pressure.leave()
        return answer

    def malformed_request(self) -> Any:
        return self.hand_in(device="x")

    def invalid_json(self) -> Any:
        return self.client.post("/api/v1/segments", content=b"{", headers=JSON)

    def too_large(self) -> Any:
        return self.client.post("/api/v1/segments", content=b" " * (3 << 20), headers=JSON)

    def unsupported_media_type(self) -> Any:
        return self.client.post("/api/v1/segments", content=b"a,b", headers={"content-type": "text/csv"})

    def unknown_entry(self) -> Any:
        return self.client.get("/api/v1/entries/0000020000000007/99")

    def unknown_bin(self) -> Any:
        return self.client.get("/api/v1/bins/0000000000/trace")

    def unknown_lot(self) -> Any:
        return self.client.get("/api/v1/lots/000000000000000000000000")

    def unknown_code(self) -> Any:
        return self.client.get("/api/v1/enrolments/nobody")

    def code_used(self) -> Any:
        code = self._code()
        assert self._offer(code, 1).status_code == 200
        return self._offer(code, 2)

    def code_expired(self) -> Any:
        code = self._code()
        self.city.clock.now += 601
        return self._offer(code, 1)

    def revoked_device(self) -> Any:
        phone = self._phone()
        self.city.registrars[CREW].write(Kind.REVOKE, device=phone.device, reason=1)
        self.city.record(self.city.registrars[CREW])
        return self._renew(phone, 1)

    def not_renewable(self) -> Any:
        return self._renew(self.truck, 1)

    def renewal_too_early(self) -> Any:
        return self._renew(self._phone(days=15), 1)

    def renewal_differs(self) -> Any:
        phone = self._phone()
        assert self._renew(phone, 1).status_code == 200
        return self._renew(phone, 2)

    def not_recorded_yet(self) -> Any:
        assert self.hand_in().status_code == 201
        return self.client.get(f"/api/v1/entries/{device_text(self.truck.device)}/1/bundle")

    def not_found(self) -> Any:
        return self.client.get("/nowhere")

    def method_not_allowed(self) -> Any:
        answer = self.client.delete("/api/v1/segments")
        assert answer.headers["allow"] == "POST"
        return answer

    def not_ready(self) -> Any:
        with self.city.database.transaction() as connection:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
        return self.client.get("/ready")

    def not_the_hotline(self) -> Any:
        return self._call("another key")

    def unknown_complaint(self) -> Any:
        return self._call("agreed")

    def unreadable_inspection(self) -> Any:
        return self._publish("{}", 1)

    def not_anchored(self) -> Any:
        assert self.hand_in().status_code == 201
        return self._publish(statement_document(OPENING).decode(), 1)

    def unknown_inspection(self) -> Any:
        return self.client.get(f"/api/v1/inspections/{'0' * 24}")

    def not_a_party(self) -> Any:
        opening = replace(OPENING, by=f"{STATION:06x}")
        digest = digest_of(statement_document(opening))
        inspection = inspection_text(inspection_id(digest))
        kept = Published(statement_document(opening), EntryId(self.truck.device, 1))
        with self.city.database.transaction() as connection:
            InspectionStore(connection).keep(inspection, opening, kept, now=NOON)
        said = Commit(by=f"{CREW:06x}", at=1, opening=digest.hex(), commitment="00" * 32)
        return self._publish(*self._sealed(said))

    def list_differs(self) -> Any:
        return self._publish(*self._sealed(OPENING))

    def _sealed(self, statement: Statement) -> tuple[str, int]:
        """Hand in an anchor of a statement; return its document and the anchor's seq."""
        document = statement_document(statement)
        digest = digest_of(document)
        seq = self.truck.write(
            Kind.ANCHOR,
            schema=ANCHOR_SCHEMA,
            subject=statement_subject(statement, digest),
            digest=int.from_bytes(digest, "big"),
        )
        assert self.hand_in().status_code == 201
        return document.decode(), seq

    def _publish(self, document: str, seq: int) -> Any:
        body = {"device": device_text(self.truck.device), "seq": seq, "document": document}
        return self.client.post("/api/v1/inspections", json=body)

    def _call(self, key: str) -> Any:
        app: Any = self.client.app
        app.state.services = replace(app.state.services, hotline_key="agreed")
        return self.client.get("/api/v1/hotline/complaints/GZ-1", headers={"Authorization": f"Bearer {key}"})

    def internal_error(self) -> Any:
        with self.city.database.transaction() as connection:
            connection.exec_driver_sql("DROP TABLE lot")
        return self.client.get("/api/v1/lots")

    def _phone(self, days: int = 1) -> JournalWriter:
        phone = self.city.device(CREW, 8, not_after=NOON + days * 86_400)
        self.city.record(self.city.registrars[CREW])
        return phone

    def _renew(self, phone: JournalWriter, secret: int) -> Any:
        body = renewal_of(phone, SigningKey.from_secret(secret))
        return self.client.put(f"/api/v1/devices/{device_text(phone.device)}/renewal", json=body)

    def _code(self) -> str:
        answer = self.client.post("/api/v1/enrolments", json={"organisation": "000002", "role": 1})
        return str(answer.json()["code"])

    def _offer(self, code: str, secret: int) -> Any:
        x, y = SigningKey.from_secret(secret).public
        key = {"x": f"{x:064x}", "y": f"{y:064x}"}
        return self.client.put(f"/api/v1/enrolments/{code}/key", json=key)


class TestEveryProblem:
    @pytest.mark.parametrize("language", ["zh-Hans", "zh-Hant-HK, en;q=0.5", "en", "", "*"])
    @pytest.mark.parametrize("slug", PROBLEMS)
    def test_is_what_somebody_gets(
        self, client: TestClient, city: SmallCity, truck: JournalWriter, slug: str, language: str
    ) -> None:
        client.headers["accept-language"] = language
        answer = getattr(Provoke(client, city, truck), slug.replace("-", "_"))()
        known, body = PROBLEMS[slug], answer.json()
        require_valid(body)
        assert answer.headers["content-type"] == "application/problem+json"
        assert (answer.status_code, body["status"]) == (known.status, known.status)
        assert body["type"] == f"http://testserver/problems/{slug}"
        assert body["retryable"] is known.is_retryable
        assert body["instance"] == answer.request.url.path
        assert body["request_id"] == answer.headers["x-request-id"] != ""
        is_chinese = language != "en"
        assert body["title"] == (known.title_zh if is_chinese else known.title_en)
        assert (known.advice_zh if is_chinese else known.advice_en) in body["detail"]
        assert answer.headers["content-language"] == ("zh-Hans" if is_chinese else "en")
        assert ("errors" in body) is (known.status == 422)
        assert ("retry-after" in answer.headers) is (slug in ("not-ready", "not-recorded-yet", "busy"))

    @pytest.mark.parametrize("slug", PROBLEMS)
    def test_has_a_page_in_both_languages(self, client: TestClient, slug: str) -> None:
        answer = client.get(f"/problems/{slug}")
        assert answer.status_code == 200
        known = PROBLEMS[slug]
        for text in (known.title_zh, known.advice_zh, known.title_en, slug, str(known.status)):
            assert text in unescape(answer.text)

    def test_without_a_page_is_none(self, client: TestClient) -> None:
        assert client.get("/problems/no-such").status_code == 404

    def test_is_in_openapi_with_an_example(self, client: TestClient) -> None:
        found: dict[str, set[int]] = {}
        for calls in client.get("/openapi.json").json()["paths"].values():
            for call in calls.values():
                for status, told in call["responses"].items():
                    content = told.get("content", {}).get("application/problem+json", {})
                    for slug, example in content.get("examples", {}).items():
                        require_valid({**example["value"]})
                        found.setdefault(slug, set()).add(int(status))
        expected = {slug: {known.status} for slug, known in PROBLEMS.items()}
        expected["unknown-device"].add(404)  # where a device is asked for, not spoken for
        assert found == expected

    def test_of_the_domain_has_a_status(self) -> None:
        classes = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, DomainError)]
        # FieldOutOfRange is raised by writers of entries only; nothing over HTTP writes one.
        slugs = {c.slug for c in classes} - {"domain-error", "field-out-of-range"}
        assert slugs <= set(PROBLEMS)

    def test_is_in_the_interface_description(self) -> None:
        told = (ROOT / "docs/spec/api.md").read_text()
        for slug in ("bad-seal", "unknown-device", "wrong-key", "gap", "fork", "malformed-segment"):
            assert f"`{slug}` {PROBLEMS[slug].status}" in told
        for slug in ("invalid-json", "too-large", "segment-too-heavy", "unsupported-media-type", "busy"):
            assert f"`{slug}` {PROBLEMS[slug].status}" in told


class TestRequestIds:
    def test_are_new_for_every_request(self, client: TestClient) -> None:
        ids = {client.get(path).headers["x-request-id"] for path in ("/health", "/nowhere", "/health")}
        assert len(ids) == 3

    def test_of_a_bug_are_in_the_log_and_its_details_nowhere_else(
        self, city: SmallCity, capsys: pytest.CaptureFixture[str]
    ) -> None:
        class Broken(Exception):
            pass

        def fail() -> int:
            raise Broken("the inside of the server")

        with TestClient(
            create_api(city.services(now=fail), max_body_bytes=1000), raise_server_exceptions=False
        ) as client:
            answer = client.get("/api/v1/network")
        assert answer.status_code == 500
        assert "inside" not in answer.text
        logged = capsys.readouterr().out
        assert answer.json()["request_id"] in logged
        assert "the inside of the server" in logged


class TestOddAddresses:
    """Whatever is in a path or a query, nobody gets a 500."""

    @pytest.mark.parametrize(
        ("path", "status"),
        [
            ("/api/v1/entries/0000020000000007/0", 422),
            ("/api/v1/entries/0000020000000007/-1", 422),
            ("/api/v1/entries/0000020000000007/99999999999999999999999", 422),
            ("/api/v1/entries/0000020000000007/99999999999999999999999/bundle", 422),
            ("/api/v1/entries/0000020000000007/x", 422),
            ("/api/v1/entries/00000200000000FF/1", 422),
            ("/api/v1/entries/2/1", 422),
            ("/api/v1/devices/000002000000000", 422),
            ("/api/v1/devices/0000090000000009", 404),
            ("/api/v1/bins/00000000000", 422),
            ("/api/v1/bins/0000000000?", 404),
            ("/api/v1/lots/%00", 422),
            ("/api/v1/lots?given_to=zz", 422),
            ("/api/v1/lots?limit=0", 422),
            ("/api/v1/lots?limit=99999999999999999999", 422),
            ("/api/v1/books/lots?after=%00", 422),
            ("/api/v1/books/lots?after=zz", 422),
            ("/api/v1/books/devices?after=%00", 422),
            ("/api/v1/books/devices?limit=-1", 422),
            ("/api/v1/enrolments/%00", 404),
            ("/api/v1/enrolments/%2e%2e", 404),
            ("/api/v1/enrolments/" + "x" * 5000, 404),
            ("/api/v1/directory", 422),
            ("/api/v1/directory?organisation=000002&site=%00", 422),
            ("/problems/%3Cscript%3E", 404),
            ("/problems/%00", 404),
        ],
    )
    def test_are_answered_with_a_problem(self, client: TestClient, path: str, status: int) -> None:
        answer = client.get(path)
        assert answer.status_code == status, answer.text
        require_valid(answer.json())
        assert "<script>" not in answer.text
        if status == 422:
            assert answer.json()["errors"][0]["pointer"].startswith("/")


def test_an_entry_at_the_end_of_every_range_can_be_asked_for(client: TestClient) -> None:
    last = device_text(device_id((1 << 24) - 1, (1 << 40) - 1))
    assert client.get(f"/api/v1/entries/{last}/{(1 << 40) - 1}").status_code == 404
