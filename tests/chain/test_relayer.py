from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from chain_support import (
    City,
    Crash,
    CrashingStore,
    PlainAnvil,
    dev_account,
    dev_key,
    found_city,
    transfer,
    wait_until_mined,
    write_lifts,
)

from backend.chain.ledger import Ledger
from backend.chain.ledger_events import SegmentRecorded
from backend.chain.ledger_logs import decode_logs
from backend.chain.packing import (
    LONE_BYTES_MAX,
    PACK_BYTES_MAX,
    PACK_GAS_MAX,
    QueuedSegment,
    gas_bound,
    pack,
    receipt_bytes,
)
from backend.chain.relayer import Failed, Finalized, Included, Report, Sender, TxState, Vanished
from backend.chain.transactions import read_transaction
from backend.domain.journal import Segment
from backend.domain.layout import Kind
from backend.domain.types import Refusal, lot_id
from backend.domain.writer import JournalWriter

RELAYER = 5


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def town(anvil: PlainAnvil) -> City:
    """A deployment on a node of its own that mines each transaction at once."""
    return found_city(anvil.rpc)


def sender_of(city: City, store: CrashingStore, clock: Clock | None = None) -> Sender:
    return Sender(city.rpc, dev_key(RELAYER), city.ledger, store=store, clock=clock or time.monotonic)


def queue_of(segments: list[Segment]) -> list[QueuedSegment]:
    return [QueuedSegment(number, segment) for number, segment in enumerate(segments, 1)]


def poll_until(sender: Sender, kind: type[Report], count: int = 1) -> list[Report]:
    """Poll until so many reports of a kind have come; the runner's own limit ends a vain wait."""
    reports: list[Report] = []
    while sum(isinstance(report, kind) for report in reports) < count:
        reports += sender.poll()
    return reports


def landed(reports: list[Report]) -> list[int]:
    return [one for report in reports if isinstance(report, Included) for one in report.landed]


def recorded(city: City) -> list[tuple[int, int]]:
    logs = city.rpc.call("eth_getLogs", {"fromBlock": "0x0", "address": city.ledger})
    return [
        (event.segment.device, event.segment.first_seq)
        for event in decode_logs(logs)
        if isinstance(event, SegmentRecorded)
    ]


def cut_small(crew: JournalWriter, size: int) -> list[Segment]:
    segments = []
    while crew.uncut:
        segments.append(crew.cut(min(size, len(crew.uncut))))
    return segments


class TestSender:
    def test_lands_every_segment_in_the_order_of_its_device(self, city: City) -> None:
        crews = city.crews(21, 22, 23)
        for crew in crews:
            write_lifts(crew, 39)
        by_crew = [cut_small(crew, 4) for crew in crews]
        queue = queue_of([segment for turn in zip(*by_crew, strict=True) for segment in turn])
        store = CrashingStore()
        sender = sender_of(city, store)
        seen: set[int] = set()
        while len(seen) < len(queue):
            sent = sender.send(queue)
            assert sent.too_large == ()
            seen.update(sent.landed_before, landed(sender.poll()))
        reads = Ledger(city.rpc, custody_ledger=city.ledger)
        assert [reads.head_of(crew.device) for crew in crews] == [crew.head for crew in crews]
        nonces = sorted(tx.nonce for tx in store.txs.values())
        assert nonces == list(range(nonces[0], nonces[0] + len(nonces)))
        while store.open_txs():
            sender.poll()
        assert {tx.state for tx in store.txs.values()} == {TxState.FINAL}

    def test_tells_refusals_from_what_was_there_already(self, town: City) -> None:
        (crew,) = town.crews(2)
        write_lifts(crew, 5)
        first, second, third = crew.cut(2), crew.cut(2), crew.cut(2)
        town.record(first)
        forged = Segment(**{**vars_of(second), "r": second.r ^ 1})
        sender = sender_of(town, CrashingStore())
        queue = queue_of([first, forged, third])
        sent = sender.send(queue)
        assert sent.landed_before == (1,)
        (report,) = (one for one in sender.poll() if isinstance(one, Included))
        assert report.landed == ()
        assert report.refused == ((2, Refusal.BAD_SEAL), (3, Refusal.GAP))

    def test_counts_a_segment_that_someone_else_brought_meanwhile_as_landed(self) -> None:
        node = PlainAnvil()
        town = found_city(node.rpc)
        (crew,) = town.crews(2)
        write_lifts(crew, 1)
        segment = crew.cut()
        store = CrashingStore()
        sender = sender_of(town, store)
        store.crash_after = 1
        with pytest.raises(Crash):
            sender.send(queue_of([segment]))
        town.record(segment)
        reports = poll_until(sender_of(town, store), Included)
        assert landed(reports) == [1]
        assert recorded(town).count((crew.device, 1)) == 1
        node.stop()

    def test_sends_stored_bytes_again_after_a_crash_before_the_broadcast(self, town: City) -> None:
        (crew,) = town.crews(2)
        write_lifts(crew, 3)
        store = CrashingStore()
        store.crash_after = 1
        with pytest.raises(Crash):
            sender_of(town, store).send(queue_of([crew.cut()]))
        (stored,) = store.txs.values()
        assert landed(poll_until(sender_of(town, store), Included)) == [1]
        assert list(store.txs) == [stored.tx_hash]

    @pytest.mark.parametrize("step", range(1, 13))
    def test_loses_and_doubles_nothing_wherever_it_is_killed(self, town: City, step: int) -> None:
        crews = town.crews(2, 3)
        for crew in crews:
            write_lifts(crew, 11)
        queue = queue_of([segment for crew in crews for segment in cut_small(crew, 4)])
        store = CrashingStore()
        done: set[int] = set()
        sender = sender_of(town, store)
        sender.in_flight_max = 2
        store.crash_after = step
        while len(done) < len(queue) or store.open_txs():
            try:
                # Half the queue at a time, so that there are several transactions.
                waiting = [queued for queued in queue if queued.segment_id not in done][:2]
                done.update(sender.send(waiting).landed_before)
                town.rpc.call("evm_mine")
                done.update(landed(sender.poll()))
            except Crash:
                sender = sender_of(town, store)
                sender.in_flight_max = 2
        mine = [item for item in recorded(town) if item[0] in {crew.device for crew in crews}]
        assert sorted(mine) == sorted((q.segment.device, q.segment.first_seq) for q in queue)
        count = int(town.rpc.call("eth_getTransactionCount", sender.address, "latest"), 16)
        assert {tx.nonce for tx in store.txs.values()} == set(range(count))

    def test_sends_again_what_a_node_forgot(self, still: City) -> None:
        store, crew = CrashingStore(), enrolled(still)
        sender = sender_of(still, store)
        (tx,) = sender.send(queue_of([crew.cut()])).txs
        still.rpc.call("anvil_dropAllTransactions")
        assert sender.poll() == []
        still.rpc.call("evm_mine")
        assert landed(sender.poll()) == [1]
        assert list(store.txs) == [tx.tx_hash]

    def test_takes_already_known_for_a_yes(self, still: City) -> None:
        store, crew = CrashingStore(), enrolled(still)
        sender = sender_of(still, store)
        (tx,) = sender.send(queue_of([crew.cut()])).txs
        sender._broadcast(tx)
        assert sender.problems == []

    def test_pays_an_eighth_more_when_stuck(self, still: City) -> None:
        store, crew, clock = CrashingStore(), enrolled(still), Clock()
        sender = sender_of(still, store, clock)
        (tx,) = sender.send(queue_of([crew.cut()])).txs
        assert sender.poll() == []
        clock.now += 31
        assert sender.poll() == []
        first, second = store.open_txs()
        before, after = read_transaction(first.raw), read_transaction(second.raw)
        assert (before.nonce, before.data, before.gas) == (after.nonce, after.data, after.gas)
        assert after.fees.fee_wei_max * 8 >= before.fees.fee_wei_max * 9
        assert after.fees.tip_wei_max * 8 >= before.fees.tip_wei_max * 9
        for _ in range(3):
            still.rpc.call("evm_mine")
        reports = poll_until(sender, Finalized)
        assert landed(reports) == [1]
        assert store.txs[tx.tx_hash].state is TxState.DROPPED
        assert store.txs[second.tx_hash].state is TxState.FINAL

    def test_pays_more_at_once_when_the_node_finds_it_too_cheap(self, still: City) -> None:
        store, crew = CrashingStore(), enrolled(still)
        sender = sender_of(still, store)
        store.crash_after = 1
        with pytest.raises(Crash):
            sender.send(queue_of([crew.cut()]))
        still.rpc.call("anvil_setNextBlockBaseFeePerGas", hex(10**12))
        still.rpc.call("evm_mine")
        while not landed(sender.poll()):
            still.rpc.call("evm_mine")
        assert len(store.txs) > 1

    def test_gives_segments_back_when_something_else_used_the_nonce(self, still: City) -> None:
        store, crew = CrashingStore(), enrolled(still)
        sender = sender_of(still, store)
        store.crash_after = 1
        queue = queue_of([crew.cut()])
        with pytest.raises(Crash):
            sender.send(queue)
        other = still.rpc.call("eth_sendRawTransaction", transfer(dev_account(RELAYER), 0))
        still.rpc.call("evm_mine")
        wait_until_mined(still.rpc, [other])
        reports = poll_until(sender, Failed)
        assert [type(report) for report in reports] == [Failed]
        sender.send(queue)
        still.rpc.call("evm_mine")
        assert landed(sender.poll()) == [1]

    def test_notices_that_its_block_was_taken_back(self, town: City) -> None:
        crew = enrolled(town)
        snapshot = town.rpc.call("evm_snapshot")
        store = CrashingStore()
        sender = sender_of(town, store)
        sender.send(queue_of([crew.cut()]))
        assert landed(poll_until(sender, Included)) == [1]
        town.rpc.call("evm_revert", snapshot)
        town.rpc.call("evm_mine")
        reports = poll_until(sender, Included)
        assert isinstance(reports[0], Vanished)
        assert landed(reports) == [1]
        assert len(store.txs) == 1

    def test_refills_a_chain_that_lost_final_transactions(self, town: City) -> None:
        (crew,) = town.crews(2)
        write_lifts(crew, 7)
        segments = cut_small(crew, 2)
        snapshot = town.rpc.call("evm_snapshot")
        store = CrashingStore()
        sender = sender_of(town, store)
        for queued in queue_of(segments):
            sender.send([queued])
            poll_until(sender, Included)
        for _ in range(3):
            town.rpc.call("evm_mine")
        while store.open_txs():
            sender.poll()
        town.rpc.call("evm_revert", snapshot)
        reads = Ledger(town.rpc, custody_ledger=town.ledger)
        assert reads.next_seq(crew.device) == 1
        reports: list[Report] = []
        while reads.next_seq(crew.device) != 9:
            reports += sender.poll()
        assert sum(isinstance(report, Vanished) for report in reports) == len(segments)
        assert len(store.txs) == len(segments)

    def test_settles_a_lot(self, town: City) -> None:
        giver, taker = town.crews(2, 3)
        write_lifts(giver, 1)
        store = CrashingStore()
        sender = sender_of(town, store)
        tx = sender.settle(lot_id(giver.device, 1), taker.device)
        reports = poll_until(sender, Included)
        included = reports[0]
        assert included == Included(tx, included.block_number, included.block_hash, (), (), included.gas_used)
        assert included.gas_used > 21_000
        assert tx.settles == (lot_id(giver.device, 1), taker.device)
        assert taker.device != giver.device

    def test_reports_again_what_could_not_be_noted(self, town: City) -> None:
        """The caller's disk was full when it was told, or a node was silent right after."""
        (crew,) = town.crews(2)
        write_lifts(crew, 1)
        sender = sender_of(town, CrashingStore())
        sender.send(queue_of([crew.cut()]))
        while (group := next(sender.reports(), None)) is None:  # the rest is cut off, as an error would
            pass
        assert isinstance(group[0], Included)
        assert landed(poll_until(sender, Included)) == [1]

    def test_stops_at_the_number_in_flight(self, still: City) -> None:
        crew = enrolled(still, lifts=15)
        queue = queue_of(cut_small(crew, 2))
        sender = sender_of(still, CrashingStore())
        sender.in_flight_max = 3
        for queued in queue:
            sender.send([queued])
        assert len(sender.store.open_txs()) == 3


class TestPacking:
    def segment(self, device: int, entries: int = 10) -> Segment:
        words = (bytes([1]) + bytes(31)) * entries
        return Segment(device, 1, words, 1, 1, 1, 1)

    def test_keeps_within_gas_and_bytes(self) -> None:
        queue = queue_of([self.segment(device, 250) for device in range(40)])
        packs, too_large = pack(queue)
        assert too_large == []
        assert [queued for one in packs for queued in one.segments] == queue
        for one in packs:
            assert one.gas <= PACK_GAS_MAX
            assert sum(receipt_bytes(queued.segment) for queued in one.segments) <= PACK_BYTES_MAX

    def test_holds_back_what_follows_a_segment_too_large_to_send(self) -> None:
        large = Segment(1, 1, bytes([2, 255]) + bytes(LONE_BYTES_MAX), 1, 1, 1, 1)
        queue = queue_of([large, self.segment(1), self.segment(2)])
        packs, too_large = pack(queue)
        assert too_large == [queue[0]]
        assert [one.segments for one in packs] == [(queue[2],)]

    def test_lets_a_segment_larger_than_a_pack_go_by_itself(self) -> None:
        entry = bytes([2, 250]) + bytes(250 * 32 - 2)
        large = Segment(1, 1, entry * 10, 1, 1, 1, 1)
        packs, _ = pack(queue_of([self.segment(2), large, self.segment(3)]))
        assert [len(one.segments) for one in packs] == [1, 1, 1]

    def test_sends_what_ran_out_of_gas_by_itself(self) -> None:
        queue = queue_of([self.segment(device) for device in (1, 2, 3, 4)])
        packs, _ = pack(queue, alone={queue[1].segment_id})
        assert [one.segments for one in packs] == [(queue[0],), (queue[1],), tuple(queue[2:])]

    def test_allows_more_gas_than_the_ledger_uses(self, town: City) -> None:
        giver, taker, other = town.crews(2, 3, 4)
        write_lifts(giver, 200)
        used: list[tuple[int, int]] = []

        def record(segment: Segment) -> None:
            receipt = town.record(segment)
            used.append((int(str(receipt["gasUsed"]), 16), 30_000 + gas_bound(segment)))

        record(giver.cut())
        for serial in range(1, 25):
            lot = lot_id(giver.device, serial)
            giver.write(Kind.LOAD, lot=lot, stream=3, vehicle=1)
            seq = giver.write(Kind.GIVE, lot=lot, grams=1, last_seq=1, to=taker.device, to_seq=1)
            taker.write(Kind.TAKE, lot=lot, grams=1, give_seq=seq, giver=giver.device)
            taker.write(Kind.GIVE, lot=lot, grams=1, to=other.device)
            other.write(Kind.MERGE, lot=lot, into=lot_id(other.device, 1), stream=3)
        record(other.cut())
        record(taker.cut())
        record(giver.cut())
        for serial in range(40, 60):
            town.crew(serial)
        record(town.registrar.cut())
        for gas, bound in used:
            assert gas <= bound


@pytest.fixture
def still() -> Iterator[City]:
    """A deployment on a node that mines only when told."""
    node = PlainAnvil()
    city = found_city(node.rpc)
    city.registrar.uncut.clear()
    (crew,) = city.crews(2)
    STILL_CREWS[id(city)] = crew
    node.rpc.call("evm_setAutomine", False)
    yield city
    node.stop()


STILL_CREWS: dict[int, JournalWriter] = {}


def enrolled(city: City, *, lifts: int = 3) -> JournalWriter:
    crew = STILL_CREWS.get(id(city))
    if crew is None:
        (crew,) = city.crews(2)
    write_lifts(crew, lifts)
    return crew


def vars_of(segment: Segment) -> dict[str, int | bytes]:
    return {name: getattr(segment, name) for name in ("device", "first_seq", "words", "x", "y", "r", "s")}
