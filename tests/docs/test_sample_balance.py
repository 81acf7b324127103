"""The sample in docs/ computes the served table from the chain alone, to the gram, and misses any receipt."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from running_city import RunningCity, rpc_of

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "docs" / "samples" / "mass_balance.py"
TAKE = 4


def served(town: RunningCity, day: str, **asked: str) -> Any:
    answer = httpx.get(f"{town.url}/api/v1/balance", params={"day": day, **asked}, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()


def stranger(*arguments: str) -> tuple[int, Any]:
    """Run the script with nothing of ours in reach."""
    command = [sys.executable, "-I", "-S", str(SAMPLE), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode in (0, 3), done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.fixture(scope="module")
def from_chain(town: RunningCity) -> list[str]:
    rules = town.folder / "rules.json"
    document = httpx.get(f"{town.url}/api/v1/rules/tolerances", timeout=30).json()["document"]
    rules.write_text(json.dumps(document))
    return ["--rpc", rpc_of(town), "--trust", str(town.data_dir / "trust.json"), "--rules", str(rules)]


class TestAStrangersTable:
    def test_is_the_served_one_to_the_gram(self, town: RunningCity, day: str, from_chain: list[str]) -> None:
        shown = served(town, day)
        status, table = stranger(day, *from_chain, "--block", str(shown["known_to"]["block"]))
        assert table["rows"] == shown["rows"]
        assert table["version"] == shown["version"]
        assert len(table["rows"]) > 8
        assert status == 3

    def test_has_one_red_row_that_a_newcomer_can_find(self, town: RunningCity, day: str) -> None:
        red = [row for row in served(town, day)["rows"] if row["is_red"]]
        assert len(red) == 1
        assert red[0]["product_grams"] > 0
        assert red[0]["error_grams"] > 0

    def test_opens_the_next_day_with_what_lay_there(
        self, town: RunningCity, day: str, from_chain: list[str]
    ) -> None:
        closing = sum(row["closing_grams"] for row in served(town, day)["rows"])
        after = str(datetime.fromisoformat(day).date() + timedelta(days=1))
        _, table = stranger(after, *from_chain)
        assert sum(row["opening_grams"] for row in table["rows"]) == closing > 0
        assert table["rows"] == served(town, after)["rows"]

    def test_is_red_without_any_one_of_the_receipts(
        self, town: RunningCity, day: str, from_chain: list[str], tmp_path: Path
    ) -> None:
        kept = tmp_path / "facts.jsonl"
        _, whole = stranger(day, *from_chain, "--save", str(kept))
        lines = kept.read_text().splitlines()
        takes = [at for at, line in enumerate(lines) if json.loads(line)["kind"] == TAKE]
        assert takes
        for at in takes:
            take = json.loads(lines[at])
            copy = tmp_path / "copy.jsonl"
            copy.write_text("\n".join(lines[:at] + lines[at + 1 :]))
            _, table = stranger(day, "--facts", str(copy))
            organisation = f"{take['device'] >> 40:06x}"
            missing = [
                row
                for row in table["rows"]
                if row["organisation"] == organisation and row["missing_receipts"] and row["is_red"]
            ]
            assert sum(row["error_grams"] for row in missing) == -take["grams"] + _red_before(whole, missing)


def _red_before(whole: Any, rows: list[Any]) -> int:
    """Return the error that these rows had with all receipts there."""
    named = {(row["organisation"], row["site"], row["stream"]) for row in rows}
    return sum(
        row["error_grams"] for row in whole["rows"] if (row["organisation"], row["site"], row["stream"]) in named
    )


class TestAStranger:
    def test_is_told_when_it_is_another_chain(self, town: RunningCity, day: str, tmp_path: Path) -> None:
        trust = json.loads((town.data_dir / "trust.json").read_text())
        other = tmp_path / "trust.json"
        other.write_text(json.dumps({**trust, "genesis_hash": "0x" + "00" * 32}))
        command = [sys.executable, "-I", "-S", str(SAMPLE), day, "--rpc", rpc_of(town), "--trust", str(other)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert done.stderr.strip() == "Unusable: this is not the chain of the trust file"

    def test_is_told_of_a_day_that_no_calendar_has(self) -> None:
        command = [sys.executable, "-I", "-S", str(SAMPLE), "2026-02-30", "--facts", "nowhere"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.strip() == "Unusable: 2026-02-30 is no day"
