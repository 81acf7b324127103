"""Everything that a chain makes public: calldata, logs, code, and what the contracts answer."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from backend.chain.abi import selector
from backend.chain.artifacts import CONTRACTS, Artifact, load_artifact
from backend.chain.client import Call, Rpc, RpcError
from backend.chain.ledger_events import SegmentRecorded
from backend.chain.ledger_logs import decode_log
from backend.domain.days import day_of
from backend.domain.journal import Entry, read_entries
from backend.domain.layout import Kind
from backend.domain.types import organisation_of
from backend.usecases.scan_privacy import PublicBytes

_BLOCKS_A_BATCH = 64
_CALLS_A_BATCH = 200
# A getter with several arguments is asked for every combination; past this many there is nothing new in them.
_COMBINATIONS_MAX = 20_000
_STREAMS = range(1, 5)
# A bytes17 stands at the left of its word.
_AFTER_HEAD17 = 8 * (32 - 17)


class ChainReader:
    """Reads a chain from its first block to the newest, once."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc = rpc
        self._addresses: dict[str, None] = {}
        # What the events name, by the name of the argument that a getter takes.
        self._ids: dict[str, set[int]] = defaultdict(set)
        self._ids["stream"].update(_STREAMS)
        # What the entries name together, for getters whose arguments mean nothing apart.
        self._keys: dict[str, set[tuple[int, ...]]] = {"expectedOf": set(), "mandateOf": set(), "releaseOf": set()}
        self.unread: list[str] = []

    def everything(self) -> Iterator[PublicBytes]:
        """Return all public bytes. What could not be asked for is listed in `unread` afterwards."""
        head = int(self._rpc.call("eth_blockNumber"), 16)
        for first in range(0, head + 1, _BLOCKS_A_BATCH):
            yield from self._blocks(first, min(first + _BLOCKS_A_BATCH - 1, head))
        codes = {}
        for address in self._addresses:
            codes[address] = bytes.fromhex(self._rpc.call("eth_getCode", address, hex(head))[2:])
            if codes[address]:
                yield PublicBytes("code", f"code of {address}", codes[address])
        artifacts = [load_artifact(file.stem) for file in sorted(CONTRACTS.glob("*.json"))]
        for address, code in codes.items():
            for artifact in artifacts:
                if code and artifact.is_code(code):
                    yield from self._state(address, artifact, hex(head))

    def ids(self) -> frozenset[int]:
        """Return the ids of devices and sites that have been named so far."""
        return frozenset(self._ids["device"] | self._ids["site"])

    def _blocks(self, first: int, last: int) -> Iterator[PublicBytes]:
        calls: list[Call] = [("eth_getBlockByNumber", (hex(number), True)) for number in range(first, last + 1)]
        calls.append(("eth_getLogs", ({"fromBlock": hex(first), "toBlock": hex(last)},)))
        *blocks, logs = self._rpc.batch(calls)
        created = []
        for block in blocks:
            self._ids["day"].add(day_of(int(block["timestamp"], 16)))
            place = f"block {int(block['number'], 16)}"
            yield PublicBytes("block", f"extra data of {place}", bytes.fromhex(block["extraData"][2:]))
            for transaction in block["transactions"]:
                if transaction["to"] is None:
                    created.append(transaction["hash"])
                else:
                    self._addresses[transaction["to"].lower()] = None
                yield PublicBytes(
                    "calldata",
                    f"calldata of {transaction['hash']} in {place}",
                    bytes.fromhex(transaction["input"][2:]),
                )
        for receipt in self._rpc.batch([("eth_getTransactionReceipt", (tx_hash,)) for tx_hash in created]):
            if receipt["contractAddress"] is not None:
                self._addresses[receipt["contractAddress"].lower()] = None
        for log in logs:
            yield from self._log(log)

    def _log(self, log: dict[str, Any]) -> Iterator[PublicBytes]:
        self._addresses[log["address"].lower()] = None
        place = f"log {int(log['logIndex'], 16)} of {log['transactionHash']}"
        for number, topic in enumerate(log["topics"][1:], 1):
            yield PublicBytes("topic", f"topic {number} of {place}", bytes.fromhex(topic[2:]))
        yield PublicBytes("log", f"data of {place}", bytes.fromhex(log["data"][2:]))
        event = decode_log(log)
        if isinstance(event, SegmentRecorded):
            device = event.segment.device
            self._note("device", device)
            for seq, entry in enumerate(read_entries(event.segment.words), event.segment.first_seq):
                self._note_key(device, seq, entry)
                for name in ("lot", "into", "device", "giver", "site"):
                    self._note(name, entry.fields.get(name))
        elif event is not None:
            for name in ("device", "registrar", "organisation", "site", "lot", "version"):
                self._note(name, getattr(event, name, None))

    def _note(self, name: str, value: int | None) -> None:
        if value is None:
            return
        name = {"into": "lot", "giver": "device", "registrar": "device"}.get(name, name)
        self._ids[name].add(value)
        if name in ("device", "site"):
            self._ids["organisation"].add(value >> 40)

    def _note_key(self, device: int, seq: int, entry: Entry) -> None:
        f, organisation = entry.fields, organisation_of(device)
        if not entry.is_well_formed:
            return
        if entry.kind == Kind.MANDATE:
            self._keys["mandateOf"].add((device, seq))
        elif entry.kind in (Kind.TAKE, Kind.REFUSE):
            self._keys["expectedOf"].add((f["giver"], f["give_seq"], organisation, f["lot"]))
        elif entry.kind == Kind.ACKNOWLEDGE:
            head17 = f["head17"] << _AFTER_HEAD17
            # A regulator's release is kept under organisation 0.
            self._keys["releaseOf"].update((f["device"], f["seq"], head17, by) for by in (0, organisation))

    def _state(self, address: str, artifact: Artifact, block: str) -> Iterator[PublicBytes]:
        """Ask a contract's every getter for everything that the events name."""
        for item in artifact.abi:
            if item.get("type") != "function" or item["stateMutability"] != "view":
                continue
            names = [parameter["name"] for parameter in item["inputs"]]
            signature = f"{item['name']}({','.join(parameter['type'] for parameter in item['inputs'])})"
            if item["name"] in self._keys:
                yield from self._getter(address, signature, sorted(self._keys[item["name"]]), block)
                continue
            count = 1
            for name in names:
                count *= len(self._ids[name]) if name in self._ids else 0
            if not 0 < count <= _COMBINATIONS_MAX:
                self.unread.append(f"{artifact.name}.{signature}")
                continue
            keys = list(itertools.product(*(sorted(self._ids[name]) for name in names)))
            yield from self._getter(address, signature, keys, block)

    def _getter(
        self, address: str, signature: str, keys: Sequence[tuple[int, ...]], block: str
    ) -> Iterator[PublicBytes]:
        for start in range(0, len(keys), _CALLS_A_BATCH):
            some = keys[start : start + _CALLS_A_BATCH]
            calls: list[Call] = [
                ("eth_call", ({"to": address, "data": "0x" + _call_data(signature, key).hex()}, block))
                for key in some
            ]
            for key, answer in zip(some, self._rpc.batch_each(calls), strict=True):
                # A getter that knows nothing of a key reverts; it has nothing to show then.
                if isinstance(answer, RpcError):
                    if answer.revert_data is None:
                        raise answer
                    continue
                place = f"{signature} of {address} for {', '.join(map(hex, key)) or 'nothing'}"
                yield PublicBytes("state", place, bytes.fromhex(answer[2:]))


def _call_data(signature: str, key: tuple[int, ...]) -> bytes:
    return selector(signature) + b"".join(value.to_bytes(32, "big") for value in key)
