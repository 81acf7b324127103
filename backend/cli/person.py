"""`huanlian person`: who may sign in on the console. The only way in for people with power."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from backend.cli.places import DEFAULT_API, DEFAULT_DATA, DataDir, open_database
from backend.domain.people import INVITATION_SECONDS
from backend.domain.permissions import PersonRole
from backend.domain.types import organisation_text
from backend.settings import Settings
from backend.store.people import PeopleStore, PersonLine
from backend.usecases.people import invite as invite_person
from backend.usecases.people import revoke as revoke_person

_ORGANISATION_MAX = 0xFFFFFF

person_app = typer.Typer(
    name="person",
    help="Invite people to the console, and take it back.",
    no_args_is_help=True,
    add_completion=False,
)


@person_app.command()
def invite(
    role: Annotated[str, typer.Option(help=f"One of: {', '.join(PersonRole)}.")],
    organisation: Annotated[int, typer.Option(help="Number of the organisation that the person works for.")],
    name: Annotated[str, typer.Option(help="What the person is called on the console; all that is kept of them.")],
    address: Annotated[
        str, typer.Option("--address", help="Where people reach the console; empty: HUANLIAN_PUBLIC_BASE_URL.")
    ] = "",
    hours: Annotated[int, typer.Option(min=1, max=24 * 30, help="How long the link is good.")] = INVITATION_SECONDS
    // 3600,
    data_dir: DataDir = DEFAULT_DATA,
) -> None:
    """Invite somebody: prints a link that works once. Whoever opens it first comes in, so give it by hand."""
    if role not in set(PersonRole):
        raise typer.BadParameter(f"no such role: {role}")
    if not 0 < organisation <= _ORGANISATION_MAX:
        raise typer.BadParameter("an organisation's number is 1 to 16777215")
    base = (address or Settings(data_dir=data_dir).public_base_url or DEFAULT_API).rstrip("/")
    with open_database(data_dir) as database, database.transaction() as connection:
        invited = invite_person(
            PeopleStore(connection),
            name=name,
            role=PersonRole(role),
            organisation=organisation,
            now=int(time.time()),
            valid_seconds=hours * 3600,
        )
    typer.echo(f"person {invited.person.id}: {role} of organisation {organisation_text(organisation)}")
    # Behind the #, where no server and no log sees it.
    typer.echo(f"open once, until {_instant(invited.until)}: {base}/invitation#{invited.secret}")


@person_app.command("list")
def list_people(data_dir: DataDir = DEFAULT_DATA) -> None:
    """List everybody who was invited, the newest first."""
    now = int(time.time())
    with open_database(data_dir) as database, database.transaction(writes=False) as connection:
        lines = PeopleStore(connection).persons()
    for line in lines:
        typer.echo(_line(line, now))
    typer.echo(f"{sum(line.person.may_sign_in for line in lines)} of {len(lines)} may sign in")


@person_app.command()
def revoke(
    person: Annotated[str, typer.Argument(help="The person's id, as `list` shows it.")],
    data_dir: DataDir = DEFAULT_DATA,
) -> None:
    """Take a person's passkeys, identities, invitation and sessions away, at once and for good."""
    with open_database(data_dir) as database, database.transaction() as connection:
        revoked = revoke_person(PeopleStore(connection), person, int(time.time()))
    typer.echo(f"revoked {revoked.id}: {revoked.role} of organisation {organisation_text(revoked.organisation)}")


def _line(line: PersonLine, now: int) -> str:
    person = line.person
    if person.revoked_at is not None:
        state = f"revoked {_instant(person.revoked_at)}"
    elif line.invited_until is not None:
        state = f"invited until {_instant(line.invited_until)}{' EXPIRED' if now >= line.invited_until else ''}"
    elif person.is_demo:
        state = "made up for a demonstration"
    else:
        state = f"{line.passkeys} passkeys, {line.identities} identities"
    return f"{person.id} {person.role} of {organisation_text(person.organisation)} {person.name!r}: {state}"


def _instant(seconds: int) -> str:
    return (datetime.fromtimestamp(seconds, UTC) + timedelta(hours=8)).strftime("%Y-%m-%d %H:%M")
