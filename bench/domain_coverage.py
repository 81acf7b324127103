"""How much of `backend/domain` its tests and the use cases' reach: every line and every branch, or it fails."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.report import Report

ROOT = Path(__file__).parent.parent


def check_domain_coverage(report: Report) -> None:
    """Run these tests and the vectors under coverage; name every line and branch that was not reached."""
    report.say("\n## What the domain's tests reach\n")
    with tempfile.TemporaryDirectory(prefix="huanlian-coverage-") as folder:
        data = f"--data-file={folder}/coverage"
        run = [sys.executable, "-m", "coverage", "run", data, "--branch", "--source=backend/domain"]
        tests = ["-m", "pytest", "tests/domain", "tests/usecases"]
        for what in (tests, ["--append", "tests/vectors/make.py", "--check"]):
            done = subprocess.run([*run, *what], cwd=ROOT, capture_output=True, text=True, check=False)
            report.check(" ".join(what).strip(), done.returncode == 0, done.stdout.strip().splitlines()[-1:])
        answer = Path(folder) / "coverage.json"
        write = [sys.executable, "-m", "coverage", "json", data, "-q", "-o", str(answer)]
        subprocess.run(write, cwd=ROOT, check=True)
        content = json.loads(answer.read_text())
    for path, file in sorted(content["files"].items()):
        summary = file["summary"]
        lines = ", ".join(map(str, file["missing_lines"]))
        branches = ", ".join(f"{start}→{'exit' if end < 0 else end}" for start, end in file["missing_branches"])
        said = (
            f"lines {summary['covered_lines']}/{summary['num_statements']}, "
            f"branches {summary['covered_branches']}/{summary['num_branches']}"
        )
        said += f"; lines not reached: {lines}" if lines else ""
        said += f"; branches not taken: {branches}" if branches else ""
        report.check(path, not lines and not branches, said)
