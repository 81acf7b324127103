"""Stands between a server and its node, and answers wrongly when it is told to."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any

import httpx

Answers = list[dict[str, Any]]


class RpcFault(Enum):
    """What becomes of one exchange with the node."""

    UNSENT = "the request never reached the node, and nobody answered"
    UNANSWERED = "the node did it, and nobody answered"
    TOO_MANY = "HTTP 429"
    BROKEN = "HTTP 500"
    TRUNCATED = "the answer broke off in the middle"
    LOG_LEFT_OUT = "eth_getLogs left out a log"
    OLD_HASH = "a block was given its parent's hash"


_STATUS = {RpcFault.TOO_MANY: 429, RpcFault.BROKEN: 500}


class _QuietServer(ThreadingHTTPServer):
    """Callers that are killed leave their connections behind; that is nothing to tell of."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


@dataclass
class _Armed:
    fault: RpcFault
    method: str
    times: int


class FaultyProxy:
    """An HTTP server that passes JSON-RPC on to a node; an armed fault strikes so many exchanges, or fewer."""

    def __init__(self, node_url: Callable[[], str], rng: Random, *, silence_seconds: float) -> None:
        self._node_url, self._rng, self._silence_seconds = node_url, rng, silence_seconds
        self._lock = threading.Lock()
        self._armed: _Armed | None = None
        self._struck = threading.Event()
        self._node = httpx.Client(timeout=30)
        self._http = _QuietServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def arm(self, fault: RpcFault, *, method: str = "", times: int = 1) -> None:
        """Let a fault strike the next exchanges, or the next with this method in them."""
        with self._lock:
            self._struck.clear()
            self._armed = _Armed(fault, method, times)

    def disarm(self) -> None:
        """Let everything through again, once the fault has struck."""
        self._struck.wait()
        with self._lock:
            self._armed = None

    def close(self) -> None:
        """Stop listening."""
        self._http.shutdown()
        self._http.server_close()
        self._node.close()

    def _take(self, suits: Callable[[_Armed], bool]) -> RpcFault | None:
        """Return the armed fault if it suits this exchange, which uses it up by one."""
        with self._lock:
            armed = self._armed
            if armed is None or not suits(armed):
                return None
            armed.times -= 1
            self._struck.set()
            if not armed.times:
                self._armed = None
            return armed.fault

    def exchange(self, body: bytes) -> tuple[int, bytes] | None:
        """Return the status and the answer to a request; None for no answer at all."""
        asked = json.loads(body)
        requests = asked if isinstance(asked, list) else [asked]
        methods = {request["method"] for request in requests}
        fault = self._take(lambda a: a.fault not in _LIES and (not a.method or a.method in methods))
        if fault is RpcFault.UNSENT:
            time.sleep(self._silence_seconds)
            return None
        if fault in _STATUS:
            return _STATUS[fault], b"{}"
        try:
            content = self._node.post(self._node_url(), content=body, headers=_JSON).content
        except httpx.HTTPError:
            return None
        if fault is RpcFault.UNANSWERED:
            time.sleep(self._silence_seconds)
            return None
        if fault is RpcFault.TRUNCATED:
            return 200, content[: self._rng.randrange(len(content))]
        return 200, self._maybe_lie(requests, content)

    def _maybe_lie(self, requests: Answers, content: bytes) -> bytes:
        armed = self._armed
        lie = None if armed is None else _LIES.get(armed.fault)
        if lie is None:
            return content
        answered = json.loads(content)
        answers = {a["id"]: a for a in (answered if isinstance(answered, list) else [answered])}
        chances = [
            answers[r["id"]]
            for r in requests
            if r["method"] == lie.method and lie.is_possible(answers[r["id"]].get("result"))
        ]
        if not chances or self._take(lambda a: a is armed) is None:
            return content
        lie.tell(self._rng.choice(chances)["result"], self._rng)
        return json.dumps(answered).encode()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                answer = proxy.exchange(self.rfile.read(int(self.headers["content-length"])))
                if answer is None:
                    self.close_connection = True
                    return
                self.send_response(answer[0])
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(answer[1])))
                self.end_headers()
                self.wfile.write(answer[1])

            def log_message(self, format: str, *args: Any) -> None:
                pass

        return Handler


@dataclass(frozen=True)
class _Lie:
    """An answer that is well-formed and not true."""

    method: str
    is_possible: Callable[[Any], bool]
    tell: Callable[[Any, Random], None]


def _leave_out_a_log(logs: Any, rng: Random) -> None:
    del logs[rng.randrange(len(logs))]


def _give_parents_hash(block: Any, rng: Random) -> None:
    block["hash"] = block["parentHash"]


_LIES = {
    RpcFault.LOG_LEFT_OUT: _Lie("eth_getLogs", bool, _leave_out_a_log),
    # The first block is what a server knows its chain by when it starts; with another it must not start.
    RpcFault.OLD_HASH: _Lie("eth_getBlockByNumber", lambda b: b and int(b["number"], 16) > 0, _give_parents_hash),
}
_JSON = {"content-type": "application/json"}
