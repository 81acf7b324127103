"""Other people's P-256 signatures in a real browser, and the browser's own everywhere else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from p256_vectors import Signature, judge_all, wycheproof
from playwright.sync_api import Page
from sealing_page import SealingSite, call
from treaty_harness import ask_precompile

from backend.domain.seal import is_p256_signature_of

HIGH = 200


@pytest.fixture
def page(sealing_site: SealingSite) -> Iterator[Page]:
    with sealing_site.passkey_owner() as owner:
        yield owner.page


class TestPublishedSignatures:
    @pytest.mark.parametrize("check", ["webCrypto", "noble"])
    def test_are_judged_as_published(self, page: Page, check: str, capsys: pytest.CaptureFixture[str]) -> None:
        def judge(signatures: Iterable[Signature]) -> list[bool]:
            verdicts: list[bool] = call(page, "judge", [one.to_json() for one in signatures])[check]
            return verdicts

        counted = judge_all(f"Chromium, {check}", judge)
        with capsys.disabled():
            print(f"\n{counted}")

    def test_are_judged_as_published_when_the_app_reads_their_der(
        self, page: Page, capsys: pytest.CaptureFixture[str]
    ) -> None:
        published = wycheproof()
        given = [
            {"message": one.message.hex(), "x": f"{one.x:064x}", "y": f"{one.y:064x}", "der": one.der.hex()}
            for one in published
        ]
        verdicts = call(page, "judgeDer", given)
        for one, verdict in zip(published, verdicts, strict=True):
            assert bool(verdict) is one.is_valid, one.name
            assert (verdict is None) is isinstance(one.read(), str), one.name
        with capsys.disabled():
            print(
                f"\nChromium, from DER: {len(verdicts)} given, {verdicts.count(True)} accepted,"
                f" {verdicts.count(False)} refused by WebCrypto, {verdicts.count(None)} not read"
            )


class TestTheBrowsersOwnSignatures:
    def test_with_a_high_s_are_accepted_by_everybody(
        self, page: Page, harness: Any, capsys: pytest.CaptureFixture[str]
    ) -> None:
        made = call(page, "signHigh", HIGH)
        high, sent = ([to_signature(one) for one in made[name]] for name in ("high", "sent"))
        assert len(high) == HIGH
        assert all(one.is_high for one in high)
        assert not any(one.is_high for one in sent)
        for signatures in (high, sent):
            judged = call(page, "judge", [one.to_json() for one in signatures])
            for one, web_crypto, noble in zip(signatures, judged["webCrypto"], judged["noble"], strict=True):
                python = is_p256_signature_of(one.hash, x=one.x, y=one.y, r=one.r, s=one.s)
                assert (web_crypto, noble, python, ask_precompile(harness, one)) == (True, True, True, True), one
        with capsys.disabled():
            print(f"\nof {made['signatures']} digests signed by WebCrypto, {len(high)} had a high s; all accepted")


def to_signature(made: dict[str, str]) -> Signature:
    numbers = [int(made[name], 16) for name in "xyrs"]
    return Signature("made in the browser", bytes.fromhex(made["message"]), *numbers, True)
