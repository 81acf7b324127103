from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from console_city import MORNING, NETWORK, City, build_city
from console_client import client_of
from fastapi.testclient import TestClient
from people_city import PeopleCity
from sqlalchemy import Connection

from backend.console.deps import ConsoleDeps
from backend.store.continuity import read_continuity
from backend.store.open_data import OpenData, find_anchors, list_days, read_coverage
from backend.store.slots import BookState
from backend.usecases.continuity import Continuity, Period
from backend.usecases.open_data import DayLine, OpenDataDay
from backend.usecases.views import VerificationReport, VerificationStep

HOSTILE_DETAIL = "<img src=x onerror=alert(1)>"


def verifier(city: City, device: str, seq: int) -> VerificationReport | None:
    """Stand in for the real verifier: whatever is on the ledger is good, but no block is confirmed."""
    with city.read() as reader:
        entry = reader.find_entry(device, seq)
    if entry is None or entry.tx_hash is None:
        return None
    steps = (
        VerificationStep(1, "字节规范", "The bytes are canonical", True, HOSTILE_DETAIL),
        VerificationStep(2, "签封有效", "The seal is good", True, ""),
        VerificationStep(3, "区块可信", "The block is confirmed", None, "no RPC"),
    )
    return VerificationReport("CONSISTENT, BLOCK NOT CHECKED", steps)


def continuity(city: City, period: Period) -> Continuity:
    with city.database.transaction(writes=False) as connection:
        return read_continuity(
            connection, period, now=MORNING, stale_seconds=16, overdue_seconds=600, books_are_level=True
        )


def open_days(city: City) -> list[DayLine]:
    with city.read() as reader:
        return list_days(reader, until_at=reader.present(MORNING) + 1)


def open_day(city: City, date: str) -> OpenDataDay:
    with city.read() as reader:
        data = OpenData(NETWORK).day(reader, date)
        return OpenDataDay(data, read_coverage(reader, data), tuple(find_anchors(reader, date)))


@pytest.fixture(scope="session")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    city = build_city(tmp_path_factory.mktemp("console"))
    yield city
    city.database.close()


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    for name in ("registrar", "verify"):
        (folder / f"{name}.html").write_text(f"<!doctype html><title>{name}</title>")
    return folder


@pytest.fixture(scope="session")
def deps(city: City, dist: Path) -> ConsoleDeps:
    @contextmanager
    def write() -> Iterator[Connection]:
        with city.database.transaction() as connection:
            yield connection

    return ConsoleDeps(
        read=city.read,
        state=lambda: BookState(NETWORK),
        base_url="http://testserver",
        is_demo=True,
        verify_entry=lambda device, seq: verifier(city, device, seq),
        continuity=lambda period: continuity(city, period),
        open_days=lambda: open_days(city),
        open_day=lambda date: open_day(city, date),
        app_dist=dist,
        now=lambda: MORNING,
        write=write,
    )


@pytest.fixture
def client(deps: ConsoleDeps) -> TestClient:
    return client_of(deps)


@pytest.fixture
def people_city(city: City, deps: ConsoleDeps) -> Iterator[PeopleCity]:
    made = PeopleCity(city, deps)
    yield made
    made.empty()
