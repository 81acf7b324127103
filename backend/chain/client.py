"""JSON-RPC to Ethereum nodes: one answer or one typed error, whichever node gave it."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx
import orjson

_BUSY = {429, 500, 502, 503, 504}
_RETURN_AFTER_CALLS = 1000


class RpcUnavailable(Exception):
    """No endpoint gave a usable answer; the same request may succeed later."""

    retryable = True


class WrongChain(Exception):
    """A node answers for another chain than the one configured."""

    retryable = False

    def __init__(self, *, url: str, expected: int, found: int) -> None:
        super().__init__(f"{url} serves chain {found}, not {expected}.")
        self.url, self.expected, self.found = url, expected, found


class RpcError(Exception):
    """The node understood the request and said no."""

    retryable = False

    def __init__(self, *, method: str, code: int, message: str, data: Any = None) -> None:
        super().__init__(f"{method}: {message} ({code})")
        self.method, self.code, self.message, self.data = method, code, message, data

    @property
    def revert_data(self) -> bytes | None:
        """What the contract reverted with, when it did."""
        data = self.data.get("data") if isinstance(self.data, dict) else self.data
        if isinstance(data, str) and data.startswith("0x") and len(data) % 2 == 0:
            try:
                return bytes.fromhex(data[2:])
            except ValueError:
                return None
        return None


Call = tuple[str, Sequence[Any]]


@dataclass
class _Endpoint:
    url: str
    is_checked: bool = False


class Rpc:
    """A node behind one or more URLs, tried in the order given. Safe to share between threads.

    After a failure the next URL serves, and stays; the first is tried again now and then. Every URL is
    asked for its chain id before its first use, so a wrong one is refused rather than believed.
    """

    def __init__(
        self,
        urls: str | Iterable[str],
        *,
        chain_id: int | None = None,
        timeout_seconds: float = 15.0,
    ) -> None:
        self._endpoints = [_Endpoint(url) for url in ([urls] if isinstance(urls, str) else urls)]
        if not self._endpoints:
            raise ValueError("no RPC URL")
        self._chain_id = chain_id
        self._current = 0
        self._calls_elsewhere = 0
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._http = httpx.Client(
            timeout=httpx.Timeout(timeout_seconds, connect=min(timeout_seconds, 3.0)),
            headers={"content-type": "application/json"},
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=16),
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    @property
    def chain_id(self) -> int:
        """The chain id, asked of the node the first time when none was configured.

        Raises:
            WrongChain: the node's differs from the configured one.
        """
        found = int(self.call("eth_chainId"), 16)
        if self._chain_id is None:
            self._chain_id = found
        return self._chain_id

    def call(self, method: str, *params: Any) -> Any:
        """Return one result.

        Raises:
            RpcError: the node said no.
            RpcUnavailable: nobody answered properly.
        """
        answer = self.batch_each([(method, params)])[0]
        if isinstance(answer, RpcError):
            raise answer
        return answer

    def batch(self, calls: Sequence[Call]) -> list[Any]:
        """Return the results of several calls sent together, answered by one node.

        The node may run them in any order.

        Raises:
            RpcError: the first call that the node refused.
            RpcUnavailable: nobody answered properly.
        """
        answers = self.batch_each(calls)
        for answer in answers:
            if isinstance(answer, RpcError):
                raise answer
        return answers

    def batch_each(self, calls: Sequence[Call]) -> list[Any]:
        """Return results in the order of the calls, with an `RpcError` in place of each refusal."""
        if not calls:
            return []
        failures = []
        for _ in self._endpoints:
            index = self._choose()
            endpoint = self._endpoints[index]
            try:
                self._check_chain(endpoint)
                return self._post(endpoint.url, calls)
            except RpcUnavailable as error:
                failures.append(str(error))
                self._leave(index)
        raise RpcUnavailable("; ".join(failures))

    def _choose(self) -> int:
        with self._lock:
            if self._current:
                self._calls_elsewhere += 1
                if self._calls_elsewhere >= _RETURN_AFTER_CALLS:
                    self._current = self._calls_elsewhere = 0
            return self._current

    def _leave(self, index: int) -> None:
        with self._lock:
            if self._current == index:
                self._current = (index + 1) % len(self._endpoints)
                self._calls_elsewhere = 0
            self._endpoints[index].is_checked = False

    def _check_chain(self, endpoint: _Endpoint) -> None:
        if endpoint.is_checked or self._chain_id is None:
            return
        answer = self._post(endpoint.url, [("eth_chainId", ())])[0]
        if isinstance(answer, RpcError):
            raise RpcUnavailable(f"{endpoint.url}: {answer}")
        if int(answer, 16) != self._chain_id:
            raise WrongChain(url=endpoint.url, expected=self._chain_id, found=int(answer, 16))
        endpoint.is_checked = True

    def _post(self, url: str, calls: Sequence[Call]) -> list[Any]:
        first = next(self._ids)
        requests = [
            {"jsonrpc": "2.0", "id": first + n, "method": method, "params": list(params)}
            for n, (method, params) in enumerate(calls)
        ]
        # A lone call goes out unwrapped: some nodes count or refuse batches.
        body = orjson.dumps(requests[0] if len(requests) == 1 else requests)
        try:
            response = self._http.post(url, content=body)
        except httpx.HTTPError as error:
            raise RpcUnavailable(f"{url}: {type(error).__name__} {error}".rstrip()) from error
        if response.status_code in _BUSY:
            raise RpcUnavailable(f"{url}: HTTP {response.status_code}")
        return read_answers(response.content, requests, url=url)


def read_answers(content: bytes, requests: Sequence[dict[str, Any]], *, url: str = "node") -> list[Any]:
    """Return one result or `RpcError` per request, in the order of the requests.

    Raises:
        RpcUnavailable: not JSON, an answer missing or doubled, or neither result nor error in it.
    """
    try:
        parsed = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise RpcUnavailable(f"{url}: the answer is not JSON") from error
    if isinstance(parsed, dict) and len(requests) > 1 and "error" in parsed:
        raise RpcUnavailable(f"{url}: refused the batch: {parsed['error']}")
    answers = parsed if isinstance(parsed, list) else [parsed]
    by_id: dict[Any, Any] = {}
    for answer in answers:
        if not isinstance(answer, dict) or ("result" in answer) == ("error" in answer):
            raise RpcUnavailable(f"{url}: an answer is neither result nor error")
        if answer.get("id") in by_id:
            raise RpcUnavailable(f"{url}: two answers to one request")
        by_id[answer.get("id")] = answer
    results: list[Any] = []
    for request in requests:
        answer = by_id.get(request["id"])
        if answer is None:
            raise RpcUnavailable(f"{url}: no answer to {request['method']}")
        results.append(_result(request["method"], answer))
    return results


def _result(method: str, answer: dict[str, Any]) -> Any:
    if "result" in answer:
        return answer["result"]
    error = answer["error"]
    if not isinstance(error, dict):
        return RpcError(method=method, code=0, message=str(error))
    return RpcError(
        method=method,
        code=int(error.get("code", 0)),
        message=str(error.get("message", "")),
        data=error.get("data"),
    )
