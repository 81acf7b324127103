"""The scale's own file: every weighing and every sealed ticket, on disk before anybody hears of it.

A ticket's number and its entry are written in one line and flushed to the disk together, so a number can
neither be used twice nor be left out, wherever the power fails.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from backend.domain.errors import DomainError
from backend.domain.strict_json import InvalidJson, read_json


class LogDamaged(DomainError):
    """A line of the scale's file is not what was written; a person has to look."""

    slug = "log-damaged"
    title = "The scale's file is damaged"

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path.name}: {why}")
        self.path, self.why = path, why


class LogInUse(DomainError):
    """Another process has the scale's file open: two writers would give a number twice."""

    slug = "log-in-use"
    title = "The scale's file is in use"

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path.name} is open in another process.")
        self.path = path


class TicketLog:
    """An append-only file of JSON lines, open in one process at a time."""

    def __init__(self, path: Path) -> None:
        """Open the file, make it where it is not there, and drop a last line that was never finished.

        Raises:
            LogInUse: another process has it open.
            LogDamaged: a finished line cannot be read.
        """
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self._lock()
            self.records = self._read()
            _flush_folder(path.parent)
        except BaseException:
            os.close(self._file)
            raise

    def __enter__(self) -> TicketLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let another process have the file."""
        os.close(self._file)

    def append(self, record: Mapping[str, Any]) -> None:
        """Write a line; on return it is on the disk, on an error nothing of it is in the file."""
        line = json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
        length = os.fstat(self._file).st_size
        try:
            if os.write(self._file, line) != len(line):
                raise OSError(f"{self.path.name}: the disk took only part of a line")
            os.fsync(self._file)
        except OSError:
            os.ftruncate(self._file, length)
            raise
        self.records.append(dict(record))

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LogInUse(self.path) from error

    def _read(self) -> list[dict[str, Any]]:
        content = self.path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) != len(content):
            # Its write never returned, so nobody has seen what it says.
            os.ftruncate(self._file, len(whole))
        records = []
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                record = read_json(line)
            except InvalidJson as error:
                raise LogDamaged(self.path, f"line {number}: {error}") from error
            if not isinstance(record, dict):
                raise LogDamaged(self.path, f"line {number} is no record")
            records.append(record)
        return records


def _flush_folder(folder: Path) -> None:
    """Make sure that the file's name outlives a power cut, not only its content."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
