"""A passkey's assertion, read by Python."""

from __future__ import annotations

from typing import Any

import pytest
from custody_stories import read_vectors

from backend.domain.passkey import SoftwarePasskey
from backend.domain.seal import is_seal_of
from backend.domain.webauthn import is_assertion_of, origin_digest_of
from backend.domain.writer import SigningKey

VECTORS = read_vectors("webauthn.json")
DIGEST = bytes(range(32))


@pytest.fixture(scope="module")
def passkey() -> SoftwarePasskey:
    return SoftwarePasskey(SigningKey.from_secret(7), "http://localhost:8000")


class TestAnAssertion:
    @pytest.mark.parametrize("case", VECTORS["assertions"], ids=lambda case: case["name"])
    def test_is_judged_as_the_treaty_says(self, case: dict[str, Any]) -> None:
        judged = is_assertion_of(
            bytes.fromhex(case["digest"]),
            origin_digest=int(case["origin_digest"], 16),
            assertion=bytes.fromhex(case["assertion"]),
            **{name: int(case[name], 16) for name in "xyrs"},
        )
        assert judged is case["is_valid"]

    def test_stands_for_no_bit_but_those_that_were_signed(self, passkey: SoftwarePasskey) -> None:
        assertion, r, s = passkey.assertion_over(DIGEST)
        x, y = passkey.key.public

        def judge(changed: bytes) -> bool:
            return is_assertion_of(
                DIGEST, origin_digest=passkey.origin_digest, assertion=changed, x=x, y=y, r=r, s=s
            )

        assert judge(assertion)
        for at in range(len(assertion) * 8):
            changed = bytearray(assertion)
            changed[at // 8] ^= 1 << at % 8
            assert not judge(bytes(changed)), f"bit {at}"

    def test_is_no_raw_seal_and_a_raw_seal_is_no_assertion(self, passkey: SoftwarePasskey) -> None:
        x, y = passkey.key.public
        assertion, r, s = passkey.assertion_over(DIGEST)
        assert not is_seal_of(DIGEST, x=x, y=y, r=r, s=s)
        r, s = passkey.key.sign(DIGEST)
        assert not is_assertion_of(
            DIGEST, origin_digest=passkey.origin_digest, assertion=assertion, x=x, y=y, r=r, s=s
        )


@pytest.mark.parametrize("case", VECTORS["origins"], ids=lambda case: case["origin"] or "empty")
def test_an_origin_has_the_digest_of_the_treaty(case: dict[str, str]) -> None:
    assert f"{origin_digest_of(case['origin']):016x}" == case["origin_digest"]
