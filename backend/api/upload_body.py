"""What a phone or a tool hands in → uploads of the domain, from JSON or from bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from backend.api.problems import ApiProblem, problem_of
from backend.api.schemas import Upload as UploadShape
from backend.api.schemas import UploadBatch
from backend.domain.errors import DomainError
from backend.domain.journal import Segment
from backend.domain.segment_bytes import EvidenceDocument, Upload, split_uploads, unpack_upload
from backend.domain.strict_json import InvalidJson, read_json

SEGMENT_BYTES = "application/vnd.huanlian.segments"
SEGMENTS_MAX = 256
"""In one request: as many lifts as a district brings in a morning, in a transaction of a fraction of a second."""


@dataclass(frozen=True)
class UploadBody:
    """A body as it came."""

    media_type: str
    content: bytes

    def one(self) -> Upload:
        """Return the one segment that it holds.

        Raises:
            ApiProblem, RequestValidationError, MalformedSegment: it holds none, or not just one.
        """
        if self.media_type == SEGMENT_BYTES:
            frames = split_uploads(self.content)
            if len(frames) != 1:
                message = f"{len(frames)} segments; this address takes one, /segments/batch takes many."
                raise _malformed(message, "/count")
            return unpack_upload(frames[0])
        try:
            return upload_of(UploadShape.model_validate(self._json()))
        except ValidationError as error:
            raise _refused(error) from error

    def many(self) -> list[Upload | ApiProblem]:
        """Return the segments that it holds; what is wrong with one is no fault of the others.

        Raises:
            ApiProblem, RequestValidationError, MalformedSegment: they cannot be told apart, or are too many.
        """
        read: Callable[[Any], Upload]
        items: Sequence[Any]
        if self.media_type == SEGMENT_BYTES:
            items, read = split_uploads(self.content), unpack_upload
        else:
            try:
                items = UploadBatch.model_validate(self._json()).segments
            except ValidationError as error:
                raise _refused(error) from error
            read = _from_json
        if not items:
            raise _malformed("No segment is there.", "/segments")
        if len(items) > SEGMENTS_MAX:
            raise ApiProblem("too-large", f"{len(items)} segments; a request brings at most {SEGMENTS_MAX}.")
        return [_read_one(read, item, index) for index, item in enumerate(items)]

    def _json(self) -> Any:
        if not self.content:
            raise RequestValidationError([{"type": "missing", "loc": ("body",), "msg": "Field required"}])
        try:
            return read_json(self.content)
        except InvalidJson as error:
            raise ApiProblem("invalid-json", "The body could not be parsed.") from error


async def read_upload_body(request: Request) -> UploadBody:
    """Return the body, once all of it has come; it is read by a thread, not on the event loop.

    Raises:
        ApiProblem: it is neither JSON nor segment bytes.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in ("", SEGMENT_BYTES, "application/json") and not media_type.endswith("+json"):
        raise ApiProblem("unsupported-media-type", f"{media_type} is not known here.")
    return UploadBody(media_type, await request.body())


UseUploadBody = Annotated[UploadBody, Depends(read_upload_body)]


def upload_of(shape: UploadShape) -> Upload:
    """Return the upload that the JSON tells."""
    segment = Segment(
        int(shape.device, 16),
        shape.first_seq,
        bytes.fromhex(shape.words),
        int(shape.key.x, 16),
        int(shape.key.y, 16),
        int(shape.seal.r, 16),
        int(shape.seal.s, 16),
        bytes.fromhex(shape.assertion),
    )
    evidence = (EvidenceDocument(e.seq, bytes.fromhex(e.salt), e.document) for e in shape.evidence)
    return Upload(segment, tuple(evidence))


def within(problem: ApiProblem, index: int) -> ApiProblem:
    """Return a problem of one of many segments, its pointers into the whole body."""
    problem.errors = [{**e, "pointer": f"/segments/{index}{e['pointer'].rstrip('/')}"} for e in problem.errors]
    return problem


def _read_one(read: Callable[[Any], Upload], item: Any, index: int) -> Upload | ApiProblem:
    try:
        return read(item)
    except DomainError as error:
        return within(problem_of(error), index)
    except ValidationError as error:
        errors = [{"pointer": _pointer(e["loc"]), "code": e["type"], "message": e["msg"]} for e in error.errors()]
        return within(ApiProblem("malformed-request", errors[0]["message"], errors=errors), index)


def _from_json(item: Any) -> Upload:
    return upload_of(UploadShape.model_validate(item))


def _pointer(location: Sequence[int | str]) -> str:
    return "".join(f"/{part}" for part in location)


def _malformed(message: str, pointer: str) -> ApiProblem:
    return ApiProblem(
        "malformed-request", message, errors=[{"pointer": pointer, "code": "count", "message": message}]
    )


def _refused(error: ValidationError) -> RequestValidationError:
    return RequestValidationError([{**e, "loc": ("body", *e["loc"])} for e in error.errors()])
