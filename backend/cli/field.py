"""`huanlian seed`, `plan`, `simulate`, `invite`: what people and their devices do, in software."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from backend.cli.books import point_of
from backend.cli.places import (
    CITY_ADMIN,
    DEFAULT_API,
    DEFAULT_DATA,
    DEFAULT_RPC,
    FIELD,
    ApiUrl,
    DataDir,
    NotSetUp,
    RpcUrl,
    devnet_key,
    open_database,
    open_rpc,
    require_deployment,
)
from backend.demo.city import PLAN, load_demo_city
from backend.domain.days import begin_of, day_of
from backend.domain.journal import Network
from backend.domain.types import Role, device_text, organisation_text
from backend.exchange.plan import build_plan, read_header, read_runs, write_plan
from backend.simulate.courier import Courier
from backend.simulate.invitation import Invitation
from backend.simulate.office import NOTARY, NOTARY_ORGANISATION, Offices
from backend.simulate.run import (
    Field,
    Outcome,
    create_organisations,
    midnight_of,
    put_city_points,
    put_city_sites,
    registrar_for,
    run_plan,
)
from backend.simulate.vault import Vault
from backend.store.directory import DirectoryStore


def midnight_days_ago(now: int, days: int) -> int:
    """Return the instant (Unix seconds) at which a day began in Asia/Shanghai."""
    return begin_of(day_of(now) - days)


@contextmanager
def open_field(
    data_dir: Path, rpc: str, api: str, *, patience_seconds: float, verify: bool | str = True
) -> Iterator[Field]:
    """Yield everything a run needs outside the server."""
    deployment = require_deployment(data_dir)
    with open_database(data_dir) as database, open_rpc(rpc) as node:
        yield Field(
            city=load_demo_city(),
            vault=Vault.at(data_dir / "field" / "vault.json"),
            network=Network(deployment.chain_id, bytes.fromhex(deployment.custody_ledger[2:])),
            rpc=node,
            deployment=deployment,
            admin_key=devnet_key(CITY_ADMIN),
            gas_key=devnet_key(FIELD),
            courier=Courier(api, patience_seconds=patience_seconds, say=typer.echo, verify=verify),
            database=database,
            say=typer.echo,
        )


def seed(
    data_dir: DataDir = DEFAULT_DATA,
    rpc: RpcUrl = DEFAULT_RPC,
    api: ApiUrl = DEFAULT_API,
    patience_seconds: float = 120,
) -> None:
    """Fill the demo city: its organisations, sites, bins, and a morning's work sealed by device keys."""
    with open_field(data_dir, rpc, api, patience_seconds=patience_seconds) as field:
        create_organisations(field, field.city.organisations)
        put_city_sites(field)
        put_city_points(field)
        Offices(field.vault, field.network, field.courier).enrol(NOTARY_ORGANISATION, NOTARY)
        _report(_run(field, data_dir, PLAN, name="demo"))


def plan(
    source: Annotated[str, typer.Option(help="Source of imported collection points.")],
    out: Annotated[Path, typer.Option(help="File to write.")],
    data_dir: DataDir = DEFAULT_DATA,
    seed: Annotated[int, typer.Option(help="The same seed gives the same plan.")] = 1,
) -> None:
    """Turn imported truck stops into a day's plan."""
    with open_database(data_dir) as database, database.transaction(writes=False) as connection:
        rows = DirectoryStore(connection).point_rows(source)
    if not rows:
        raise NotSetUp(f"No collection points of source {source!r}; run `huanlian import` first.")
    made = build_plan([point_of(row) for row in rows], seed=seed, parks=["fushan", "likeng"])
    with out.open("w", encoding="utf-8", newline="\n") as file:
        write_plan(made, file)
    stops = sum(len(run.stops) for run in made.runs)
    typer.echo(f"{len(made.runs)} runs, {stops} stops, {len(made.skipped)} points without truck or time: {out}")


def simulate(
    context: typer.Context,
    plan: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A plan (huanlian-plan-1).")
    ] = None,
    data_dir: DataDir = DEFAULT_DATA,
    rpc: RpcUrl = DEFAULT_RPC,
    api: ApiUrl = DEFAULT_API,
    name: Annotated[str, typer.Option(help="Keeps this plan's devices apart; empty: the file's name.")] = "",
    patience_seconds: Annotated[float, typer.Option(help="How long to wait for a silent server.")] = 300,
) -> None:
    """Live a plan's day: every stop a bin, every truck a device with its own key. Safe to repeat."""
    if context.invoked_subcommand is not None:
        return
    if plan is None:
        raise typer.BadParameter("name a plan, or say `simulate month`", param_hint="--plan")
    with open_field(data_dir, rpc, api, patience_seconds=patience_seconds) as field:
        create_organisations(field, field.city.organisations)
        put_city_sites(field)
        _report(_run(field, data_dir, plan, name=name or plan.stem))


def _run(field: Field, data_dir: Path, path: Path, *, name: str) -> Outcome:
    with path.open(encoding="utf-8") as lines:
        header = read_header(lines)
    with path.open(encoding="utf-8") as lines:
        runs = list(read_runs(lines))
    # A service day may run past midnight, and no entry may lie in the future.
    days_ago = 1 if name == "demo" else 2
    midnight = midnight_of(data_dir / "field" / f"{name}.json", midnight_days_ago(int(time.time()), days_ago))
    return run_plan(
        field,
        name=name,
        source=header["source"],
        runs=runs,
        stations=header["stations"],
        midnight=midnight,
    )


def _report(outcome: Outcome) -> None:
    typer.echo(
        f"{outcome.stops} stops, {outcome.lifts} lifts, {outcome.bins} bins, "
        f"{outcome.segments} segments ({outcome.repeats} known before)"
        + "".join(f", {count} warnings {code}" for code, count in sorted(outcome.warnings.items()))
    )


def invite(
    data_dir: DataDir = DEFAULT_DATA,
    rpc: RpcUrl = DEFAULT_RPC,
    api: ApiUrl = DEFAULT_API,
    organisation: Annotated[int, typer.Option(help="Number of the organisation.")] = 2,
    role: Annotated[str, typer.Option(help="crew, gate, scale, registrar or office.")] = "registrar",
    yes: Annotated[bool, typer.Option("--yes", help="Approve without asking.")] = False,
) -> None:
    """Enrol a phone or a browser of the demo city: a one-time link, six digits to compare, a seal."""
    if role.upper() not in Role.__members__:
        raise typer.BadParameter(f"no such role: {role}")
    with open_field(data_dir, rpc, api, patience_seconds=60) as field:
        registrar = registrar_for(field, organisation, "registrar/desk")
        invitation = Invitation(field.courier, organisation=organisation, role=Role[role.upper()])
        typer.echo(f"open within ten minutes: {api}{invitation.path}")
        check = invitation.wait_for_key()
        typer.echo(f"the other screen must show: {check}")
        if not yes and not typer.confirm("Does it?"):
            raise typer.Exit(1)
        device = invitation.approve(registrar, field.vault.number(f"invited/{invitation.code}", 40))
        field.courier.wait_recorded({device: 0})
        typer.echo(f"enrolled {device_text(device)} for organisation {organisation_text(organisation)}")
