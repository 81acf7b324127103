from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from fastapi.testclient import TestClient
from small_city import CREW, SmallCity, open_city
from sqlalchemy import func, select

from backend.api.app import create_api
from backend.domain.types import Role
from backend.domain.writer import JournalWriter
from backend.logs import configure_logs
from backend.store.tables import AcceptedSegment, Evidence, KnownDevice, table_of

MAX_BODY_BYTES = 2 * 1024 * 1024


@pytest.fixture(autouse=True)
def _logs() -> Iterator[None]:
    """Log as the server does, to whatever standard output is at the moment."""
    configure_logs("info")
    structlog.configure(cache_logger_on_first_use=False, logger_factory=structlog.PrintLoggerFactory())
    yield
    structlog.reset_defaults()


@pytest.fixture
def city(tmp_path: Path) -> Iterator[SmallCity]:
    made = open_city(tmp_path)
    yield made
    made.database.close()


@pytest.fixture
def client(city: SmallCity) -> Iterator[TestClient]:
    app = create_api(city.services(), max_body_bytes=MAX_BODY_BYTES)
    with TestClient(app, raise_server_exceptions=False) as made:
        made.headers["accept-language"] = "en"
        yield made


@pytest.fixture
def truck(city: SmallCity) -> JournalWriter:
    """A crew's journal that the ledger and the server know."""
    writer = city.device(CREW, 7, Role.CREW)
    city.record(city.registrars[CREW])
    return writer


@pytest.fixture
def kept(city: SmallCity) -> Callable[[], tuple[Any, ...]]:
    """Return how much is stored: what a refusal must not change."""

    def count() -> tuple[Any, ...]:
        with city.database.transaction(writes=False) as connection:
            counts = [
                connection.execute(select(func.count()).select_from(table_of(model))).scalar_one()
                for model in (AcceptedSegment, Evidence)
            ]
            devices = connection.execute(select(table_of(KnownDevice)).order_by("device")).all()
        return (*counts, *map(tuple, devices))

    return count
