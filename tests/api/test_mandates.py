"""Mandates, as the devices that take under them hear of them."""

from __future__ import annotations

from typing import Any

from fastapi.testclient import TestClient
from small_city import CREW, PARK, STATION, SmallCity

from backend.domain.layout import Kind
from backend.domain.types import device_id, device_text, organisation_text

ALL_STREAMS = 0b11110


def grant(city: SmallCity, by: int, to: int, **more: int) -> int:
    writer = city.registrars[by]
    told = {"op": 1, "to": device_id(to, 0), "grams": 100_000, "until": city.clock.now + 3600}
    writer.write(Kind.MANDATE, **{**told, "streams": ALL_STREAMS, **more})
    return writer.next_seq - 1


def ask(client: TestClient, organisation: int) -> list[dict[str, Any]]:
    answer = client.get("/api/v1/mandates", params={"to": organisation_text(organisation)})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["mandates"]
    return found


class TestMandates:
    def test_are_told_to_whom_they_name(self, city: SmallCity, client: TestClient) -> None:
        seq = grant(city, PARK, CREW, site=device_id(PARK, 9), depth=1)
        city.record(city.registrars[PARK])
        (told,) = ask(client, CREW)
        assert told == {
            "principal": device_text(city.registrars[PARK].device),
            "seq": seq,
            "to": device_text(device_id(CREW, 0)),
            "left": 100_000,
            "until": city.clock.now + 3600,
            "depth": 1,
            "streams": ALL_STREAMS,
            "site": device_text(device_id(PARK, 9)),
            "is_revoked": False,
            "parent": "0" * 16,
            "parent_seq": 0,
        }
        assert ask(client, STATION) == []

    def test_are_told_with_those_that_they_were_passed_on_from(self, city: SmallCity, client: TestClient) -> None:
        above = grant(city, PARK, STATION, depth=1)
        city.record(city.registrars[PARK])
        below = grant(city, STATION, CREW, parent=city.registrars[PARK].device, parent_seq=above)
        city.record(city.registrars[STATION])
        assert {(each["principal"], each["seq"]) for each in ask(client, CREW)} == {
            (device_text(city.registrars[PARK].device), above),
            (device_text(city.registrars[STATION].device), below),
        }

    def test_stay_when_they_are_revoked_and_say_so(self, city: SmallCity, client: TestClient) -> None:
        seq = grant(city, PARK, CREW)
        city.registrars[PARK].write(Kind.MANDATE, op=2, parent=city.registrars[PARK].device, parent_seq=seq)
        city.record(city.registrars[PARK])
        assert [each["is_revoked"] for each in ask(client, CREW)] == [True]

    def test_are_not_asked_for_without_an_organisation(self, client: TestClient) -> None:
        assert client.get("/api/v1/mandates").status_code == 422
