"""A weighbridge at the gate: an indicator in software, and the gateway that shows it to the gate's screen."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from scale_support import SERIAL, new_platform

from backend.exchange.scales.simulator import SicsSimulator

_CONFIG = """
[indicator]
host = "127.0.0.1"
port = {port}
serial = "{serial}"

[journal]
chain_id = 31337
ledger = "0x5fbdb2315678afecb367f032d93f642f64180aa3"
device = "0000040000000005"
log_file = "tickets.jsonl"
key_file = "scale.key"

[calibration]
id = 42
until = 2099-12-31T23:59:59+08:00
"""


@dataclass
class Weighbridge:
    """What stands on it can be changed; the gate's screen listens at the port."""

    indicator: SicsSimulator
    port: int

    def put(self, kilograms: int) -> None:
        self.indicator.platform.put(kilograms * 1_000)


@contextmanager
def weighbridge(folder: Path, *, origin: str) -> Iterator[Weighbridge]:
    """Start an indicator and the real gateway before it; its server is away the whole time."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    indicator = SicsSimulator(new_platform(), serial=SERIAL)
    listened = asyncio.run_coroutine_threadsafe(indicator.start(), loop).result()
    config = folder / "scale.toml"
    config.write_text(_CONFIG.format(port=listened, serial=SERIAL))
    command = [sys.executable, "-m", "backend.cli", "scale", "gateway", "--config", str(config)]
    command += ["--api", "http://127.0.0.1:1", "--feed-port", "0", "--origin", origin]
    # A shell that starts its children in the background lets them ignore an interrupt.
    heeding = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    gateway = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, preexec_fn=heeding
    )
    try:
        assert gateway.stdout is not None
        said = gateway.stdout.readline()
        assert said.startswith("live readings at "), said
        yield Weighbridge(indicator, int(said.rsplit(":", 1)[1].split("/")[0]))
    finally:
        gateway.send_signal(signal.SIGINT)
        gateway.wait()
        asyncio.run_coroutine_threadsafe(indicator.stop(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
