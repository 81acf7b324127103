"""Reads of the contracts' state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backend.chain.abi import WORD, numbers, selector, word
from backend.chain.client import Rpc, RpcError
from backend.chain.contract_errors import read_contract_error

Block = str | int | bytes
"""A tag such as "latest", a number, or a hash."""

_DEVICE_OF = selector("deviceOf(uint64)")
_HEAD_OF = selector("headOf(uint64)")
_LOT_OF = selector("lotOf(uint96)")
_TOTALS_OF = selector("totalsOf(uint8)")
_DAY_TOTALS_OF = selector("dayTotalsOf(uint24,uint32,uint8)")
_ATTESTED = selector("attested(bytes32)")
_REGISTRAR_OF = selector("registrarOf(uint24)")
_IN_FORCE = selector("inForce()")


@dataclass(frozen=True, slots=True)
class DeviceState:
    """A device's slot; all zeros when the ledger does not know it."""

    key_hash: int
    next_seq: int
    not_after: int
    role: int
    flags: int
    epoch: int


@dataclass(frozen=True, slots=True)
class LotState:
    """A lot's slot; status 0 when there is none."""

    holder: int
    grams: int
    lifts: int
    stream: int
    status: int
    pendings: int
    last_seq: int
    is_shut: bool
    mixture: int


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums in grams. lifted + gained = held + out + lost."""

    lifted: int
    gained: int
    out: int
    lost: int


@dataclass(frozen=True, slots=True)
class Registrar:
    """An organisation's root registrar in place; zeros when there is no such organisation."""

    device: int
    key_hash: int
    epoch: int


class Ledger:
    """Reads of the contracts' state. Each takes the block it is read at."""

    def __init__(self, rpc: Rpc, *, custody_ledger: str, actor_registry: str = "") -> None:
        self._rpc, self._custody_ledger, self._actor_registry = rpc, custody_ledger, actor_registry

    def device_of(self, device: int, *, block: Block = "latest") -> DeviceState:
        """Return a device's key hash, next seq, validity, role, flags and epoch."""
        return DeviceState(*numbers(self._read(_DEVICE_OF + word(device), block), 6))

    def next_seq(self, device: int, *, block: Block = "latest") -> int:
        """Return the seq that a device's next entry must have; 0 when the ledger does not know it."""
        return self.device_of(device, block=block).next_seq

    def next_seqs(self, devices: Sequence[int], *, block: Block = "latest") -> dict[int, int]:
        """Return the next seq of many devices in one exchange."""
        calls = [
            ("eth_call", (self._call(self._custody_ledger, _DEVICE_OF + word(device)), _block(block)))
            for device in devices
        ]
        answers = self._rpc.batch(calls)
        return {device: numbers(_content(answer), 6)[1] for device, answer in zip(devices, answers, strict=True)}

    def head_of(self, device: int, *, block: Block = "latest") -> bytes:
        """Return the head of a device's journal; 32 zero bytes when there is no such device."""
        return self._read(_HEAD_OF + word(device), block)[:WORD]

    def lot_of(self, lot: int, *, block: Block = "latest") -> LotState:
        """Return a lot's slot."""
        values = numbers(self._read(_LOT_OF + word(lot), block), 9)
        holder, grams, lifts, stream, status, pendings, last_seq, shut, mixture = values
        return LotState(holder, grams, lifts, stream, status, pendings, last_seq, bool(shut), mixture)

    def totals_of(self, stream: int, *, block: Block = "latest") -> Totals:
        """Return a stream's sums."""
        return Totals(*numbers(self._read(_TOTALS_OF + word(stream), block), 4))

    def day_totals_of(self, *, organisation: int, day: int, stream: int, block: Block = "latest") -> Totals:
        """Return an organisation's sums of one day (days since 1970 in Asia/Shanghai)."""
        call = _DAY_TOTALS_OF + word(organisation) + word(day) + word(stream)
        return Totals(*numbers(self._read(call, block), 4))

    def is_attested(self, statement: bytes, *, block: Block = "latest") -> bool:
        """Say whether a registrar of the site's organisation sealed this statement."""
        return bool(numbers(self._read(_ATTESTED + statement, block), 1)[0])

    def registrar_of(self, organisation: int, *, block: Block = "latest") -> Registrar:
        """Return the root registrar that the actor registry has in place."""
        call = _REGISTRAR_OF + word(organisation)
        return Registrar(*numbers(call_contract(self._rpc, self._actor_registry, call, block=block), 3))

    def _read(self, call: bytes, block: Block) -> bytes:
        return call_contract(self._rpc, self._custody_ledger, call, block=block)

    @staticmethod
    def _call(to: str, call: bytes) -> dict[str, str]:
        return {"to": to, "data": "0x" + call.hex()}


def ledger_in_force(rpc: Rpc, ledger_versions: str, *, block: Block = "latest") -> str:
    """Return the address that `LedgerVersions` names, zero when none is yet."""
    return "0x" + call_contract(rpc, ledger_versions, _IN_FORCE, block=block)[12:32].hex()


def call_contract(rpc: Rpc, to: str, call: bytes, *, block: Block = "latest", sender: str | None = None) -> bytes:
    """Return what a call answers, without sending a transaction.

    Raises:
        ContractError: the contract said no, and how.
        RpcError: the node said no.
    """
    request = {"to": to, "data": "0x" + call.hex()}
    if sender is not None:
        request["from"] = sender
    try:
        return _content(rpc.call("eth_call", request, _block(block)))
    except RpcError as error:
        known = read_contract_error(error.revert_data) if error.revert_data else None
        if known is not None:
            raise known from error
        raise


def _block(block: Block) -> str | dict[str, str]:
    if isinstance(block, bytes):
        return {"blockHash": "0x" + block.hex()}
    return hex(block) if isinstance(block, int) else block


def _content(answer: str) -> bytes:
    return bytes.fromhex(answer[2:])
