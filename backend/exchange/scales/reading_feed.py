"""The live reading for the gate's screen: HTTP on this machine only, so it needs neither server nor network.

A browser opens no TCP, so the gateway serves what the indicator shows as server-sent events. Nothing can be
changed here, and only pages of the origins that were named may read it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Collection
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any

from backend.exchange.scales.gateway import ScaleIdentity
from backend.exchange.scales.live import LiveScale, Reading

LOOPBACK = "127.0.0.1"
_LONGEST_HEAD = 8_192
_HEAD_SECONDS = 10


class ReadingFeed:
    """`GET /readings`: one event `scale` (which indicator, how calibrated), then one `reading` after another."""

    def __init__(self, live: LiveScale, identity: ScaleIdentity, *, origins: Collection[str]) -> None:
        self._live, self._identity, self._origins = live, identity, frozenset(origins)
        self._callers: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def listening(self, port: int) -> AsyncIterator[int]:
        """Serve on this port of the loopback address until the block ends; yield the port.

        Raises:
            OSError: the port is taken.
        """
        server = await asyncio.start_server(self._serve, LOOPBACK, port, limit=_LONGEST_HEAD)
        try:
            yield int(server.sockets[0].getsockname()[1])
        finally:
            server.close()
            for caller in self._callers:
                caller.cancel()
            await asyncio.gather(*self._callers, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._callers.add(task)
        task.add_done_callback(self._callers.discard)
        # A caller that hangs up, stalls or sends no HTTP is told nothing, nor is one that is cut off at the end.
        gone = (OSError, EOFError, TimeoutError, ValueError, asyncio.LimitOverrunError, asyncio.CancelledError)
        with suppress(*gone):
            await self._answer(reader, writer)
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(_HEAD_SECONDS):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        request, *lines = head.rstrip("\r\n").split("\r\n")
        method, path, _ = request.split(" ", 2)
        headers = {
            name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
        }
        origin = headers.get("origin")
        # A page that rebinds its name to this address would come without an origin, but under its own name.
        host = headers.get("host", "").rpartition(":")[0]
        if host not in (LOOPBACK, "localhost") or (origin is not None and origin not in self._origins):
            await _say(writer, "403 Forbidden", origin=None)
        elif path != "/readings":
            await _say(writer, "404 Not Found", origin=origin)
        elif method == "OPTIONS":
            await _say(writer, "204 No Content", origin=origin)
        elif method != "GET":
            await _say(writer, "405 Method Not Allowed", origin=origin)
        else:
            await self._stream(writer, origin)

    async def _stream(self, writer: asyncio.StreamWriter, origin: str | None) -> None:
        headers = ("Content-Type: text/event-stream", "Cache-Control: no-store")
        writer.write(_head("200 OK", origin, *headers))
        told = {
            "serial": self._identity.serial,
            "calibration": self._identity.calibration,
            "calibration_until": self._identity.calibration_until,
        }
        await _send(writer, "scale", told)
        async with aclosing(self._live.readings()) as readings:
            async for reading in readings:
                await _send(writer, "reading", _plain(reading))


def _plain(reading: Reading) -> dict[str, Any]:
    return {
        "grams": reading.grams,
        "is_stable": reading.is_stable,
        "trouble": reading.trouble,
        "answer": reading.answer,
    }


def _head(status: str, origin: str | None, *more: str) -> bytes:
    # An https page asks first whether it may talk to this machine at all.
    allowed = (
        f"Access-Control-Allow-Origin: {origin}",
        "Access-Control-Allow-Private-Network: true",
        "Vary: Origin",
    )
    lines = (f"HTTP/1.1 {status}", "Connection: close", *(allowed if origin else ()), *more)
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def _say(writer: asyncio.StreamWriter, status: str, *, origin: str | None) -> None:
    writer.write(_head(status, origin, "Content-Length: 0"))
    await writer.drain()


async def _send(writer: asyncio.StreamWriter, event: str, told: dict[str, Any]) -> None:
    writer.write(f"event: {event}\ndata: {json.dumps(told)}\n\n".encode())
    await writer.drain()
