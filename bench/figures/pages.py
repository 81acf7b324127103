"""How long the server works for each page of the route table, in books of many lifts."""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.testclient import TestClient
from sqlalchemy import Connection

from backend.console.deps import ConsoleDeps
from backend.console.routes import create_console_router
from backend.domain.label import LabelSerial, giai_of
from backend.domain.types import bin_text, device_text
from backend.jobs.tally import Tally
from backend.store.continuity import read_continuity
from backend.store.open_data import OpenData, find_anchors, list_days, read_coverage
from backend.store.reading import Reader
from backend.store.session import Database
from backend.store.slots import BookState
from backend.usecases.open_data import OpenDataDay
from bench import weeks
from bench.figure import Figure
from bench.month.books import NETWORK

DAYS = 30
_REQUESTS = 12
NOT_ASKED = frozenset(
    (
        "/console/static/{name}",
        "/console/static/map/{name}",
        "/verifier.html",
        "/console/registrar",
        "/trust.json",
    )
)
"""Files, not pages."""


def pages_p95_ms(name: str, *, lifts: int) -> Callable[[], Figure]:
    """Return the figure: the p95 of the slowest page; median and p95 of each page are printed beside it."""

    def measure() -> Figure:
        with tempfile.TemporaryDirectory(prefix="huanlian-pages-") as folder:
            database = Database(f"sqlite:///{Path(folder) / 'books.db'}")
            city = weeks.Weeks(database, streets=max(1, lifts // (DAYS * weeks.LIFTS_A_STREET)))
            made = city.write(DAYS)
            Tally(database).run_once()
            print(f"{made} lifts in the books", file=sys.stderr, flush=True)
            took = times_of(database, city)
            database.close()
        worst, values = 0.0, list[float]()
        for pattern, times in sorted(took.items()):
            p95 = sorted(times)[len(times) * 95 // 100]
            values += times
            worst = max(worst, p95)
            print(f"{pattern:40} median {statistics.median(times):7.1f} ms   p95 {p95:7.1f} ms", file=sys.stderr)
        median = statistics.median(values)
        return Figure(name, worst, "ms", len(values), (worst - median) / worst)

    return measure


def times_of(database: Database, city: weeks.Weeks) -> dict[str, list[float]]:
    """Ask every page some times; return what the server took, in milliseconds, by the route's pattern."""
    deps, took = console_deps(database), defaultdict[str, list[float]](list)
    router = create_console_router(deps)
    app = FastAPI()

    @app.middleware("http")
    async def clock(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        began = time.perf_counter()
        response = await call_next(request)
        pattern = getattr(request.scope.get("route"), "path", "?")
        took[pattern].append((time.perf_counter() - began) * 1000)
        return response

    app.include_router(router)
    with TestClient(app) as client:
        for pattern, address in addresses(database, city, router):
            answer = client.get(address)
            assert answer.status_code == 200, (pattern, address, answer.status_code)
    return dict(took)


def addresses(database: Database, city: weeks.Weeks, router: APIRouter) -> Iterator[tuple[str, str]]:
    """Yield (pattern, address) for every page, each some times with other things at random."""
    chance = random.Random("pages")
    with database.transaction(writes=False) as connection:
        lots = [row.lot for row in Reader(connection).lot_lines(after="", limit=100_000)]
    patterns = sorted({route.path for route in router.routes if "GET" in (getattr(route, "methods", None) or ())})
    for pattern in patterns:
        if pattern in NOT_ASKED or "{code}" in pattern or "{case}" in pattern:
            continue
        for turn in range(_REQUESTS):
            n = chance.randrange(city.streets)
            number, _, _ = chance.choice(weeks.bins_of(n))
            truck = city.trucks[n, 4]
            values = {
                "site": device_text(weeks.street(n)),
                "number": bin_text(number),
                "giai": giai_of(LabelSerial(number.to_bytes(16, "big"))),
                "lot": chance.choice(lots),
                "place": device_text(weeks.PARK_SITE) if turn % 2 else "000002",
                "device": device_text(truck.device),
                "seq": str(chance.randrange(1, truck.next_seq)),
                "key": device_text(weeks.PARK_SITE),
                "formula_id": chance.choice(("sorting-accuracy", "coverage", "recovery", "closure")),
            }
            address = pattern.format(**values)
            yield pattern, address + _query(pattern, turn, n)


def _query(pattern: str, turn: int, n: int) -> str:
    day = f"2026-03-{turn % DAYS + 1:02}"
    if pattern.startswith("/city/map"):
        level = ("", f"&district=district+{n % 11 + 1}", f"&street={device_text(weeks.street(n))}")[turn % 3]
        return f"?day={day}{level}"
    if pattern == "/city/trends":
        return f"?day={day}"
    if pattern in ("/city", "/balance", "/balance/{place}"):
        return f"?day={day}" if turn % 2 or pattern != "/city" else "?month=2026-03"
    if pattern.startswith("/parks") or pattern == "/indicators":
        return f"?period={day if turn % 2 else '2026-03'}"
    if pattern == "/open-data":
        return f"?day={day}"
    return ""


def console_deps(database: Database) -> ConsoleDeps:
    """Return what pages need, over this database alone: there is no chain to verify against."""
    data, now = OpenData(NETWORK), weeks.MIDNIGHT + DAYS * 86_400

    @contextmanager
    def read() -> Iterator[Reader]:
        with database.transaction(writes=False) as connection:
            yield Reader(connection)

    @contextmanager
    def write() -> Iterator[Connection]:
        with database.transaction() as connection:
            yield connection

    def open_day(date: str) -> OpenDataDay:
        with read() as reader:
            found = data.day(reader, date)
            return OpenDataDay(found, read_coverage(reader, found), tuple(find_anchors(reader, date)))

    def open_days() -> object:
        with read() as reader:
            return list_days(reader, until_at=now)

    def continuity(period: object) -> object:
        with database.transaction(writes=False) as connection:
            return read_continuity(
                connection,
                period,
                now=now,
                stale_seconds=16,
                overdue_seconds=600,
                books_are_level=True,  # type: ignore[arg-type]
            )

    return ConsoleDeps(
        read=read,
        state=lambda: BookState(NETWORK),
        base_url="https://huanlian.example",
        is_demo=False,
        verify_entry=lambda _device, _seq: None,
        continuity=continuity,  # type: ignore[arg-type]
        open_days=open_days,  # type: ignore[arg-type]
        open_day=open_day,
        app_dist=Path("/nonexistent"),
        now=lambda: now,
        write=write,
    )
