"""A recorded fact whose values may later be amended or ruled, and every value it ever had.

Nothing is overwritten: the signed entry stays, and what changed its effective value is a step after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import NamedTuple

from backend.domain.layout import LAYOUTS, Kind
from backend.domain.recorded import EntryId, RecordedEntry
from backend.domain.types import AmendedField, Basis, Fate, Grade, Role, Stream, is_code, organisation_of

_COUNTERPART: Mapping[int, str] = {
    Kind.GIVE: "to",
    Kind.TAKE: "giver",
    Kind.REFUSE: "giver",
    Kind.REDIRECT: "to",
    Kind.MANDATE: "to",
}
_CODES: Mapping[AmendedField, type[IntEnum]] = {
    AmendedField.STREAM: Stream,
    AmendedField.GRADE: Grade,
    AmendedField.BASIS: Basis,
    AmendedField.FATE: Fate,
}
SPEAKING_ROLES = frozenset((Role.REGISTRAR, Role.OFFICE))
"""Whose word binds an organisation about a fact that another device of it recorded."""

Roles = Mapping[int, int]
"""Each device's role, by its id."""


@dataclass(frozen=True)
class Fact:
    """A signed entry, its values by name, and the organisations that answer for it.

    `counterpart` is the device that the entry names as the other side, 0 when it names none.
    """

    entry_id: EntryId
    kind: int
    fields: Mapping[str, int]
    recorded_at: int
    order: int
    parties: frozenset[int]
    counterpart: int

    @property
    def organisation(self) -> int:
        """The organisation whose device signed it."""
        return organisation_of(self.entry_id.device)

    def can_speak(self, device: int, roles: Roles) -> bool:
        """Say whether a device may speak about this fact for its organisation, a party to it."""
        if organisation_of(device) not in self.parties:
            return False
        return device in (self.entry_id.device, self.counterpart) or roles.get(device) in SPEAKING_ROLES


def fact_of(recorded: RecordedEntry, *, also: Iterable[int] = ()) -> Fact:
    """Return the fact that an entry is.

    Its parties are the signer's organisation, the one that the entry names (a give's `to`, a take's or a
    refusal's `giver`), and those in `also`: who has the site where a bin stood is known to the books only.
    """
    named = recorded.fields.get(_COUNTERPART.get(recorded.entry.kind, ""), 0)
    others = {organisation_of(named)} if named else set()
    return Fact(
        entry_id=recorded.entry_id,
        kind=recorded.entry.kind,
        fields=recorded.fields,
        recorded_at=recorded.recorded_at,
        order=recorded.order,
        parties=frozenset({recorded.organisation, *others, *also}),
        counterpart=named,
    )


class StepKind(Enum):
    """How a value came to be the effective one."""

    SIGNED = "signed"
    AMENDED = "amended"
    AGREED = "agreed in a dispute"
    BY_DEFAULT = "the dispute was not answered"
    RULED = "ruled"
    RULED_FINALLY = "ruled on appeal"


class ValueStep(NamedTuple):
    """A value of a fact from an instant on. A step by default has order -1: no entry made it."""

    since: int
    order: int
    value: int
    kind: StepKind
    by: EntryId


@dataclass(frozen=True)
class Effective:
    """The value that counts, and every value before it, oldest first."""

    steps: tuple[ValueStep, ...]

    @property
    def value(self) -> int:
        """The value that counts."""
        return self.steps[-1].value

    @property
    def signed_value(self) -> int:
        """The value that was signed when the fact was seen."""
        return self.steps[0].value

    @property
    def difference(self) -> int:
        """What to add to any total that holds the signed value, however often its lot was merged since."""
        return self.value - self.signed_value


def signed_value(fact: Fact, field: AmendedField) -> int | None:
    """Return the value that the entry holds for a field; None where its layout has no such field."""
    return 0 if field is AmendedField.VOID else fact.fields.get(field.name.lower())


def can_hold(kind: int, field: AmendedField, value: int) -> bool:
    """Say whether a value fits a field that this kind of entry has: its bits, and its code list if any."""
    if field is AmendedField.VOID:
        return value in (0, 1)
    if field in _CODES and not is_code(_CODES[field], value):
        return False
    name = field.name.lower()
    bits = next(bits for word in LAYOUTS[Kind(kind)].words for found, bits in word if found == name)
    return value >> bits == 0


def effective_of(fact: Fact, field: AmendedField, steps: Iterable[ValueStep]) -> Effective | None:
    """Return what counts after these steps, in the order in which they happened; None: no such field."""
    value = signed_value(fact, field)
    if value is None:
        return None
    signed = ValueStep(fact.recorded_at, fact.order, value, StepKind.SIGNED, fact.entry_id)
    return Effective((signed, *sorted(steps, key=lambda step: (step.since, step.order))))
