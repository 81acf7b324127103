"""A scale to test against: an indicator on a real socket, and a clock that each reading moves on by a second."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count

from backend.exchange.scales.client import SicsClient
from backend.exchange.scales.simulator import Platform, SicsSimulator

SERIAL = "B123456789"
SETTLE_READINGS = 5


def ticking() -> Callable[[], float]:
    ticks = count()
    return lambda: float(next(ticks))


def new_platform(**more: int) -> Platform:
    return Platform(clock=ticking(), settle_seconds=SETTLE_READINGS, **more)


@asynccontextmanager
async def listening(**more: float) -> AsyncIterator[tuple[SicsSimulator, SicsClient]]:
    """Yield an indicator and a client of it, which gives up soon."""
    indicator = SicsSimulator(new_platform(), serial=SERIAL, repeat_seconds=0, **more)
    port = await indicator.start()
    client = SicsClient(
        "127.0.0.1", port, serial=SERIAL, answer_seconds=0.3, stable_seconds=0.3, attempts=3, first_pause_seconds=0
    )
    try:
        async with client:
            yield indicator, client
    finally:
        await indicator.stop()


@contextmanager
def in_the_background() -> Iterator[tuple[SicsSimulator, int]]:
    """Yield an indicator that listens in another thread, and its port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    indicator = SicsSimulator(new_platform(), serial=SERIAL)
    try:
        yield indicator, asyncio.run_coroutine_threadsafe(indicator.start(), loop).result()
    finally:
        asyncio.run_coroutine_threadsafe(indicator.stop(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
