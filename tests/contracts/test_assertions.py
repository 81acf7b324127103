"""A passkey's assertion in Solidity, against tests/vectors and against Python."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from custody_stories import read_vectors
from webauthn_mutants import judge, mutants, signed_anew
from webauthn_vectors import Case, Maker, client_data

MUTANTS = 1000


def ask(harness: Any, case: dict[str, Any]) -> bool:
    r, s, x, y = (bytes.fromhex(case[name]) for name in "rsxy")
    digest, assertion = bytes.fromhex(case["digest"]), bytes.fromhex(case["assertion"])
    answer = harness.isAssertion(digest, int(case["origin_digest"], 16), assertion, r, s, x, y).call()
    assert isinstance(answer, bool)
    return answer


def ask_cut(harness: Any, case: Case, length: int) -> bool:
    """Ask of the assertion's first bytes while the others still stand behind them in the calldata."""
    x, y, r, s = (number.to_bytes(32, "big") for number in (*case.key, case.r, case.s))
    asked = harness.isAssertion(case.digest, case.origin_digest, case.assertion, r, s, x, y)
    data = bytes.fromhex(asked._encode_transaction_data()[2:])
    told = len(case.assertion).to_bytes(32, "big")
    assert data.count(told) == 1
    data = data.replace(told, length.to_bytes(32, "big"))
    return int.from_bytes(asked.w3.eth.call({"to": asked.address, "data": data}), "big") == 1


class TestAnAssertion:
    @pytest.mark.parametrize("case", read_vectors("webauthn.json")["assertions"], ids=lambda case: case["name"])
    def test_is_judged_as_the_treaty_says(self, harness: Any, case: dict[str, Any]) -> None:
        assert ask(harness, case) is case["is_valid"]

    def test_is_judged_as_python_does_whatever_its_bytes(self, harness: Any) -> None:
        """Nothing reverts, and the two languages never disagree."""
        for mutant, is_valid in mutants(MUTANTS):
            assert ask(harness, mutant.to_json()) is is_valid, mutant.to_json()

    def test_does_not_read_on_behind_its_end(self, harness: Any) -> None:
        maker = Maker("cut")
        whole = maker.good(
            "with a field more", client=lambda d: client_data(d, rest=b',"crossOrigin":false,"a":1}')
        )
        accepted = []
        for length in range(len(whole.assertion) + 1):
            cut = signed_anew(maker, replace(whole, assertion=whole.assertion[:length]))
            is_valid = judge(cut)
            assert ask_cut(harness, replace(cut, assertion=whole.assertion), length) is is_valid, length
            accepted += [length] * is_valid
        # From the comma on.
        assert accepted == list(range(len(whole.assertion) - len(b'"a":1}'), len(whole.assertion) + 1))
