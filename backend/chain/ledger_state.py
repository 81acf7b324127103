"""The ledger's own state, many slots in one exchange: what an auditor holds the fold against."""

from __future__ import annotations

from collections.abc import Sequence

from backend.chain.abi import selector
from backend.chain.client import Call, Rpc
from backend.chain.ledger import DeviceState, LotState, Totals

_DEVICE_OF, _HEAD_OF = selector("deviceOf(uint64)"), selector("headOf(uint64)")
_LOT_OF, _TOTALS_OF = selector("lotOf(uint96)"), selector("totalsOf(uint8)")
_DAY_TOTALS_OF = selector("dayTotalsOf(uint24,uint32,uint8)")
_WORD = 32
_CALLS_A_BATCH = 500


class LedgerState:
    """Reads of one ledger at one block."""

    def __init__(self, rpc: Rpc, ledger: str, block_number: int) -> None:
        self._rpc, self._ledger, self._block = rpc, ledger, hex(block_number)

    def devices(self, devices: Sequence[int]) -> list[tuple[DeviceState, bytes]]:
        """Return each device's slot and the head of its journal.

        Raises:
            RpcError: the node does not keep the state of this block any more.
        """
        slots = self._read([_DEVICE_OF + _word(device) for device in devices])
        heads = self._read([_HEAD_OF + _word(device) for device in devices])
        return [
            (DeviceState(*(_number(slot, at) for at in range(6))), head[:_WORD])
            for slot, head in zip(slots, heads, strict=True)
        ]

    def lots(self, lots: Sequence[int]) -> list[LotState]:
        """Return each lot's slot."""
        found = []
        for answer in self._read([_LOT_OF + _word(lot) for lot in lots]):
            holder, grams, lifts, stream, status, pendings, last_seq, shut, mixture = (
                _number(answer, at) for at in range(9)
            )
            found.append(LotState(holder, grams, lifts, stream, status, pendings, last_seq, bool(shut), mixture))
        return found

    def totals(self, streams: Sequence[int]) -> list[Totals]:
        """Return each stream's sums."""
        return [_totals(answer) for answer in self._read([_TOTALS_OF + _word(stream) for stream in streams])]

    def day_totals(self, days: Sequence[tuple[int, int, int]]) -> list[Totals]:
        """Return the sums of (organisation, day, stream)."""
        return [_totals(answer) for answer in self._read([_DAY_TOTALS_OF + b"".join(map(_word, d)) for d in days])]

    def _read(self, calls: Sequence[bytes]) -> list[bytes]:
        requests: list[Call] = [
            ("eth_call", ({"to": self._ledger, "data": "0x" + call.hex()}, self._block)) for call in calls
        ]
        answers: list[bytes] = []
        for start in range(0, len(requests), _CALLS_A_BATCH):
            found = self._rpc.batch(requests[start : start + _CALLS_A_BATCH])
            answers += [bytes.fromhex(answer[2:]) for answer in found]
        return answers


def _word(value: int) -> bytes:
    return value.to_bytes(_WORD, "big")


def _number(data: bytes, at: int) -> int:
    return int.from_bytes(data[at * _WORD : (at + 1) * _WORD], "big")


def _totals(data: bytes) -> Totals:
    return Totals(*(_number(data, at) for at in range(4)))
