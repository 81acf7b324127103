"""Real cities on the real material beside the project: a day of Taipei's trucks, Hong Kong's collection points.

A whole day of truck stops goes through import and simulation into the ledger while the chain and the server are
killed in the middle; then the totals, the audit, a second run and every bin's trace are looked at.
"""

from __future__ import annotations

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from backend.domain.layout import Kind
from backend.domain.types import Outcome
from backend.store.directory import DirectoryStore
from backend.store.reading import Reader
from backend.store.session import Database
from bench.report import Report

ROOT = Path(__file__).parent.parent
POINTS = ROOT.parent / "shared" / "data" / "points"
TAIPEI = POINTS / "taipei-truck-stops-2026-07-01.csv"
HONG_KONG = POINTS / "hong-kong-collection-points-2020-12.csv"
_READY_SECONDS = 240


class NotProved(Exception):
    """Something does not hold."""


class City:
    """`huanlian up` in a process of its own, on free ports, that can be killed and started again."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.port, self.rpc_port = _free_port(), _free_port()
        self.api, self.rpc = f"http://127.0.0.1:{self.port}", f"http://127.0.0.1:{self.rpc_port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start everything, and wait until it can take segments."""
        log = (self.data_dir.parent / "up.log").open("ab")
        command = [*_huanlian("up"), "--data-dir", str(self.data_dir), "--port", str(self.port)]
        self._process = subprocess.Popen(
            [*command, "--rpc-port", str(self.rpc_port)], stdout=log, stderr=log, start_new_session=True
        )
        deadline = time.monotonic() + _READY_SECONDS
        while not ((self.data_dir / "seeded").exists() and _is_ready(self.api)):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise NotProved(f"the city did not start; see {log.name}")
            time.sleep(0.3)

    def kill(self, pattern: str) -> None:
        """Kill one part with SIGKILL, wait until all the rest has ended, and start again."""
        subprocess.run(["pkill", "-KILL", "-f", f"{pattern}.*{self.data_dir}|{pattern}.*{self.port}"], check=False)
        assert self._process is not None
        self._process.wait(60)
        self.start()

    def stop(self) -> None:
        """End everything as Ctrl-C does."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(60)

    def run(self, *arguments: str, may_fail: bool = False) -> str:
        """Run a command of the product against this city; return what it printed."""
        done = subprocess.run([*_huanlian(*arguments)], env=self.environment, capture_output=True, text=True)
        if done.returncode and not may_fail:
            raise NotProved(f"huanlian {' '.join(arguments)}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    @property
    def environment(self) -> dict[str, str]:
        """What a command needs to find this city."""
        return {
            **os.environ,
            "HUANLIAN_DATA_DIR": str(self.data_dir),
            "HUANLIAN_RPC_URLS": self.rpc,
            "HUANLIAN_API_URL": self.api,
        }

    def totals(self) -> Any:
        """Return the conservation lines that the server shows."""
        return httpx.get(f"{self.api}/api/v1/totals", timeout=30).json()


def missing_material() -> list[str]:
    """Return the files that would be needed and are not there."""
    return [str(path) for path in (TAIPEI, HONG_KONG) if not path.exists()]


def prove(report: Report) -> None:
    """Live a day of Taipei's and import Hong Kong, on a city of their own."""
    with tempfile.TemporaryDirectory(prefix="huanlian-prove-") as folder:
        city = City(Path(folder) / "data")
        try:
            city.start()
            prove_taipei(city, report, Path(folder))
            prove_hong_kong(city, report, Path(folder))
        except (NotProved, httpx.HTTPError) as error:
            report.check("it ran to the end", False, error)
        finally:
            city.stop()


def prove_taipei(city: City, report: Report, folder: Path) -> None:
    """Import, plan and simulate a day with kills in the middle; then look at everything."""
    report.say("## A day of Taipei's trucks, with kills in the middle\n")
    rows = _count_rows(TAIPEI)
    imported = _import(city, TAIPEI, "taipei", folder / "taipei.json")
    report.check(
        "imported + refused = rows of the file",
        imported["imported"] + imported["refused"] == rows,
        f"{imported['imported']} + {imported['refused']} = {rows}",
    )
    plan = folder / "taipei.jsonl"
    city.run("plan", "--source", "taipei-trucks", "--out", str(plan))
    header = json.loads(plan.read_text(encoding="utf-8").splitlines()[0])
    before = city.totals()["following"]["lifts"]
    _simulate_with_kills(city, report, plan)
    lifts = city.totals()["following"]["lifts"] - before
    report.check("lifts on chain = stops imported", lifts == header["stops"] == imported["imported"], lifts)
    first = city.totals()
    _check_conservation(report, first)
    audit = city.run("audit", "--trust", str(city.data_dir / "trust.json"), "--api", city.api, may_fail=True)
    report.check("audit agrees", audit.strip().endswith("everything agrees"), audit.strip().splitlines()[0])
    said = city.run("simulate", "--plan", str(plan), "--api", city.api, "--rpc", city.rpc)
    second = city.totals()
    report.check(
        "a second run changes no total", second["totals"] == first["totals"], said.strip().splitlines()[-1]
    )
    city.kill("backend.chain.devnet")
    report.check(
        "nor does a killed chain", city.totals()["totals"] == first["totals"], "same totals after restart"
    )
    _check_traces(city, report)


def _simulate_with_kills(city: City, report: Report, plan: Path) -> None:
    command = _huanlian("simulate", "--plan", str(plan), "--api", city.api, "--rpc", city.rpc)
    running = subprocess.Popen(command, env=city.environment, stdout=subprocess.DEVNULL)
    for part, segments in (("uvicorn", 60), ("backend.chain.devnet", 110), ("huanlian simulate", 160)):
        reached = _wait_for_segments(city, segments, running)
        if part == "huanlian simulate":
            running.kill()
            running.wait()
        else:
            city.kill(part)
        report.say(f"- killed with SIGKILL when {reached} segments were in: {part}")
    said = city.run("simulate", "--plan", str(plan), "--api", city.api, "--rpc", city.rpc)
    report.say(f"- run again to the end: {said.strip().splitlines()[-1]}")


def _wait_for_segments(city: City, count: int, running: subprocess.Popen[bytes]) -> int:
    """Wait until the server holds so many segments; return how many it holds."""
    while running.poll() is None:
        following = city.totals()["following"]
        held = int(following["queued"]) + int(following["segments"])
        if held >= count:
            return held
        time.sleep(0.05)
    raise NotProved(f"the simulation ended with {running.returncode} before {count} segments were in")


def _check_conservation(report: Report, totals: Any) -> None:
    for t in totals["totals"]:
        left, right = t["lifted"] + t["gained"], t["held"] + t["out"] + t["lost"]
        report.check(
            f"stream {t['stream']}: lifted + gained = held + taken out + lost",
            left == right,
            f"{t['lifted']} + {t['gained']} = {t['held']} + {t['out']} + {t['lost']} g",
        )
    following = totals["following"]
    report.check("our fold and the ledger never differ", following["disagreements"] == 0, following)


def _check_traces(city: City, report: Report) -> None:
    database = Database(f"sqlite:///{city.data_dir / 'huanlian.db'}")
    ended = total = 0
    ends: dict[str, bool] = {}
    with database.transaction(writes=False) as connection:
        reader = Reader(connection)
        parks = {o.organisation for o in reader.organisations() if o.part == "park_operator"}
        for row in DirectoryStore(connection).bins():
            if row.source != "taipei-trucks":
                continue
            total += 1
            trace = reader.find_bin_trace(row.number, limit=1)
            lot = trace.lifts[0].lot if trace is not None and trace.lifts else None
            if lot is None:
                continue
            if lot not in ends:
                ends[lot] = _ends_at_a_park(reader, lot, parks)
            ended += ends[lot]
    database.close()
    report.check("the trace of every bin ends at a park's take", ended == total > 0, f"{ended} of {total} bins")


def _ends_at_a_park(reader: Reader, lot: str, parks: set[str]) -> bool:
    journey = reader.find_journey(lot)
    takes = [s for s in (journey.ends if journey else ()) if s.entry.kind == Kind.TAKE]
    last = takes[-1].entry if takes else None
    return last is not None and last.outcome == Outcome.APPLIED and last.organisation.organisation in parks


def prove_hong_kong(city: City, report: Report, folder: Path) -> None:
    """Import Hong Kong's points; the three scripts of an address come back byte for byte."""
    report.say("\n## Hong Kong's collection points\n")
    rows = _count_rows(HONG_KONG)
    imported = _import(city, HONG_KONG, "hong-kong", folder / "hong-kong.json")
    report.check(
        "imported + refused = rows of the file",
        imported["imported"] + imported["refused"] == rows,
        f"{imported['imported']} + {imported['refused']} = {rows}",
    )
    with HONG_KONG.open(encoding="utf-8-sig", newline="") as file:
        written = {row["cp_id"]: row for row in csv.DictReader(file)}
    database = Database(f"sqlite:///{city.data_dir / 'huanlian.db'}")
    with database.transaction(writes=False) as connection:
        points = DirectoryStore(connection).point_rows(imported["source"])
    database.close()
    same = sum(
        1
        for point in points
        if (source := written.get(point.code)) is not None
        and point.name_zh == source["address_tc"]
        and json.loads(point.details)["name_zh_hans"] == source["address_sc"]
        and point.name_en == source["address_en"]
    )
    report.check("three scripts come back byte-identical", same == len(points) > 0, f"{same} of {len(points)}")


def _import(city: City, path: Path, mapping: str, report: Path) -> dict[str, Any]:
    city.run("import", str(path), "--mapping", mapping, "--report", str(report))
    content = json.loads(report.read_text(encoding="utf-8"))
    return {
        "imported": content["imported"],
        "refused": content["refused"] if isinstance(content["refused"], int) else len(content["refused"]),
        "source": content["source"],
    }


def _count_rows(path: Path) -> int:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return sum(1 for _ in csv.DictReader(file))


def _huanlian(*arguments: str) -> list[str]:
    return [str(Path(sys.executable).parent / "huanlian"), *arguments]


def _is_ready(api: str) -> bool:
    try:
        return httpx.get(f"{api}/ready", timeout=2).is_success
    except httpx.HTTPError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
