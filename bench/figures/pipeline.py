"""Phone → HTTP → chain → books, all of it real and at the same time, on as many cores as there are.

A devnet, a server and a sender are processes of their own; the seals are made beforehand. The clock stops when the
last segment is in the books. After each run chain and books are held against what was sealed, entry by entry and
gram by gram; a run that lost or doubled anything gives no figure.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache

from backend.domain.journal import Segment
from backend.domain.types import device_text
from bench import city
from bench.figure import Figure, figure_of
from bench.figures.accept import p95_of
from bench.held import Place, require_held
from bench.rounds import Work, city_day, truck_bursts, truck_rounds
from bench.serving import LOOK_PERIOD_SECONDS, Books, Line, Server, body_of, serving

SENDERS = 8
BURST_PERIOD_SECONDS, BURST_TRUCKS, BURST_LIFTS = 5.0, 20, 14
"""56 lifts a second, as the busiest hour of a city brings them."""
_FIRST_BURSTS = 3


@cache
def _rounds(lifts: int) -> Work:
    return truck_rounds(lifts, SENDERS)


def pipeline_lifts_per_s(name: str, *, lifts: int, runs: int) -> Callable[[], Figure]:
    """Return the figure: lifts a second from the first request to the last lift in the books.

    Each truck hands in segments of 250, one a request; 8 trucks at a time.
    """

    def measure() -> Figure:
        work = _rounds(lifts)
        took = [_run(work) for _ in range(runs)]
        peak_mb = max(megabytes for _, megabytes in took)
        return figure_of(name, [lifts / seconds for seconds, _ in took], "lifts/s", peak_mb=round(peak_mb, 1))

    return measure


def city_day_seconds() -> Figure:
    """Seconds for a day of Guangzhou: 0.5 M lifts, 6,100 loads, 2,450 receipts, each handoff signed by both."""
    seconds, peak_mb = _run(city_day())
    return figure_of("city_day_seconds", [seconds], "s", peak_mb=round(peak_mb, 1))


def _run(work: Work) -> tuple[float, float]:
    """Return (seconds, the server's largest memory in MB) for everything to get into the books."""
    lanes = [[body_of([segment]) for segment in lane] for lane in work.lanes]
    with city.devnet() as chain, serving(chain, relays=True) as server:
        server.enrol(work.enrolments)
        with server.books() as books:
            books.wait_for(len(work.enrolments))
            began = time.perf_counter()
            with ThreadPoolExecutor(len(lanes)) as pool:
                list(pool.map(lambda lane: _hand_in_all(server, lane), lanes))
            books.wait_for(len(work.segments))
            seconds = time.perf_counter() - began
        peak_mb = server.peak_mb
        require_held(chain, server.database_url, work)
    return seconds, peak_mb


def _hand_in_all(server: Server, lane: Sequence[bytes]) -> None:
    line = server.line()
    for body in lane:
        line.hand_in(body)


def scan_to_books_p95_s(name: str, *, minutes: int) -> Callable[[], Figure]:
    """Return the figure: seconds from a truck's sending to the books, 19 times of 20, with a block a second.

    Twenty trucks come at the same instant every five seconds, with fourteen lifts each. The first bursts are not
    counted: a server that has just started loads what it needs.
    """

    def measure() -> Figure:
        bursts = truck_bursts(
            _FIRST_BURSTS + round(60 * minutes / BURST_PERIOD_SECONDS), trucks=BURST_TRUCKS, lifts=BURST_LIFTS
        )
        with city.devnet(block_period_ms=1000) as chain, serving(chain, relays=True) as server:
            server.enrol(bursts.enrolments)
            with server.books() as books, ThreadPoolExecutor(BURST_TRUCKS + 1) as pool:
                books.wait_for(len(bursts.enrolments))
                lines, sent = [server.line() for _ in bursts.lanes], dict[Place, float]()
                watching = pool.submit(_watch, books, len(bursts.enrolments), len(bursts.segments))
                began = time.perf_counter()
                for number, burst in enumerate(zip(*bursts.lanes, strict=True)):
                    time.sleep(max(0.0, began + number * BURST_PERIOD_SECONDS - time.perf_counter()))
                    sent.update(dict.fromkeys(map(_place, burst), time.perf_counter()))
                    list(pool.map(Line.hand_in, lines, [body_of([segment]) for segment in burst]))
                seen = watching.result()
            peak_mb = server.peak_mb
            require_held(chain, server.database_url, bursts)
        counted = [_place(segment) for lane in bursts.lanes for segment in lane[_FIRST_BURSTS:]]
        p95 = p95_of(name, [seen[place] - sent[place] for place in counted], "s")
        return replace(p95, peak_mb=round(peak_mb, 1))

    return measure


def _watch(books: Books, first: int, last: int) -> dict[Place, float]:
    """Return when each segment was first seen in the books, from behind the first to the last."""
    seen: dict[Place, float] = {}
    newest, deadline = first, time.monotonic() + 60
    while newest < last:
        found = books.segments_after(newest)
        if found:
            newest, deadline = found[-1][0], time.monotonic() + 60
        assert time.monotonic() < deadline, (newest, last)
        seen.update(dict.fromkeys((place for _, place in found), time.perf_counter()))
        time.sleep(LOOK_PERIOD_SECONDS)
    return seen


def _place(segment: Segment) -> Place:
    return device_text(segment.device), segment.first_seq
