"""What a person can seal about a case as it stands: entries to be signed, not changes of a database.

The page shows them, the passkey seals one, and the rules of amendments, disputes and refusals decide what it does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from backend.domain.cases import CaseKind, CaseState, Stage
from backend.domain.layout import Kind
from backend.domain.recorded import EntryId
from backend.domain.types import AmendedField, AmendOp, DisputeOp, Ground, Verdict
from backend.usecases.case_views import CaseView

_HEAD17_BYTES: Final = 17

HeadAfter = Callable[[EntryId], bytes]
"""The journal's head after a recorded entry."""


@dataclass(frozen=True)
class Action:
    """One thing to seal.

    `fields` are the entry's, without its header. `value_of` names the field whose value the person types (None:
    none is asked for), with `value` as its start. Organisations are those whose word counts.
    """

    name: str
    kind: Kind
    fields: Mapping[str, int]
    organisations: frozenset[int]
    value_of: AmendedField | None = None
    value: int = 0
    only_office: bool = field(default=False)


def actions_of(case: CaseView, head_after: HeadAfter) -> list[Action]:
    """Return what may be sealed about a case that waits; nothing about one that is done."""
    if case.state is CaseState.DONE:
        return []
    return _BY_KIND[case.kind](case, head_after)


def _owner(case: CaseView) -> frozenset[int]:
    owner = case.span.owner
    return frozenset() if owner is None else frozenset({int(owner.organisation, 16)})


def _parties(case: CaseView) -> frozenset[int]:
    return frozenset(int(party.organisation, 16) for party in case.parties)


def _about(named: EntryId, **more: int) -> dict[str, int]:
    return {"device": named.device, "seq": named.seq, **more}


def _amendment(case: CaseView, _: HeadAfter) -> list[Action]:
    def answer(name: str, op: AmendOp) -> Action:
        fields = _about(case.entries[0], op=op, field=0, until=0, value=0)
        return Action(name, Kind.AMEND, fields, _owner(case))

    return [answer("approve", AmendOp.APPROVE), answer("refuse", AmendOp.REFUSE)]


def _acknowledge(name: str, named: EntryId, verdict: Verdict, by: frozenset[int], head_after: HeadAfter) -> Action:
    head17 = int.from_bytes(head_after(named)[:_HEAD17_BYTES], "big")
    return Action(name, Kind.ACKNOWLEDGE, _about(named, verdict=verdict, head17=head17), by)


def _refusal(case: CaseView, head_after: HeadAfter) -> list[Action]:
    named, by = case.entries[0], _owner(case)
    return [
        _acknowledge("acknowledge", named, Verdict.ACKNOWLEDGED, by, head_after),
        _acknowledge("contest", named, Verdict.CONTESTED, by, head_after),
    ]


def _open(case: CaseView, ground: Ground, value_of: AmendedField | None, value: int) -> Action:
    fields = _about(case.entries[0], op=DisputeOp.OPEN, rule=ground, until=0, value=value)
    return Action("dispute", Kind.DISPUTE, fields, _parties(case), value_of, value)


def _weight_difference(case: CaseView, head_after: HeadAfter) -> list[Action]:
    return [
        _acknowledge("accept-mass", case.entries[0], Verdict.ACKNOWLEDGED, _owner(case), head_after),
        _open(case, Ground.MASS, AmendedField.GRAMS, case.numbers["declared_grams"]),
    ]


def _left(case: CaseView, _: HeadAfter) -> list[Action]:
    # What remains is moved on with a phone; here only the refusal itself can be called unfounded.
    return [_open(case, Ground.REFUSAL_UNFOUNDED, None, 1)] if case.numbers.get("is_refusal") else []


def _seen(case: CaseView, head_after: HeadAfter) -> list[Action]:
    by = _owner(case) if case.kind is CaseKind.ODD_ENTRY else _parties(case)
    return [_acknowledge("explain", case.entries[0], Verdict.ACKNOWLEDGED, by, head_after)]


def _dispute(case: CaseView, _: HeadAfter) -> list[Action]:
    named, owner, stage = case.entries[0], _owner(case), case.span.stage
    asked, claimed = AmendedField(case.numbers["field"]), case.numbers["value"]

    def say(name: str, op: DisputeOp, by: frozenset[int], *, asks: bool = False) -> Action:
        value = claimed if op in (DisputeOp.ANSWER, DisputeOp.RULE) else 0
        fields = _about(named, op=op, rule=0, until=0, value=value)
        office = op is DisputeOp.RULE
        return Action(name, Kind.DISPUTE, fields, by, asked if asks else None, value, office)

    evidence = say("evidence", DisputeOp.EVIDENCE, _parties(case))
    if stage is Stage.AWAITING_ANSWER:
        return [
            say("agree", DisputeOp.ANSWER, owner),
            say("answer", DisputeOp.ANSWER, owner, asks=True),
            evidence,
        ]
    if stage is Stage.APPEALABLE:
        return [say("appeal", DisputeOp.APPEAL, _parties(case)), evidence]
    return [say("rule", DisputeOp.RULE, owner, asks=True), evidence]


def _none(_case: CaseView, _: HeadAfter) -> list[Action]:
    # A lot is taken with a phone or at a gate.
    return []


_BY_KIND: Mapping[CaseKind, Callable[[CaseView, HeadAfter], list[Action]]] = {
    CaseKind.AMENDMENT: _amendment,
    CaseKind.REFUSAL_TO_COLLECT: _refusal,
    CaseKind.WEIGHT_DIFFERENCE: _weight_difference,
    CaseKind.LEFT_WITH_GIVER: _left,
    CaseKind.ODD_ENTRY: _seen,
    CaseKind.FINDING: _seen,
    CaseKind.DISPUTE: _dispute,
    CaseKind.AWAITING_COUNTERPART: _none,
}
