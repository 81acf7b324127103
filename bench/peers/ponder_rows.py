"""`python -m bench.peers.ponder_rows`: Ponder, with the same rows as web3_rows.py, in PostgreSQL.

Its work is smaller than ours in the same way. It does keep what it needs to go back, fetches the blocks and the
transactions as well, and copies rows in bulk. The clock runs from the start of its process until the last lift is
in the database; starting Node and Vite takes two or three seconds of that, which `start_seconds` tells.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import IO

import psycopg

from backend.chain.artifacts import CONTRACTS
from backend.chain.deploy import Deployment

_PROJECT = Path(__file__).parent / "ponder"
_SCHEMA = "peer"
# Counting takes Ponder's time too.
_LOOK_SECONDS = 1.0


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser()
    for name in ("rpc", "deployment", "database"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--lifts", type=int, required=True)
    told = parser.parse_args()
    database = told.database.replace("postgresql+psycopg://", "postgresql://")
    environment = {
        **os.environ,
        "PEER_RPC": told.rpc,
        "PEER_LEDGER": Deployment.load(Path(told.deployment)).custody_ledger,
        "PEER_ABI": str(CONTRACTS / "CustodyLedger.json"),
        "PEER_DATABASE": database,
        "PONDER_TELEMETRY_DISABLED": "true",
    }
    command = ["node_modules/.bin/ponder", "start", "--schema", _SCHEMA, "--port", str(_free_port())]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command, cwd=_PROJECT, env=environment, stdout=said, stderr=said, start_new_session=True
        )
        seconds, start_seconds, peak_mb = _wait(process, database, told.lifts, said)
    answer = {"seconds": seconds, "lifts": told.lifts, "disagreements": 0, "peak_mb": peak_mb}
    print(json.dumps({**answer, "start_seconds": start_seconds}))


def _wait(
    process: subprocess.Popen[bytes], database: str, lifts: int, said: IO[bytes]
) -> tuple[float, float, float]:
    """Return after how many seconds all lifts were there, and the tables; and the peak memory."""
    began = time.perf_counter()
    start_seconds = 0.0
    try:
        while (found := _lifts(database)) < lifts:
            if found < 0:
                start_seconds = time.perf_counter() - began
            if process.poll() is not None:
                said.seek(0)
                raise SystemExit(said.read().decode())
            time.sleep(_LOOK_SECONDS)
        return time.perf_counter() - began, start_seconds, _peak_mb(process.pid)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(20)
        shutil.rmtree(_PROJECT / ".ponder", ignore_errors=True)


def _lifts(database: str) -> int:
    """Return how many lifts are there, or -1 before there is a table."""
    with psycopg.connect(database) as connection:
        if connection.execute("SELECT to_regclass(%s)", (f"{_SCHEMA}.lift",)).fetchone() == (None,):
            return -1
        row = connection.execute(f"SELECT count(*) FROM {_SCHEMA}.lift").fetchone()
        return 0 if row is None else int(row[0])


def _peak_mb(pid: int) -> float:
    """Return the largest memory of a process or of one that it started: Node comes by way of a small script."""
    tasks = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    own = next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
    return max([own, *(_peak_mb(int(task)) for task in tasks)])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
