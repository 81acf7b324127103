"""Text that people read: Chinese, telephone numbers, plates and identity numbers.

How often chance alone looks like text, a byte of random data: three common characters in UTF-8 1 in 10^11,
nine in GBK 1 in 10^11; shorter runs count only where nothing but padding touches them. Eleven digits in a row
1 in 10^16. Common characters are the 3,755 of GB 2312's first level.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from backend.domain.privacy.trace import Trace, TraceKind, stands_alone

_UTF8_RUN: Final = re.compile(rb"(?:[\xe4-\xe9][\x80-\xbf]{2}){2,}")
_GBK_RUN: Final = re.compile(rb"(?:[\xb0-\xd7][\xa1-\xfe]){3,}")
_UTF8_CHARACTERS, _GBK_CHARACTERS = 3, 9
_PHONE: Final = re.compile(rb"(?<![0-9])(?:\+?86[ -]?)?(1[3-9][0-9]{9})(?![0-9])")
_IDENTITY: Final = re.compile(rb"(?<![0-9])([1-9][0-9]{5}(?:19|20)[0-9]{9}[0-9Xx])(?![0-9])")
_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_CHARACTERS: Final = "10X98765432"
_PROVINCES: Final = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_DOT: Final = "·"


def _plate_in(encoding: str) -> re.Pattern[bytes]:
    # GA 36-2018: five places for an ordinary plate, six for a new-energy one.
    provinces = b"|".join(re.escape(character.encode(encoding)) for character in _PROVINCES)
    dot = re.escape(_DOT.encode(encoding))
    return re.compile(rb"(?:" + provinces + rb")[A-HJ-NP-Z](?:" + dot + rb"|[ .-])?[0-9A-HJ-NP-Z]{5,6}")


_PLATES: Final = {encoding: _plate_in(encoding) for encoding in ("utf-8", "gb18030")}


def find_text(data: bytes) -> Iterator[Trace]:
    """Return Chinese text, telephone numbers, plates and identity numbers."""
    yield from _chinese(data)
    for found in _PHONE.finditer(data):
        yield Trace(TraceKind.PHONE, found.start(), found[1].decode())
    for encoding, pattern in _PLATES.items():
        for found in pattern.finditer(data):
            yield Trace(TraceKind.PLATE, found.start(), found[0].decode(encoding))
    for found in _IDENTITY.finditer(data):
        number = found[1].decode().upper()
        if is_identity_number(number):
            yield Trace(TraceKind.IDENTITY_NUMBER, found.start(), number)


def is_identity_number(text: str) -> bool:
    """Say whether 18 characters end with the check character of GB 11643-1999."""
    total = sum(int(digit) * weight for digit, weight in zip(text[:17], _WEIGHTS, strict=True))
    return text[17] == _CHECK_CHARACTERS[total % 11]


def _chinese(data: bytes) -> Iterator[Trace]:
    for found in _UTF8_RUN.finditer(data):
        text = found[0].decode(errors="replace")
        longest = _longest_common_run(text)
        is_whole = longest == len(text) and stands_alone(data, found.start(), found.end())
        if longest >= _UTF8_CHARACTERS or is_whole:
            yield Trace(TraceKind.CHINESE_TEXT, found.start(), text)
    for found in _GBK_RUN.finditer(data):
        if len(found[0]) >= 2 * _GBK_CHARACTERS or stands_alone(data, found.start(), found.end()):
            yield Trace(TraceKind.CHINESE_TEXT, found.start(), found[0].decode("gb18030", errors="replace"))


def _longest_common_run(text: str) -> int:
    longest = current = 0
    for character in text:
        current = current + 1 if _is_common(character) else 0
        longest = max(longest, current)
    return longest


def _is_common(character: str) -> bool:
    try:
        return 0xB0 <= character.encode("gb2312")[0] <= 0xD7
    except UnicodeEncodeError:
        return False
