"""A random inspection judged from what the ledger holds: where it stands, what was drawn, and what does not fit.

    open → commit (both) → the seed block → reveal (both) → draw → results

Both parties bind themselves before the block that mixes into the seed is there, and show their numbers only after
it: whoever makes that block knows neither number, and whoever knows a number cannot know the block. What each
party can still do, and what holds when one of them does not reveal, is in docs/spec/inspection.md.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from backend.domain.draw import draw
from backend.domain.inspection_statements import (
    SECRET_BYTES,
    Candidates,
    Commit,
    Drawing,
    Opening,
    Result,
    Reveal,
    Statement,
    commitment_of,
    list_root,
)
from backend.domain.keccak import keccak256
from backend.domain.recorded import EntryId

BlockHash = Callable[[int], bytes | None]
"""The hash of a block by its number; None where it is not known, or not final."""
_NO_SECRET = bytes(SECRET_BYTES)
DEFAULT_FACTOR = 2
"""When one party does not reveal, so many times the sample is drawn: keeping silent is not a way to see less."""


class Standing(StrEnum):
    """Where an inspection is. A void one draws nothing; whoever made it so is named."""

    COMMITTING = "committing"
    WAITING = "waiting"
    REVEALING = "revealing"
    DRAWN = "drawn"
    VOID = "void"


class FaultKind(StrEnum):
    """What does not fit."""

    LIST_DIFFERS = "list-differs"
    LIST_NOT_OF_CHAIN = "list-not-of-chain"
    BLOCK_TOO_EARLY = "block-too-early"
    ONE_PARTY = "one-party"
    NOT_A_REGULATOR = "not-a-regulator"
    UNPUBLISHED = "unpublished"
    COMMIT_TOO_LATE = "commit-too-late"
    REVEAL_TOO_EARLY = "reveal-too-early"
    REVEAL_TOO_LATE = "reveal-too-late"
    REVEAL_MISMATCH = "reveal-mismatch"
    SAID_TWICE = "said-twice"
    DRAW_DIFFERS = "draw-differs"
    NOT_DRAWN = "not-drawn"


@dataclass(frozen=True)
class Fault:
    """Something that does not fit, and the entry that says so; None where it is the list or the opening itself."""

    kind: FaultKind
    entry: EntryId | None = None


@dataclass(frozen=True)
class Anchored:
    """An applied anchor entry of one of the parties; `statement` is None when its document is not published."""

    entry: EntryId
    organisation: str
    digest: bytes
    block_number: int
    recorded_at: int
    statement: Statement | None


@dataclass(frozen=True)
class Party:
    """What one of the two parties did that counts."""

    organisation: str
    commit: Anchored | None = None
    reveal: Anchored | None = None

    @property
    def secret(self) -> bytes | None:
        """The number that it showed."""
        said = None if self.reveal is None else self.reveal.statement
        return bytes.fromhex(said.secret) if isinstance(said, Reveal) else None


@dataclass(frozen=True)
class Sample:
    """What was drawn: items in their order, the seed, and the block that is in it."""

    items: tuple[int, ...]
    seed: bytes
    block_number: int
    block_hash: bytes
    is_default: bool


@dataclass(frozen=True)
class Inspection:
    """An inspection as it stands. `silent` are the parties that did not do what was theirs in time.

    `sample` is None while nothing is drawn, and where the list or the block's hash is not at hand.
    """

    opening: Opening
    opened: Anchored
    standing: Standing
    regulator: Party
    auditor: Party
    silent: tuple[str, ...]
    sample: Sample | None
    results: Mapping[int, tuple[Anchored, ...]]
    faults: tuple[Fault, ...]

    @property
    def outstanding(self) -> tuple[int, ...]:
        """The drawn items that nobody has reported on."""
        items = () if self.sample is None else self.sample.items
        return tuple(item for item in items if item not in self.results)


@dataclass
class _Judging:
    """An inspection while its anchors are gone through in the ledger's order."""

    opening: Opening
    opened: Anchored
    parties: dict[str, Party]
    drawings: list[Anchored] = field(default_factory=list)
    results: dict[int, list[Anchored]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def blame(self, kind: FaultKind, anchored: Anchored | None = None) -> None:
        self.faults.append(Fault(kind, None if anchored is None else anchored.entry))


def judge(
    anchors: Sequence[Anchored],
    items: Sequence[int] | None,
    *,
    head: int,
    block_hash: BlockHash,
    chain_items: Sequence[int] | None = None,
    regulators: Iterable[str] | None = None,
) -> Inspection | None:
    """Return an inspection from all anchors with its id, in the ledger's order; None where none of them opens it.

    `items` is the list as published, `head` the newest final block. `chain_items` is the list as the chain gives
    it and `regulators` who may open an inspection, where the caller has found out.
    """
    opened = next((a for a in anchors if _opens(a)), None)
    if opened is None:
        return None
    assert isinstance(opened.statement, Opening)
    opening = opened.statement
    judging = _Judging(opening, opened, {name: Party(name) for name in (opening.by, opening.auditor)})
    _judge_opening(judging, items, chain_items, regulators)
    is_sound = not {FaultKind.BLOCK_TOO_EARLY, FaultKind.ONE_PARTY} & {fault.kind for fault in judging.faults}
    # What is said in an inspection that could be manipulated from its beginning counts for nothing.
    for anchored in _first_of_each(anchors, opened) if is_sound else ():
        _take(judging, anchored)
    regulator, auditor = judging.parties[opening.by], judging.parties[opening.auditor]
    standing, silent = _standing(opening, (regulator, auditor), head) if is_sound else (Standing.VOID, ())
    sample = _sample(judging, items, block_hash) if standing is Standing.DRAWN else None
    _judge_after_the_draw(judging, sample)
    results = {item: tuple(said) for item, said in judging.results.items()}
    return Inspection(
        opening, opened, standing, regulator, auditor, silent, sample, results, tuple(judging.faults)
    )


def _first_of_each(anchors: Iterable[Anchored], opened: Anchored) -> Iterable[Anchored]:
    """Yield what the two parties said of this opening, once: a digest that is sealed again says nothing new."""
    heard = {(opened.organisation, opened.digest)}
    assert isinstance(opened.statement, Opening)
    parties = {opened.statement.by, opened.statement.auditor}
    for anchored in anchors:
        name, said = (anchored.organisation, anchored.digest), anchored.statement
        # A party that seals the other's words says nothing, and what is of another opening is not of this one.
        is_own = said is None or (
            not isinstance(said, Opening)
            and (said.by, said.opening) == (anchored.organisation, opened.digest.hex())
        )
        if anchored.organisation in parties and name not in heard and is_own:
            heard.add(name)
            yield anchored


def _opens(anchored: Anchored) -> bool:
    said = anchored.statement
    return isinstance(said, Opening) and said.by == anchored.organisation


def _judge_opening(
    judging: _Judging,
    items: Sequence[int] | None,
    chain_items: Sequence[int] | None,
    regulators: Iterable[str] | None,
) -> None:
    opening = judging.opening
    blocks = (
        opening.list_block,
        judging.opened.block_number,
        opening.commit_by,
        opening.seed_block,
        opening.reveal_by,
        opening.default_block,
    )
    if any(earlier >= later for earlier, later in itertools.pairwise(blocks)):
        judging.blame(FaultKind.BLOCK_TOO_EARLY)
    if opening.by == opening.auditor:
        judging.blame(FaultKind.ONE_PARTY)
    if regulators is not None and opening.by not in set(regulators):
        judging.blame(FaultKind.NOT_A_REGULATOR)
    if items is not None and not _is_the_list(opening, items):
        judging.blame(FaultKind.LIST_DIFFERS)
    if chain_items is not None and not _is_the_list(opening, chain_items):
        judging.blame(FaultKind.LIST_NOT_OF_CHAIN)


def _is_the_list(opening: Opening, items: Sequence[int]) -> bool:
    return (len(items), list_root(tuple(items)).hex()) == (opening.list_count, opening.list_root)


def _take(judging: _Judging, anchored: Anchored) -> None:
    said = anchored.statement
    if said is None:
        judging.blame(FaultKind.UNPUBLISHED, anchored)
    elif isinstance(said, Commit):
        _commit(judging, anchored)
    elif isinstance(said, Reveal):
        _reveal(judging, anchored, said)
    elif isinstance(said, Drawing):
        judging.drawings.append(anchored)
    elif isinstance(said, Result):
        judging.results.setdefault(int(said.item, 16), []).append(anchored)


def _commit(judging: _Judging, anchored: Anchored) -> None:
    party = judging.parties[anchored.organisation]
    if party.commit is not None:
        judging.blame(FaultKind.SAID_TWICE, anchored)
    elif anchored.block_number > judging.opening.commit_by:
        judging.blame(FaultKind.COMMIT_TOO_LATE, anchored)
    else:
        judging.parties[party.organisation] = Party(party.organisation, anchored)


def _reveal(judging: _Judging, anchored: Anchored, said: Reveal) -> None:
    party = judging.parties[anchored.organisation]
    opening = judging.opening
    committed = None if party.commit is None else party.commit.statement
    shown = commitment_of(judging.opened.digest, party.organisation, bytes.fromhex(said.secret)).hex()
    if party.reveal is not None:
        judging.blame(FaultKind.SAID_TWICE, anchored)
    elif anchored.block_number <= opening.seed_block:
        # Who makes the seed block could have known it, and tried one block after the other.
        judging.blame(FaultKind.REVEAL_TOO_EARLY, anchored)
    elif anchored.block_number > opening.reveal_by:
        judging.blame(FaultKind.REVEAL_TOO_LATE, anchored)
    elif not isinstance(committed, Commit) or committed.commitment != shown:
        judging.blame(FaultKind.REVEAL_MISMATCH, anchored)
    else:
        judging.parties[party.organisation] = Party(party.organisation, party.commit, anchored)


def _standing(opening: Opening, parties: Sequence[Party], head: int) -> tuple[Standing, tuple[str, ...]]:
    uncommitted = tuple(party.organisation for party in parties if party.commit is None)
    if uncommitted:
        return (Standing.COMMITTING, ()) if head <= opening.commit_by else (Standing.VOID, uncommitted)
    silent = tuple(party.organisation for party in parties if party.reveal is None)
    if not silent:
        return Standing.DRAWN, ()
    if head < opening.seed_block:
        return Standing.WAITING, ()
    if head <= opening.reveal_by:
        return Standing.REVEALING, ()
    if len(silent) == len(parties):
        return Standing.VOID, silent
    return (Standing.DRAWN if head >= opening.default_block else Standing.WAITING), silent


def _sample(judging: _Judging, items: Sequence[int] | None, block_hash: BlockHash) -> Sample | None:
    opening = judging.opening
    secrets = [judging.parties[name].secret for name in (opening.by, opening.auditor)]
    is_default = None in secrets
    number = opening.default_block if is_default else opening.seed_block
    mixed = block_hash(number)
    if mixed is None or items is None or not _is_the_list(opening, items):
        return None
    seed = keccak256(bytes.fromhex(opening.list_root) + b"".join(s or _NO_SECRET for s in secrets) + mixed)
    count = opening.sample * (DEFAULT_FACTOR if is_default else 1)
    return Sample(tuple(draw(items, count, seed)), seed, number, mixed, is_default)


def _judge_after_the_draw(judging: _Judging, sample: Sample | None) -> None:
    if sample is None:
        return
    digits = Candidates(judging.opening.candidates).text
    drawn = tuple(digits(item) for item in sample.items)
    for anchored in judging.drawings:
        said = anchored.statement
        if isinstance(said, Drawing) and (said.seed, said.items) != (sample.seed.hex(), drawn):
            judging.blame(FaultKind.DRAW_DIFFERS, anchored)
    for item, results in judging.results.items():
        if item not in sample.items:
            for anchored in results:
                judging.blame(FaultKind.NOT_DRAWN, anchored)
