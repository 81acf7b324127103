"""The format of an evidence bundle: canonical JSON (RFC 8785) in which every field is bound by a hash.

Source: docs/spec/bundle.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import rfc8785

from backend.domain.blocks import Inclusion
from backend.domain.errors import DomainError
from backend.domain.journal import Segment
from backend.domain.strict_json import read_json
from backend.domain.types import device_text

FORMAT = "huanlian-bundle-2"
BYTES_MAX = 4 * 1024 * 1024
"""Far above any true bundle; a verifier reads no more than this of a stranger's file."""
_COUNT_MAX = (1 << 53) - 1
"""The largest whole number that canonical JSON can write."""


@dataclass(frozen=True)
class Certificate:
    """The end of a registrar's segment, from the enrolment of a device on, and the head before it."""

    segment: Segment
    prev_head: bytes


@dataclass(frozen=True)
class Bundle:
    """The content of an evidence bundle.

    `words` are those of the entry and `head` the one after it; `prev_head` is the head before its segment.
    The segment itself, the ledger's answers and the blocks' numbers are read out of what is `recorded`.
    `named` is where the registry named the root registrar, and `settled`, of an entry that had to wait, where the
    ledger gave it its last outcome.
    """

    chain_id: int
    ledger: str
    device: int
    seq: int
    words: bytes
    head: bytes
    prev_head: bytes
    recorded: Inclusion
    certificates: tuple[Certificate, ...]
    named: Inclusion
    settled: Inclusion | None = None


class BadBundle(DomainError):
    """The bytes are not a bundle in canonical form."""

    slug = "bad-bundle"
    title = "This is not a bundle"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def write_bundle(bundle: Bundle) -> bytes:
    """Return the bundle as canonical bytes."""
    content: dict[str, Any] = {
        "format": FORMAT,
        "chain_id": bundle.chain_id,
        "ledger": bundle.ledger,
        "entry": {
            "device": device_text(bundle.device),
            "seq": bundle.seq,
            "words": bundle.words.hex(),
            "head": bundle.head.hex(),
        },
        "prev_head": bundle.prev_head.hex(),
        "recorded": inclusion_json(bundle.recorded),
        "certificates": [certificate_json(certificate) for certificate in bundle.certificates],
        "named": inclusion_json(bundle.named),
    }
    if bundle.settled is not None:
        content["settled"] = inclusion_json(bundle.settled)
    return rfc8785.dumps(content)


def inclusion_json(inclusion: Inclusion) -> dict[str, Any]:
    """Return a log's way into a block as it stands in JSON."""
    return {
        "block_hash": inclusion.block_hash.hex(),
        "header": inclusion.header.hex(),
        "receipt": inclusion.receipt,
        "nodes": [node.hex() for node in inclusion.nodes],
        "log": inclusion.log,
    }


def certificate_json(certificate: Certificate) -> dict[str, Any]:
    """Return a certificate as it stands in JSON."""
    segment = certificate.segment
    content = {
        "registrar": device_text(segment.device),
        "seq": segment.first_seq,
        "prev_head": certificate.prev_head.hex(),
        "words": segment.words.hex(),
        "key": {"x": f"{segment.x:064x}", "y": f"{segment.y:064x}"},
        "seal": {"r": f"{segment.r:064x}", "s": f"{segment.s:064x}"},
    }
    return content | {"assertion": segment.assertion.hex()} if segment.assertion else content


def read_bundle(data: bytes) -> Bundle:
    """Return the content of a bundle.

    Raises:
        BadBundle: not canonical, a field missing, unknown or doubled, or of the wrong form.
    """
    parsed = read_canonical(data, FORMAT)
    try:
        bundle = _bundle_of(parsed)
        # Writing again what was read finds unknown keys, upper-case hex and stray white space.
        is_canonical = write_bundle(bundle) == data
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise BadBundle(f"It cannot be read: {type(error).__name__} {error}.") from error
    if not is_canonical:
        raise BadBundle("The bytes are not canonical (RFC 8785, lower-case hex, no unknown or doubled key).")
    return bundle


def read_canonical(data: bytes, wanted: str, *, bytes_max: int = BYTES_MAX) -> dict[str, Any]:
    """Return the JSON object in these bytes, which has to name this format.

    Raises:
        BadBundle: too large, not JSON, or of another format.
    """
    if len(data) > bytes_max:
        raise BadBundle(f"It is larger than {bytes_max} bytes.")
    try:
        parsed = read_json(data)
    except ValueError as error:
        raise BadBundle(f"It cannot be read: {error}.") from error
    if not isinstance(parsed, dict) or parsed.get("format") != wanted:
        raise BadBundle(f"The format is not {wanted}.")
    return parsed


def _bundle_of(parsed: dict[str, Any]) -> Bundle:
    entry = parsed["entry"]
    return Bundle(
        read_count(parsed["chain_id"]),
        read_hex(parsed["ledger"], 20).hex(),
        int.from_bytes(read_hex(entry["device"], 8), "big"),
        read_count(entry["seq"]),
        bytes.fromhex(entry["words"]),
        read_hex(entry["head"], 32),
        read_hex(parsed["prev_head"], 32),
        read_inclusion(parsed["recorded"]),
        tuple(read_certificate(certificate) for certificate in _list(parsed["certificates"])),
        read_inclusion(parsed["named"]),
        read_inclusion(parsed["settled"]) if "settled" in parsed else None,
    )


def read_inclusion(parsed: dict[str, Any]) -> Inclusion:
    """Return a log's way into a block; raises what a wrong form raises, for the reader of the whole to catch."""
    return Inclusion(
        read_hex(parsed["block_hash"], 32),
        bytes.fromhex(parsed["header"]),
        read_count(parsed["receipt"]),
        tuple(bytes.fromhex(node) for node in _list(parsed["nodes"])),
        read_count(parsed["log"]),
    )


def read_certificate(parsed: dict[str, Any]) -> Certificate:
    """Return a certificate; raises what a wrong form raises, for the reader of the whole to catch."""
    key, seal = parsed["key"], parsed["seal"]
    x, y, r, s = (int.from_bytes(read_hex(text, 32), "big") for text in (key["x"], key["y"], seal["r"], seal["s"]))
    device, assertion = int.from_bytes(read_hex(parsed["registrar"], 8), "big"), parsed.get("assertion", "")
    words = bytes.fromhex(parsed["words"])
    segment = Segment(device, read_count(parsed["seq"]), words, x, y, r, s, bytes.fromhex(assertion))
    return Certificate(segment, read_hex(parsed["prev_head"], 32))


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("no list where one belongs")
    return value


def read_count(value: Any) -> int:
    """Return a whole number from 0 that canonical JSON can write, or raise a ValueError."""
    if type(value) is not int or not 0 <= value <= _COUNT_MAX:
        raise ValueError("not a whole number from 0")
    return value


def read_hex(text: Any, size: int) -> bytes:
    """Return so many bytes of hex, or raise a ValueError or TypeError."""
    value = bytes.fromhex(text)
    if len(value) != size:
        raise ValueError(f"{len(value)} bytes of hex where {size} belong")
    return value
