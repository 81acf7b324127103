"""Whatever befalls the city, its books are those of its chain, and the day's facts are those of a quiet day."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import pytest

from tests.faults.injector import (
    NODES,
    Node,
    live_in_peace,
    live_through_a_wipe,
    live_with_faults,
    small_day,
    what_differs,
)

SEED = os.environ.get("HUANLIAN_FAULT_SEED") or secrets.token_hex(4)
FAULTS = int(os.environ.get("HUANLIAN_FAULTS") or max(len(node.kinds) for node in NODES))
"""On each node; each kind strikes at least once."""


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return what the day comes to when nothing befalls it."""
    return live_in_peace(tmp_path_factory.mktemp("quiet"), SEED, faults=FAULTS)


@pytest.mark.parametrize("node", NODES, ids=lambda node: node.name)
def test_a_disturbed_day_is_the_same_day(quiet: list[str], tmp_path: Path, node: Node) -> None:
    print(f"to repeat: HUANLIAN_FAULT_SEED={SEED} HUANLIAN_FAULTS={FAULTS}")
    disturbed = live_with_faults(tmp_path, SEED, node, faults=FAULTS)
    assert disturbed == quiet, what_differs(quiet, disturbed)
    assert not [line for line in quiet if line.startswith('["disagreement"')]


def test_a_chain_that_is_lost_is_filled_again(quiet: list[str], tmp_path: Path) -> None:
    """What was final on it and what still waited: all of it is on the next one, each entry once."""
    print(f"to repeat: HUANLIAN_FAULT_SEED={SEED} HUANLIAN_FAULTS={FAULTS}")
    again = live_through_a_wipe(tmp_path, small_day(SEED, faults=FAULTS), pending=FAULTS)
    assert again == quiet, what_differs(quiet, again)
