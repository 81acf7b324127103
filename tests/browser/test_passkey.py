"""A real browser's passkey seals, and everybody who checks seals says the same of it."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
from playwright.sync_api import Error
from sealing_page import SealingSite, call
from webauthn_mutants import mutants

from backend.domain.seal import CURVE_ORDER
from backend.domain.webauthn import is_assertion_of, origin_digest_of

SEALS = 20
MUTANTS = 1000


def ask(harness: Any, site_origin: str, passkey: dict[str, str], digest: str, seal: dict[str, str]) -> list[bool]:
    """What Python and the contract say."""
    assertion, origin_digest = bytes.fromhex(seal["assertion"]), origin_digest_of(site_origin)
    numbers = {name: int((passkey | seal)[name], 16) for name in "xyrs"}
    python = is_assertion_of(bytes.fromhex(digest), origin_digest=origin_digest, assertion=assertion, **numbers)
    r, s, x, y = (numbers[name].to_bytes(32, "big") for name in "rsxy")
    contract = harness.isAssertion(bytes.fromhex(digest), origin_digest, assertion, r, s, x, y).call()
    return [python, contract]


class TestAPasskey:
    def test_seals_for_the_browser_python_and_the_contract(
        self, sealing_site: SealingSite, harness: Any, capsys: pytest.CaptureFixture[str]
    ) -> None:
        origin = sealing_site.origin
        with sealing_site.passkey_owner() as owner:
            passkey = call(owner.page, "make")
            assert passkey["origin"] == origin
            for _ in range(SEALS):
                digest, another = secrets.token_hex(32), secrets.token_hex(32)
                seal = call(owner.page, "seal", passkey, digest)
                high = seal | {"s": f"{CURVE_ORDER - int(seal['s'], 16):064x}"}
                assert int(seal["s"], 16) < int(high["s"], 16)
                for good in (seal, high):
                    assert call(owner.page, "isSeal", passkey, digest, good)
                    assert ask(harness, origin, passkey, digest, good) == [True, True]
                assert not call(owner.page, "isSeal", passkey, another, seal)
                assert ask(harness, origin, passkey, another, seal) == [False, False]
                elsewhere = sealing_site.other_origin
                assert not call(owner.page, "isSeal", passkey | {"origin": elsewhere}, digest, seal)
                assert ask(harness, elsewhere, passkey, digest, seal) == [False, False]
        length = int(seal["assertion"][:4], 16)
        with capsys.disabled():
            print(f"\nan assertion of {len(seal['assertion']) // 2} bytes, {length} of them authenticator data:")
            print(bytes.fromhex(seal["assertion"])[2 + length :].decode())

    def test_does_not_seal_for_somebody_else(self, sealing_site: SealingSite) -> None:
        with sealing_site.passkey_owner() as owner:
            passkey = call(owner.page, "make")
            owner.can_be_verified(False)
            with pytest.raises(Error, match="NotAllowedError"):
                call(owner.page, "seal", passkey, secrets.token_hex(32))

    def test_does_not_seal_on_a_page_of_another_origin(self, sealing_site: SealingSite) -> None:
        with sealing_site.passkey_owner() as owner:
            passkey = call(owner.page, "make")
            owner.page.goto(sealing_site.other_origin)
            # The browser itself lets it be used there: both are `localhost`.
            with pytest.raises(Error, match="no verifier accepts its answer"):
                call(owner.page, "seal", passkey, secrets.token_hex(32))

    def test_does_not_seal_inside_a_frame_of_another_page(self, sealing_site: SealingSite) -> None:
        with sealing_site.passkey_owner() as owner:
            owner.page.goto(sealing_site.other_origin)
            passkey = call(owner.page, "make")
            assert call(owner.page, "seal", passkey, secrets.token_hex(32))
            owner.page.goto(sealing_site.origin)
            add_frame = """(address) => {
                const frame = document.createElement("iframe");
                frame.allow = "publickey-credentials-get *";
                frame.src = address;
                document.body.append(frame);
            }"""
            owner.page.evaluate(add_frame, sealing_site.other_origin)
            owner.page.wait_for_selector("iframe")
            frame = owner.page.frames[-1]
            frame.wait_for_url(sealing_site.other_origin + "/")
            with pytest.raises(Error, match="no verifier accepts its answer"):
                call(frame, "seal", passkey, secrets.token_hex(32))


def test_an_assertion_is_judged_as_python_does_whatever_its_bytes(sealing_site: SealingSite) -> None:
    changed = list(mutants(MUTANTS))
    with sealing_site.passkey_owner() as owner:
        verdicts = call(owner.page, "judgeAssertions", [mutant.to_json() for mutant, _ in changed])
    for (mutant, is_valid), judged in zip(changed, verdicts, strict=True):
        assert judged == [is_valid, is_valid], mutant.to_json()
