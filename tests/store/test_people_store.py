"""People, keys, sessions and the log of reads, on both databases."""

from __future__ import annotations

import threading

import pytest
from made_passkey import MadePasskeyInSoftware
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from backend.domain.people import ATTEMPT_SECONDS, IDLE_SECONDS, Person
from backend.domain.people_errors import (
    BadName,
    IdentityTaken,
    InvitationExpired,
    NoDemonstration,
    UnknownAttempt,
    UnknownIdentity,
    UnknownInvitation,
    UnknownPasskey,
    UnknownPerson,
)
from backend.domain.permissions import PersonRole
from backend.domain.sign_in_passkey import PasskeyAnswer
from backend.store.people import PeopleStore
from backend.store.session import Database
from backend.store.tables import PersonIdentity, PersonRow, PersonSession, SignInAttempt, table_of
from backend.usecases.people import (
    Invited,
    accept_with_passkey,
    begin_attempt,
    begin_session,
    enter_demo,
    find_session,
    invite,
    log_read,
    open_invitation,
    revoke,
    sign_in_with_identity,
    sign_in_with_passkey,
    take_attempt,
)
from backend.usecases.people_ports import Attempt

NOW, ORIGIN = 1_772_316_000, "https://bins.example.org"


def invited(database: Database, role: PersonRole = PersonRole.REGULATOR) -> Invited:
    with database.transaction() as connection:
        return invite(PeopleStore(connection), name="老王", role=role, organisation=7, now=NOW)


def attempt_of(database: Database, secret: str = "") -> tuple[bytes, Attempt]:
    with database.transaction() as connection:
        people = PeopleStore(connection)
        begun = begin_attempt(people, browser="b", now=NOW, invitation_secret=secret, next_page="/reads")
    with database.transaction() as connection:
        return begun.challenge, take_attempt(PeopleStore(connection), begun.challenge, browser="b", now=NOW)


def accept(database: Database, passkey: MadePasskeyInSoftware, secret: str) -> str:
    challenge, attempt = attempt_of(database, secret)
    client_data, data = passkey.make(challenge)
    with database.transaction() as connection:
        return accept_with_passkey(
            PeopleStore(connection),
            attempt,
            challenge=challenge,
            origin=ORIGIN,
            client_data=client_data,
            authenticator_data=data,
            now=NOW,
        ).token


def sign_in(database: Database, passkey: MadePasskeyInSoftware, *, origin: str = ORIGIN) -> str:
    challenge, _ = attempt_of(database)
    with database.transaction() as connection:
        return sign_in_with_passkey(
            PeopleStore(connection),
            challenge=challenge,
            origin=origin,
            credential_id=passkey.credential_id,
            answer=PasskeyAnswer(*passkey.answer(challenge)),
            now=NOW,
        ).token


def person_of(database: Database, token: str, now: int = NOW, *, is_demo: bool = False) -> Person | None:
    with database.transaction() as connection:
        session = find_session(PeopleStore(connection), token, now=now, is_demo=is_demo)
    return session and session.person


class TestAPerson:
    def test_comes_in_by_invitation_and_again_by_passkey(self, database: Database) -> None:
        passkey, made = MadePasskeyInSoftware(ORIGIN), invited(database)
        assert person_of(database, accept(database, passkey, made.secret)) == made.person
        passkey.count = 9
        assert person_of(database, sign_in(database, passkey)) == made.person
        with database.transaction(writes=False) as connection:
            kept = PeopleStore(connection).find_passkey(passkey.credential_id) if database.is_sqlite else None
        assert kept is None or kept.count == 9

    def test_comes_in_by_an_identity(self, database: Database) -> None:
        made = invited(database)
        for secret in (made.secret, ""):
            _, attempt = attempt_of(database, secret)
            with database.transaction() as connection:
                token = sign_in_with_identity(PeopleStore(connection), attempt, "id" * 32, NOW).token
            assert person_of(database, token) == made.person

    def test_has_an_identity_alone(self, database: Database) -> None:
        first, second = invited(database), invited(database)
        _, attempt = attempt_of(database, first.secret)
        with database.transaction() as connection:
            sign_in_with_identity(PeopleStore(connection), attempt, "id" * 32, NOW)
        _, attempt = attempt_of(database, second.secret)
        with pytest.raises(IdentityTaken), database.transaction() as connection:
            sign_in_with_identity(PeopleStore(connection), attempt, "id" * 32, NOW)
        # Nothing happened: the invitation is still open.
        with database.transaction() as connection:
            assert open_invitation(PeopleStore(connection), second.secret, NOW) == second.person

    def test_with_an_unknown_identity_is_nobody(self, database: Database) -> None:
        _, attempt = attempt_of(database)
        with pytest.raises(UnknownIdentity), database.transaction() as connection:
            sign_in_with_identity(PeopleStore(connection), attempt, "no" * 32, NOW)

    def test_answers_on_the_page_where_the_passkey_was_made(self, database: Database) -> None:
        passkey = MadePasskeyInSoftware(ORIGIN)
        accept(database, passkey, invited(database).secret)
        with pytest.raises(UnknownPasskey):
            sign_in(database, passkey, origin="https://other.example.org")

    def test_is_revoked_with_all_that_lets_them_in(self, database: Database) -> None:
        passkey, made = MadePasskeyInSoftware(ORIGIN), invited(database)
        token = accept(database, passkey, made.secret)
        with database.transaction() as connection:
            revoke(PeopleStore(connection), made.person.id, NOW + 5)
            revoke(PeopleStore(connection), made.person.id, NOW + 9)
        assert person_of(database, token) is None
        with pytest.raises(UnknownPasskey):
            sign_in(database, passkey)
        with database.transaction() as connection:
            (line,) = PeopleStore(connection).persons()
            assert connection.execute(select(table_of(PersonSession))).all() == []
        assert (line.person.revoked_at, line.passkeys, line.invited_until) == (NOW + 5, 0, None)

    def test_who_is_unknown_cannot_be_revoked(self, database: Database) -> None:
        with pytest.raises(UnknownPerson), database.transaction() as connection:
            revoke(PeopleStore(connection), "nobody", NOW)

    def test_has_a_name(self, database: Database) -> None:
        with pytest.raises(BadName), database.transaction() as connection:
            invite(PeopleStore(connection), name=" ", role=PersonRole.DISPATCHER, organisation=1, now=NOW)

    def test_is_listed(self, database: Database) -> None:
        made = invited(database)
        accept(database, MadePasskeyInSoftware(ORIGIN), made.secret)
        waiting = invited(database)
        with database.transaction() as connection:
            lines = {line.person.id: line for line in PeopleStore(connection).persons()}
        assert (lines[made.person.id].passkeys, lines[made.person.id].invited_until) == (1, None)
        assert (lines[waiting.person.id].passkeys, lines[waiting.person.id].invited_until) == (0, waiting.until)


class TestAnInvitation:
    def test_is_not_open_for_ever(self, database: Database) -> None:
        made = invited(database)
        with database.transaction() as connection:
            people = PeopleStore(connection)
            assert open_invitation(people, made.secret, made.until - 1) == made.person
            with pytest.raises(InvitationExpired):
                open_invitation(people, made.secret, made.until)
            for secret in ("", "x", made.secret[:-1]):
                with pytest.raises(UnknownInvitation):
                    open_invitation(people, secret, NOW)

    def test_is_kept_as_a_digest(self, database: Database) -> None:
        made = invited(database)
        with database.transaction() as connection:
            assert made.secret not in repr(connection.execute(select(table_of(PersonRow))).all())


class TestAnAttempt:
    def test_is_answered_once_by_its_browser(self, database: Database) -> None:
        with database.transaction() as connection:
            begun = begin_attempt(PeopleStore(connection), browser="b", now=NOW)

        def take(browser: str, now: int = NOW) -> Attempt:
            with database.transaction() as connection:
                return take_attempt(PeopleStore(connection), begun.challenge, browser=browser, now=now)

        for browser, now in (("c", NOW), ("", NOW), ("b", NOW + ATTEMPT_SECONDS)):
            with pytest.raises(UnknownAttempt):
                take(browser, now)
        assert take("b", NOW + ATTEMPT_SECONDS - 1).nonce == begun.nonce
        with pytest.raises(UnknownAttempt):
            take("b")

    def test_is_forgotten_when_it_is_over(self, database: Database) -> None:
        with database.transaction() as connection:
            people = PeopleStore(connection)
            begin_attempt(people, browser="b", now=NOW)
            begin_attempt(people, browser="b", now=NOW + 3600)
            assert len(connection.execute(select(table_of(SignInAttempt))).all()) == 1


class TestASession:
    def test_is_forgotten_when_it_is_over(self, database: Database) -> None:
        made = invited(database)
        with database.transaction() as connection:
            people = PeopleStore(connection)
            token = begin_session(people, made.person, NOW).token
            begin_session(people, made.person, NOW + IDLE_SECONDS)
            assert len(people.sessions_of(made.person.id)) == 1
        assert person_of(database, token, NOW + 1) is None

    def test_is_used_and_ended_by_its_person_only(self, database: Database) -> None:
        made, other = invited(database), invited(database)
        with database.transaction() as connection:
            people = PeopleStore(connection)
            session = begin_session(people, made.person, NOW).session
            people.see_session(session.id, NOW + 70)
            assert people.sessions_of(made.person.id)[0].seen_at == NOW + 70
            assert not people.end_session(session.id, person=other.person.id)
            assert people.end_session(session.id, person=made.person.id)
            begin_session(people, made.person, NOW)
            people.end_sessions(other.person.id)
            assert len(people.sessions_of(made.person.id)) == 1

    def test_of_a_demonstration_counts_in_one_only(self, database: Database) -> None:
        said = {"role": PersonRole.DISPATCHER, "name": "演示", "organisation": 2, "now": NOW}
        with database.transaction() as connection:
            people = PeopleStore(connection)
            tokens = [enter_demo(people, **said, is_demo=True).token for _ in range(2)]  # type: ignore[arg-type]
            with pytest.raises(NoDemonstration):
                enter_demo(people, **said, is_demo=False)  # type: ignore[arg-type]
        for token in tokens:
            found = person_of(database, token, is_demo=True)
            assert found is not None
            assert found.is_demo
            assert person_of(database, token) is None


class TestTheLogOfReads:
    def test_has_one_line_after_another(self, database: Database) -> None:
        made = invited(database)
        with database.transaction() as connection:
            people = PeopleStore(connection)
            lines = [log_read(people, made.person, f"/bins/{n}/oversight", NOW + n) for n in range(3)]
            found = people.reads(offset=0, limit=10)
            assert [line.read for line in found] == lines[::-1]
            assert {line.person for line in found} == {made.person}
            assert people.count_reads() == 3
            assert people.reads(offset=1, limit=1)[0].read == lines[1]

    def test_gives_each_number_once(self, database: Database) -> None:
        made = invited(database)
        barrier = threading.Barrier(4)

        def read() -> None:
            barrier.wait()
            for _ in range(5):
                while True:
                    try:
                        with database.transaction() as connection:
                            log_read(PeopleStore(connection), made.person, "/reads", NOW)
                        break
                    except IntegrityError:
                        continue

        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with database.transaction() as connection:
            lines = [line.read for line in PeopleStore(connection).reads(offset=0, limit=50)][::-1]
        assert len(lines) == 20
        assert all(line.follows(before) for before, line in zip([None, *lines], lines, strict=False))


def test_identities_are_kept_as_digests(database: Database) -> None:
    made = invited(database)
    _, attempt = attempt_of(database, made.secret)
    with database.transaction() as connection:
        sign_in_with_identity(PeopleStore(connection), attempt, "ab" * 32, NOW)
        (row,) = connection.execute(select(table_of(PersonIdentity))).all()
    assert row.digest == "ab" * 32
    assert row.person == made.person.id
