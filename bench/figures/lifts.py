"""Lifts a second: sealed by a software device, mined by the devnet."""

from __future__ import annotations

import time

from bench import city
from bench.figure import Figure, figure_of

LIFTS, TRUCKS, RUNS = 200_000, 40, 3
_SEALED = 25_000


def seal_lifts_per_s() -> Figure:
    """Pack, hash and seal lifts in segments of 250, in plain Python on one core."""
    values = []
    for run in range(RUNS):
        writer = city.truck(run)
        city.open_lot(writer)
        writer.cut()
        began = time.perf_counter()
        for _ in range(_SEALED // city.LIFTS_A_SEGMENT):
            city.lift(writer, city.LIFTS_A_SEGMENT)
            writer.cut()
        values.append(_SEALED / (time.perf_counter() - began))
    return figure_of("seal_lifts_per_s", values, "lifts/s")


def mine_lifts_per_s() -> Figure:
    """Send 200,000 sealed lifts to a fresh devnet in packed transactions, until the last is mined."""
    enrolled, segments = city.round_of_segments(LIFTS, TRUCKS)
    values = []
    for _ in range(RUNS):
        with city.devnet() as chain:
            city.send_all(chain, enrolled)
            began = time.perf_counter()
            city.send_all(chain, segments)
            values.append(LIFTS / (time.perf_counter() - began))
    return figure_of("mine_lifts_per_s", values, "lifts/s")
