"""A node as a witness: what a verifier asks it."""

from __future__ import annotations

from backend.chain.client import Rpc, RpcError
from backend.chain.ledger import OrganisationCreated, RegistrarReplaced, decode_log, topic
from backend.domain.keccak import keccak256
from backend.jobs.chain_events import known_event
from backend.usecases.ledger_events import SegmentRecorded

_CREATED = topic("OrganisationCreated(uint24,bytes32,uint64,uint160)")
_REPLACED = topic("RegistrarReplaced(uint24,uint64,uint160,uint8)")


class RpcWitness:
    """Asks one node; fulfils the verifier's `ChainWitness`."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc = rpc

    def chain_id(self) -> int:
        """Return the node's chain id."""
        return int(self._rpc.call("eth_chainId"), 16)

    def block_hash(self, number: int) -> str | None:
        """Return the hash of a block of the node's chain."""
        block = self._rpc.call("eth_getBlockByNumber", hex(number), False)
        return None if block is None else str(block["hash"])[2:]

    def code_hash(self, address: str) -> str:
        """Return keccak256 of the code at an address."""
        code = self._rpc.call("eth_getCode", address, "latest")
        return keccak256(bytes.fromhex(code[2:])).hex()

    def root_registrars(self, actor_registry: str, organisation: int) -> set[tuple[int, int]]:
        """Return the (device, key hash) of every root registrar an organisation has had."""
        logs = self._rpc.call(
            "eth_getLogs",
            {
                "address": actor_registry,
                "fromBlock": "0x0",
                "toBlock": "latest",
                "topics": [[_CREATED, _REPLACED], f"0x{organisation:064x}"],
            },
        )
        events = [decode_log(log) for log in logs]
        return {
            (event.registrar, event.key_hash)
            for event in events
            if isinstance(event, OrganisationCreated | RegistrarReplaced)
        }

    def recorded_at(self, ledger: str, tx_hash: str, log_index: int) -> SegmentRecorded | None:
        """Return the ledger's event at this place of a transaction's receipt."""
        try:
            receipt = self._rpc.call("eth_getTransactionReceipt", "0x" + tx_hash)
        except RpcError:
            return None
        if receipt is None:
            return None
        for log in receipt["logs"]:
            is_there = int(log["logIndex"], 16) == log_index
            if is_there and log["address"].lower().removeprefix("0x") == ledger:
                event = decode_log(log)
                known = None if event is None else known_event(event)
                return known if isinstance(known, SegmentRecorded) else None
        return None

    def head_number(self) -> int:
        """Return the number of the newest block."""
        return int(self._rpc.call("eth_blockNumber"), 16)
