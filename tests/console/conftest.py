from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from console_city import NETWORK, City, build_city
from fastapi import FastAPI
from fastapi.testclient import TestClient

from backend.console.deps import ConsoleDeps
from backend.console.routes import add_error_pages, create_console_router
from backend.store.slots import BookState
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


def client_of(deps: ConsoleDeps) -> TestClient:
    app = FastAPI()
    app.include_router(create_console_router(deps))
    add_error_pages(app, deps)
    return TestClient(app, raise_server_exceptions=False)


@pytest.fixture(scope="session")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    city = build_city(tmp_path_factory.mktemp("console"))
    yield city
    city.database.close()


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    (folder / "registrar.html").write_text("<!doctype html><title>registrar</title>")
    return folder


@pytest.fixture(scope="session")
def deps(city: City, dist: Path) -> ConsoleDeps:
    return ConsoleDeps(
        read=city.read,
        state=lambda: BookState(NETWORK),
        base_url="http://testserver",
        is_demo=True,
        verify_entry=lambda device, seq: verifier(city, device, seq),
        app_dist=dist,
    )


@pytest.fixture
def client(deps: ConsoleDeps) -> TestClient:
    return client_of(deps)
