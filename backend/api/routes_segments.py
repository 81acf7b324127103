"""Sealed segments come in."""

from __future__ import annotations

from fastapi import APIRouter, Response

from backend.api.deps import UseServices
from backend.api.problems import openapi_responses
from backend.api.schemas import Upload, UploadAnswer, WarningShape
from backend.api.shaping import receipt_shape
from backend.api.strict_body import StrictRoute
from backend.domain.journal import Segment
from backend.store.intake import IntakeStore
from backend.usecases.accept_segment import EvidenceDocument, accept_segment

router = APIRouter(tags=["segments"], route_class=StrictRoute)


@router.post(
    "/segments",
    status_code=201,
    response_model=UploadAnswer,
    responses={
        200: {"model": UploadAnswer, "description": "A repeat: the receipt it got before"},
        **openapi_responses(
            "bad-seal", "unknown-device", "wrong-key", "gap", "fork", "malformed-segment",
            "malformed-request", "invalid-json", "too-large",
        ),
    },
)  # fmt: skip
def hand_in(upload: Upload, response: Response, services: UseServices) -> UploadAnswer:
    """Keep a sealed segment and answer with its receipt; it is on disk before the answer leaves."""
    segment = Segment(
        int(upload.device, 16),
        upload.first_seq,
        bytes.fromhex(upload.words),
        int(upload.key.x, 16),
        int(upload.key.y, 16),
        int(upload.seal.r, 16),
        int(upload.seal.s, 16),
    )
    evidence = [EvidenceDocument(e.seq, bytes.fromhex(e.salt), e.document) for e in upload.evidence]
    with services.database.transaction() as connection:
        acceptance = accept_segment(
            segment,
            intake=IntakeStore(connection),
            network=services.network,
            now=services.now(),
            evidence=evidence,
        )
    response.status_code = 201 if acceptance.is_new else 200
    return UploadAnswer(
        receipt=receipt_shape(acceptance.receipt),
        warnings=[
            WarningShape(pointer=f"/entries/{w.index}", seq=w.seq, code=w.code, message=w.message)
            for w in acceptance.warnings
        ],
    )
