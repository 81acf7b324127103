"""Hands sealed segments in over HTTP, again and again until there is a receipt."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx

from backend.domain.errors import DomainError
from backend.domain.journal import Segment, split_entries
from backend.domain.segment_bytes import Upload, pack_uploads
from backend.domain.types import device_text
from backend.domain.writer import JournalWriter

Evidence = Mapping[tuple[int, int], tuple[bytes, str]]
_MOST_WAIT_SECONDS = 5.0
SEGMENTS_A_REQUEST = 128
"""Half of what a server takes."""
_BYTES = {"content-type": "application/vnd.huanlian.segments"}


class RefusedByServer(DomainError):
    """The server will not take this, however often it is sent."""

    slug = "refused-by-server"
    title = "The server refused"

    def __init__(self, *, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(f"{status} {problem.get('type', '')}: {problem.get('detail', problem)}")
        self.status, self.problem = status, problem


class Courier:
    """Talks to one server; waits with growing pauses while it is away."""

    def __init__(
        self,
        base_url: str,
        *,
        patience_seconds: float,
        say: Callable[[str], None] = lambda _: None,
        verify: bool | str = True,
    ) -> None:
        self._client = httpx.Client(base_url=base_url, timeout=30, verify=verify)
        self.patience_seconds, self._say = patience_seconds, say
        self.handed_in, self.repeats = 0, 0
        self.warnings: dict[str, int] = {}

    def hand_in(self, segment: Segment, evidence: Evidence | None = None) -> None:
        """Hand in a segment; returns once it is kept."""
        last_seq = segment.first_seq + len(split_entries(segment.words)) - 1
        documents = []
        if evidence:
            for seq in range(segment.first_seq, last_seq + 1):
                found = evidence.get((segment.device, seq))
                if found is not None:
                    documents.append({"seq": seq, "salt": found[0].hex(), "document": found[1]})
        body = {
            "device": device_text(segment.device),
            "first_seq": segment.first_seq,
            "words": segment.words.hex(),
            "key": {"x": f"{segment.x:064x}", "y": f"{segment.y:064x}"},
            "seal": {"r": f"{segment.r:064x}", "s": f"{segment.s:064x}"},
            "evidence": documents,
        }
        answer = self._insist("POST", "/api/v1/segments", json=body)
        self._count(answer.status_code, answer.json()["warnings"])

    def hand_in_many(self, segments: Sequence[Segment]) -> None:
        """Hand in segments without evidence, many in a request; returns once all are kept.

        Raises:
            RefusedByServer: the first that was refused for good.
        """
        for start in range(0, len(segments), SEGMENTS_A_REQUEST):
            body = pack_uploads([Upload(one) for one in segments[start : start + SEGMENTS_A_REQUEST]])
            answers = self._insist("POST", "/api/v1/segments/batch", content=body, headers=_BYTES).json()[
                "answers"
            ]
            for answer in answers:
                if "problem" in answer:
                    raise RefusedByServer(status=answer["status"], problem=answer["problem"])
                self._count(answer["status"], answer["warnings"])

    def _count(self, status: int, warnings: Sequence[Mapping[str, Any]]) -> None:
        self.handed_in += 1
        self.repeats += status == 200
        for warning in warnings:
            self.warnings[warning["code"]] = self.warnings.get(warning["code"], 0) + 1

    def get(self, path: str, **params: Any) -> Any:
        """Return what the server answers, waiting for it where need be."""
        return self._insist("GET", path, params=params).json()

    def find(self, path: str) -> Any:
        """Return what the server answers, or None where it has no such thing."""
        answer = self._send("GET", path)
        if answer is not None and answer.status_code in (403, 404):
            return None
        return self.get(path)

    def post(self, path: str, body: Any) -> Any:
        """Send with POST."""
        return self._insist("POST", path, json=body).json()

    def put(self, path: str, body: Any) -> Any:
        """Send with PUT."""
        return self._insist("PUT", path, json=body).json()

    def continued(self, writer: JournalWriter) -> JournalWriter:
        """Return a writer of the same device that goes on where the server's copy of its journal ends."""
        end = self.get(f"/api/v1/devices/{device_text(writer.device)}")["accepted"] or {"seq": 0, "head": None}
        head = None if end["head"] is None else bytes.fromhex(end["head"])
        return JournalWriter(writer.network, writer.device, writer.key, next_seq=end["seq"] + 1, head=head)

    def wait_recorded(self, ends: Mapping[int, int], *, pause_seconds: float = 0.5) -> None:
        """Return once the ledger has recorded each of these journals up to its seq."""
        waiting = dict(ends)
        deadline = time.monotonic() + self.patience_seconds
        while waiting:
            for device, seq in list(waiting.items()):
                known = self.find(f"/api/v1/devices/{device_text(device)}")
                if known is None or known["recorded"]["seq"] < seq:
                    break
                del waiting[device]
                deadline = time.monotonic() + self.patience_seconds
            else:
                continue
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(waiting)} journals are not recorded yet; nothing is lost, run again")
            time.sleep(pause_seconds)

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response | None:
        try:
            return self._client.request(method, path, **request)
        except httpx.TransportError:
            return None

    def _insist(self, method: str, path: str, **request: Any) -> httpx.Response:
        deadline = time.monotonic() + self.patience_seconds
        pause = 0.1
        while True:
            answer = self._send(method, path, **request)
            if answer is not None and answer.is_success:
                return answer
            if answer is not None and not _is_retryable(answer):
                raise RefusedByServer(status=answer.status_code, problem=_problem(answer))
            if time.monotonic() > deadline:
                why = "no answer" if answer is None else _problem(answer).get("detail", answer.status_code)
                raise TimeoutError(f"gave up after {self.patience_seconds:.0f} s: {why}")
            if pause > 1:
                self._say("the server is away; waiting")
            time.sleep(pause)
            pause = min(pause * 2, _MOST_WAIT_SECONDS)


def _problem(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        problem = answer.json()
    except ValueError:
        return {"detail": answer.text[:200]}
    return problem if isinstance(problem, dict) else {"detail": problem}


def _is_retryable(answer: httpx.Response) -> bool:
    return answer.status_code >= 500 or bool(_problem(answer).get("retryable"))


def ends_of(segments: Sequence[Segment]) -> dict[int, int]:
    """Return, for each journal, the seq of its last entry among these segments."""
    ends: dict[int, int] = {}
    for segment in segments:
        last = segment.first_seq + len(split_entries(segment.words)) - 1
        ends[segment.device] = max(ends.get(segment.device, 0), last)
    return ends
