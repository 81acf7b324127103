"""`huanlian scale`: a weighbridge's gateway, its key, and an indicator in software to try them with."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterable
from itertools import cycle
from pathlib import Path
from typing import Annotated

import typer

from backend.cli.places import DEFAULT_API, ApiUrl
from backend.domain.errors import DomainError
from backend.domain.types import device_text, lot_text
from backend.exchange.scales.client import SicsClient
from backend.exchange.scales.config import load_scale_config, open_key
from backend.exchange.scales.gateway import ScaleGateway
from backend.exchange.scales.simulator import Platform, SicsSimulator
from backend.exchange.scales.ticket_log import TicketLog
from backend.simulate.courier import Courier

ConfigFile = Annotated[
    Path, typer.Option("--config", exists=True, dir_okay=False, help="The scale's configuration (TOML).")
]
HELP = "in VEHICLE LOT | out VEHICLE | open | send   (VEHICLE 16 and LOT 24 hex digits)"
Say = Callable[[str], None]

scale_app = typer.Typer(
    name="scale", help="A weighbridge that seals its own tickets.", no_args_is_help=True, add_completion=False
)


@scale_app.command()
def key(config: ConfigFile) -> None:
    """Show the scale's public key for its registrar to enrol; make the key where there is none."""
    told = load_scale_config(config)
    x, y = open_key(told.key_file).public
    typer.echo(f"device {device_text(told.identity.device)} role scale\nx {x:064x}\ny {y:064x}")


@scale_app.command()
def gateway(
    config: ConfigFile,
    api: ApiUrl = DEFAULT_API,
    patience_seconds: Annotated[float, typer.Option(help="How long to wait for a silent server.")] = 5,
) -> None:
    """Weigh what the gate announces, a line each on standard input, and hand the sealed tickets in."""
    told = load_scale_config(config)
    with TicketLog(told.log_file) as log:
        scale = ScaleGateway(told.identity, open_key(told.key_file), log)
        desk = Desk(
            scale,
            Courier(api, patience_seconds=patience_seconds),
            host=told.host,
            port=told.port,
            say=typer.echo,
        )
        asyncio.run(desk.serve(sys.stdin))


@scale_app.command()
def simulator(
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8001,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    serial: Annotated[str, typer.Option(help="Serial number that the indicator tells.")] = "SIM-1",
    load: Annotated[list[int] | None, typer.Option(help="Kilograms on the platform, one after the other.")] = None,
    every_seconds: Annotated[float, typer.Option(help="How long each load stays.")] = 20,
) -> None:
    """Play a truck scale whose indicator speaks MT-SICS over TCP, until interrupted."""
    asyncio.run(_play(host, port, serial, load or [18_240, 0, 8_120, 0], every_seconds))


async def _play(host: str, port: int, serial: str, loads: list[int], every_seconds: float) -> None:
    platform = Platform(clock=time.monotonic)
    indicator = SicsSimulator(platform, serial=serial)
    opened = await indicator.start(host, port)
    typer.echo(f"indicator {serial} listens on {host}:{opened}")
    try:
        for kilograms in cycle(loads):
            typer.echo(f"{kilograms} kg on the platform")
            platform.put(kilograms * 1_000)
            await asyncio.sleep(every_seconds)
    finally:
        await indicator.stop()


class Desk:
    """The gate's side of a scale: reads commands, asks the indicator, seals, hands in."""

    def __init__(self, scale: ScaleGateway, courier: Courier, *, host: str, port: int, say: Say) -> None:
        self._scale, self._courier, self._say = scale, courier, say
        self._host, self._port = host, port

    async def serve(self, lines: Iterable[str]) -> None:
        """Do what each line says; what cannot be done is said and does not end the desk."""
        self._say(HELP)
        async with SicsClient(self._host, self._port, serial=self._scale.identity.serial) as indicator:
            for line in lines:
                try:
                    await self._do(line.split(), indicator)
                except DomainError as error:
                    self._say(f"not done: {error}")
                self._hand_in()

    async def _do(self, words: list[str], indicator: SicsClient) -> None:
        match words:
            case ["in", vehicle, lot] if _is_hex(vehicle, 16) and _is_hex(lot, 24):
                weight = await indicator.stable_weight()
                opened = self._scale.weigh_first(
                    vehicle=int(vehicle, 16), lot=int(lot, 16), weight=weight, now=int(time.time())
                )
                self._say(f"first {opened.grams} g, vehicle {vehicle}, lot {lot}")
            case ["out", vehicle] if _is_hex(vehicle, 16):
                weight = await indicator.stable_weight()
                made = self._scale.weigh_second(vehicle=int(vehicle, 16), weight=weight, now=int(time.time()))
                self._say(
                    f"ticket {made.number} seq {made.seq}, lot {lot_text(made.lot)}: "
                    f"{made.gross_grams} - {made.tare_grams} = {made.net_grams} g"
                )
                if not made.is_calibrated:
                    self._say("WARNING: the calibration has expired; this ticket proves nothing")
            case ["open"]:
                for weighing in self._scale.open.values():
                    self._say(f"vehicle {device_text(weighing.vehicle)}, lot {lot_text(weighing.lot)}")
            case ["send"] | []:
                # The hand-in follows every line.
                pass
            case _:
                self._say(HELP)

    def _hand_in(self) -> None:
        """Hand in what waits; a server that is away or says no leaves the tickets waiting in the log."""
        waiting = self._scale.waiting()
        for done, (segment, evidence) in enumerate(waiting):
            try:
                self._courier.hand_in(segment, evidence)
            except (DomainError, TimeoutError) as error:
                self._say(f"{len(waiting) - done} tickets wait: {error}")
                return
            self._scale.mark_kept(segment.first_seq)


def _is_hex(text: str, digits: int) -> bool:
    return len(text) == digits and set(text) <= set("0123456789abcdef")
