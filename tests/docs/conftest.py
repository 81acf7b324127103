"""A town that both samples in docs/ are held against."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from running_city import RunningCity, rpc_of

from backend.domain.custody_state import LotStatus

STATUS, WAITING = 5, (LotStatus.LEAVING, LotStatus.PROMISED)


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCity]:
    """A demo street's morning on a real chain, served by a real server."""
    running = RunningCity(tmp_path_factory.mktemp("balance"))
    seeded = running.huanlian(
        "seed", "--data-dir", str(running.data_dir), "--rpc", rpc_of(running), "--api", running.url
    )
    assert seeded.exit_code == 0, seeded.output
    while any(lot[STATUS] in WAITING for lot in running.courier.get("/api/v1/books/lots")["lots"]):
        time.sleep(0.1)  # steps that waited are settled one after the other
    yield running
    running.stop()


@pytest.fixture(scope="session")
def day(town: RunningCity) -> str:
    midnight = json.loads((town.data_dir / "field" / "demo.json").read_text())["midnight"]
    return str((datetime.fromtimestamp(midnight, UTC) + timedelta(hours=8)).date())
