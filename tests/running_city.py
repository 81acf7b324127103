"""A real devnet and a real server in processes of their own, and the devices that talk to them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from chain_support import ROOT, RunningDevnet, dev_key, start_devnet
from click.testing import Result
from typer.testing import CliRunner

from backend.chain.anvil import free_port
from backend.chain.client import Rpc
from backend.chain.deploy import Deployment, deploy
from backend.chain.ledger import Ledger
from backend.chain.ledger_calls import encode_create_organisation
from backend.chain.transactions import send_and_wait
from backend.cli.app import build_app
from backend.cli.places import demo_governors
from backend.domain.journal import Network, Segment, split_entries
from backend.domain.seal import key_hash
from backend.domain.types import device_id
from backend.domain.writer import JournalWriter, SigningKey
from backend.simulate.courier import Courier

ADMIN, RELAYER = 0, 1
PATIENCE_SECONDS = 120


def _is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/ready", timeout=2).is_success
    except httpx.HTTPError:
        return False


def rpc_of(city: RunningCity) -> str:
    """Return where a city's chain answers."""
    return f"http://127.0.0.1:{city.rpc_port}"


@dataclass
class RunningCity:
    """Chain and server; both can be killed and started again on the same ports."""

    folder: Path
    rpc_port: int = field(default_factory=free_port)
    port: int = field(default_factory=free_port)
    database_url: str = ""
    """SQLite in the folder when empty."""
    begins_at: int | None = None
    """Where the chain begins when it is told the time; else it goes by the clock."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Further variables of the server's environment."""

    def __post_init__(self) -> None:
        self.data_dir = self.folder / "data"
        self.start_chain()
        self.deployment: Deployment = deploy(self.devnet.rpc, city_key=dev_key(ADMIN), governors=demo_governors())
        self.deployment.save(self.data_dir / "deployment.json")
        self.deployment.save_trust(self.data_dir / "trust.json")
        self.network = Network(self.rpc.chain_id, bytes.fromhex(self.deployment.custody_ledger[2:]))
        self.start_server()
        self.courier = Courier(self.url, patience_seconds=PATIENCE_SECONDS)

    @property
    def rpc(self) -> Rpc:
        return self.devnet.rpc

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ledger(self) -> Ledger:
        return Ledger(
            self.rpc,
            custody_ledger=self.deployment.custody_ledger,
            actor_registry=self.deployment.actor_registry,
        )

    def start_chain(self) -> None:
        folder = self.data_dir / "devnet"
        told = [] if self.begins_at is None else ["--begins-at", str(self.begins_at)]
        self.devnet: RunningDevnet = start_devnet(
            folder, "--block-period-ms", "50", "--port", str(self.rpc_port), *told
        )

    def start_server(self) -> None:
        self.server = self.start_replica(self.port)

    def start_replica(self, port: int) -> subprocess.Popen[bytes]:
        """Start a server on this city's database and chain; return when it is ready."""
        command = [sys.executable, "-m", "uvicorn", "backend.main:app_from_environment", "--factory"]
        log = (self.folder / "server.log").open("ab")
        server = subprocess.Popen(
            [*command, "--port", str(port), "--log-level", "warning"],
            cwd=ROOT,
            env={**os.environ, **self.environment},
            stdout=log,
            stderr=log,
        )
        log.close()
        while not _is_ready(port):
            assert server.poll() is None, (self.folder / "server.log").read_text()[-3000:]
            time.sleep(0.05)
        return server

    @property
    def environment(self) -> dict[str, str]:
        return {
            "HUANLIAN_DATA_DIR": str(self.data_dir),
            "HUANLIAN_DATABASE_URL": self.database_url,
            "HUANLIAN_RPC_URLS": f"http://127.0.0.1:{self.rpc_port}",
            "HUANLIAN_RELAYER_KEY": dev_key(RELAYER).hex(),
            "HUANLIAN_POLL_PERIOD_MS": "50",
            "HUANLIAN_PUBLIC_BASE_URL": self.url,
            **self.settings,
        }

    def kill_server(self) -> None:
        self.server.send_signal(signal.SIGKILL)
        self.server.wait()

    def stop_server(self) -> None:
        self.server.terminate()
        self.server.wait()

    def stop(self) -> None:
        self.stop_server()
        self.devnet.stop()

    def huanlian(self, *arguments: str) -> Result:
        """Run a command of the product against this city."""
        environment = {**self.environment, "HUANLIAN_API_URL": self.url}
        return CliRunner().invoke(build_app(), arguments, env=environment)

    # --- devices ---------------------------------------------------------------------------------------

    def organisation(self, number: int) -> JournalWriter:
        """Let the city create an organisation; return its root registrar's journal."""
        key = SigningKey.from_secret(number)
        registrar = JournalWriter(self.network, device_id(number, 1), key)
        call = encode_create_organisation(
            organisation=number,
            name_digest=bytes(32),
            registrar=registrar.device,
            key_hash=key_hash(*key.public),
        )
        send_and_wait(self.rpc, key=dev_key(ADMIN), to=self.deployment.actor_registry, data=call)
        self.courier.wait_recorded({registrar.device: 0}, pause_seconds=0.05)
        return registrar

    def hand_in(self, *writers: JournalWriter) -> list[Segment]:
        """Hand in what is not cut yet, and wait until the ledger has it."""
        segments = [segment for writer in writers for segment in writer.cut_all()]
        for segment in segments:
            self.courier.hand_in(segment)
        self.wait(segments)
        return segments

    def wait(self, segments: list[Segment]) -> None:
        ends: dict[int, int] = {}
        for segment in segments:
            ends[segment.device] = segment.first_seq + len(split_entries(segment.words)) - 1
        self.courier.wait_recorded(ends, pause_seconds=0.05)

    def entry(self, device: int, seq: int) -> Mapping[str, object]:
        found: Mapping[str, object] = self.courier.get(f"/api/v1/entries/{device:016x}/{seq}")
        return found

    def wait_final(self, device: int, seq: int) -> Mapping[str, object]:
        """Return an entry once its block can no longer change; the runner's own limit ends the wait."""
        while (entry := self.entry(device, seq))["state"] != "finalized":
            assert entry["state"] in ("queued", "sent", "recorded", "included")
            time.sleep(0.05)
        return entry
