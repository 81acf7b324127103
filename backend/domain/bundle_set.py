"""Bundles that prove many entries at once: a lot's journey, or a day of a site. What they share stands once.

Source: docs/spec/bundle.md.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

import rfc8785

from backend.domain.blocks import Inclusion
from backend.domain.bundle import (
    BadBundle,
    Certificate,
    certificate_json,
    read_canonical,
    read_certificate,
    read_count,
    read_hex,
)
from backend.domain.keccak import keccak256
from backend.domain.types import device_text, lot_text

SET_FORMAT = "huanlian-set-1"
SET_BYTES_MAX = 32 * 1024 * 1024


@dataclass(frozen=True)
class AboutLot:
    """A lot, all it came from and all it became."""

    lot: int


@dataclass(frozen=True)
class AboutDay:
    """What was taken, worked and closed at a site in one day of Asia/Shanghai, by the blocks' clocks."""

    site: int
    date: str


@dataclass(frozen=True)
class ProvedSegment:
    """A recorded segment with all that proves it."""

    prev_head: bytes
    recorded: Inclusion
    certificates: tuple[Certificate, ...]
    named: Inclusion
    settled: tuple[Inclusion, ...] = ()
    """Where entries that had to wait got their last outcomes."""


@dataclass(frozen=True)
class BundleSet:
    """The content of a set: what it is about, and the segments that hold every entry about it."""

    chain_id: int
    ledger: str
    about: AboutLot | AboutDay
    segments: tuple[ProvedSegment, ...]


def write_set(content: BundleSet) -> bytes:
    """Return the set as canonical bytes."""
    whole = _whole(content)
    return rfc8785.dumps({**whole, "digest": keccak256(rfc8785.dumps(whole)).hex()})


class _Shared:
    """Values that stand once and are named by their place."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self._places: dict[Any, int] = {}

    def place(self, key: Any, item: Any) -> int:
        if key not in self._places:
            self._places[key] = len(self.items)
            self.items.append(item)
        return self._places[key]


def _whole(content: BundleSet) -> dict[str, Any]:
    blocks, receipts, certificates = _Shared(), _Shared(), _Shared()

    def way(inclusion: Inclusion) -> dict[str, int]:
        shown = {"block_hash": inclusion.block_hash.hex(), "header": inclusion.header.hex()}
        block = blocks.place((inclusion.block_hash, inclusion.header), shown)
        nodes = [node.hex() for node in inclusion.nodes]
        shown_receipt = {"block": block, "receipt": inclusion.receipt, "nodes": nodes}
        return {"receipt": receipts.place((block, inclusion.receipt, inclusion.nodes), shown_receipt),
                "log": inclusion.log}  # fmt: skip

    segments = [
        {
            "prev_head": segment.prev_head.hex(),
            "recorded": way(segment.recorded),
            "certificates": [certificates.place(each, certificate_json(each)) for each in segment.certificates],
            "named": way(segment.named),
            "settled": [way(each) for each in segment.settled],
        }
        for segment in content.segments
    ]
    return {
        "format": SET_FORMAT,
        "chain_id": content.chain_id,
        "ledger": content.ledger,
        "about": _about_json(content.about),
        "blocks": blocks.items,
        "receipts": receipts.items,
        "certificates": certificates.items,
        "segments": segments,
    }


def _about_json(about: AboutLot | AboutDay) -> dict[str, str]:
    if isinstance(about, AboutLot):
        return {"lot": lot_text(about.lot)}
    return {"site": device_text(about.site), "date": about.date}


def read_set(data: bytes) -> BundleSet:
    """Return the content of a set.

    Raises:
        BadBundle: not canonical, a field missing, unknown or doubled, or of the wrong form; or its digest,
            which is over all the rest, is another.
    """
    parsed = read_canonical(data, SET_FORMAT, bytes_max=SET_BYTES_MAX)
    try:
        content = _set_of(parsed)
        is_canonical = write_set(content) == data
    except (KeyError, TypeError, ValueError, IndexError, OverflowError, AttributeError) as error:
        raise BadBundle(f"It cannot be read: {type(error).__name__} {error}.") from error
    if not is_canonical:
        raise BadBundle("The bytes are not canonical, or the digest is another.")
    return content


def _set_of(parsed: dict[str, Any]) -> BundleSet:
    blocks = [(read_hex(b["block_hash"], 32), bytes.fromhex(b["header"])) for b in parsed["blocks"]]
    receipts = [
        (
            *blocks[read_count(r["block"])],
            read_count(r["receipt"]),
            tuple(bytes.fromhex(node) for node in r["nodes"]),
        )
        for r in parsed["receipts"]
    ]
    certificates = [read_certificate(each) for each in parsed["certificates"]]

    def way(shown: dict[str, Any]) -> Inclusion:
        return Inclusion(*receipts[read_count(shown["receipt"])], read_count(shown["log"]))

    segments = tuple(
        ProvedSegment(
            read_hex(each["prev_head"], 32),
            way(each["recorded"]),
            tuple(certificates[read_count(place)] for place in each["certificates"]),
            way(each["named"]),
            tuple(way(settled) for settled in each["settled"]),
        )
        for each in parsed["segments"]
    )
    ledger = read_hex(parsed["ledger"], 20).hex()
    return BundleSet(read_count(parsed["chain_id"]), ledger, _about_of(parsed["about"]), segments)


def _about_of(shown: dict[str, str]) -> AboutLot | AboutDay:
    if "lot" in shown:
        return AboutLot(int.from_bytes(read_hex(shown["lot"], 12), "big"))
    if datetime.date.fromisoformat(shown["date"]).isoformat() != shown["date"]:
        raise ValueError("a date in another form")
    return AboutDay(int.from_bytes(read_hex(shown["site"], 8), "big"), shown["date"])
