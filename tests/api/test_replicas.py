"""Two servers on one PostgreSQL database: either takes segments, one brings them to the chain."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from chain_support import dev_account
from postgres_cluster import postgres_cluster
from running_city import PATIENCE_SECONDS, RELAYER, RunningCity
from small_city import write_lifts
from sqlalchemy import create_engine

from backend.chain.anvil import free_port
from backend.domain.layout import Kind
from backend.domain.types import Role, device_id
from backend.domain.writer import JournalWriter, SigningKey
from backend.simulate.courier import Courier
from backend.store.session import Database

CREW = 2
TRUCKS, LIFTS = 6, 20


@pytest.fixture
def city(tmp_path: Path) -> Iterator[RunningCity]:
    with postgres_cluster() as url_of:
        engine = create_engine(url_of("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql("CREATE DATABASE huanlian")
        engine.dispose()
        made = RunningCity(tmp_path, database_url=url_of("huanlian"))
        yield made
        made.devnet.stop()


def enrol_trucks(city: RunningCity) -> list[JournalWriter]:
    registrar = city.organisation(CREW)
    trucks = []
    for serial in range(7, 7 + TRUCKS):
        truck = JournalWriter(city.network, device_id(CREW, serial), SigningKey.from_secret(serial))
        x, y = truck.public
        registrar.write(Kind.ENROL, device=truck.device, role=Role.CREW, scheme=1, x=x, y=y)
        trucks.append(truck)
    city.hand_in(registrar)
    return trucks


class TestTwoServersOnOneDatabase:
    def test_relay_with_one_leader_and_go_on_when_it_is_killed(self, city: RunningCity) -> None:
        port = free_port()
        second = city.start_replica(port)
        try:
            both = [city.courier, Courier(f"http://127.0.0.1:{port}", patience_seconds=PATIENCE_SECONDS)]
            trucks = enrol_trucks(city)
            for round_number in range(2):
                for number, truck in enumerate(trucks):
                    write_lifts(truck, LIFTS, serial=round_number + 1)
                    both[(number + round_number) % 2].hand_in(truck.cut())
            ends = {truck.device: truck.next_seq - 1 for truck in trucks}
            both[1].wait_recorded(ends, pause_seconds=0.05)
            terms = self._terms(city)
            city.server.send_signal(signal.SIGKILL)
            city.server.wait()
            for truck in trucks:
                write_lifts(truck, LIFTS, serial=3)
                both[1].hand_in(truck.cut())
            both[1].wait_recorded({truck.device: truck.next_seq - 1 for truck in trucks}, pause_seconds=0.05)
            assert self._terms(city) > terms
            totals = both[1].get("/api/v1/totals")
            assert totals["following"]["lifts"] == TRUCKS * LIFTS * 3
            assert totals["following"]["disagreements"] == 0
            for truck in trucks:
                assert city.ledger.next_seq(truck.device) == truck.next_seq
            assert self._nonces(city) == self._sent(city)
        finally:
            second.terminate()
            second.wait()

    @staticmethod
    def _terms(city: RunningCity) -> int:
        return int(_ask(city, "SELECT term FROM lease"))

    @staticmethod
    def _nonces(city: RunningCity) -> int:
        """No nonce was given out twice for different work, and none was left out."""
        assert int(_ask(city, "SELECT count(DISTINCT nonce) - max(nonce) - 1 FROM outgoing_transaction")) == 0
        return int(_ask(city, "SELECT count(DISTINCT nonce) FROM outgoing_transaction"))

    @staticmethod
    def _sent(city: RunningCity) -> int:
        return int(city.rpc.call("eth_getTransactionCount", dev_account(RELAYER).address, "latest"), 16)


def _ask(city: RunningCity, query: str) -> int:
    database = Database(city.database_url)
    with database.transaction(writes=False) as connection:
        found = connection.exec_driver_sql(query).scalar_one()
    database.close()
    return int(found)
