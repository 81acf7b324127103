"""One run in three languages: where they first differ, and what was reached."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from backend.domain.errors import MalformedSegment
from backend.domain.journal import split_entries
from backend.domain.layout import Kind
from backend.domain.types import Flaw, Outcome, Refusal, flaw_of, outcome_of
from tests.differential.hostile import HostileCity
from tests.differential.invariants import broken_invariants
from tests.differential.operations import (
    Answer,
    Operation,
    Record,
    Show,
    Trace,
    World,
    differences,
    run_python,
    state_differences,
)
from tests.differential.solidity import Chain
from tests.differential.solidity_state import dump_solidity
from tests.differential.typescript import run_typescript

Run = Callable[[World, Sequence[Operation]], tuple[list[Answer], list[dict[str, Any]]]]
"""What a language answers to operations, and all that it keeps after them."""


class LanguagesDiffer(AssertionError):
    """Two languages say or keep something else, after the same operations."""


@dataclass
class Counts:
    """What a run reached."""

    entries: int = 0
    operations: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    flaws: Counter[Flaw] = field(default_factory=Counter)
    refusals: Counter[Refusal] = field(default_factory=Counter)
    refused_witnesses: Counter[Refusal] = field(default_factory=Counter)
    applied: Counter[Kind] = field(default_factory=Counter)
    turns: Counter[str] = field(default_factory=Counter)
    """Things that are no outcome of an entry."""

    def add(self, operations: Sequence[Operation], answers: Sequence[Answer]) -> None:
        """Count what operations were answered."""
        for operation, answer in zip(operations, answers, strict=True):
            self.operations[type(operation).__name__] += 1
            if "refused" in answer:
                refused = self.refused_witnesses if isinstance(operation, Show) else self.refusals
                refused[Refusal(answer["refused"])] += 1
            outcomes = bytes.fromhex(answer.get("outcomes", ""))
            self.entries += len(outcomes)
            self._add_bytes(outcomes)
            self._add_bytes([settled[3] for settled in answer.get("settled", ())])
            self.turns["steps settled"] += len(answer.get("settled", ()))
            for _, _, transcribed in answer.get("transcribed", ()):
                self.turns["runs transcribed"] += 1
                self._add_bytes(bytes.fromhex(transcribed))
            self.turns["gaps closed"] += bool(answer.get("closed_gap"))
            self.turns["witnesses pinned"] += isinstance(operation, Show) and "head" in answer
            self.turns["forks proved"] += bool(answer.get("is_shown"))
            if outcomes and isinstance(operation, Record):
                for words, byte in zip(split_entries(operation.segment.words), outcomes, strict=True):
                    if outcome_of(byte) == Outcome.APPLIED:
                        self.applied[Kind(words[0])] += 1

    def _add_bytes(self, outcomes: Sequence[int] | bytes) -> None:
        self.outcomes.update(map(outcome_of, outcomes))
        self.flaws.update(flaw_of(byte) for byte in outcomes if byte >> 4)

    def lines(self) -> list[str]:
        """Return a line for each table."""
        tables = {
            "operations": self.operations, "outcomes": self.outcomes, "flaws": self.flaws,
            "segments refused": self.refusals, "witnesses refused": self.refused_witnesses,
            "applied": self.applied, "and": self.turns,
        }  # fmt: skip
        rows = [f"{self.entries} entries recorded"]
        for name, table in tables.items():
            rows.append(f"{name}: " + ", ".join(f"{_word(key)} {n}" for key, n in sorted(table.items())))
        return rows

    def never_reached(self) -> list[str]:
        """Return every outcome, flaw, refusal, kind and turn that did not come up."""
        witness_refusals = set(Refusal) - {Refusal.GAP, Refusal.OVERLAP}
        wanted = (
            ("outcome", set(Outcome), self.outcomes),
            ("flaw", set(Flaw) - {Flaw.NONE}, self.flaws),
            ("refused segment", set(Refusal), self.refusals),
            ("refused witness", witness_refusals, self.refused_witnesses),
            ("applied", set(Kind), self.applied),
        )
        missing = [f"{name}: {_word(key)}" for name, keys, found in wanted for key in sorted(keys - found.keys())]
        return missing + [name for name, count in self.turns.items() if not count]


def _word(key: Any) -> str:
    return str(getattr(key, "name", key)).lower().replace("_", " ")


def compare_city(seed: object, entries: int, chain: Chain, counts: Counts) -> None:
    """Have a hostile city's operations carried out in three languages; add to the counts.

    Raises:
        LanguagesDiffer: with the seed and the shortest beginning of the operations that shows it.
    """
    city = HostileCity(seed, networks=chain.networks)
    operations = city.run(entries)
    with ThreadPoolExecutor(1) as beside:
        typescript = beside.submit(run_typescript, city.world, operations)
        trace = run_python(city.world, operations)
        answers = chain.run(city.world, operations)
        solidity = answers, dump_solidity(chain, trace)
    counts.add(operations, trace.answers)
    runs: dict[str, Run] = {"TypeScript": run_typescript, "Solidity": lambda w, o: _run_solidity(chain, w, o)}
    for language, found in (("TypeScript", typescript.result()), ("Solidity", solidity)):
        if _first_difference(trace, *found) is not None:
            where = _shortest(city.world, operations, runs[language], trace.answers, found)
            raise LanguagesDiffer(f"seed {seed!r}, {entries} entries: Python / {language}\n{where}")
    broken = [line for kept in trace.ledgers for line in broken_invariants(kept.state)]
    if broken:
        raise LanguagesDiffer(f"seed {seed!r}, {entries} entries: what all agree on is wrong: {broken}")


def _run_solidity(
    chain: Chain, world: World, operations: Sequence[Operation]
) -> tuple[list[Answer], list[dict[str, Any]]]:
    trace = run_python(world, operations)
    return chain.run(world, operations), dump_solidity(chain, trace)


def _first_difference(trace: Trace, answers: Sequence[Answer], state: list[dict[str, Any]]) -> int | None:
    """Return how many operations it takes to show a difference: all of them, when only the states differ."""
    for place, (one, other) in enumerate(zip(trace.answers, answers, strict=True)):
        if one != other:
            return place + 1
    return len(answers) if state_differences(trace.dump(), state) else None


def _shortest(
    world: World, operations: Sequence[Operation], run: Run, answers: Sequence[Answer],
    found: tuple[list[Answer], list[dict[str, Any]]],
) -> str:  # fmt: skip
    """Bisect to the shortest prefix after which answers or states differ; return how it looks."""
    at_least = 0
    at_most = next(
        (i + 1 for i, pair in enumerate(zip(answers, found[0], strict=True)) if pair[0] != pair[1]),
        len(operations),
    )
    while at_most - at_least > 1:
        middle = (at_least + at_most) // 2
        if _first_difference(run_python(world, operations[:middle]), *run(world, operations[:middle])) is None:
            at_least = middle
        else:
            at_most = middle
    prefix = operations[:at_most]
    trace = run_python(world, prefix)
    others, state = run(world, prefix)
    lines = [f"the first {at_most} of {len(operations)} operations show it; the last is {describe(prefix[-1])}"]
    lines += [f"answers {line}" for line in differences(trace.answers[-1], others[-1])]
    lines += [f"keeps {line}" for line in state_differences(trace.dump(), state)[:20]]
    return "\n".join(lines)


def describe(operation: Operation) -> str:
    """Return an operation on one line, with the kinds of a segment's entries."""
    if not isinstance(operation, Record):
        return repr(operation)
    segment = operation.segment
    try:
        kinds = [
            _word(Kind(words[0])) if words[0] in set(Kind) else str(words[0])
            for words in split_entries(segment.words)
        ]
    except MalformedSegment as error:
        kinds = [str(error)]
    place = f"{segment.device:016x} from {segment.first_seq} at {operation.block_time}"
    return f"segment of {place}: {', '.join(kinds)}; words {segment.words.hex()}"
