"""A truck scale in software: a platform that settles, and an indicator that speaks MT-SICS over TCP.

It serves tests and demonstrations; the gateway cannot tell it from a real indicator.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections import deque
from collections.abc import Callable
from enum import Enum

from backend.exchange.scales import sics
from backend.exchange.scales.sics import Trouble

_POLL_SECONDS = 0.02
_LONGEST_LINE = 64


class Platform:
    """Masses put on a scale, as its indicator sees them: swinging at first, then still.

    Readings are whole divisions. More than 9 divisions above `max_grams` is overload (OIML R 76-1, T.3.1.7.1),
    more than 20 divisions below zero underload.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        division_grams: int = 20_000,
        max_grams: int = 60_000_000,
        settle_seconds: float = 3,
        swing_grams: int = 400_000,
        seed: int = 1,
    ) -> None:
        self._clock, self._random = clock, random.Random(seed)
        self.division_grams, self.max_grams = division_grams, max_grams
        self._settle_seconds, self._swing_grams = settle_seconds, swing_grams
        self._from_grams, self._to_grams, self._changed_at = 0, 0, -math.inf

    def put(self, load_grams: int) -> None:
        """Change what stands on the platform."""
        self._from_grams, self._to_grams, self._changed_at = self._to_grams, load_grams, self._clock()

    def read(self) -> tuple[int, bool] | Trouble:
        """Return the mass in whole divisions and whether it stands still, or why there is none."""
        since = self._clock() - self._changed_at
        is_still = since >= self._settle_seconds
        mass = float(self._to_grams)
        if not is_still:
            fading = math.exp(-8 * since / self._settle_seconds)
            mass += (self._from_grams - self._to_grams) * fading
            mass += self._swing_grams * fading * self._random.uniform(-1, 1)
        shown = round(mass / self.division_grams) * self.division_grams
        if shown > self.max_grams + 9 * self.division_grams:
            return Trouble.OVERLOAD
        if shown < -20 * self.division_grams:
            return Trouble.UNDERLOAD
        return shown, is_still


class Fault(Enum):
    """What the indicator does once instead of answering a command for a weight."""

    HANG_UP = "hang up"
    SAY_NOTHING = "say nothing"
    SAY_NONSENSE = "say nonsense"
    NEVER_END_A_LINE = "never end a line"


class SicsSimulator:
    """An indicator that listens on TCP. Commands it does not know are answered `ES`, as the manual says."""

    def __init__(
        self,
        platform: Platform,
        *,
        serial: str,
        stable_seconds: float = 40,
        repeat_seconds: float = 0.2,
    ) -> None:
        self.platform, self.serial = platform, serial
        self._stable_seconds, self._repeat_seconds = stable_seconds, repeat_seconds
        self.faults: deque[Fault] = deque()
        self.connections = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen; return the port."""
        self._server = await asyncio.start_server(self._serve, host, port, limit=_LONGEST_LINE)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Hang up on everybody and listen no more."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.connections += 1
        repeating: asyncio.Task[None] | None = None
        try:
            while True:
                command = (await reader.readuntil(sics.END)).removesuffix(sics.END)
                if repeating is not None:
                    repeating.cancel()
                    repeating = None
                if command == sics.REPEAT:
                    repeating = asyncio.create_task(self._repeat(writer))
                elif not await self._answer(command, writer):
                    return
        except (OSError, EOFError):
            # The caller hung up: an indicator has nobody to tell, and waits for the next.
            return
        except asyncio.LimitOverrunError:
            writer.write(Trouble.TRANSMISSION_ERROR.value.encode() + sics.END)
        finally:
            if repeating is not None:
                repeating.cancel()
            writer.close()

    async def _answer(self, command: bytes, writer: asyncio.StreamWriter) -> bool:
        """Answer one command; say whether to go on with this connection."""
        if command in (sics.STABLE, sics.NOW) and self.faults:
            fault = self.faults.popleft()
            if fault is Fault.SAY_NONSENSE:
                writer.write(b"S S  Error 12b" + sics.END)
            if fault is Fault.NEVER_END_A_LINE:
                writer.write(b"S S " + b" " * 1_000)
            await writer.drain()
            return fault is not Fault.HANG_UP
        if command == sics.STABLE:
            line = await self._stable()
        elif command == sics.NOW:
            line = _shown(self.platform.read())
        elif command in (sics.RESET, sics.SERIAL):
            line = sics.serial_line(self.serial)
        else:
            line = Trouble.SYNTAX_ERROR.value.encode()
        writer.write(line + sics.END)
        await writer.drain()
        return True

    async def _stable(self) -> bytes:
        """Wait for the platform, as long as the indicator's own time allows."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._stable_seconds
        while True:
            read = self.platform.read()
            if isinstance(read, Trouble) or read[1]:
                return _shown(read)
            if loop.time() >= until:
                return Trouble.NOT_EXECUTABLE.value.encode()
            await asyncio.sleep(_POLL_SECONDS)

    async def _repeat(self, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(_shown(self.platform.read()) + sics.END)
            await writer.drain()
            await asyncio.sleep(self._repeat_seconds)


def _shown(read: tuple[int, bool] | Trouble) -> bytes:
    if isinstance(read, Trouble):
        return read.value.encode()
    return sics.weight_line(read[0], is_stable=read[1])
