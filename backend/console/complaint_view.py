"""A complaint as its page shows it: stages and clocks, what was said, where that is anchored, the bin's facts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from backend.domain.complaint_rules import ComplaintRules
from backend.domain.complaint_statements import ANCHOR_SCHEMA, Act, Statement, read_statement
from backend.domain.complaints import Case, Span, Stage
from backend.domain.layout import Kind
from backend.domain.types import bin_text, device_text, organisation_text
from backend.store.complaints import ComplaintRow, ComplaintStore
from backend.store.reading import Reader
from backend.usecases.complaints import UnknownComplaint, fold_kept
from backend.usecases.ports import KeptStatement
from backend.usecases.views import BinView, EntryView, LiftView, OrganisationView, VerificationReport

LIFTS_SHOWN: Final = 6
REFUSALS_SECONDS: Final = 14 * 86_400

Verify = Callable[[str, int], VerificationReport | None]


@dataclass(frozen=True)
class StageView:
    """One of the five stages; `span` is its last run, None where the case has not got there."""

    stage: Stage
    span: Span | None
    owner: OrganisationView | None
    state: str
    runs: int


@dataclass(frozen=True)
class AnchorView:
    """Where a digest is: `state` is none, waiting, held, or foreign when the entry holds something else."""

    state: str
    entry: EntryView | None = None
    report: VerificationReport | None = None


@dataclass(frozen=True)
class StatementView:
    """One statement, with what may have been erased since."""

    said: Statement
    who: OrganisationView | None
    to: OrganisationView | None
    text: str | None
    is_text_erased: bool
    has_photo: bool
    is_photo_erased: bool
    facts: tuple[EntryView, ...]
    anchor: AnchorView


@dataclass(frozen=True)
class ComplaintView:
    """Everything on a complaint's page."""

    case: Case
    row: ComplaintRow
    bin: BinView | None
    stages: tuple[StageView, ...]
    statements: tuple[StatementView, ...]
    lifts: tuple[LiftView, ...]
    refusals: tuple[EntryView, ...]
    can_erase: bool
    was_withdrawn: bool


def view_complaint(reader: Reader, case_id: int, rules: Sequence[ComplaintRules], verify: Verify) -> ComplaintView:
    """Return a complaint as its holder sees it.

    Raises:
        UnknownComplaint: there is none.
    """
    store = ComplaintStore(reader.connection)
    kept, row = store.statements_of(case_id), store.find_row(case_id)
    if row is None:
        raise UnknownComplaint
    case = fold_kept(kept, rules)
    number = bin_text(case.bin)
    trace = reader.find_bin_trace(number, limit=LIFTS_SHOWN)
    reported_at = case.spans[0].since
    statements = tuple(_statement(reader, store, case_id, each, verify) for each in kept)
    return ComplaintView(
        case=case,
        row=row,
        bin=None if trace is None else trace.bin,
        stages=tuple(_stage(reader, case, stage) for stage in Stage),
        statements=statements,
        lifts=() if trace is None else trace.lifts,
        refusals=tuple(reader.refusals_to_collect(number, since=reported_at - REFUSALS_SECONDS)),
        can_erase=any(each.text or each.has_photo for each in statements),
        was_withdrawn=any(each.said.act is Act.WITHDRAW and each.said.at == case.closed_at for each in statements),
    )


def _stage(reader: Reader, case: Case, stage: Stage) -> StageView:
    runs = [span for span in case.spans if span.stage is stage]
    if not runs:
        return StageView(stage, None, None, "next", 0)
    is_now = case.closed_at is None and case.stage is stage
    # After an appeal a later stage is ahead again, though it was run before.
    is_ahead = case.closed_at is None and stage > case.stage
    state = "now" if is_now else "next" if is_ahead else "done"
    return StageView(stage, runs[-1], _who(reader, runs[-1].owner), state, len(runs))


def _who(reader: Reader, organisation: int) -> OrganisationView | None:
    return reader.organisation(organisation_text(organisation)) if organisation else None


def _statement(
    reader: Reader, store: ComplaintStore, case_id: int, kept: KeptStatement, verify: Verify
) -> StatementView:
    said = read_statement(kept.document)
    has_photo = bool(said.photo) and store.find_photo(case_id, kept.number) is not None
    found = (reader.find_entry(device_text(fact.device), fact.seq) for fact in said.facts)
    return StatementView(
        said=said,
        who=_who(reader, said.by),
        to=_who(reader, said.to),
        text=kept.text,
        is_text_erased=bool(said.text) and kept.text is None,
        has_photo=has_photo,
        is_photo_erased=bool(said.photo) and not has_photo,
        facts=tuple(entry for entry in found if entry is not None),
        anchor=_anchor(reader, kept, said, verify),
    )


def _anchor(reader: Reader, kept: KeptStatement, said: Statement, verify: Verify) -> AnchorView:
    """Look for the digest in the entry that is said to hold it; our own note of where proves nothing."""
    if kept.anchor is None:
        return AnchorView("none")
    device, seq = device_text(kept.anchor.device), kept.anchor.seq
    entry = reader.find_entry(device, seq)
    if entry is None:
        return AnchorView("none")
    holds = (entry.kind, entry.fields.get("schema"), entry.fields.get("subject"), entry.fields.get("digest"))
    if holds != (Kind.ANCHOR, ANCHOR_SCHEMA, said.case, int.from_bytes(kept.digest, "big")):
        return AnchorView("foreign", entry)
    if entry.block_number is None:
        return AnchorView("waiting", entry)
    return AnchorView("held", entry, verify(device, seq))
