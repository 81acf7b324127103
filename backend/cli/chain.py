"""`huanlian devnet`, `huanlian deploy`, `huanlian up`: the chain, and everything on one machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backend.chain.deploy import deploy as deploy_contracts
from backend.chain.devnet import main as devnet_main
from backend.chain.governance import NOTICE_SECONDS, Governors, compare_governance, read_governance
from backend.chain.ledger import ledger_in_force
from backend.chain.transactions import account_of
from backend.cli.places import (
    CITY_ADMIN,
    DEFAULT_DATA,
    DEFAULT_RPC,
    DataDir,
    RpcUrl,
    demo_governors,
    devnet_key,
    open_rpc,
)
from backend.cli.up import Up
from backend.settings import Settings


def devnet(
    data_dir: DataDir = DEFAULT_DATA,
    port: int = 8545,
    begins_at: Annotated[
        int | None,
        typer.Option(help="Unix seconds: a fresh chain begins then, and is told the time until it has caught up."),
    ] = None,
) -> None:
    """Run the local chain until it is stopped."""
    told = [] if begins_at is None else ["--begins-at", str(begins_at)]
    raise typer.Exit(devnet_main(["--data-dir", str(data_dir / "devnet"), "--port", str(port), *told]))


def deploy(
    data_dir: DataDir = DEFAULT_DATA,
    rpc: RpcUrl = DEFAULT_RPC,
    admin_key: Annotated[
        str, typer.Option(envvar="HUANLIAN_ADMIN_KEY", help="The city's key; empty: the local devnet's.")
    ] = "",
    district: Annotated[
        list[str] | None, typer.Option(help="A district's account; once for each. Empty: the local devnet's.")
    ] = None,
    auditor: Annotated[
        list[str] | None, typer.Option(help="An auditor's account; once for each. Empty: the local devnet's.")
    ] = None,
    notice_seconds: Annotated[
        int, typer.Option(help="How long the city announces a ledger or a change of powers before it.")
    ] = NOTICE_SECONDS,
) -> None:
    """Put the contracts on a chain, give out the roles, and write deployment.json and trust.json."""
    settings = Settings(data_dir=data_dir)
    if admin_key:
        key = bytes.fromhex(admin_key.removeprefix("0x"))
        city = account_of(key).address
        governors = Governors(city, tuple(district or ()), tuple(auditor or ()), notice_seconds)
    else:
        key, governors = devnet_key(CITY_ADMIN), demo_governors()
    with open_rpc(rpc) as node:
        deployment = deploy_contracts(node, city_key=key, governors=governors)
        found = read_governance(node, deployment.city_authority, from_block=deployment.deployed_block)
        in_force = ledger_in_force(node, deployment.ledger_versions)
    data_dir.mkdir(parents=True, exist_ok=True)
    deployment.save(settings.deployment_file)
    deployment.save_trust(settings.trust_file)
    typer.echo(f"ledger {deployment.custody_ledger} on chain {deployment.chain_id}; see {settings.trust_file}")
    if in_force != deployment.custody_ledger:
        typer.echo(f"in force is still {in_force}; run this again when the notice has passed")
    for difference in compare_governance(found, deployment.places, governors):
        typer.echo(f"governance differs: {difference}")


def up(
    data_dir: DataDir = DEFAULT_DATA,
    port: Annotated[int, typer.Option(help="Port of the one address.")] = 8000,
    rpc_port: Annotated[int, typer.Option(help="Port of the local chain.")] = 8545,
    lan: Annotated[bool, typer.Option("--lan", help="HTTPS for phones on this network.")] = False,
    seed: Annotated[bool, typer.Option(help="Fill an empty demo city with a morning's work.")] = True,
    month: Annotated[
        bool,
        typer.Option("--month", help="First live a month of a district with hidden frauds, on a fresh chain."),
    ] = False,
) -> None:
    """Start everything on this machine and print one address; Ctrl-C stops it all."""
    parts = Up(data_dir=Path(data_dir), port=port, rpc_port=rpc_port, is_lan=lan, seeds=seed, lives_month=month)
    raise typer.Exit(parts.run())
