"""Other people's P-256 signatures, judged by Python."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from p256_vectors import Signature, judge_all

from backend.domain.seal import CURVE_ORDER, is_p256_signature_of, is_seal_of
from backend.domain.writer import SigningKey


def with_hash(signatures: Sequence[Signature]) -> list[bool]:
    return [is_p256_signature_of(one.hash, x=one.x, y=one.y, r=one.r, s=one.s) for one in signatures]


def with_message(signatures: Sequence[Signature]) -> list[bool]:
    return [is_seal_of(one.message, x=one.x, y=one.y, r=one.r, s=one.s) for one in signatures]


class TestPublishedSignatures:
    def test_are_judged_as_published(self, capsys: pytest.CaptureFixture[str]) -> None:
        counted = judge_all("Python", with_hash)
        with capsys.disabled():
            print(f"\n{counted}")

    def test_are_judged_alike_when_python_hashes(self) -> None:
        judge_all("Python, over the message", with_message)


class TestASignature:
    def test_is_refused_outside_one_to_the_order(self) -> None:
        key, sha256 = SigningKey.from_secret(5), bytes(32)
        (x, y), (r, s) = key.public, key.sign(b"")
        for wrong in (0, CURVE_ORDER, CURVE_ORDER + 1, (1 << 256) - 1, -1, 1 << 256):
            assert not is_p256_signature_of(sha256, x=x, y=y, r=wrong, s=s)
            assert not is_p256_signature_of(sha256, x=x, y=y, r=r, s=wrong)
