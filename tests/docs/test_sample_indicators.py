"""The sample in docs/ computes recovery, closure and coverage from the chain alone, as they are served."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from running_city import RunningCity, rpc_of

SAMPLE = Path(__file__).resolve().parents[2] / "docs" / "samples" / "indicators.py"
COMPUTED = {"recovery", "closure", "coverage"}
Key = tuple[str, str, str]


def served(town: RunningCity, period: str, by: str) -> Any:
    answer = httpx.get(f"{town.url}/api/v1/indicators", params={"period": period, "by": by}, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()


def segments_of(town: RunningCity) -> int:
    return int(town.courier.get("/api/v1/totals")["following"]["segments"])


@pytest.fixture(scope="module")
def counted(town: RunningCity) -> RunningCity:
    """The town once every segment is counted: that runs beside the fold."""
    while served(town, "2026-01", "city")["counted_to_segment"] < segments_of(town):
        time.sleep(0.1)
    return town


def stranger(*arguments: str) -> Any:
    """Run the script with nothing of ours in reach."""
    command = [sys.executable, "-I", "-S", str(SAMPLE), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def fractions(rows: list[dict[str, Any]]) -> dict[Key, tuple[int, int]]:
    return {
        (row["scope"], row["key"], row["indicator"]): (row["numerator"], row["denominator"])
        for row in rows
        if row["indicator"] in COMPUTED
    }


class TestAStrangersIndicators:
    @pytest.mark.parametrize("length", [10, 7])
    def test_are_the_served_ones_to_the_gram(self, counted: RunningCity, day: str, length: int) -> None:
        period = day[:length]
        shown = {by: served(counted, period, by) for by in ("city", "company", "street")}
        block = str(shown["city"]["known_to"]["block"])
        told = stranger(
            period, "--rpc", rpc_of(counted), "--trust", str(counted.data_dir / "trust.json"), "--block", block
        )
        mine = fractions(told["rows"])
        theirs = fractions([row for answer in shown.values() for row in answer["rows"]])
        # A company of which no gram was ever told is served with nothing over nothing.
        assert mine == {key: value for key, value in theirs.items() if key in mine}
        assert all(value == (0, 0) for key, value in theirs.items() if key not in mine)
        above, below = mine["city", "city", "recovery"]
        assert 0 < above < below
        above, below = mine["city", "city", "closure"]
        assert 0 < above < below
        assert mine["city", "city", "coverage"] == (129, 129)

    def test_are_none_of_another_chain(self, counted: RunningCity, day: str, tmp_path: Path) -> None:
        trust = json.loads((counted.data_dir / "trust.json").read_text())
        other = tmp_path / "trust.json"
        other.write_text(json.dumps({**trust, "genesis_hash": "0x" + "00" * 32}))
        command = [sys.executable, "-I", "-S", str(SAMPLE), day, "--rpc", rpc_of(counted), "--trust", str(other)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.strip() == "Unusable: this is not the chain of the trust file"

    def test_are_none_of_a_day_that_no_calendar_has(self) -> None:
        command = [sys.executable, "-I", "-S", str(SAMPLE), "2026-02-30", "--rpc", "nowhere", "--trust", "nowhere"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr.strip()) == (1, "Unusable: 2026-02-30 is no day or month")
