"""`huanlian scale`: a real indicator on a socket, a real server over HTTP, and the gate's lines between them."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import pytest
import uvicorn
from custody_stories import NETWORK
from scale_support import SERIAL, in_the_background
from small_city import CREW, STATION, SmallCity, open_city
from sqlalchemy import select
from typer.testing import CliRunner

from backend.api.app import create_api
from backend.cli.app import build_app
from backend.cli.scale import HELP, Desk
from backend.domain.journal import read_entry
from backend.domain.types import Role, device_id, device_text, lot_id, lot_text
from backend.domain.writer import SigningKey
from backend.exchange.scales.config import BadScaleConfig, load_scale_config, open_key
from backend.exchange.scales.gateway import ScaleGateway
from backend.exchange.scales.simulator import SicsSimulator
from backend.exchange.scales.ticket_log import TicketLog
from backend.simulate.courier import Courier
from backend.store.tables import AcceptedSegment, Evidence, table_of

SCALE = device_id(STATION, 5)
VEHICLE, LOT = device_text(device_id(CREW, 9)), lot_text(lot_id(device_id(CREW, 7), 1))
CONFIG = """
[indicator]
host = "127.0.0.1"
port = {port}
serial = "B123456789"

[journal]
chain_id = {chain_id}
ledger = "0x{ledger}"
device = "{device}"
log_file = "tickets.jsonl"
key_file = "scale.key"

[calibration]
id = 42
until = 2126-01-01T00:00:00+08:00
"""


def write_config(folder: Path, port: int = 1) -> Path:
    path = folder / "scale.toml"
    path.write_text(
        CONFIG.format(port=port, chain_id=NETWORK.chain_id, ledger=NETWORK.ledger.hex(), device=device_text(SCALE))
    )
    (folder / "scale.key").write_text(json.dumps({"secret": f"{SigningKey.from_secret(SCALE).secret:x}"}))
    return path


@contextmanager
def serving(city: SmallCity) -> Iterator[str]:
    """Serve the API on a free port, in a thread."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    app = create_api(city.services(), max_body_bytes=2 * 1024 * 1024)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@dataclass
class Gate:
    """A scale with its indicator, its configuration and its server."""

    city: SmallCity
    indicator: SicsSimulator
    config: Path
    api: str

    def kept(self) -> list[dict[str, int]]:
        with self.city.database.transaction(writes=False) as connection:
            table = table_of(AcceptedSegment)
            rows = connection.execute(select(table.c.words).where(table.c.device == device_text(SCALE))).all()
        return [dict(read_entry(bytes(row[0])).fields) for row in rows]

    def serve(self, *steps: str | Callable[[], object], api: str | None = None) -> list[str]:
        """Type these lines at the desk; a step that is no line is done when its turn comes."""
        said: list[str] = []

        def lines() -> Iterator[str]:
            for step in steps:
                if isinstance(step, str):
                    yield step
                else:
                    step()

        told = load_scale_config(self.config)
        with TicketLog(told.log_file) as log:
            scale = ScaleGateway(told.identity, open_key(told.key_file), log)
            courier = Courier(api or self.api, patience_seconds=0)
            desk = Desk(scale, courier, host=told.host, port=told.port, say=said.append)
            asyncio.run(desk.serve(lines()))
        return said

    def put(self, kilograms: int) -> Callable[[], None]:
        return lambda: self.indicator.platform.put(kilograms * 1_000)


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    city = open_city(tmp_path)
    city.clock.now = int(time.time())
    city.device(STATION, 5, Role.SCALE)
    city.record(city.registrars[STATION])
    with in_the_background() as (indicator, port), serving(city) as api:
        yield Gate(city, indicator, write_config(tmp_path, port), api)
    city.database.close()


class TestTheDesk:
    def test_weighs_seals_and_hands_in(self, gate: Gate) -> None:
        said = gate.serve(
            gate.put(18_240), f"in {VEHICLE} {LOT}", "open", gate.put(8_120), f"out {VEHICLE}", "open"
        )
        assert said == [
            HELP,
            f"first 18240000 g, vehicle {VEHICLE}, lot {LOT}",
            f"vehicle {VEHICLE}, lot {LOT}",
            f"ticket 1 seq 1, lot {LOT}: 18240000 - 8120000 = 10120000 g",
        ]
        (kept,) = gate.kept()
        assert (kept["ticket"], kept["net"], kept["calibration"]) == (1, 10_120_000, 42)
        with gate.city.database.transaction(writes=False) as connection:
            documents = connection.execute(select(table_of(Evidence))).all()
        assert len(documents) == 1

    def test_keeps_tickets_while_the_server_is_away_and_hands_each_in_once(self, gate: Gate) -> None:
        away = "http://127.0.0.1:1"
        said = gate.serve(f"in {VEHICLE} {LOT}", f"out {VEHICLE}", api=away)
        assert said[-1].startswith("1 tickets wait: gave up")
        gate.serve(f"in {VEHICLE} {LOT}", f"out {VEHICLE}", api=away)
        assert gate.kept() == []
        assert gate.serve("send", "", "send") == [HELP]
        assert [kept["ticket"] for kept in gate.kept()] == [1, 2]

    def test_keeps_tickets_that_the_server_refuses(self, gate: Gate) -> None:
        path = gate.config.parent
        (path / "scale.key").write_text(json.dumps({"secret": "5"}))
        said = gate.serve(f"in {VEHICLE} {LOT}", f"out {VEHICLE}")
        assert said[-1].startswith("1 tickets wait: ")
        assert "wrong-key" in said[-1]
        assert gate.kept() == []

    def test_says_what_cannot_be_done_and_goes_on(self, gate: Gate) -> None:
        said = gate.serve(
            f"out {VEHICLE}",
            "in 5 5",
            f"in {VEHICLE.upper()}! {LOT}",
            "out x",
            gate.put(90_000),
            f"in {VEHICLE} {LOT}",
        )
        assert said == [
            HELP,
            f"not done: Vehicle {VEHICLE} has no first weighing.",
            HELP,
            HELP,
            HELP,
            "not done: The scale gives no weight: overload.",
        ]

    def test_warns_when_the_calibration_has_expired(self, gate: Gate) -> None:
        gate.config.write_text(gate.config.read_text().replace("2126-", "2020-"))
        said = gate.serve(f"in {VEHICLE} {LOT}", f"out {VEHICLE}")
        assert said[-1] == "WARNING: the calibration has expired; this ticket proves nothing"
        assert len(gate.kept()) == 1


class TestTheFeed:
    def test_shows_the_live_reading_beside_the_desk_and_while_the_server_is_away(self, gate: Gate) -> None:
        gate.put(18_240)()
        arguments = ["scale", "gateway", "--config", str(gate.config), "--api", "http://127.0.0.1:1"]
        command = [sys.executable, "-m", "backend.cli", *arguments, "--patience-seconds", "0", "--feed-port", "0"]
        heeding = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with subprocess.Popen(command, text=True, preexec_fn=heeding, **pipes) as running:  # type: ignore[call-overload]
            address = running.stdout.readline().split()[-1]
            with httpx.stream("GET", address, headers={"Origin": "http://127.0.0.1:1"}, timeout=60) as feed:
                lines = (line for line in feed.iter_lines() if line.startswith("data:"))
                assert json.loads(next(lines)[5:])["serial"] == SERIAL
                told = (json.loads(line[5:]) for line in lines)
                assert any(one["grams"] == 18_240_000 and one["is_stable"] for one in told)
                running.stdin.write(f"in {VEHICLE} {LOT}\n")
                running.stdin.close()
                assert running.stdout.readline() == HELP + "\n"
                assert running.stdout.readline().startswith("first 18240000 g")
                # The input has ended, the readings have not.
                assert next(told)["grams"] == 18_240_000
            running.send_signal(signal.SIGINT)
            assert running.wait() != 0


class TestTheCommand:
    def test_goes_on_after_a_restart(self, gate: Gate) -> None:
        ran = []
        for load, line in ((18_240, f"in {VEHICLE} {LOT}\n"), (8_120, f"out {VEHICLE}\n")):
            gate.put(load)()
            arguments = ["scale", "gateway", "--config", str(gate.config), "--api", gate.api]
            ran.append(CliRunner().invoke(build_app(), arguments, input=line))
        assert [result.exit_code for result in ran] == [0, 0]
        assert f"ticket 1 seq 1, lot {LOT}: 18240000 - 8120000 = 10120000 g" in ran[1].output.splitlines()
        assert [kept["net"] for kept in gate.kept()] == [10_120_000]

    def test_shows_the_key_that_a_registrar_enrols_and_makes_it_once(self, tmp_path: Path) -> None:
        config = write_config(tmp_path)
        (tmp_path / "scale.key").unlink()
        shown = [
            CliRunner().invoke(build_app(), ["scale", "key", "--config", str(config)]).output for _ in range(2)
        ]
        x, y = open_key(tmp_path / "scale.key").public
        assert shown == [f"device {device_text(SCALE)} role scale\nx {x:064x}\ny {y:064x}\n"] * 2
        assert (tmp_path / "scale.key").stat().st_mode & 0o777 == 0o600

    def test_plays_an_indicator_until_it_is_interrupted(self) -> None:
        command = [sys.executable, "-m", "backend.cli", "scale", "simulator", "--port", "0", "--load", "7"]
        # A shell that starts its children in the background lets them ignore an interrupt.
        heeding = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=heeding) as playing:
            assert playing.stdout is not None
            listens = playing.stdout.readline()
            port = int(listens.rpartition(":")[2])
            with socket.create_connection(("127.0.0.1", port)) as line:
                line.sendall(b"@\r\n")
                assert line.recv(64) == b'I4 A "SIM-1"\r\n'
            assert playing.stdout.readline() == "7 kg on the platform\n"
            playing.send_signal(signal.SIGINT)
            assert playing.wait() != 0
        assert listens.startswith("indicator SIM-1 listens on 127.0.0.1:")


class TestTheConfiguration:
    def test_is_read_whole(self, tmp_path: Path) -> None:
        told = load_scale_config(write_config(tmp_path, 8001))
        identity = told.identity
        assert (identity.network, identity.device, identity.serial) == (NETWORK, SCALE, SERIAL)
        assert (identity.calibration, identity.calibration_until) == (42, 4_922_870_400)
        assert (told.host, told.port) == ("127.0.0.1", 8001)
        assert (told.log_file, told.key_file) == (tmp_path / "tickets.jsonl", tmp_path / "scale.key")

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("[indicator]", "[indicator"),
            ("[calibration]", "[calibre]"),
            ("2126-01-01T00:00:00+08:00", "2126-01-01T00:00:00"),
            ("2126-01-01T00:00:00+08:00", "2126-01-01"),
            ('ledger = "0x', 'ledger = "0x00'),
            ('device = "', 'device = "00'),
            ("id = 42", 'id = "x"'),
            ("port = 1", "port = []"),
        ],
    )
    def test_is_refused_when_something_is_wrong(self, tmp_path: Path, old: str, new: str) -> None:
        path = write_config(tmp_path)
        path.write_text(path.read_text().replace(old, new))
        with pytest.raises(BadScaleConfig, match=r"scale\.toml"):
            load_scale_config(path)

    @pytest.mark.parametrize("content", ["", "{}", '{"secret": "xyz"}', '{"secret": 5}', "[]", '{"secret": "0"}'])
    def test_holds_no_key_in_a_spoilt_file_and_says_nothing_of_it(self, tmp_path: Path, content: str) -> None:
        path = tmp_path / "scale.key"
        path.write_text(content)
        with pytest.raises(BadScaleConfig) as raised:
            open_key(path)
        assert str(raised.value).startswith("scale.key holds no key (")
        assert "xyz" not in str(raised.value)
