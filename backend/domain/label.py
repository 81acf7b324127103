"""Label text ⇄ the serial of a bin, with its check character.

A label is a GS1 Digital Link: `{base}/8004/{giai}`. The GIAI is a company prefix, the 128-bit random serial
in base62 and one check character, so that a smudged label is told from a label of somebody else's.

Source: docs/spec/entries.md (Labels); GS1 General Specifications, AI 8004; ISO/IEC 7064, hybrid systems.
"""

from __future__ import annotations

import re
from typing import Final, NewType

from backend.domain.errors import DomainError
from backend.domain.keccak import keccak256

LabelSerial = NewType("LabelSerial", bytes)

ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
COMPANY_PREFIX: Final = "9520000"
"""952 is the prefix that GS1 keeps for demonstrations; a city with its own gets a new label version."""

SERIAL_BYTES: Final = 16
SERIAL_CHARACTERS: Final = 22
GIAI_CHARACTERS: Final = len(COMPANY_PREFIX) + SERIAL_CHARACTERS + 1
LABEL_CHARACTERS_MAX: Final = 2048

_VALUES: Final = {character: value for value, character in enumerate(ALPHABET)}
_BASE: Final = len(ALPHABET)
_AROUND: Final = " \t\r\n"
# The app uses the same two expressions, so both read the same texts.
_LABEL: Final = re.compile(r"[Hh][Tt][Tt][Pp][Ss]?://[^/?#\s]+(?:/[^?#\s]*)?/8004/([^/?#\s]+)/?(?:[?#]\S*)?")
_BASE_URL: Final = re.compile(r"[Hh][Tt][Tt][Pp][Ss]?://[^/?#\s]+(?:/[^?#\s]*)?")


class EmptyLabel(DomainError):
    """There is nothing to read."""

    slug = "empty-label"
    title = "The label is empty"

    def __init__(self) -> None:
        super().__init__("The label holds no text.")


class NotOurLabel(DomainError):
    """A code of another kind: not a web address whose last part is an asset number (AI 8004)."""

    slug = "not-our-label"
    title = "This code is not a bin label"

    def __init__(self, *, text: str) -> None:
        super().__init__(f"{text[:80]!r} is not an address that ends in /8004/ and an asset number.")
        self.text = text


class ForeignPrefix(DomainError):
    """An asset number, but of a company other than this system."""

    slug = "foreign-prefix"
    title = "This label belongs to another system"

    def __init__(self, *, giai: str) -> None:
        super().__init__(f"Asset number {giai[:40]!r} does not begin with {COMPANY_PREFIX}.")
        self.giai = giai


class WrongLabelLength(DomainError):
    """Characters of the asset number are missing or too many."""

    slug = "wrong-label-length"
    title = "The label has the wrong length"

    def __init__(self, *, characters: int) -> None:
        super().__init__(f"The asset number has {characters} characters instead of {GIAI_CHARACTERS}.")
        self.characters = characters


class BadLabelCharacter(DomainError):
    """A character that base62 does not have."""

    slug = "bad-label-character"
    title = "The label holds a character it cannot hold"

    def __init__(self, *, character: str, position: int) -> None:
        super().__init__(
            f"Character {character!r} at position {position} is neither a digit nor a letter A-Z, a-z."
        )
        self.character, self.position = character, position


class BadCheckCharacter(DomainError):
    """The check character contradicts the others: the label was misread or mistyped."""

    slug = "bad-check-character"
    title = "The label was misread"

    def __init__(self, *, found: str, expected: str) -> None:
        super().__init__(f"The check character is {found!r} but the others ask for {expected!r}.")
        self.found, self.expected = found, expected


class SerialOutOfRange(DomainError):
    """22 characters of base62 can say more than 128 bits; this one does."""

    slug = "serial-out-of-range"
    title = "The label's serial is too large"

    def __init__(self, *, giai: str) -> None:
        super().__init__(f"The serial in {giai!r} does not fit 128 bits.")
        self.giai = giai


class WrongSerialLength(DomainError):
    """A serial is 16 bytes."""

    slug = "wrong-serial-length"
    title = "A serial is 16 bytes"

    def __init__(self, *, length: int) -> None:
        super().__init__(f"The serial has {length} bytes instead of {SERIAL_BYTES}.")
        self.length = length


class BadBaseUrl(DomainError):
    """Labels live for years, so the address they carry must be a whole one."""

    slug = "bad-base-url"
    title = "This is not an address that labels can carry"

    def __init__(self, *, base_url: str) -> None:
        super().__init__(f"{base_url[:80]!r} is not http(s)://host with an optional path.")
        self.base_url = base_url


def label_serial(raw: bytes) -> LabelSerial:
    """Return `raw` as a serial.

    Raises:
        WrongSerialLength: it does not have 16 bytes.
    """
    if len(raw) != SERIAL_BYTES:
        raise WrongSerialLength(length=len(raw))
    return LabelSerial(raw)


def serial_digest(serial: LabelSerial) -> bytes:
    """Return the 32 bytes by which the chain knows a label without being able to print it."""
    return keccak256(label_serial(serial))


def check_character(text: str) -> str:
    """Return the character that completes `text` (base62).

    Any single wrong character is found, since doubling modulo 63 is one-to-one.

    Source: ISO/IEC 7064, hybrid systems, with M = 62.
    """
    product = _BASE
    for value in _values(text):
        total = (product + value) % _BASE or _BASE
        product = 2 * total % (_BASE + 1)
    return ALPHABET[(_BASE + 1 - product) % _BASE]


def giai_of(serial: LabelSerial) -> str:
    """Return the 30 characters that stand on a label."""
    number = int.from_bytes(label_serial(serial), "big")
    characters = []
    for _ in range(SERIAL_CHARACTERS):
        number, value = divmod(number, _BASE)
        characters.append(ALPHABET[value])
    body = COMPANY_PREFIX + "".join(reversed(characters))
    return body + check_character(body)


def serial_of(giai: str) -> LabelSerial:
    """Return the serial that an asset number names.

    Raises:
        EmptyLabel, ForeignPrefix, WrongLabelLength, BadLabelCharacter, BadCheckCharacter, SerialOutOfRange:
            the first of these that is true, in this order.
    """
    if not giai:
        raise EmptyLabel
    if not giai.startswith(COMPANY_PREFIX):
        raise ForeignPrefix(giai=giai)
    if len(giai) != GIAI_CHARACTERS:
        raise WrongLabelLength(characters=len(giai))
    values = _values(giai)
    expected = check_character(giai[:-1])
    if giai[-1] != expected:
        raise BadCheckCharacter(found=giai[-1], expected=expected)
    number = 0
    for value in values[len(COMPANY_PREFIX) : -1]:
        number = number * _BASE + value
    if number >> (8 * SERIAL_BYTES):
        raise SerialOutOfRange(giai=giai)
    return LabelSerial(number.to_bytes(SERIAL_BYTES, "big"))


def require_base_url(base_url: str) -> str:
    """Return the address that labels will carry, without a slash at its end.

    Raises:
        BadBaseUrl: not http(s), no host, or with a query or fragment.
    """
    trimmed = base_url.strip(_AROUND)
    if not _BASE_URL.fullmatch(trimmed):
        raise BadBaseUrl(base_url=base_url)
    return trimmed.rstrip("/")


def label_url(serial: LabelSerial, *, base_url: str) -> str:
    """Return the text that the QR code holds.

    Raises:
        BadBaseUrl: labels cannot carry that address.
    """
    return f"{require_base_url(base_url)}/8004/{giai_of(serial)}"


def read_label(text: str) -> LabelSerial:
    """Return the serial that a scanned code names, whatever host printed it.

    The host is not looked at: a label outlives the address it was printed for. A slash, query or fragment
    after the asset number is ignored, and so is white space around the text.

    Raises:
        EmptyLabel: nothing but white space.
        NotOurLabel: not a web address with an asset number.
        ForeignPrefix, WrongLabelLength, BadLabelCharacter, BadCheckCharacter, SerialOutOfRange:
            see `serial_of`.
    """
    trimmed = text.strip(_AROUND)
    if not trimmed:
        raise EmptyLabel
    match = _LABEL.fullmatch(trimmed) if len(trimmed) <= LABEL_CHARACTERS_MAX else None
    if match is None:
        raise NotOurLabel(text=text)
    return serial_of(match[1])


def human_readable(serial: LabelSerial) -> str:
    """Return the line of text under a code: `(8004) 9520000 …`, in groups that an eye can keep.

    Source: GS1 General Specifications, 4.14 (human readable interpretation).
    """
    giai = giai_of(serial)
    body = giai[len(COMPANY_PREFIX) : -1]
    groups = [body[start : start + 6] for start in range(0, SERIAL_CHARACTERS, 6)]
    return " ".join(["(8004)", COMPANY_PREFIX, *groups[:-1], groups[-1] + giai[-1]])


def _values(text: str) -> list[int]:
    values = []
    for position, character in enumerate(text, start=1):
        if character not in _VALUES:
            raise BadLabelCharacter(character=character, position=position)
        values.append(_VALUES[character])
    return values
