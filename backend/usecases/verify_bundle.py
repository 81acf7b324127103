"""Check one fact without the backend: a bundle, a trust file, and at most one node."""

from __future__ import annotations

from backend.domain.announced import RecordedSegment
from backend.domain.bundle import Bundle, read_bundle
from backend.domain.journal import Network
from backend.domain.proof import (
    ProvedBlock,
    Report,
    StepFailed,
    outcome_text,
    report_of,
    require_certificates,
    require_entry,
    require_named_root,
    require_record,
    require_seal,
    require_settled,
    require_trusted_network,
)
from backend.usecases.trust import Trust
from backend.usecases.verifying import ChainWitness, Steps, check_blocks


def verify_bundle(data: bytes, *, trust: Trust, witness: ChainWitness | None) -> Report:
    """Return the numbered steps and the verdict; the first step that fails is the last one done."""
    steps = Steps()
    try:
        _, bundle = steps.do(1, lambda: (f"{len(data)} bytes", read_bundle(data)))
        blocks = _check_content(bundle, trust, steps)
        check_blocks(blocks, trust, witness, steps)
    except StepFailed:
        pass
    return report_of(steps.results)


def _check_content(bundle: Bundle, trust: Trust, steps: Steps) -> list[ProvedBlock]:
    """Do what needs no node; return the blocks that all of it leans on."""
    network = trust.network
    steps.do(2, lambda: require_trusted_network(bundle, network))
    _, header, record = steps.do(3, lambda: require_record(bundle, network))
    _, settled = steps.do(4, lambda: _require_entry(bundle, record, network))
    steps.do(5, lambda: require_seal(bundle, record, network))
    _, root, root_key = steps.do(6, lambda: require_certificates(bundle, record, network))
    registry = bytes.fromhex(trust.actor_registry.removeprefix("0x"))
    _, named_header = steps.do(7, lambda: require_named_root(bundle, registry, root, root_key))
    return [
        ProvedBlock(header.number, bundle.recorded.block_hash.hex()),
        ProvedBlock(named_header.number, bundle.named.block_hash.hex()),
        *settled,
    ]


def _require_entry(bundle: Bundle, record: RecordedSegment, trusted: Network) -> tuple[str, list[ProvedBlock]]:
    said = require_entry(bundle, record)
    if bundle.settled is None:
        return said, []
    header, seq, outcome = require_settled(bundle.settled, record, trusted)
    if seq != bundle.seq:
        raise StepFailed("Another entry was settled.")
    return f"{said}, then {outcome_text(outcome)}", [ProvedBlock(header.number, bundle.settled.block_hash.hex())]
