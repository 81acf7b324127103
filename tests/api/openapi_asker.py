"""Asks a running server whatever its OpenAPI document allows and forbids, and holds the answers against it.

Half of the ids are those of real things, so that not only "there is no such" is answered.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from audited_city import CREW, Audited, live_a_day
from running_city import RunningCity

from backend.domain.types import device_text, lot_text, organisation_text, site_id

HOTLINE_KEY = "agreed between the two"
_REAL_SHARE = 0.5
_MORE_THAN_A_SCHEMA_SAYS = (
    "PUT /api/v1/hotline/complaints/{order}",  # the bin has to be known
    "PUT /api/v1/enrolments/{code}/key",  # a point of the curve
    "PUT /api/v1/devices/{device}/renewal",  # a point of the curve
    "POST /api/v1/inspections",  # a document in canonical JSON
    "POST /api/v1/segments",  # entries as long as they say
    "POST /api/v1/segments/batch",  # bytes that can be told apart
    "GET /api/v1/indicators",  # a day that the calendar has
    "GET /api/v1/bins/{number}/fate",  # a month that the calendar has
)
"""Where a body or a parameter may be as the document says, and be malformed all the same: 422 is an answer."""
_ANSWERS: list[int | str] = ["2xx", 401, 403, 404, 409, 410, 413, 422, 429]


@contextmanager
def asked_city(folder: Path) -> Iterator[Audited]:
    """A day of a city on a real chain, behind a real server that also listens to the hotline."""
    city = RunningCity(folder, settings={"HUANLIAN_HOTLINE_KEY": HOTLINE_KEY})
    try:
        yield live_a_day(city)
    finally:
        city.stop()


@dataclass(frozen=True)
class Asked:
    """How it ended, what was said of it, and how many requests it took at how many operations."""

    holds: bool
    said: str
    requests: int
    operations: int


def ask_by_schema(town: Audited, folder: Path, *, examples: int, seed: int) -> Asked:
    """Ask each operation so many generated questions, and those at the edges of its parameters."""
    config, report = folder / "schemathesis.toml", folder / "report.json"
    config.write_text(_config(_real_things(town)), encoding="utf-8")
    command = [str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(config), "run"]
    command += [f"{town.city.url}/openapi.json", "--phases", "coverage,fuzzing", "--continue-on-failure"]
    # How long it takes to make up a request says nothing of the server.
    command += ["--suppress-health-check", "too_slow"]
    command += ["--max-examples", str(examples), "--seed", str(seed), "--no-color", "--warnings", "off"]
    command += ["--header", f"Authorization: Bearer {HOTLINE_KEY}"]
    command += ["--report", "json", "--report-json-path", str(report)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert report.exists(), done.stdout[-3000:] + done.stderr[-3000:]
    told = json.loads(report.read_text(encoding="utf-8"))
    holds = done.returncode == 0 and told["complete"]
    return Asked(holds, done.stdout, told["test_cases"]["generated"], told["operations"]["tested"])


def _real_things(town: Audited) -> dict[str, list[str | int]]:
    city = town.city
    code = httpx.post(
        f"{city.url}/api/v1/enrolments", json={"organisation": organisation_text(CREW), "role": 1}, timeout=30
    ).json()["code"]
    recorded = city.entry(town.truck.device, 1)["recorded_at"]
    day = (datetime.fromisoformat(str(recorded)).astimezone(UTC) + timedelta(hours=8)).date().isoformat()
    return {
        "device": [device_text(town.truck.device), device_text(site_id(CREW, 1))],
        "lot": [lot_text(town.lot)],
        "number": ["0000000005", "0000000006"],
        "seq": [1, 2, 92, 93],
        "site": [device_text(site_id(CREW, 1))],
        "organisation": [organisation_text(CREW)],
        "given_to": [organisation_text(CREW)],
        "to": [organisation_text(CREW)],
        "date": [day],
        "day": [day],
        "period": [day, day[:7]],
        "month": [day[:7]],
        "slug": ["gap", "busy"],
        "code": [code],
        "order": ["GZ2026-1", "GZ2026-2"],
    }


def _config(things: dict[str, list[str | int]]) -> str:
    """Return the tool's configuration (TOML; its strings are JSON's)."""
    lines = []
    for name, values in things.items():
        lines += [f"[dictionaries.{name}]", f"values = {json.dumps(values)}"]
    lines.append("[parameters]")
    lines += [f'{name} = {{ dictionary = "{name}", probability = {_REAL_SHARE} }}' for name in things]
    for operation in _MORE_THAN_A_SCHEMA_SAYS:
        lines += ["[[operations]]", f"include-name = {json.dumps(operation)}"]
        lines.append(f"checks.positive_data_acceptance.expected-statuses = {json.dumps(_ANSWERS)}")
    return "\n".join(lines) + "\n"
