"""HTTP → durable: how many lifts a second, how soon the receipt is there, and what a storm does.

Every run has a server of its own on a fresh SQLite file that knows 300,000 bins. Segments are sealed beforehand:
the sender's work is none of the server's, though both share the machine. For rates the server does nothing else;
for the waiting times it relays to a devnet and follows it at the same time, as it does in service.
"""

from __future__ import annotations

import json
import random
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from backend.domain.journal import Segment
from backend.domain.writer import JournalWriter
from bench import city
from bench.figure import Figure, figure_of
from bench.serving import BYTES, JSON, MANY, ONE, Line, Server, body_of, json_body_of, json_of, serving

LIFTS, TRUCKS, RUNS, SENDERS = 100_000, 40, 3, 4
_SEGMENTS_A_REQUEST = 50
_BURST_TRUCKS, _BURST_LIFTS, _BURST_PERIOD_SECONDS = 20, 14, 5.0
_FIRST_BURSTS = 3
_PHONES, _PHONE_LIFTS = 200, 200

Request = tuple[str, bytes, str]
"""Path, body and media type."""


@cache
def _sealed(lifts_a_segment: int) -> tuple[list[Segment], list[Segment]]:
    """Return (enrolments and first loads, lift segments truck by truck), sealed."""
    writers, first = [city.truck(number) for number in range(TRUCKS)], list[Segment]()
    enrolled = city.enrolments(writers)
    for writer in writers:
        city.open_lot(writer)
        first.append(writer.cut())
    segments = []
    for writer in writers:
        for _ in range(LIFTS // TRUCKS // lifts_a_segment):
            city.lift(writer, lifts_a_segment)
            segments.append(writer.cut())
    return [*enrolled, *first], segments


def _many(segments: Sequence[Segment], *, as_json: bool) -> list[Request]:
    parts = [segments[at : at + _SEGMENTS_A_REQUEST] for at in range(0, len(segments), _SEGMENTS_A_REQUEST)]
    if as_json:
        return [(MANY, json_body_of(part), JSON) for part in parts]
    return [(MANY, body_of(part), BYTES) for part in parts]


def _one(segments: Sequence[Segment], *, as_json: bool) -> list[Request]:
    if as_json:
        return [(ONE, json.dumps(json_of(segment)).encode(), JSON) for segment in segments]
    return [(ONE, body_of([segment]), BYTES) for segment in segments]


def accept_lifts_per_s(
    name: str,
    *,
    lifts_a_segment: int = city.LIFTS_A_SEGMENT,
    is_many: bool = True,
    as_json: bool = False,
    relays: bool = False,
) -> Callable[[], Figure]:
    """Return the figure: 100,000 lifts handed in by four senders, until the last receipt is there."""

    def measure() -> Figure:
        first, segments = _sealed(lifts_a_segment)
        # A truck's segments go one after another, so each sender has trucks of its own.
        share = len(segments) // SENDERS
        cut = _many if is_many else _one
        requests = [cut(segments[n * share : (n + 1) * share], as_json=as_json) for n in range(SENDERS)]
        values = []
        with city.devnet() as chain:
            for _ in range(RUNS):
                with serving(chain, relays=relays) as server:
                    server.enrol(first)
                    began = time.perf_counter()
                    with ThreadPoolExecutor(SENDERS) as pool:
                        kept = sum(pool.map(lambda mine: _send(server, mine), requests))
                    values.append(LIFTS / (time.perf_counter() - began))
                    assert kept == len(segments), (kept, len(segments))
                    for number in range(TRUCKS):
                        assert server.end_of(city.truck(number).device) == 1 + LIFTS // TRUCKS
        return figure_of(name, values, "lifts/s")

    return measure


def _send(server: Server, requests: Sequence[Request]) -> int:
    """Send everything over one connection; return how many new receipts came."""
    line, kept = server.line(), 0
    for path, body, media_type in requests:
        status, _, answer = line.post(path, body, media_type)
        kept += status == 201 if path == ONE else answer.count(b'"status":201')
    return kept


def _cut_lifts(writer: JournalWriter, lifts: int) -> bytes:
    city.lift(writer, lifts)
    return body_of([writer.cut()])


def p95_of(name: str, waits: Sequence[float], unit: str) -> Figure:
    """Return the 95th percentile; the spread is how far the slowest lies above it."""
    p95 = statistics.quantiles(waits, n=20)[-1]
    return Figure(name, p95, unit, len(waits), (max(waits) - p95) / p95)


def peak_accept_p95_ms(name: str, *, minutes: int) -> Callable[[], Figure]:
    """Return the figure: milliseconds to the receipt, 19 times of 20, at 56 lifts a second, 20 trucks at a time.

    The first bursts are not counted: a server that has just started loads what it needs.
    """
    return lambda: _peak_accept_p95_ms(name, round(60 * minutes / _BURST_PERIOD_SECONDS))


def _peak_accept_p95_ms(name: str, counted: int) -> Figure:
    writers = [city.truck(number) for number in range(_BURST_TRUCKS)]
    enrolled, waits = city.enrolments(writers), list[float]()
    for writer in writers:
        city.open_lot(writer)
    bursts = [[_cut_lifts(writer, _BURST_LIFTS) for writer in writers] for _ in range(_FIRST_BURSTS + counted)]
    with city.devnet() as chain, serving(chain, relays=True) as server, ThreadPoolExecutor(_BURST_TRUCKS) as pool:
        server.enrol(enrolled)
        lines, began = [server.line() for _ in writers], time.perf_counter()
        for number, burst in enumerate(bursts):
            time.sleep(max(0.0, began + number * _BURST_PERIOD_SECONDS - time.perf_counter()))
            waited = list(pool.map(Line.hand_in, lines, burst))
            waits += waited if number >= _FIRST_BURSTS else []
    return p95_of(name, [1000 * wait for wait in waits], "ms")


def storm_p95_s(name: str, seconds: float) -> Callable[[], Figure]:
    """Return the figure: seconds from first try to receipt, 19 times of 20, when 200 phones flush 200 lifts each.

    Nothing may be lost, and nothing refused for good.
    """

    def measure() -> Figure:
        writers = [city.truck(number) for number in range(_PHONES)]
        enrolled, rng = city.enrolments(writers), random.Random("storm")
        for writer in writers:
            city.open_lot(writer)
        bodies = [_cut_lifts(writer, _PHONE_LIFTS) for writer in writers]
        delays = [rng.uniform(0, seconds) for _ in writers]
        with city.devnet() as chain, serving(chain, relays=True) as server, ThreadPoolExecutor(_PHONES) as pool:
            server.enrol(enrolled)

            def flush(body: bytes, delay: float) -> float:
                time.sleep(delay)
                return server.line().hand_in(body)

            waits = list(pool.map(flush, bodies, delays))
            for writer in writers:
                assert server.end_of(writer.device) == 1 + _PHONE_LIFTS
        return p95_of(name, waits, "s")

    return measure
