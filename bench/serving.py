"""A real server in a process of its own, on a fresh SQLite file, for figures that hand segments in."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import select

from backend.cli.places import RELAYER, devnet_key
from backend.domain.journal import Segment
from backend.domain.segment_bytes import Upload, pack_uploads
from backend.domain.types import device_id, device_text
from backend.store.directory import DirectoryStore
from backend.store.reading import Reader
from backend.store.session import Database
from backend.store.tables import LedgerSegment, table_of
from backend.usecases.views import Following
from bench import city

BYTES, JSON = "application/vnd.huanlian.segments", "application/json"
ONE, MANY = "/api/v1/segments", "/api/v1/segments/batch"
_SEGMENTS = table_of(LedgerSegment)
_BINS = 300_000
_READY_SECONDS = 120
_SILENT_SECONDS, LOOK_PERIOD_SECONDS = 60, 0.05


@dataclass(frozen=True)
class Server:
    """A server that is ready; it knows the city's bins and its two organisations."""

    port: int
    data_dir: Path
    pid: int
    database_url: str

    def line(self) -> Line:
        """Return a connection to it, for one thread."""
        return Line(self.port)

    def enrol(self, segments: Sequence[Segment]) -> None:
        """Hand the registrar's segments in, once the root registrar is known from the chain."""
        line, deadline = self.line(), time.monotonic() + _READY_SECONDS
        for segment in segments:
            while (status := line.post(ONE, body_of([segment]), BYTES)[0]) not in (200, 201):
                assert time.monotonic() < deadline, status
                time.sleep(0.2)

    @property
    def peak_mb(self) -> float:
        """The largest memory that the server has had so far."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        (kilobytes,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
        return int(kilobytes) / 1024

    @contextmanager
    def books(self) -> Iterator[Books]:
        """Yield a way to look at the database that costs the server nothing."""
        database = Database(self.database_url)
        try:
            yield Books(database)
        finally:
            database.close()

    def end_of(self, device: int) -> int:
        """Return the last seq that is kept of a journal."""
        answer = httpx.get(f"http://127.0.0.1:{self.port}/api/v1/devices/{device_text(device)}", trust_env=False)
        return int(answer.json()["accepted"]["seq"])


class Books:
    """The server's books, read past it."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def following(self) -> Following:
        """Return how far the books are."""
        with self.database.transaction(writes=False) as connection:
            return Reader(connection).following()

    def segments_after(self, number: int) -> list[tuple[int, tuple[str, int]]]:
        """Return (number, (device, first seq)) of the segments behind this one."""
        with self.database.transaction(writes=False) as connection:
            rows = connection.execute(
                select(_SEGMENTS.c.id, _SEGMENTS.c.device, _SEGMENTS.c.first_seq)
                .where(_SEGMENTS.c.id > number)
                .order_by(_SEGMENTS.c.id)
            )
            return [(row.id, (row.device, row.first_seq)) for row in rows]

    def wait_for(self, segments: int) -> None:
        """Return once the books hold so many segments, and nothing waits for the chain any more."""
        seen, deadline = -1, time.monotonic() + _SILENT_SECONDS
        while (found := self.following()).segments < segments or found.queued:
            if found.segments > seen:
                seen, deadline = found.segments, time.monotonic() + _SILENT_SECONDS
            assert time.monotonic() < deadline, found
            time.sleep(LOOK_PERIOD_SECONDS)


class Line:
    """One kept-alive connection; as little work on the sender's side as can be, for it shares the machine."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=120)

    def post(self, path: str, body: bytes, media_type: str) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body of the answer."""
        self._connection.request("POST", path, body, {"Content-Type": media_type, "Accept-Language": "en"})
        answer = self._connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()

    def hand_in(self, body: bytes) -> float:
        """Hand a segment in until there is a receipt, coming back when the server says; return the seconds."""
        began = time.perf_counter()
        while True:
            status, headers, answer = self.post(ONE, body, BYTES)
            if status in (200, 201):
                return time.perf_counter() - began
            assert json.loads(answer)["retryable"], answer
            self._connection.close()  # the server will not keep it open for as long as it lets us wait
            time.sleep(float(headers.get("retry-after", "1")))


def body_of(segments: Sequence[Segment]) -> bytes:
    """Return segments as a phone sends them."""
    return pack_uploads([Upload(segment) for segment in segments])


def json_of(segment: Segment) -> dict[str, Any]:
    """Return a segment as a tool sends it."""
    return {
        "device": device_text(segment.device),
        "first_seq": segment.first_seq,
        "words": segment.words.hex(),
        "key": {"x": f"{segment.x:064x}", "y": f"{segment.y:064x}"},
        "seal": {"r": f"{segment.r:064x}", "s": f"{segment.s:064x}"},
    }


def json_body_of(segments: Sequence[Segment]) -> bytes:
    """Return many segments as JSON."""
    return json.dumps({"segments": [json_of(segment) for segment in segments]}).encode()


@contextmanager
def serving(chain: city.Chain, *, relays: bool, database_url: str = "") -> Iterator[Server]:
    """Yield a server that follows this chain, and brings what it is handed there if it relays.

    Without a URL its database is an SQLite file of its own.
    """
    with tempfile.TemporaryDirectory(prefix="huanlian-serving-") as folder:
        data_dir, port = Path(folder), _free_port()
        chain.deployment.save(data_dir / "deployment.json")
        chain.deployment.save_trust(data_dir / "trust.json")
        url = database_url or f"sqlite:///{data_dir / 'huanlian.db'}"
        _place_bins(url)
        environment = {
            "HUANLIAN_DATA_DIR": folder,
            "HUANLIAN_DATABASE_URL": url,
            "HUANLIAN_RPC_URLS": chain.url,
            "HUANLIAN_RELAYER_KEY": devnet_key(RELAYER).hex() if relays else "",
            "HUANLIAN_PUBLIC_BASE_URL": "https://huanlian.example",
        }
        command = [sys.executable, "-m", "uvicorn", "backend.main:app_from_environment", "--factory"]
        with (data_dir / "server.log").open("wb") as log:
            process = subprocess.Popen(
                [*command, "--port", str(port), "--log-level", "warning"],
                cwd=city.repository(),
                env={**os.environ, **environment},
                stdout=log,
                stderr=log,
            )
        try:
            _wait(process, port, data_dir / "server.log")
            yield Server(port, data_dir, process.pid, url)
        finally:
            process.terminate()
            process.wait(60)


def _place_bins(url: str) -> None:
    database = Database(url)
    database.migrate()
    site = device_text(device_id(city.ORGANISATION, 1))
    rows = [
        {
            "number": f"{city.bin_number(n):010x}",
            "serial": f"{n:032x}",
            "serial_digest": f"{n:064x}",
            "stream": 4,
            "site": site,
            "point_id": None,
            "placed_from": 0,
        }
        for n in range(_BINS)
    ]
    with database.transaction() as connection:
        DirectoryStore(connection).add_bins(rows)
    database.close()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while not _is_ready(port):
        assert process.poll() is None, log.read_text()[-3000:]
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/ready", timeout=2, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
