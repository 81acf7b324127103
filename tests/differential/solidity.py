"""The contract itself, on a chain of its own: operations become transactions, answers come from its events."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from eth_abi import decode, encode

from backend.chain.anvil import AnvilPipe, Genesis, Request, anvil_arguments, find_anvil, free_port, start_anvil
from backend.chain.artifacts import load_artifact
from backend.chain.build import REPOSITORY, compile_contract
from backend.chain.packing import TRANSACTION_GAS, gas_bound
from backend.domain.journal import Network, next_head
from backend.domain.keccak import keccak256
from backend.domain.seal import SealProof
from backend.domain.types import device_text, lot_text
from tests.differential.journals import NOON
from tests.differential.operations import Answer, Operation, ProveFork, Record, Settle, Show, World

CHAIN_ID = 31337
SENDER = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"
"""The first account of anvil's mnemonic."""
LEDGERS = 2
"""One, and the one to which journals move from there."""
# Far beyond a real block's and a real transaction's: here only the answers matter.
_GAS = 2_000_000_000

_SEGMENT = "(uint64,uint40,bytes32,bytes32,bytes32,bytes32,bytes,bytes)"
_WITNESS = "(uint64,uint40,bytes32,bytes32,bytes32,bytes32,bytes32,bytes,bytes)"
_SEALED_HEAD = "(bytes32,bytes32,bytes32,bytes)"
_ROOT = "(uint64,uint160,uint8,bool,bool)"
_RECORDED = ("bytes32", "bytes32", "bytes32", "bytes32", "bytes32", "bytes", "bytes", "bytes")


def call_of(name: str, types: Sequence[str], *values: Any) -> bytes:
    """Return the calldata of a function."""
    return keccak256(f"{name}({','.join(types)})".encode())[:4] + encode(list(types), list(values))


def _topic(signature: str) -> str:
    return "0x" + keccak256(signature.encode()).hex()


_TOPIC_RECORDED = _topic(
    "SegmentRecorded(uint64,uint40,bytes32,bytes32,bytes32,bytes32,bytes32,bytes,bytes,bytes)"
)
_TOPIC_REFUSED = _topic("SegmentRefused(uint64,uint40,uint8)")
_TOPIC_SETTLED = _topic("Settled(uint64,uint40,uint96,uint8)")
_TOPIC_TRANSCRIBED = _topic("Transcribed(uint64,uint40,bytes)")
_TOPIC_GAP = _topic("GapClosed(uint64,uint40,uint40)")
_TOPIC_WITNESSED = _topic("Witnessed(uint64,uint40,bytes32,bytes32,bytes32,bytes32,bytes32,bytes,bytes)")
_TOPIC_FORKED = _topic("Forked(uint64,uint40,bytes32)")


class Chain:
    """An anvil with a ledger and its successor, to be wound back to the moment before anything was recorded.

    Addresses follow from the sender and its count of transactions, so they are the same in every run.
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self.gas_max = 0
        """The most gas that one transaction has used."""
        self._loop.run_until_complete(self._start())

    def __enter__(self) -> Chain:
        return self

    def __exit__(self, *_: object) -> None:
        self._pipe.close()
        self._process.kill()
        self._loop.run_until_complete(self._process.wait())
        self._loop.close()

    async def _start(self) -> None:
        genesis = Genesis(chain_id=CHAIN_ID, timestamp=NOON - 1000, gas_limit=_GAS)
        port = free_port()
        arguments = anvil_arguments(genesis, port=port, finality_depth=2)
        arguments.remove("--enable-tx-gas-limit")
        at = arguments.index("--prune-history")
        del arguments[at : at + 2]  # winding back needs the state it goes back to
        arguments += ["--block-base-fee-per-gas", "0", "--gas-price", "0"]
        self._process = await start_anvil(find_anvil(), arguments)
        self._pipe = await AnvilPipe.connect(port, self._process)
        self._nonce = 0
        world = compile_contract("mocks/DifferentialWorld", REPOSITORY / "contracts")
        self._world = await self._deploy(bytes.fromhex(world["evm"]["bytecode"]["object"]))
        self._ledgers: list[str] = []
        for _ in range(LEDGERS):
            before = self._ledgers[-1] if self._ledgers else "0x" + "00" * 20
            code = load_artifact("CustodyLedger").bytecode + encode(["address", "address"], [self._world, before])
            self._ledgers.append(await self._deploy(code))
        self.networks = tuple(Network(CHAIN_ID, bytes.fromhex(ledger[2:])) for ledger in self._ledgers)
        self._snapshot = await self._pipe.call("evm_snapshot")
        self._first_nonce = self._nonce

    async def _deploy(self, code: bytes) -> str:
        sent, _, receipt_of = await self._pipe.many(
            [self._send(None, code), ("evm_mine", ()), ("eth_getBlockReceipts", ("latest",))]
        )
        (receipt,) = receipt_of
        assert receipt["transactionHash"] == sent
        assert receipt["status"] == "0x1", receipt
        address: str = receipt["contractAddress"]
        return address

    def _send(self, to: str | None, data: bytes) -> Request:
        transaction = {
            "from": SENDER, "nonce": hex(self._nonce), "data": "0x" + data.hex(),
            "gas": hex(_GAS // 8), "gasPrice": "0x0",
        }  # fmt: skip
        if to is not None:
            transaction["to"] = to
        self._nonce += 1
        return ("eth_sendTransaction", (transaction,))

    def run(self, world: World, operations: Sequence[Operation]) -> list[Answer]:
        """Wind back, carry out all operations, and return the ledger's answer to each."""
        return self._loop.run_until_complete(self._run(world, operations))

    async def _run(self, world: World, operations: Sequence[Operation]) -> list[Answer]:
        assert await self._pipe.call("evm_revert", self._snapshot)
        self._snapshot = await self._pipe.call("evm_snapshot")
        self._nonce = self._first_nonce
        await self._pipe.many([*self._put(world), *_mine(NOON)])
        answers: list[Answer] = []
        blocks = [(at, list(group)) for at, group in groupby(operations, key=lambda o: o.block_time)]
        for start in range(0, len(blocks), 50):
            answers += await self._mine_blocks(blocks[start : start + 50])
        return answers

    def _put(self, world: World) -> list[Request]:
        requests = []
        for organisation, root in world.roots:
            call = call_of("put", ("uint24", _ROOT), organisation, tuple(root))
            requests.append(self._send(self._world, call))
        names = [call_of("name", ("uint64",), device) for device in world.named_roots]
        return requests + [self._send(self._world, name) for name in names]

    async def _mine_blocks(self, blocks: Sequence[tuple[int, list[Operation]]]) -> list[Answer]:
        """Each block time is a block; segments that follow each other share a transaction."""
        requests: list[Request] = []
        transactions: list[list[list[Operation]]] = []
        for block_time, operations in blocks:
            parts = _transactions(operations)
            transactions.append(parts)
            requests += [self._send(self._ledgers[part[0].ledger], _call(part)) for part in parts]
            requests += [*_mine(block_time), ("eth_getBlockReceipts", ("latest",))]
        results = await self._pipe.many(requests)
        answers: list[Answer] = []
        mined = [result for result in results if isinstance(result, list)]
        for parts, receipts in zip(transactions, mined, strict=True):
            for part, receipt in zip(parts, receipts, strict=True):
                assert receipt["status"] == "0x1", f"{_name(part)} at {part[0].block_time}: reverted"
                gas = int(receipt["gasUsed"], 16)
                self.gas_max = max(self.gas_max, gas)
                self._hold_bound(part, gas)
                answers += _answers(part, receipt["logs"])
        return answers

    def _hold_bound(self, part: Sequence[Operation], gas: int) -> None:
        """What the relayer allows for segments is enough, whatever they are and whatever was before them."""
        if isinstance(part[0], Record):
            bound = TRANSACTION_GAS + sum(gas_bound(o.segment) for o in part if isinstance(o, Record))
            assert gas <= bound, f"{_name(part)} at {part[0].block_time}: {gas} gas, bound {bound}"

    def read(self, ledger: int, calls: Sequence[bytes]) -> list[bytes]:
        """Return what each view of a ledger answers."""
        return self._loop.run_until_complete(self._read(self._ledgers[ledger], calls))

    async def _read(self, ledger: str, calls: Sequence[bytes]) -> list[bytes]:
        requests: list[Request] = []
        for start in range(0, len(calls), 500):
            data = call_of("read", ("address", "bytes[]"), ledger, calls[start : start + 500])
            call = {"from": SENDER, "to": self._world, "data": "0x" + data.hex(), "gas": hex(_GAS)}
            requests.append(("eth_call", (call, "latest")))
        answers: list[bytes] = []
        for answer in await self._pipe.many(requests):
            answers += decode(["bytes[]"], bytes.fromhex(answer[2:]))[0]
        return answers


def _name(part: Sequence[Operation]) -> str:
    return ", ".join(type(operation).__name__ for operation in part)


def _mine(block_time: int) -> list[Request]:
    return [("evm_setNextBlockTimestamp", (block_time,)), ("evm_mine", ())]


def _transactions(operations: Iterable[Operation]) -> list[list[Operation]]:
    parts: list[list[Operation]] = []
    for operation in operations:
        follows = parts and isinstance(operation, Record) and isinstance(parts[-1][0], Record)
        if follows and len(parts[-1]) < 4 and parts[-1][0].ledger == operation.ledger:
            parts[-1].append(operation)
        else:
            parts.append([operation])
    return parts


def _bytes32(*values: int) -> tuple[bytes, ...]:
    return tuple(value.to_bytes(32, "big") for value in values)


def _call(part: Sequence[Operation]) -> bytes:
    match part[0]:
        case Record():
            segments = [operation.segment for operation in part if isinstance(operation, Record)]
            tuples = [
                (s.device, s.first_seq, *_bytes32(s.x, s.y, s.r, s.s), s.words, s.assertion) for s in segments
            ]
            return call_of("record", (f"{_SEGMENT}[]",), tuples)
        case Show(_, w, _):
            shown = (w.device, w.seq, w.before, *_bytes32(w.x, w.y, w.r, w.s), w.words, w.assertion)
            return call_of("witness", (_WITNESS,), shown)
        case ProveFork(_, device, one, other, _):
            types = ("uint64", "uint40", "bytes32", "bytes32", _SEALED_HEAD, _SEALED_HEAD)
            key = _bytes32(one.x, one.y)
            return call_of("proveFork", types, device, one.seq, *key, _sealed_head(one), _sealed_head(other))
        case Settle(_, lot, device, max_steps, _):
            return call_of("settle", ("uint96", "uint64", "uint256"), lot, device, max_steps)


def _sealed_head(proof: SealProof) -> tuple[bytes, bytes, bytes, bytes]:
    r, s = _bytes32(proof.r, proof.s)
    return (proof.head, r, s, proof.assertion)


# --- events ------------------------------------------------------------------------------------------------


class _Telling:
    """The events of one transaction, read one operation after the other."""

    def __init__(self, logs: Iterable[dict[str, Any]]) -> None:
        self._logs = list(logs)
        self._at = 0

    def until(self, *last: str) -> list[tuple[str, list[int], bytes]]:
        """Return the events up to and with the first of these kinds; all that are left when there is none."""
        found = []
        while self._at < len(self._logs):
            log = self._logs[self._at]
            self._at += 1
            name, *indexed = log["topics"]
            found.append((name, [int(topic, 16) for topic in indexed], bytes.fromhex(log["data"][2:])))
            if name in last:
                break
        return found

    @property
    def is_over(self) -> bool:
        return self._at == len(self._logs)


def _answers(part: Sequence[Operation], logs: Iterable[dict[str, Any]]) -> list[Answer]:
    telling = _Telling(logs)
    answers = [_answer(operation, telling) for operation in part]
    assert telling.is_over, f"{_name(part)} at {part[0].block_time}: more events than answers"
    return answers


def _answer(operation: Operation, telling: _Telling) -> Answer:
    match operation:
        case Record(_, s, _):
            events = telling.until(_TOPIC_RECORDED, _TOPIC_REFUSED)
            name, indexed, data = events[-1]
            assert indexed == [s.device, s.first_seq]
            if name == _TOPIC_REFUSED:
                return _refused(data, events)
            head, x, y, r, s_, words, outcomes, assertion = decode(list(_RECORDED), data)
            assert (x, y, r, s_) == _bytes32(s.x, s.y, s.r, s.s)
            assert (words, assertion) == (s.words, s.assertion)
            gaps = [decode(["uint40", "uint40"], d) for t, _, d in events if t == _TOPIC_GAP]
            return {
                "outcomes": outcomes.hex(),
                "head": head.hex(),
                "settled": _settled(events),
                "transcribed": [
                    [device_text(i[0]), i[1], decode(["bytes"], d)[0].hex()]
                    for t, i, d in events
                    if t == _TOPIC_TRANSCRIBED
                ],
                "closed_gap": list(gaps[0]) if gaps else None,
            }
        case Show(_, w, _):
            events = telling.until(_TOPIC_WITNESSED, _TOPIC_REFUSED)
            name, indexed, data = events[-1]
            assert indexed == [w.device, w.seq]
            if name == _TOPIC_REFUSED:
                return _refused(data, events)
            before, x, y, r, s_, words, assertion = decode([*_RECORDED[:5], "bytes", "bytes"], data)
            assert (before, x, y, r, s_) == (w.before, *_bytes32(w.x, w.y, w.r, w.s))
            assert (words, assertion) == (w.words, w.assertion)
            return {"head": next_head(before, words).hex()}
        case ProveFork():
            return {"is_shown": any(name == _TOPIC_FORKED for name, _, _ in telling.until())}
        case Settle():
            return {"settled": _settled(telling.until())}


def _refused(data: bytes, events: Iterable[tuple[str, list[int], bytes]]) -> Answer:
    forked = [indexed[1] for name, indexed, _ in events if name == _TOPIC_FORKED]
    return {"refused": decode(["uint8"], data)[0], "forked_at": forked[0] if forked else None}


def _settled(events: Iterable[tuple[str, list[int], bytes]]) -> list[list[Any]]:
    return [
        [device_text(indexed[0]), indexed[1], lot_text(indexed[2]), decode(["uint8"], data)[0]]
        for name, indexed, data in events
        if name == _TOPIC_SETTLED
    ]
