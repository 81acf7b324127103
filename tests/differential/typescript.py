"""The phone's fold, run by Node.js: operations go in as lines of JSON, answers come back."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from backend.domain.seal import SealProof
from backend.domain.types import device_text, lot_text
from tests.differential.operations import Answer, Operation, ProveFork, Record, Settle, Show, World

FOLD = Path(__file__).with_name("fold.ts")


def run_typescript(world: World, operations: Iterable[Operation]) -> tuple[list[Answer], list[dict[str, Any]]]:
    """Return TypeScript's answer to each operation, and all that it keeps after them."""
    lines = [_world_line(world), *(_line(o) | {"ledger": o.ledger} for o in operations)]
    lines += [{"op": "state", "ledger": ledger} for ledger in range(len(world.networks))]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    done = subprocess.run(
        [_node(), str(FOLD), "--openssl"], input=text, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise AssertionError(f"fold.ts ended with {done.returncode}: {done.stderr[-2000:]}")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    answers, states = told[: -len(world.networks)], told[-len(world.networks) :]
    for state in states:
        for totals in ("totals", "day_totals"):
            state[totals] = {key: total for key, total in state[totals].items() if any(total)}
    return answers, states


def _node() -> str:
    """Return the Node.js beside this Python, or the machine's."""
    beside = Path(sys.executable).parent
    found = shutil.which("node", path=f"{beside}{os.pathsep}{os.environ.get('PATH', '')}")
    assert found is not None, "Node.js is not installed: run scripts/setup"
    return found


def _world_line(world: World) -> dict[str, Any]:
    return {
        "chain_id": world.networks[0].chain_id,
        "ledger": world.networks[0].ledger.hex(),
        "successors": [network.ledger.hex() for network in world.networks[1:]],
        "roots": [
            [
                *(f"{organisation:06x}", device_text(root.device), f"{root.key_hash:040x}", root.epoch),
                *(root.is_suspended, root.is_regulator),
            ]
            for organisation, root in world.roots
        ],
        "named_roots": [device_text(device) for device in world.named_roots],
    }


def _line(operation: Operation) -> dict[str, Any]:
    match operation:
        case Record(block_time, segment, _):
            return {
                "op": "record",
                "block_time": block_time,
                "device": device_text(segment.device),
                "first_seq": segment.first_seq,
                "words": segment.words.hex(),
                **_numbers(x=segment.x, y=segment.y, r=segment.r, s=segment.s),
                "assertion": segment.assertion.hex(),
            }
        case Show(_, witness, _):
            return {
                "op": "witness",
                "device": device_text(witness.device),
                "seq": witness.seq,
                "before": witness.before.hex(),
                "words": witness.words.hex(),
                **_numbers(x=witness.x, y=witness.y, r=witness.r, s=witness.s),
                "assertion": witness.assertion.hex(),
            }
        case ProveFork(_, device, one, other, _):
            return {
                "op": "prove_fork",
                "device": device_text(device),
                "seq": one.seq,
                **_numbers(x=one.x, y=one.y),
                "one": _sealed_head(one),
                "other": _sealed_head(other),
            }
        case Settle(block_time, lot, device, max_steps, _):
            ids = {"lot": lot_text(lot), "device": device_text(device)}
            return {"op": "settle", "block_time": block_time, **ids, "max_steps": max_steps}


def _numbers(**values: int) -> dict[str, str]:
    return {name: f"{value:064x}" for name, value in values.items()}


def _sealed_head(proof: SealProof) -> dict[str, str]:
    return {"head": proof.head.hex(), **_numbers(r=proof.r, s=proof.s), "assertion": proof.assertion.hex()}
