"""What a fact's value counts as at an instant, with amendments and disputes taken together."""

from __future__ import annotations

from collections.abc import Sequence

from backend.domain.amendments import fold_amendments
from backend.domain.disputes import Regulators, fold_disputes
from backend.domain.facts import Effective, Fact, Roles, effective_of
from backend.domain.recorded import RecordedEntry
from backend.domain.types import AmendedField


def as_known_at(
    fact: Fact,
    field: AmendedField,
    entries: Sequence[RecordedEntry],
    *,
    roles: Roles,
    regulators: Regulators,
    at: int,
) -> Effective | None:
    """Return what counted at an instant, from what the ledger had recorded by then.

    The effective value is what counts now: `at` is then the present.
    None when the fact was not recorded yet or has no such field.
    """
    if fact.recorded_at > at:
        return None
    amended = fold_amendments(fact, entries, roles, at=at).steps(field)
    ruled = fold_disputes(fact, entries, roles, regulators, at=at).steps(field)
    return effective_of(fact, field, [*amended, *ruled])
