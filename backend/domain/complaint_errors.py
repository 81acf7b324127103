"""What a complaint's rules say no to."""

from __future__ import annotations

from backend.domain.errors import DomainError


class ComplaintError(DomainError):
    """A step that a complaint cannot take."""

    slug = "complaint-error"
    title = "The complaint cannot take this step"


class WrongStage(ComplaintError):
    """The step belongs to another stage than the one the case is in."""

    slug = "wrong-stage"
    title = "Not at this stage"

    def __init__(self, *, act: str, stage: str) -> None:
        super().__init__(f"A case in stage {stage} cannot be taken on by {act}.")
        self.act, self.stage = act, stage


class NotTheOwner(ComplaintError):
    """Somebody else has to take this step."""

    slug = "not-the-owner"
    title = "This step is somebody else's"

    def __init__(self, *, act: str, owner: int, by: int) -> None:
        super().__init__(f"{act} is for organisation {owner:06x}, not for {by:06x} (000000 is the complainant).")
        self.act, self.owner, self.by = act, owner, by


class CaseClosed(ComplaintError):
    """The case is closed; only an appeal opens it again."""

    slug = "case-closed"
    title = "The case is closed"

    def __init__(self, *, act: str) -> None:
        super().__init__(f"The case is closed: {act} comes too late.")
        self.act = act


class NoEvidence(ComplaintError):
    """An answer names no custody fact and no document."""

    slug = "no-evidence"
    title = "An answer needs evidence"

    def __init__(self) -> None:
        super().__init__("Name at least one entry of the ledger or one document that shows what was done.")


class UnknownKind(ComplaintError):
    """A complaint about something that the list does not have."""

    slug = "unknown-complaint-kind"
    title = "There is no such kind of complaint"

    def __init__(self, *, kind: int) -> None:
        super().__init__(f"There is no kind {kind} of complaint.")
        self.kind = kind


class NoSuchDay(ComplaintError):
    """A pick-up is asked for on a day that is not to be had, or a complaint asks for one."""

    slug = "no-such-day"
    title = "A pick-up is on one of the next fourteen days"

    def __init__(self, *, day: int) -> None:
        super().__init__(f"{day} is not one of the next fourteen days, or no pick-up is asked for.")
        self.day = day


class UnknownFinding(ComplaintError):
    """An answer that says neither yes, in part, nor no."""

    slug = "unknown-finding"
    title = "There is no such finding"

    def __init__(self, *, finding: int) -> None:
        super().__init__(f"There is no finding {finding}.")
        self.finding = finding


class NoHandler(ComplaintError):
    """A case is assigned to nobody."""

    slug = "no-handler"
    title = "A case is assigned to an organisation"

    def __init__(self) -> None:
        super().__init__("Name the organisation that has to handle the case.")


class StarsOutOfRange(ComplaintError):
    """A rating is one to five."""

    slug = "stars-out-of-range"
    title = "A rating is one to five"

    def __init__(self, *, stars: int) -> None:
        super().__init__(f"{stars} is not a rating from 1 to 5.")
        self.stars = stars


class AlreadyRated(ComplaintError):
    """An answer is rated once."""

    slug = "already-rated"
    title = "The answer was rated already"

    def __init__(self) -> None:
        super().__init__("This answer was rated already.")


class RatingAwaited(ComplaintError):
    """The complainant still has time to rate the answer."""

    slug = "rating-awaited"
    title = "The complainant may still rate"

    def __init__(self, *, until: int) -> None:
        super().__init__(f"The complainant may rate until {until} (Unix seconds); close then, or once rated.")
        self.until = until


class AlreadyAppealed(ComplaintError):
    """A case is opened again once."""

    slug = "already-appealed"
    title = "The case was appealed already"

    def __init__(self) -> None:
        super().__init__("A case can be appealed once.")


class AppealTooLate(ComplaintError):
    """The time to appeal is over."""

    slug = "appeal-too-late"
    title = "The time to appeal is over"

    def __init__(self, *, until: int) -> None:
        super().__init__(f"An appeal was possible until {until} (Unix seconds).")
        self.until = until


class BrokenChain(ComplaintError):
    """A statement does not follow the one before it."""

    slug = "broken-chain"
    title = "The statements do not follow one another"

    def __init__(self, *, number: int) -> None:
        super().__init__(f"Statement {number} does not follow the one before it.")
        self.number = number


class UnreadableStatement(ComplaintError):
    """The bytes are not a statement in canonical form."""

    slug = "unreadable-statement"
    title = "The statement cannot be read"

    def __init__(self) -> None:
        super().__init__("These bytes are not a statement in canonical form (RFC 8785).")


class TextTooLong(ComplaintError):
    """A text is longer than is kept."""

    slug = "text-too-long"
    title = "The text is too long"

    def __init__(self, *, characters: int, characters_max: int) -> None:
        super().__init__(f"The text has {characters} characters; {characters_max} are kept.")
        self.characters, self.characters_max = characters, characters_max
