"""A line to a server that breaks while segments are handed in: a TCP proxy that cuts when it is told to."""

from __future__ import annotations

import re
import select
import socket
import struct
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from enum import Enum
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Lock, Thread
from typing import Self

_UPLOAD = b"POST /api/v1/segments"
_AT_ONCE = 65_536


class Cut(Enum):
    """Where the line breaks."""

    UNSENT = "before the server heard of it"
    HALF_SENT = "in the middle of the upload"
    UNANSWERED = "after the server had kept it, before its answer"
    HALF_ANSWERED = "in the middle of the answer"


class CuttingLine:
    """Passes everything on to a port of this machine; each upload meets the next of the planned cuts."""

    def __init__(self, server_port: int) -> None:
        self.struck: list[Cut] = []
        self._planned: deque[Cut | None] = deque()
        self._lock = Lock()
        self._server = _Server(("127.0.0.1", 0), _handler_of(self, server_port))
        self._thread = Thread(target=self._server.serve_forever)
        self.port: int = self._server.server_address[1]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def plan(self, cuts: Iterable[Cut | None]) -> None:
        """What becomes of the next uploads; None lets one through. After the last everything goes through."""
        with self._lock:
            self._planned.extend(cuts)

    @property
    def planned(self) -> int:
        """How many uploads are still spoken for."""
        return len(self._planned)

    def _next(self) -> Cut | None:
        with self._lock:
            cut = self._planned.popleft() if self._planned else None
            if cut is not None:
                self.struck.append(cut)
            return cut


class _Server(ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64


def _handler_of(line: CuttingLine, server_port: int) -> type[BaseRequestHandler]:
    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", server_port)) as server:
                # Either end may hang up at any time; the other one is told below.
                with suppress(OSError):
                    _pass_on(line, self.request, server)
                _break(self.request)

    return Handler


def _pass_on(line: CuttingLine, phone: socket.socket, server: socket.socket) -> None:
    """Carry bytes both ways until one end hangs up or the line is cut."""
    while True:
        ready, _, _ = select.select([phone, server], [], [])
        for end in ready:
            data = end.recv(_AT_ONCE)
            if not data:
                return
            if end is phone and _UPLOAD in data:
                cut = line._next()
                if cut is not None:
                    _strike(cut, data, phone, server)
                    return
            (server if end is phone else phone).sendall(data)


def _strike(cut: Cut, begun: bytes, phone: socket.socket, server: socket.socket) -> None:
    if cut is Cut.UNSENT:
        return
    request, body_at = _whole(begun, phone)
    if cut is Cut.HALF_SENT:
        server.sendall(request[: (body_at + len(request)) // 2])
        _break(server)
        return
    server.sendall(request)
    answer, body_at = _whole(b"", server)
    if cut is Cut.HALF_ANSWERED:
        phone.sendall(answer[: (body_at + len(answer)) // 2])


def _whole(begun: bytes, sender: socket.socket) -> tuple[bytes, int]:
    """Return a whole message, and where its body begins."""
    message = begun
    while True:
        head, mark, _ = message.partition(b"\r\n\r\n")
        length = re.search(rb"(?im)^content-length: *(\d+)", head)
        if mark and length is not None and len(message) >= len(head) + len(mark) + int(length[1]):
            return message, len(head) + len(mark)
        data = sender.recv(_AT_ONCE)
        if not data:
            raise ConnectionError("a message that ends in the middle")
        message += data


def _break(end: socket.socket) -> None:
    """Hang up as a lost line does: with no word of goodbye."""
    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    end.close()
