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


def is_settled(running: RunningCity) -> bool:
    """Say whether all that was handed in is in the books, and no lot waits for its counterpart."""
    following = running.courier.get("/api/v1/totals")["following"]
    lots = running.courier.get("/api/v1/books/lots")["lots"]
    return following["queued"] == 0 and bool(lots) and not any(lot[STATUS] in WAITING for lot in lots)


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCity]:
    """A demo street's morning on a real chain, served by a real server."""
    running = RunningCity(tmp_path_factory.mktemp("balance"))
    seeded = running.huanlian(
        "seed", "--data-dir", str(running.data_dir), "--rpc", rpc_of(running), "--api", running.url
    )
    assert seeded.exit_code == 0, seeded.output
    while not is_settled(running):
        time.sleep(0.1)  # steps that waited are settled one after the other
    yield running
    running.stop()


@pytest.fixture(scope="session")
def day(town: RunningCity) -> str:
    midnight = json.loads((town.data_dir / "field" / "demo.json").read_text())["midnight"]
    return str((datetime.fromtimestamp(midnight, UTC) + timedelta(hours=8)).date())
