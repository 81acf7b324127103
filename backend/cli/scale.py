"""`huanlian scale`: a weighbridge's gateway, its key, and an indicator in software to try them with."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AsyncExitStack
from itertools import cycle
from pathlib import Path
from threading import Thread
from typing import Annotated

import typer

from backend.cli.places import DEFAULT_API, ApiUrl
from backend.domain.errors import DomainError
from backend.domain.types import device_text, lot_text
from backend.exchange.scales.client import SicsClient
from backend.exchange.scales.config import load_scale_config, open_key
from backend.exchange.scales.gateway import ScaleGateway
from backend.exchange.scales.live import LiveScale
from backend.exchange.scales.reading_feed import LOOPBACK, ReadingFeed
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
    feed_port: Annotated[
        int | None, typer.Option(help="Show the live reading to the gate's screen on this port of this machine.")
    ] = None,
    origin: Annotated[
        list[str] | None, typer.Option(help="Address of the pages that may read it; --api's unless told.")
    ] = None,
) -> None:
    """Weigh what the gate announces, a line each on standard input, and hand the sealed tickets in.

    With --feed-port it goes on when the input ends, until it is interrupted.
    """
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
        origins = [address.rstrip("/") for address in origin or [api]]
        asyncio.run(desk.serve(sys.stdin, feed_port=feed_port, origins=origins))


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

    async def serve(
        self, lines: Iterable[str], *, feed_port: int | None = None, origins: Collection[str] = ()
    ) -> None:
        """Do what each line says; what cannot be done is said and does not end the desk.

        Raises:
            OSError: the feed's port is taken.
        """
        identity = self._scale.identity
        async with AsyncExitStack() as stack:
            live = await stack.enter_async_context(
                LiveScale(SicsClient(self._host, self._port, serial=identity.serial))
            )
            if feed_port is not None:
                feed = ReadingFeed(live, identity, origins=origins)
                port = await stack.enter_async_context(feed.listening(feed_port))
                self._say(f"live readings at http://{LOOPBACK}:{port}/readings")
            self._say(HELP)
            waiting = iter(lines)
            while (line := await _next_line(waiting)) is not None:
                try:
                    await self._do(line.split(), live)
                except DomainError as error:
                    self._say(f"not done: {error}")
                # A silent server is waited for beside the readings, not before them.
                await asyncio.to_thread(self._hand_in)
            if feed_port is not None:
                await asyncio.Event().wait()

    async def _do(self, words: list[str], indicator: LiveScale) -> None:
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


async def _next_line(lines: Iterator[str]) -> str | None:
    """Return the next line, or None at the end; the readings go on while nobody types."""
    loop = asyncio.get_running_loop()
    read: asyncio.Future[str | None] = loop.create_future()

    def settle(line: str | None, error: BaseException | None) -> None:
        if read.cancelled():
            return
        if error is None:
            read.set_result(line)
        else:
            read.set_exception(error)

    def wait() -> None:
        line, failed = None, None
        try:
            line = next(lines, None)
        except BaseException as error:
            failed = error
        # The desk may have been closed while somebody was about to type.
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, line, failed)

    # A daemon: an input that never ends must not keep the process from ending.
    Thread(target=wait, daemon=True).start()
    return await read


def _is_hex(text: str, digits: int) -> bool:
    return len(text) == digits and set(text) <= set("0123456789abcdef")
