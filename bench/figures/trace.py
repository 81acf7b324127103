"""How long a page waits for a bin's or a lot's trace, both directions, in books of ten million lifts."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from backend.store.directory import DirectoryStore
from backend.store.reading import Reader
from backend.store.session import Database
from bench import city
from bench.figure import Figure
from bench.figures.index import fresh_postgres, fresh_sqlite, index, larger_material

_TRACES = 300
_LIFTS_SHOWN = 50


def trace_p95_ms(name: str) -> Callable[[], Figure]:
    """Return the figure: of bins and lots in turn, at random, what 95 of 100 traces stay below."""

    def measure() -> Figure:
        with fresh_postgres() if name == "postgres" else fresh_sqlite() as url:
            index(larger_material(), url)
            database = Database(url)
            chance = random.Random("traces")
            bins = _name_bins(database, [city.bin_number(chance.randrange(1 << 40)) for _ in range(_TRACES)])
            lots = _some_lots(database, chance)
            took = sorted(
                _milliseconds(database, trace)
                for number, lot in zip(bins, lots, strict=True)
                for trace in (_trace_of_bin(number), _trace_of_lot(lot))
            )
            database.close()
        p95 = took[len(took) * 95 // 100]
        # The spread here is that of the traces: how far the median lies below.
        return Figure(f"trace_p95_ms_{name}", p95, "ms", len(took), (p95 - took[len(took) // 2]) / p95)

    return measure


def _trace_of_bin(number: str) -> Callable[[Reader], object]:
    """A bin's newest lifts, and the journey of every lot they went into."""
    return lambda reader: reader.find_bin_trace(number)


def _trace_of_lot(lot: str) -> Callable[[Reader], object]:
    """Where a lot came from and went, and the first page of the bins that are in it."""

    def trace(reader: Reader) -> object:
        journey = reader.find_journey(lot)
        assert journey is not None
        lots = [*journey.came_from, lot]
        return reader.count_lifts_in_lots(lots), reader.lifts_in_lots(lots, offset=0, limit=_LIFTS_SHOWN)

    return trace


def _milliseconds(database: Database, trace: Callable[[Reader], object]) -> float:
    began = time.perf_counter()
    with database.transaction(writes=False) as connection:
        assert trace(Reader(connection)) is not None
    return (time.perf_counter() - began) * 1000


def _name_bins(database: Database, numbers: list[int]) -> list[str]:
    """Write bins into the directory, as whoever placed them did."""
    rows = [
        {
            "number": f"{number:010x}",
            "serial": f"{number:032x}",
            "serial_digest": f"{number:064x}",
            "stream": 4,
            "site": "0" * 16,
            "point_id": None,
            "placed_from": 0,
        }
        for number in set(numbers)
    ]
    with database.transaction() as connection:
        DirectoryStore(connection).add_bins(rows)
    return [f"{number:010x}" for number in numbers]


def _some_lots(database: Database, chance: random.Random) -> list[str]:
    with database.transaction(writes=False) as connection:
        lots = [row.lot for row in Reader(connection).lot_lines(after="", limit=1_000_000)]
    return [chance.choice(lots) for _ in range(_TRACES)]
