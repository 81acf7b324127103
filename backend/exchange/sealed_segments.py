"""Sealed segments in a file: what a device would have handed in, for anybody to bring to the ledger.

One upload as `POST /api/v1/segments` takes it, a list of them, or one on each line. Evidence in it stays here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from backend.domain.errors import DomainError
from backend.domain.journal import Segment, split_entries
from backend.domain.strict_json import InvalidJson, read_json


class BadSegmentFile(DomainError):
    """The file does not hold sealed segments."""

    slug = "bad-segment-file"
    title = "The file does not hold sealed segments"


def read_segments(path: Path) -> list[Segment]:
    """Return the segments of a file; those of one journal in the order of their seq.

    Raises:
        BadSegmentFile, MalformedSegment: nothing of the file is used.
    """
    found = [_segment(item, path) for item in _uploads(path.read_bytes(), path)]
    if not found:
        raise BadSegmentFile(f"{path} holds no segment")
    for segment in found:
        split_entries(segment.words)
    return sorted(found, key=lambda segment: (segment.device, segment.first_seq))


def _uploads(content: bytes, path: Path) -> list[Any]:
    try:
        whole = read_json(content)
    except InvalidJson as error:
        lines = [line for line in content.splitlines() if line.strip()]
        if len(lines) < 2:
            raise BadSegmentFile(f"{path}: {error}") from error
        try:
            return [read_json(line) for line in lines]
        except InvalidJson as worse:
            raise BadSegmentFile(f"{path}: {worse}") from worse
    return whole if isinstance(whole, list) else [whole]


def _segment(item: Any, path: Path) -> Segment:
    try:
        return Segment(
            _number(item["device"], 8),
            int(item["first_seq"]),
            bytes.fromhex(item["words"]),
            _number(item["key"]["x"], 32),
            _number(item["key"]["y"], 32),
            _number(item["seal"]["r"], 32),
            _number(item["seal"]["s"], 32),
            bytes.fromhex(item.get("assertion", "")),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadSegmentFile(f"{path}: no sealed segment: {type(error).__name__} {error}") from error


def _number(text: str, size: int) -> int:
    value = bytes.fromhex(text)
    if len(value) != size:
        raise ValueError(f"{text!r} is not {size} bytes")
    return int.from_bytes(value, "big")
