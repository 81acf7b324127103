"""To invite a person, to let them in by passkey or identity, to know them again, and to take it all back."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from backend.domain.people import (
    ATTEMPT_SECONDS,
    INVITATION_SECONDS,
    PageRead,
    Person,
    Session,
    read_digest,
    require_name,
    secret_digest,
)
from backend.domain.people_errors import (
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
from backend.domain.sign_in_passkey import PasskeyAnswer, read_made_passkey, require_passkey_answer
from backend.usecases.people_ports import Attempt, KeptPasskey, People

_ID_BYTES, _SECRET_BYTES = 12, 32


@dataclass(frozen=True)
class Invited:
    """A person who may come in, and the secret that lets them; it is told once and not kept."""

    person: Person
    secret: str
    until: int


@dataclass(frozen=True)
class Begun:
    """A sign-in that waits for its answer: `challenge` is what a passkey signs, or the provider's `state`."""

    challenge: bytes
    nonce: str
    verifier: str


@dataclass(frozen=True)
class SignedIn:
    """A new session and the token that its browser keeps."""

    session: Session
    token: str


def invite(
    people: People,
    *,
    name: str,
    role: PersonRole,
    organisation: int,
    now: int,
    valid_seconds: int = INVITATION_SECONDS,
) -> Invited:
    """Keep a person, and return the secret under which they may come in once.

    Raises:
        BadName: the display name is none.
    """
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    person = Person(secrets.token_hex(_ID_BYTES), require_name(name), role, organisation, invited_at=now)
    people.add_person(person, invitation=_invitation(secret), until=now + valid_seconds)
    return Invited(person, secret, now + valid_seconds)


def open_invitation(people: People, secret: str, now: int) -> Person:
    """Return whom an invitation is for; it stays open.

    Raises:
        UnknownInvitation: it was used, withdrawn, or never was.
        InvitationExpired: it came too late.
    """
    return _open(people, _invitation(secret), now)


def begin_attempt(
    people: People, *, browser: str, now: int, invitation_secret: str = "", next_page: str = "/"
) -> Begun:
    """Keep that a browser begins to sign in; `browser` is that browser's own secret."""
    people.forget_over(now)
    begun = Begun(secrets.token_bytes(_SECRET_BYTES), secrets.token_urlsafe(24), secrets.token_urlsafe(48))
    people.add_attempt(
        Attempt(
            digest=_attempt(begun.challenge),
            browser=secret_digest("browser", browser),
            expires_at=now + ATTEMPT_SECONDS,
            invitation=_invitation(invitation_secret) if invitation_secret else "",
            verifier=begun.verifier,
            nonce=begun.nonce,
            next=next_page,
        )
    )
    return begun


def take_attempt(people: People, challenge: bytes, *, browser: str, now: int) -> Attempt:
    """Return the sign-in that this is the answer to; it can be answered once, so this is kept at once.

    Raises:
        UnknownAttempt: it was begun in another browser, answered already, too long ago, or never.
    """
    attempt = people.take_attempt(_attempt(challenge))
    if attempt is None or attempt.browser != secret_digest("browser", browser) or now >= attempt.expires_at:
        raise UnknownAttempt
    return attempt


def accept_with_passkey(
    people: People,
    attempt: Attempt,
    *,
    challenge: bytes,
    origin: str,
    client_data: bytes,
    authenticator_data: bytes,
    now: int,
) -> SignedIn:
    """Give an invited person the passkey that they made, and sign them in.

    Raises:
        UnknownInvitation: somebody was faster, or it was withdrawn.
        InvitationExpired: it came too late.
        BadPasskey: the answer does not hold.
        IdentityTaken: the passkey is somebody's already.
    """
    person = _open(people, attempt.invitation, now)
    made = read_made_passkey(
        challenge=challenge, origin=origin, client_data=client_data, authenticator_data=authenticator_data
    )
    _use(people, attempt.invitation)
    kept = KeptPasskey(made.credential_id, person, origin, made.x, made.y, made.count)
    if not people.add_passkey(kept, now):
        raise IdentityTaken
    return begin_session(people, person, now)


def sign_in_with_passkey(
    people: People, *, challenge: bytes, origin: str, credential_id: bytes, answer: PasskeyAnswer, now: int
) -> SignedIn:
    """Sign a person in by their passkey's answer.

    Raises:
        UnknownPasskey: nobody who may sign in has it, or it was made on another page.
        BadPasskey: the answer does not hold.
    """
    passkey = people.find_passkey(credential_id)
    if passkey is None or passkey.origin != origin or not passkey.person.may_sign_in:
        raise UnknownPasskey
    count = require_passkey_answer(
        answer, challenge=challenge, origin=origin, x=passkey.x, y=passkey.y, count=passkey.count
    )
    people.count_passkey(credential_id, count)
    return begin_session(people, passkey.person, now)


def sign_in_with_identity(people: People, attempt: Attempt, identity: str, now: int) -> SignedIn:
    """Sign a person in whom an identity provider knows; `identity` is the digest of what it calls them.

    With an invitation, the identity becomes the invited person's.

    Raises:
        UnknownInvitation: somebody was faster, or it was withdrawn.
        InvitationExpired: it came too late.
        IdentityTaken: the identity is another person's already.
        UnknownIdentity: nobody who may sign in has it.
    """
    if attempt.invitation:
        person = _open(people, attempt.invitation, now)
        _use(people, attempt.invitation)
        if not people.add_identity(identity, person.id, now):
            raise IdentityTaken
        return begin_session(people, person, now)
    found = people.find_identity(identity)
    if found is None or not found.may_sign_in:
        raise UnknownIdentity
    return begin_session(people, found, now)


def enter_demo(
    people: People, *, role: PersonRole, name: str, organisation: int, is_demo: bool, now: int
) -> SignedIn:
    """Sign a visitor of a demonstration in as its made-up person of a role.

    Raises:
        NoDemonstration: this is not one.
    """
    if not is_demo:
        raise NoDemonstration
    person = people.find_person(f"demo-{role}")
    if person is None:
        person = Person(f"demo-{role}", name, role, organisation, invited_at=now, is_demo=True)
        people.add_person(person, invitation="", until=now)
    return begin_session(people, person, now)


def begin_session(people: People, person: Person, now: int) -> SignedIn:
    """Return a new session of a person, under a token that nobody had before."""
    people.forget_over(now)
    token = secrets.token_urlsafe(_SECRET_BYTES)
    session = Session(secrets.token_hex(_ID_BYTES), person, begun_at=now, seen_at=now)
    people.add_session(secret_digest("session", token), session)
    return SignedIn(session, token)


def find_session(people: People, token: str, *, now: int, is_demo: bool) -> Session | None:
    """Return the session of a token; None where it is over, its person revoked, or made up for a demonstration."""
    session = people.find_session(secret_digest("session", token))
    if session is None or session.is_over(now) or not session.person.may_sign_in:
        return None
    return None if session.person.is_demo and not is_demo else session


def revoke(people: People, person_id: str, now: int) -> Person:
    """Take everything back that lets a person in, and end their sessions; return who it was.

    Raises:
        UnknownPerson: there is none.
    """
    person = people.find_person(person_id)
    if person is None:
        raise UnknownPerson(person=person_id)
    people.revoke(person_id, now)
    return person


def log_read(people: People, person: Person, page: str, now: int) -> PageRead:
    """Append to the log that a person reads a page now; return the line."""
    last = people.last_read()
    number, previous = (1, b"") if last is None else (last.number + 1, last.digest)
    digest = read_digest(previous, number=number, at=now, person=person.id, page=page)
    read = PageRead(number, now, person.id, page, digest)
    people.add_read(read)
    return read


def _open(people: People, invitation: str, now: int) -> Person:
    found = people.find_invitation(invitation) if invitation else None
    if found is None or not found[0].may_sign_in:
        raise UnknownInvitation
    person, until = found
    if now >= until:
        raise InvitationExpired(until=until)
    return person


def _use(people: People, invitation: str) -> None:
    if not people.use_invitation(invitation):
        raise UnknownInvitation


def _invitation(secret: str) -> str:
    return secret_digest("invitation", secret)


def _attempt(challenge: bytes) -> str:
    return secret_digest("attempt", challenge.hex())
