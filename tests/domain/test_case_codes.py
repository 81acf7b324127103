"""The code a complainant keeps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.case_code import (
    ALPHABET,
    SECRET_BYTES,
    BadCaseCode,
    case_code,
    code_digest,
    grouped_code,
    read_case_code,
)

SECRETS = st.binary(min_size=SECRET_BYTES, max_size=SECRET_BYTES)


class TestCaseCode:
    @given(SECRETS)
    def test_is_read_as_it_was_shown(self, secret: bytes) -> None:
        code = case_code(secret)
        shown = grouped_code(code)
        assert [len(group) for group in shown.split("-")] == [5] * 5
        for typed in (code, shown, shown.lower(), f"  {shown.replace('-', ' ')}\n"):
            assert read_case_code(typed) == code

    @given(SECRETS, SECRETS)
    def test_holds_every_bit_of_its_secret(self, one: bytes, other: bytes) -> None:
        assert (case_code(one) == case_code(other)) is (one == other)

    def test_reads_letters_that_look_like_digits(self) -> None:
        code = case_code(bytes(SECRET_BYTES))
        assert code == "0" * 25
        assert read_case_code("OoOoO-00000-00000-00000-00000") == code
        one = case_code((1).to_bytes(SECRET_BYTES, "big"))
        assert read_case_code(one.replace("1", "l")) == one == read_case_code(one.replace("1", "I"))

    @given(SECRETS, st.integers(0, 24), st.sampled_from(ALPHABET))
    def test_notices_one_wrong_character(self, secret: bytes, place: int, character: str) -> None:
        code = case_code(secret)
        if code[place] == character:
            return
        with pytest.raises(BadCaseCode):
            read_case_code(code[:place] + character + code[place + 1 :])

    @pytest.mark.parametrize("text", ["", "0" * 24, "0" * 26, "U" * 25, "0" * 24 + "环", "<script>"])
    def test_refuses_what_is_no_code(self, text: str) -> None:
        with pytest.raises(BadCaseCode):
            read_case_code(text)

    def test_is_stored_as_a_digest_that_does_not_show_it(self) -> None:
        code = case_code(bytes(range(SECRET_BYTES)))
        assert len(code_digest(code)) == 64
        assert code_digest(code) != code_digest(case_code(bytes(SECRET_BYTES)))
