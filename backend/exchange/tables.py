"""A CSV file as rows that remember their line; the encoding is found by strict decoding, never assumed."""

from __future__ import annotations

import csv
import io
from codecs import BOM_UTF8
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from backend.domain.errors import DomainError

ENCODINGS: Final = ("utf-8-sig", "utf-8", "gb18030", "big5")
"""Tried in this order. The first two are certain; a text in one of the last two is often valid in both."""

_COMMON_SHARE, _RARE_SHARE = 0.9, 0.75


@dataclass(frozen=True)
class Row:
    """One record and the line of the file on which it begins."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A file's header and rows."""

    header: tuple[str, ...]
    rows: tuple[Row, ...]
    encoding: str
    is_encoding_certain: bool


class TableNotReadable(DomainError):
    """The file is not a table in an encoding we know."""

    slug = "table-not-readable"
    title = "The file cannot be read as a table"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def read_table(data: bytes, *, encoding: str | None = None, delimiter: str = ",") -> Table:
    """Return the table in `data`.

    Empty lines are not rows. Cells are kept byte for byte, white space included.

    Raises:
        TableNotReadable: no encoding fits, two fit equally well, or there is no usable header.
    """
    text, found, is_certain = decode(data, encoding=encoding)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[Row] = []
    line = 1
    try:
        for cells in reader:
            if cells:
                rows.append(Row(line, tuple(cells)))
            line = reader.line_num + 1
    except csv.Error as error:
        raise TableNotReadable(f"Line {line}: {error}.") from error
    if not rows:
        raise TableNotReadable("The file is empty.")
    header = tuple(name.strip() for name in rows[0].cells)
    twice = {name for name in header if header.count(name) > 1}
    if twice:
        raise TableNotReadable(f"Columns named twice: {', '.join(sorted(twice))}.")
    return Table(header, tuple(rows[1:]), found, is_certain)


def decode(data: bytes, *, encoding: str | None = None) -> tuple[str, str, bool]:
    """Return the text, its encoding, and whether no other known encoding could be meant.

    Bytes that are valid GB 18030 as well as Big5 are read as the one in which they are nearly all everyday
    characters and the other way round nearly none; when neither stands out, the question goes to the user.

    Raises:
        TableNotReadable: no encoding fits, or two fit equally well.
    """
    if encoding is not None:
        try:
            return data.decode(encoding), encoding, True
        except (UnicodeDecodeError, LookupError) as error:
            raise TableNotReadable(f"The file is not {encoding}: {error}.") from error
    if data.startswith(BOM_UTF8):
        return decode(data, encoding="utf-8-sig")
    texts: dict[str, str] = {}
    for candidate in ENCODINGS[1:]:
        try:
            texts[candidate] = data.decode(candidate)
        except UnicodeDecodeError:
            continue
        if candidate == "utf-8":
            return texts[candidate], candidate, True
    if not texts:
        raise TableNotReadable(f"The file is none of {', '.join(ENCODINGS)}; name its --encoding.")
    if len(texts) == 1:
        ((found, text),) = texts.items()
        return text, found, True
    shares = {found: everyday_share(text, encoding=found) for found, text in texts.items()}
    likely, unlikely = sorted(shares, key=lambda found: shares[found], reverse=True)
    if shares[likely] >= _COMMON_SHARE and shares[unlikely] <= _RARE_SHARE:
        return texts[likely], likely, False
    samples = "; ".join(f"{found}: {_sample(text)}" for found, text in texts.items())
    raise TableNotReadable(f"The file may be one of two encodings; name its --encoding. {samples}")


def everyday_share(text: str, *, encoding: str) -> float:
    """Return how much of the text beyond ASCII are characters of the encoding's first, everyday level."""
    first, last = (0xB0A1, 0xD7F9) if encoding == "gb18030" else (0xA440, 0xC67E)
    foreign = [c for c in text if not c.isascii() and c not in "，。、（）「」《》〈〉：；－"]
    everyday = 0
    for character in foreign:
        code = character.encode(encoding)
        in_row = encoding != "gb18030" or code[-1] >= 0xA1
        everyday += len(code) == 2 and in_row and first <= int.from_bytes(code, "big") <= last
    return everyday / len(foreign) if foreign else 0.0


def _sample(text: str) -> str:
    return next((part[:20] for part in text.split() if not part.isascii()), text[:20])


def column_number(header: Sequence[str], name: str) -> int | None:
    """Return where a column stands, or `None`."""
    return header.index(name) if name in header else None
