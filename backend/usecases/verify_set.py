"""Check many facts at once: a lot's journey, or a site's day."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from backend.domain.announced import RecordedSegment
from backend.domain.blocks import Inclusion
from backend.domain.bundle import Bundle
from backend.domain.bundle_set import SET_FORMAT, AboutDay, AboutLot, BundleSet, ProvedSegment, read_set
from backend.domain.proof import (
    ProvedBlock,
    Report,
    StepFailed,
    report_of,
    require_certificates,
    require_named_root,
    require_record,
    require_seal,
    require_settled,
    require_trusted_network,
)
from backend.domain.set_facts import (
    TimedRecord,
    Told,
    about_day,
    about_lot,
    balance_of,
    lifts_lines,
    lines_of,
    tell,
)
from backend.usecases.trust import Trust
from backend.usecases.verify_bundle import verify_bundle
from backend.usecases.verifying import ChainWitness, Steps, check_blocks


def verify_file(data: bytes, *, trust: Trust, witness: ChainWitness | None) -> Report:
    """Check a bundle or a set, whichever the file calls itself; what it is worth is for the steps to say."""
    if f'"format":"{SET_FORMAT}"'.encode() in data:
        return verify_set(data, trust=trust, witness=witness)
    return verify_bundle(data, trust=trust, witness=witness)


def verify_set(data: bytes, *, trust: Trust, witness: ChainWitness | None) -> Report:
    """Return the steps and the verdict for a set: each step for all segments, and what they tell together."""
    steps = Steps()
    lines: tuple[str, ...] = ()
    try:
        _, content = steps.do(1, lambda: (f"{len(data)} bytes", read_set(data)))
        blocks, lines = _check_set(content, trust, steps)
        check_blocks(blocks, trust, witness, steps)
    except StepFailed:
        pass
    report = report_of(steps.results)
    return replace(report, facts=lines if report.failed is None else ())


def _check_set(content: BundleSet, trust: Trust, steps: Steps) -> tuple[list[ProvedBlock], tuple[str, ...]]:
    network, registry = trust.network, bytes.fromhex(trust.actor_registry.removeprefix("0x"))
    bundles = [_as_bundle(content, segment) for segment in content.segments]

    def each(check: Callable[[int], Any]) -> list[Any]:
        return [check(at) for at in range(len(bundles))]

    def record() -> tuple[str, list[Any]]:
        found = each(lambda at: require_record(bundles[at], network)[1:])
        return f"{len(found)} segments in {len({h.number for h, _ in found})} blocks", found

    steps.do(2, lambda: require_trusted_network(_as_bundle(content, None), network))
    _, found = steps.do(3, record)
    records = [record for _, record in found]
    settlings: list[tuple[Any, Inclusion]] = []

    def tell_all() -> tuple[str, list[Told]]:
        timed = []
        for (header, record), segment in zip(found, content.segments, strict=True):
            last = record
            for way in segment.settled:
                settled_header, seq, outcome = require_settled(way, record, network)
                settlings.append((settled_header, way))
                last = _settled(last, seq, outcome)
            timed.append(TimedRecord(last, segment.prev_head, header.timestamp))
        return _tell(timed, content)

    _, told = steps.do(4, tell_all)
    bundles = [
        replace(bundle, device=record.segment.device) for bundle, record in zip(bundles, records, strict=True)
    ]
    steps.do(5, lambda: str(len(each(lambda at: require_seal(bundles[at], records[at], network)))) + " seals")
    roots: list[Any] = []

    def certify() -> str:
        roots.extend(each(lambda at: require_certificates(bundles[at], records[at], network)))
        return f"{len({said for said, *_ in roots})} devices"

    steps.do(6, certify)
    named: list[Any] = []

    def name() -> str:
        named.extend(each(lambda at: require_named_root(bundles[at], registry, *roots[at][1:])))
        return f"{len({said for said, _ in named})} registrars"

    steps.do(7, name)
    ways = [(header, bundle.recorded) for (header, _), bundle in zip(found, bundles, strict=True)]
    ways += [(header, bundle.named) for (_, header), bundle in zip(named, bundles, strict=True)]
    ways += settlings
    blocks = [ProvedBlock(header.number, way.block_hash.hex()) for header, way in ways]
    lines = [*lines_of(told), *lifts_lines(told)]
    if isinstance(content.about, AboutDay):
        lines += [f"{name}: {value}" for name, value in sorted(balance_of(told).items())]
    return blocks, tuple(lines)


def _settled(record: RecordedSegment, seq: int, outcome: int) -> RecordedSegment:
    outcomes = bytearray(record.outcomes)
    outcomes[seq - record.segment.first_seq] = outcome & 0xFF
    return replace(record, outcomes=bytes(outcomes))


def _tell(timed: Sequence[TimedRecord], content: BundleSet) -> tuple[str, list[Told]]:
    told = tell(timed)
    found = (
        about_lot(told, content.about) if isinstance(content.about, AboutLot) else about_day(told, content.about)
    )
    return f"{len(found)} entries about it", found


def _as_bundle(content: BundleSet, segment: ProvedSegment | None) -> Bundle:
    """Return a segment in the form that the steps check; its entry and device are set apart from it."""
    nowhere = Inclusion(b"", b"", 0, (), 0)
    prev_head = segment.prev_head if segment else b""
    recorded, named = (segment.recorded, segment.named) if segment else (nowhere, nowhere)
    certificates = segment.certificates if segment else ()
    return Bundle(content.chain_id, content.ledger, 0, 0, b"", b"", prev_head, recorded, certificates, named)
