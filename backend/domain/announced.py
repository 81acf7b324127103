"""What the contracts announce in logs, as far as a proof needs it: a recorded segment, a named registrar.

Source: contracts/interfaces/ICustodyLedger.sol, IActorRegistry.sol; tests bind both to the compiled contracts.
"""

from __future__ import annotations

from dataclasses import dataclass

from backend.domain.blocks import Log
from backend.domain.journal import Segment
from backend.domain.keccak import keccak256

_WORD = 32
_SEGMENT_RECORDED = keccak256(
    b"SegmentRecorded(uint64,uint40,bytes32,bytes32,bytes32,bytes32,bytes32,bytes,bytes,bytes)"
)
_SETTLED = keccak256(b"Settled(uint64,uint40,uint96,uint8)")
_ORGANISATION_CREATED = keccak256(b"OrganisationCreated(uint24,bytes32,uint64,uint160)")
_REGISTRAR_REPLACED = keccak256(b"RegistrarReplaced(uint24,uint64,uint160,uint8)")


@dataclass(frozen=True)
class RecordedSegment:
    """A segment as the ledger recorded it: the head after it, and one outcome byte an entry."""

    segment: Segment
    head: bytes
    outcomes: bytes


@dataclass(frozen=True)
class NamedRegistrar:
    """A root registrar that the registry named for an organisation."""

    organisation: int
    device: int
    key_hash: int


@dataclass(frozen=True)
class SettledStep:
    """A step that had waited, and the outcome byte that it got in the end."""

    device: int
    seq: int
    outcome: int


def settled_step(log: Log) -> SettledStep | None:
    """Return the settled step in a log of the ledger, or None where the log says something else."""
    if len(log.topics) != 4 or log.topics[0] != _SETTLED or len(log.data) != _WORD:
        return None
    device, seq = (int.from_bytes(topic, "big") for topic in log.topics[1:3])
    return SettledStep(device, seq, int.from_bytes(log.data, "big"))


def recorded_segment(log: Log) -> RecordedSegment | None:
    """Return the segment in a log of the ledger, or None where the log says something else."""
    if len(log.topics) != 3 or log.topics[0] != _SEGMENT_RECORDED or len(log.data) < 8 * _WORD:
        return None
    head, x, y, r, s, words_at, outcomes_at, assertion_at = _words(log.data, 8)
    parts = [_bytes_at(log.data, at) for at in (words_at, outcomes_at, assertion_at)]
    words, outcomes, assertion = parts
    if words is None or outcomes is None or assertion is None:
        return None
    device, first_seq = (int.from_bytes(topic, "big") for topic in log.topics[1:])
    segment = Segment(device, first_seq, words, x, y, r, s, assertion)
    return RecordedSegment(segment, head.to_bytes(_WORD, "big"), outcomes)


def named_registrar(log: Log) -> NamedRegistrar | None:
    """Return the root registrar in a log of the registry, or None where the log says something else."""
    if len(log.topics) != 3 or len(log.data) != 2 * _WORD:
        return None
    organisation, device = (int.from_bytes(topic, "big") for topic in log.topics[1:])
    first, second = _words(log.data, 2)
    if log.topics[0] == _ORGANISATION_CREATED:
        return NamedRegistrar(organisation, device, second)
    if log.topics[0] == _REGISTRAR_REPLACED:
        return NamedRegistrar(organisation, device, first)
    return None


def _words(data: bytes, count: int) -> list[int]:
    return [int.from_bytes(data[at : at + _WORD], "big") for at in range(0, count * _WORD, _WORD)]


def _bytes_at(data: bytes, at: int) -> bytes | None:
    size = int.from_bytes(data[at : at + _WORD], "big")
    found = data[at + _WORD : at + _WORD + size]
    return found if len(found) == size and at + _WORD <= len(data) else None
