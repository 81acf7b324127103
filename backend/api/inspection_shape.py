"""A random inspection as programs read it."""

from __future__ import annotations

from typing import Any

from backend.api.shaping import instant
from backend.domain.inspection import Anchored, Inspection, Party
from backend.domain.inspection_statements import Candidates, Result, inspection_id, inspection_text
from backend.domain.types import device_text


def inspection_shape(inspection: Inspection) -> dict[str, Any]:
    """Return an inspection: its opening, where it stands, what was drawn and found, and what does not fit."""
    opening = inspection.opening
    text = Candidates(opening.candidates).text
    sample = inspection.sample
    return {
        "inspection": inspection_text(inspection_id(inspection.opened.digest)),
        "standing": str(inspection.standing),
        "opened": _anchored(inspection.opened),
        "candidates": opening.candidates,
        "site": opening.site or None,
        "day": opening.day or None,
        "list": {"block": opening.list_block, "count": opening.list_count, "root": opening.list_root},
        "sample_size": opening.sample,
        "blocks": {
            "commit_by": opening.commit_by,
            "seed": opening.seed_block,
            "reveal_by": opening.reveal_by,
            "default": opening.default_block,
        },
        "regulator": _party(inspection.regulator),
        "auditor": _party(inspection.auditor),
        "silent": list(inspection.silent),
        "sample": None
        if sample is None
        else {
            "items": [text(item) for item in sample.items],
            "seed": sample.seed.hex(),
            "block_number": sample.block_number,
            "block_hash": sample.block_hash.hex(),
            "is_default": sample.is_default,
        },
        "results": [_result(anchored) for said in inspection.results.values() for anchored in said],
        "outstanding": [text(item) for item in inspection.outstanding],
        "faults": [
            {
                "kind": str(fault.kind),
                "entry": fault.entry and {"device": device_text(fault.entry.device), "seq": fault.entry.seq},
            }
            for fault in inspection.faults
        ],
    }


def _party(party: Party) -> dict[str, Any]:
    return {
        "organisation": party.organisation,
        "commit": None if party.commit is None else _anchored(party.commit),
        "reveal": None if party.reveal is None else _anchored(party.reveal),
    }


def _anchored(anchored: Anchored) -> dict[str, Any]:
    return {
        "device": device_text(anchored.entry.device),
        "seq": anchored.entry.seq,
        "digest": anchored.digest.hex(),
        "block_number": anchored.block_number,
        "recorded_at": instant(anchored.recorded_at),
    }


def _result(anchored: Anchored) -> dict[str, Any]:
    said = anchored.statement
    assert isinstance(said, Result), "only results are kept as such"
    return {
        **_anchored(anchored),
        "by": said.by,
        "item": said.item,
        "is_found": said.is_found,
        "grams": said.grams,
        "photo": said.photo or None,
        "remark": said.remark,
    }
