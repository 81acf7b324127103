"""Asks an indicator for weights over TCP, and connects again when the line was lost.

A reading changes nothing on the scale, so a lost answer is simply asked for again, on a new connection:
on the old one a belated answer could be taken for the next.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import TracebackType

from backend.domain.errors import DomainError
from backend.exchange.scales import sics
from backend.exchange.scales.sics import SerialNumber, Trouble, UnreadableAnswer, Weight, parse_answer

_LONGEST_LINE = 256
_MOST_STALE_LINES = 64
_MOST_PAUSE_SECONDS = 5.0


class ScaleAway(DomainError):
    """The indicator cannot be reached or does not answer in its protocol."""

    slug = "scale-away"
    title = "The scale does not answer"

    def __init__(self, *, host: str, port: int, why: str) -> None:
        super().__init__(f"The scale at {host}:{port} does not answer: {why}")
        self.host, self.port, self.why = host, port, why


class WrongScale(DomainError):
    """Another indicator answers than the one that this gateway seals for."""

    slug = "wrong-scale"
    title = "Another scale answers"

    def __init__(self, *, expected: str, found: str) -> None:
        super().__init__(f"The scale says it is {found!r}, not {expected!r}.")
        self.expected, self.found = expected, found


class NoWeight(DomainError):
    """The indicator is there and says why it gives no weight: in motion, overload, underload."""

    slug = "no-weight"
    title = "The scale gives no weight"

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(f"The scale gives no weight: {trouble.name.lower().replace('_', ' ')}.")
        self.trouble = trouble


class SicsClient:
    """One indicator, known by its serial number; not for use by two tasks at once."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        serial: str,
        connect_seconds: float = 5,
        answer_seconds: float = 5,
        stable_seconds: float = 60,
        attempts: int = 5,
        first_pause_seconds: float = 0.2,
    ) -> None:
        self.host, self.port, self.serial = host, port, serial
        self._connect_seconds, self._answer_seconds = connect_seconds, answer_seconds
        self._stable_seconds = stable_seconds
        self._attempts, self._first_pause_seconds = attempts, first_pause_seconds
        self._line: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __aenter__(self) -> SicsClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let the connection go."""
        line, self._line = self._line, None
        if line is not None:
            line[1].close()
            try:
                await line[1].wait_closed()
            except OSError:
                # The other side may have torn the connection down already; closed is closed.
                return

    async def stable_weight(self) -> Weight:
        """Return the mass once it stands still.

        Raises:
            NoWeight: it did not settle in the indicator's own time, or over- or underload.
            ScaleAway: no answer on any attempt.
            WrongScale: another indicator answered.
        """
        weight = await self._weigh(sics.STABLE, self._stable_seconds)
        if not weight.is_stable:
            raise ScaleAway(host=self.host, port=self.port, why="S was answered with a dynamic weight")
        return weight

    async def weight_now(self) -> Weight:
        """Return the mass as it is, still or moving. Raises as `stable_weight`."""
        return await self._weigh(sics.NOW, self._answer_seconds)

    async def watch(self) -> AsyncIterator[Weight | Trouble]:
        """Yield the mass again and again as the indicator sends it, until the caller stops; then hang up.

        Raises:
            ScaleAway: the line was lost; what was seen stays seen.
        """
        try:
            reader, writer = await self._connected()
            await self._send(writer, sics.REPEAT)
            while True:
                yield await self._next_weight(reader)
        except (OSError, EOFError, UnreadableAnswer) as error:
            raise ScaleAway(host=self.host, port=self.port, why=_why(error)) from error
        finally:
            await self.close()

    async def _next_weight(self, reader: asyncio.StreamReader) -> Weight | Trouble:
        answer = await self._read(reader, self._answer_seconds)
        if isinstance(answer, SerialNumber):
            raise UnreadableAnswer(sics.serial_line(answer.serial), "a weight was asked for")
        return answer

    async def _weigh(self, command: bytes, seconds: float) -> Weight:
        last: Exception | None = None
        pause = self._first_pause_seconds
        for attempt in range(self._attempts):
            if attempt:
                await asyncio.sleep(pause)
                pause = min(pause * 2, _MOST_PAUSE_SECONDS)
            try:
                reader, writer = await self._connected()
                await self._send(writer, command)
                answer = await self._read(reader, seconds)
                if isinstance(answer, SerialNumber):
                    raise UnreadableAnswer(sics.serial_line(answer.serial), "a weight was asked for")
            except (OSError, EOFError, UnreadableAnswer) as error:
                last = error
                await self.close()
                continue
            if isinstance(answer, Trouble):
                raise NoWeight(answer)
            return answer
        raise ScaleAway(host=self.host, port=self.port, why=_why(last)) from last

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Return a line on which the right indicator has just answered its reset."""
        if self._line is None:
            async with asyncio.timeout(self._connect_seconds):
                self._line = await asyncio.open_connection(self.host, self.port, limit=_LONGEST_LINE)
            await self._send(self._line[1], sics.RESET)
            found = await self._serial(self._line[0])
            if found != self.serial:
                await self.close()
                raise WrongScale(expected=self.serial, found=found)
        return self._line

    async def _serial(self, reader: asyncio.StreamReader) -> str:
        """Return the answer to the reset; weights that were on their way before it are passed over."""
        for _ in range(_MOST_STALE_LINES):
            answer = await self._read(reader, self._answer_seconds)
            if isinstance(answer, SerialNumber):
                return answer.serial
        raise UnreadableAnswer(b"", "the reset is not answered")

    async def _send(self, writer: asyncio.StreamWriter, command: bytes) -> None:
        writer.write(command + sics.END)
        async with asyncio.timeout(self._answer_seconds):
            await writer.drain()

    async def _read(self, reader: asyncio.StreamReader, seconds: float) -> sics.Answer:
        try:
            async with asyncio.timeout(seconds):
                line = await reader.readuntil(sics.END)
        except asyncio.LimitOverrunError as error:
            raise UnreadableAnswer(b"", f"no end of line in {_LONGEST_LINE} bytes") from error
        return parse_answer(line.removesuffix(sics.END))


def _why(error: Exception | None) -> str:
    return f"{type(error).__name__} {error}".strip()
