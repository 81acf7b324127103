"""Check one fact without the backend: a bundle, a trust file, and at most one node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from backend.domain.journal import roll_head
from backend.domain.proof import (
    BadBundle,
    Bundle,
    Report,
    StepFailed,
    read_bundle,
    report_of,
    require_certificates,
    require_entry,
    require_seal,
    require_trusted_network,
)
from backend.domain.types import Outcome, organisation_of
from backend.usecases.ledger_events import SegmentRecorded
from backend.usecases.trust import Trust


class ChainWitness(Protocol):
    """What a verifier asks a node."""

    def chain_id(self) -> int:
        """Return the node's chain id."""

    def block_hash(self, number: int) -> str | None:
        """Return the hash (lower-case hex, no 0x) of a block of the node's chain."""

    def code_hash(self, address: str) -> str:
        """Return keccak256 of the code at an address (lower-case hex, no 0x)."""

    def root_registrars(self, actor_registry: str, organisation: int) -> set[tuple[int, int]]:
        """Return the (device, key hash) of every root registrar an organisation has had."""

    def recorded_at(self, ledger: str, tx_hash: str, log_index: int) -> SegmentRecorded | None:
        """Return the ledger's event at this place of a transaction's receipt."""

    def head_number(self) -> int:
        """Return the number of the newest block."""


def verify_bundle(data: bytes, *, trust: Trust, witness: ChainWitness | None) -> Report:
    """Return the numbered steps and the verdict; the first step that fails is the last one done."""
    results: list[tuple[int, bool | None, str]] = []

    def step(number: int, check: Callable[[], Any]) -> Any:
        try:
            found = check()
        except (StepFailed, BadBundle) as error:
            results.append((number, False, str(error)))
            raise
        results.append((number, True, found if isinstance(found, str) else found[0]))
        return found

    bundle: Bundle | None = None

    def read() -> str:
        nonlocal bundle
        bundle = read_bundle(data)
        return f"{len(data)} bytes"

    try:
        step(1, read)
        assert bundle is not None
        known: Bundle = bundle
        step(2, lambda: require_trusted_network(known, trust.network))
        step(3, lambda: require_entry(known))
        step(4, lambda: require_seal(known, trust.network))
        _, root, root_key = step(5, lambda: require_certificates(known, trust.network))
        if witness is None:
            for number in (6, 7, 8):
                detail = f"block {known.block_number} 0x{known.block_hash}" if number == 8 else "no node given"
                results.append((number, None, detail))
            return report_of(results)
        step(6, lambda: _require_trusted_node(trust, witness))
        step(7, lambda: _require_root(trust, witness, root, root_key))
        step(8, lambda: _require_inclusion(known, trust, witness))
    except (StepFailed, BadBundle):
        pass
    return report_of(results)


def _require_trusted_node(trust: Trust, witness: ChainWitness) -> str:
    if witness.chain_id() != trust.network.chain_id:
        raise StepFailed(f"The node is of chain {witness.chain_id()}.")
    if witness.block_hash(0) != trust.genesis_hash:
        raise StepFailed(f"The node's first block is 0x{witness.block_hash(0)}.")
    for address, expected in sorted(trust.code_hashes.items()):
        if witness.code_hash(address) != expected:
            raise StepFailed(f"The code at 0x{address} is not the trusted one.")
    return f"genesis 0x{trust.genesis_hash[:16]}…, code of {len(trust.code_hashes)} contracts"


def _require_root(trust: Trust, witness: ChainWitness, device: int, key: int) -> str:
    roots = witness.root_registrars(trust.actor_registry, organisation_of(device))
    if (device, key) not in roots:
        raise StepFailed(f"{device:016x} with this key is no root registrar of its organisation.")
    return f"root registrar {device:016x}"


def _require_inclusion(bundle: Bundle, trust: Trust, witness: ChainWitness) -> str:
    if witness.block_hash(bundle.block_number) != bundle.block_hash:
        raise StepFailed(f"Block {bundle.block_number} of this chain is not 0x{bundle.block_hash}.")
    event = witness.recorded_at(trust.network.ledger.hex(), bundle.tx_hash, bundle.log_index)
    if event is None:
        raise StepFailed("The transaction's receipt holds no record of the ledger at this place.")
    segment = bundle.segment
    stated = (
        bundle.block_hash,
        bundle.block_number,
        segment.device,
        segment.first_seq,
        roll_head(bundle.prev_head, segment.words),
        (segment.x, segment.y, segment.r, segment.s),
        segment.words,
        bundle.outcomes,
    )
    found = (
        event.place.block_hash.hex(),
        event.place.block_number,
        event.device,
        event.first_seq,
        event.head,
        (event.x, event.y, event.r, event.s),
        event.words,
        event.outcomes,
    )
    if stated != found:
        raise StepFailed("The ledger's record differs from the bundle.")
    outcome = Outcome(bundle.outcomes[bundle.seq - segment.first_seq]).name.lower()
    depth = witness.head_number() - bundle.block_number
    return f"outcome {outcome}, block {bundle.block_number}, {depth} blocks on top"
