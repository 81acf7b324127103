"""Where a command finds the data directory, the chain and the server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from eth_account import Account

from backend.chain.anvil import TEST_MNEMONIC
from backend.chain.client import Rpc
from backend.chain.deploy import Deployment
from backend.chain.governance import Governors
from backend.chain.transactions import account_of
from backend.domain.errors import DomainError
from backend.settings import Settings
from backend.store.session import Database

DataDir = Annotated[Path, typer.Option(envvar="HUANLIAN_DATA_DIR", help="Where everything is kept.")]
RpcUrl = Annotated[str, typer.Option("--rpc", envvar="HUANLIAN_RPC_URLS", help="A node of the chain.")]
ApiUrl = Annotated[str, typer.Option("--api", envvar="HUANLIAN_API_URL", help="A Huanlian server.")]

DEFAULT_DATA = Path("data")
DEFAULT_RPC = "http://127.0.0.1:8545"
DEFAULT_API = "http://127.0.0.1:8000"

# The local devnet's accounts have ether from the start, by number of its well-known mnemonic.
CITY_ADMIN, RELAYER, FIELD = 0, 1, 2
DEMO_DISTRICT, DEMO_AUDITOR = 8, 9


class NotSetUp(DomainError):
    """Something that an earlier command makes is not there."""

    slug = "not-set-up"
    title = "Not set up yet"


def devnet_key(number: int) -> bytes:
    """Return the key of one of the local devnet's accounts; they are public and hold nothing of value."""
    Account.enable_unaudited_hdwallet_features()
    account = Account.from_mnemonic(TEST_MNEMONIC, account_path=f"m/44'/60'/0'/0/{number}")
    return bytes(account.key)


def demo_governors() -> Governors:
    """Return the accounts that govern a demonstration; its city need not give notice."""
    city, district, auditor = (
        account_of(devnet_key(number)).address for number in (CITY_ADMIN, DEMO_DISTRICT, DEMO_AUDITOR)
    )
    return Governors(city, districts=(district,), auditors=(auditor,), notice_seconds=0)


def require_deployment(data_dir: Path) -> Deployment:
    """Return where the contracts are, as `huanlian deploy` wrote it down."""
    path = Settings(data_dir=data_dir).deployment_file
    if not path.exists():
        raise NotSetUp(f"{path} is not there; run `huanlian deploy` or `scripts/serve` first.")
    return Deployment.load(path)


@contextmanager
def open_database(data_dir: Path) -> Iterator[Database]:
    """Yield the database at its newest schema."""
    database = Database(Settings(data_dir=data_dir).database)
    database.migrate()
    try:
        yield database
    finally:
        database.close()


@contextmanager
def open_rpc(url: str) -> Iterator[Rpc]:
    """Yield a connection to the chain."""
    with Rpc(url.split(",")) as rpc:
        yield rpc
