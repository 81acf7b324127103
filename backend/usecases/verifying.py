"""What every verification does: numbered steps, and at the end the question to a node."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from backend.domain.bundle import BadBundle
from backend.domain.proof import ProvedBlock, StepFailed
from backend.usecases.trust import Trust


class NodeAway(Exception):
    """The node did not answer; nothing is said about the bundle."""


class ChainWitness(Protocol):
    """What a verifier asks a node. Every question may end in `NodeAway`."""

    def chain_id(self) -> int:
        """Return the node's chain id."""

    def block_hash(self, number: int) -> str | None:
        """Return the hash (lower-case hex, no 0x) of a block of the node's chain."""

    def code_hash(self, address: str) -> str:
        """Return keccak256 of the code at an address (lower-case hex, no 0x)."""

    def lists_ledger(self, ledger_versions: str, ledger: str) -> bool:
        """Say whether the city's list of ledgers has this one."""

    def head_number(self) -> int:
        """Return the number of the newest block."""


Result = tuple[int, bool | None, str]


class Steps:
    """Does numbered steps one after the other and writes down what they found; the first to fail is the last."""

    def __init__(self) -> None:
        self.results: list[Result] = []

    def do(self, number: int, check: Callable[[], Any]) -> Any:
        """Do a step; it returns what it found to be said, or that and more."""
        try:
            found = check()
        except (StepFailed, BadBundle) as error:
            self.results.append((number, False, str(error)))
            raise StepFailed(str(error)) from error
        self.results.append((number, True, found if isinstance(found, str) else found[0]))
        return found


def check_blocks(blocks: Sequence[ProvedBlock], trust: Trust, witness: ChainWitness | None, steps: Steps) -> None:
    """Steps 8 and 9: each block is one that the trust file names, or that a node of the trusted chain has."""
    away = "no node given"
    if witness is not None:
        try:
            node = witness
            steps.do(8, lambda: _require_trusted_node(trust, node))
        except NodeAway as error:
            witness, away = None, f"the node did not answer: {error}"
    if witness is None:
        steps.results.append((8, None, away))
    try:
        _confirm(blocks, trust, witness, steps)
    except NodeAway as error:
        steps.results.append((9, None, f"the node did not answer: {error}; compare {_listed(blocks)}"))


def _require_trusted_node(trust: Trust, witness: ChainWitness) -> str:
    if witness.chain_id() != trust.network.chain_id:
        raise StepFailed(f"The node is of chain {witness.chain_id()}.")
    for number, expected in sorted({**trust.checkpoints, 0: trust.genesis_hash}.items()):
        found = witness.block_hash(number)
        if found != expected:
            raise StepFailed(f"The node's block {number} is {found and '0x' + found}, not the trusted one.")
    for address, expected in sorted(trust.code_hashes.items()):
        if witness.code_hash(address) != expected:
            raise StepFailed(f"The code at {address} is not the trusted one.")
    if trust.ledger_versions and not witness.lists_ledger(trust.ledger_versions, trust.network.ledger.hex()):
        raise StepFailed("The city's list of ledgers does not have this one.")
    return f"genesis 0x{trust.genesis_hash[:16]}…, code of {len(trust.code_hashes)} contracts"


def _confirm(blocks: Sequence[ProvedBlock], trust: Trust, witness: ChainWitness | None, steps: Steps) -> None:
    """Step 9. Distinct blocks only: a journey leans on many entries in few blocks."""
    open_blocks = []

    def confirm() -> str:
        for block in dict.fromkeys(blocks):
            expected = trust.checkpoints.get(block.number)
            if expected is None and witness is not None:
                expected = witness.block_hash(block.number) or "missing"
            if expected is None:
                open_blocks.append(block)
            elif expected != block.hash:
                raise StepFailed(f"Block {block.number} of the trusted chain is not 0x{block.hash}.")
        if open_blocks:
            return f"compare {_listed(open_blocks)}"
        newest = max(block.number for block in blocks)
        if witness is None:
            return f"{_listed(blocks)}: checkpoints of the trust file"
        return f"{_listed(blocks)}; {max(witness.head_number() - newest, 0)} blocks on top"

    steps.do(9, confirm)
    if open_blocks:
        number, _, said = steps.results.pop()
        steps.results.append((number, None, said))


def _listed(blocks: Sequence[ProvedBlock]) -> str:
    shown = [f"block {block.number} 0x{block.hash}" for block in dict.fromkeys(blocks)]
    return ", ".join(shown[:4]) + (f" and {len(shown) - 4} more" if len(shown) > 4 else "")
