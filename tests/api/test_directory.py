"""What a phone downloads for its shift: a route of a thousand bins, small enough for a bad line in the morning."""

from __future__ import annotations

from typing import Any

import pytest
from custody_stories import NETWORK, NOON
from fastapi.testclient import TestClient
from httpx import Response
from sealed_route import (
    HALL,
    OTHER_STREET,
    bins_of,
    lay_out_route,
    name_bins,
    name_sites,
    open_sites,
    place_bins,
)
from small_city import CREW, PARK, SITE, STATION, SmallCity

from backend.domain.journal import read_entry, roll_head, split_entries
from backend.domain.keccak import keccak256
from backend.domain.layout import Kind
from backend.domain.schemes import is_seal
from backend.domain.seal import SealProof, seal_digest
from backend.domain.types import Role, device_id, device_text, organisation_text
from backend.usecases.route_directory import BINS_MAX

_BINS = 1_000
_BYTES_MAX = 2_000_000
OURS = organisation_text(CREW)


def fetch(client: TestClient, **params: Any) -> dict[str, Any]:
    answer = client.get("/api/v1/directory", params={"organisation": OURS, **params})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def slug_of(answer: Response) -> str:
    return str(answer.json()["type"]).rsplit("/", 1)[-1]


def require_sealed(directory: dict[str, Any]) -> int:
    """Check every seal as a stranger would; return how many there are."""
    for run in directory["runs"]:
        words, device = bytes.fromhex(run["words"]), int(run["registrar"], 16)
        last_seq = run["first_seq"] + len(split_entries(words)) - 1
        head = roll_head(bytes.fromhex(run["prev_head"]), words)
        numbers = (
            int(run[part][name], 16) for part, name in (("key", "x"), ("key", "y"), ("seal", "r"), ("seal", "s"))
        )
        proof = SealProof(last_seq, head, *numbers, bytes.fromhex(run["assertion"]))
        assert is_seal(proof, seal_digest(NETWORK, device=device, seq=last_seq, head=head), origin=None)
    return len(directory["runs"])


def entry_at(directory: dict[str, Any], place: dict[str, Any]) -> Any:
    run = directory["runs"][place["run"]]
    return read_entry(split_entries(bytes.fromhex(run["words"]))[place["seq"] - run["first_seq"]])


def numbers_in(directory: dict[str, Any]) -> set[str]:
    """The bins that stand on the route, under a seal or not."""
    sealed = {
        placement["bins"][86 * at : 86 * at + 10]
        for placement in directory["placements"]
        for at, point in enumerate(placement["points"])
        if point is not None
    }
    return sealed | {each["number"] for each in directory["bins"]}


class TestTheDirectory:
    def test_of_a_thousand_bins_is_under_two_megabytes_and_dated(
        self, city: SmallCity, client: TestClient
    ) -> None:
        lay_out_route(city)
        answer = client.get("/api/v1/directory", params={"organisation": OURS, "site": device_text(SITE)})
        directory = answer.json()
        assert len(numbers_in(directory)) == _BINS
        assert all(point["zh"] and point["en"] for point in directory["points"])
        assert len(directory["devices"]) >= 250
        assert directory["dated_at"]
        assert len(answer.content) < _BYTES_MAX, f"{len(answer.content)} bytes"
        assert len({placement["bins"] for placement in directory["placements"]}) == 5

    def test_names_for_each_sealed_thing_the_entry_that_says_it(self, city: SmallCity, client: TestClient) -> None:
        lay_out_route(city, bins=450, crews=3)
        directory = fetch(client)
        assert (directory["chain_id"], directory["ledger"]) == (NETWORK.chain_id, NETWORK.ledger.hex())
        assert require_sealed(directory) > 3
        assert [len(placement["points"]) for placement in directory["placements"]] == [200, 200, 50]
        for placement in directory["placements"]:
            entry = entry_at(directory, placement)
            assert (entry.kind, device_text(entry.fields["site"])) == (Kind.PLACE, placement["site"])
            assert entry.fields["digest"] == int.from_bytes(keccak256(bytes.fromhex(placement["bins"])), "big")
        for device in directory["devices"]:
            entry = entry_at(directory, device)
            assert (entry.kind, device_text(entry.fields["device"])) == (Kind.ENROL, device["device"])
        sealed = {each["id"] for each in directory["sites"] if each["run"] is not None}
        assert sealed == {device_text(SITE), device_text(HALL)}
        assert {entry_at(directory, each).kind for each in directory["sites"] if each["run"] is not None} == {
            Kind.SITE
        }

    def test_leads_from_every_entry_up_to_a_root(self, city: SmallCity, client: TestClient) -> None:
        desk = lay_out_route(city, bins=10, crews=3)
        directory = fetch(client)
        roots = {each["device"] for each in directory["roots"]}
        assert roots == {device_text(device_id(CREW, 1)), device_text(device_id(STATION, 1))}
        (registrar,) = directory["registrars"]
        assert (registrar["device"], registrar["seen_seq"]) == (device_text(desk.device), None)
        assert directory["runs"][registrar["run"]]["registrar"] in roots
        assert {run["registrar"] for run in directory["runs"]} == {*roots, registrar["device"]}

    def test_has_our_own_devices_and_the_gates_where_a_load_may_go(
        self, city: SmallCity, client: TestClient
    ) -> None:
        lay_out_route(city, bins=1, crews=2)
        found = {(each["organisation"], each["role"]) for each in fetch(client)["devices"]}
        assert found == {
            (OURS, int(Role.CREW)),
            (OURS, int(Role.REGISTRAR)),
            (organisation_text(STATION), int(Role.GATE)),
        }, "a station's crews and the gates of somebody without a site are not met"

    def test_leaves_out_who_is_revoked_or_has_ended(self, city: SmallCity, client: TestClient) -> None:
        registrar = city.registrars[CREW]
        city.device(CREW, 5, not_after=NOON + 100)
        gone = city.device(CREW, 6)
        city.device(CREW, 7)
        city.record(registrar)
        registrar.write(Kind.REVOKE, device=gone.device, reason=1, seen_seq=0)
        city.record(registrar)
        before = {each["device"] for each in fetch(client)["devices"]}
        assert before == {device_text(device_id(CREW, serial)) for serial in (5, 7)}
        city.clock.now += 101
        assert [each["device"] for each in fetch(client)["devices"]] == [device_text(device_id(CREW, 7))]

    def test_says_up_to_where_a_revoked_registrar_counts(self, city: SmallCity, client: TestClient) -> None:
        desk = lay_out_route(city, bins=10, crews=3)
        recorded = desk.next_seq - 1
        city.registrars[CREW].write(Kind.REVOKE, device=desk.device, reason=1, seen_seq=0)
        city.record(city.registrars[CREW])
        directory = fetch(client)
        (registrar,) = directory["registrars"]
        assert registrar["seen_seq"] == recorded
        assert len(directory["placements"]) == 1
        assert device_text(desk.device) not in {each["device"] for each in directory["devices"]}


class TestBins:
    def test_that_nobody_sealed_are_told_apart(self, city: SmallCity, client: TestClient) -> None:
        name_sites(city)
        sealed, unsealed = bins_of(10), bins_of(5, first=100)
        name_bins(city, [*sealed, *unsealed])
        place_bins(city, sealed)
        directory = fetch(client)
        assert [each["number"] for each in directory["bins"]] == [f"{b.number:010x}" for b in unsealed]
        assert directory["points"][directory["bins"][0]["point"]]["en"].endswith("block 100")
        assert numbers_in(directory) == {f"{b.number:010x}" for b in (*sealed, *unsealed)}

    def test_that_were_announced_without_a_sealed_entry_are_not_sealed(
        self, city: SmallCity, client: TestClient
    ) -> None:
        city.place_bins()
        directory = fetch(client)
        assert directory["placements"] == []
        assert len(directory["bins"]) == 16

    def test_that_moved_stand_only_where_they_are_now(self, city: SmallCity, client: TestClient) -> None:
        name_sites(city)
        bins = bins_of(4)
        name_bins(city, bins[:2])
        name_bins(city, bins[2:], site=OTHER_STREET)
        place_bins(city, bins)
        place_bins(city, bins[2:], site=OTHER_STREET)
        here = fetch(client, site=device_text(SITE))
        (placement,) = here["placements"]
        assert [point is None for point in placement["points"]] == [False, False, True, True]
        assert len(numbers_in(fetch(client, site=device_text(OTHER_STREET)))) == 2
        assert len(numbers_in(fetch(client))) == 4

    def test_of_a_placement_that_a_newer_one_replaces_come_once(self, city: SmallCity, client: TestClient) -> None:
        name_sites(city)
        bins = bins_of(3)
        name_bins(city, bins)
        place_bins(city, bins)
        place_bins(city, bins[:2])
        directory = fetch(client)
        told = [point for placement in directory["placements"] for point in placement["points"]]
        assert (len(told), sum(point is not None for point in told)) == (5, 3)

    def test_of_an_organisation_with_too_many_wait_for_a_street_to_be_chosen(
        self, city: SmallCity, client: TestClient
    ) -> None:
        name_sites(city)
        open_sites(city)
        name_bins(city, bins_of(BINS_MAX))
        name_bins(city, bins_of(3, first=BINS_MAX + 1), site=OTHER_STREET)
        whole = fetch(client)
        assert (whole["bins_left_out"], whole["bins"], whole["placements"]) == (True, [], [])
        assert whole["streets"] == [
            {"site": device_text(SITE), "bins": BINS_MAX},
            {"site": device_text(OTHER_STREET), "bins": 3},
        ]
        assert whole["sites"]
        street = fetch(client, site=device_text(OTHER_STREET))
        assert (street["bins_left_out"], len(street["bins"])) == (False, 3)

    def test_of_streets_that_are_too_many_together_are_a_problem(
        self, city: SmallCity, client: TestClient
    ) -> None:
        name_bins(city, bins_of(BINS_MAX))
        name_bins(city, bins_of(1, first=BINS_MAX + 1), site=OTHER_STREET)
        params = {"organisation": OURS, "site": [device_text(SITE), device_text(OTHER_STREET)]}
        answer = client.get("/api/v1/directory", params=params)
        assert (answer.status_code, slug_of(answer)) == (413, "route-too-large")
        assert (answer.json()["bins"], answer.json()["bins_max"]) == (BINS_MAX + 1, BINS_MAX)
        assert client.get("/api/v1/directory", params=params, headers={"accept-language": "zh-Hans"}).json()[
            "title"
        ] == ("路线上的桶太多")


class TestAnUnchangedDirectory:
    def test_is_not_sent_again(self, city: SmallCity, client: TestClient) -> None:
        lay_out_route(city, bins=10, crews=3)
        path = f"/api/v1/directory?organisation={OURS}"
        first = client.get(path)
        city.clock.now += 60
        for said in (first.headers["etag"], f"W/{first.headers['etag']}", f'"other", {first.headers["etag"]}'):
            again = client.get(path, headers={"if-none-match": said})
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"] == first.headers["etag"]

    @pytest.mark.parametrize("change", ["device", "bin", "name"])
    def test_is_another_one_after_a_change(self, city: SmallCity, client: TestClient, change: str) -> None:
        lay_out_route(city, bins=10, crews=3)
        path = f"/api/v1/directory?organisation={OURS}"
        tag = client.get(path).headers["etag"]
        if change == "device":
            city.device(CREW, 800)
            city.record(city.registrars[CREW])
        elif change == "bin":
            name_bins(city, bins_of(1, first=900))
        else:
            name_bins(city, bins_of(1, first=901), site=OTHER_STREET)
        again = client.get(path, headers={"if-none-match": tag})
        assert again.status_code == 200
        assert again.headers["etag"] != tag


class TestWhoeverAsks:
    @pytest.mark.parametrize(
        "query",
        [
            "",
            "organisation=",
            "organisation=2",
            "organisation=00000G",
            "organisation=000002&site=%00",
            "organisation=000002&site=0000020000000001&site=x",
            "organisation=" + "0" * 5_000,
            "organisation=000002&" + "&".join(["site=0000020000000001"] * 51),
        ],
    )
    def test_wrongly_gets_a_problem(self, client: TestClient, query: str) -> None:
        answer = client.get(f"/api/v1/directory?{query}")
        assert (answer.status_code, slug_of(answer)) == (422, "malformed-request")
        assert answer.json()["errors"][0]["pointer"] in ("/organisation", "/site", "/site/0", "/site/1")

    def test_for_nobody_we_know_gets_no_bins_and_no_devices(self, city: SmallCity, client: TestClient) -> None:
        lay_out_route(city, bins=10, crews=1)
        directory = fetch(client, organisation="ffffff")
        assert (directory["bins"], directory["placements"], directory["streets"]) == ([], [], [])
        assert {each["organisation"] for each in directory["devices"]} == {organisation_text(STATION)}

    def test_with_a_strange_tag_gets_the_whole(self, city: SmallCity, client: TestClient) -> None:
        lay_out_route(city, bins=1, crews=1)
        for said in ('"', "W/", ", ,", "x" * 5_000, b"\xff\x01"):
            answer = client.get(f"/api/v1/directory?organisation={OURS}", headers={"if-none-match": said})
            assert answer.status_code == 200

    def test_learns_no_gate_of_a_place_that_has_no_site(self, city: SmallCity, client: TestClient) -> None:
        lay_out_route(city, bins=1, crews=1)
        assert organisation_text(PARK) not in {each["organisation"] for each in fetch(client)["devices"]}
