"""Segments come in whole, once, and under their own seal, or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from custody_stories import NETWORK, NOON
from fastapi.testclient import TestClient
from small_city import BINS, CREW, STATION, SmallCity, upload_of, write_lifts

from backend.domain.journal import Segment, evidence_digest
from backend.domain.layout import Kind
from backend.domain.types import Role, device_id, device_text, lot_id
from backend.domain.writer import JournalWriter, SigningKey
from backend.usecases.strange_entries import CLOCK_SKEW_SECONDS

Kept = Callable[[], tuple[Any, ...]]


def slug_of(answer: Any) -> str:
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == answer.status_code
    return str(body["type"].rpartition("/")[2])


class TestHandIn:
    def test_answers_a_receipt_and_the_same_one_for_ever(self, client: TestClient, truck: JournalWriter) -> None:
        write_lifts(truck, 3)
        upload = upload_of(truck.cut())
        first = client.post("/api/v1/segments", json=upload)
        assert first.status_code == 201
        receipt = first.json()["receipt"]
        assert (receipt["first_seq"], receipt["last_seq"], receipt["head"]) == (1, 4, truck.head.hex())
        for _ in range(3):
            again = client.post("/api/v1/segments", json=upload)
            assert again.status_code == 200
            assert again.json()["receipt"] == receipt

    def test_keeps_a_segment_that_was_cut_anew(self, client: TestClient, truck: JournalWriter) -> None:
        write_lifts(truck, 3)
        longer = JournalWriter(NETWORK, truck.device, truck.key)
        write_lifts(longer, 5)
        client.post("/api/v1/segments", json=upload_of(truck.cut()))
        answer = client.post("/api/v1/segments", json=upload_of(longer.cut()))
        assert answer.status_code == 201
        assert (answer.json()["receipt"]["first_seq"], answer.json()["receipt"]["last_seq"]) == (5, 6)
        accepted = client.get(f"/api/v1/devices/{device_text(truck.device)}").json()["accepted"]
        assert accepted == {"seq": 6, "head": longer.head.hex()}

    @pytest.mark.parametrize(
        ("change", "status", "slug"),
        [
            ({"r": 1}, 403, "bad-seal"),
            ({"s": 1}, 403, "bad-seal"),
            ({"words": bytes([19, 1]) + bytes(30)}, 403, "bad-seal"),
            ({"x": 1}, 403, "wrong-key"),
            ({"device": device_id(9, 9)}, 403, "unknown-device"),
            ({"first_seq": 2}, 409, "gap"),
            ({"words": bytes([3, 4]) + bytes(30)}, 422, "malformed-segment"),
            ({"words": bytes([2, 0]) + bytes(30)}, 422, "malformed-segment"),
            ({"words": (bytes([1]) + bytes(31)) * 257}, 422, "malformed-segment"),
            ({"words": (bytes([19, 255]) + bytes(254 * 32 + 30)) * 9}, 413, "segment-too-heavy"),
        ],
    )
    def test_refuses_and_keeps_nothing(
        self, client: TestClient, truck: JournalWriter, kept: Kept, change: dict[str, Any], status: int, slug: str
    ) -> None:  # fmt: skip
        write_lifts(truck, 2)
        before = kept()
        answer = client.post("/api/v1/segments", json=upload_of(replace(truck.cut(), **change)))
        assert (answer.status_code, slug_of(answer)) == (status, slug)
        assert kept() == before
        if slug == "gap":
            assert answer.json()["next_seq"] == 1
            assert answer.json()["retryable"] is True
        if slug == "segment-too-heavy":
            assert answer.json()["entries_max"] == 4

    def test_refuses_a_second_history(self, client: TestClient, truck: JournalWriter, kept: Kept) -> None:
        other = JournalWriter(NETWORK, truck.device, truck.key)
        write_lifts(truck, 2)
        write_lifts(other, 2, serial=2)
        assert client.post("/api/v1/segments", json=upload_of(truck.cut())).status_code == 201
        before = kept()
        answer = client.post("/api/v1/segments", json=upload_of(other.cut()))
        assert (answer.status_code, slug_of(answer)) == (409, "fork")
        assert answer.json()["seq"] == 1
        assert kept() == before

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"[" * 100_000,
            b'{"a":' * 100_000,
            b"\xff\xfe{}",
            b'{"device": "\xe9"}',
            "{}".encode("utf-16"),
            b'{"first_seq": NaN}',
            b'{"first_seq": Infinity}',
            b'{"device": "\\ud800"}',
            b'{"a": 1} {"b": 2}',
            b"\x00" * 1000,
            b"'" * 1000,
        ],
    )
    def test_refuses_what_is_not_json(self, client: TestClient, kept: Kept, body: bytes) -> None:
        before = kept()
        answer = client.post("/api/v1/segments", content=body, headers={"content-type": "application/json"})
        expected = (422, "malformed-request") if not body else (400, "invalid-json")
        assert (answer.status_code, slug_of(answer)) == expected
        assert kept() == before

    def test_refuses_a_key_that_is_there_twice(self, client: TestClient, truck: JournalWriter, kept: Kept) -> None:
        """What one reader takes from the first of two, another takes from the second."""
        write_lifts(truck, 1)
        text = json.dumps(upload_of(truck.cut()))
        before = kept()
        doubled = text[:-1] + ', "first_seq": 1}'
        answer = client.post("/api/v1/segments", content=doubled, headers={"content-type": "application/json"})
        assert (answer.status_code, slug_of(answer)) == (400, "invalid-json")
        assert kept() == before

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"device": "7"}, "/device"),
            ({"device": "000002000000000G"}, "/device"),
            ({"device": "0000020000000ABC"}, "/device"),
            ({"device": 7}, "/device"),
            ({"first_seq": 0}, "/first_seq"),
            ({"first_seq": -1}, "/first_seq"),
            ({"first_seq": 1 << 40}, "/first_seq"),
            ({"first_seq": 1.5}, "/first_seq"),
            ({"first_seq": None}, "/first_seq"),
            ({"words": ""}, "/words"),
            ({"words": "00"}, "/words"),
            ({"words": "zz" * 32}, "/words"),
            ({"words": "00" * 32 + "\n"}, "/words"),
            ({"key": {"x": "00" * 32}}, "/key/y"),
            ({"key": None}, "/key"),
            ({"seal": {"r": "00" * 32, "s": "00" * 31}}, "/seal/s"),
            ({"evidence": {}}, "/evidence"),
            ({"evidence": [{"seq": 1}]}, "/evidence/0/salt"),
            ({"evidence": [{"seq": 1, "salt": "00" * 16, "document": "\0"}]}, "/evidence/0/document"),
            ({"more": 1}, "/more"),
        ],
    )
    def test_names_the_field_that_is_wrong(
        self, client: TestClient, truck: JournalWriter, kept: Kept, change: dict[str, Any], pointer: str
    ) -> None:
        write_lifts(truck, 1)
        before = kept()
        answer = client.post("/api/v1/segments", json={**upload_of(truck.cut()), **change})
        assert (answer.status_code, slug_of(answer)) == (422, "malformed-request")
        assert pointer in [error["pointer"] for error in answer.json()["errors"]]
        assert all(set(error) == {"pointer", "code", "message"} for error in answer.json()["errors"])
        assert kept() == before

    @pytest.mark.parametrize("body", [[], "text", 5, None, True])
    def test_refuses_another_kind_of_value(self, client: TestClient, kept: Kept, body: Any) -> None:
        before = kept()
        answer = client.post("/api/v1/segments", json=body)
        assert (answer.status_code, slug_of(answer)) == (422, "malformed-request")
        assert kept() == before

    def test_takes_the_largest_segment_there_is(self, client: TestClient, truck: JournalWriter) -> None:
        for _ in range(256):
            truck.write_words(bytes([99, 100]) + bytes(100 * 32 - 2))
        answer = client.post("/api/v1/segments", json=upload_of(truck.cut()))
        assert answer.status_code == 201
        assert {w["code"] for w in answer.json()["warnings"]} == {"unknown-kind"}


class TestEvidence:
    def upload(self, truck: JournalWriter, salt: bytes, document: str) -> dict[str, Any]:
        truck.write(Kind.LOAD, lot=lot_id(truck.device, 1), stream=4)
        digest = evidence_digest(salt, document.encode())
        truck.write(Kind.LIFT, bin=BINS[0], stream=4, evidence=digest)
        return upload_of(truck.cut())

    def test_is_kept_when_it_fits_its_digest(self, client: TestClient, truck: JournalWriter, kept: Kept) -> None:
        salt, document = bytes(range(16)), '{"photo":"照片"}'
        upload = self.upload(truck, salt, document)
        evidence = [{"seq": 2, "salt": salt.hex(), "document": document}]
        assert client.post("/api/v1/segments", json={**upload, "evidence": evidence}).status_code == 201
        assert kept()[1] == 1

    @pytest.mark.parametrize(
        ("seq", "salt", "document"),
        [(2, "00" * 16, '{"a":1}'), (2, "11" * 16, '{"a":2}'), (1, "11" * 16, '{"a":1}'), (3, "11" * 16, "")],
    )
    def test_is_refused_with_its_segment_when_it_does_not(
        self, client: TestClient, truck: JournalWriter, kept: Kept, seq: int, salt: str, document: str
    ) -> None:
        upload = self.upload(truck, b"\x11" * 16, '{"a":1}')
        before = kept()
        evidence = [{"seq": seq, "salt": salt, "document": document}]
        answer = client.post("/api/v1/segments", json={**upload, "evidence": evidence})
        assert (answer.status_code, slug_of(answer)) == (422, "malformed-segment")
        assert answer.json()["errors"][0]["pointer"].startswith("/evidence")
        assert kept() == before


def warnings_of(client: TestClient, segment: Segment) -> list[tuple[str, str]]:
    answer = client.post("/api/v1/segments", json=upload_of(segment))
    assert answer.status_code == 201, answer.json()
    for warning in answer.json()["warnings"]:
        assert set(warning) == {"pointer", "seq", "code", "message"}
    return [(w["pointer"], w["code"]) for w in answer.json()["warnings"]]


class TestStrangeFacts:
    """The lorry is never stopped: what is strange is kept, with a warning."""

    def test_of_known_bins_and_an_open_lot_there_is_nothing_to_warn_of(
        self, client: TestClient, city: SmallCity, truck: JournalWriter
    ) -> None:
        city.place_bins()
        write_lifts(truck, 3)
        assert warnings_of(client, truck.cut()) == []

    def test_an_unknown_bin(self, client: TestClient, city: SmallCity, truck: JournalWriter) -> None:
        city.place_bins()
        write_lifts(truck, 1)
        truck.write(Kind.LIFT, bin=0xDEAD, stream=4, grams=1)
        assert warnings_of(client, truck.cut()) == [("/entries/2", "unknown-bin")]

    def test_a_bin_of_another_stream(self, client: TestClient, city: SmallCity, truck: JournalWriter) -> None:
        city.place_bins(stream=3)
        write_lifts(truck, 1)
        assert warnings_of(client, truck.cut()) == [("/entries/1", "wrong-stream")]

    def test_no_lot_and_a_kind_of_the_future(
        self, client: TestClient, city: SmallCity, truck: JournalWriter
    ) -> None:
        city.place_bins()
        truck.write(Kind.LIFT, bin=BINS[0], stream=4, grams=1)
        truck.write_words(bytes([99, 2]) + bytes(62))
        found = warnings_of(client, truck.cut())
        assert found == [("/entries/0", "no-lot"), ("/entries/1", "unknown-kind")]

    def test_a_clock_that_is_ahead(self, client: TestClient, truck: JournalWriter) -> None:
        truck.write(Kind.SHIFT_END, occurred_at=NOON + CLOCK_SKEW_SECONDS)
        truck.write(Kind.SHIFT_END, occurred_at=NOON + CLOCK_SKEW_SECONDS + 1)
        truck.write(Kind.SHIFT_END, occurred_at=(1 << 40) - 1)
        found = warnings_of(client, truck.cut())
        assert found == [("/entries/1", "clock-skew"), ("/entries/2", "clock-skew")]
        shown = client.get(f"/api/v1/entries/{device_text(truck.device)}/3").json()
        assert shown["occurred_at"] == str((1 << 40) - 1)

    def test_a_revoked_device(self, client: TestClient, city: SmallCity, truck: JournalWriter) -> None:
        registrar = city.registrars[CREW]
        registrar.write(Kind.REVOKE, device=truck.device)
        assert warnings_of(client, registrar.cut()) == []
        truck.write(Kind.SHIFT_END)
        assert warnings_of(client, truck.cut()) == [("/entries/0", "revoked-device")]
        assert client.get(f"/api/v1/devices/{device_text(truck.device)}").json()["revoked"] is True

    def test_an_expired_device(self, client: TestClient, city: SmallCity) -> None:
        phone = city.device(CREW, 9, not_after=NOON)
        city.record(city.registrars[CREW])
        phone.write(Kind.SHIFT_END)
        assert warnings_of(client, phone.cut()) == []
        city.clock.now = NOON + 1
        phone.write(Kind.SHIFT_END)
        assert warnings_of(client, phone.cut()) == [("/entries/0", "expired-device")]


class TestWhoMayEnrol:
    """Only a registrar's seal, whatever else somebody holds."""

    def enrol_words(self, writer: JournalWriter, device: int, **more: int) -> JournalWriter:
        new = JournalWriter(NETWORK, device, SigningKey.from_secret(99))
        x, y = new.public
        writer.write(Kind.ENROL, **{"device": device, "role": 1, "scheme": 1, "x": x, "y": y, **more})
        return new

    def test_a_registrar_and_its_device_may_hand_in_at_once(self, client: TestClient, city: SmallCity) -> None:
        new = self.enrol_words(city.registrars[CREW], device_id(CREW, 50))
        assert warnings_of(client, city.registrars[CREW].cut()) == []
        new.write(Kind.SHIFT_END)
        assert warnings_of(client, new.cut()) == []

    @pytest.mark.parametrize(
        ("by", "device", "more"),
        [
            ("crew", device_id(CREW, 50), {}),
            ("other", device_id(CREW, 50), {}),
            ("revoked", device_id(CREW, 50), {}),
            ("expired", device_id(CREW, 50), {}),
            ("own", device_id(CREW, 0), {}),
            ("own", device_id(CREW, 50), {"role": 0}),
            ("own", device_id(CREW, 50), {"role": 6}),
            ("own", device_id(CREW, 50), {"scheme": 3}),
            ("own", device_id(CREW, 50), {"not_after": 1 << 32}),
        ],
    )
    def test_nobody_else_makes_a_device(
        self, client: TestClient, city: SmallCity, kept: Kept, by: str, device: int, more: dict[str, int]
    ) -> None:
        writers = {
            "crew": city.device(CREW, 7),
            "other": city.registrars[STATION],
            "revoked": city.device(CREW, 8, Role.REGISTRAR),
            "expired": city.device(CREW, 9, Role.REGISTRAR, not_after=NOON),
            "own": city.registrars[CREW],
        }
        city.registrars[CREW].write(Kind.REVOKE, device=writers["revoked"].device)
        city.record(city.registrars[CREW])
        city.clock.now = NOON + 1
        before = kept()[2:]
        new = self.enrol_words(writers[by], device, **more)
        warnings_of(client, writers[by].cut())
        assert kept()[2:] == before
        new.write(Kind.SHIFT_END)
        answer = client.post("/api/v1/segments", json=upload_of(new.cut()))
        assert (answer.status_code, slug_of(answer)) == (403, "unknown-device")
        assert answer.json()["retryable"] is True

    def test_a_device_cannot_be_enrolled_over(
        self, client: TestClient, city: SmallCity, truck: JournalWriter
    ) -> None:
        self.enrol_words(city.registrars[CREW], truck.device)
        warnings_of(client, city.registrars[CREW].cut())
        thief = JournalWriter(NETWORK, truck.device, SigningKey.from_secret(99))
        thief.write(Kind.SHIFT_END)
        assert slug_of(client.post("/api/v1/segments", json=upload_of(thief.cut()))) == "wrong-key"
        truck.write(Kind.SHIFT_END)
        assert warnings_of(client, truck.cut()) == []
