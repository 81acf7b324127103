"""The sample in docs/ says what our verifiers say, though it shares nothing with them."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from proof_cases import CASES, Case

from backend.domain.proof import Verdict

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "docs" / "samples" / "verify.mjs"
NODE = Path(sys.executable).parent / "node"  # installed beside this Python
RAW = [name for name in CASES if name != "passkey"]


def judge(folder: Path, case: Case, data: bytes) -> tuple[int, str]:
    (folder / "bundle.json").write_bytes(data)
    (folder / "trust.json").write_text(json.dumps(case.trust_file))
    command = [str(NODE), str(SAMPLE), str(folder / "bundle.json"), str(folder / "trust.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout


@pytest.mark.parametrize("name", RAW)
def test_finds_true_bundles_consistent(name: str, tmp_path: Path) -> None:
    case = CASES[name]()
    status, said = judge(tmp_path, case, case.data)
    assert (status, said.splitlines()[0]) == (3, str(Verdict.CONSISTENT))
    assert case.bundle.recorded.block_hash.hex() in said


@pytest.mark.parametrize("name", RAW)
def test_finds_changed_ones_invalid(name: str, tmp_path: Path) -> None:
    rng, case = random.Random(name), CASES[name]()
    for _ in range(12):
        changed = bytearray(case.data)
        at = rng.randrange(len(changed))
        changed[at] = rng.choice([byte for byte in b"0123456789abcdef{}[]:," if byte != changed[at]])
        status, said = judge(tmp_path, case, bytes(changed))
        assert (status, said.startswith("INVALID (step ")) == (1, True), (at, said)
