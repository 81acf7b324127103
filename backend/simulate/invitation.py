"""A registrar's side of an enrolment: a one-time code, six digits to compare, and the seal."""

from __future__ import annotations

import time

from backend.domain.errors import DomainError
from backend.domain.layout import Kind
from backend.domain.types import Role, Scheme, device_id, organisation_text
from backend.domain.webauthn import origin_digest_of
from backend.domain.writer import JournalWriter
from backend.simulate.courier import Courier

_PAUSE_SECONDS = 0.5
_PAGES = {Role.REGISTRAR: "/console/registrar", Role.OFFICE: "/cases/passkey"}
"""Where a new device begins that is no phone."""


class InvitationEnded(DomainError):
    """Nobody came in time."""

    slug = "invitation-ended"
    title = "The invitation ended"


class Invitation:
    """One code, from its making to the enrolment it becomes."""

    def __init__(self, courier: Courier, *, organisation: int, role: Role) -> None:
        self._courier, self.organisation, self.role = courier, organisation, role
        body = {"organisation": organisation_text(organisation), "role": int(role)}
        self.code: str = courier.post("/api/v1/enrolments", body)["code"]

    @property
    def path(self) -> str:
        """Where the new device goes; the code stays in the fragment, which no server sees."""
        page = _PAGES.get(self.role, "/app/")
        return f"{page}#enrol={self.code}"

    def wait_for_key(self) -> str:
        """Return the six digits once a device has offered its key."""
        while True:
            shown = self._courier.get(f"/api/v1/enrolments/{self.code}")
            if shown["state"] == "waiting":
                return str(shown["check"])
            if shown["state"] == "expired":
                raise InvitationEnded("Nobody used the code within ten minutes.")
            time.sleep(_PAUSE_SECONDS)

    def approve(self, registrar: JournalWriter, serial: int, *, not_after: int = 0) -> int:
        """Seal the enrolment of the offered key, without an end where none is named; return the new id."""
        shown = self._courier.get(f"/api/v1/enrolments/{self.code}")
        offered, origin = shown["key"], shown["origin"]
        device = device_id(self.organisation, serial)
        writer = self._courier.continued(registrar)
        writer.write(
            Kind.ENROL,
            device=device,
            role=self.role,
            scheme=Scheme.RAW if origin is None else Scheme.WEBAUTHN,
            origin=0 if origin is None else origin_digest_of(origin),
            x=int(offered["x"], 16),
            y=int(offered["y"], 16),
            not_after=not_after,
            occurred_at=int(time.time()),
        )
        self._courier.hand_in(writer.cut())
        return device
