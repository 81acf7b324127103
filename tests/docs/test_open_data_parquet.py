"""What docs/open-data.md says of the Parquet file, found with a reader that is not ours."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from backend.domain.open_data import COLUMNS, DayTable, Row
from backend.domain.parquet import write_parquet

NODE = Path(sys.executable).parent / "node"  # installed beside this Python
READER = Path(__file__).with_name("read_parquet.mjs")
NAMED: dict[str, Any] = {"date": "2026-03-01", "chain_id": 31337, "ledger": "ab" * 20}


def read(content: bytes, folder: Path) -> tuple[dict[str, str], list[list[tuple[str, str]]]]:
    """Return a file's metadata, and its rows as (column, value) in the order of the columns."""
    path = folder / "table.parquet"
    path.write_bytes(content)
    done = subprocess.run([str(NODE), str(READER), str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    about, *rows = (json.loads(line) for line in done.stdout.splitlines())
    return about, [[(name, value) for name, value in row] for row in rows]


def table_of(count: int) -> DayTable:
    rng = random.Random(f"parquet {count}")
    table = DayTable()
    while len(table.rows) < count:
        key = (
            f"{rng.randrange(1 << 24):06x}",
            f"{rng.randrange(1 << 40):010x}",
            "food",
            rng.choice(("", "2026-03-01")),
        )
        lots = set(range(rng.randrange(4)))
        table.rows[key] = Row(
            rng.randrange(200), rng.randrange(1 << 45), lots, rng.randrange(9), rng.randrange(300)
        )
    return table


class TestTheParquetFile:
    @pytest.mark.parametrize("count", [0, 1, 3, 40_000])
    def test_has_the_rows_whose_csv_it_names(self, count: int, tmp_path: Path) -> None:
        table = table_of(count)
        about, rows = read(table.parquet(**NAMED), tmp_path)
        lines = [",".join(COLUMNS), *(",".join(value for _, value in row) for row in rows)]
        as_csv = "".join(line + "\n" for line in lines).encode()
        assert as_csv == table.csv()
        assert hashlib.sha256(as_csv).hexdigest() == about["csv_sha256"]
        assert about["date"] == NAMED["date"]
        assert all([name for name, _ in row] == list(COLUMNS) for row in rows)

    def test_names_another_csv_when_a_gram_is_another(self, tmp_path: Path) -> None:
        table = table_of(3)
        told, _ = read(table.parquet(**NAMED), tmp_path)
        next(iter(table.rows.values())).grams += 1
        assert read(table.parquet(**NAMED), tmp_path)[0]["csv_sha256"] != told["csv_sha256"]


class TestATable:
    def test_keeps_any_text_and_any_64_bit_number(self, tmp_path: Path) -> None:
        # More than fifteen columns: their list has a longer head.
        columns: dict[str, type[str | int]] = {f"文字{n}": str for n in range(9)} | {
            f"n{n}": int for n in range(9)
        }
        texts = ["", "环链", 'a,b"c\n', "\N{PILE OF POO}", "x" * 70_000, "0", "null", " ", "é"]
        numbers = [0, 1, -1, 2**31, -(2**31), 2**63 - 1, -(2**63), 127, 128]
        rows = [[*texts, *numbers], [*texts[::-1], *numbers[::-1]]]
        about, found = read(write_parquet(columns, rows, {"公式": "=1"}), tmp_path)
        assert about == {"公式": "=1"}
        assert [[value for _, value in row] for row in found] == [[str(cell) for cell in row] for row in rows]
        assert [[name for name, _ in row] for row in found] == [list(columns)] * 2
