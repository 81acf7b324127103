"""A stand-in for the 12345 hotline's server, as docs/spec/hotline.md describes it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "agreed between the two"


@dataclass
class Hotline12345:
    """It takes work orders and remembers them; it can be told to misbehave."""

    url: str = ""
    status: int = 200
    answer: bytes | None = None
    orders: dict[str, str] = field(default_factory=dict)
    heard: list[dict[str, Any]] = field(default_factory=list)

    def take(self, case: str, key: str, body: bytes) -> tuple[int, bytes]:
        if key != f"Bearer {KEY}":
            return 401, b"{}"
        if self.status != 200:
            return self.status, b"{}"
        self.heard.append(json.loads(body))
        order = self.orders.setdefault(case, f"GZ-{case[:8]}")
        return 200, self.answer if self.answer is not None else json.dumps({"order": order}).encode()


@contextmanager
def hotline_server() -> Iterator[Hotline12345]:
    double = Hotline12345()

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            case = self.path.rpartition("/work-orders/")[2]
            status, answer = double.take(case, self.headers.get("Authorization", ""), body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    double.url = f"http://127.0.0.1:{server.server_port}/12345/"
    try:
        yield double
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
