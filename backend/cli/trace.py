"""`huanlian trace`: where a bin's waste or a lot went, and where it came from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from backend.cli.places import DEFAULT_DATA, DataDir, NotSetUp, open_database
from backend.domain.types import Outcome, Stream
from backend.store.reading import Reader
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
