"""`huanlian devnet`, `huanlian deploy`, `huanlian up`: the chain, and everything on one machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backend.chain.deploy import deploy as deploy_contracts
from backend.chain.devnet import main as devnet_main
from backend.cli.places import CITY_ADMIN, DEFAULT_DATA, DEFAULT_RPC, DataDir, RpcUrl, devnet_key, open_rpc
from backend.cli.up import Up
from backend.settings import Settings


def devnet(data_dir: DataDir = DEFAULT_DATA, port: int = 8545) -> None:
    """Run the local chain until it is stopped."""
    raise typer.Exit(devnet_main(["--data-dir", str(data_dir / "devnet"), "--port", str(port)]))


def deploy(
    data_dir: DataDir = DEFAULT_DATA,
    rpc: RpcUrl = DEFAULT_RPC,
    admin_key: Annotated[
        str, typer.Option(envvar="HUANLIAN_ADMIN_KEY", help="The city's key; empty: the local devnet's.")
    ] = "",
) -> None:
    """Put the contracts on a chain, and write deployment.json and trust.json."""
    settings = Settings(data_dir=data_dir)
    key = bytes.fromhex(admin_key.removeprefix("0x")) if admin_key else devnet_key(CITY_ADMIN)
    with open_rpc(rpc) as node:
        deployment = deploy_contracts(node, admin_key=key)
    data_dir.mkdir(parents=True, exist_ok=True)
    deployment.save(settings.deployment_file)
    deployment.save_trust(settings.trust_file)
    typer.echo(f"ledger {deployment.custody_ledger} on chain {deployment.chain_id}; see {settings.trust_file}")


def up(
    data_dir: DataDir = DEFAULT_DATA,
    port: Annotated[int, typer.Option(help="Port of the one address.")] = 8000,
    rpc_port: Annotated[int, typer.Option(help="Port of the local chain.")] = 8545,
    lan: Annotated[bool, typer.Option("--lan", help="HTTPS for phones on this network.")] = False,
    seed: Annotated[bool, typer.Option(help="Fill an empty demo city with a morning's work.")] = True,
) -> None:
    """Start everything on this machine and print one address; Ctrl-C stops it all."""
    raise typer.Exit(Up(data_dir=Path(data_dir), port=port, rpc_port=rpc_port, is_lan=lan, seeds=seed).run())
