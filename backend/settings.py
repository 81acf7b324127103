"""Every environment variable, typed, its unit in its name. Only main and cli read it."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """How this process is set up; each field is the variable HUANLIAN_<FIELD>."""

    model_config = SettingsConfigDict(env_prefix="HUANLIAN_", extra="ignore")

    data_dir: Path = Field(default=Path("data"), description="Where everything that must survive is kept")
    database_url: str = Field(default="", description="SQLAlchemy URL; empty: SQLite in the data directory")
    rpc_urls: str = Field(default="http://127.0.0.1:8545", description="RPC endpoints, separated by commas")
    relayer_key: str = Field(default="", description="Hex key of the account that pays gas; nothing else")
    public_base_url: str = Field(default="", description="The address printed on labels")
    finality_depth_blocks: int = Field(default=2, ge=0, description="Blocks on top that make a block final")
    poll_period_ms: int = Field(default=500, gt=0, description="How often the chain is asked for news")
    max_body_bytes: int = Field(default=2 * 1024 * 1024, gt=0, description="Largest request body")
    log_level: str = Field(default="info", description="debug, info, warning or error")
    is_demo: bool = Field(default=False, description="Whether this is a demonstration; pages say so")

    @property
    def database(self) -> str:
        """The database's URL."""
        return self.database_url or f"sqlite:///{self.data_dir.absolute() / 'huanlian.db'}"

    @property
    def deployment_file(self) -> Path:
        """Where the addresses of the contracts are kept."""
        return self.data_dir / "deployment.json"

    @property
    def trust_file(self) -> Path:
        """The trust file that the deployment wrote."""
        return self.data_dir / "trust.json"
