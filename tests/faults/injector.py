"""Lives a day of a city while faults befall it, and compares what is left with a day that nothing befell.

The seed decides the day, the faults and their moments. The machine decides what the processes are doing just then,
so a seed that failed once may have to be run a few times.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from random import Random

from backend.chain.watcher import Watcher
from backend.domain.journal import Network, Segment
from backend.jobs.reindex import reindex
from backend.simulate.courier import ends_of
from backend.store.books import BooksStore
from backend.store.session import Database
from tests.faults.city import FaultyCity
from tests.faults.day import Day, DayWriter
from tests.faults.neutral import is_settled, neutral_export
from tests.faults.proxy import RpcFault

_SEGMENTS_A_FAULT = 4
_MOMENT_SECONDS = 0.4
_AWAY_SECONDS = 1.0
_DEEPEST_REORG = 6
_TRANSPORT_METHODS = ("", "eth_sendRawTransaction", "eth_getTransactionReceipt", "eth_getLogs")


class Mishap(Enum):
    """What befalls the processes themselves."""

    SERVER_KILLED = "the server was killed"
    NODE_KILLED = "the node was killed"
    BOTH_KILLED = "the node was killed, and the server while it was away"
    REORG = "the chain replaced its newest blocks"
    DISK_FULL = "the server's disk was full"
    NODES_DISK_FULL = "the node's disk was full in the middle of a block"


Fault = Mishap | RpcFault


@dataclass(frozen=True)
class Node:
    """A form of node, and what can befall a city on it."""

    name: str
    is_forking: bool
    kinds: tuple[Fault, ...]


DEVNET = Node("the devnet", False, (*(m for m in Mishap if m is not Mishap.REORG), *RpcFault))
FORKING = Node(
    "a node that replaces blocks", True, (Mishap.REORG, Mishap.SERVER_KILLED, Mishap.DISK_FULL, *RpcFault)
)
NODES = (DEVNET, FORKING)


def draw_faults(node: Node, count: int, seed: str) -> list[Fault]:
    """Return so many faults in random order; each kind comes as often as any other, or once more."""
    rng, kinds = Random(f"kinds {seed}"), node.kinds
    drawn = [kind for _ in range(count // len(kinds)) for kind in kinds]
    drawn += rng.sample(kinds, count % len(kinds))
    rng.shuffle(drawn)
    return drawn


def live_in_peace(folder: Path, seed: str, *, faults: int) -> list[str]:
    """Return what the day comes to on which so many faults might have struck, and none did."""
    return _live_a_day(folder, seed, small_day(seed, faults=faults), (), DEVNET)


def live_with_faults(folder: Path, seed: str, node: Node, *, faults: int) -> list[str]:
    """Return what the same day comes to while as many faults strike.

    Raises:
        BooksDiffer: the books are not what follows from the chain.
    """
    return _live_a_day(folder, seed, small_day(seed, faults=faults), draw_faults(node, faults, seed), node)


def _live_a_day(
    folder: Path, seed: str, day_of: Callable[[Network], Day], faults: Sequence[Fault], node: Node
) -> list[str]:
    rng = Random(f"faults {seed}")
    city = FaultyCity(folder, is_forking=node.is_forking, rng=rng)
    try:
        day = day_of(city.network)
        _Life(city, day, rng).live(faults)
        return _look_back(city, day)
    finally:
        city.stop()


def small_day(seed: str, *, faults: int) -> Callable[[Network], Day]:
    """Return how to write the day on which so many faults strike."""
    return lambda network: DayWriter(network, seed, segments=faults * _SEGMENTS_A_FAULT).write()


def live_through_a_wipe(folder: Path, day_of: Callable[[Network], Day], *, pending: int) -> list[str]:
    """Return what a day comes to whose chain is lost when all but the last segments were final."""
    city = FaultyCity(folder)
    try:
        day = day_of(city.network)
        for segment in day.segments[:-pending]:
            city.courier.hand_in(segment, day.evidence)
        ends = ends_of(day.segments[:-pending])
        city.courier.wait_recorded(ends, pause_seconds=0.05)
        for device, seq in ends.items():
            city.wait_final(device, seq)
        city.devnet.kill()
        for segment in day.segments[-pending:]:
            city.courier.hand_in(segment, day.evidence)
        city.wipe_node()
        return _look_back(city, day)
    finally:
        city.stop()


class _Life:
    """Hands a day in, piece by piece; while each piece is under way, one fault strikes."""

    def __init__(self, city: FaultyCity, day: Day, rng: Random) -> None:
        self._city, self._day, self._rng = city, day, rng
        self._courier = ThreadPoolExecutor(1)

    def live(self, faults: Sequence[Fault]) -> None:
        segments, pieces = self._day.segments, max(len(faults), 1)
        with self._courier:
            for number in range(pieces):
                piece = segments[len(segments) * number // pieces : len(segments) * (number + 1) // pieces]
                if number < len(faults):
                    self._strike(faults[number], piece)
                else:
                    self._hand_in(piece).result()

    def _hand_in(self, segments: Sequence[Segment]) -> Future[None]:
        def work() -> None:
            for segment in segments:
                self._city.courier.hand_in(segment, self._day.evidence)

        return self._courier.submit(work)

    def _strike(self, fault: Fault, piece: Sequence[Segment]) -> None:
        city, rng = self._city, self._rng
        print(f"{time.strftime('%X')} {fault.value}", flush=True)
        if isinstance(fault, RpcFault):
            is_lie = fault in (RpcFault.LOG_LEFT_OUT, RpcFault.OLD_HASH)
            city.proxy.arm(fault, method="" if is_lie else rng.choice(_TRANSPORT_METHODS), times=rng.randint(1, 3))
        elif fault is Mishap.DISK_FULL:
            city.fill_disk()
        elif fault is Mishap.NODES_DISK_FULL:
            city.fill_nodes_disk()
        handing_in = self._hand_in(piece)
        time.sleep(rng.random() * _MOMENT_SECONDS)
        match fault:
            case Mishap.SERVER_KILLED:
                city.fell_server(seconds=rng.random() * _AWAY_SECONDS)
            case Mishap.NODE_KILLED:
                city.fell_node(seconds=rng.random() * _AWAY_SECONDS)
            case Mishap.BOTH_KILLED:
                city.devnet.kill()
                city.fell_server(seconds=rng.random() * _AWAY_SECONDS)
                city.start_chain()
            case Mishap.REORG:
                city.reorganise(rng.randint(1, _DEEPEST_REORG))
            case Mishap.NODES_DISK_FULL:
                city.free_nodes_disk()
            case Mishap.DISK_FULL:
                time.sleep(rng.random() * _AWAY_SECONDS)
                # No receipt without a row that is on disk.
                assert not handing_in.done(), handing_in.exception()
                city.free_disk()
        handing_in.result()
        if isinstance(fault, RpcFault):
            city.proxy.disarm()


def _look_back(city: FaultyCity, day: Day) -> list[str]:
    """Wait until all is on the ledger and in the books; rebuild these, compare, and export them."""
    city.courier.wait_recorded(ends_of(day.segments), pause_seconds=0.05)
    database = Database(f"sqlite:///{city.data_dir / 'huanlian.db'}")
    try:
        while not _is_level(city, database):
            time.sleep(0.05)
        city.end_blocks()
        reindex(database, city.network, Watcher(city.rpc, city.deployment))
        with database.transaction(writes=False) as connection:
            return neutral_export(connection, city.network)
    finally:
        database.close()


def _is_level(city: FaultyCity, database: Database) -> bool:
    """Say whether the books stand on the chain that there is now, and nothing waits."""
    with database.transaction(writes=False) as connection:
        if not is_settled(connection):
            return False
    newest = BooksStore(database, city.network).known_headers()[-1]
    block = city.rpc.call("eth_getBlockByNumber", hex(newest.number), False)
    return block is not None and block["hash"] == "0x" + newest.hash.hex()


def what_differs(quiet: Sequence[str], disturbed: Sequence[str]) -> str:
    """Return some of the lines that only one of two exports has."""
    one, other = Counter(quiet), Counter(disturbed)
    return "\n".join([f"- {line}" for line in (one - other)][:10] + [f"+ {line}" for line in (other - one)][:10])
