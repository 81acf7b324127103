"""A whole Huanlian on this machine: chain, contracts, server and the demo street, as `huanlian up` starts it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import update

from backend.cli.field import open_field
from backend.cli.places import open_database
from backend.domain.label import giai_of, label_serial
from backend.domain.layout import Kind
from backend.domain.types import Role, Stream, device_id, device_text
from backend.labels.layout import BinLabel
from backend.simulate.invitation import Invitation
from backend.simulate.run import registrar_for
from backend.store.directory import DirectoryStore
from backend.store.tables import Enrolment, table_of

ROOT = Path(__file__).parents[2]
_READY_SECONDS = 240


@dataclass(frozen=True)
class RunningSystem:
    """Where it is, and what its own books and vault know."""

    data_dir: Path
    url: str
    rpc_url: str

    def get(self, path: str) -> Any:
        answer = httpx.get(self.url + path, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def wait_for(self, path: str, **wanted: Any) -> Any:
        """Return the API's answer once its fields are as wanted."""
        deadline = time.monotonic() + 120
        while True:
            answer = httpx.get(self.url + path, timeout=30)
            content = answer.json()
            if answer.is_success and all(content[name] == value for name, value in wanted.items()):
                return content
            assert time.monotonic() < deadline, f"{path} is still {content}, wanted {wanted}"
            time.sleep(0.5)

    @cached_property
    def bins(self) -> list[BinLabel]:
        """The bins of the demo street as their labels are printed."""
        with open_database(self.data_dir) as database, database.transaction(writes=False) as connection:
            return [
                BinLabel(
                    number=int(row.number, 16),
                    serial=label_serial(bytes.fromhex(row.serial)),
                    stream=Stream(row.stream),
                    point_zh=row.name_zh,
                    point_en=row.name_en,
                )
                for row in DirectoryStore(connection).bins()
            ]

    def bin_of(self, stream: Stream, place: int) -> BinLabel:
        """One bin of a stream; tests take different places, so that they do not meet."""
        return [label for label in self.bins if label.stream == stream][place]

    @contextmanager
    def invitation(self, organisation: int, role: Role) -> Iterator[tuple[Invitation, Any]]:
        """An invitation of the organisation's software registrar, and how to approve it (`huanlian invite`)."""
        with open_field(self.data_dir, self.rpc_url, self.url, patience_seconds=60) as field:
            registrar = registrar_for(field, organisation, "registrar/desk")
            made = Invitation(field.courier, organisation=organisation, role=role)

            def approve(*, not_after: int = 0) -> int:
                serial = field.vault.number(f"invited/{made.code}", 40)
                device = made.approve(registrar, serial, not_after=not_after)
                field.courier.wait_recorded({device: 0})
                return device

            yield made, approve

    def expire(self, code: str) -> None:
        """Let an invitation's ten minutes be over."""
        table = table_of(Enrolment)
        with open_database(self.data_dir) as database, database.transaction() as connection:
            connection.execute(update(table).where(table.c.code == code).values(expires_at=0))

    def grant(self, by: int, to: int, **more: int) -> tuple[str, int]:
        """Seal a mandate of one organisation for another; its principal and seq, once it is recorded."""
        with open_field(self.data_dir, self.rpc_url, self.url, patience_seconds=60) as field:
            registrar = registrar_for(field, by, "registrar/desk")
            name = device_text(registrar.device)
            writer = field.courier.continued(registrar)
            now = int(time.time())
            told = {"op": 1, "to": device_id(to, 0), "grams": 1_000_000, "until": now + 86_400}
            writer.write(Kind.MANDATE, occurred_at=now, **{**told, "streams": 0b11110, **more})
            field.courier.hand_in(writer.cut())
            field.courier.wait_recorded({registrar.device: writer.next_seq - 1})
            return name, writer.next_seq - 1


def giai(label: BinLabel) -> str:
    return giai_of(label.serial)


def free_ports(count: int) -> list[int]:
    """Ports that nobody has now; held open together so that they differ."""
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def build_app() -> None:
    """Build the phone app when a source file is newer than what was built."""
    app = ROOT / "scanner_app"
    built = app / "dist" / "sw.js"
    made_at = built.stat().st_mtime if built.exists() else 0.0
    sources = (path for path in app.rglob("*") if path.is_file() and app / "dist" not in path.parents)
    if all(path.stat().st_mtime <= made_at for path in sources):
        return
    # npm is installed beside this Python.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = ["npm", "run", "--silent", "app:build"]
    building = subprocess.run(command, cwd=ROOT, env={**os.environ, "PATH": path}, capture_output=True, text=True)
    assert building.returncode == 0, f"the phone app cannot be built:\n{building.stdout}{building.stderr}"


@contextmanager
def start_system(folder: Path) -> Iterator[RunningSystem]:
    """Start everything and seed it; stop it when the block ends."""
    build_app()
    port, rpc_port = free_ports(2)
    data_dir, said = folder / "data", folder / "up.log"
    command = [sys.executable, "-m", "backend.cli", "up", "--data-dir", str(data_dir)]
    with said.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--port", str(port), "--rpc-port", str(rpc_port)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + _READY_SECONDS
        while not (data_dir / "seeded").exists():
            tail = said.read_text(errors="replace")[-2000:]
            assert process.poll() is None, f"`huanlian up` ended before it was ready:\n{tail}"
            assert time.monotonic() < deadline, f"`huanlian up` was not ready in {_READY_SECONDS} s:\n{tail}"
            time.sleep(0.2)
        yield RunningSystem(data_dir, f"http://localhost:{port}", f"http://127.0.0.1:{rpc_port}")
        assert process.poll() is None, "`huanlian up` ended by itself during the tests"
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
