"""A local devnet that survives kill -9: anvil executes, this process orders, and a file remembers.

Each block is on disk before it is mined, so anything anyone has seen in a block can be rebuilt:
the same transactions at the same times on a fresh anvil give the same block hashes. There is one
sequencer, and whoever runs it must be trusted; this is for one machine, not for a consortium.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.chain.anvil import (
    TEST_MNEMONIC,
    AnvilFailed,
    AnvilPipe,
    AnvilRefused,
    Genesis,
    Request,
    anvil_arguments,
    find_anvil,
    free_port,
    start_anvil,
)
from backend.chain.blocks_file import (
    BlockRecord,
    BlocksFile,
    BlocksFileDamaged,
    BlocksFileInUse,
    HashRecord,
)
from backend.chain.gate import Gate, TimeRefused

BLOCKS_FILE_NAME = "blocks"
BLOCK_GAS_LIMIT = 60_000_000
DEFAULT_CHAIN_ID = 31337
# What transactions allow themselves, over what the block holds: most use less than half of it.
_OVERFULL = 2.5
_IDLE_CHECK_SECONDS = 1.0
_IS_NOW_SECONDS = 60
"""A chain that is told a time this near to the clock has caught up with it."""
_REPLAY_REQUESTS = 1024


class DevnetFailed(Exception):
    """The devnet cannot run, or can no longer vouch for its history."""


@dataclass(frozen=True)
class DevnetReady:
    """What a caller learns once the devnet answers."""

    url: str
    chain_id: int
    genesis_hash: str
    head_number: int
    replay_seconds: float
    anvil_pid: int
    anvil_port: int


@dataclass(frozen=True)
class _Pending:
    transaction_hash: str
    sender: str
    gas: int


def run_devnet(
    data_dir: Path,
    *,
    port: int = 8545,
    host: str = "127.0.0.1",
    chain_id: int = DEFAULT_CHAIN_ID,
    block_period_ms: int = 200,
    finality_depth: int = 2,
    max_ahead_seconds: int = 10,
    mnemonic: str = TEST_MNEMONIC,
    anvil: Path | None = None,
    begins_at: int | None = None,
    on_ready: Callable[[DevnetReady], None] | None = None,
) -> int:
    """Run the devnet until SIGTERM or SIGINT; return the exit status.

    `finality_depth` is even: anvil counts its `finalized` in epochs of at least one block, two of them.
    Block times are whole seconds and strictly increase, so bursts of blocks run ahead of the wall
    clock; past `max_ahead_seconds` there is one block a second, and it gathers what came meanwhile.

    With `begins_at` (Unix seconds) a fresh chain begins in the past, and `evm_setNextBlockTimestamp` tells it what
    time it is, until that is the present: from then on, and in every other chain, the clock decides.
    """
    if finality_depth < 2 or finality_depth % 2:
        raise ValueError("finality_depth must be even and at least 2")

    async def run() -> None:
        wanted = Genesis(
            chain_id=chain_id,
            timestamp=int(time.time()) if begins_at is None else begins_at,
            gas_limit=BLOCK_GAS_LIMIT,
            mnemonic=mnemonic,
        )
        blocks = BlocksFile(data_dir / BLOCKS_FILE_NAME, genesis=_genesis_to_json(wanted))
        try:
            genesis = _genesis_from_json(blocks.genesis)
            _require_same_network(genesis, wanted, data_dir)
            if begins_at is not None and genesis.timestamp != begins_at:
                raise DevnetFailed(f"{data_dir} holds a chain of another beginning; only a fresh one is told")
            if blocks.bytes_cut:
                _say(f"cut {blocks.bytes_cut} bytes of a block that was never mined")
            devnet = _Devnet(
                blocks=blocks,
                genesis=genesis,
                binary=anvil or find_anvil(),
                block_period_seconds=block_period_ms / 1000,
                finality_depth=finality_depth,
                max_ahead_seconds=max_ahead_seconds,
                told_time=begins_at,
            )
            await devnet.run(host, port, on_ready)
        finally:
            blocks.close()

    try:
        asyncio.run(run())
    except (AnvilFailed, DevnetFailed, BlocksFileDamaged, BlocksFileInUse, OSError) as error:
        _say(str(error))
        return 1
    return 0


class _Devnet:
    def __init__(
        self,
        *,
        blocks: BlocksFile,
        genesis: Genesis,
        binary: Path,
        block_period_seconds: float,
        finality_depth: int,
        max_ahead_seconds: int,
        told_time: int | None = None,
    ) -> None:
        self._blocks, self._genesis, self._binary = blocks, genesis, binary
        self._block_period_seconds = block_period_seconds
        self._finality_depth = finality_depth
        self._max_ahead_seconds = max_ahead_seconds
        self._told_time = told_time
        self._head_number = 0
        self._head_timestamp = genesis.timestamp
        self._empty_blocks_due = 0
        self._last_block_at = 0.0
        self._wake = asyncio.Event()
        self._stop = asyncio.Event()

    async def run(self, host: str, port: int, on_ready: Callable[[DevnetReady], None] | None) -> None:
        """Replay, open the door, and make blocks until told to stop."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._ask_to_stop)
        anvil_port = free_port()
        arguments = anvil_arguments(self._genesis, port=anvil_port, finality_depth=self._finality_depth)
        anvil = await start_anvil(self._binary, arguments)
        try:
            pipe = await AnvilPipe.connect(anvil_port, anvil)
            started_at = time.monotonic()
            await self._replay(pipe)
            replay_seconds = time.monotonic() - started_at
            first = await pipe.call("eth_getBlockByNumber", "0x0", False)
            set_time = None if self._told_time is None else self._set_time
            gate = Gate(anvil_port, on_send=self._wake.set, set_time=set_time)
            await gate.open(host, port)
            try:
                ready = DevnetReady(
                    url=f"http://{host}:{port}",
                    chain_id=self._genesis.chain_id,
                    genesis_hash=first["hash"],
                    head_number=self._head_number,
                    replay_seconds=replay_seconds,
                    anvil_pid=anvil.pid,
                    anvil_port=anvil_port,
                )
                if on_ready is not None:
                    on_ready(ready)
                await self._until_stopped(anvil, self._make_blocks(pipe, gate))
            finally:
                await gate.close()
                pipe.close()
        finally:
            if anvil.returncode is None:
                anvil.terminate()
                await _end(anvil)

    def _set_time(self, told: int) -> None:
        """Let the next block be of this time."""
        now = int(time.time())
        if self._told_time is None:
            raise TimeRefused("this chain has caught up with the clock, and follows it")
        if not self._head_timestamp < told <= now + _IS_NOW_SECONDS:
            raise TimeRefused(f"the next block is of a time after {self._head_timestamp} and not in the future")
        self._told_time = told if told < now - _IS_NOW_SECONDS else None

    def _ask_to_stop(self) -> None:
        self._stop.set()
        self._wake.set()

    async def _until_stopped(self, anvil: asyncio.subprocess.Process, making: Any) -> None:
        """Run the sequencer; raise when it fails or when anvil goes away under it."""
        death = asyncio.create_task(anvil.wait())
        work = asyncio.create_task(making)
        await asyncio.wait({death, work}, return_when=asyncio.FIRST_COMPLETED)
        if death.done() and not self._stop.is_set():
            work.cancel()
            raise AnvilFailed(f"anvil ended with status {death.result()}")
        death.cancel()
        await work

    async def _replay(self, pipe: AnvilPipe) -> None:
        """Mine every recorded block again and check its hash.

        A block's hash covers its parent's, so the newest recorded hash answers for all before it;
        only when it differs are the others fetched, to say where the histories part.
        """
        hashes: dict[int, bytes] = {}
        requests: list[Request] = []
        for record in self._blocks.records():
            if self._stop.is_set():
                raise DevnetFailed("stopped during replay")
            if isinstance(record, HashRecord):
                hashes[self._head_number] = record.block_hash
                continue
            requests.append(("anvil_dropAllTransactions", ()))
            requests += [_send(raw) for raw in record.transactions]
            requests += _mine(record.timestamp)
            self._head_number += 1
            self._head_timestamp = record.timestamp
            self._count_empty(is_empty=not record.transactions)
            if len(requests) >= _REPLAY_REQUESTS:
                # A transaction that was not valid then is refused now; the block shows whether it matters.
                await pipe.many_or_errors(requests)
                requests = []
        await pipe.many_or_errors(requests)
        if not hashes and not self._head_number:
            return
        newest = max(hashes, default=0)
        if hashes and await _hash_of(pipe, newest) != hashes[newest]:
            for number in sorted(hashes):
                if await _hash_of(pipe, number) != hashes[number]:
                    raise DevnetFailed(
                        f"replay of {self._blocks.path} differs at block {number}: "
                        f"recorded 0x{hashes[number].hex()}"
                    )
        if newest != self._head_number:
            head = await _hash_of(pipe, self._head_number)
            if head is None:
                raise DevnetFailed(f"replay of {self._blocks.path} stops before block {self._head_number}")
            self._blocks.append_hash(head)

    def _count_empty(self, *, is_empty: bool) -> None:
        self._empty_blocks_due = max(self._empty_blocks_due - 1, 0) if is_empty else self._finality_depth

    async def _make_blocks(self, pipe: AnvilPipe, gate: Gate) -> None:
        self._wake.set()
        while not self._stop.is_set():
            timeout = self._block_period_seconds if self._empty_blocks_due else _IDLE_CHECK_SECONDS
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), timeout)
            await self._wait_for_slot()
            if self._stop.is_set():
                return
            self._wake.clear()
            try:
                await gate.hold_sends()
                await self._make_block(pipe, gate)
            finally:
                gate.release()

    async def _wait_for_slot(self) -> None:
        """Wait out the block period; longer when block times have run too far ahead of the clock."""
        is_ahead = self._head_timestamp + 1 > time.time() + self._max_ahead_seconds
        period = max(self._block_period_seconds, 1.0) if is_ahead else self._block_period_seconds
        wait_seconds = self._last_block_at + period - time.monotonic()
        if wait_seconds > 0:
            stop = asyncio.create_task(self._stop.wait())
            await asyncio.wait({stop}, timeout=wait_seconds)
            stop.cancel()

    async def _make_block(self, pipe: AnvilPipe, gate: Gate) -> None:
        """Choose, write down, mine. The gate is shut, so the pool does not move meanwhile."""
        chosen: list[_Pending] = []
        resend: list[Request] = []
        is_pool_emptied = False
        if int((await pipe.call("txpool_status"))["pending"], 16):
            content = await pipe.call("txpool_content")
            chosen, left = choose(content, gas_limit=int(_OVERFULL * self._genesis.gas_limit))
            is_pool_emptied = bool(left) or len({pending.sender for pending in chosen}) > 1
            if is_pool_emptied:
                # Anvil would pick the order, or more than we wrote down: leave it only our choice.
                gate.hold_reads()
                queued = [item["hash"] for nonces in content["queued"].values() for item in nonces.values()]
                resend = [_send(raw) for raw in await _raw(pipe, left + queued)]
        elif not self._empty_blocks_due:
            return
        raws = await _raw(pipe, [pending.transaction_hash for pending in chosen])
        clock = int(time.time()) if self._told_time is None else self._told_time
        timestamp = max(self._head_timestamp + 1, clock)
        record = BlockRecord(timestamp=timestamp, transactions=tuple(raws))
        await asyncio.to_thread(self._blocks.append_block, record)
        if is_pool_emptied:
            await pipe.call("anvil_dropAllTransactions")
            await pipe.many_or_errors([_send(raw) for raw in raws])
        resend = [*await self._mine_recorded(pipe, record, chosen), *resend]
        if resend:
            await pipe.many_or_errors(resend)
            self._wake.set()

    async def _mine_recorded(
        self, pipe: AnvilPipe, record: BlockRecord, chosen: Sequence[_Pending]
    ) -> list[Request]:
        """Mine a block; return what brings those transactions back into the pool that it had no room for.

        Anvil leaves those in the pool, but throws away what follows on one of them and would fit.
        """
        await pipe.many(_mine(record.timestamp))
        block = await pipe.call("eth_getBlockByNumber", "latest", False)
        self._last_block_at = time.monotonic()
        mined = list(block["transactions"])
        wanted = [pending.transaction_hash for pending in chosen]
        if int(block["number"], 16) != self._head_number + 1 or not set(mined) <= set(wanted):
            raise DevnetFailed(f"anvil mined another block {block['number']} than the one written down")
        self._head_number += 1
        self._head_timestamp = record.timestamp
        self._blocks.append_hash(bytes.fromhex(block["hash"][2:]))
        self._count_empty(is_empty=not record.transactions)
        invalid, waiting = left_out(
            chosen, set(mined), gas_left=self._genesis.gas_limit - int(block["gasUsed"], 16)
        )
        # What turned out invalid would otherwise be chosen again for ever.
        await pipe.many_or_errors([("anvil_dropTransaction", (name,)) for name in invalid])
        return [_send(record.transactions[wanted.index(name)]) for name in waiting]


def choose(content: dict[str, Any], *, gas_limit: int) -> tuple[list[_Pending], list[str]]:
    """Return what is offered to the next block, and the hashes of what must wait.

    Senders take turns, each in the order of its nonces. Gas limits are added up: what will be used is not known.
    """
    queues: list[list[_Pending]] = []
    for sender in sorted(content["pending"]):
        by_nonce = sorted(content["pending"][sender].items(), key=lambda item: int(item[0], 0))
        queues.append([_Pending(tx["hash"], sender, int(tx["gas"], 16)) for _, tx in by_nonce])
    chosen: list[_Pending] = []
    left: list[str] = []
    gas = 0
    full: set[str] = set()
    for turn in range(max((len(queue) for queue in queues), default=0)):
        for queue in queues:
            if turn >= len(queue):
                continue
            pending = queue[turn]
            if pending.sender in full or gas + pending.gas > gas_limit:
                full.add(pending.sender)
                left.append(pending.transaction_hash)
            else:
                gas += pending.gas
                chosen.append(pending)
    return chosen, left


def left_out(chosen: Sequence[_Pending], mined: Container[str], *, gas_left: int) -> tuple[list[str], list[str]]:
    """Return the hashes of what was not mined: what turned out invalid, and what only had no room.

    A transaction needs room for all the gas it allows itself, whatever it uses. One that would have had it even at
    the end of the block was refused for another reason; and behind one without room its sender's others wait.
    """
    invalid: list[str] = []
    waiting: list[str] = []
    full: set[str] = set()
    for pending in chosen:
        if pending.transaction_hash in mined:
            continue
        if pending.sender in full or pending.gas > gas_left:
            full.add(pending.sender)
            waiting.append(pending.transaction_hash)
        else:
            invalid.append(pending.transaction_hash)
    return invalid, waiting


def _mine(timestamp: int) -> list[Request]:
    return [("evm_setNextBlockTimestamp", (timestamp,)), ("evm_mine", ())]


def _send(raw: bytes) -> Request:
    return ("eth_sendRawTransaction", ("0x" + raw.hex(),))


async def _raw(pipe: AnvilPipe, hashes: Sequence[str]) -> list[bytes]:
    answers = await pipe.many([("eth_getRawTransactionByHash", (name,)) for name in hashes])
    return [bytes.fromhex(answer[2:]) for answer in answers]


async def _hash_of(pipe: AnvilPipe, number: int) -> bytes | None:
    try:
        block = await pipe.call("eth_getBlockByNumber", hex(number), False)
    except AnvilRefused:
        return None
    return bytes.fromhex(block["hash"][2:]) if block else None


async def _end(anvil: asyncio.subprocess.Process) -> None:
    """Wait for anvil to end, and insist after two seconds."""
    try:
        await asyncio.wait_for(anvil.wait(), 2)
    except TimeoutError:
        anvil.kill()
        await anvil.wait()


def _genesis_to_json(genesis: Genesis) -> dict[str, object]:
    return {
        "chain_id": genesis.chain_id,
        "timestamp": genesis.timestamp,
        "gas_limit": genesis.gas_limit,
        "mnemonic": genesis.mnemonic,
        "balance_ether": genesis.balance_ether,
        "accounts": genesis.accounts,
    }


def _genesis_from_json(value: dict[str, Any]) -> Genesis:
    return Genesis(**value)


def _require_same_network(genesis: Genesis, wanted: Genesis, data_dir: Path) -> None:
    for name in ("chain_id", "gas_limit", "mnemonic"):
        if getattr(genesis, name) != getattr(wanted, name):
            raise DevnetFailed(f"{data_dir} holds a chain with another {name}; give it its own directory")


def _say(line: str) -> None:
    print(f"devnet: {line}", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a devnet from the command line; print one line when it is ready."""
    parser = argparse.ArgumentParser(prog="python -m backend.chain.devnet", description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8545)
    parser.add_argument("--chain-id", type=int, default=DEFAULT_CHAIN_ID)
    parser.add_argument("--block-period-ms", type=int, default=200)
    parser.add_argument("--finality-depth", type=int, default=2)
    parser.add_argument("--max-ahead-seconds", type=int, default=10)
    parser.add_argument("--mnemonic", default=TEST_MNEMONIC)
    parser.add_argument("--begins-at", type=int, help="Unix seconds; a fresh chain is told the time from then on")
    given = parser.parse_args(arguments)

    def announce(ready: DevnetReady) -> None:
        print(
            f"ready url={ready.url} chain_id={ready.chain_id} genesis={ready.genesis_hash} "
            f"head={ready.head_number} replay_seconds={ready.replay_seconds:.3f} "
            f"anvil_pid={ready.anvil_pid} anvil_port={ready.anvil_port}",
            flush=True,
        )

    return run_devnet(
        given.data_dir,
        host=given.host,
        port=given.port,
        chain_id=given.chain_id,
        block_period_ms=given.block_period_ms,
        finality_depth=given.finality_depth,
        max_ahead_seconds=given.max_ahead_seconds,
        mnemonic=given.mnemonic,
        begins_at=given.begins_at,
        on_ready=announce,
    )


if __name__ == "__main__":
    raise SystemExit(main())
