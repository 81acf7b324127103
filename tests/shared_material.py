"""Finds the real material beside the project, or says loudly that it is not there."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data"


def find_shared(name: str) -> Path | None:
    """Return the path of a shared file; without it the test fails, or warns where that was asked for."""
    path = FOLDER / name
    if path.exists():
        return path
    message = f"{name} is not in ../shared/data beside the project: this test met NO real data."
    if os.environ.get("HUANLIAN_WITHOUT_SHARED") != "1":
        pytest.fail(f"{message} Set HUANLIAN_WITHOUT_SHARED=1 to run without it.")
    warnings.warn(message, stacklevel=2)  # pytest shows warnings even with -q
    return None
