"""Words, and hashes of what can be guessed, found at any byte of the data.

A hash is recognised by 13 bytes in a row: of its beginning (so also where 13, 15 or all 32 bytes are kept) or of
its last 20 bytes. Chance does that once in 10^31 for each byte and guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from backend.domain.keccak import keccak256
from backend.domain.label import giai_of, human_readable, label_serial
from backend.domain.privacy.trace import KnownValues, Trace, TraceKind, stands_alone

HASH_BYTES: Final = 13
_HASH_END: Final = 12
"""Where the last 20 of 32 bytes begin."""
_WORD_BYTES: Final = 4
_GUESSABLE_SERIAL_BYTES: Final = 8
_SURE_BYTES: Final = 6
# Prefixes of mobile numbers; a whole prefix has 10^8 numbers, of which a sample is hashed.
_PHONE_PREFIXES: Final = range(130, 200)
_PHONES_A_PREFIX: Final = 50


@dataclass
class Dictionary:
    """What is looked for: the encodings of words by their first bytes, and the hashes of guesses."""

    words: dict[bytes, list[tuple[bytes, str]]] = field(default_factory=dict)
    hashes: dict[bytes, str] = field(default_factory=dict)

    def find(self, data: bytes) -> Iterator[Trace]:
        """Return the words and hashes that stand anywhere in the data."""
        words, hashes = self.words, self.hashes
        for offset in range(len(data) - _WORD_BYTES + 1):
            candidates = words.get(data[offset : offset + _WORD_BYTES])
            if candidates is not None:
                yield from _matching(data, offset, candidates)
            guessed = hashes.get(data[offset : offset + HASH_BYTES])
            if guessed is not None and not self._goes_on(data, offset, guessed):
                yield Trace(TraceKind.GUESSABLE_HASH, offset, guessed)

    def _goes_on(self, data: bytes, offset: int, guessed: str) -> bool:
        """Say whether this is the end of a whole hash that was found where it begins."""
        start = offset - _HASH_END
        return start >= 0 and self.hashes.get(data[start : start + HASH_BYTES]) == guessed

    def add_word(self, word: str) -> None:
        """Look for a word in every encoding."""
        for encoded in encodings_of(word):
            if len(encoded) >= _WORD_BYTES:
                self.words.setdefault(encoded[:_WORD_BYTES], []).append((encoded, word))

    def add_guess(self, guess: bytes, said: str) -> None:
        """Look for the hashes of these bytes."""
        for name, hashed in (("keccak256", keccak256(guess)), ("sha256", sha256(guess).digest())):
            for start in (0, _HASH_END):
                self.hashes[hashed[start : start + HASH_BYTES]] = f"{name} of {said}"


def dictionary_of(known: KnownValues) -> Dictionary:
    """Return everything to look for, given what is known off the chain."""
    found = Dictionary()
    for word in known.words | known.phones | {form for phone in known.phones for form in _phone_forms(phone)}:
        found.add_word(word)
    for guess in (*known.words, *known.phones, *sampled_phones(), *known.documents):
        for form in _written_forms(guess):
            found.add_guess(form, guess)
    for serial in known.serials:
        _add_serial(found, serial)
    return found


def encodings_of(word: str) -> set[bytes]:
    """Return a word in the encodings that Chinese text is kept in."""
    encoded = {word.encode()}
    for encoding in ("gb18030", "utf-16-be", "utf-16-le", "big5"):
        try:
            encoded.add(word.encode(encoding))
        except UnicodeEncodeError:
            continue
    return encoded


def sampled_phones() -> Iterator[str]:
    """Return telephone numbers spread evenly over each prefix; nobody's in particular."""
    step = 10**8 // _PHONES_A_PREFIX
    for prefix in _PHONE_PREFIXES:
        for number in range(0, 10**8, step):
            yield f"{prefix}{number:08d}"


def _matching(data: bytes, offset: int, candidates: Iterable[tuple[bytes, str]]) -> Iterator[Trace]:
    for encoded, word in candidates:
        end = offset + len(encoded)
        # Four or five bytes turn up by chance in a large chain; then only where nothing touches them.
        if data[offset:end] == encoded and (len(encoded) >= _SURE_BYTES or stands_alone(data, offset, end)):
            yield Trace(TraceKind.KNOWN_WORD, offset, word)


def _written_forms(text: str) -> set[bytes]:
    """Return the bytes that somebody may have hashed: encodings, without its dot, with zeros for a salt."""
    forms = {text, text.strip(), text.lower(), text.upper(), text.replace("·", ""), text.replace(" ", "")}
    encoded = {form.encode() for form in forms} | {
        form.encode("gb18030", errors="ignore") for form in forms if not form.isascii()
    }
    return encoded | {bytes(16) + form for form in encoded} | {form.rjust(32, b"\0") for form in encoded}


def _phone_forms(phone: str) -> set[str]:
    return {f"+86{phone}", f"{phone[:3]}-{phone[3:7]}-{phone[7:]}"}


def _add_serial(found: Dictionary, serial: bytes) -> None:
    """Look for a label's serial in the open, for hashes of its text, and for its digest when it can be guessed.

    A serial of 128 random bits is nobody's to guess, so its keccak256 is on the chain by design.
    """
    number = serial.hex()
    label = label_serial(serial)
    giai = giai_of(label)
    found.words.setdefault(serial[:_WORD_BYTES], []).append((serial, f"serial {number}"))
    found.add_word(giai)
    found.add_word(number)
    for text in (giai, giai[:-1], human_readable(label), number):
        found.add_guess(text.encode(), f"the label's text {giai}")
    found.hashes[sha256(serial).digest()[:HASH_BYTES]] = f"sha256 of serial {number}"
    if not any(serial[:_GUESSABLE_SERIAL_BYTES]):
        found.hashes[keccak256(serial)[:HASH_BYTES]] = f"keccak256 of serial {number}, which is a small number"
