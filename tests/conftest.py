"""What several folders of tests share; helpers are plain modules beside this file and in `chain/`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

HERE = Path(__file__).parent
for folder in (HERE, HERE / "chain", HERE / "vectors"):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))

# Two cores are shared with whatever else runs: how long an example took says nothing here.
settings.register_profile("project", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The browser comes last: while it is open its event loop runs, and no other can be started beside it."""
    items.sort(key=lambda item: (HERE / "browser") in item.path.parents)
