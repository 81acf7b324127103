"""From a device's seal to the ledger and back, on a real chain and a real server."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import httpx
import pytest
from chain_support import ROOT, dev_key
from custody_stories import NOON
from running_city import ADMIN, RELAYER, RunningCity
from small_city import give, upload_of, write_lifts

from backend.chain.contract_errors import ContractError
from backend.chain.ledger_calls import (
    encode_create_organisation,
    encode_propose_registrar,
    encode_record,
    encode_replace_registrar,
)
from backend.chain.ledger_events import SegmentRefused
from backend.chain.ledger_logs import decode_logs
from backend.chain.transactions import send_and_wait
from backend.demo.city import PLAN
from backend.domain.layout import Kind
from backend.domain.seal import key_hash
from backend.domain.types import Refusal, Role, device_id, lot_id, lot_text
from backend.domain.writer import JournalWriter, SigningKey

CREW, STATION, PARK = 2, 3, 4


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCity]:
    city = RunningCity(tmp_path_factory.mktemp("city"))
    yield city
    city.stop()


@dataclass
class People:
    """The devices of three organisations, enrolled by their registrars."""

    registrars: dict[int, JournalWriter]
    truck: JournalWriter
    station: JournalWriter
    park: JournalWriter
    lost: JournalWriter
    expired: JournalWriter


@pytest.fixture(scope="module")
def people(running: RunningCity) -> People:
    registrars = {number: running.organisation(number) for number in (CREW, STATION, PARK)}

    def enrol(organisation: int, serial: int, role: Role, **more: int) -> JournalWriter:
        device = device_id(organisation, serial)
        writer = JournalWriter(running.network, device, SigningKey.from_secret(device))
        x, y = writer.public
        registrars[organisation].write(Kind.ENROL, device=device, role=role, scheme=1, x=x, y=y, **more)
        return writer

    made = People(
        registrars,
        enrol(CREW, 7, Role.CREW),
        enrol(STATION, 7, Role.GATE),
        enrol(PARK, 7, Role.GATE),
        enrol(CREW, 8, Role.CREW),
        enrol(CREW, 9, Role.CREW, not_after=1),
    )
    running.hand_in(*registrars.values())
    return made


class TestALotsJourney:
    """One class, one journey: the tests are its stages, in order."""

    def test_from_street_to_park(self, running: RunningCity, people: People) -> None:
        truck, station, park = people.truck, people.station, people.park
        lot = write_lifts(truck, 300)
        given = give(truck, lot, device_id(STATION, 0))
        grams = sum(1000 + n for n in range(300))
        station.write(Kind.TAKE, **given, grams=grams - 1000, occurred_at=NOON + 900)
        into = lot_id(station.device, 1)
        station.write(Kind.MERGE, lot=lot, into=into, stream=4, grams=grams - 1000)
        onward = give(station, into, park.device)
        park.write(Kind.WEIGH, lot=into, gross=900_000, tare=500_000, net=400_000, ticket=1)
        park.write(Kind.TAKE, **onward, grams=400_000, occurred_at=NOON + 5000)
        # The park's terminal has a signal first: its take waits for the station's give, and that for the truck's.
        running.hand_in(park)
        assert running.entry(park.device, 2)["outcome"] == "deferred"
        running.hand_in(station, truck)
        entry = running.wait_final(truck.device, 1)
        assert (entry["kind_name"], entry["outcome"]) == ("load", "applied")
        while running.entry(park.device, 2)["outcome"] != "applied":
            time.sleep(0.05)  # the relayer settles what is ready
        shown = running.courier.get(f"/api/v1/lots/{lot_text(into)}")
        assert (shown["holder"], shown["grams"], shown["lifts"]) == (f"{park.device:016x}", 400_000, 300)
        on_chain = running.ledger.lot_of(into)
        assert (on_chain.holder, on_chain.grams, on_chain.lifts) == (park.device, 400_000, 300)
        trace = running.courier.get(f"/api/v1/lots/{lot_text(lot)}/trace")
        assert trace["became"] == [lot_text(into)]
        assert trace["ends"][-1]["entry"]["kind_name"] == "take"

    def test_is_counted_to_the_gram(self, running: RunningCity) -> None:
        (line,) = running.courier.get("/api/v1/totals")["totals"]
        chain = running.ledger.totals_of(4)
        assert (line["lifted"], line["gained"], line["out"], line["lost"]) == (
            chain.lifted,
            chain.gained,
            chain.out,
            chain.lost,
        )
        assert line["lifted"] + line["gained"] == line["held"] + line["out"] + line["lost"]

    def test_every_entry_names_its_block(self, running: RunningCity, people: People) -> None:
        for seq in (1, 2, 256, 301, 302):
            entry = running.wait_final(people.truck.device, seq)
            block = running.rpc.call("eth_getBlockByNumber", hex(int(str(entry["block_number"]))), False)
            assert entry["block_hash"] == block["hash"][2:]
            assert "0x" + str(entry["tx_hash"]) in block["transactions"]
            assert entry["received_at"] is not None
            assert entry["recorded_at"] is not None

    def test_strange_devices_are_quarantined(self, running: RunningCity, people: People) -> None:
        people.registrars[CREW].write(Kind.REVOKE, device=people.lost.device)
        running.hand_in(people.registrars[CREW])
        for writer in (people.lost, people.expired):
            lot = write_lifts(writer, 2)
            running.hand_in(writer)
            assert [running.wait_final(writer.device, seq)["outcome"] for seq in (1, 2, 3)] == ["quarantined"] * 3
            assert running.ledger.lot_of(lot).status == 0
        assert running.courier.warnings["revoked-device"] == 1
        assert running.courier.warnings["expired-device"] == 1

    def test_the_audit_agrees(self, running: RunningCity) -> None:
        trust = str(running.data_dir / "trust.json")
        done = running.huanlian("audit", "--trust", trust, "--api", running.url)
        assert done.exit_code == 0, done.output
        assert done.stdout.strip().endswith("everything agrees")

    def test_a_bundle_is_valid_though_the_server_is_gone(
        self, running: RunningCity, people: People, tmp_path: Path
    ) -> None:
        path, trust = tmp_path / "bundle.json", str(running.data_dir / "trust.json")
        bundle = httpx.get(f"{running.url}/api/v1/entries/{people.truck.device:016x}/17/bundle").content
        running.stop_server()
        try:
            path.write_bytes(bundle)
            rpc = f"http://127.0.0.1:{running.rpc_port}"
            done = running.huanlian("verify", str(path), "--trust", trust, "--rpc", rpc)
            assert done.exit_code == 0, done.output
            *_, note, verdict = done.stdout.strip().splitlines()
            assert (verdict, "single sequencer" in note) == ("VALID", True)
            offline = running.huanlian("verify", str(path), "--trust", trust)
            assert (offline.exit_code, "CONSISTENT, BLOCK NOT CHECKED" in offline.stdout) == (3, True)
            away = running.huanlian("verify", str(path), "--trust", trust, "--rpc", "http://127.0.0.1:9")
            assert (away.exit_code, "did not answer" in away.stdout) == (3, True)
            assert len(bundle) <= 100_000
            nodes = json.loads(bundle)["recorded"]["nodes"]
            path.write_bytes(bundle.replace(nodes[-1].encode(), nodes[-1][:-1].encode() + b"f"))
            done = running.huanlian("verify", str(path), "--trust", trust, "--rpc", rpc)
            assert (done.exit_code, "INVALID (step 3: " in done.stdout) == (1, True), done.stdout
        finally:
            running.start_server()


class TestALotsWholeJourney:
    def test_is_proved_by_one_file(self, running: RunningCity, people: People, tmp_path: Path) -> None:
        lot = lot_id(people.truck.device, 1)
        answer = httpx.get(f"{running.url}/api/v1/lots/{lot_text(lot)}/bundle", timeout=60)
        assert answer.status_code == 200, answer.text
        path, trust = tmp_path / "lot.json", str(running.data_dir / "trust.json")
        path.write_bytes(answer.content)
        rpc = f"http://127.0.0.1:{running.rpc_port}"
        done = running.huanlian("verify", str(path), "--trust", trust, "--rpc", rpc)
        assert done.stdout.strip().endswith("VALID"), done.stdout
        for line in (
            "lift x300: ",
            "300 lifts, none left out",
            f"give lot {lot_text(lot)}",
            "weigh lot",
            "take lot",
        ):
            assert line in done.stdout, (line, done.stdout)
        # The park's take had waited for the station's give; its last outcome is proved too.
        assert "deferred" not in done.stdout
        path.write_bytes(answer.content.replace(b'"log":0', b'"log":1', 1))
        done = running.huanlian("verify", str(path), "--trust", trust)
        assert (done.exit_code, "INVALID (step 1: " in done.stdout) == (1, True)

    def test_has_steps_that_waited_and_are_proved_alone_with_their_last_outcome(
        self, running: RunningCity, people: People, tmp_path: Path
    ) -> None:
        path, trust = tmp_path / "take.json", str(running.data_dir / "trust.json")
        path.write_bytes(httpx.get(f"{running.url}/api/v1/entries/{people.park.device:016x}/2/bundle").content)
        done = running.huanlian(
            "verify", str(path), "--trust", trust, "--rpc", f"http://127.0.0.1:{running.rpc_port}"
        )
        assert ("deferred, then applied" in done.stdout, done.exit_code) == (True, 0), done.stdout

    def test_ends_in_the_day_of_a_site(self, running: RunningCity, people: People, tmp_path: Path) -> None:
        site, park = device_id(PARK, 77), people.park
        lot = lot_id(people.station.device, 1)
        seq = park.write(Kind.CLOSE, lot=lot, grams=400_000, fate=2, site=site, occurred_at=NOON + 9000)
        running.hand_in(park)
        recorded_at = datetime.fromisoformat(str(running.entry(park.device, seq)["recorded_at"]))
        date = recorded_at.astimezone(timezone(timedelta(hours=8))).date().isoformat()
        answer = httpx.get(f"{running.url}/api/v1/sites/{site:016x}/days/{date}/bundle", timeout=60)
        assert answer.status_code == 200, answer.text
        path, trust = tmp_path / "day.json", str(running.data_dir / "trust.json")
        path.write_bytes(answer.content)
        rpc = f"http://127.0.0.1:{running.rpc_port}"
        done = running.huanlian("verify", str(path), "--trust", trust, "--rpc", rpc)
        assert done.exit_code == 0, done.stdout
        assert "residue_grams: 400000" in done.stdout

    def test_is_not_there_for_what_is_unknown(self, running: RunningCity) -> None:
        for address, slug in (
            (f"lots/{'0' * 23}9/bundle", "unknown-lot"),
            (f"sites/{'0' * 15}9/days/2026-01-01/bundle", "not-found"),
            (f"sites/{'0' * 15}9/days/2026-13-41/bundle", "not-found"),
        ):
            answer = httpx.get(f"{running.url}/api/v1/{address}")
            assert (answer.status_code, answer.json()["type"].endswith(slug)) == (404, True), answer.text


class TestAnAttackerWithEveryServerKey:
    """The relayer's key, the city's key, the database: none of them makes a device."""

    def test_cannot_enrol_one(self, running: RunningCity, people: People) -> None:
        key, device = SigningKey.from_secret(666), device_id(CREW, 66)
        x, y = key.public
        thief = JournalWriter(running.network, device, key)
        registrar = people.registrars[CREW]
        forged = [
            # An enrolment of itself, sealed by itself; by itself in the registrar's name; by a truck.
            JournalWriter(running.network, device, key),
            JournalWriter(
                running.network, registrar.device, key, next_seq=registrar.next_seq, head=registrar.head
            ),
            JournalWriter(
                running.network, people.truck.device, people.truck.key,
                next_seq=people.truck.next_seq, head=people.truck.head,
            ),
        ]  # fmt: skip
        answers = []
        for writer in forged:
            writer.write(Kind.ENROL, device=device, role=Role.REGISTRAR, scheme=1, x=x, y=y)
            data = encode_record([writer.cut()])
            ledger = running.deployment.custody_ledger
            receipt = send_and_wait(running.rpc, key=dev_key(RELAYER), to=ledger, data=data)
            answers.append(decode_logs(receipt["logs"]))
        refusals = [event.reason for events in answers for event in events if isinstance(event, SegmentRefused)]
        assert refusals == [Refusal.UNKNOWN_DEVICE, Refusal.WRONG_KEY]
        assert running.ledger.device_of(device).key_hash == 0
        self._insert_rows(running, device, key)
        write_lifts(thief, 3)
        upload = thief.cut()
        answer = httpx.post(f"{running.url}/api/v1/segments", json=upload_of(upload))
        assert answer.status_code == 201  # the server believes its own database
        for call in self._registry_calls(device, key_hash(x, y)):
            with pytest.raises(ContractError):
                send_and_wait(running.rpc, key=dev_key(RELAYER), to=running.deployment.actor_registry, data=call)
        # Somebody else's entry goes through after all that; the thief's has not.
        people.station.write(Kind.SHIFT_END)
        running.hand_in(people.station)
        assert running.ledger.device_of(device).key_hash == 0
        assert running.ledger.lot_of(lot_id(device, 1)).status == 0
        assert running.ledger.next_seq(people.registrars[CREW].device) == registrar.next_seq
        assert running.entry(device, 1)["outcome"] is None

    def test_cannot_replace_a_registrar_even_with_the_citys_key_before_72_hours(
        self, running: RunningCity, people: People
    ) -> None:
        key = SigningKey.from_secret(666)
        registry, before = running.deployment.actor_registry, running.ledger.registrar_of(PARK)
        call = encode_propose_registrar(
            organisation=PARK, registrar=device_id(PARK, 66), key_hash=key_hash(*key.public)
        )
        send_and_wait(running.rpc, key=dev_key(ADMIN), to=registry, data=call)
        with pytest.raises(ContractError):
            send_and_wait(running.rpc, key=dev_key(ADMIN), to=registry, data=encode_replace_registrar(PARK))
        assert running.ledger.registrar_of(PARK) == before
        people.registrars[PARK].write(Kind.SHIFT_END)
        running.hand_in(people.registrars[PARK])

    @staticmethod
    def _insert_rows(running: RunningCity, device: int, key: SigningKey) -> None:
        database = sqlite3.connect(running.data_dir / "huanlian.db", timeout=60)
        with database:
            database.execute(
                "INSERT INTO known_device (device, organisation, key_hash, role, not_after, is_revoked)"
                " VALUES (?, '000002', ?, 4, 0, 0)",
                (f"{device:016x}", f"{key_hash(*key.public):040x}"),
            )
        database.close()

    @staticmethod
    def _registry_calls(device: int, key: int) -> list[bytes]:
        return [
            encode_create_organisation(organisation=99, name_digest=bytes(32), registrar=device, key_hash=key),
            encode_create_organisation(organisation=CREW, name_digest=bytes(32), registrar=device, key_hash=key),
            encode_propose_registrar(organisation=CREW, registrar=device, key_hash=key),
            encode_replace_registrar(CREW),
        ]


class TestKilled:
    def test_in_the_middle_of_a_day_nothing_is_lost_or_doubled(self, tmp_path: Path) -> None:
        """The chain and the server are killed while a morning is being handed in."""
        city = RunningCity(tmp_path)
        try:
            header = json.loads(PLAN.read_text(encoding="utf-8").splitlines()[0])
            self._seed_with_kills(city)
            first = city.courier.get("/api/v1/totals")
            assert first["following"]["lifts"] == header["stops"]
            assert sum(t["lifted"] for t in first["totals"]) == header["grams"]
            assert first["following"]["disagreements"] == 0
            for t in first["totals"]:
                assert t["lifted"] + t["gained"] == t["held"] + t["out"] + t["lost"]
            trust = str(city.data_dir / "trust.json")
            audit = city.huanlian("audit", "--trust", trust, "--api", city.url)
            assert audit.stdout.strip().endswith("everything agrees"), audit.output
            head = city.rpc.call("eth_getBlockByNumber", "latest", False)
            city.devnet.kill()
            city.start_chain()
            same = city.rpc.call("eth_getBlockByNumber", head["number"], False)
            assert same["hash"] == head["hash"]
            again = city.huanlian("seed")
            assert again.exit_code == 0, again.output
            assert "known before" in again.stdout
            assert city.courier.get("/api/v1/totals")["totals"] == first["totals"]
        finally:
            city.stop()

    def _seed_with_kills(self, city: RunningCity) -> None:
        environment = {**city.environment, "HUANLIAN_API_URL": city.url, "PATH": "/usr/bin:/bin"}
        command = [sys.executable, "-m", "backend.cli", "seed"]
        seeding = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
        self._wait_for_segments(city, 4, seeding)
        city.kill_server()
        city.start_server()
        self._wait_for_segments(city, 6, seeding)
        city.devnet.kill()
        city.start_chain()
        self._wait_for_segments(city, 9, seeding)
        seeding.kill()  # the devices' side goes down as well
        seeding.wait()
        done = city.huanlian("seed")
        assert done.exit_code == 0, done.output

    @staticmethod
    def _wait_for_segments(city: RunningCity, count: int, seeding: subprocess.Popen[bytes]) -> None:
        """Wait until so many segments are in; a run that has ended needs no more kills."""
        while seeding.poll() is None:
            following = city.courier.get("/api/v1/totals")["following"]
            if following["queued"] + following["segments"] >= count:
                return
            time.sleep(0.02)
