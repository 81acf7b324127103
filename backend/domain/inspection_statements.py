"""What regulator, auditor and inspectors say of a random inspection, and the bytes that an anchor binds.

A statement's document is canonical JSON (RFC 8785) of its fields; its digest, keccak256 of the document, is sealed
in an `anchor` entry. Nothing in it is secret or personal, so it is not salted: the one secret, a party's number,
is in the commitment as a hash until it is revealed. An inspection's id is the first 96 bits of its opening's
digest, so another opening is another inspection. Source: docs/spec/inspection.md.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, ClassVar, Final

import rfc8785

from backend.domain.errors import DomainError
from backend.domain.keccak import keccak256
from backend.domain.merkle import lifts_root
from backend.domain.strict_json import read_json

ANCHOR_SCHEMA: Final = int.from_bytes(keccak256(b"huanlian inspection statement 1")[:4], "big")
"""The `schema` of the anchor entries that hold statements' digests; their subject is the inspection's id."""
SECRET_BYTES: Final = 32
DOCUMENT_BYTES_MAX: Final = 65_536
_ID_BYTES, _DIGEST_BYTES = 12, 32
_ORGANISATION_DIGITS, _SITE_DIGITS = 6, 16
_COUNT_MAX: Final = 1 << 40


class UnreadableInspection(DomainError):
    """A document is no statement of an inspection, or not written in the one canonical way."""

    slug = "unreadable-inspection"
    title = "This is no statement of an inspection"

    def __init__(self, reason: str, *, pointer: str = "/document") -> None:
        super().__init__(f"This is no statement of an inspection: {reason}.")
        self.reason, self.pointer = reason, pointer


class Candidates(StrEnum):
    """What a list holds: bins placed, sites opened, or the lots that were loaded on a day."""

    BINS = "bins"
    SITES = "sites"
    LOTS = "lots"

    @property
    def digits(self) -> int:
        """How many hex digits an item has in text."""
        return {Candidates.BINS: 10, Candidates.SITES: 16, Candidates.LOTS: 24}[self]

    def text(self, item: int) -> str:
        """Return an item as text."""
        return f"{item:0{self.digits}x}"


class Remark(StrEnum):
    """What an inspector can say of an item: a closed list, so that nobody's name is ever written."""

    AS_RECORDED = "as-recorded"
    NOT_FOUND = "not-found"
    MASS_DIFFERS = "mass-differs"
    OTHER_STREAM = "other-stream"
    LABEL_DAMAGED = "label-damaged"
    DAMAGED = "damaged"
    OVERFULL = "overfull"
    NO_ACCESS = "no-access"


@dataclass(frozen=True)
class Opening:
    """A regulator opens an inspection and fixes everything that must not be chosen later.

    `list_root` and `list_count` bind the list as the chain gives it up to `list_block`; `site` and `day` narrow it
    ("" where they do not). `sample` items are drawn. Commitments count up to block `commit_by`, reveals after
    `seed_block` and up to `reveal_by`; `default_block` is for the case that only one party reveals.
    """

    act: ClassVar[str] = "open"
    by: str
    at: int
    auditor: str
    candidates: str
    site: str
    day: str
    list_block: int
    list_count: int
    list_root: str
    sample: int
    commit_by: int
    seed_block: int
    reveal_by: int
    default_block: int


@dataclass(frozen=True)
class Commit:
    """A party binds itself to its secret number."""

    act: ClassVar[str] = "commit"
    by: str
    at: int
    opening: str
    commitment: str


@dataclass(frozen=True)
class Reveal:
    """A party shows its secret number."""

    act: ClassVar[str] = "reveal"
    by: str
    at: int
    opening: str
    secret: str


@dataclass(frozen=True)
class Drawing:
    """A party writes down what was drawn; anybody computes the same."""

    act: ClassVar[str] = "draw"
    by: str
    at: int
    opening: str
    seed: str
    items: tuple[str, ...]


@dataclass(frozen=True)
class Result:
    """What was found of one item. `grams` is None when nothing was weighed, `photo` a digest or ""."""

    act: ClassVar[str] = "result"
    by: str
    at: int
    opening: str
    item: str
    is_found: bool
    grams: int | None
    photo: str
    remark: str


Statement = Opening | Commit | Reveal | Drawing | Result
_KINDS: Final[dict[str, type[Any]]] = {kind.act: kind for kind in (Opening, Commit, Reveal, Drawing, Result)}
_HEX: Final = {
    "by": _ORGANISATION_DIGITS,
    "auditor": _ORGANISATION_DIGITS,
    "list_root": 2 * _DIGEST_BYTES,
    "opening": 2 * _DIGEST_BYTES,
    "commitment": 2 * _DIGEST_BYTES,
    "secret": 2 * SECRET_BYTES,
    "seed": 2 * _DIGEST_BYTES,
}


def statement_document(statement: Statement) -> bytes:
    """Return the canonical JSON of a statement."""
    values = {field.name: getattr(statement, field.name) for field in fields(statement)}
    if isinstance(statement, Drawing):
        values["items"] = list(statement.items)
    return rfc8785.dumps({"act": statement.act, **values})


def read_statement(document: bytes) -> Statement:
    """Return the statement that a document holds.

    Raises:
        UnreadableInspection: it is none, or not written in the one canonical way.
    """
    try:
        values = read_json(document)
        kind = _KINDS[values.pop("act")]
        if kind is Drawing:
            values["items"] = tuple(values["items"])
        statement: Statement = kind(**values)
        _require_values(statement)
        is_canonical = statement_document(statement) == document
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UnreadableInspection(str(error) or type(error).__name__) from error
    if not is_canonical:
        raise UnreadableInspection("it is not canonical JSON")
    return statement


def digest_of(document: bytes) -> bytes:
    """Return what an anchor holds of a statement: keccak256 of its document."""
    return keccak256(document)


def inspection_id(opening_digest: bytes) -> int:
    """Return the 96-bit id of the inspection that an opening begins."""
    return int.from_bytes(opening_digest[:_ID_BYTES], "big")


def inspection_text(inspection: int) -> str:
    """Return an inspection's id as text."""
    return f"{inspection:0{2 * _ID_BYTES}x}"


def statement_subject(statement: Statement, digest: bytes) -> int:
    """Return the id of the inspection that a statement belongs to; the subject of its anchor."""
    return inspection_id(digest if isinstance(statement, Opening) else bytes.fromhex(statement.opening))


def list_root(items: tuple[int, ...]) -> bytes:
    """Return the Merkle root over a list: each item a word of 32 bytes, in the list's order."""
    return lifts_root([item.to_bytes(32, "big") for item in items])


def commitment_of(opening_digest: bytes, organisation: str, secret: bytes) -> bytes:
    """Return what binds a party to its secret without showing it.

    It names the party and the inspection, so nobody can take over another's commitment.
    """
    return keccak256(opening_digest + bytes.fromhex(organisation) + secret)


def _require_values(statement: Statement) -> None:
    for field in fields(statement):
        value = getattr(statement, field.name)
        if field.name in _HEX:
            _require_hex(field.name, value, _HEX[field.name])
        elif field.type == "int":
            _require_count(field.name, value)
    if isinstance(statement, Opening):
        Candidates(statement.candidates)
        if statement.site:
            _require_hex("site", statement.site, _SITE_DIGITS)
        if bool(statement.day) is not (statement.candidates == Candidates.LOTS) or (
            statement.day and datetime.date.fromisoformat(statement.day).isoformat() != statement.day
        ):
            raise ValueError("a list of lots names its day, another none")
        if statement.site and statement.candidates != Candidates.BINS:
            raise ValueError("only a list of bins names a site")
    elif isinstance(statement, Drawing):
        for item in statement.items:
            _require_hex("items", item, len(item))
    elif isinstance(statement, Result):
        _require_result(statement)


def _require_result(result: Result) -> None:
    _require_hex("item", result.item, len(result.item))
    Remark(result.remark)
    if type(result.is_found) is not bool:
        raise ValueError("is_found is true or false")
    if result.grams is not None:
        _require_count("grams", result.grams)
    if result.photo:
        _require_hex("photo", result.photo, 2 * _DIGEST_BYTES)


def _require_hex(name: str, value: object, digits: int) -> None:
    if not isinstance(value, str) or len(value) != digits or set(value) - set("0123456789abcdef"):
        raise ValueError(f"{name} is not {digits} hex digits")


def _require_count(name: str, value: object) -> None:
    if type(value) is not int or not 0 <= value < _COUNT_MAX:
        raise ValueError(f"{name} is no number of this size")
