"""The gate's live figure: real sockets between an indicator, the gateway and whoever reads."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec

import pytest
from custody_stories import NETWORK
from scale_support import SERIAL, listening

from backend.exchange.scales.gateway import ScaleIdentity
from backend.exchange.scales.live import LiveScale
from backend.exchange.scales.reading_feed import ReadingFeed
from backend.exchange.scales.simulator import SicsSimulator

GATE = "https://bins.example.org"
IDENTITY = ScaleIdentity(NETWORK, device=5, serial=SERIAL, calibration=42, calibration_until=4_922_870_400)
_PATIENCE_SECONDS = 60
P = ParamSpec("P")


def in_a_loop(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run a test within an event loop of its own."""

    @wraps(test)
    def run(*arguments: P.args, **named: P.kwargs) -> None:
        asyncio.run(test(*arguments, **named))

    return run


@asynccontextmanager
async def feeding() -> AsyncIterator[tuple[SicsSimulator, LiveScale, int]]:
    async with (
        listening() as (indicator, client),
        LiveScale(client, pause_seconds=0) as live,
        ReadingFeed(live, IDENTITY, origins=[GATE]).listening(0) as port,
    ):
        yield indicator, live, port


@dataclass
class Call:
    """What a caller got, and its line: dropped, the line would be closed."""

    status: str
    headers: dict[str, str]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


async def call(port: int, *lines: str) -> Call:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
    async with asyncio.timeout(_PATIENCE_SECONDS):
        status, *headers = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
    return Call(status, dict(line.split(": ", 1) for line in headers), reader, writer)


def from_gate(port: int, line: str = "GET /readings HTTP/1.1") -> tuple[str, ...]:
    return (line, f"Host: 127.0.0.1:{port}", f"Origin: {GATE}")


async def next_event(caller: Call) -> tuple[str, dict[str, Any]]:
    async with asyncio.timeout(_PATIENCE_SECONDS):
        name, data = (await caller.reader.readuntil(b"\n\n")).decode().strip().split("\n")
    return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


async def wait_for_reading(caller: Call, **wanted: Any) -> dict[str, Any]:
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while True:
            name, told = await next_event(caller)
            if name == "reading" and all(told[key] == value for key, value in wanted.items()):
                return told


class TestTheFeed:
    @in_a_loop
    async def test_names_the_scale_first_and_then_what_it_shows(self) -> None:
        async with feeding() as (indicator, _, port):
            caller = await call(port, *from_gate(port))
            assert caller.status == "HTTP/1.1 200 OK"
            assert caller.headers["Content-Type"] == "text/event-stream"
            assert caller.headers["Access-Control-Allow-Origin"] == GATE
            told = {"serial": SERIAL, "calibration": 42, "calibration_until": 4_922_870_400}
            assert await next_event(caller) == ("scale", told)
            indicator.platform.put(18_240_000)
            await wait_for_reading(caller, is_stable=False)
            still = await wait_for_reading(caller, is_stable=True, grams=18_240_000)
            assert (still["trouble"], still["answer"]) == (None, "S S      18240 kg")

    @in_a_loop
    async def test_says_in_a_word_why_there_is_no_mass(self) -> None:
        async with feeding() as (indicator, _, port):
            caller = await call(port, *from_gate(port))
            indicator.platform.put(90_000_000)
            assert (await wait_for_reading(caller, trouble="overload"))["grams"] is None
            await indicator.stop()
            await wait_for_reading(caller, trouble="away")

    @in_a_loop
    async def test_goes_on_while_a_ticket_is_weighed(self) -> None:
        async with feeding() as (indicator, live, port):
            caller = await call(port, *from_gate(port))
            indicator.platform.put(8_120_000)
            weight = await live.stable_weight()
            assert weight.grams == 8_120_000
            await wait_for_reading(caller, grams=8_120_000)
            assert indicator.connections == 1

    @in_a_loop
    async def test_is_read_by_several_at_a_time(self) -> None:
        async with feeding() as (indicator, _, port):
            indicator.platform.put(1_000_000)
            for caller in [await call(port, *from_gate(port)) for _ in range(2)]:
                await wait_for_reading(caller, grams=1_000_000)

    @pytest.mark.parametrize(
        ("status", "lines"),
        [
            (
                "403 Forbidden",
                ("GET /readings HTTP/1.1", "Host: 127.0.0.1:1", "Origin: https://elsewhere.example"),
            ),
            ("403 Forbidden", ("GET /readings HTTP/1.1", "Host: rebound.example:1")),
            ("403 Forbidden", ("GET /readings HTTP/1.1",)),
            ("404 Not Found", ("GET / HTTP/1.1", "Host: 127.0.0.1:1", f"Origin: {GATE}")),
            ("405 Method Not Allowed", ("POST /readings HTTP/1.1", "Host: localhost:1", f"Origin: {GATE}")),
            ("204 No Content", ("OPTIONS /readings HTTP/1.1", "Host: localhost:1", f"Origin: {GATE}")),
        ],
    )
    @in_a_loop
    async def test_answers_nothing_else(self, status: str, lines: tuple[str, ...]) -> None:
        async with feeding() as (indicator, _, port):
            told = await call(port, *lines)
            assert told.status == f"HTTP/1.1 {status}"
            assert ("Access-Control-Allow-Origin" in told.headers) is not status.startswith("403")
            assert indicator.connections == 0

    @in_a_loop
    async def test_reads_nothing_while_nobody_looks(self) -> None:
        async with feeding() as (indicator, live, port):
            assert (indicator.connections, live.watchers) == (0, 0)
            caller = await call(port, *from_gate(port))
            await wait_for_reading(caller)
            assert live.watchers == 1
            caller.writer.close()
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while live.watchers:
                    await asyncio.sleep(0)
