"""What the rules about people and their sign-in say no to."""

from __future__ import annotations

from backend.domain.errors import DomainError


class PeopleError(DomainError):
    """Somebody cannot come in, or cannot be let in."""

    slug = "people-error"
    title = "Nobody is signed in by this"


class UnknownInvitation(PeopleError):
    """The secret belongs to no invitation that is open: it was used, withdrawn, or never was."""

    slug = "unknown-invitation"
    title = "There is no such invitation"

    def __init__(self) -> None:
        super().__init__("There is no such invitation, or it was used already.")


class InvitationExpired(PeopleError):
    """The invitation was good until an instant that has passed."""

    slug = "invitation-expired"
    title = "The invitation has expired"

    def __init__(self, *, until: int) -> None:
        super().__init__(f"The invitation was good until {until} (Unix seconds).")
        self.until = until


class BadPasskey(PeopleError):
    """What the browser answered is not a passkey's answer to our question, on our page."""

    slug = "bad-passkey"
    title = "The passkey's answer does not hold"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The passkey's answer does not hold: {reason}.")
        self.reason = reason


class UnknownPasskey(PeopleError):
    """Nobody who may sign in has this passkey."""

    slug = "unknown-passkey"
    title = "Nobody has this passkey"

    def __init__(self) -> None:
        super().__init__("Nobody who may sign in has this passkey.")


class UnknownAttempt(PeopleError):
    """The question is not one that we asked this browser, or it was answered already, or too late."""

    slug = "unknown-attempt"
    title = "This sign-in was not begun here"

    def __init__(self) -> None:
        super().__init__("This sign-in was not begun in this browser, was answered already, or took too long.")


class BadIdentity(PeopleError):
    """What the identity provider says cannot be relied on."""

    slug = "bad-identity"
    title = "The identity provider's answer does not hold"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The identity provider's answer does not hold: {reason}.")
        self.reason = reason


class UnknownIdentity(PeopleError):
    """The identity provider knows this person, but nobody invited them here."""

    slug = "unknown-identity"
    title = "Nobody here has this identity"

    def __init__(self) -> None:
        super().__init__("Nobody who may sign in has this identity.")


class IdentityTaken(PeopleError):
    """The passkey or identity belongs to another person already."""

    slug = "identity-taken"
    title = "It belongs to another person already"

    def __init__(self) -> None:
        super().__init__("This passkey or identity belongs to another person already.")


class UnknownPerson(PeopleError):
    """No person has this id."""

    slug = "unknown-person"
    title = "There is no such person"

    def __init__(self, *, person: str) -> None:
        super().__init__(f"There is no person {person}.")
        self.person = person


class BadName(PeopleError):
    """A display name is one line of 1 to 60 characters."""

    slug = "bad-name"
    title = "This is not a display name"

    def __init__(self) -> None:
        super().__init__("A display name is one line of 1 to 60 characters.")


class NoDemonstration(PeopleError):
    """Only a demonstration lets anybody in without a key."""

    slug = "no-demonstration"
    title = "This is not a demonstration"

    def __init__(self) -> None:
        super().__init__("Only a demonstration lets anybody in without a key.")
