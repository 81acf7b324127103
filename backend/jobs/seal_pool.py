"""Seals checked on all cores, while the fold goes on: processes that are given questions and give back faults.

A P-256 check lets go of the interpreter, but most of the work is hashing entry by entry, which does not; hence
processes and not threads. Each reads from a pipe that ends with its parent, however that dies.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from types import TracebackType
from typing import IO, Any, Self

from backend.usecases.audit_faults import Fault
from backend.usecases.audit_seals import SealCheck, check_seals

_CHECKS_A_BATCH = 16
_BATCHES_WAITING = 16
"""For each process; more and the fold waits, so that memory stays bounded."""
_FEW_BYTES = 256 * 1024
"""So many bytes of entries are checked sooner than a process has started."""
_LENGTH_BYTES = 8

Process = subprocess.Popen[bytes]


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class SealPool:
    """Takes checks as they come up; `drain` waits for all of them and returns what is wrong."""

    def __init__(self, processes: int | None = None) -> None:
        self._count = processes or cores()
        self._threads: ThreadPoolExecutor | None = None
        self._free: SimpleQueue[Process] = SimpleQueue()
        self._processes: list[Process] = []
        self._collected: list[SealCheck] = []
        self._waiting: deque[Future[list[Fault]]] = deque()
        self._found: list[Fault] = []
        self._bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.kill()
        if self._threads is not None:
            self._threads.shutdown(wait=True, cancel_futures=True)
        for process in self._processes:
            process.communicate()

    def submit(self, checks: Sequence[SealCheck]) -> None:
        """Let these be checked. Small chains are checked by this process itself."""
        self._collected += checks
        self._bytes += sum(len(check.segment.words) for check in checks)
        if self._bytes > _FEW_BYTES:
            while len(self._collected) >= _CHECKS_A_BATCH:
                self._send(self._collected[:_CHECKS_A_BATCH])
                del self._collected[:_CHECKS_A_BATCH]

    def drain(self) -> list[Fault]:
        """Return all faults that were found since the last time, once nothing waits."""
        checks, self._collected = self._collected, []
        if self._threads is None:
            self._found += check_seals(checks)
        elif checks:
            self._send(checks)
        while self._waiting:
            self._found += self._waiting.popleft().result()
        found, self._found = self._found, []
        return found

    def _send(self, checks: list[SealCheck]) -> None:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self._count, thread_name_prefix="seals")
            for _ in range(self._count):
                self._processes.append(_start())
                self._free.put(self._processes[-1])
        while len(self._waiting) >= self._count * _BATCHES_WAITING:
            self._found += self._waiting.popleft().result()
        self._waiting.append(self._threads.submit(self._ask, checks))

    def _ask(self, checks: list[SealCheck]) -> list[Fault]:
        process = self._free.get()
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            _write(process.stdin, checks)
            answer: list[Fault] = _read(process.stdout)
            return answer
        finally:
            self._free.put(process)


def _start() -> Process:
    # In a session of its own: Ctrl-C is for the parent, and its end is theirs.
    return subprocess.Popen(
        [sys.executable, "-m", "backend.jobs.seal_pool"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )


def _write(pipe: IO[bytes], value: Any) -> None:
    content = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    pipe.write(len(content).to_bytes(_LENGTH_BYTES, "big"))
    pipe.write(content)
    pipe.flush()


def _read(pipe: IO[bytes]) -> Any:
    """Return the next value.

    Raises:
        EOFError: the process at the other end is gone.
    """
    size = pipe.read(_LENGTH_BYTES)
    content = pipe.read(int.from_bytes(size, "big"))
    if len(size) < _LENGTH_BYTES or not content:
        raise EOFError("a process that checks seals has ended")
    return pickle.loads(content)


def main() -> None:
    """Answer questions until the pipe ends."""
    while True:
        try:
            checks = _read(sys.stdin.buffer)
        except EOFError:
            return
        _write(sys.stdout.buffer, check_seals(checks))


if __name__ == "__main__":
    main()
