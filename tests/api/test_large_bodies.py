"""A hundred megabytes are refused without being gathered, whatever the sender says of their length."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_city import CREW, SmallCity, upload_of, write_lifts

from backend.domain.writer import JournalWriter

HERE = Path(__file__).parent
BODY_BYTES = 100 * 1024 * 1024
CHUNK = b" " * 65_536
# Far under the body, far over what a few small requests need.
GROWTH_BYTES_MAX = 30 * 1024 * 1024


class Served:
    """A real server in its own process."""

    def __init__(self, database: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "served_app.py"), database],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": f"{HERE.parents[1]}:{HERE.parent}"},
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("port "), line
        self.port = int(line.split()[1])

    def peak_bytes(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def send(self, head: bytes, body: Iterator[bytes] | None = None) -> bytes:
        """Send as much as the server takes; return its answer."""
        with self.connect() as connection:
            connection.sendall(head)
            try:
                for chunk in body or ():
                    connection.sendall(chunk)
            except (BrokenPipeError, ConnectionResetError):
                pass  # it has heard enough
            answer = b""
            try:
                while more := connection.recv(65_536):
                    answer += more
            except ConnectionResetError:
                pass
            return answer


@pytest.fixture
def served(city: SmallCity) -> Iterator[Served]:
    running = Served(str(city.database.url))
    yield running
    running.process.terminate()
    running.process.wait()


def head_of(*lines: str) -> bytes:
    first = ("POST /api/v1/segments HTTP/1.1", "Host: localhost", "Content-Type: application/json")
    return "\r\n".join((*first, "Connection: close", *lines, "", "")).encode()


def good(truck: JournalWriter) -> bytes:
    import json

    write_lifts(truck, 3, serial=truck.next_seq)
    return json.dumps(upload_of(truck.cut())).encode()


class TestALargeBody:
    def test_is_refused_and_leaves_no_trace(self, served: Served, city: SmallCity) -> None:
        truck = city.device(CREW, 7)
        city.record(city.registrars[CREW])
        self.hand_in(served, good(truck))
        before = served.peak_bytes()

        declared = served.send(head_of(f"Content-Length: {BODY_BYTES}"), self.spaces(BODY_BYTES))
        assert b" 413 " in declared.partition(b"\r\n")[0] or declared == b""
        chunked = served.send(head_of("Transfer-Encoding: chunked"), self.chunks(BODY_BYTES))
        assert b" 413 " in chunked.partition(b"\r\n")[0] or chunked == b""
        # Somebody who waits for the answer before sending reads it in full.
        patient = served.send(head_of(f"Content-Length: {BODY_BYTES}"))
        assert patient.startswith(b"HTTP/1.1 413")
        assert b'/problems/too-large"' in patient
        # One chunk more than is allowed, sent without haste, gets its answer too.
        little = served.send(head_of("Transfer-Encoding: chunked"), self.chunks(2 * 1024 * 1024 + len(CHUNK)))
        assert little.startswith(b"HTTP/1.1 413")
        assert b'/problems/too-large"' in little

        assert served.peak_bytes() - before < GROWTH_BYTES_MAX
        self.hand_in(served, good(truck))
        assert served.process.poll() is None

    def test_of_brackets_does_not_bring_the_server_down(self, served: Served) -> None:
        body = b"[" * 1_000_000
        answer = served.send(head_of(f"Content-Length: {len(body)}") + body)
        assert answer.startswith(b"HTTP/1.1 400")
        assert served.process.poll() is None

    def hand_in(self, served: Served, body: bytes) -> None:
        answer = served.send(head_of(f"Content-Length: {len(body)}") + body)
        assert answer.startswith(b"HTTP/1.1 201"), answer

    @staticmethod
    def spaces(count: int) -> Iterator[bytes]:
        for _ in range(count // len(CHUNK)):
            yield CHUNK

    @staticmethod
    def chunks(count: int) -> Iterator[bytes]:
        for _ in range(count // len(CHUNK)):
            yield b"%x\r\n" % len(CHUNK) + CHUNK + b"\r\n"
        yield b"0\r\n\r\n"
