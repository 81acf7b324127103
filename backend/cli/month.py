"""`huanlian simulate month`: a district's month with frauds hidden in it, handed in to a running server."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from backend.cli import field as day
from backend.cli.field import midnight_days_ago, open_field
from backend.cli.places import DEFAULT_API, DEFAULT_DATA, DEFAULT_RPC, ApiUrl, DataDir, RpcUrl
from backend.simulate.month.frauds import KINDS
from backend.simulate.month.living import live_month
from backend.simulate.month.month import make
from backend.simulate.month.size import Size
from backend.simulate.month.truth import write_truth
from backend.simulate.run import midnight_of

MONTH_DAYS = 30


def simulate_app() -> typer.Typer:
    """Return `huanlian simulate`: a plan's day, or a month."""
    app = typer.Typer(name="simulate", invoke_without_command=True)
    app.callback(invoke_without_command=True)(day.simulate)
    app.command("month")(month)
    return app


def month_midnight(data_dir: Path, days: int) -> int:
    """Return where the month of this data directory begins (Unix seconds).

    It ends with the day before it was first asked for.
    """
    return midnight_of(month_file(data_dir), midnight_days_ago(int(time.time()), days))


def month_file(data_dir: Path) -> Path:
    """Return where it is written down when the month begins."""
    return data_dir / "field" / "month.json"


def _kinds(text: str) -> tuple[str, ...]:
    if text in ("all", "none"):
        return KINDS if text == "all" else ()
    asked = tuple(part.strip() for part in text.split(","))
    unknown = sorted(set(asked) - set(KINDS))
    if unknown:
        raise typer.BadParameter(f"no such fraud: {', '.join(unknown)}; there are: {', '.join(KINDS)}")
    return asked


def month(
    data_dir: DataDir = DEFAULT_DATA,
    rpc: RpcUrl = DEFAULT_RPC,
    api: ApiUrl = DEFAULT_API,
    seed: Annotated[str, typer.Option(help="The same seed gives the same month.")] = "1",
    scale: Annotated[
        float, typer.Option(min=0.0, max=4.0, help="The district's size: 1 is a mean district of Guangzhou.")
    ] = 0.125,
    frauds: Annotated[str, typer.Option(help="all, none, or names separated by commas.")] = "all",
    days: Annotated[int, typer.Option(min=7, max=31)] = MONTH_DAYS,
    step_minutes: Annotated[
        int, typer.Option(min=1, max=1440, help="What arrives within so many minutes is recorded together.")
    ] = 30,
    truth: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Where the truth is written; empty: field/truth.json.")
    ] = None,
    patience_seconds: Annotated[float, typer.Option(help="How long to wait for a silent server.")] = 300,
) -> None:
    """Live a month of one district, with frauds hidden in it, on a fresh chain that is told the time.

    The truth about the frauds is written beside the data and never into the books. Safe to repeat.
    """
    kinds = _kinds(frauds)
    made = make(seed, Size.of_share(scale), days=days, midnight=month_midnight(data_dir, days), kinds=kinds)
    path = truth or data_dir / "field" / "truth.json"
    write_truth(made, path)
    size = made.district.size
    typer.echo(
        f"{size.streets} streets of {size.points_a_street} points, {size.bins} bins, "
        f"{len(made.district.trucks)} trucks, {days} days, {len(made.journals.cases)} frauds; the truth: {path}"
    )
    with open_field(data_dir, rpc, api, patience_seconds=patience_seconds) as field:
        lived = live_month(field, made, name=f"{seed}/{scale:g}/{days}/{frauds}", step_seconds=60 * step_minutes)
    typer.echo(
        f"{lived.lifts} lifts of {lived.bins} bins, {lived.segments} segments ({lived.repeats} known before)"
        + "".join(f", {count} warnings {code}" for code, count in sorted(lived.warnings.items()))
    )
