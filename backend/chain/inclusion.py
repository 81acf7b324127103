"""A node's blocks as bytes: headers and receipts in RLP, and the proof of one log in them.

A node answers in JSON; what the hashes bind is RLP. So every block is written out again and held against its own
hash and receiptsRoot before anything is said about it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from backend.chain.client import Rpc, RpcError, RpcUnavailable
from backend.chain.ledger_logs import ORGANISATION_CREATED, REGISTRAR_REPLACED, SETTLED
from backend.domain.announced import NamedRegistrar, named_registrar
from backend.domain.blocks import Inclusion, Log
from backend.domain.keccak import keccak256
from backend.domain.rlp import Item, encode, encode_number
from backend.domain.trie import OrderedTrie
from backend.domain.types import organisation_of
from backend.usecases.prove_entry import ChainAway, NotOnChain

_BLOCKS_KEPT = 64
_BYTES, _NUMBER = "bytes", "number"
# In the order of the header. What a fork added stands at the end, and older blocks do not have it.
_HEADER = (
    ("parentHash", _BYTES),
    ("sha3Uncles", _BYTES),
    ("miner", _BYTES),
    ("stateRoot", _BYTES),
    ("transactionsRoot", _BYTES),
    ("receiptsRoot", _BYTES),
    ("logsBloom", _BYTES),
    ("difficulty", _NUMBER),
    ("number", _NUMBER),
    ("gasLimit", _NUMBER),
    ("gasUsed", _NUMBER),
    ("timestamp", _NUMBER),
    ("extraData", _BYTES),
    ("mixHash", _BYTES),
    ("nonce", _BYTES),
    ("baseFeePerGas", _NUMBER),  # EIP-1559
    ("withdrawalsRoot", _BYTES),  # EIP-4895
    ("blobGasUsed", _NUMBER),  # EIP-4844
    ("excessBlobGas", _NUMBER),
    ("parentBeaconBlockRoot", _BYTES),  # EIP-4788
    ("requestsHash", _BYTES),  # EIP-7685
)


def header_rlp(block: dict[str, Any]) -> bytes:
    """Return the header of a block as a node gives it, in RLP."""
    fields: list[Item] = [
        encode_number(int(block[name], 16)) if form == _NUMBER else bytes.fromhex(block[name][2:])
        for name, form in _HEADER
        if block.get(name) is not None
    ]
    return encode(fields)


def receipt_rlp(receipt: dict[str, Any]) -> bytes:
    """Return a receipt as a node gives it, as it stands in its block's trie."""
    # Before Byzantium a receipt had the state's root where the status is now.
    outcome = (
        bytes.fromhex(receipt["root"][2:])
        if receipt.get("status") is None
        else encode_number(int(receipt["status"], 16))
    )
    logs: list[Item] = [
        [
            bytes.fromhex(log["address"][2:]),
            [bytes.fromhex(topic[2:]) for topic in log["topics"]],
            bytes.fromhex(log["data"][2:]),
        ]
        for log in receipt["logs"]
    ]
    used = encode_number(int(receipt["cumulativeGasUsed"], 16))
    encoded = encode([outcome, used, bytes.fromhex(receipt["logsBloom"][2:]), logs])
    kind = int(receipt.get("type") or "0x0", 16)
    return bytes([kind]) + encoded if kind else encoded


@dataclass(frozen=True)
class _Block:
    """A block's header, the trie over its receipts, and where its logs are: (receipt, log in it)."""

    header: bytes
    trie: OrderedTrie
    logs: tuple[tuple[int, int], ...]


class RpcProofs:
    """Asks a node for blocks; fulfils `ChainProofs`. Keeps the last ones, for many entries share a block."""

    def __init__(self, rpc: Rpc, actor_registry: str) -> None:
        self._rpc, self._registry = rpc, actor_registry
        self._block = lru_cache(maxsize=_BLOCKS_KEPT)(self._read_block)
        self._namings: dict[tuple[int, int], Inclusion] = {}

    def of_log(self, block_hash: str, log_index: int) -> Inclusion:
        """Return a log's way into its block; `log_index` counts through the whole block."""
        block = self._block(block_hash)
        if log_index >= len(block.logs):
            raise NotOnChain(f"block 0x{block_hash} has no log {log_index}")
        receipt, log = block.logs[log_index]
        return Inclusion(bytes.fromhex(block_hash), block.header, receipt, block.trie.proof(receipt), log)

    def of_naming(self, *, device: int, key_hash: int) -> Inclusion:
        """Return where the registry named this device with this key as a root registrar."""
        known = self._namings.get((device, key_hash))
        if known is not None and self._has_block(known.block_hash):
            return known
        for log in self._naming_logs(organisation_of(device)):
            found = named_registrar(_log_of(log))
            if found == NamedRegistrar(organisation_of(device), device, key_hash):
                inclusion = self.of_log(log["blockHash"][2:], int(log["logIndex"], 16))
                self._namings[device, key_hash] = inclusion
                return inclusion
        raise NotOnChain(f"the registry has not named {device:016x} with this key")

    def of_settling(self, *, ledger: bytes, device: int, seq: int) -> Inclusion | None:
        """Return where the ledger settled an entry that had waited, or None where it waits still."""
        found = self._ask(
            "eth_getLogs",
            {
                "address": "0x" + ledger.hex(),
                "fromBlock": "0x0",
                "toBlock": "latest",
                "topics": [SETTLED, f"0x{device:064x}", f"0x{seq:064x}"],
            },
        )
        for log in found:
            return self.of_log(log["blockHash"][2:], int(log["logIndex"], 16))
        return None

    def _has_block(self, block_hash: bytes) -> bool:
        return self._ask("eth_getBlockByHash", "0x" + block_hash.hex(), False) is not None

    def _naming_logs(self, organisation: int) -> list[dict[str, Any]]:
        found = self._ask(
            "eth_getLogs",
            {
                "address": self._registry,
                "fromBlock": "0x0",
                "toBlock": "latest",
                "topics": [[ORGANISATION_CREATED, REGISTRAR_REPLACED], f"0x{organisation:064x}"],
            },
        )
        return list(found)

    def _read_block(self, block_hash: str) -> _Block:
        name = "0x" + block_hash
        block = self._ask("eth_getBlockByHash", name, False)
        receipts = None if block is None else self._receipts(name, block)
        if block is None or receipts is None:
            raise NotOnChain(f"the node does not have block {name}")
        header, trie = header_rlp(block), OrderedTrie([receipt_rlp(receipt) for receipt in receipts])
        if keccak256(header).hex() != block_hash or trie.root.hex() != block["receiptsRoot"][2:]:
            raise NotOnChain(f"the node's block {name} does not hash to its own hash or receiptsRoot")
        places = ((at, log) for at, receipt in enumerate(receipts) for log in range(len(receipt["logs"])))
        return _Block(header, trie, tuple(places))

    def _receipts(self, name: str, block: dict[str, Any]) -> list[dict[str, Any]] | None:
        """Return all receipts of a block; one by one from a node that has no call for all."""
        try:
            found: list[dict[str, Any]] | None = self._ask("eth_getBlockReceipts", name)
        except RpcError:
            found = [self._ask("eth_getTransactionReceipt", each) for each in block["transactions"]]
        if found is None or any(each is None or each["blockHash"] != name for each in found):
            return None
        return found

    def _ask(self, method: str, *params: Any) -> Any:
        try:
            return self._rpc.call(method, *params)
        except RpcUnavailable as error:
            raise ChainAway(str(error)) from error


def _log_of(log: dict[str, Any]) -> Log:
    topics = tuple(bytes.fromhex(topic[2:]) for topic in log["topics"])
    return Log(bytes.fromhex(log["address"][2:]), topics, bytes.fromhex(log["data"][2:]))
