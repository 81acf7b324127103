"""Gas for a lift: it is deterministic, so the machine does not matter."""

from __future__ import annotations

from backend.chain.packing import Pack, QueuedSegment, gas_bound
from bench import city
from bench.figure import Figure, figure_of


def gas_per_lift_250() -> Figure:
    """A truck's next segment of 250 lifts into its open lot, alone in its transaction; base cost included."""
    writer = city.truck(0)
    enrolled = city.enrolments([writer])
    city.open_lot(writer)
    values = []
    with city.devnet() as chain:
        city.send_all(chain, enrolled)
        # The first lifts of a lot and a day write slots that were empty; a shift goes on from there.
        city.lift(writer, city.LIFTS_A_SEGMENT - 1)
        city.send_all(chain, writer.cut_all())
        for _ in range(3):
            city.lift(writer, city.LIFTS_A_SEGMENT)
            segment = writer.cut()
            pack = Pack((QueuedSegment(0, segment),), gas_bound(segment))
            (tx_hash,) = city.send_packs(chain, [pack])
            receipt = chain.rpc.call("eth_getTransactionReceipt", "0x" + tx_hash.hex())
            values.append(int(receipt["gasUsed"], 16) / city.LIFTS_A_SEGMENT)
    return figure_of("gas_per_lift_250", values, "gas")
