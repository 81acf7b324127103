"""Slither over the contracts, and how much of them the Solidity tests reach; both read them through forge."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from bench.report import Report

ROOT = Path(__file__).parent.parent
EXPLANATIONS = Path(__file__).with_name("slither.json")
_LOCK = ROOT / "slither.lock"
# An environment of its own: slither asks for an older web3 than ours.
_ENVIRONMENT = ROOT / ".venv" / "slither"
_SERIOUS = {"High", "Medium"}
LEAST_PERCENT = 95
_ASSEMBLY = re.compile(r"\bassembly\b[^{]*\{")


def check_slither(report: Report) -> None:
    """Fail on a serious finding that nobody has explained, and on an explanation of nothing."""
    report.say("\n## Static analysis of the contracts\n")
    explained = {(item["check"], item["where"]): item["why"] for item in json.loads(EXPLANATIONS.read_text())}
    found = set()
    for finding in _findings():
        if finding["impact"] in _SERIOUS:
            where = _where(finding)
            found.add((finding["check"], where))
            why = explained.get((finding["check"], where))
            said = f"{finding['impact'].lower()} {finding['check']} in {where}"
            report.check(said, why is not None, why or finding["description"].strip().splitlines()[0])
    stale = sorted(f"{check} in {where}" for check, where in explained.keys() - found)
    report.check("every explanation is of a finding", not stale, ", ".join(stale) or f"{len(explained)} of them")


def check_solidity_coverage(report: Report) -> None:
    """Fail where a contract's lines or branches are reached less than they should be."""
    report.say("\n## What the Solidity tests reach\n")
    with tempfile.TemporaryDirectory(prefix="huanlian-coverage-") as folder:
        lcov = Path(folder) / "lcov.info"
        command = ["forge", "coverage", "--ir-minimum", "--report", "lcov", "--report-file", str(lcov)]
        done = _run(command)
        # It also ends with 0 when it could not compile.
        if done.returncode or not lcov.exists():
            report.check("the Solidity tests pass under forge", False, _last_line(done))
            return
        covered = [one for one in read_lcov(lcov.read_text()) if _is_ours(one.path)]
    for one in covered:
        least = min(_percent(*one.lines), _percent(*one.branches))
        said = f"lines {_fraction(*one.lines)}, branches {_fraction(*one.branches)}"
        missing = f"; not reached: {', '.join(one.missing)}" if one.missing else ""
        report.check(one.path, least >= LEAST_PERCENT, said + missing)
    report.check("all contracts were looked at", _our_sources() == {one.path for one in covered}, len(covered))


@dataclass
class Covered:
    """How much of one source the tests reached, outside assembly."""

    path: str
    lines: list[int] = field(default_factory=lambda: [0, 0])
    branches: list[int] = field(default_factory=lambda: [0, 0])
    missing: list[str] = field(default_factory=list)


def read_lcov(text: str) -> Iterator[Covered]:
    """Return the coverage of each source.

    Lines of assembly are left out: built through the IR, forge counts none of them however often they run.
    """
    current, skipped = Covered(""), set[int]()
    for line in text.splitlines():
        name, _, value = line.partition(":")
        numbers = value.split(",")
        if name == "SF":
            current = Covered(value)
            skipped = assembly_lines((ROOT / value).read_text())
        elif name in ("DA", "BRDA") and int(numbers[0]) not in skipped:
            is_reached = numbers[-1] not in ("0", "-")
            counted = current.lines if name == "DA" else current.branches
            counted[0] += is_reached
            counted[1] += 1
            if not is_reached:
                current.missing.append(f"{'line' if name == 'DA' else 'branch at line'} {numbers[0]}")
        elif name == "end_of_record":
            yield current


def assembly_lines(source: str) -> set[int]:
    """Return the numbers of the lines within assembly blocks."""
    lines = set[int]()
    for found in _ASSEMBLY.finditer(source):
        depth, end = 1, found.end()
        while depth:
            depth += {"{": 1, "}": -1}.get(source[end], 0)
            end += 1
        first = source.count("\n", 0, found.start()) + 1
        lines.update(range(first, source.count("\n", 0, end) + 2))
    return lines


def _findings() -> list[dict[str, Any]]:
    _install()
    with tempfile.TemporaryDirectory(prefix="huanlian-slither-") as folder:
        answer = Path(folder) / "slither.json"
        command = [str(_ENVIRONMENT / "bin" / "slither"), ".", "--compile-force-framework", "foundry"]
        command += ["--exclude-dependencies", "--filter-paths", "node_modules|tests/|contracts/mocks"]
        done = _run([*command, "--json", str(answer)])
        if not answer.exists():
            raise RuntimeError(f"slither gave no answer: {_last_line(done)}")
        content = json.loads(answer.read_text())
    if not content["success"]:
        raise RuntimeError(f"slither failed: {content['error']}")
    findings: list[dict[str, Any]] = content["results"].get("detectors", [])
    return findings


def _install() -> None:
    """Install slither at its locked version, unless it is there."""
    key, done = sha256(_LOCK.read_bytes()).hexdigest(), _ENVIRONMENT / ".done"
    if done.exists() and done.read_text() == key:
        return
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(_ENVIRONMENT)], check=True)
    pip = [str(_ENVIRONMENT / "bin" / "python"), "-m", "pip", "install", "-q", "--require-hashes"]
    subprocess.run([*pip, "-r", str(_LOCK)], check=True)
    done.write_text(key)


def _where(finding: dict[str, Any]) -> str:
    """Return the function that a finding is about: `Contract.function(types)`, or the contract."""
    for element in finding["elements"]:
        if element["type"] == "function":
            contract = element["type_specific_fields"]["parent"]["name"]
            return f"{contract}.{element['type_specific_fields']['signature']}"
    return str(finding["elements"][0]["name"])


def _is_ours(path: str) -> bool:
    return path.startswith("contracts/") and not path.startswith("contracts/mocks/")


def _our_sources() -> set[str]:
    """Return the sources that hold code of their own; interfaces and lists of constants have none."""
    sources = {str(path.relative_to(ROOT)) for path in (ROOT / "contracts").rglob("*.sol")}
    return {path for path in sources if _is_ours(path) and "function " in _bodies((ROOT / path).read_text())}


def _bodies(source: str) -> str:
    return "" if re.search(r"^(?:abstract )?interface ", source, re.MULTILINE) else source


def _percent(reached: int, total: int) -> float:
    return 100 * reached / total if total else 100.0


def _fraction(reached: int, total: int) -> str:
    return f"{_percent(reached, total):.2f} % ({reached}/{total})"


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    tools = [str(ROOT / ".venv" / "bin"), str(ROOT / "node_modules" / ".bin")]
    environment = {**os.environ, "PATH": os.pathsep.join([*tools, os.environ["PATH"]])}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def _last_line(done: subprocess.CompletedProcess[str]) -> str:
    lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
    return lines[-1] if lines else f"status {done.returncode}"
