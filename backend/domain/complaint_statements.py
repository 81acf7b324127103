"""What is said in a complaint, one statement after another, and the bytes that an anchor binds.

A statement's document is canonical JSON (RFC 8785) of all its fields. It names the digest of the statement
before it, so the last digest stands for the whole order. Texts and photos are in it only as digests under salts
of their own: deleting text and salt erases them and leaves every statement checkable. The document's own digest
is salted too, for most of what it says can be guessed. Source: docs/spec/complaints.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any, Final

import rfc8785

from backend.domain.complaint_errors import TextTooLong, UnreadableStatement
from backend.domain.journal import read_entry
from backend.domain.keccak import keccak256
from backend.domain.layout import Kind
from backend.domain.recorded import EntryId
from backend.domain.strict_json import read_json

ANCHOR_SCHEMA: Final = int.from_bytes(keccak256(b"huanlian complaint statement 1")[:4], "big")
"""The `schema` of the anchor entries that hold statements' digests."""
COMPLAINANT: Final = 0
"""Who files, rates and appeals: nobody that this system knows."""
TEXT_CHARACTERS_MAX: Final = 500
SALT_BYTES: Final = 16
_CASE_DIGITS, _ORGANISATION_DIGITS, _BIN_DIGITS, _SITE_DIGITS = 24, 6, 10, 16
_IDS: Final = {
    "case": _CASE_DIGITS,
    "by": _ORGANISATION_DIGITS,
    "to": _ORGANISATION_DIGITS,
    "supervisor": _ORGANISATION_DIGITS,
    "bin": _BIN_DIGITS,
    "site": _SITE_DIGITS,
}
_NUMBERS: Final = ("number", "at", "rules", "kind", "wanted", "finding", "stars")
_DIGESTS: Final = ("previous", "text", "photo")
_DIGEST_BYTES: Final = 32


class Act(StrEnum):
    """What a statement does."""

    REPORT = "report"
    ASSIGN = "assign"
    ANSWER = "answer"
    ACCEPT = "accept"
    RETURN = "return"
    RATE = "rate"
    APPEAL = "appeal"
    WITHDRAW = "withdraw"
    CLOSE = "close"


class Finding(IntEnum):
    """What a handler found."""

    SETTLED = 1
    SETTLED_IN_PART = 2
    UNFOUNDED = 3


@dataclass(frozen=True)
class Statement:
    """One statement; what its act does not need is 0 or empty.

    `wanted` is the day of a pick-up, written 20260302. `at` is the server's clock in Unix seconds, `by` an
    organisation or the complainant. `to` is the organisation that has the bin's site (report) or that has to
    handle the case (assign).
    """

    case: int
    number: int
    act: Act
    at: int
    by: int
    previous: bytes = b""
    rules: int = 0
    kind: int = 0
    bin: int = 0
    site: int = 0
    wanted: int = 0
    supervisor: int = 0
    to: int = 0
    finding: int = 0
    stars: int = 0
    text: bytes = b""
    photo: bytes = b""
    facts: tuple[EntryId, ...] = ()
    documents: tuple[bytes, ...] = ()


def statement_document(statement: Statement) -> bytes:
    """Return the canonical JSON of a statement."""
    values: dict[str, Any] = {"act": str(statement.act)}
    values |= {name: f"{getattr(statement, name):0{digits}x}" for name, digits in _IDS.items()}
    values |= {name: getattr(statement, name) for name in _NUMBERS}
    values |= {name: getattr(statement, name).hex() for name in _DIGESTS}
    values["facts"] = [f"{fact.device:016x}/{fact.seq}" for fact in statement.facts]
    values["documents"] = [digest.hex() for digest in statement.documents]
    return rfc8785.dumps(values)


def read_statement(document: bytes) -> Statement:
    """Return the statement that a document holds.

    Raises:
        UnreadableStatement: it is no statement, or not written in the one canonical way.
    """
    try:
        statement = _read(read_json(document))
        is_canonical = statement_document(statement) == document
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UnreadableStatement from error
    if not is_canonical:
        raise UnreadableStatement
    return statement


def salted_digest(salt: bytes, content: bytes) -> bytes:
    """Return keccak256 of a 16-byte salt and the content."""
    return keccak256(salt + content)


def is_anchor_of(entry: bytes, *, case: int, digest: bytes) -> bool:
    """Say whether an entry is the anchor of a statement: its words name schema, case and digest."""
    read = read_entry(entry)
    said = (read.fields.get(name) for name in ("schema", "subject", "digest"))
    return entry[0] == Kind.ANCHOR and tuple(said) == (ANCHOR_SCHEMA, case, int.from_bytes(digest, "big"))


def require_text(text: str) -> str:
    """Return a text without blanks around it, its lines ended alike.

    Raises:
        TextTooLong: more characters than are kept.
    """
    kept = "\n".join(line.rstrip() for line in text.strip().splitlines())
    if len(kept) > TEXT_CHARACTERS_MAX:
        raise TextTooLong(characters=len(kept), characters_max=TEXT_CHARACTERS_MAX)
    return kept


def _read(values: Mapping[str, Any]) -> Statement:
    named: dict[str, Any] = {name: int(values[name], 16) for name in _IDS}
    named |= {name: values[name] for name in _NUMBERS}
    named |= {name: bytes.fromhex(values[name]) for name in _DIGESTS}
    if any(type(values[name]) is not int for name in _NUMBERS):
        raise ValueError("a number is not one")
    if any(len(named[name]) not in (0, _DIGEST_BYTES) for name in _DIGESTS):
        raise ValueError("a digest is not one")
    facts = [fact.split("/") for fact in values["facts"]]
    return Statement(
        act=Act(values["act"]),
        facts=tuple(EntryId(int(device, 16), int(seq)) for device, seq in facts),
        documents=tuple(bytes.fromhex(digest) for digest in values["documents"]),
        **named,
    )
