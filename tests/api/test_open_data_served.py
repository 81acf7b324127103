"""Open data of a running city: the server, the command and the sample script give the same bytes."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import date as Date
from pathlib import Path
from typing import Any

import httpx
import pytest
from chain_support import ROOT, PlainAnvil
from running_city import RunningCity
from small_city import BINS, write_lifts

from backend.domain.layout import Kind
from backend.domain.types import Role, Stream, device_id, device_text
from backend.domain.writer import JournalWriter
from backend.exchange.scales.config import open_key

CREW, PARK = 2, 4
DAY_SECONDS = 86_400


class DatedCity(RunningCity):
    """On a bare anvil, whose next day can come at once."""

    def start_chain(self) -> None:
        self.devnet = PlainAnvil()  # type: ignore[assignment]
        self.rpc_port = self.devnet.port  # type: ignore[attr-defined]

    def next_day(self) -> None:
        self.rpc.call("evm_increaseTime", DAY_SECONDS)
        self.devnet.mine(4)  # type: ignore[attr-defined]

    @property
    def rpc_url(self) -> str:
        return f"http://127.0.0.1:{self.rpc_port}"

    @property
    def trust(self) -> str:
        return str(self.data_dir / "trust.json")


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatedCity]:
    made = DatedCity(tmp_path_factory.mktemp("city"))
    live_two_days(made)
    yield made
    made.stop()


def device_of(city: DatedCity, registrar: JournalWriter, serial: int, role: Role = Role.CREW) -> JournalWriter:
    key = open_key(city.folder / f"{registrar.device}-{serial}.json")
    writer = JournalWriter(city.network, device_id(registrar.device >> 40, serial), key)
    x, y = writer.public
    registrar.write(Kind.ENROL, device=writer.device, role=role, scheme=1, x=x, y=y)
    return writer


def live_two_days(city: DatedCity) -> None:
    """Two crews lift on two days; a lot is open over midnight, a lift is mixed, one has no lot."""
    crew, park = city.organisation(CREW), city.organisation(PARK)
    trucks = [device_of(city, crew, 7), device_of(city, crew, 8), device_of(city, park, 7)]
    device_of(city, park, 9, Role.OFFICE)
    city.hand_in(crew, park)
    lift = {"bin": BINS[0], "grade": 1, "basis": 1, "occurred_at": 1_700_050_000}
    trucks[0].write(Kind.LIFT, stream=4, grams=77, **lift)
    for number, truck in enumerate(trucks):
        write_lifts(truck, 5 + number)
        truck.write(Kind.LIFT, stream=3, grams=11, **lift)
    city.hand_in(*trucks)
    city.next_day()
    for truck in trucks[:2]:
        truck.write(Kind.LIFT, stream=4, grams=500, **lift)
    city.hand_in(*trucks[:2])
    city.next_day()
    city.hand_in(*(one for one in trucks if one.uncut))


def get(city: DatedCity, path: str) -> Any:
    answer = httpx.get(f"{city.url}/api/v1/open-data{path}", timeout=60)
    answer.raise_for_status()
    return answer


def days(city: DatedCity) -> list[str]:
    return [line["date"] for line in get(city, "").json()["days"]]


def by_script(city: DatedCity, day: str) -> subprocess.CompletedProcess[bytes]:
    command = [
        sys.executable,
        "-I",
        str(ROOT / "docs" / "samples" / "open_data.py"),
        day,
        city.trust,
        city.rpc_url,
    ]
    return subprocess.run(command, capture_output=True, check=False)


class TestADay:
    def test_is_the_same_bytes_from_server_chain_and_script(self, city: DatedCity, tmp_path: Path) -> None:
        listed = days(city)
        assert len(listed) == 2
        for day in listed:
            forms = ("csv", "json", "parquet")
            served = {form: get(city, f"/{day}/lifts.{form}").content for form in forms}
            done = city.huanlian(
                "open-data", day, "--rpc", city.rpc_url, "--trust", city.trust, "--out", str(tmp_path)
            )
            assert done.exit_code == 0, done.output
            for form, content in served.items():
                assert (tmp_path / f"huanlian-{day}-lifts.{form}").read_bytes() == content
                assert hashlib.sha256(content).hexdigest() in done.output
            script = by_script(city, day)
            assert script.stdout == served["csv"]
            assert hashlib.sha256(served["csv"]).hexdigest() in script.stderr.decode()
            told = {file["name"]: file["sha256"] for file in get(city, f"/{day}").json()["files"]}
            assert told == {f"lifts.{form}": hashlib.sha256(c).hexdigest() for form, c in served.items()}

    def test_weighs_what_the_ledger_says_that_each_organisation_lifted(self, city: DatedCity) -> None:
        for day in days(city):
            rows = json.loads(get(city, f"/{day}/lifts.json").content)["rows"]
            number = (Date.fromisoformat(day) - Date(1970, 1, 1)).days
            for organisation in (CREW, PARK):
                on_ledger = sum(
                    city.ledger.day_totals_of(organisation=organisation, day=number, stream=stream).lifted
                    for stream in Stream
                )
                assert on_ledger == sum(row[5] for row in rows if row[0] == f"{organisation:06x}")
        assert sum(row[5] for row in rows) > 0

    def test_is_final_and_names_no_device(self, city: DatedCity) -> None:
        for day in days(city):
            found = get(city, f"/{day}")
            assert found.json()["is_final"]
            assert device_text(device_id(CREW, 7)) not in found.text + get(city, f"/{day}/lifts.json").text
            coverage = found.json()["coverage"]
            assert coverage["devices"]["heard"] == (2 if day == days(city)[0] else 3)
            assert coverage["devices"]["all"] == 3

    def test_shows_on_its_page(self, city: DatedCity) -> None:
        day = days(city)[0]
        digest = hashlib.sha256(get(city, f"/{day}/lifts.csv").content).hexdigest()
        for language, word in (("zh", "已定稿"), ("en", "final")):
            page = httpx.get(f"{city.url}/open-data?lang={language}", timeout=60).text
            assert digest in page
            assert word in page

    @pytest.mark.parametrize(
        ("path", "status"), [("/2026-02-30", 404), ("/yesterday", 422), ("/2026-01-01/x", 404)]
    )
    def test_that_is_none_is_a_problem(self, city: DatedCity, path: str, status: int) -> None:
        answer = httpx.get(f"{city.url}/api/v1/open-data{path}", headers={"Accept-Language": "zh"})
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
        assert httpx.get(f"{city.url}/open-data?day=2026-02-30").status_code == 404


class TestAnAnchor:
    def test_binds_a_final_day_to_the_chain(self, city: DatedCity) -> None:
        day, office = days(city)[-1], device_id(PARK, 9)
        key = city.folder / f"{device_id(PARK, 1)}-9.json"
        sign = ["--device", device_text(office), "--key", str(key)]
        where = ["--rpc", city.rpc_url, "--trust", city.trust, "--api", city.url]
        done = city.huanlian("anchor-open-data", day, *sign, *where)
        assert done.exit_code == 0, done.output
        city.courier.wait_recorded({office: 1}, pause_seconds=0.05)
        (anchor,) = get(city, f"/{day}").json()["anchors"]
        assert anchor["is_this"]
        assert anchor["organisation"] == f"{PARK:06x}"
        assert anchor["sha256"] == hashlib.sha256(get(city, f"/{day}/lifts.csv").content).hexdigest()
        page = httpx.get(f"{city.url}/open-data?day={day}&lang=en", timeout=60).text
        assert "the same as this file" in page

    def test_is_refused_while_the_day_may_still_change(self, city: DatedCity) -> None:
        key = city.folder / f"{device_id(PARK, 1)}-9.json"
        sign = ["--device", device_text(device_id(PARK, 9)), "--key", str(key)]
        where = ["--rpc", city.rpc_url, "--trust", city.trust, "--api", city.url]
        done = city.huanlian("anchor-open-data", "2999-01-01", *sign, *where)
        assert done.exit_code == 1
        assert "not final" in str(done.exception)


class TestTheCommandAndTheScript:
    def test_refuse_what_is_no_day_and_another_chain(self, city: DatedCity, tmp_path: Path) -> None:
        done = city.huanlian("open-data", "20260301", "--rpc", city.rpc_url, "--trust", city.trust)
        assert "YYYY-MM-DD" in str(done.exception)
        other = tmp_path / "trust.json"
        other.write_text(
            json.dumps({**json.loads(Path(city.trust).read_text()), "genesis_hash": "0x" + "11" * 32})
        )
        done = city.huanlian("open-data", "2026-03-01", "--rpc", city.rpc_url, "--trust", str(other))
        assert "another chain" in str(done.exception)
        script = [sys.executable, "-I", str(ROOT / "docs" / "samples" / "open_data.py")]
        for arguments in (["today", city.trust], ["2026-03-01", str(other)], ["2026-03-01", "nowhere.json"]):
            said = subprocess.run([*script, *arguments, city.rpc_url], capture_output=True, check=False)
            assert said.returncode == 1
            assert len(said.stderr.splitlines()) == 1
