"""The devnet's front door: passes JSON-RPC to anvil, and holds new transactions back while a block is made.

Without it a transaction could slip into anvil's pool between the moment a block is written to disk
and the moment it is mined, and the block on disk would not be the block that everyone saw.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import orjson

from backend.chain.anvil import content_length, header, http_request

_SENDS = {"eth_sendRawTransaction", "eth_sendTransaction"}
_OFFERED = ("eth_", "net_", "web3_", "txpool_", "debug_trace", "trace_", "rpc_")
# These change the chain behind the journal's back, or wait for a block that waits for them.
_REFUSED = {"eth_sendUnsignedTransaction", "eth_sendRawTransactionSync", "eth_sendTransactionSync"}
_SETS_TIME = "evm_setNextBlockTimestamp"
_BODY_BYTES_MAX = 64 * 1024 * 1024
_CHUNK_BYTES = 256 * 1024
_METHOD_NOT_FOUND, _INVALID_PARAMS = -32601, -32602
# A verifier is a page too: any page may read this public chain, and none may send.
_TO_PAGES = (
    b"access-control-allow-origin: *\r\naccess-control-allow-methods: POST\r\n"
    b"access-control-allow-headers: content-type\r\naccess-control-allow-private-network: true\r\n"
)


class TimeRefused(Exception):
    """The next block cannot have that time."""


class Gate:
    """An HTTP server in front of anvil with two bolts: one for sends, one for everything.

    `set_time` takes the time of the next block, where a chain lets itself be told; it raises `TimeRefused`.
    """

    def __init__(
        self, anvil_port: int, *, on_send: Callable[[], None], set_time: Callable[[int], None] | None = None
    ) -> None:
        self._anvil_port = anvil_port
        self._on_send, self._set_time = on_send, set_time
        self._sends_open = asyncio.Event()
        self._sends_open.set()
        self._reads_open = asyncio.Event()
        self._reads_open.set()
        self._sends_in_flight = 0
        self._sends_idle = asyncio.Event()
        self._sends_idle.set()
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def open(self, host: str, port: int) -> None:
        """Begin to listen."""
        self._server = await asyncio.start_server(self._accept, host, port, limit=64 * 1024)

    async def close(self) -> None:
        """Stop listening and drop all connections."""
        if self._server is not None:
            self._server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def hold_sends(self) -> None:
        """Let no further transaction in; return once those under way have been answered."""
        self._sends_open.clear()
        await self._sends_idle.wait()

    def hold_reads(self) -> None:
        """Hold reads too, while the pool is briefly not what senders left there."""
        self._reads_open.clear()

    def release(self) -> None:
        """Let everything through again."""
        self._reads_open.set()
        self._sends_open.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        upstream: asyncio.StreamWriter | None = None
        try:
            from_anvil, upstream = await asyncio.open_connection("127.0.0.1", self._anvil_port)
            while await self._exchange(reader, writer, from_anvil, upstream):
                pass
        except (OSError, EOFError, asyncio.LimitOverrunError, ValueError, asyncio.CancelledError):
            pass
        finally:
            self._connections.discard(task)
            for side in (writer, upstream):
                if side is not None:
                    side.close()

    async def _exchange(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        from_anvil: asyncio.StreamReader,
        to_anvil: asyncio.StreamWriter,
    ) -> bool:
        """Serve one request; return whether the connection stays open."""
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"OPTIONS "):
            writer.write(b"HTTP/1.1 204 No Content\r\n" + _TO_PAGES + b"\r\n")
            await writer.drain()
            return True
        refusal = _refuse_http(head)
        if refusal:
            writer.write(b"HTTP/1.1 %s\r\ncontent-length: 0\r\nconnection: close\r\n\r\n" % refusal)
            await writer.drain()
            return False
        if header(head, b"expect").lower() == b"100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await reader.readexactly(content_length(head))
        parsed = _parse(body)
        methods = _methods(parsed)
        is_page = bool(header(head, b"origin"))
        if self._set_time is not None and methods == [_SETS_TIME] and isinstance(parsed, dict) and not is_page:
            await _answer(writer, _told(parsed, self._set_time))
        elif any(not _is_offered(method) for method in methods) or (is_page and _SENDS.intersection(methods)):
            await _answer(writer, _refusal(parsed))
        elif _SENDS.intersection(methods):
            await self._send(body, writer, from_anvil, to_anvil)
        else:
            await self._reads_open.wait()
            await _relay(body, writer, from_anvil, to_anvil)
        return header(head, b"connection").lower() != b"close"

    async def _send(
        self,
        body: bytes,
        writer: asyncio.StreamWriter,
        from_anvil: asyncio.StreamReader,
        to_anvil: asyncio.StreamWriter,
    ) -> None:
        while not self._sends_open.is_set():
            await self._sends_open.wait()
        self._sends_in_flight += 1
        self._sends_idle.clear()
        try:
            to_anvil.write(http_request(body))
            answer = await from_anvil.readuntil(b"\r\n\r\n")
            content = await from_anvil.readexactly(content_length(answer))
        finally:
            self._sends_in_flight -= 1
            if not self._sends_in_flight:
                self._sends_idle.set()
            self._on_send()
        await _answer(writer, content)


async def _relay(
    body: bytes,
    writer: asyncio.StreamWriter,
    from_anvil: asyncio.StreamReader,
    to_anvil: asyncio.StreamWriter,
) -> None:
    to_anvil.write(http_request(body))
    left = content_length(await from_anvil.readuntil(b"\r\n\r\n"))
    writer.write(_head(left))
    while left:
        chunk = await from_anvil.read(min(left, _CHUNK_BYTES))
        if not chunk:
            raise EOFError
        left -= len(chunk)
        writer.write(chunk)
        await writer.drain()


async def _answer(writer: asyncio.StreamWriter, content: bytes) -> None:
    writer.write(_head(len(content)) + content)
    await writer.drain()


def _head(length: int) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n%scontent-length: %d\r\n\r\n" % (
        _TO_PAGES,
        length,
    )


def _refuse_http(head: bytes) -> bytes:
    if not head.startswith(b"POST "):
        return b"405 Method Not Allowed"
    if not header(head, b"content-type").lower().startswith(b"application/json"):
        # What a page sends without asking first is never of this type, so no page can send unseen.
        return b"415 Unsupported Media Type"
    if header(head, b"transfer-encoding") or not header(head, b"content-length").isdigit():
        return b"411 Length Required"
    if content_length(head) > _BODY_BYTES_MAX:
        return b"413 Content Too Large"
    return b""


def _parse(body: bytes) -> Any:
    with contextlib.suppress(orjson.JSONDecodeError):
        return orjson.loads(body)
    return None  # anvil words its own complaint


def _methods(parsed: Any) -> list[str]:
    requests = parsed if isinstance(parsed, list) else [parsed]
    return [str(request.get("method")) for request in requests if isinstance(request, dict)]


def _is_offered(method: str) -> bool:
    return method.startswith(_OFFERED) and method not in _REFUSED


def _told(request: dict[str, Any], set_time: Callable[[int], None]) -> bytes:
    answer: dict[str, Any] = {"jsonrpc": "2.0", "id": request.get("id")}
    try:
        (asked,) = request["params"]
        set_time(int(asked, 0) if isinstance(asked, str) else int(asked))
    except (TimeRefused, KeyError, TypeError, ValueError) as error:
        return orjson.dumps({**answer, "error": {"code": _INVALID_PARAMS, "message": str(error)}})
    return orjson.dumps({**answer, "result": None})


def _refusal(parsed: Any) -> bytes:
    error = {"code": _METHOD_NOT_FOUND, "message": "not offered by a durable devnet"}

    def one(request: Any) -> dict[str, Any]:
        number = request.get("id") if isinstance(request, dict) else None
        return {"jsonrpc": "2.0", "id": number, "error": error}

    return orjson.dumps([one(request) for request in parsed] if isinstance(parsed, list) else one(parsed))
