from __future__ import annotations

from collections.abc import Iterator

import pytest
from chain_support import City, PlainAnvil, RunningDevnet, found_city, start_devnet


@pytest.fixture(scope="session")
def devnet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDevnet]:
    """One durable devnet for all tests that only add to it."""
    running = start_devnet(tmp_path_factory.mktemp("devnet"), "--block-period-ms", "20")
    yield running
    running.stop()


@pytest.fixture
def anvil() -> Iterator[PlainAnvil]:
    """A node of its own, that can be wound back."""
    node = PlainAnvil()
    yield node
    node.stop()


@pytest.fixture(scope="session")
def city(devnet: RunningDevnet) -> City:
    """Contracts and one organisation on the shared devnet."""
    return found_city(devnet.rpc)
