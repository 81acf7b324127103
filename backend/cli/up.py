"""Everything on one machine: chain, contracts, server, and the demo city, on one address."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, NamedTuple

import httpx

from backend.chain.client import Rpc
from backend.chain.deploy import deploy
from backend.chain.devnet import BLOCKS_FILE_NAME
from backend.cli.lan import LanAddress, make_lan_address, print_code
from backend.cli.month import MONTH_DAYS, month_file, month_midnight
from backend.cli.places import CITY_ADMIN, RELAYER, NotSetUp, demo_governors, devnet_key
from backend.domain.types import device_text
from backend.settings import Settings
from backend.simulate.month.living import BEGINS_BEFORE_SECONDS
from backend.simulate.office import NOTARY, NOTARY_ORGANISATION
from backend.simulate.vault import Vault

_READY_SECONDS = 180
_FILLING = "filling"
_MONTH_POLL_MS = "100"
"""A month is many short waits for the chain."""


class _Fill(NamedTuple):
    """What fills an empty city, once for a data directory."""

    command: tuple[str, ...]
    marker: str
    text: str


_MONTH = _Fill(
    ("simulate", "month"),
    "month-lived",
    "month    … a district's month with hidden frauds is lived hour by hour; some minutes",
)
_MORNING = _Fill(
    ("seed",), "seeded", "demo     … a morning's work in the demo street is being sealed, relayed and folded"
)
_PDEATHSIG = 1


def _die_with_parent() -> None:
    """A child must not outlive the starter, even when that is killed (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGTERM)


class Up:
    """Starts the parts in order; ends them all when one ends or somebody presses Ctrl-C."""

    def __init__(
        self, *, data_dir: Path, port: int, rpc_port: int, is_lan: bool, seeds: bool, lives_month: bool = False
    ) -> None:
        self.data_dir, self.port, self.rpc_port = data_dir.absolute(), port, rpc_port
        self.is_lan, self.seeds, self.lives_month = is_lan, seeds, lives_month
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._is_ending = False

    def run(self) -> int:
        """Run until stopped; return the exit status."""
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, self._end)
        for port in (self.port, self.rpc_port):
            _require_free(port)
        self.data_dir.mkdir(parents=True, exist_ok=True)
        try:
            return self._run()
        finally:
            self._stop_all()

    def _run(self) -> int:
        rpc_url = f"http://127.0.0.1:{self.rpc_port}"
        module = [sys.executable, "-m", "backend.chain.devnet"]
        told = self._told_time()
        _say("chain    … starting (all blocks are replayed from disk)")
        self._start(
            "chain",
            [*module, "--data-dir", str(self.data_dir / "devnet"), "--port", str(self.rpc_port), *told],
        )
        self._wait("chain", lambda: _answers_rpc(rpc_url))
        settings = Settings(data_dir=self.data_dir)
        with Rpc(rpc_url) as rpc:
            deployment = deploy(rpc, city_key=devnet_key(CITY_ADMIN), governors=demo_governors())
        deployment.save(settings.deployment_file)
        deployment.save_trust(settings.trust_file)
        _say(f"contracts · ledger {deployment.custody_ledger}")
        lan = make_lan_address(self.data_dir / "lan", port=self.port) if self.is_lan else None
        address = lan.url if lan else f"http://localhost:{self.port}"
        self._start_server(rpc_url, address, lan)
        # With HTTPS the certificate names localhost as well, and the local authority vouches for it.
        local = f"https://localhost:{self.port}" if lan else f"http://127.0.0.1:{self.port}"
        trusted: bool | str = str(lan.authority) if lan else True
        self._wait("server", lambda: _answers_http(local, trusted))
        if self._is_ending:
            return 0
        for is_wanted, fill in ((self.lives_month, _MONTH), (self.seeds, _MORNING)):
            if is_wanted and not (self.data_dir / fill.marker).exists():
                self._fill(fill, rpc_url, local, trusted)
            if self._is_ending:
                return 0
        self._announce(address, rpc_url, lan)
        return self._watch()

    def _start_server(self, rpc_url: str, address: str, lan: LanAddress | None) -> None:
        _say("server   … starting")
        command = [sys.executable, "-m", "uvicorn", "backend.main:app_from_environment", "--factory"]
        command += ["--port", str(self.port), "--log-level", "warning"]
        command += ["--host", "0.0.0.0" if lan else "127.0.0.1"]
        if lan:
            command += ["--ssl-certfile", str(lan.certificate), "--ssl-keyfile", str(lan.key)]
        self._start(
            "server",
            command,
            {
                "HUANLIAN_DATA_DIR": str(self.data_dir),
                "HUANLIAN_RPC_URLS": rpc_url,
                # A phone on another machine cannot reach it, and then keeps its whole journal.
                "HUANLIAN_PHONE_NODES": os.environ.get("HUANLIAN_PHONE_NODES", rpc_url),
                "HUANLIAN_RELAYER_KEY": devnet_key(RELAYER).hex(),
                "HUANLIAN_PUBLIC_BASE_URL": os.environ.get("PUBLIC_BASE_URL", address),
                "HUANLIAN_IS_DEMO": "1",
                **self._notary(),
                **({"HUANLIAN_POLL_PERIOD_MS": _MONTH_POLL_MS} if self.lives_month else {}),
            },
        )

    def _notary(self) -> dict[str, str]:
        """Return the one key of the field that the server gets: it anchors, once `seed` has enrolled it."""
        vault = Vault.at(self.data_dir / "field" / "vault.json")
        key = vault.key(f"{NOTARY}/{NOTARY_ORGANISATION}").secret
        return {
            "HUANLIAN_ANCHOR_DEVICE": device_text(vault.device(NOTARY_ORGANISATION, NOTARY)),
            "HUANLIAN_ANCHOR_KEY": f"{key:064x}",
        }

    def _told_time(self) -> list[str]:
        """Return what a chain is started with that has the month still before it, or in part."""
        if not self.lives_month or (self.data_dir / _MONTH.marker).exists():
            return []
        if (self.data_dir / "devnet" / BLOCKS_FILE_NAME).exists() and not month_file(self.data_dir).exists():
            raise NotSetUp(f"--month needs a fresh chain, and that in {self.data_dir} has begun; use --data-dir")
        return ["--begins-at", str(month_midnight(self.data_dir, MONTH_DAYS) - BEGINS_BEFORE_SECONDS)]

    def _fill(self, fill: _Fill, rpc_url: str, local: str, trusted: bool | str) -> None:
        _say(fill.text)
        environment = {"SSL_CERT_FILE": str(trusted)} if isinstance(trusted, str) else {}
        command = [sys.executable, "-m", "backend.cli", *fill.command, "--data-dir", str(self.data_dir)]
        self._start(_FILLING, [*command, "--rpc", rpc_url, "--api", local], environment)
        child = self._children[_FILLING]
        while (status := child.poll()) is None:
            if self._is_ending:
                child.terminate()
            time.sleep(0.1)
        del self._children[_FILLING]
        if status and not self._is_ending:
            raise NotSetUp("the city could not be filled; start again, it goes on where it stopped")
        if not status:
            (self.data_dir / fill.marker).touch()

    def _announce(self, address: str, rpc_url: str, lan: LanAddress | None) -> None:
        _say("")
        _say(f"  Huanlian 环链 is at  {address}")
        _say(f"  phone app           {address}/app/")
        _say(f"  chain (RPC)         {rpc_url}")
        _say(f"  check it yourself   .venv/bin/huanlian audit --rpc {rpc_url} --api {address}")
        _say("  enrol a registrar   .venv/bin/huanlian invite")
        _say(f"  logs                {self.data_dir / 'logs'}")
        _say("  Ctrl-C ends everything; a second start goes on with the same data.")
        _say("")
        if lan:
            print_code(address)
            _say(f"  1. On the phone, open {address}/lan/authority.crt past the warning, once.")
            _say("  2. Install that file as a certificate authority (iPhone: Settings > General > About >")
            _say("     Certificate Trust; Android: Settings > Security > Install a certificate > CA).")
            _say("  3. Scan the code above. The camera works only over trusted HTTPS.")

    def _start(self, name: str, command: list[str], environment: Mapping[str, str] | None = None) -> None:
        log = None if name == _FILLING else self._open_log(name)
        self._children[name] = subprocess.Popen(
            command,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=None if log is None else subprocess.STDOUT,
            preexec_fn=_die_with_parent,
            start_new_session=True,
        )
        if log is not None:
            log.close()

    def _open_log(self, name: str) -> BinaryIO:
        folder = self.data_dir / "logs"
        folder.mkdir(exist_ok=True)
        return (folder / f"{name}.log").open("ab")

    def _last_line(self, name: str) -> str:
        path = self.data_dir / "logs" / f"{name}.log"
        lines = path.read_text(errors="replace").strip().splitlines() if path.exists() else []
        return f": {lines[-1]}" if lines else ""

    def _wait(self, name: str, is_there: object) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        assert callable(is_there)
        while not self._is_ending and not is_there():
            if self._children[name].poll() is not None:
                raise NotSetUp(f"the {name} ended before it was ready{self._last_line(name)}")
            if time.monotonic() > deadline:
                raise NotSetUp(f"the {name} was not ready in {_READY_SECONDS} s")
            time.sleep(0.1)

    def _watch(self) -> int:
        while not self._is_ending:
            for name, child in self._children.items():
                if child.poll() is not None:
                    status = f"status {child.returncode}{self._last_line(name)}"
                    _say(f"the {name} ended with {status}; stopping everything")
                    return 1
            time.sleep(0.3)
        return 0

    def _end(self, _signal: int, _frame: object) -> None:
        self._is_ending = True

    def _stop_all(self) -> None:
        for name in reversed(self._children):
            child = self._children[name]
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
                try:
                    child.wait(20)
                except subprocess.TimeoutExpired:
                    child.kill()
        _say("stopped")


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise NotSetUp(f"port {port} is taken; choose another with --port or --rpc-port") from error


def _answers_rpc(url: str) -> bool:
    try:
        with Rpc(url, timeout_seconds=2) as rpc:
            return rpc.chain_id > 0
    except Exception:
        return False


def _answers_http(url: str, trusted: bool | str) -> bool:
    try:
        return httpx.get(f"{url}/ready", timeout=2, verify=trusted).is_success
    except httpx.HTTPError:
        return False


def _say(line: str) -> None:
    print(line, flush=True)
