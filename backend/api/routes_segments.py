"""Sealed segments come in."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response

from backend.api.body_description import describe_body, inline
from backend.api.deps import Services, UseServices
from backend.api.pressure import admitted
from backend.api.problems import ApiProblem, openapi_responses, problem_body, problem_of
from backend.api.schemas import (
    BatchAnswer,
    OneAccepted,
    OneRefused,
    Upload,
    UploadAnswer,
    UploadBatch,
    WarningShape,
)
from backend.api.shaping import receipt_shape
from backend.api.strict_body import StrictRoute
from backend.api.upload_body import SEGMENT_BYTES, UseUploadBody, within
from backend.usecases.accept_segment import Acceptance
from backend.usecases.accept_uploads import Answer

router = APIRouter(tags=["segments"], route_class=StrictRoute)

_BYTES = (SEGMENT_BYTES, {"type": "string", "format": "binary", "description": "docs/spec/entries.md"})


@router.post(
    "/segments",
    status_code=201,
    dependencies=[Depends(admitted)],
    response_model=UploadAnswer,
    openapi_extra=describe_body(("application/json", inline(Upload.model_json_schema())), _BYTES),
    responses={
        200: {"model": UploadAnswer, "description": "A repeat: the receipt it got before"},
        **openapi_responses(
            "bad-seal", "unknown-device", "wrong-key", "gap", "fork", "malformed-segment", "malformed-request",
            "invalid-json", "too-large", "unsupported-media-type", "segment-too-heavy", "busy",
        ),
    },
)  # fmt: skip
def hand_in(body: UseUploadBody, response: Response, services: UseServices) -> UploadAnswer:
    """Keep a sealed segment and answer with its receipt; it is on disk before the answer leaves."""
    (answer,) = services.desk.hand_in([body.one()])
    _count(services, answer)
    if not isinstance(answer, Acceptance):
        raise answer
    response.status_code = 201 if answer.is_new else 200
    return UploadAnswer(receipt=receipt_shape(answer.receipt), warnings=_warnings(answer))


@router.post(
    "/segments/batch",
    dependencies=[Depends(admitted)],
    response_model=BatchAnswer,
    openapi_extra=describe_body(("application/json", inline(UploadBatch.model_json_schema())), _BYTES),
    responses=openapi_responses(
        "malformed-segment", "malformed-request", "invalid-json", "too-large", "unsupported-media-type", "busy"
    ),
)
def hand_in_many(body: UseUploadBody, request: Request, services: UseServices) -> Response:
    """Keep many sealed segments in one transaction; each gets the answer that it would get alone."""
    read = body.many()
    answers = iter(services.desk.hand_in([item for item in read if not isinstance(item, ApiProblem)]))
    shapes: list[OneAccepted | OneRefused] = []
    for index, item in enumerate(read):
        answer = item if isinstance(item, ApiProblem) else next(answers)
        if isinstance(answer, ApiProblem):
            services.metrics.segments.labels(answer.slug).inc()
            shapes.append(OneRefused(status=answer.status, problem=problem_body(request, answer)))
            continue
        _count(services, answer)
        if isinstance(answer, Acceptance):
            status = 201 if answer.is_new else 200
            shapes.append(
                OneAccepted(status=status, receipt=receipt_shape(answer.receipt), warnings=_warnings(answer))
            )
        else:
            problem = within(problem_of(answer), index)
            shapes.append(OneRefused(status=problem.status, problem=problem_body(request, problem)))
    return Response(BatchAnswer(answers=shapes).model_dump_json(), media_type="application/json")


def _warnings(acceptance: Acceptance) -> list[WarningShape]:
    return [
        WarningShape(pointer=f"/entries/{w.index}", seq=w.seq, code=w.code, message=w.message)
        for w in acceptance.warnings
    ]


def _count(services: Services, answer: Answer) -> None:
    if not isinstance(answer, Acceptance):
        services.metrics.segments.labels(answer.slug).inc()
        return
    services.metrics.segments.labels("accepted" if answer.is_new else "repeated").inc()
    if answer.is_new:
        services.metrics.entries.inc(answer.receipt.last_seq - answer.receipt.segment.first_seq + 1)
