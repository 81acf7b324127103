"""To invite people at the command line, list them, and take it back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from backend.cli.app import build_app
from backend.cli.places import open_database
from backend.domain.permissions import PersonRole
from backend.store.people import PeopleStore
from backend.store.tables import PersonRow, table_of
from backend.usecases.people import open_invitation


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HUANLIAN_DATABASE_URL", "HUANLIAN_PUBLIC_BASE_URL", "HUANLIAN_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def run(data_dir: Path, *command: str) -> Result:
    return CliRunner().invoke(build_app(), ["person", *command, "--data-dir", str(data_dir)])


def invite(
    data_dir: Path, *more: str, role: str = "regulator", organisation: str = "1", name: str = "老王"
) -> Result:
    return run(data_dir, "invite", "--role", role, "--organisation", organisation, "--name", name, *more)


class TestInvite:
    def test_prints_a_link_that_lets_the_person_in(self, data_dir: Path) -> None:
        result = invite(data_dir, "--address", "https://bins.example.org/")
        assert result.exit_code == 0, result.output
        found = re.search(r"https://bins\.example\.org/invitation#([\w-]{43})$", result.output, re.M)
        assert found is not None
        with open_database(data_dir) as database, database.transaction() as connection:
            person = open_invitation(PeopleStore(connection), found[1], 0)
            assert (person.name, person.role, person.organisation) == ("老王", PersonRole.REGULATOR, 1)
            assert found[1] not in repr(connection.execute(table_of(PersonRow).select()).all())

    def test_uses_the_address_that_people_know(self, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HUANLIAN_PUBLIC_BASE_URL", "https://known.example.org")
        assert "https://known.example.org/invitation#" in invite(data_dir).output

    @pytest.mark.parametrize("role", [role.value for role in PersonRole])
    def test_knows_every_role(self, data_dir: Path, role: str) -> None:
        assert invite(data_dir, role=role).exit_code == 0
        assert f"{role} of 000001 '老王': invited until" in run(data_dir, "list").output

    @pytest.mark.parametrize(
        "wrong", [{"role": "root"}, {"organisation": "0"}, {"organisation": "16777216"}, {"name": " "}]
    )
    def test_refuses_what_makes_no_sense(self, data_dir: Path, wrong: dict[str, str]) -> None:
        assert invite(data_dir, **wrong).exit_code != 0
        assert "0 of 0 may sign in" in run(data_dir, "list").output


class TestRevoke:
    def test_takes_it_back(self, data_dir: Path) -> None:
        person = re.search(r"person ([0-9a-f]{24}):", invite(data_dir).output)
        assert person is not None
        assert run(data_dir, "revoke", person[1]).exit_code == 0
        assert "0 of 1 may sign in" in run(data_dir, "list").output

    def test_says_that_nobody_has_this_id(self, data_dir: Path) -> None:
        result = run(data_dir, "revoke", "0" * 24)
        assert result.exit_code != 0
        assert type(result.exception).__name__ == "UnknownPerson"
