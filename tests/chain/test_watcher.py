from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from chain_support import City, PlainAnvil, block_hash, dev_key, found_city, write_lifts

from backend.chain.client import Call, Rpc, RpcError
from backend.chain.deploy import Deployment
from backend.chain.ledger_calls import encode_settle
from backend.chain.ledger_events import LedgerEvent, SegmentRecorded
from backend.chain.ledger_logs import decode_logs
from backend.chain.transactions import send_and_wait
from backend.chain.watcher import Extend, KnownBlock, NodesDisagree, Reorg, RpcInconsistent, Watcher


class Follower:
    """A store that does what the watcher says: headers it knows, and events by block."""

    def __init__(self, city: City) -> None:
        self.watcher = Watcher(city.rpc, city.deployment)
        self.known: list[KnownBlock] = []
        self.events: list[LedgerEvent] = []
        self.reorgs: list[Reorg] = []
        self.finalized = -1

    def step(self) -> bool:
        """Take one batch; return whether it brought anything."""
        batch = self.watcher.next_batch(self.known)
        if isinstance(batch, Reorg):
            self.reorgs.append(batch)
            until = batch.common_ancestor.number if batch.common_ancestor else -1
            self.known = [block for block in self.known if block.number <= until]
            self.events = [event for event in self.events if event.block_number <= until]
            return True
        self.finalized = batch.finalized_number
        self.known += [KnownBlock(header.number, header.block_hash) for header in batch.headers]
        self.events += batch.events
        return bool(batch.headers)

    def catch_up(self) -> None:
        while self.step():
            pass


def truth(city: City) -> list[LedgerEvent]:
    logs = city.rpc.call("eth_getLogs", {"fromBlock": "0x0", "address": city.deployment.addresses})
    return decode_logs(logs)


@pytest.fixture
def town(anvil: PlainAnvil) -> City:
    return found_city(anvil.rpc)


class TestWatcher:
    def test_follows_from_the_first_block_to_the_head(self, city: City) -> None:
        follower = Follower(city)
        follower.catch_up()
        assert follower.events == truth(city)
        numbers = [block.number for block in follower.known]
        assert numbers == sorted(set(numbers))
        (crew,) = city.crews(31)
        write_lifts(crew, 5)
        city.record(crew.cut())
        follower.catch_up()
        assert follower.events == truth(city)
        assert block_hash(city.rpc, follower.known[-1].number)[2:] == follower.known[-1].block_hash.hex()

    def test_says_nothing_new_when_there_is_nothing_new(self, town: City) -> None:
        follower = Follower(town)
        follower.catch_up()
        batch = follower.watcher.next_batch(follower.known)
        assert isinstance(batch, Extend)
        assert (batch.headers, batch.logs) == ((), ())
        assert batch.head_number == follower.known[-1].number

    def test_links_every_block_above_the_final_ones(self, anvil: PlainAnvil, town: City) -> None:
        follower = Follower(town)
        follower.catch_up()
        anvil.mine(2)
        batch = follower.watcher.next_batch(follower.known)
        assert isinstance(batch, Extend)
        parents = [follower.known[-1].block_hash, *(header.block_hash for header in batch.headers)]
        assert [header.parent_hash for header in batch.headers] == parents[:-1]

    @pytest.mark.parametrize("depth", [1, 3, 10])
    def test_goes_back_to_where_the_paths_part(self, anvil: PlainAnvil, town: City, depth: int) -> None:
        crews = town.crews(2, 3)
        anvil.mine(10)
        follower = Follower(town)
        follower.catch_up()
        for crew in crews:
            write_lifts(crew, 2)
            town.record(crew.cut())
        anvil.mine(depth)
        follower.catch_up()
        head = follower.known[-1].number
        anvil.rpc.call("anvil_reorg", depth, [])
        anvil.mine()
        follower.catch_up()
        assert [reorg.common_ancestor.number for reorg in follower.reorgs if reorg.common_ancestor] == [
            head - depth
        ]
        assert follower.events == truth(town)

    def test_forgets_events_of_a_block_that_lost(self, anvil: PlainAnvil, town: City) -> None:
        (crew,) = town.crews(2)
        anvil.mine(5)
        write_lifts(crew, 2)
        town.record(crew.cut())
        follower = Follower(town)
        follower.catch_up()
        assert isinstance(follower.events[-1], SegmentRecorded)
        anvil.rpc.call("anvil_reorg", 1, [])
        anvil.mine()
        follower.catch_up()
        assert len(follower.reorgs) == 1
        assert follower.events == truth(town)
        assert follower.events[-1].block_number < follower.known[-1].number

    def test_does_not_take_a_lower_head_for_a_reorg(self, anvil: PlainAnvil, town: City) -> None:
        snapshot = anvil.rpc.call("evm_snapshot")
        anvil.mine(3)
        follower = Follower(town)
        follower.catch_up()
        anvil.rpc.call("evm_revert", snapshot)
        assert follower.step() is False
        assert follower.reorgs == []

    def test_says_when_not_one_known_block_is_left(self, anvil: PlainAnvil, town: City) -> None:
        anvil.mine(3)
        follower = Follower(town)
        known = [KnownBlock(number, bytes([number]) * 32) for number in range(1, 4)]
        batch = follower.watcher.next_batch(known)
        assert isinstance(batch, Reorg)
        assert batch.common_ancestor is None

    def test_catches_up_through_a_long_history(self, anvil: PlainAnvil, town: City) -> None:
        (crew,) = town.crews(2)
        for _ in range(6):
            anvil.rpc.call("anvil_mine", 150)
            write_lifts(crew, 1)
            town.record(crew.cut())
        follower = Follower(town)
        follower.catch_up()
        assert follower.events == truth(town)
        assert len(follower.known) < 100

    def test_asks_for_less_where_a_node_refuses(self, anvil: PlainAnvil, town: City) -> None:
        anvil.rpc.call("anvil_mine", 40)
        watcher = Watcher(town.rpc, replace(town.deployment, custody_ledger="0xabcd"))
        with pytest.raises(RpcError):
            watcher.next_batch([])
        assert watcher._window == 1

    def test_refuses_a_path_that_does_not_link(self, anvil: PlainAnvil, town: City) -> None:
        follower = Follower(town)
        follower.catch_up()
        anvil.mine()
        with pytest.raises(RpcInconsistent):
            follower.watcher._near_head(
                follower.known[-1].number + 1,
                follower.known[-1].number + 1,
                KnownBlock(follower.known[-1].number, b"\x01" * 32),
            )

    def test_passes_over_other_contracts_logs(self, town: City) -> None:
        elsewhere: Deployment = replace(
            town.deployment,
            **{
                name: "0x" + "77" * 20
                for name in ("custody_ledger", "actor_registry", "bin_registry", "ledger_versions")
            },
        )
        watcher = Watcher(town.rpc, elsewhere)
        batch = watcher.next_batch([])
        assert isinstance(batch, Extend)
        assert batch.logs == ()

    def test_takes_nothing_while_nodes_disagree(self, anvil: PlainAnvil, town: City) -> None:
        other = PlainAnvil()
        anvil.mine(3)
        other.rpc.call("anvil_mine", 60)
        watcher = Watcher(town.rpc, town.deployment, others=[town.rpc, other.rpc])
        with pytest.raises(NodesDisagree) as disagreed:
            watcher.next_batch([])
        assert disagreed.value.ours != disagreed.value.theirs
        other.stop()

    def test_needs_no_other_node_that_is_away_or_behind(self, anvil: PlainAnvil, town: City) -> None:
        behind = PlainAnvil()
        anvil.mine(3)
        with Rpc("http://127.0.0.1:9") as away:
            follower = Follower(town)
            follower.watcher = Watcher(town.rpc, town.deployment, others=[town.rpc, away, behind.rpc])
            # A chain of one block has none at the height where the batch ends.
            follower.catch_up()
        assert follower.events == truth(town)
        behind.stop()

    def test_finds_logs_that_a_lagging_node_left_out(self, city: City) -> None:
        """Such a node answers [] for blocks that it says hold our logs."""
        (crew,) = city.crews(33)
        write_lifts(crew, 1)
        city.record(crew.cut())
        watcher = Watcher(Forgetful(city.rpc), city.deployment)  # type: ignore[arg-type]
        with pytest.raises(RpcInconsistent):
            read_all(watcher)

    @pytest.mark.parametrize("blocks_after", [0, 5])
    def test_misses_a_single_log_wherever_it_was_left_out(
        self, anvil: PlainAnvil, town: City, blocks_after: int
    ) -> None:
        """One of several in a block, or the only one of a block; in blocks that are final, or are not yet."""
        crews = town.crews(2, 3)
        first = int(anvil.rpc.call("eth_blockNumber"), 16)
        for crew in crews:
            write_lifts(crew, 2)
        town.record(*(crew.cut(1) for crew in crews))
        town.record(crews[0].cut())
        town.record(crews[1].cut())
        anvil.mine(blocks_after)
        for number in range(4):
            node = Forgetful(anvil.rpc, number)
            with pytest.raises(RpcInconsistent):
                read_all(Watcher(node, town.deployment), after=first)  # type: ignore[arg-type]
            assert node.left_out == 1
        follower = Follower(town)
        follower.catch_up()
        assert follower.events == truth(town)

    @pytest.mark.parametrize("seed", range(6))
    def test_has_the_right_events_after_whatever_happens(self, seed: int) -> None:
        chance = random.Random(seed)
        node = PlainAnvil()
        town = found_city(node.rpc)
        (crew,) = town.crews(2)
        node.mine(70)
        follower = Follower(town)
        write_lifts(crew, 200)
        segments = [crew.cut(2) for _ in range(100)]
        for _ in range(40):
            event = chance.random()
            if event < 0.4:
                send_any(town, segments, chance)
            elif event < 0.6:
                node.mine(chance.randint(1, 4))
            elif event < 0.8:
                node.rpc.call("anvil_reorg", chance.choice([1, 2, 3, 10, 60]), [])
            for _ in range(chance.randint(0, 3)):
                follower.step()
        node.mine()
        follower.catch_up()
        assert follower.events == truth(town), f"seed {seed}"
        node.stop()


def read_all(watcher: Watcher, *, after: int | None = None) -> None:
    known: list[KnownBlock] = []
    if after is not None:
        hash_after = watcher._rpc.batch([("eth_getBlockByNumber", (hex(after), False))])[0]["hash"]
        known = [KnownBlock(after, bytes.fromhex(hash_after[2:]))]
    while True:
        batch = watcher.next_batch(known)
        assert isinstance(batch, Extend)
        if not batch.headers:
            return
        known = [KnownBlock(batch.headers[-1].number, batch.headers[-1].block_hash)]


class Forgetful:
    """A real node whose answers to `eth_getLogs` are empty, or lack one of all the logs asked for."""

    def __init__(self, rpc: Rpc, forgets: int | None = None) -> None:
        self._rpc, self._forgets = rpc, forgets
        self._seen = self.left_out = 0

    def batch(self, calls: Sequence[Call]) -> list[Any]:
        answers = self._rpc.batch(calls)
        for (method, _), answer in zip(calls, answers, strict=True):
            if method == "eth_getLogs":
                kept = [log for at, log in enumerate(answer, self._seen) if self._forgets not in (None, at)]
                self._seen += len(answer)
                self.left_out += len(answer) - len(kept)
                answer[:] = kept
        return answers

    def batch_each(self, calls: Sequence[Call]) -> list[Any]:
        return self._rpc.batch_each(calls)


def send_any(town: City, segments: list, chance: random.Random) -> None:
    """Bring some segment, most often one that is refused: refusals are events as well."""
    if chance.random() < 0.2:
        send_and_wait(town.rpc, key=dev_key(2), to=town.ledger, data=encode_settle(1, 2))
    town.record(chance.choice(segments))
