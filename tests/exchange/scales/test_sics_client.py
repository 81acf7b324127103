"""The client and the simulated indicator, over a real socket."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from scale_support import SERIAL, SETTLE_READINGS, listening, new_platform, ticking

from backend.exchange.scales import sics
from backend.exchange.scales.client import NoWeight, ScaleAway, SicsClient, WrongScale
from backend.exchange.scales.sics import Trouble, Weight
from backend.exchange.scales.simulator import Fault, Platform, SicsSimulator

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def raw(port: int, sent: bytes, ends: int = 1) -> bytes:
    """Return what an indicator answers to these bytes, up to so many line ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    heard = b"".join([await reader.readuntil(sics.END) for _ in range(ends)])
    writer.close()
    return heard


async def ask_a_stranger(serve: Serve, ask: Callable[[SicsClient], Awaitable[object]]) -> object:
    """Ask something else than our simulator."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with SicsClient(
        "127.0.0.1", port, serial=SERIAL, answer_seconds=0.3, stable_seconds=0.3, attempts=2, first_pause_seconds=0
    ) as client:
        try:
            return await ask(client)
        finally:
            server.close()


def saying(*lines: bytes) -> Serve:
    """Return a server that answers each command with the next of these."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for line in lines:
            await reader.readuntil(sics.END)
            writer.write(line + sics.END)
        await reader.read()
        writer.close()

    return serve


async def _all(watching: AsyncIterator[object]) -> list[object]:
    return [shown async for shown in watching]


class TestAPlatform:
    def test_swings_and_then_stands_still_at_the_load(self) -> None:
        platform = new_platform()
        platform.put(18_240_000)
        readings = [platform.read() for _ in range(SETTLE_READINGS + 1)]
        assert [reading[1] for reading in readings if isinstance(reading, tuple)] == [False] * 4 + [True] * 2
        assert readings[-1] == (18_240_000, True)
        assert readings[0] != (18_240_000, False)

    def test_shows_whole_divisions(self) -> None:
        platform = new_platform()
        platform.put(18_251_000)
        for _ in range(SETTLE_READINGS):
            reading = platform.read()
            assert isinstance(reading, tuple)
            assert reading[0] % platform.division_grams == 0
        assert platform.read() == (18_260_000, True)

    @pytest.mark.parametrize(
        ("load", "shown"),
        [
            (60_180_000, (60_180_000, True)),
            (60_200_000, Trouble.OVERLOAD),
            (-400_000, (-400_000, True)),
            (-420_000, Trouble.UNDERLOAD),
        ],
    )
    def test_says_when_a_load_is_outside_its_range(self, load: int, shown: object) -> None:
        platform = Platform(clock=ticking(), settle_seconds=0)
        platform.put(load)
        assert platform.read() == shown


class TestTheIndicator:
    def test_answers_as_the_manual_says(self) -> None:
        async def story() -> None:
            indicator = SicsSimulator(new_platform(), serial=SERIAL)
            port = await indicator.start()
            assert await raw(port, b"@\r\n") == b'I4 A "B123456789"\r\n'
            assert await raw(port, b"I4\r\n") == b'I4 A "B123456789"\r\n'
            assert await raw(port, b"S\r\n") == b"S S          0 kg\r\n"
            assert await raw(port, b"s\r\nX\r\n", 2) == b"ES\r\nES\r\n"
            assert await raw(port, b"x" * 200) == b"ET\r\n"
            indicator.platform.put(18_240_000)
            assert (await raw(port, b"SI\r\n")).startswith(b"S D ")
            assert await raw(port, b"S\r\n") == b"S S      18240 kg\r\n"
            await indicator.stop()

        asyncio.run(story())

    def test_repeats_until_the_next_command(self) -> None:
        async def story() -> None:
            indicator = SicsSimulator(new_platform(), serial=SERIAL, repeat_seconds=0)
            port = await indicator.start()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"SIR\r\n")
            for _ in range(3):
                assert await reader.readuntil(sics.END) == b"S S          0 kg\r\n"
            writer.write(b"@\r\n")
            while (line := await reader.readuntil(sics.END)) == b"S S          0 kg\r\n":
                pass
            assert line == b'I4 A "B123456789"\r\n'
            writer.write(b"I4\r\n")
            assert await reader.readuntil(sics.END) == line
            writer.close()
            await indicator.stop()

        asyncio.run(story())

    def test_can_be_stopped_before_it_was_started(self) -> None:
        asyncio.run(SicsSimulator(new_platform(), serial=SERIAL).stop())


class TestTheClient:
    def test_waits_for_a_stable_weight(self) -> None:
        async def story() -> None:
            async with listening() as (indicator, client):
                indicator.platform.put(18_240_000)
                moving = await client.weight_now()
                assert moving.is_stable is False
                assert await client.stable_weight() == Weight(18_240_000, True, "S S      18240 kg")
                assert indicator.connections == 1

        asyncio.run(story())

    def test_says_why_there_is_no_weight(self) -> None:
        async def story() -> None:
            async with listening(stable_seconds=0) as (indicator, client):
                for load, trouble in ((70_000_000, Trouble.OVERLOAD), (-9_000_000, Trouble.UNDERLOAD)):
                    indicator.platform.put(load)
                    for _ in range(SETTLE_READINGS):
                        indicator.platform.read()
                    with pytest.raises(NoWeight) as raised:
                        await client.stable_weight()
                    assert raised.value.trouble is trouble
                indicator.platform.put(1_000_000)
                indicator.platform.put(1_500_000)
                with pytest.raises(NoWeight, match="not executable") as raised:
                    await client.stable_weight()
                assert raised.value.trouble is Trouble.NOT_EXECUTABLE

        asyncio.run(story())

    @pytest.mark.parametrize("fault", Fault)
    def test_asks_again_on_a_new_connection_when_an_answer_is_lost(self, fault: Fault) -> None:
        async def story() -> None:
            async with listening() as (indicator, client):
                indicator.faults.append(fault)
                assert (await client.stable_weight()).grams == 0
                assert indicator.connections == 2

        asyncio.run(story())

    def test_outlives_a_line_that_was_torn_down(self) -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(sics.END)
            # Lingering for no time sends a reset instead of an orderly end.
            writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
            writer.transport.abort()

        with pytest.raises(ScaleAway, match="ConnectionResetError"):
            asyncio.run(ask_a_stranger(serve, lambda client: client.weight_now()))

    def test_gives_up_after_its_attempts_and_can_be_asked_again_later(self) -> None:
        async def story() -> None:
            async with listening() as (indicator, client):
                indicator.faults.extend([Fault.HANG_UP] * 3)
                with pytest.raises(ScaleAway, match="IncompleteReadError"):
                    await client.weight_now()
                assert (await client.weight_now()).grams == 0

        asyncio.run(story())

    def test_finds_an_indicator_that_was_switched_off_in_between(self) -> None:
        async def story() -> None:
            async with listening() as (indicator, client):
                await client.weight_now()
                await indicator.stop()
                with pytest.raises(ScaleAway):
                    await client.weight_now()
                again = SicsSimulator(indicator.platform, serial=SERIAL)
                await again.start(port=client.port)
                assert (await client.weight_now()).grams == 0
                await again.stop()

        asyncio.run(story())

    def test_refuses_another_indicator(self) -> None:
        async def story() -> None:
            async with listening() as (indicator, client):
                indicator.serial = "C000000001"
                with pytest.raises(WrongScale) as raised:
                    await client.stable_weight()
                assert (raised.value.expected, raised.value.found) == (SERIAL, "C000000001")

        asyncio.run(story())

    def test_watches_until_the_caller_stops(self) -> None:
        async def story() -> None:
            async with listening() as (indicator, client):
                indicator.platform.put(70_000_000)
                seen = []
                watching = client.watch()
                async for shown in watching:
                    seen.append(shown)
                    if shown is Trouble.OVERLOAD:
                        break
                await watching.aclose()
                assert all(isinstance(shown, Weight) for shown in seen[:-1])
                assert seen[-1] is Trouble.OVERLOAD
                indicator.platform.put(0)
                assert isinstance(await client.weight_now(), Weight)
                assert indicator.connections == 2

        asyncio.run(story())

    def test_says_that_the_line_was_lost_while_watching(self) -> None:
        async def story() -> None:
            async with listening() as (indicator, client):
                watching = client.watch()
                assert isinstance(await anext(watching), Weight)
                await indicator.stop()
                with pytest.raises(ScaleAway):
                    await _all(watching)

        asyncio.run(story())

    def test_takes_no_moving_weight_for_a_stable_one(self) -> None:
        serve = saying(sics.serial_line(SERIAL), b"S D      18240 kg")
        with pytest.raises(ScaleAway, match="dynamic weight"):
            asyncio.run(ask_a_stranger(serve, lambda client: client.stable_weight()))

    def test_takes_no_serial_number_for_a_weight(self) -> None:
        serve = saying(sics.serial_line(SERIAL), sics.serial_line(SERIAL))
        with pytest.raises(ScaleAway, match="a weight was asked for"):
            asyncio.run(ask_a_stranger(serve, lambda client: client.weight_now()))

        async def watch(client: SicsClient) -> None:
            async for _ in client.watch():
                pass

        with pytest.raises(ScaleAway, match="a weight was asked for"):
            asyncio.run(ask_a_stranger(serve, watch))

    def test_passes_over_weights_that_were_on_their_way_before_the_reset(self) -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(sics.END)
            writer.write(b"S S          5 kg\r\n" * 10 + sics.serial_line(SERIAL) + sics.END)
            await reader.readuntil(sics.END)
            writer.write(b"S S          7 kg\r\n")
            await reader.read()
            writer.close()

        found = asyncio.run(ask_a_stranger(serve, lambda client: client.weight_now()))
        assert found == Weight(7_000, True, "S S          7 kg")

    def test_gives_up_on_a_line_that_never_answers_the_reset(self) -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"S S          5 kg\r\n" * 100)
            await reader.read()
            writer.close()

        with pytest.raises(ScaleAway, match="the reset is not answered"):
            asyncio.run(ask_a_stranger(serve, lambda client: client.weight_now()))
