"""A code, a key, six digits, and a registrar's seal: without the last, nobody is enrolled."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from custody_stories import NETWORK
from fastapi.testclient import TestClient
from renewing import key_json, renewal_of
from small_city import CREW, PARK, SmallCity, upload_of, write_lifts

from backend.api.app import create_api
from backend.domain.journal import Segment, read_entries, roll_head
from backend.domain.layout import Kind
from backend.domain.seal import check_code, is_seal_of, seal_digest
from backend.domain.types import Role, device_id, device_text
from backend.domain.writer import JournalWriter, SigningKey
from backend.store.enrolments import EnrolmentStore
from backend.store.outbox import Outbox

CODES = "/api/v1/enrolments"
Kept = Callable[[], tuple[Any, ...]]


def open_code(client: TestClient, organisation: str = "000002", role: int = 1) -> str:
    answer = client.post(CODES, json={"organisation": organisation, "role": role})
    assert answer.status_code == 201
    return str(answer.json()["code"])


class TestEnrolment:
    def test_goes_from_a_code_to_a_certificate(self, client: TestClient, city: SmallCity) -> None:
        key, device = SigningKey.from_secret(77), device_id(CREW, 50)
        code = open_code(client)
        assert client.get(f"{CODES}/{code}").json()["state"] == "open"
        offered = client.put(f"{CODES}/{code}/key", json=key_json(key))
        assert offered.json() == {"state": "waiting", "check": check_code(*key.public)}
        shown = client.get(f"{CODES}/{code}").json()
        assert (shown["state"], shown["key"], shown["check"]) == (
            "waiting",
            key_json(key),
            offered.json()["check"],
        )
        assert (shown["device"], shown["certificate"]) == (None, None)
        registrar = city.registrars[CREW]
        x, y = key.public
        registrar.write(Kind.SHIFT_END)
        registrar.write(Kind.ENROL, device=device, role=Role.CREW, scheme=1, x=x, y=y)
        assert client.post("/api/v1/segments", json=upload_of(registrar.cut())).status_code == 201
        shown = client.get(f"{CODES}/{code}").json()
        assert (shown["state"], shown["device"]) == ("approved", device_text(device))
        self.require_certificate(shown["certificate"], device, key)
        assert client.get(f"/api/v1/devices/{device_text(device)}").json()["certificate"] == shown["certificate"]

    def require_certificate(self, certificate: dict[str, Any], device: int, key: SigningKey) -> None:
        """A phone that knows the registrar's key only can check another phone by this."""
        words = bytes.fromhex(certificate["words"])
        head = roll_head(bytes.fromhex(certificate["prev_head"]), words)
        entries = list(read_entries(words))
        last = certificate["first_seq"] + len(entries) - 1
        registrar = int(certificate["registrar"], 16)
        digest = seal_digest(NETWORK, device=registrar, seq=last, head=head)
        x, y, r, s = (
            int(certificate[a][b], 16) for a, b in (("key", "x"), ("key", "y"), ("seal", "r"), ("seal", "s"))
        )
        assert is_seal_of(digest, x=x, y=y, r=r, s=s)
        entry = entries[certificate["seq"] - certificate["first_seq"]]
        assert (entry.kind, entry.fields["device"]) == (Kind.ENROL, device)
        assert (entry.fields["x"], entry.fields["y"]) == key.public

    def test_codes_are_new_each_time_and_hold_128_bits(self, client: TestClient) -> None:
        codes = {open_code(client) for _ in range(20)}
        assert len(codes) == 20
        assert all(len(code) == 22 for code in codes)

    def test_the_same_key_may_be_offered_again(self, client: TestClient, city: SmallCity) -> None:
        code, key = open_code(client), SigningKey.from_secret(77)
        first = client.put(f"{CODES}/{code}/key", json=key_json(key))
        city.clock.now += 10_000
        again = client.put(f"{CODES}/{code}/key", json=key_json(key))
        assert first.json()["check"] == again.json()["check"]
        assert again.json()["state"] == "expired"

    def test_of_another_key_is_refused_once_one_is_offered(self, client: TestClient) -> None:
        code = open_code(client)
        client.put(f"{CODES}/{code}/key", json=key_json(SigningKey.from_secret(77)))
        answer = client.put(f"{CODES}/{code}/key", json=key_json(SigningKey.from_secret(78)))
        assert answer.status_code == 409
        assert client.get(f"{CODES}/{code}").json()["key"] == key_json(SigningKey.from_secret(77))

    def test_of_a_passkey_keeps_the_origin_that_the_registrar_compares(self, client: TestClient) -> None:
        code, key = open_code(client, role=5), SigningKey.from_secret(77)
        passkey = {**key_json(key), "origin": "https://bins.example.org:8443"}
        assert client.put(f"{CODES}/{code}/key", json=passkey).status_code == 200
        shown = client.get(f"{CODES}/{code}").json()
        assert (shown["key"], shown["origin"]) == (key_json(key), passkey["origin"])
        for other in (key_json(key), {**passkey, "origin": "https://evil.example"}):
            assert client.put(f"{CODES}/{code}/key", json=other).status_code == 409
        assert client.get(f"{CODES}/{code}").json()["origin"] == passkey["origin"]

    @pytest.mark.parametrize("origin", ["javascript:alert(1)", "https://a.example/path", "HTTPS://A", "", 7])
    def test_of_something_that_is_no_origin_is_refused(self, client: TestClient, origin: object) -> None:
        code = open_code(client)
        key = {**key_json(SigningKey.from_secret(77)), "origin": origin}
        assert client.put(f"{CODES}/{code}/key", json=key).status_code == 422

    def test_ends_after_ten_minutes(self, client: TestClient, city: SmallCity) -> None:
        code = open_code(client)
        city.clock.now += 600
        assert client.get(f"{CODES}/{code}").json()["state"] == "open"
        city.clock.now += 1
        assert client.get(f"{CODES}/{code}").json()["state"] == "expired"
        assert client.put(f"{CODES}/{code}/key", json=key_json(SigningKey.from_secret(7))).status_code == 410

    def test_in_another_organisation_does_not_count(self, client: TestClient, city: SmallCity) -> None:
        key, code = SigningKey.from_secret(77), open_code(client)
        client.put(f"{CODES}/{code}/key", json=key_json(key))
        x, y = key.public
        park = city.registrars[PARK]
        park.write(Kind.ENROL, device=device_id(PARK, 50), role=1, scheme=1, x=x, y=y)
        assert client.post("/api/v1/segments", json=upload_of(park.cut())).status_code == 201
        assert client.get(f"{CODES}/{code}").json()["state"] == "waiting"

    @pytest.mark.parametrize(
        "key",
        [
            {"x": "00" * 32, "y": "00" * 32},
            {"x": "ff" * 32, "y": "ff" * 32},
            {"x": "00" * 32},
            {"x": 5, "y": 6},
            {"x": "0" * 63, "y": "0" * 64},
            {},
        ],
    )
    def test_refuses_what_is_no_key(self, client: TestClient, key: dict[str, Any]) -> None:
        code = open_code(client)
        answer = client.put(f"{CODES}/{code}/key", json=key)
        assert answer.status_code == 422
        assert answer.json()["errors"]
        assert client.get(f"{CODES}/{code}").json()["state"] == "open"

    @pytest.mark.parametrize(
        "request_body",
        [
            {"organisation": "2", "role": 1},
            {"organisation": "000002", "role": 0},
            {"organisation": "000002", "role": 6},
            {"organisation": "000002"},
            {"organisation": "000002", "role": 1, "device": "0000020000000050"},
        ],
    )
    def test_refuses_a_strange_request(self, client: TestClient, request_body: dict[str, Any]) -> None:
        assert client.post(CODES, json=request_body).status_code == 422


class TestWithoutARegistrarsSeal:
    """Every call that writes, by somebody with every power over the server, enrols nobody."""

    def test_no_call_makes_a_device(
        self, client: TestClient, city: SmallCity, truck: JournalWriter, kept: Kept
    ) -> None:
        key, device = SigningKey.from_secret(77), device_id(CREW, 50)
        before = kept()[2:]
        code = open_code(client)
        client.put(f"{CODES}/{code}/key", json=key_json(key))
        # The operator may write into the enrolment's row what it likes.
        with city.database.transaction() as connection:
            connection.exec_driver_sql(f"UPDATE enrolment SET device = '{device_text(device)}'")
            assert EnrolmentStore(connection).find(code) is not None
        assert client.get(f"{CODES}/{code}").json()["state"] == "waiting"
        for sealer in (truck, JournalWriter(NETWORK, device, key)):
            x, y = key.public
            sealer.write(Kind.ENROL, device=device, role=1, scheme=1, x=x, y=y)
            segment = sealer.cut()
            client.post("/api/v1/segments", json=upload_of(segment))
            stolen = upload_of(replace(segment, device=city.registrars[CREW].device))
            client.post("/api/v1/segments", json=stolen)
            client.post("/api/v1/segments/batch", json={"segments": [stolen, upload_of(segment)]})
            client.put("/api/v1/hotline/complaints/1", json=upload_of(segment))
            asked = renewal_of(truck, key) | {"seal": upload_of(segment)["seal"]}
            renewal = f"/api/v1/devices/{device_text(truck.device)}/renewal"
            assert client.put(renewal, json=asked).status_code == 403
            said = {"device": device_text(segment.device), "seq": 0, "document": json.dumps(upload_of(segment))}
            assert client.post("/api/v1/inspections", json=said).status_code == 422
        assert kept()[2:] == before
        assert client.get(f"/api/v1/devices/{device_text(device)}").status_code == 404

    def test_a_row_in_the_database_deceives_the_server_but_not_the_ledger(
        self, client: TestClient, city: SmallCity
    ) -> None:
        key, device = SigningKey.from_secret(77), device_id(CREW, 50)
        with city.database.transaction() as connection:
            from backend.domain.seal import key_hash
            from backend.store.intake import IntakeStore
            from backend.usecases.ports import KnownDevice

            IntakeStore(connection).know_device(
                KnownDevice(device, key_hash(*key.public), 1, 0, False, device_id(CREW, 1), 1)
            )
        thief = JournalWriter(NETWORK, device, key)
        write_lifts(thief, 3)
        segment = thief.cut()
        assert client.post("/api/v1/segments", json=upload_of(segment)).status_code == 201
        city.record(segment)
        shown = client.get(f"/api/v1/devices/{device_text(device)}").json()
        assert (shown["recorded"]["seq"], shown["certificate"]) == (0, None)
        assert client.get(f"/api/v1/entries/{device_text(device)}/2").json()["outcome"] is None
        assert client.get("/api/v1/books/lots").json()["lots"] == []
        assert client.get(f"/api/v1/entries/{device_text(device)}/2/bundle").status_code == 409
        assert len(Outbox(city.database).queued(10)) == 1

    def test_every_call_that_writes_is_known_here(self, client: TestClient) -> None:
        """A new one must be added to the tries above."""
        paths = client.get("/openapi.json").json()["paths"]
        writing = {
            (method, path) for path, calls in paths.items() for method in calls if method not in ("get", "head")
        }
        assert writing == {
            ("post", "/api/v1/segments"),
            ("post", "/api/v1/segments/batch"),
            ("post", "/api/v1/enrolments"),
            ("put", "/api/v1/enrolments/{code}/key"),
            ("put", "/api/v1/devices/{device}/renewal"),
            ("put", "/api/v1/hotline/complaints/{order}"),
            ("post", "/api/v1/inspections"),
        }


class TestLogs:
    def test_hold_no_enrolment_code_and_no_key(
        self, city: SmallCity, client: TestClient, capfd: pytest.CaptureFixture[str]
    ) -> None:
        code, key = open_code(client), SigningKey.from_secret(77)
        client.get(f"{CODES}/{code}")
        client.put(f"{CODES}/{code}/key", json=key_json(key))
        client.put(f"{CODES}/{code}/key", json={"x": code})
        client.delete(f"{CODES}/{code}")
        client.get(f"{CODES}/{code}/../{code}")

        def fail() -> int:
            raise RuntimeError("broken clock")

        broken = create_api(city.services(now=fail), max_body_bytes=10_000)
        with TestClient(broken, raise_server_exceptions=False) as other:
            assert other.get(f"{CODES}/{code}").status_code == 500
        said = "".join(capfd.readouterr())
        assert "broken clock" in said
        assert "/api/v1/enrolments" in said
        assert code not in said
        assert key_json(key)["x"] not in said


def test_a_segment_of_another_network_is_a_bad_seal(client: TestClient, truck: JournalWriter) -> None:
    write_lifts(truck, 1)
    segment = truck.cut()
    elsewhere = JournalWriter(replace(NETWORK, chain_id=1), truck.device, truck.key)
    write_lifts(elsewhere, 1)
    forged: Segment = elsewhere.cut()
    assert forged.words == segment.words
    assert client.post("/api/v1/segments", json=upload_of(forged)).status_code == 403
    assert client.post("/api/v1/segments", json=upload_of(segment)).status_code == 201
