"""What an evidence bundle must hold, and the numbered steps that verify it.

A bundle is canonical JSON (RFC 8785). Every field is bound by a hash or compared with the chain; what a
verifier believes beforehand (chain, contracts) comes from its own trust file, never from the bundle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import rfc8785

from backend.domain.errors import DomainError, MalformedSegment
from backend.domain.journal import Network, Segment, first_head, read_entry, roll_head, split_entries
from backend.domain.layout import Kind
from backend.domain.seal import is_seal_of, key_hash, seal_digest
from backend.domain.strict_json import read_json
from backend.domain.types import device_text, organisation_of

FORMAT = "huanlian-bundle-1"


class Verdict(StrEnum):
    """What a verifier says in the end."""

    VALID = "VALID"
    CONSISTENT = "CONSISTENT, BLOCK NOT CHECKED"
    INVALID = "INVALID"


@dataclass(frozen=True)
class Step:
    """One numbered step of a verification; `ok` None: not done."""

    number: int
    title_zh: str
    title_en: str
    ok: bool | None
    detail: str


@dataclass(frozen=True)
class Report:
    """All steps, and the verdict."""

    steps: tuple[Step, ...]
    verdict: Verdict

    @property
    def failed(self) -> Step | None:
        """The step that failed."""
        return next((step for step in self.steps if step.ok is False), None)


TITLES: Mapping[int, tuple[str, str]] = {
    1: ("证据包格式规范、字节唯一", "The bundle is canonical bytes of a known format"),
    2: ("链与总账合约与信任文件一致", "Chain and ledger are those of the trust file"),
    3: ("条目在账段之中，且可读", "The entry is in its segment and can be read"),
    4: ("签封覆盖该条目及其之前全部条目", "The device's seal covers the entry and all before it"),
    5: ("设备证书逐级由登记员签封", "Registrars sealed the device's certificate, level by level"),
    6: ("节点是信任文件所指的链与合约", "The node serves the trusted chain and contracts"),
    7: ("根登记员由链上机构登记处指定", "The registry on the chain names the root registrar"),
    8: ("区块在链上，其回执含有同一账段与处理结果", "The block is on the chain and holds this very segment"),
}


@dataclass(frozen=True)
class Certificate:
    """A registrar's segment, and the seq of the enrolment in it."""

    segment: Segment
    prev_head: bytes
    seq: int


@dataclass(frozen=True)
class Bundle:
    """The content of an evidence bundle."""

    chain_id: int
    ledger: str
    device: int
    seq: int
    segment: Segment
    prev_head: bytes
    outcomes: bytes
    certificates: tuple[Certificate, ...]
    block_number: int
    block_hash: str
    tx_hash: str
    log_index: int


class BadBundle(DomainError):
    """The bytes are not a bundle in canonical form."""

    slug = "bad-bundle"
    title = "This is not a bundle"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def write_bundle(bundle: Bundle) -> bytes:
    """Return the bundle as canonical bytes."""
    return rfc8785.dumps(
        {
            "format": FORMAT,
            "chain_id": bundle.chain_id,
            "ledger": bundle.ledger,
            "entry": {"device": device_text(bundle.device), "seq": bundle.seq},
            "segment": _segment_json(bundle.segment, bundle.prev_head),
            "outcomes": bundle.outcomes.hex(),
            "certificates": [{**_segment_json(c.segment, c.prev_head), "seq": c.seq} for c in bundle.certificates],
            "place": {
                "block_number": bundle.block_number,
                "block_hash": bundle.block_hash,
                "tx_hash": bundle.tx_hash,
                "log_index": bundle.log_index,
            },
        }
    )


def _segment_json(segment: Segment, prev_head: bytes) -> dict[str, Any]:
    return {
        "device": device_text(segment.device),
        "first_seq": segment.first_seq,
        "prev_head": prev_head.hex(),
        "words": segment.words.hex(),
        "key": {"x": f"{segment.x:064x}", "y": f"{segment.y:064x}"},
        "seal": {"r": f"{segment.r:064x}", "s": f"{segment.s:064x}"},
    }


def read_bundle(data: bytes) -> Bundle:
    """Return the content of a bundle.

    Raises:
        BadBundle: not canonical, a field missing, unknown or doubled, or of the wrong form.
    """
    try:
        parsed = read_json(data)
        if not isinstance(parsed, dict) or parsed.get("format") != FORMAT:
            raise BadBundle(f"The format is not {FORMAT}.")
        bundle = _bundle_of(parsed)
        # Writing again what was read finds unknown keys, upper-case hex and stray white space.
        is_canonical = write_bundle(bundle) == data
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise BadBundle(f"It cannot be read: {type(error).__name__} {error}.") from error
    if not is_canonical:
        raise BadBundle("The bytes are not canonical (RFC 8785, lower-case hex, no unknown or doubled key).")
    return bundle


def _bundle_of(parsed: dict[str, Any]) -> Bundle:
    entry, place = parsed["entry"], parsed["place"]
    segment, prev_head = _segment_of(parsed["segment"])
    certificates = []
    for certificate in parsed["certificates"]:
        sealed, before = _segment_of(certificate)
        certificates.append(Certificate(sealed, before, _count(certificate["seq"])))
    return Bundle(
        _count(parsed["chain_id"]),
        _hex(parsed["ledger"], 20).hex(),
        _number(entry["device"], 8),
        _count(entry["seq"]),
        segment,
        prev_head,
        bytes.fromhex(parsed["outcomes"]),
        tuple(certificates),
        _count(place["block_number"]),
        _hex(place["block_hash"], 32).hex(),
        _hex(place["tx_hash"], 32).hex(),
        _count(place["log_index"]),
    )


def _segment_of(parsed: dict[str, Any]) -> tuple[Segment, bytes]:
    key, seal = parsed["key"], parsed["seal"]
    segment = Segment(
        _number(parsed["device"], 8),
        _count(parsed["first_seq"]),
        bytes.fromhex(parsed["words"]),
        _number(key["x"], 32),
        _number(key["y"], 32),
        _number(seal["r"], 32),
        _number(seal["s"], 32),
    )
    return segment, _hex(parsed["prev_head"], 32)


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is not a whole number from 0")
    return value


def _hex(text: Any, size: int) -> bytes:
    value = bytes.fromhex(text)
    if len(value) != size:
        raise ValueError(f"{len(value)} bytes of hex where {size} belong")
    return value


def _number(text: Any, size: int) -> int:
    return int.from_bytes(_hex(text, size), "big")


class StepFailed(Exception):
    """A step found something that does not hold."""


def require_trusted_network(bundle: Bundle, trusted: Network) -> str:
    """Step 2: heads and seals of another chain or ledger prove nothing here."""
    if (bundle.chain_id, bundle.ledger) != (trusted.chain_id, trusted.ledger.hex()):
        raise StepFailed(
            f"The bundle is of chain {bundle.chain_id}, ledger {bundle.ledger}; "
            f"trusted is chain {trusted.chain_id}, ledger {trusted.ledger.hex()}."
        )
    return f"chain {trusted.chain_id}, ledger 0x{trusted.ledger.hex()}"


def require_entry(bundle: Bundle) -> str:
    """Step 3: the segment's words parse, belong to the device, and hold the entry."""
    try:
        entries = split_entries(bundle.segment.words)
    except MalformedSegment as error:
        raise StepFailed(str(error)) from error
    position = bundle.seq - bundle.segment.first_seq
    if bundle.segment.device != bundle.device or not 0 <= position < len(entries):
        raise StepFailed("The entry is not in the segment.")
    if len(bundle.outcomes) != len(entries):
        raise StepFailed("There is not one outcome an entry.")
    entry = read_entry(entries[position])
    name = Kind(entry.kind).name.lower() if entry.is_well_formed else f"kind {entry.kind}"
    return f"{name}, seq {bundle.seq} of device {device_text(bundle.device)}"


def require_seal(bundle: Bundle, trusted: Network) -> str:
    """Step 4: the rolling head from `prev_head` through all entries is what the device sealed."""
    head = _sealed_head(bundle.segment, bundle.prev_head, trusted)
    return f"head {head.hex()[:16]}… sealed by key {key_hash(bundle.segment.x, bundle.segment.y):040x}"


def _sealed_head(segment: Segment, prev_head: bytes, trusted: Network) -> bytes:
    if segment.first_seq == 1 and prev_head != first_head(trusted, segment.device):
        raise StepFailed(f"The journal of {device_text(segment.device)} does not begin at its first head.")
    head = roll_head(prev_head, segment.words)
    last_seq = segment.first_seq + len(split_entries(segment.words)) - 1
    digest = seal_digest(trusted, device=segment.device, seq=last_seq, head=head)
    if not is_seal_of(digest, x=segment.x, y=segment.y, r=segment.r, s=segment.s):
        raise StepFailed(f"The seal of {device_text(segment.device)} at seq {last_seq} does not verify.")
    return head


def require_certificates(bundle: Bundle, trusted: Network) -> tuple[str, int, int]:
    """Step 5: each level's registrar sealed the enrolment of the device below it, with its very key.

    Returns what to say, and the device and key hash of the topmost registrar.
    """
    device, key = bundle.device, key_hash(bundle.segment.x, bundle.segment.y)
    path = [device_text(device)]
    for certificate in bundle.certificates:
        sealed = certificate.segment
        try:
            entries = split_entries(sealed.words)
            _sealed_head(sealed, certificate.prev_head, trusted)
        except MalformedSegment as error:
            raise StepFailed(str(error)) from error
        position = certificate.seq - sealed.first_seq
        if not 0 <= position < len(entries):
            raise StepFailed("A certificate names an entry that is not in its segment.")
        entry = read_entry(entries[position])
        if not entry.is_well_formed or entry.kind != Kind.ENROL or entry.fields["device"] != device:
            raise StepFailed(f"A certificate does not enrol device {device_text(device)}.")
        if key_hash(entry.fields["x"], entry.fields["y"]) != key:
            raise StepFailed(f"Device {device_text(device)} was enrolled with another key.")
        if organisation_of(sealed.device) != organisation_of(device):
            raise StepFailed("A registrar enrolled a device of another organisation.")
        device, key = sealed.device, key_hash(sealed.x, sealed.y)
        path.append(device_text(device))
    return " ← ".join(path), device, key


def report_of(results: Sequence[tuple[int, bool | None, str]]) -> Report:
    """Return the report of these (number, ok, detail) results."""
    steps = tuple(Step(number, *TITLES[number], ok, detail) for number, ok, detail in results)
    if any(step.ok is False for step in steps):
        verdict = Verdict.INVALID
    elif all(step.ok for step in steps) and steps[-1].number == max(TITLES):
        verdict = Verdict.VALID
    else:
        verdict = Verdict.CONSISTENT
    return Report(steps, verdict)
