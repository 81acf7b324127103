"""Whether ledger and books hold what was sealed, every entry exactly once: a figure of less is no figure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import func, select

from backend.chain.ledger_events import LedgerEvent, SegmentRecorded, SegmentRefused
from backend.chain.ledger_logs import decode_logs
from backend.domain.journal import Segment, split_entries
from backend.domain.layout import Kind
from backend.domain.lifts import bin_of
from backend.domain.types import Outcome, device_text
from backend.main import network_of
from backend.store.books import BooksStore
from backend.store.lift_runs import find_lifts
from backend.store.reading import Reader
from backend.store.session import Database
from backend.store.tables import CustodyStep, LedgerSegment, LotRow, LotRun, table_of
from bench import city
from bench.rounds import Work

_SEGMENTS, _RUNS, _STEPS, _LOTS = (table_of(row) for row in (LedgerSegment, LotRun, CustodyStep, LotRow))
_BLOCKS_A_CALL, _BINS_LOOKED_UP = 4, 1_000

Place = tuple[str, int]
"""Device and first seq."""


class NotHeld(Exception):
    """Something was lost, doubled or changed on the way."""


def require_held(chain: city.Chain, database_url: str, work: Work) -> None:
    """Compare chain and books with what was sealed.

    1. The chain holds each segment once, word for word, and refused none.
    2. The books hold the same.
    3. Every lift is applied, in a lot, and found under its bin (a thousand bins are looked up); the grams are
       those of the seals.
    4. Every other entry is applied in the end, and our fold never differed from the ledger.
    5. Lifted + gained = held + taken out + lost.
    """
    sealed = _by_place(work.segments)
    _require("on the chain", _on_chain(chain), sealed)  # 1
    database = Database(database_url)
    try:
        with database.transaction(writes=False) as connection:
            rows = connection.execute(select(_SEGMENTS.c.device, _SEGMENTS.c.first_seq, _SEGMENTS.c.words))
            _require("in the books", {(r.device, r.first_seq): bytes(r.words) for r in rows}, sealed)  # 2
            runs = connection.execute(select(func.sum(_RUNS.c.applied), func.sum(_RUNS.c.grams))).one()
            _require("in lots", dict(zip(("lifts", "grams"), map(int, runs), strict=True)), work.lifted)  # 3
            bins = _lifts_of_some_bins(work.segments)
            found = {number: len(places) for number, places in find_lifts(connection, list(bins)).items()}
            _require("under their bins", found, bins)
            steps = connection.execute(select(_STEPS.c.kind, _STEPS.c.outcome))
            _require("as steps", Counter(map(tuple, steps)), _steps_of(work.segments))  # 4
            reader = Reader(connection)
            following = reader.following()
            _require(
                "waiting, or in dispute between fold and ledger",
                (following.lifts, following.queued, following.disagreements),
                (work.lifted["lifts"], 0, 0),
            )
            totals = reader.totals(BooksStore(database, network_of(chain.deployment)).reading_state())
    finally:
        database.close()
    _require("lifted", sum(t.lifted for t in totals), work.lifted["grams"])
    for t in totals:  # 5
        _require("in balance", t.lifted + t.gained, t.held + t.out + t.lost)


def _on_chain(chain: city.Chain) -> dict[Place, bytes]:
    """Return what the ledger recorded, read from its logs alone."""
    found: dict[Place, bytes] = {}
    for event in _events(chain):
        if isinstance(event, SegmentRefused):
            raise NotHeld(f"the ledger refused {device_text(event.device)}:{event.first_seq}: {event.reason.name}")
        if isinstance(event, SegmentRecorded):
            place = device_text(event.segment.device), event.segment.first_seq
            if place in found:
                raise NotHeld(f"the ledger recorded {place} twice")
            found[place] = event.segment.words
    return found


def _events(chain: city.Chain) -> Iterator[LedgerEvent]:
    head = int(chain.rpc.call("eth_blockNumber"), 16)
    for first in range(0, head + 1, _BLOCKS_A_CALL):
        blocks = {"fromBlock": hex(first), "toBlock": hex(min(first + _BLOCKS_A_CALL - 1, head))}
        yield from decode_logs(
            chain.rpc.call("eth_getLogs", {**blocks, "address": chain.deployment.custody_ledger})
        )


def _by_place(segments: Sequence[Segment]) -> dict[Place, bytes]:
    return {(device_text(segment.device), segment.first_seq): segment.words for segment in segments}


def _steps_of(segments: Sequence[Segment]) -> Counter[tuple[int, int]]:
    kinds = (entry[0] for segment in segments for entry in split_entries(segment.words))
    return Counter((kind, Outcome.APPLIED) for kind in kinds if kind != Kind.LIFT)


def _lifts_of_some_bins(segments: Sequence[Segment]) -> Mapping[int, int]:
    """Return how often each of the first bins was lifted."""
    lifts = (entry for segment in segments for entry in split_entries(segment.words) if entry[0] == Kind.LIFT)
    counts = Counter(map(bin_of, lifts))
    return dict(list(counts.items())[:_BINS_LOOKED_UP])


def _require(where: str, found: object, sealed: object) -> None:
    if found != sealed:
        raise NotHeld(f"{where}: {_shown(found, sealed)} instead of {_shown(sealed, found)}")


def _shown(what: object, other: object) -> str:
    """Return what is in the one and not in the other, and no more of it than a person can read."""
    if isinstance(what, dict) and isinstance(other, dict):
        return str([item for item in what.items() if other.get(item[0]) != item[1]])[:300]
    return str(what)
