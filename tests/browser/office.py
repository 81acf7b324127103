"""Somebody in an office: a browser with a passkey of its own, enrolled for an organisation, acting in cases."""

from __future__ import annotations

import re
from typing import Any

from people import DESK, PATIENCE, Person, Registrar, Town
from playwright.sync_api import CDPSession, expect

from backend.domain.types import Role

_ONE_ALGORITHM = "pubKeyCredParams is missing at least one of the default algorithm identifiers"


class Office(Person):
    """A person at a desk whose device answers for them when it is asked."""

    def __init__(self, town: Town, name: str, language: str = "zh") -> None:
        super().__init__(town, name, town.page(DESK, language=language), language)
        self._session: CDPSession = self.context.new_cdp_session(self.page)
        self._session.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        added = self._session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        self._authenticator = added["authenticatorId"]

    def can_be_verified(self, can: bool) -> None:
        """Say whether finger, face or PIN are the right ones from now on."""
        told = {"authenticatorId": self._authenticator, "isUserVerified": can}
        self._session.send("WebAuthn.setUserVerified", told)

    def invited_by(self, desk: Registrar) -> None:
        """Enrol with an invitation that a registrar's desk shows, as people do."""
        desk.find("registrar-role").select_option("office")
        desk.tap("registrar-new")
        link = desk.seen("registrar-link").inner_text()
        assert "/cases/passkey#enrol=" in link
        self.page.goto(link)
        self.tap("passkey-make")
        digits = self.told("passkey-check", "check")
        assert re.fullmatch(r"\d{6}", digits)
        assert desk.told("registrar-check", "check") == digits
        desk.tap("registrar-approve")
        self._enrolled()
        assert desk.told("registrar-approved", "device") == self.device
        desk.page.get_by_test_id("registrar-approved").locator("..").get_by_role("button").last.click()
        desk.seen("registrar-new")

    def invited(self, organisation: int) -> None:
        """Enrol with an invitation of the software registrar; the code is pasted."""
        with self.town.system.invitation(organisation, Role.OFFICE) as (invitation, approve):
            self.page.goto(self.town.system.url + "/cases/passkey")
            self.seen("passkey-code").fill(invitation.code)
            self.tap("passkey-make")
            assert self.told("passkey-check", "check") == invitation.wait_for_key()
            device = approve()
        self._enrolled()
        assert self.device == f"{device:016x}"

    def _enrolled(self) -> None:
        self.device = self.told("passkey-done", "device")
        self.forgive_the_browser()

    def forgive_the_browser(self) -> None:
        # The browser would like RSA to be allowed as well; the ledger knows one algorithm.
        watch = self.town.watch
        watch.complaints[:] = [each for each in watch.complaints if _ONE_ALGORITHM not in each]

    def review(self, action: str, *, value: str | None = None, reason: str = "") -> str:
        """Choose an action and fill it in; return what the page says is about to be sealed."""
        self.seen(f"act-do-{action}").click()
        if value is not None:
            self.seen("act-value").fill(value)
        self.seen("act-reason").fill(reason)
        self.tap("act-review")
        return self.seen("act-lines").inner_text()

    def seal(self) -> tuple[str, int]:
        """Seal what is on the screen; return the entry once the ledger has it."""
        self.tap("act-seal")
        done = self.seen("act-recorded")
        expect(done).to_have_attribute("data-outcome", re.compile("applied|1"), timeout=PATIENCE)
        device, seq = done.get_attribute("data-device"), done.get_attribute("data-seq")
        assert device == self.device
        return device, int(seq or 0)

    def fields_of(self, device: str, seq: int) -> dict[str, Any]:
        fields: dict[str, Any] = self.town.system.get(f"/api/v1/entries/{device}/{seq}")["fields"]
        return fields
