"""A lot's judgement as its page shows it: each handoff's verdict, every value, every dispute's clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backend.console.deps import ConsoleDeps
from backend.domain.amendments import Proposal
from backend.domain.disputes import Dispute
from backend.domain.facts import Effective
from backend.domain.types import AmendedField, device_text, organisation_text
from backend.store.judging import JudgingReader
from backend.store.reading import Reader
from backend.usecases.judge_lot import ChangedFact, JudgedHandoff, LotJudgement, judge_lot
from backend.usecases.views import Name, OrganisationView

_MOST_JUDGED = 8
"""A lot, and so many of those it went into; each is judged from all of its entries."""


@dataclass(frozen=True)
class ChangedView:
    """An entry that somebody wanted changed, with the names of those who spoke."""

    fact: ChangedFact
    device: str
    who: OrganisationView
    by_proposal: tuple[tuple[Proposal, OrganisationView, OrganisationView | None], ...]
    by_dispute: tuple[tuple[Dispute, OrganisationView], ...]

    @property
    def values(self) -> Mapping[AmendedField, Effective]:
        """Every value of every field that was spoken about."""
        return self.fact.values


@dataclass(frozen=True)
class JudgementView:
    """What a page shows: verdicts by the give's (device, seq), and what was said of the lot's entries."""

    judgement: LotJudgement
    by_give: Mapping[tuple[str, int], JudgedHandoff]
    changed: tuple[ChangedView, ...]


def judge_for_page(deps: ConsoleDeps, reader: Reader, lot: str, became: Sequence[str]) -> JudgementView:
    """Return the judgement of a lot that exists, with the handoffs of the lots that it went into."""
    at = reader.present(deps.now())
    records = JudgingReader(reader.connection)
    judged = [
        judge_lot(int(one, 16), reader=records, rules=deps.tolerances.rules, at=at)
        for one in [lot, *became][:_MOST_JUDGED]
    ]
    own = judged[0]
    assert own is not None, "the page has found the lot"
    by_give = {
        (device_text(handoff.entry_id.device), handoff.entry_id.seq): handoff
        for judgement in judged
        if judgement is not None
        for handoff in judgement.handoffs
    }
    return JudgementView(own, by_give, tuple(_changed(reader, fact) for fact in own.changed))


def _changed(reader: Reader, fact: ChangedFact) -> ChangedView:
    def who(device: int) -> OrganisationView:
        return reader.organisation(organisation_text(device >> 40))

    return ChangedView(
        fact,
        device_text(fact.entry_id.device),
        who(fact.entry_id.device),
        tuple(
            (made, who(made.entry_id.device), None if made.answer is None else who(made.answer.entry_id.device))
            for made in fact.proposals
        ),
        tuple((made, who(made.entry_id.device)) for made in fact.disputes),
    )


def rule_text(handoff: JudgedHandoff) -> Name | None:
    """Return what the rule behind a verdict says."""
    rule = None if handoff.verdict is None else handoff.verdict.rule
    return None if rule is None else Name(rule.text_zh, rule.text_en)
