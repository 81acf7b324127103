"""Segments as a phone sends them: half the bytes of JSON, and read in one way only.

Source: docs/spec/entries.md, "Segment bytes".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from backend.domain.errors import MalformedSegment
from backend.domain.journal import Segment
from backend.domain.layout import WORD_BYTES

VERSION = 1
_ASSERTION_BYTES_MAX = 1024
_EVIDENCE_MAX = 256
_DOCUMENT_CHARACTERS_MAX = 65_536
_SALT_BYTES = 16


@dataclass(frozen=True)
class EvidenceDocument:
    """What an entry's digest stands for; kept off the chain and erasable."""

    seq: int
    salt: bytes
    document: str


@dataclass(frozen=True)
class Upload:
    """A sealed segment as it is handed in, with the documents behind its entries' digests."""

    segment: Segment
    evidence: tuple[EvidenceDocument, ...] = ()


def pack_uploads(uploads: Sequence[Upload]) -> bytes:
    """Return the body that hands these segments in."""
    packed = [VERSION.to_bytes(1, "big"), len(uploads).to_bytes(2, "big")]
    for upload in uploads:
        frame = b"".join(_packed(upload))
        packed += (len(frame).to_bytes(4, "big"), frame)
    return b"".join(packed)


def _packed(upload: Upload) -> Iterable[bytes]:
    segment = upload.segment
    yield segment.device.to_bytes(8, "big") + segment.first_seq.to_bytes(5, "big")
    for number in (segment.x, segment.y, segment.r, segment.s):
        yield number.to_bytes(32, "big")
    yield (len(segment.words) // WORD_BYTES).to_bytes(2, "big") + segment.words
    yield len(segment.assertion).to_bytes(2, "big") + segment.assertion
    yield len(upload.evidence).to_bytes(2, "big")
    for evidence in upload.evidence:
        document = evidence.document.encode()
        yield evidence.seq.to_bytes(5, "big") + evidence.salt
        yield len(document).to_bytes(4, "big") + document


def split_uploads(body: bytes) -> list[bytes]:
    """Return the frames of a body, each to be read by `unpack_upload`.

    Raises:
        MalformedSegment: another version, a count or a length that lies, or bytes left over.
    """
    reader = _Reader(body)
    version = reader.number(1, "/version")
    if version != VERSION:
        raise MalformedSegment(f"Version {version} is not known; this is version {VERSION}.", pointer="/version")
    count = reader.number(2, "/count")
    frames = []
    for index in range(count):
        where = f"/segments/{index}"
        frames.append(reader.take(reader.number(4, where), where))
    reader.require_end("/segments")
    return frames


def unpack_upload(frame: bytes) -> Upload:
    """Return one segment with its evidence.

    Raises:
        MalformedSegment: a part is too short, too long or not text, or bytes are left over.
    """
    reader = _Reader(frame)
    device, first_seq = reader.number(8, "/device"), reader.number(5, "/first_seq")
    x, y = reader.number(32, "/key/x"), reader.number(32, "/key/y")
    r, s = reader.number(32, "/seal/r"), reader.number(32, "/seal/s")
    words = reader.take(reader.number(2, "/words") * WORD_BYTES, "/words")
    assertion = reader.take(reader.number(2, "/assertion", most=_ASSERTION_BYTES_MAX), "/assertion")
    count = reader.number(2, "/evidence", most=_EVIDENCE_MAX)
    evidence = tuple(_evidence(reader, f"/evidence/{index}") for index in range(count))
    reader.require_end("")
    return Upload(Segment(device, first_seq, words, x, y, r, s, assertion), evidence)


def _evidence(reader: _Reader, where: str) -> EvidenceDocument:
    seq, salt = reader.number(5, f"{where}/seq"), reader.take(_SALT_BYTES, f"{where}/salt")
    where = f"{where}/document"
    raw = reader.take(reader.number(4, where), where)
    try:
        document = raw.decode()
    except UnicodeDecodeError as error:
        raise MalformedSegment("The document is not UTF-8.", pointer=where) from error
    # The same bounds as in JSON: PostgreSQL's text cannot hold a zero.
    if "\0" in document or len(document) > _DOCUMENT_CHARACTERS_MAX:
        raise MalformedSegment(
            f"A document has at most {_DOCUMENT_CHARACTERS_MAX} characters, none of them zero.", pointer=where
        )
    return EvidenceDocument(seq, salt, document)


class _Reader:
    """Takes parts off the front; each says where it is missing."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, length: int, where: str) -> bytes:
        part = self._data[self._at : self._at + length]
        if len(part) < length:
            raise MalformedSegment(f"{length} bytes are announced, {len(part)} are there.", pointer=where)
        self._at += length
        return part

    def number(self, length: int, where: str, *, most: int | None = None) -> int:
        value = int.from_bytes(self.take(length, where), "big")
        if most is not None and value > most:
            raise MalformedSegment(f"{value} is more than {most}.", pointer=where)
        return value

    def require_end(self, where: str) -> None:
        left = len(self._data) - self._at
        if left:
            raise MalformedSegment(f"{left} bytes are left over.", pointer=where)
