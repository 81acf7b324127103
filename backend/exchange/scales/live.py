"""One indicator, read again and again for whoever looks, and asked for stable weights in between.

Many indicators take one connection only, so the gate's live figure and the tickets share it: a stable weight waits
for the reading that is under way, and readings wait while it is asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from types import TracebackType

from backend.exchange.scales.client import NoWeight, ScaleAway, SicsClient, WrongScale
from backend.exchange.scales.sics import Weight


@dataclass(frozen=True)
class Reading:
    """What the platform shows now: a mass in whole grams, or in a word why there is none."""

    grams: int | None
    is_stable: bool
    trouble: str | None
    answer: str


class LiveScale:
    """An indicator that is watched while anybody wants its readings. For use within one event loop."""

    def __init__(self, client: SicsClient, *, pause_seconds: float = 0.25) -> None:
        self._client, self._pause_seconds = client, pause_seconds
        self._turn = asyncio.Lock()
        self._changed = asyncio.Condition()
        self._reading: Reading | None = None
        self._count = 0
        self.watchers = 0
        """How many want readings now; with none, the indicator is left alone."""
        self._watching: asyncio.Task[None] | None = None

    async def __aenter__(self) -> LiveScale:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        await self._client.close()

    async def stable_weight(self) -> Weight:
        """Return the mass once it stands still. Raises as the client does."""
        async with self._turn:
            return await self._client.stable_weight()

    async def readings(self) -> AsyncGenerator[Reading]:
        """Yield each new reading, the same again too, until the caller stops; one that is slow misses some."""
        self.watchers += 1
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch())
        seen = self._count
        try:
            while True:
                async with self._changed:
                    while self._count == seen:
                        await self._changed.wait()
                    seen, reading = self._count, self._reading
                if reading is not None:
                    yield reading
        finally:
            self.watchers -= 1

    async def _watch(self) -> None:
        while self.watchers > 0:
            reading = await self._read()
            async with self._changed:
                self._reading, self._count = reading, self._count + 1
                self._changed.notify_all()
            await asyncio.sleep(self._pause_seconds)

    async def _read(self) -> Reading:
        async with self._turn:
            try:
                weight = await self._client.weight_now()
            except NoWeight as none:
                return Reading(None, False, none.trouble.name.lower().replace("_", "-"), none.trouble.value)
            except ScaleAway:
                return Reading(None, False, "away", "")
            except WrongScale:
                return Reading(None, False, "wrong-scale", "")
        return Reading(weight.grams, weight.is_stable, None, weight.answer)
