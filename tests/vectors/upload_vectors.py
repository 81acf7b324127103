"""Bodies of bytes that hand segments in, and what is wrong with others."""

from __future__ import annotations

import random
from typing import Any

from custody_story import NETWORK

from backend.domain.journal import evidence_digest
from backend.domain.layout import Kind
from backend.domain.segment_bytes import EvidenceDocument, Upload, pack_uploads
from backend.domain.types import device_id, device_text, lot_id
from backend.domain.writer import JournalWriter, SigningKey

_DOCUMENTS = ('{"photo":"照片"}', "{}", '{"a":"\U0001f69b"}')


def upload_vectors() -> dict[str, Any]:
    """Return bodies with the uploads in them, and broken ones with the part that is wrong."""
    rng = random.Random("uploads")
    plain, passkey, rich = _plain(rng), _with_assertion(rng), _with_evidence(rng)
    bodies = [("one segment", [plain]), ("with an assertion", [passkey]), ("with evidence", [rich])]
    bodies += [("many", [plain, rich, passkey, plain]), ("none", [])]
    return {
        "bodies": [
            {"name": name, "uploads": [json_of(u) for u in uploads], "body": pack_uploads(uploads).hex()}
            for name, uploads in bodies
        ],
        "malformed": [
            {"name": name, "pointer": pointer, "body": body.hex()} for name, pointer, body in _broken(plain, rich)
        ],
    }


def json_of(upload: Upload) -> dict[str, Any]:
    """Return the JSON form."""
    segment = upload.segment
    shape: dict[str, Any] = {
        "device": device_text(segment.device),
        "first_seq": segment.first_seq,
        "words": segment.words.hex(),
        "key": {"x": f"{segment.x:064x}", "y": f"{segment.y:064x}"},
        "seal": {"r": f"{segment.r:064x}", "s": f"{segment.s:064x}"},
    }
    if segment.assertion:
        shape["assertion"] = segment.assertion.hex()
    if upload.evidence:
        shape["evidence"] = [{"seq": e.seq, "salt": e.salt.hex(), "document": e.document} for e in upload.evidence]
    return shape


def _writer(rng: random.Random) -> JournalWriter:
    device = device_id(rng.randrange(1, 1 << 24), rng.randrange(1, 1 << 40))
    return JournalWriter(NETWORK, device, SigningKey.from_secret(rng.getrandbits(200)))


def _plain(rng: random.Random) -> Upload:
    writer = _writer(rng)
    writer.write(Kind.LOAD, lot=lot_id(writer.device, 1), stream=4)
    writer.write(Kind.LIFT, bin=rng.getrandbits(40), stream=4, grams=35_000)
    return Upload(writer.cut())


def _with_assertion(rng: random.Random) -> Upload:
    upload = _plain(rng)
    return Upload(type(upload.segment)(**{**vars(upload.segment), "assertion": rng.randbytes(200)}))


def _with_evidence(rng: random.Random) -> Upload:
    writer, evidence = _writer(rng), []
    for seq, document in enumerate(_DOCUMENTS, 1):
        salt = rng.randbytes(16)
        evidence.append(EvidenceDocument(seq, salt, document))
        writer.write(Kind.LIFT, bin=seq, stream=4, evidence=evidence_digest(salt, document.encode()))
    return Upload(writer.cut(), tuple(evidence))


def _broken(plain: Upload, rich: Upload) -> list[tuple[str, str, bytes]]:
    body, whole = pack_uploads([plain]), pack_uploads([rich])
    frame, evident = body[7:], whole[7:]
    asserted = frame.rindex(plain.segment.words) + len(plain.segment.words)

    def framed(*frames: bytes) -> bytes:
        sized = b"".join(len(f).to_bytes(4, "big") + f for f in frames)
        return bytes([1]) + len(frames).to_bytes(2, "big") + sized

    def text(document: bytes) -> bytes:
        head = evident[: -2 - sum(25 + len(d.encode()) for d in _DOCUMENTS)]
        return framed(head + b"\0\1" + bytes(21) + len(document).to_bytes(4, "big") + document)

    return [
        ("empty", "/version", b""),
        ("another version", "/version", b"\2" + body[1:]),
        ("no count", "/count", body[:2]),
        ("a count too high", "/segments/1", b"\1\0\2" + body[3:]),
        ("a count too low", "/segments", b"\1\0\0" + body[3:]),
        ("cut in a length", "/segments/0", body[:5]),
        ("cut in a segment", "/segments/0", body[:-1]),
        ("bytes after the last segment", "/segments", body + b"\0"),
        ("an empty segment", "/device", framed(b"")),
        ("cut in the first seq", "/first_seq", framed(frame[:12])),
        ("cut in the key", "/key/y", framed(frame[:76])),
        ("cut in the seal", "/seal/s", framed(frame[:140])),
        ("more words than there are", "/words", framed(frame[:141] + b"\xff\xff" + frame[143:])),
        ("an assertion too long", "/assertion", framed(frame[:asserted] + b"\4\1" + bytes(1025) + b"\0\0")),
        ("no evidence count", "/evidence", framed(frame[:-1])),
        ("too much evidence", "/evidence", framed(frame[:-2] + b"\1\1" + bytes(25 * 257))),
        ("evidence that is not there", "/evidence/0/seq", framed(frame[:-2] + b"\0\1")),
        ("bytes after a segment's end", "", framed(frame + b"\0")),
        ("a document cut short", "/evidence/2/document", framed(evident[:-1])),
        ("a document that is not text", "/evidence/0/document", text(b"\xff")),
        ("a document with a lone half of a pair", "/evidence/0/document", text(b"\xed\xa0\x80")),
        ("a document with a zero", "/evidence/0/document", text(b"a\0")),
    ]
