"""The code a complainant keeps: 120 random bits in five groups of five characters, the last one a check.

Whoever holds it may follow the case, rate it and appeal; it is the only key, so it is never stored, only its
digest. The alphabet is Crockford's: no I, L, O or U, and small letters read the same.
"""

from __future__ import annotations

from typing import Final, NewType

from backend.domain.errors import DomainError
from backend.domain.keccak import keccak256

CaseCode = NewType("CaseCode", str)

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
SECRET_BYTES: Final = 15
CODE_CHARACTERS: Final = 25
_GROUP: Final = 5
_READ_AS: Final = str.maketrans({"O": "0", "I": "1", "L": "1", "-": "", " ": ""})


class BadCaseCode(DomainError):
    """The text is not a case code, or a character of it is wrong."""

    slug = "bad-case-code"
    title = "This is not a case code"

    def __init__(self) -> None:
        super().__init__("The code is not one, or a character of it is wrong.")


def case_code(secret: bytes) -> CaseCode:
    """Return the code of 15 random bytes."""
    number = int.from_bytes(secret[:SECRET_BYTES], "big")
    text = "".join(ALPHABET[number >> shift & 31] for shift in range(115, -1, -5))
    return CaseCode(text + _check(text))


def read_case_code(text: str) -> CaseCode:
    """Return the code that somebody typed, groups or not, small letters or not.

    Raises:
        BadCaseCode: wrong length, a character the alphabet does not have, or a check that does not fit.
    """
    code = text.strip().upper().translate(_READ_AS)
    if len(code) != CODE_CHARACTERS or set(code) - set(ALPHABET) or _check(code[:-1]) != code[-1]:
        raise BadCaseCode
    return CaseCode(code)


def grouped_code(code: CaseCode) -> str:
    """Return the code as people read it out: five groups with hyphens."""
    return "-".join(code[start : start + _GROUP] for start in range(0, CODE_CHARACTERS, _GROUP))


def code_digest(code: CaseCode) -> str:
    """Return what is stored of a code (hex): enough to recognise it, of no use to whoever reads the database."""
    return keccak256(b"huanlian case code" + code.encode()).hex()


def _check(text: str) -> str:
    # Odd weights modulo 32 notice every single wrong character, and most that changed places.
    return ALPHABET[sum(ALPHABET.index(found) * (1 + at % 2 * 2) for at, found in enumerate(text)) % 32]
