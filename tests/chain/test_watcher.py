from __future__ import annotations

import random
from dataclasses import replace

import pytest
from chain_support import City, PlainAnvil, block_hash, dev_key, found_city, write_lifts

from backend.chain.client import RpcError
from backend.chain.deploy import Deployment
from backend.chain.ledger import LedgerEvent, SegmentRecorded, decode_logs, encode_settle
from backend.chain.transactions import send_and_wait
from backend.chain.watcher import Extend, KnownBlock, Reorg, RpcInconsistent, Watcher


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


def send_any(town: City, segments: list, chance: random.Random) -> None:
    """Bring some segment, most often one that is refused: refusals are events as well."""
    if chance.random() < 0.2:
        send_and_wait(town.rpc, key=dev_key(2), to=town.ledger, data=encode_settle(1))
    town.record(chance.choice(segments))
