"""A phone's next key: sealed by the one it has, answered by a registrar's seal, and by nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from custody_stories import NOON
from fastapi.testclient import TestClient
from renewing import key_json, renewal_of
from small_city import CREW, PARK, SmallCity, upload_of, write_lifts

from backend.domain.journal import read_entries
from backend.domain.layout import Kind
from backend.domain.types import Role, device_id, device_text
from backend.domain.writer import JournalWriter, SigningKey

DAY = 86_400
NEW_KEY = SigningKey.from_secret(77)
RENEWED = device_id(CREW, 50)


@pytest.fixture
def phone(city: SmallCity) -> JournalWriter:
    """A crew's phone whose certificate ends in nine days."""
    made = city.device(CREW, 8, Role.CREW, not_after=NOON + 9 * DAY)
    city.record(city.registrars[CREW])
    return made


def path_of(device: JournalWriter) -> str:
    return f"/api/v1/devices/{device_text(device.device)}/renewal"


def ask(client: TestClient, phone: JournalWriter, following: SigningKey = NEW_KEY, **change: Any) -> Any:
    return client.put(path_of(phone), json={**renewal_of(phone, following), **change})


def waiting(client: TestClient, organisation: str = "000002") -> list[dict[str, Any]]:
    answer = client.get("/api/v1/renewals", params={"organisation": organisation})
    assert answer.status_code == 200
    renewals: list[dict[str, Any]] = answer.json()["renewals"]
    return renewals


def rotate(city: SmallCity, phone: JournalWriter, key: SigningKey = NEW_KEY, **more: int) -> JournalWriter:
    registrar = city.registrars[CREW]
    x, y = key.public
    fields = {"device": RENEWED, "role": Role.CREW, "scheme": 1, "x": x, "y": y, "replaced": phone.device}
    registrar.write(Kind.ROTATE, **{**fields, **more})
    return registrar


class TestARenewal:
    def test_goes_from_a_sealed_request_to_the_next_certificate(
        self, client: TestClient, city: SmallCity, phone: JournalWriter
    ) -> None:
        asked = ask(client, phone)
        assert asked.status_code == 200
        assert (asked.json()["state"], asked.json()["renewed"], asked.json()["certificate"]) == (
            "waiting",
            None,
            None,
        )
        (shown,) = waiting(client)
        body = renewal_of(phone, NEW_KEY)
        assert (shown["device"], shown["new_key"], shown["seal"], shown["revoked"]) == (
            device_text(phone.device),
            body["new_key"],
            body["seal"],
            False,
        )
        known = client.get(f"/api/v1/devices/{device_text(phone.device)}").json()
        assert shown["certificate"] == known["certificate"] is not None
        segment = rotate(city, phone, not_after=NOON + 35 * DAY).cut()
        assert client.post("/api/v1/segments", json=upload_of(segment)).status_code == 201
        told = ask(client, phone).json()
        assert (told["state"], told["renewed"]) == ("approved", device_text(RENEWED))
        certificate = told["certificate"]
        entries = list(read_entries(bytes.fromhex(certificate["words"])))
        entry = entries[certificate["seq"] - certificate["first_seq"]]
        assert (entry.kind, entry.fields["replaced"]) == (Kind.ROTATE, phone.device)
        assert waiting(client) == []

    def test_lets_both_keys_hand_in_until_the_ledger_ends_the_old_one(
        self, client: TestClient, city: SmallCity, phone: JournalWriter
    ) -> None:
        ask(client, phone)
        segment = rotate(city, phone, not_after=NOON + 35 * DAY).cut()
        client.post("/api/v1/segments", json=upload_of(segment))
        city.record(segment)
        renewed = JournalWriter(phone.network, RENEWED, NEW_KEY)
        for device in (phone, renewed):
            write_lifts(device, 1)
            cut = device.cut()
            answer = client.post("/api/v1/segments", json=upload_of(cut))
            assert (answer.status_code, answer.json()["receipt"]["last_seq"]) == (201, 2)
            city.record(cut)
            entry = client.get(f"/api/v1/entries/{device_text(device.device)}/2").json()
            assert entry["outcome"] == "applied"
        ends = client.get(f"/api/v1/devices/{device_text(phone.device)}").json()["not_after"]
        assert ends == NOON + 3 * DAY

    def test_may_be_asked_again_and_stays_the_same(
        self, client: TestClient, city: SmallCity, phone: JournalWriter
    ) -> None:
        first = ask(client, phone).json()
        city.clock.now += 3600
        assert ask(client, phone).json() == first
        assert len(waiting(client)) == 1

    def test_is_there_also_for_a_phone_that_lay_in_a_drawer(
        self, client: TestClient, city: SmallCity, phone: JournalWriter
    ) -> None:
        city.clock.now += 100 * DAY
        assert ask(client, phone).status_code == 200
        assert len(waiting(client)) == 1

    def test_is_shown_to_its_own_organisation_only(self, client: TestClient, phone: JournalWriter) -> None:
        ask(client, phone)
        assert waiting(client, "000004") == []

    def test_of_a_device_revoked_since_comes_last_and_says_so(
        self, client: TestClient, city: SmallCity, phone: JournalWriter
    ) -> None:
        other = city.device(CREW, 9, Role.CREW, not_after=NOON + DAY)
        registrar = city.registrars[CREW]
        city.record(registrar)
        ask(client, phone)
        city.clock.now += 1
        ask(client, other, SigningKey.from_secret(78))
        registrar.write(Kind.REVOKE, device=phone.device, reason=1)
        client.post("/api/v1/segments", json=upload_of(registrar.cut()))
        shown = [(each["device"], each["revoked"]) for each in waiting(client)]
        assert shown == [(device_text(other.device), False), (device_text(phone.device), True)]

    def test_is_not_answered_by_a_registrar_of_another_organisation(
        self, client: TestClient, city: SmallCity, phone: JournalWriter
    ) -> None:
        ask(client, phone)
        x, y = NEW_KEY.public
        park = city.registrars[PARK]
        park.write(Kind.ENROL, device=device_id(PARK, 50), role=1, scheme=1, x=x, y=y)
        client.post("/api/v1/segments", json=upload_of(park.cut()))
        assert ask(client, phone).json()["state"] == "waiting"


class TestARequest:
    """Whatever is wrong with it, nothing of it is kept."""

    def refused(self, client: TestClient, answer: Any, status: int, slug: str) -> dict[str, Any]:
        assert answer.status_code == status
        body: dict[str, Any] = answer.json()
        assert body["type"].endswith(f"/problems/{slug}")
        assert waiting(client) == []
        return body

    def test_of_an_unknown_device_is_refused(self, client: TestClient, phone: JournalWriter) -> None:
        stranger = JournalWriter(phone.network, device_id(CREW, 99), SigningKey.from_secret(99))
        self.refused(client, ask(client, stranger), 403, "unknown-device")

    def test_with_another_key_than_the_enrolled_is_refused(self, client: TestClient, phone: JournalWriter) -> None:
        thief = JournalWriter(phone.network, phone.device, SigningKey.from_secret(99))
        self.refused(client, ask(client, thief), 403, "wrong-key")

    def test_that_another_key_sealed_is_refused(self, client: TestClient, phone: JournalWriter) -> None:
        thief = JournalWriter(phone.network, phone.device, SigningKey.from_secret(99))
        seal = renewal_of(thief, NEW_KEY)["seal"]
        self.refused(client, ask(client, phone, seal=seal), 403, "bad-seal")

    def test_whose_new_key_was_exchanged_is_refused(self, client: TestClient, phone: JournalWriter) -> None:
        exchanged = key_json(SigningKey.from_secret(78))
        self.refused(client, ask(client, phone, new_key=exchanged), 403, "bad-seal")

    def test_with_a_seal_of_a_journal_is_refused(self, client: TestClient, phone: JournalWriter) -> None:
        write_lifts(phone, 1)
        self.refused(client, ask(client, phone, seal=upload_of(phone.cut())["seal"]), 403, "bad-seal")

    def test_of_a_revoked_device_is_refused(
        self, client: TestClient, city: SmallCity, phone: JournalWriter
    ) -> None:
        registrar = city.registrars[CREW]
        registrar.write(Kind.REVOKE, device=phone.device, reason=1)
        client.post("/api/v1/segments", json=upload_of(registrar.cut()))
        self.refused(client, ask(client, phone), 403, "revoked-device")

    def test_that_comes_too_early_says_from_when_on(
        self, client: TestClient, city: SmallCity, phone: JournalWriter
    ) -> None:
        city.clock.now -= 5 * DAY + 1
        body = self.refused(client, ask(client, phone), 409, "renewal-too-early")
        assert body["from_at"] == NOON - 5 * DAY
        city.clock.now += 1
        assert ask(client, phone).status_code == 200

    @pytest.mark.parametrize(
        ("role", "not_after"), [(Role.CREW, 0), (Role.GATE, NOON + DAY), (Role.REGISTRAR, NOON + DAY)]
    )
    def test_of_a_device_that_is_no_crews_phone_with_an_end_is_refused(
        self, client: TestClient, city: SmallCity, role: Role, not_after: int
    ) -> None:
        device = city.device(CREW, 9, role, not_after=not_after)
        city.record(city.registrars[CREW])
        self.refused(client, ask(client, device), 409, "not-renewable")

    def test_of_a_passkey_is_refused(self, client: TestClient, city: SmallCity, phone: JournalWriter) -> None:
        device = JournalWriter(phone.network, device_id(CREW, 9), SigningKey.from_secret(9))
        x, y = device.public
        passkey = {"device": device.device, "role": Role.CREW, "scheme": 2, "origin": 1 << 60, "x": x, "y": y}
        city.registrars[CREW].write(Kind.ENROL, **passkey, not_after=NOON + DAY)
        city.record(city.registrars[CREW])
        self.refused(client, ask(client, device), 409, "not-renewable")

    def test_for_the_same_key_is_refused(self, client: TestClient, phone: JournalWriter) -> None:
        answer = ask(client, phone, phone.key)
        body = self.refused(client, answer, 422, "malformed-request")
        assert body["errors"][0]["code"] == "same-key"

    @pytest.mark.parametrize(
        "change",
        [
            {"new_key": {"x": "ff" * 32, "y": "ff" * 32}},
            {"new_key": {"x": "00" * 32}},
            {"seal": {"r": "1", "s": "2"}},
            {"seal": None},
            {"more": 1},
        ],
    )
    def test_that_cannot_be_read_is_refused(
        self, client: TestClient, phone: JournalWriter, change: dict[str, Any]
    ) -> None:
        self.refused(client, ask(client, phone, **change), 422, "malformed-request")

    def test_for_another_key_than_the_first_is_refused(self, client: TestClient, phone: JournalWriter) -> None:
        ask(client, phone)
        answer = ask(client, phone, SigningKey.from_secret(78))
        assert answer.status_code == 409
        assert answer.json()["type"].endswith("/problems/renewal-differs")
        (shown,) = waiting(client)
        assert shown["new_key"] == key_json(NEW_KEY)

    def test_is_told_in_chinese_what_is_wrong(self, client: TestClient, phone: JournalWriter) -> None:
        stranger = JournalWriter(phone.network, phone.device, SigningKey.from_secret(99))
        body = renewal_of(stranger, NEW_KEY)
        answer = client.put(path_of(phone), json=body, headers={"accept-language": "zh-CN"})
        assert answer.json()["title"] == "密钥与登记的不符"

    @pytest.mark.parametrize("organisation", ["2", "", "zzzzzz", "0000021"])
    def test_list_of_no_organisation_is_refused(self, client: TestClient, organisation: str) -> None:
        answer = client.get("/api/v1/renewals", params={"organisation": organisation})
        assert answer.status_code == 422
