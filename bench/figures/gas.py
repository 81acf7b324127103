"""Gas: it is deterministic, so the machine does not matter. Workloads are files in bench/workloads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_abi.abi import encode

from backend.chain.abi import selector
from backend.chain.build import compile_contract
from backend.chain.packing import Pack, QueuedSegment, gas_bound
from backend.chain.transactions import account_of, send_and_wait, sign, suggest_fees, wait_for_receipt
from backend.cli.places import RELAYER, devnet_key
from backend.domain.journal import Segment
from backend.domain.layout import Kind
from backend.domain.types import Outcome, Role, Stream, device_id, lot_id
from backend.domain.writer import JournalWriter
from bench import city, workload
from bench.figure import Figure, figure_of

BLOCK_GAS = 30_000_000
_YARDSTICK = Path(__file__).parents[1] / "yardstick"


@dataclass
class Street:
    """A truck and a station that have worked today, on a chain with cold storage in every transaction."""

    chain: city.Chain
    trucks: list[JournalWriter]
    station: JournalWriter
    scale: JournalWriter

    def gas_of(self, *segments: Segment) -> int:
        """Return what one transaction with these segments cost; every entry must have been applied."""
        gas = sum(map(gas_bound, segments))
        pack = Pack(tuple(QueuedSegment(n, s) for n, s in enumerate(segments)), min(gas + 100_000, 16_000_000))
        (tx_hash,) = city.send_packs(self.chain, [pack])
        receipt = self.chain.rpc.call("eth_getTransactionReceipt", "0x" + tx_hash.hex())
        applied = city.outcomes_in(receipt)
        assert set(applied) == {Outcome.APPLIED}, applied.hex()
        return int(receipt["gasUsed"], 16)


@contextmanager
def street(trucks: int = 1) -> Iterator[Street]:
    """Yield a devnet with trucks that have opened a lot today, a station that has taken one, and a scale."""
    with city.devnet() as chain:
        writers = [city.truck(number) for number in range(trucks)]
        station, scale = city.neighbour(2), city.neighbour(3)
        enrolments = city.enrolments(writers)
        enrolments += city.enrolments_of_neighbour({station: Role.GATE, scale: Role.SCALE})
        city.send_all(chain, enrolments)
        found = Street(chain, writers, station, scale)
        # The first take and the first ticket of a day and of a device write slots that were empty.
        first = _loaded(writers[0], 900)
        _give(writers[0], first, station.device, workload.read("handoffs")[0])
        _take(station, writers[0], first, workload.read("handoffs")[0])
        scale.write(Kind.WEIGH, ticket=1, calibration_until=city.START + 9, occurred_at=city.START)
        found.gas_of(writers[0].cut(), station.cut(), scale.cut())
        for writer in writers:
            city.open_lot(writer)
            writer.write_words(workload.lift_words(1)[0])
        city.send_all(chain, [segment for writer in writers for segment in writer.cut_all()])
        yield found


def _loaded(writer: JournalWriter, serial: int) -> int:
    """Write a lot with a lift in it; return the lot."""
    lot = lot_id(writer.device, serial)
    writer.write(Kind.LOAD, lot=lot, stream=Stream.RESIDUAL, occurred_at=city.START)
    writer.write_words(workload.lift_words(2)[1])
    return lot


def _give(writer: JournalWriter, lot: int, to: int, told: dict[str, Any]) -> None:
    writer.write(
        Kind.GIVE,
        lot=lot,
        grams=told["grams_given"],
        last_seq=writer.next_seq - 1,
        to=to,
        to_seq=7,
        lifts=80,
        evidence=int(told["give_evidence"], 16),
        lifts_root=int(told["lifts_root"], 16),
        to_head=int(told["to_head"], 16),
        occurred_at=city.START,
    )


def _take(
    taker: JournalWriter, giver: JournalWriter, lot: int, told: dict[str, Any], *, seq: int = 0, head: bytes = b""
) -> None:
    taker.write(
        Kind.TAKE,
        lot=lot,
        grams=told["grams_taken"],
        give_seq=seq or giver.next_seq - 1,
        giver=giver.device,
        weigh_seq=9,
        weigher=taker.device,
        give_head=int.from_bytes(head or giver.head, "big"),
        evidence=int(told["take_evidence"], 16),
        occurred_at=city.START,
    )


def gas_per_lift(count: int) -> Callable[[], Figure]:
    """Return the figure for a truck's next lifts into its open lot, alone in their transaction."""

    def measure() -> Figure:
        values = []
        with street() as found:
            (truck,) = found.trucks
            for _ in range(3):
                for word in workload.lift_words(count):
                    truck.write_words(word)
                values.append(found.gas_of(*truck.cut_all()) / count)
        return figure_of(f"gas_per_lift_{count}", values, "gas")

    return measure


def gas_per_lift_80() -> Figure:
    """A real truckload: a new lot and 80 lifts into it, alone in their transaction."""
    values = []
    with street() as found:
        (truck,) = found.trucks
        for serial in range(10, 13):
            truck.write(
                Kind.LOAD, lot=lot_id(truck.device, serial), stream=Stream.RESIDUAL, occurred_at=city.START
            )
            for word in workload.lift_words(80):
                truck.write_words(word)
            values.append(found.gas_of(truck.cut()) / 80)
    return figure_of("gas_per_lift_80", values, "gas")


def gas_per_handoff_alone() -> Figure:
    """A give and its take, two segments alone in one transaction, between devices that are known."""
    values = []
    with street() as found:
        (truck,) = found.trucks
        for number, told in enumerate(workload.read("handoffs")[:3]):
            lot = _loaded(truck, 20 + number)
            found.gas_of(truck.cut())
            _give(truck, lot, found.station.device, told)
            _take(found.station, truck, lot, told)
            values.append(found.gas_of(truck.cut(), found.station.cut()))
    return figure_of("gas_per_handoff_alone", values, "gas")


def gas_per_handoff_batch50() -> Figure:
    """Fifty trucks and one station, all in one transaction: 50 gives and one segment of 50 takes."""
    values = []
    with street(trucks=50) as found:
        for turn in range(2):
            lots = [_loaded(truck, 20 + turn) for truck in found.trucks]
            city.send_all(found.chain, [truck.cut() for truck in found.trucks])
            for truck, lot, told in zip(found.trucks, lots, workload.read("handoffs"), strict=True):
                _give(truck, lot, found.station.device, told)
                _take(found.station, truck, lot, told)
            gas = found.gas_of(*(truck.cut() for truck in found.trucks), *found.station.cut_all())
            values.append(gas / 50)
    return figure_of("gas_per_handoff_batch50", values, "gas")


def gas_per_handoff_pair50() -> Figure:
    """Fifty handoffs of one truck to one station: a segment of 50 gives and one of 50 takes."""
    values = []
    with street() as found:
        (truck,) = found.trucks
        for turn in range(2):
            lots = [_loaded(truck, 100 + 50 * turn + number) for number in range(50)]
            city.send_all(found.chain, truck.cut_all())
            for lot, told in zip(lots, workload.read("handoffs"), strict=True):
                _give(truck, lot, found.station.device, told)
                _take(found.station, truck, lot, told)
            values.append(found.gas_of(*truck.cut_all(), *found.station.cut_all()) / 50)
    return figure_of("gas_per_handoff_pair50", values, "gas")


def gas_per_weigh_ticket() -> Figure:
    """A scale's next ticket, alone in its transaction."""
    values = []
    with street() as found:
        for number, told in enumerate(workload.read("handoffs")[:3]):
            found.scale.write(
                Kind.WEIGH,
                lot=lot_id(found.trucks[0].device, 1),
                net=told["grams_taken"],
                gross=told["grams_taken"] + 12_345_678,
                tare=12_345_678,
                ticket=number + 2,
                vehicle=device_id(city.ORGANISATION, 0x1234567),
                calibration=0x1234567890,
                calibration_until=city.START + 9,
                evidence=int(told["take_evidence"], 16),
                occurred_at=city.START,
            )
            values.append(found.gas_of(found.scale.cut()))
    return figure_of("gas_per_weigh_ticket", values, "gas")


def lifts_per_block_30m() -> Figure:
    """How many lifts fill a block of 30 M gas: full transactions of eight trucks' 250 lifts, by their gas."""
    values = []
    with street(trucks=8) as found:
        for _ in range(2):
            segments = []
            for truck in found.trucks:
                for word in workload.lift_words(250):
                    truck.write_words(word)
                segments.append(truck.cut())
            gas = found.gas_of(*segments)
            values.append(BLOCK_GAS // gas * 8 * 250)
    return figure_of("lifts_per_block_30m", values, "lifts")


def gas_per_handoff_naive() -> Figure:
    """The yardstick: one transaction a handoff, roles, and text in storage."""
    told = workload.read("naive_handoff")
    compiled = compile_contract("NaiveHandoffs", _YARDSTICK)
    values = []
    with city.devnet() as chain:
        key = devnet_key(RELAYER)
        address = _create(chain, key, bytes.fromhex(compiled["evm"]["bytecode"]["object"]))
        texts = [told[name] for name in ("lot", "previous", "waste_class", "from", "to")]
        types = ["string"] * 5 + ["uint256", "uint256", "bytes32"]
        for number in range(3):
            texts[0] = told["lot"][:-1] + str(number)
            arguments = [*texts, told["grams"], told["occurred_at"], bytes.fromhex(told["evidence"])]
            data = selector(f"handOff({','.join(types)})") + encode(types, arguments)
            receipt = send_and_wait(chain.rpc, key=key, to=address, data=data)
            values.append(int(receipt["gasUsed"], 16))
    # The first fills slots that stay; what every next one costs is the figure.
    return figure_of("gas_per_handoff_naive", values[1:], "gas")


def _create(chain: city.Chain, key: bytes, code: bytes) -> str:
    account = account_of(key)
    nonce = int(chain.rpc.call("eth_getTransactionCount", account.address, "latest"), 16)
    signed = sign(
        account, chain_id=city.CHAIN_ID, nonce=nonce, to="", data=code, gas=8_000_000, fees=suggest_fees(chain.rpc)
    )
    chain.rpc.call("eth_sendRawTransaction", "0x" + signed.raw.hex())
    return str(wait_for_receipt(chain.rpc, signed.tx_hash)["contractAddress"])
