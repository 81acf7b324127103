"""A real server and a real chain that are stopped and started again tell of it themselves."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from postgres_cluster import postgres_cluster
from running_city import PATIENCE_SECONDS, RunningCity
from small_city import write_lifts
from sqlalchemy import create_engine, text

from backend.chain.anvil import free_port
from backend.domain.layout import Kind
from backend.domain.types import Role, device_id
from backend.domain.writer import JournalWriter, SigningKey
from backend.simulate.courier import Courier
from backend.store.session import Database

CREW = 2


class WatchedCity(RunningCity):
    """Tells that it lives every second, and calls backlog whatever waits for one."""

    @property
    def environment(self) -> dict[str, str]:
        return {
            **super().environment,
            "HUANLIAN_HEARTBEAT_SECONDS": "1",
            "HUANLIAN_BACKLOG_AFTER_SECONDS": "0",
        }


@pytest.fixture
def city(tmp_path: Path) -> Iterator[WatchedCity]:
    made = WatchedCity(tmp_path)
    yield made
    made.stop()


def record(url: str) -> dict[str, Any]:
    answer = httpx.get(f"{url}/api/v1/continuity", timeout=30)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


def wait_for(url: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Return the record once it tells this; the runner's own limit ends the wait."""
    while not holds(found := record(url)):
        time.sleep(0.1)
    return found


def at(instant: str) -> int:
    return int(datetime.fromisoformat(instant).timestamp())


def of_kind(found: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [outage for outage in found["outages"] if outage["kind"] == kind]


def truck_of(city: RunningCity) -> JournalWriter:
    registrar = city.organisation(CREW)
    truck = JournalWriter(city.network, device_id(CREW, 7), SigningKey.from_secret(7))
    x, y = truck.public
    registrar.write(Kind.ENROL, device=truck.device, role=Role.CREW, scheme=1, x=x, y=y)
    city.hand_in(registrar)
    return truck


class TestAServerAndAChainThatWereAway:
    def test_tell_of_it_on_the_page_and_in_json(self, city: WatchedCity) -> None:
        truck = truck_of(city)
        write_lifts(truck, 4)
        city.hand_in(truck)

        killed_at = int(time.time())
        city.kill_server()
        city.start_server()
        started_at = int(time.time())
        found = record(city.url)
        down = next(o for o in of_kind(found, "server") if at(o["from_at"]) <= killed_at < at(o["to_at"]))
        assert at(down["to_at"]) <= started_at
        assert not down["is_running"]
        assert found["outage_seconds"]["server"] >= down["seconds"] > 0

        city.devnet.stop()
        write_lifts(truck, 4, serial=2)
        segments = truck.cut_all()
        for segment in segments:
            city.courier.hand_in(segment)
        found = wait_for(
            city.url, lambda told: bool(told["backlogs"]) and any(o["is_running"] for o in of_kind(told, "chain"))
        )
        assert found["waiting"]["segments"] == 1
        assert found["account"]["waiting"] == 1
        page = httpx.get(f"{city.url}/continuity?lang=en", timeout=30).text
        assert "goes on" in page
        city.start_chain()
        city.wait(segments)
        found = wait_for(
            city.url,
            lambda told: not any(span["is_running"] for span in (*told["outages"], *told["backlogs"])),
        )
        silence = of_kind(found, "chain")[0]
        assert silence["seconds"] > 0
        assert silence["drain_seconds"] is not None
        assert found["backlogs"][0]["segments_max"] == 1
        wait_for(city.url, lambda told: told["account"]["on_ledger"] == told["account"]["accepted"] == 3)
        assert record(city.url)["account"]["lost"] == 0
        for language, lost in (("zh", "一段未丢"), ("en", "none lost")):
            page = httpx.get(f"{city.url}/continuity?lang={language}", timeout=30).text
            assert lost in page
            assert page.count('class="strip-out"') == len(found["outages"])

    def test_say_when_they_were_asked_for_a_period_that_there_is_not(self, city: WatchedCity) -> None:
        answer = httpx.get(f"{city.url}/api/v1/continuity?period=year", headers={"Accept-Language": "zh"})
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
        assert answer.json()["errors"][0]["pointer"] == "/period"


class TestTwoReplicas:
    def test_are_up_while_one_of_them_is(self, tmp_path: Path) -> None:
        with postgres_cluster() as url_of:
            engine = create_engine(url_of("postgres"), isolation_level="AUTOCOMMIT")
            with engine.connect() as connection:
                connection.exec_driver_sql("CREATE DATABASE huanlian")
            engine.dispose()
            city = RunningCity(tmp_path, database_url=url_of("huanlian"))
            port = free_port()
            url = f"http://127.0.0.1:{port}"
            second = city.start_replica(port)
            try:
                truck = truck_of(city)
                # Until the first tells again that it lives, it might as well have ended before the second began.
                wait_for(url, lambda found: of_kind(found, "server") == [])
                city.kill_server()
                write_lifts(truck, 4)
                segment = truck.cut()
                courier = Courier(url, patience_seconds=PATIENCE_SECONDS)
                courier.hand_in(segment)
                courier.wait_recorded({truck.device: truck.next_seq - 1}, pause_seconds=0.05)
                assert self._lives(city) == 2
                assert of_kind(record(url), "server") == []
                second.kill()
                second.wait()
                second = city.start_replica(port)
                (down,) = of_kind(record(url), "server")
                assert down["seconds"] > 0
                assert self._lives(city) == 3
            finally:
                second.kill()
                second.wait()
                city.devnet.stop()

    @staticmethod
    def _lives(city: RunningCity) -> int:
        database = Database(city.database_url)
        with database.transaction(writes=False) as connection:
            found = connection.execute(
                text("SELECT count(*) FROM continuity_span WHERE kind = 'server-up'")
            ).scalar_one()
        database.close()
        return int(found)
