"""`python -m bench.peers.web3_rows`: plain web3.py, `get_logs` with ABI decoding, and a row a lift in SQLite.

The peer's work is smaller than ours: it keeps each lift with its bin, lot and grams, indexed by bin and by lot,
but it judges nothing, keeps no custody, checks no answer and could not go back.
"""

from __future__ import annotations

import argparse
import json
import resource
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from web3 import Web3

from backend.chain.artifacts import CONTRACTS
from backend.chain.deploy import Deployment
from backend.domain.journal import read_entries
from backend.domain.layout import Kind

_BLOCKS_A_CALL = 8
_TABLES = """
CREATE TABLE segment (id INTEGER PRIMARY KEY, device TEXT, first_seq INTEGER, head BLOB, block INTEGER, tx BLOB);
CREATE TABLE lift (segment INTEGER, position INTEGER, bin INTEGER, lot TEXT, stream INTEGER, grade INTEGER,
                   basis INTEGER, occurred_at INTEGER, grams INTEGER, outcome INTEGER, evidence BLOB);
CREATE INDEX lift_bin ON lift (bin);
CREATE INDEX lift_lot ON lift (lot);
"""


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser()
    for name in ("rpc", "deployment", "database"):
        parser.add_argument(f"--{name}", required=True)
    told = parser.parse_args()
    deployment = Deployment.load(Path(told.deployment))
    w3 = Web3(Web3.HTTPProvider(told.rpc, request_kwargs={"timeout": 120}))
    abi = json.loads((CONTRACTS / "CustodyLedger.json").read_text())["abi"]
    ledger = w3.eth.contract(address=Web3.to_checksum_address(deployment.custody_ledger), abi=abi)
    database = sqlite3.connect(told.database)
    database.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;" + _TABLES)
    began, lifts, segments, lots = time.perf_counter(), 0, 0, dict[int, int]()
    for first in range(0, w3.eth.block_number + 1, _BLOCKS_A_CALL):
        for event in ledger.events.SegmentRecorded.get_logs(from_block=first, to_block=first + _BLOCKS_A_CALL - 1):
            segments += 1
            args = event["args"]
            database.execute(
                "INSERT INTO segment VALUES (?, ?, ?, ?, ?, ?)",
                (
                    segments,
                    f"{args['device']:016x}",
                    args["firstSeq"],
                    args["head"],
                    event["blockNumber"],
                    event["transactionHash"],
                ),
            )
            rows = list(_rows(segments, args, lots))
            lifts += len(rows)
            database.executemany("INSERT INTO lift VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        database.commit()
    seconds = time.perf_counter() - began
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "lifts": lifts, "disagreements": 0, "peak_mb": peak_mb}))


def _rows(segment: int, args: Any, lots: dict[int, int]) -> Iterator[tuple[Any, ...]]:
    for position, entry in enumerate(read_entries(args["words"])):
        f = entry.fields
        if entry.kind == Kind.LOAD:
            lots[args["device"]] = f["lot"]
        elif entry.kind == Kind.LIFT:
            lot = f"{lots.get(args['device'], 0):024x}"
            fields = (f["bin"], lot, f["stream"], f["grade"], f["basis"], f["occurred_at"], f["grams"])
            yield segment, position, *fields, args["outcomes"][position], f["evidence"].to_bytes(15, "big")


if __name__ == "__main__":
    main()
