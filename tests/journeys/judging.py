"""What the books say of a story's entries, beside what the ledger says: values, disputes, tickets, tolerances."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from folding import Run, entries_of
from story import instant
from telling import Telling

from backend.domain.collection_refusals import judge_refusals
from backend.domain.disputes import Regulators, fold_disputes
from backend.domain.effective import as_known_at
from backend.domain.facts import Effective, Fact, fact_of
from backend.domain.layout import Kind
from backend.domain.recorded import EntryId, RecordedEntry
from backend.domain.tolerances import judge
from backend.domain.types import AmendedField, Basis
from backend.domain.weighing import judge_citations, tickets_of
from backend.exchange.tolerance_file import load_tolerances

Judged = tuple[Mapping[str, Any], Mapping[str, Any]]
"""What the story expects, and what was found, under the same keys."""


@dataclass(frozen=True)
class Books:
    """A story's entries as the ledger recorded them."""

    telling: Telling
    entries: list[RecordedEntry]

    @classmethod
    def of(cls, telling: Telling, run: Run) -> Books:
        """Return the books of a run."""
        return cls(telling, entries_of(telling, run))

    @property
    def regulators(self) -> Regulators:
        """The story's regulators: the one called `city` stands above the others."""
        numbers = self.telling.cast.organisations
        named = self.telling.story.regulators
        return Regulators(
            frozenset(numbers[name] for name in named if name != "city"),
            frozenset(numbers[name] for name in named if name == "city"),
        )

    def entry(self, step: str) -> RecordedEntry:
        """Return the (last) entry of a step."""
        told = self.telling.find(step)
        wanted = EntryId(told.device, told.seqs[-1])
        return next(entry for entry in self.entries if entry.entry_id == wanted)

    def fact(self, step: str) -> Fact:
        """Return the fact that a step is."""
        return fact_of(self.entry(step))

    def value(self, step: str, field: str, at: int) -> Effective | None:
        """Return what a step's value counted as at an instant."""
        return as_known_at(
            self.fact(step),
            AmendedField[field.upper()],
            self.entries,
            roles=self.telling.cast.roles,
            regulators=self.regulators,
            at=at,
        )


def judged(books: Books) -> Iterator[Judged]:
    """Yield everything that a story says of the books, beside what they hold."""
    end = books.telling.story.end
    for told in end.get("values", ()):
        yield told, _value(books, told)
    for told in end.get("disputes", ()):
        yield told, _dispute(books, told)
    for told in end.get("citations", ()):
        yield told, _citation(books, told)
    for told in end.get("refusals", ()):
        yield told, _refusal(books, told)
    for told in end.get("tolerances", ()):
        yield told, _tolerance(books, told)


def _value(books: Books, told: Mapping[str, Any]) -> dict[str, Any]:
    known = books.value(told["of"], told["field"], instant(told["at"]))
    assert known is not None, told
    return {**told, "value": known.value, "is": known.steps[-1].kind.name.lower()}


def _dispute(books: Books, told: Mapping[str, Any]) -> dict[str, Any]:
    found = fold_disputes(
        books.fact(told["of"]),
        books.entries,
        books.telling.cast.roles,
        books.regulators,
        at=instant(told["at"]),
    )
    return {**told, "stage": found.disputes[0].stage.name.lower()}


def _citation(books: Books, told: Mapping[str, Any]) -> dict[str, Any]:
    last_seqs = {entry.device: entry.entry_id.seq for entry in sorted(books.entries, key=lambda e: e.entry_id)}
    takes = [entry for entry in books.entries if entry.entry.kind == Kind.TAKE]
    cited = judge_citations(takes, tickets_of(books.entries), last_seqs)
    return {**told, "is": cited[books.entry(told["take"]).entry_id].name.lower()}


def _refusal(books: Books, told: Mapping[str, Any]) -> dict[str, Any]:
    declined = books.entry(told["decline"])
    custodian = books.telling.cast.organisations[told["custodian"]]
    refusals = judge_refusals(books.entries, {declined.fields["bin"]: custodian}, at=instant(told["at"]))
    found = next(refusal for refusal in refusals if refusal.entry_id == declined.entry_id)
    lifted = {} if found.second_lift is None else {"second_lift": _step_of(books, found.second_lift)}
    return {**{k: v for k, v in told.items() if k != "second_lift"}, "is": found.state.name.lower(), **lifted}


def _step_of(books: Books, entry_id: EntryId) -> str:
    return next(
        told.step.id for told in books.telling.told if told.device == entry_id.device and entry_id.seq in told.seqs
    )


def _tolerance(books: Books, told: Mapping[str, Any]) -> dict[str, Any]:
    """Judge a take's mass, as signed or as it counted at an instant, against the give's."""
    given, taken = books.entry(told["give"]), books.entry(told["take"])
    weighed = taken.fields["grams"]
    if "effective_at" in told:
        known = books.value(told["take"], "grams", instant(told["effective_at"]))
        assert known is not None, told
        weighed = known.value
    lot = next(n for n, number in books.telling.lots.items() if number == taken.fields["lot"])
    verdict = judge(
        declared_grams=given.fields["grams"],
        weighed_grams=weighed,
        stream=books.telling.streams[lot],
        basis=Basis[told["basis"].upper()],
        at=taken.fields["occurred_at"],
        rules=load_tolerances().rules,
    )
    return {**told, "rule": verdict.rule_id, "permille": verdict.permille, "within": verdict.is_within}
