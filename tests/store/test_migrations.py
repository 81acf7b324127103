"""The schema's history ends in the tables that the code uses, and can be walked both ways."""

from __future__ import annotations

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from custody_stories import blocks_of, stories
from judged_lot import JudgedLot
from small_city import SmallCity
from sqlalchemy import inspect, select
from sqlmodel import SQLModel
from store_support import books_of, dump, fold

from backend.store.session import Database
from backend.store.tables import CustodyStep, table_of


def tables_of(database: Database) -> set[str]:
    return set(inspect(database.engine).get_table_names()) - {"alembic_version"}


class TestMigrations:
    def test_end_in_the_tables_of_the_code(self, empty: Database) -> None:
        assert empty.schema_version() is None
        empty.migrate()
        assert empty.schema_version() == empty.newest_version() is not None
        assert tables_of(empty) == set(SQLModel.metadata.tables)
        with empty.engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, SQLModel.metadata) == []

    def test_can_be_walked_back_and_forth_one_by_one(self, empty: Database) -> None:
        config = empty._alembic()
        revisions = [r.revision for r in ScriptDirectory.from_config(config).walk_revisions()][::-1]
        assert revisions
        for revision in revisions:
            command.upgrade(config, revision)
            command.downgrade(config, "-1")
            command.upgrade(config, revision)
        command.downgrade(config, "base")
        assert tables_of(empty) == set()
        empty.migrate()
        assert tables_of(empty) == set(SQLModel.metadata.tables)

    def test_find_again_what_recorded_entries_are_about(self, empty: Database) -> None:
        empty.migrate()
        judged = JudgedLot(SmallCity(empty))
        judged.amend_take()
        steps = select(table_of(CustodyStep)).order_by("device", "seq")
        with empty.transaction(writes=False) as connection:
            before = connection.execute(steps).all()
        assert any(step.about_seq == judged.take_seq for step in before)
        config = empty._alembic()
        command.downgrade(config, "0003")
        command.upgrade(config, "head")
        with empty.transaction(writes=False) as connection:
            assert connection.execute(steps).all() == before

    def test_find_again_where_the_lifts_are(self, empty: Database) -> None:
        empty.migrate()
        longest = max(stories(), key=lambda story: len(story.steps))
        fold(books_of(empty), blocks_of(longest))
        before = dump(empty)
        assert before["lift_run"]
        config = empty._alembic()
        command.downgrade(config, "0005")
        command.upgrade(config, "head")
        assert dump(empty) == before

    def test_done_already_change_nothing(self, database: Database) -> None:
        before = database.schema_version()
        database.migrate()
        assert database.schema_version() == before
