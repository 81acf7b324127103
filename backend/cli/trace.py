"""`huanlian trace`: where a bin's waste or a lot went, and where it came from."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from sqlalchemy import Connection

from backend.cli.places import DEFAULT_DATA, DataDir, NotSetUp, open_database
from backend.domain.facts import ValueStep
from backend.domain.layout import Kind
from backend.domain.types import Outcome, Stream, bin_text, device_text
from backend.exchange.tolerance_file import load_tolerances
from backend.store.judging import JudgingReader
from backend.store.reading import Reader
from backend.usecases.judge_lot import JudgedHandoff, judge_lot
from backend.usecases.views import Journey, JourneyStep


def trace(
    what: Annotated[str, typer.Argument(help="A bin number (10 hex digits) or a lot (24).")],
    data_dir: DataDir = DEFAULT_DATA,
) -> None:
    """Print a bin's lifts and what became of them, or a lot's journey both ways."""
    what = what.replace(" ", "").lower()
    with open_database(data_dir) as database, database.transaction(writes=False) as connection:
        reader = Reader(connection)
        if len(what) == 24:
            journey = reader.find_journey(what)
            if journey is None:
                raise NotSetUp(f"no lot {what}")
            _print_journey(journey)
            _print_verdicts(connection, int(what, 16), reader.present(int(time.time())))
            return
        found = reader.find_bin_trace(what)
        if found is None:
            raise NotSetUp(f"no bin {what}")
        point = "" if found.bin.point is None else found.bin.point.zh
        typer.echo(f"bin {what} {Stream(found.bin.stream).name.lower()} {point}: {len(found.lifts)} lifts")
        for lift in found.lifts:
            outcome = Outcome(lift.entry.outcome or 0).name.lower()
            typer.echo(f"{_at(lift.entry.occurred_at)} lift {lift.grams} g, {outcome}, lot {lift.lot}")
            journey = found.journeys.get(lift.lot or "")
            if journey is not None:
                _print_journey(journey)


def _print_journey(journey: Journey) -> None:
    lots = len(journey.came_from)
    typer.echo(f"lot {journey.lot.lot}: from {lots} lots, became {', '.join(journey.became) or 'nothing else'}")
    forward = {journey.lot.lot, *journey.became}
    for step in journey.steps:
        if step.lot in forward or step.into_lot in forward:
            typer.echo("  " + _line(step))
    last = journey.ends[-1] if journey.ends else None
    typer.echo("ends: " + ("not yet" if last is None else _line(last)))


def _print_verdicts(connection: Connection, lot: int, at: int) -> None:
    judgement = judge_lot(lot, reader=JudgingReader(connection), rules=load_tolerances().rules, at=at)
    if judgement is None:
        return
    for handoff in judgement.handoffs:
        typer.echo("judged: " + _verdict(handoff))
    for fact in judgement.changed:
        name = f"{Kind(fact.kind).name.lower()} {device_text(fact.entry_id.device)}#{fact.entry_id.seq}"
        for field, value in fact.values.items():
            typer.echo(f"  {name} {field.name.lower()}: {', then '.join(map(_step, value.steps))}")
        for proposal in fact.proposals:
            typer.echo(
                f"  {name}: {proposal.field.name.lower()} {proposal.value} {proposal.state(at).value}, "
                f"open until {_at(proposal.until)}"
            )
        for dispute in fact.disputes:
            deadline = "" if dispute.deadline is None else f" until {_at(dispute.deadline)}"
            overdue = ", overdue" if dispute.is_overdue else ""
            typer.echo(f"  {name}: disputed, waits for {dispute.stage.value}{deadline}{overdue}")
    for refusal in judgement.refusals:
        typer.echo(f"  bin {bin_text(refusal.bin)} not collected, reason {refusal.reason}: {refusal.state.value}")


def _verdict(handoff: JudgedHandoff) -> str:
    given = f"given {handoff.declared.value} g ({handoff.basis.name.lower()})"
    if handoff.take is None:
        return f"{given}, {handoff.end.value}"
    taken = f"{given}, taken {handoff.take.grams.value} g, {handoff.take.citation.value}"
    if handoff.verdict is None:
        return f"{taken}; no verdict"
    rule, found = handoff.verdict.rule, handoff.verdict.found
    word = "within" if found.is_within else "beyond"
    return f"{taken}; {found.difference_grams:+d} g is {word} {rule.rule_id} version {rule.version}"


def _step(step: ValueStep) -> str:
    return f"{step.value} {step.kind.value}"


def _line(step: JourneyStep) -> str:
    entry = step.entry
    name = f"{step.lifts} lifts" if step.lifts is not None else entry.kind_name
    into = f" into {step.into_lot}" if step.into_lot else ""
    other = f" with {step.counterpart.name.zh}" if step.counterpart else ""
    outcome = Outcome(entry.outcome).name.lower() if entry.outcome else "queued"
    return (
        f"{_at(entry.occurred_at)} {name} {step.grams or 0} g by {entry.organisation.name.zh}{other}{into}: "
        f"{outcome}, block {entry.block_number}, tx 0x{entry.tx_hash}"
    )


def _at(seconds: int) -> str:
    return (datetime.fromtimestamp(seconds, UTC) + timedelta(hours=8)).strftime("%m-%d %H:%M")
