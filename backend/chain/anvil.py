"""The anvil process under a local devnet: where it is, how it starts, and an ordered connection to it."""

from __future__ import annotations

import asyncio
import ctypes
import os
import platform
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

REPOSITORY = Path(__file__).resolve().parents[2]
_CPU = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_PR_SET_PDEATHSIG = 1
TEST_MNEMONIC = "test test test test test test test test test test test junk"
# States kept for calls at a block behind the head. Each is a copy of the whole state; blocks,
# transactions, receipts and logs are kept for ever whatever this says.
_STATES_KEPT = 8


class AnvilFailed(Exception):
    """Anvil could not be found, did not start, or died."""


class AnvilRefused(AnvilFailed):
    """Anvil answered a request of the sequencer with an error."""


def find_anvil(root: Path = REPOSITORY) -> Path:
    """Return the anvil binary that npm installed for this machine.

    The binary is started directly: npm's JavaScript shim would stand between us and the signals.
    """
    name = f"anvil-{sys.platform}-{_CPU.get(platform.machine().lower(), platform.machine())}"
    path = root / "node_modules" / "@foundry-rs" / name / "bin" / "anvil"
    if not path.is_file():
        raise AnvilFailed(f"anvil is not installed: {path} does not exist (run scripts/setup)")
    return path


def free_port() -> int:
    """Return a loopback port that nothing listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class Genesis:
    """What decides the first block, and with the journal every later one."""

    chain_id: int
    timestamp: int
    gas_limit: int
    mnemonic: str = TEST_MNEMONIC
    balance_ether: int = 1_000_000
    accounts: int = 10


def anvil_arguments(genesis: Genesis, *, port: int, finality_depth: int) -> list[str]:
    """Return anvil's command line, without the binary. Its `finalized` is the head minus two epochs."""
    return [
        "--host", "127.0.0.1", "--port", str(port), "--quiet", "--no-cors", "--no-request-size-limit",
        "--hardfork", "osaka", "--enable-tx-gas-limit", "--no-mining", "--order", "fifo",
        "--chain-id", str(genesis.chain_id), "--timestamp", str(genesis.timestamp),
        "--gas-limit", str(genesis.gas_limit), "--mnemonic", genesis.mnemonic,
        "--balance", str(genesis.balance_ether), "--accounts", str(genesis.accounts),
        "--prune-history", str(_STATES_KEPT), "--slots-in-an-epoch", str(finality_depth // 2),
    ]  # fmt: skip


def die_with_parent() -> None:
    """Ask Linux to kill this process when the devnet dies, however it dies."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


async def start_anvil(binary: Path, arguments: Sequence[str]) -> asyncio.subprocess.Process:
    """Start anvil in its own process group, bound to the life of this process."""
    parent = os.getpid()

    def before_exec() -> None:
        die_with_parent()
        if os.getppid() != parent:  # it died between the fork and the line above
            os._exit(1)

    return await asyncio.create_subprocess_exec(
        str(binary),
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        preexec_fn=before_exec,
        start_new_session=True,
    )


Request = tuple[str, Sequence[Any]]


class AnvilPipe:
    """One connection to anvil that answers strictly in the order asked.

    Requests are pipelined: anvil works through one connection in order, whereas the members of a
    JSON-RPC batch run side by side and would put transactions into the pool in any order.
    """

    _IN_FLIGHT = 256

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._socket: socket.socket = writer.get_extra_info("socket")
        self._lock = asyncio.Lock()

    @classmethod
    async def connect(cls, port: int, process: asyncio.subprocess.Process) -> AnvilPipe:
        """Connect as soon as anvil listens; raise when it ends first."""
        while process.returncode is None:
            try:
                return cls(*await asyncio.open_connection("127.0.0.1", port))
            except OSError:
                await asyncio.sleep(0.01)
        raise AnvilFailed(f"anvil ended with status {process.returncode} before it answered")

    async def call(self, method: str, *params: Any) -> Any:
        """Return the result of one request."""
        return (await self.many([(method, params)]))[0]

    async def many(self, requests: Sequence[Request]) -> list[Any]:
        """Return the results of requests executed one after the other; raise at the first error."""
        answers = await self.many_or_errors(requests)
        for (method, _), answer in zip(requests, answers, strict=True):
            if isinstance(answer, AnvilRefused):
                raise AnvilRefused(f"{method}: {answer}")
        return answers

    async def many_or_errors(self, requests: Sequence[Request]) -> list[Any]:
        """Return results in order, with an `AnvilRefused` in place of each error."""
        async with self._lock:
            answers: list[Any] = []
            try:
                for start in range(0, len(requests), self._IN_FLIGHT):
                    some = requests[start : start + self._IN_FLIGHT]
                    write = asyncio.create_task(self._write(some))
                    answers += [await self._answer() for _ in some]
                    await write
            except (OSError, EOFError) as error:
                raise AnvilFailed(f"anvil closed the connection ({error or type(error).__name__})") from error
            return answers

    async def _write(self, requests: Sequence[Request]) -> None:
        for method, params in requests:
            body = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)})
            self._writer.write(http_request(body))
            await self._writer.drain()

    async def _answer(self) -> Any:
        if sys.platform == "linux":
            # Not sticky. Without it each burst of answers waits 40 ms for a delayed acknowledgement.
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        length = content_length(await self._reader.readuntil(b"\r\n\r\n"))
        answer = orjson.loads(await self._reader.readexactly(length))
        if "error" in answer:
            return AnvilRefused(str(answer["error"].get("message", answer["error"])))
        return answer["result"]

    def close(self) -> None:
        """Drop the connection."""
        self._writer.close()


def http_request(body: bytes) -> bytes:
    """Return an HTTP request that carries JSON to anvil."""
    return (
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body)
    ) + body


def content_length(head: bytes) -> int:
    """Return the body length an HTTP head announces; 0 when it announces none."""
    value = header(head, b"content-length")
    return int(value) if value else 0


def header(head: bytes, name: bytes) -> bytes:
    """Return a header's value, or nothing."""
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.strip().lower() == name:
            return value.strip()
    return b""
