"""What is final by the node's tag, without one, and by a number of blocks; and what an entry shows of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from chain_support import City, PlainAnvil, found_city, write_lifts
from migrated_file import new_database

from backend.api.deps import Services
from backend.api.routes_books import show_entry
from backend.api.routes_operations import metrics
from backend.chain.client import Call, Rpc, RpcError
from backend.chain.finality import BY_TAG, Finality
from backend.chain.watcher import Watcher
from backend.jobs.follow import Follower
from backend.store.books import BooksStore
from backend.store.reading import Reader
from backend.store.session import Database

TAG_DEPTH = 2
"""How far behind its head the tests' anvil has its `finalized` tag."""


class Tagless:
    """A node that knows no `finalized` block, as many chains do not."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc = rpc

    def batch_each(self, calls: Sequence[Call]) -> list[Any]:
        no_tag = RpcError(method="eth_getBlockByNumber", code=-32601, message="finalized is not supported")
        return [
            no_tag if call[1][:1] == ("finalized",) else answer
            for call, answer in zip(calls, self._rpc.batch_each(calls), strict=True)
        ]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rpc, name)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = new_database(tmp_path)
    yield made
    made.close()


def watched(
    city: City, anvil: PlainAnvil, database: Database, node: Any, finality: Finality, *, blocks_on_top: int
) -> tuple[str, int | None, int]:
    """Return (state, blocks to go) of an entry with so many blocks on it, and the final block of the metrics."""
    (crew,) = city.crews(7)
    write_lifts(crew, 1)
    city.record(crew.cut())
    anvil.mine(blocks_on_top)
    books = BooksStore(database, city.network)
    Follower(Watcher(node, city.deployment, finality=finality), books).catch_up()
    services = Services(
        database=database,
        books=books,
        network=city.network,
        deployment=city.deployment,
        finality="tag" if finality.depth_blocks is None else finality.depth_blocks,
        public_base_url="",
        chain_is_reachable=lambda: True,
    )
    shown = show_entry(f"{crew.device:016x}", 1, services)
    text = bytes(metrics(services).body).decode()
    final = next(line for line in text.splitlines() if line.startswith("huanlian_books_final_block "))
    head = int(anvil.rpc.call("eth_blockNumber"), 16)
    return shown.state, shown.blocks_to_final, head - int(float(final.split()[1]))


class TestFinality:
    @pytest.mark.parametrize(
        ("finality", "has_tag", "depth"),
        [
            (BY_TAG, True, TAG_DEPTH),
            (BY_TAG, False, 64),
            (Finality(0), True, 0),
            (Finality(5), True, 5),
            (Finality(5), False, 5),
        ],
    )
    def test_is_reached_at_its_depth_and_not_before(
        self, anvil: PlainAnvil, database: Database, finality: Finality, has_tag: bool, depth: int
    ) -> None:
        city = found_city(anvil.rpc)
        node = anvil.rpc if has_tag else Tagless(anvil.rpc)
        before = max(depth - 1, 0)
        state, blocks_to_final, final_depth = watched(city, anvil, database, node, finality, blocks_on_top=before)
        assert (state, blocks_to_final) == (("included", 1) if depth else ("finalized", 0))
        assert final_depth == min(depth, int(anvil.rpc.call("eth_blockNumber"), 16))
        anvil.mine(1)
        books = BooksStore(database, city.network)
        Follower(Watcher(node, city.deployment, finality=finality), books).catch_up()
        with database.transaction(writes=False) as connection:
            (device,) = [row.device for row in Reader(connection).devices() if row.role == 1]
            entry = Reader(connection).find_entry(device, 1)
        assert entry is not None
        assert (entry.state, entry.blocks_to_final) == ("finalized", 0)

    def test_is_never_ahead_of_the_chain(self) -> None:
        assert BY_TAG.newest_final({"number": hex(9)}, 4) == 4
        assert BY_TAG.newest_final(None, 4) == 0
        assert Finality(9).newest_final({"number": hex(3)}, 4) == 0
