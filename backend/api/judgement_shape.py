"""A lot's judgement → its JSON: instants as text, ids as hex, words instead of numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any

from backend.api.shaping import field_value, instant, maybe_instant
from backend.domain.amendments import Proposal
from backend.domain.collection_refusals import CollectionRefusal
from backend.domain.disputes import Dispute, Event
from backend.domain.facts import Effective, ValueStep
from backend.domain.layout import Kind
from backend.domain.recorded import EntryId
from backend.domain.types import AmendedField, Flaw, bin_text, device_text, lot_text
from backend.domain.weighing import WeighTicket
from backend.usecases.judge_lot import ChangedFact, JudgedHandoff, JudgedTake, LotJudgement, Verdict


def judgement_shape(judgement: LotJudgement, *, rules_digest: bytes) -> dict[str, Any]:
    """Return a lot's judgement."""
    return {
        "lot": lot_text(judgement.lot),
        "known_at": instant(judgement.known_at),
        "rules_digest": rules_digest.hex(),
        "handoffs": [_handoff(handoff) for handoff in judgement.handoffs],
        "changed": [_changed(fact, judgement.known_at) for fact in judgement.changed],
        "refusals": [_refusal(refusal, judgement.known_at) for refusal in judgement.refusals],
    }


def _word(value: Enum) -> str:
    return value.name.lower()


def _id(entry_id: EntryId) -> dict[str, Any]:
    return {"device": device_text(entry_id.device), "seq": entry_id.seq}


def _maybe_id(entry_id: EntryId | None) -> dict[str, Any] | None:
    return None if entry_id is None else _id(entry_id)


def _handoff(handoff: JudgedHandoff) -> dict[str, Any]:
    return {
        "give": _id(handoff.entry_id),
        "to": device_text(handoff.to),
        "occurred_at": maybe_instant(handoff.occurred_at),
        "stream": handoff.stream,
        "basis": _word(handoff.basis),
        "declared": _effective(AmendedField.GRAMS, handoff.declared),
        "end": _word(handoff.end),
        "take": None if handoff.take is None else _take(handoff.take),
        "verdict": None if handoff.verdict is None else _verdict(handoff.verdict),
    }


def _take(take: JudgedTake) -> dict[str, Any]:
    return {
        **_id(take.entry_id),
        "occurred_at": maybe_instant(take.occurred_at),
        "grams": _effective(AmendedField.GRAMS, take.grams),
        "is_void": take.is_void,
        "citation": _word(take.citation),
        "ticket": None if take.ticket is None else _ticket(take.ticket),
    }


def _ticket(ticket: WeighTicket) -> dict[str, Any]:
    return {
        **_id(ticket.entry_id),
        "number": ticket.number,
        "net_grams": ticket.net_grams,
        "outcome": _word(ticket.outcome),
        "flaw": _word(ticket.flaw) if ticket.flaw is not Flaw.NONE else None,
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "rule": verdict.rule.rule_id,
        "version": verdict.rule.version,
        "difference_grams": verdict.found.difference_grams,
        "permille": verdict.found.permille,
        "permille_max": verdict.rule.permille_max,
        "floor_grams": verdict.rule.floor_grams,
        "is_within": verdict.found.is_within,
    }


def _effective(field: AmendedField, effective: Effective) -> dict[str, Any]:
    def shape(step: ValueStep) -> dict[str, Any]:
        return {
            "since": instant(step.since),
            "value": _value(field, step.value),
            "how": _word(step.kind),
            "by": _id(step.by),
        }

    return {"value": _value(field, effective.value), "steps": _each(shape, effective.steps)}


def _each(shape: Callable[[Any], dict[str, Any]], values: Sequence[Any]) -> list[dict[str, Any]]:
    return [shape(value) for value in values]


def _value(field: AmendedField, value: int) -> int | str:
    return field_value(_word(field), value)


def _changed(fact: ChangedFact, at: int) -> dict[str, Any]:
    return {
        "entry": _id(fact.entry_id),
        "kind": fact.kind,
        "kind_name": _word(Kind(fact.kind)),
        "values": {_word(field): _effective(field, value) for field, value in fact.values.items()},
        "proposals": [_proposal(proposal, at) for proposal in fact.proposals],
        "disputes": [_dispute(dispute) for dispute in fact.disputes],
    }


def _proposal(proposal: Proposal, at: int) -> dict[str, Any]:
    answer = proposal.answer
    return {
        "entry": _id(proposal.entry_id),
        "field": _word(proposal.field),
        "value": _value(proposal.field, proposal.value),
        "state": _word(proposal.state(at)),
        "recorded_at": instant(proposal.recorded_at),
        "until": maybe_instant(proposal.until),
        "answer": None if answer is None else {**_id(answer.entry_id), "recorded_at": instant(answer.recorded_at)},
    }


def _dispute(dispute: Dispute) -> dict[str, Any]:
    def event(event: Event) -> dict[str, Any]:
        return {
            "at": instant(event.at),
            "what": _word(event.what),
            "by": _maybe_id(event.by),
            "value": _value(dispute.field, event.value),
        }

    return {
        "entry": _id(dispute.entry_id),
        "ground": _word(dispute.ground),
        "field": _word(dispute.field),
        "claimed": _value(dispute.field, dispute.claimed),
        "stage": _word(dispute.stage),
        "deadline": maybe_instant(dispute.deadline),
        "is_overdue": dispute.is_overdue,
        "events": _each(event, dispute.events),
    }


def _refusal(refusal: CollectionRefusal, at: int) -> dict[str, Any]:
    return {
        "entry": _id(refusal.entry_id),
        "bin": bin_text(refusal.bin),
        "stream": refusal.stream,
        "reason": refusal.reason,
        "recorded_at": instant(refusal.recorded_at),
        "state": _word(refusal.state),
        "answer": _maybe_id(refusal.answer),
        "answer_until": instant(refusal.answer_until),
        "second_lift_due_at": instant(refusal.second_lift_due_at),
        "second_lift": _maybe_id(refusal.second_lift),
        "is_second_lift_overdue": refusal.is_second_lift_overdue(at),
    }
