"""Other people's P-256 signatures, judged by the chain's precompile through `Seal.verifyP256`."""

from __future__ import annotations

from typing import Any

import pytest
from p256_vectors import judge_all
from treaty_harness import ask_precompile


class TestPublishedSignatures:
    def test_are_judged_as_published(self, harness: Any, capsys: pytest.CaptureFixture[str]) -> None:
        counted = judge_all("Contract", lambda all_of_them: [ask_precompile(harness, one) for one in all_of_them])
        with capsys.disabled():
            print(f"\n{counted}")
