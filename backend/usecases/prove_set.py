"""A lot's whole journey, or a site's day, with all that proves it."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from backend.domain.bundle_set import AboutDay, AboutLot, BundleSet, ProvedSegment
from backend.domain.errors import MalformedSegment
from backend.domain.journal import Network, read_entries
from backend.domain.layout import Kind
from backend.usecases.prove_entry import ChainAway, ChainProofs, Evidence, prove_entry

SEGMENTS_MAX = 300
"""More than this is no file to hand to somebody; `huanlian audit` looks at all of it."""


class TooManySegments(Exception):
    """The set would be larger than a file to hand out."""


def prove_set(
    about: AboutLot | AboutDay, segments: Sequence[Evidence], proofs: ChainProofs | None, network: Network
) -> BundleSet:
    """Return the set of these segments.

    Raises:
        TooManySegments: it would be too large.
        ChainAway, NotOnChain: as for one entry.
    """
    if len(segments) > SEGMENTS_MAX:
        raise TooManySegments(f"{len(segments)} segments; a set holds at most {SEGMENTS_MAX}")
    if proofs is None:
        raise ChainAway("no node is set")
    proved = tuple(_prove(evidence, proofs, network) for evidence in segments)
    return BundleSet(network.chain_id, network.ledger.hex(), about, proved)


def _prove(evidence: Evidence, proofs: ChainProofs, network: Network) -> ProvedSegment:
    bundle = prove_entry(evidence, proofs, network)
    settled = [
        proofs.of_settling(ledger=network.ledger, device=evidence.device, seq=seq) for seq in evidence.deferred
    ]
    known = tuple(way for way in settled if way is not None)
    return ProvedSegment(bundle.prev_head, bundle.recorded, bundle.certificates, bundle.named, known)


@dataclass(frozen=True)
class LotStep:
    """An entry of a lot's journey, or all lifts into a lot, up to `to_seq`."""

    device: str
    seq: int
    is_loading: bool
    """A load, or lifts."""
    to_seq: int


def runs_of_lot(steps: Sequence[LotStep]) -> list[tuple[str, int, int]]:
    """Return the (device, first seq, last seq) that a journey's set has to cover.

    Of a journal that loaded, every entry from there to its last word about the lot is needed: or nobody could tell
    where a lift went, nor that none is left out.
    """
    runs = [(step.device, step.seq, step.seq) for step in steps]
    for device in sorted({step.device for step in steps if step.is_loading}):
        own = [step for step in steps if step.device == device]
        first = min(step.seq for step in own if step.is_loading)
        runs.append((device, first, max(step.to_seq for step in own)))
    return runs


def times_of(date: str) -> tuple[int, int]:
    """Return the first second of a day in Asia/Shanghai, and that of the next.

    Raises:
        ValueError: it is no date.
    """
    zone = datetime.timezone(datetime.timedelta(hours=8))
    day = datetime.datetime.fromisoformat(date).replace(tzinfo=zone)
    return int(day.timestamp()), int((day + datetime.timedelta(days=1)).timestamp())


def has_site(words: bytes, site: int) -> bool:
    """Say whether a segment's words tell of something taken, worked or closed at a site."""
    try:
        return any(
            entry.is_well_formed
            and entry.kind in (Kind.TAKE, Kind.TRANSFORM, Kind.CLOSE)
            and entry.fields["site"] == site
            for entry in read_entries(words)
        )
    except MalformedSegment:
        return False
