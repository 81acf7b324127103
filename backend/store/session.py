"""The database and its transactions: SQLite by default, PostgreSQL when the URL says so."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url

_MIGRATIONS = Path(__file__).parent / "migrations"
_BUSY_SECONDS = 60
_MIGRATION_LOCK = 0x4875616E6C69616E


class Database:
    """One database; `transaction` is the only way in.

    SQLite runs in WAL mode with synchronous=FULL, so a committed row survives a kill or a power cut.
    """

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.engine = _create_engine(url)
        self._writing = threading.Lock()

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded default."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def transaction(self, *, writes: bool = True) -> Iterator[Connection]:
        """Yield a connection whose work is committed at the end, or not at all.

        On SQLite a writing transaction takes the write lock at once, so it cannot fail half-way for want
        of it. A reading one sees one moment throughout, on either database.
        """
        with self._turn_to_write(writes), self.engine.connect() as connection:
            if self.is_sqlite:
                connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
            else:
                if not writes:
                    connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
                connection.begin()  # at once, because bulk statements go past SQLAlchemy
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    @contextmanager
    def _turn_to_write(self, writes: bool) -> Iterator[None]:
        """Let this process's writers queue: SQLite would let them ask again after longer and longer naps."""
        if not (writes and self.is_sqlite):
            yield
            return
        is_ours = self._writing.acquire(timeout=_BUSY_SECONDS)  # else SQLite says that it is locked
        try:
            yield
        finally:
            if is_ours:
                self._writing.release()

    def migrate(self) -> None:
        """Bring the schema to its newest version; of several processes one does it and the others wait."""
        if self.is_sqlite:
            command.upgrade(self._alembic(), "head")
            return
        with self.engine.connect() as waiting:
            waiting.exec_driver_sql(f"SELECT pg_advisory_lock({_MIGRATION_LOCK})")
            try:
                command.upgrade(self._alembic(), "head")
            finally:
                waiting.exec_driver_sql(f"SELECT pg_advisory_unlock({_MIGRATION_LOCK})")

    def schema_version(self) -> str | None:
        """Return the migration the database is at."""
        from alembic.migration import MigrationContext

        with self.engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()

    def newest_version(self) -> str | None:
        """Return the migration this code expects."""
        from alembic.script import ScriptDirectory

        return ScriptDirectory.from_config(self._alembic()).get_current_head()

    def _alembic(self) -> Config:
        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS))
        config.attributes["engine"] = self.engine
        return config

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def _create_engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, pool_pre_ping=True, pool_size=10, max_overflow=20)
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        parsed, connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False}, pool_size=20
    )

    @event.listens_for(engine, "connect")
    def _set_pragmas(dbapi_connection: object, _record: object) -> None:
        dbapi_connection.isolation_level = None  # type: ignore[attr-defined]
        cursor = dbapi_connection.cursor()  # type: ignore[attr-defined]
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-65536"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine
