"""What Lighthouse says of a page: four scores, and what costs points."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.browsing import ROOT, middle, use_helpers

CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
RUNS = 3
_PROGRAM = ROOT / "node_modules" / "lighthouse" / "cli" / "index.js"


@dataclass(frozen=True)
class Scores:
    """Of 100, the middle one of several runs; and every audit that was not passed."""

    scores: dict[str, int]
    lost: tuple[str, ...]

    @property
    def shown(self) -> str:
        """Everything in a line."""
        told = ", ".join(f"{name} {score}" for name, score in self.scores.items())
        return told + (f"; not full: {', '.join(self.lost)}" if self.lost else "")


def missing_lighthouse() -> list[str]:
    """Return the program where it is not installed."""
    return [] if _PROGRAM.exists() else [str(_PROGRAM.relative_to(ROOT))]


def look_at(url: str) -> Scores:
    """Load a page as a middling phone on a slow line does, several times, each in a fresh browser."""
    runs = [_run(url) for _ in range(RUNS)]
    scores = {
        name: round(middle([100 * (run["categories"][name]["score"] or 0) for run in runs])) for name in CATEGORIES
    }
    last = runs[-1]
    wanted = {ref["id"] for name in CATEGORIES for ref in last["categories"][name]["auditRefs"] if ref["weight"]}
    lost = [
        f"{audit['id']} {audit.get('displayValue', '')}".strip()
        for audit in last["audits"].values()
        if audit["id"] in wanted and audit["score"] is not None and audit["score"] < 0.9
    ]
    return Scores(scores, tuple(lost))


def _run(url: str) -> dict[str, dict[str, dict[str, object]]]:
    use_helpers()
    from silent_browser import SILENT

    with tempfile.TemporaryDirectory(prefix="huanlian-lighthouse-") as folder:
        answer = Path(folder) / "answer.json"
        command = ["node", str(_PROGRAM), url, "--quiet", "--output=json", f"--output-path={answer}"]
        command += [f"--only-categories={','.join(CATEGORIES)}", "--no-enable-error-reporting"]
        command += [f"--chrome-flags=--headless=new {' '.join(flag for flag in SILENT if ' ' not in flag)}"]
        environment = {
            **os.environ,
            "CHROME_PATH": shutil.which("chromium") or "",
            "PATH": f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
        }
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"lighthouse ended with {done.returncode}: {done.stderr.strip()[-2000:]}")
        content: dict[str, dict[str, dict[str, object]]] = json.loads(answer.read_text())
        return content
