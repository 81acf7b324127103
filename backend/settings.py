"""Every environment variable, typed, its unit in its name. Only main and cli read it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

# Part of it goes into a policy that browsers read: nothing in it may end a source, or a rule.
_NODE = r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?"


class Settings(BaseSettings):
    """How this process is set up; each field is the variable HUANLIAN_<FIELD>."""

    model_config = SettingsConfigDict(env_prefix="HUANLIAN_", extra="ignore")

    data_dir: Path = Field(default=Path("data"), description="Where everything that must survive is kept")
    database_url: str = Field(default="", description="SQLAlchemy URL; empty: SQLite in the data directory")
    rpc_urls: str = Field(default="http://127.0.0.1:8545", description="RPC endpoints, separated by commas")
    rpc_timeout_seconds: float = Field(default=15.0, gt=0, description="How long a node may take to answer")
    relayer_key: str = Field(default="", description="Hex key of the account that pays gas; nothing else")
    public_base_url: str = Field(default="", description="The address printed on labels")
    finality: Literal["tag"] | Annotated[int, Field(ge=0)] = Field(
        default="tag", description="What makes a block final: the node's tag, or so many blocks on top"
    )
    phone_nodes: str = Field(
        default="",
        pattern=rf"^({_NODE}(,{_NODE})*)?$",
        description="RPC endpoints that phones may ask of a block, separated by commas; best those of others",
    )
    poll_period_ms: int = Field(default=500, gt=0, description="How often the chain is asked for news")
    heartbeat_seconds: float = Field(default=5.0, gt=0, description="How often the server tells that it lives")
    backlog_after_seconds: int = Field(default=60, ge=0, description="A segment that waits longer is backlog")
    max_body_bytes: int = Field(default=2 * 1024 * 1024, gt=0, description="Largest request body")
    uploads_max: int = Field(default=64, gt=0, description="Uploads kept at a time; more are asked to come back")
    log_level: str = Field(default="info", description="debug, info, warning or error")
    hotline_url: str = Field(default="", description="Where the 12345 hotline takes work orders")
    hotline_key: str = Field(default="", description="The key both sides of the 12345 hotline show")
    anchor_device: str = Field(
        default="", pattern="^([0-9a-f]{16})?$", description="The device that anchors complaints; empty: none"
    )
    anchor_key: str = Field(default="", description="Hex key of that device; it seals anchors and nothing else")
    oidc_issuer: str = Field(default="", description="The identity provider that signs people in; empty: none")
    oidc_client_id: str = Field(default="", description="What the identity provider calls this server")
    oidc_client_secret: str = Field(default="", description="What this server shows to the identity provider")
    alerts_file: str = Field(default="", description="The JSON file that says who is alerted of what")
    map_layers_file: str = Field(default="", description="The JSON file of outside layers of the city's map")
    is_demo: bool = Field(default=False, description="Whether this is a demonstration; pages say so")

    @property
    def database(self) -> str:
        """The database's URL."""
        return self.database_url or f"sqlite:///{self.data_dir.absolute() / 'huanlian.db'}"

    @property
    def phone_node_urls(self) -> tuple[str, ...]:
        """The nodes that phones may ask, one by one."""
        return tuple(url for url in self.phone_nodes.split(",") if url)

    @property
    def deployment_file(self) -> Path:
        """Where the addresses of the contracts are kept."""
        return self.data_dir / "deployment.json"

    @property
    def trust_file(self) -> Path:
        """The trust file that the deployment wrote."""
        return self.data_dir / "trust.json"
