"""The contracts' logs, read.

Written out by hand because it is the hot path; `tests/chain/test_ledger.py` binds it to the ABI that the
compiler gave and to web3's codec.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from backend.chain.abi import WORD, bytes_at, number, topic
from backend.chain.ledger_events import (
    BinsPlaced,
    Forked,
    GapClosed,
    LedgerAdded,
    LedgerEvent,
    OrganisationCreated,
    OrganisationResumed,
    OrganisationSuspended,
    PlacedBin,
    RegistrarProposalCancelled,
    RegistrarProposed,
    RegistrarReplaced,
    RegulatorSet,
    SegmentRecorded,
    SegmentRefused,
    Settled,
    SiteOpened,
    Transcribed,
    Witnessed,
)
from backend.domain.devices import Witness
from backend.domain.journal import Segment
from backend.domain.types import Refusal

SEGMENT_RECORDED = topic(
    "SegmentRecorded(uint64,uint40,bytes32,bytes32,bytes32,bytes32,bytes32,bytes,bytes,bytes)"
)
WITNESSED = topic("Witnessed(uint64,uint40,bytes32,bytes32,bytes32,bytes32,bytes32,bytes,bytes)")
FORKED = topic("Forked(uint64,uint40,bytes32)")
GAP_CLOSED = topic("GapClosed(uint64,uint40,uint40)")
TRANSCRIBED = topic("Transcribed(uint64,uint40,bytes)")
SEGMENT_REFUSED = topic("SegmentRefused(uint64,uint40,uint8)")
SETTLED = topic("Settled(uint64,uint40,uint96,uint8)")
ORGANISATION_CREATED = topic("OrganisationCreated(uint24,bytes32,uint64,uint160)")
REGISTRAR_PROPOSED = topic("RegistrarProposed(uint24,uint64,uint160,uint40)")
REGISTRAR_REPLACED = topic("RegistrarReplaced(uint24,uint64,uint160,uint8)")
PROPOSAL_CANCELLED = topic("RegistrarProposalCancelled(uint24,uint64)")
ORGANISATION_SUSPENDED = topic("OrganisationSuspended(uint24)")
ORGANISATION_RESUMED = topic("OrganisationResumed(uint24)")
REGULATOR_SET = topic("RegulatorSet(uint24,bool)")
SITE_OPENED = topic("SiteOpened(uint64,uint8,bytes32)")
BINS_PLACED = topic("BinsPlaced(uint64,(uint40,bytes32,uint8,uint40)[],bytes32)")
LEDGER_ADDED = topic("LedgerAdded(uint256,address,uint40)")

_Place = tuple[int, bytes, bytes, int]


def decode_log(log: dict[str, Any]) -> LedgerEvent | None:
    """Return the event in a log as a node gives it, or `None` for one we do not know."""
    topics = log["topics"]
    decode = _DECODERS.get(topics[0]) if topics else None
    if decode is None:
        return None
    return decode(
        (
            int(log["blockNumber"], 16),
            bytes.fromhex(log["blockHash"][2:]),
            bytes.fromhex(log["transactionHash"][2:]),
            int(log["logIndex"], 16),
        ),
        topics,
        bytes.fromhex(log["data"][2:]),
    )


def decode_logs(logs: Iterable[dict[str, Any]]) -> list[LedgerEvent]:
    """Return the events we know among the logs, in their order."""
    return [event for event in map(decode_log, logs) if event is not None]


def _segment_recorded(place: _Place, topics: Sequence[str], data: bytes) -> SegmentRecorded:
    number = int.from_bytes
    segment = Segment(
        device=int(topics[1], 16),
        first_seq=int(topics[2], 16),
        words=bytes_at(data, number(data[160:192], "big")),
        x=number(data[32:64], "big"),
        y=number(data[64:96], "big"),
        r=number(data[96:128], "big"),
        s=number(data[128:160], "big"),
        assertion=bytes_at(data, number(data[224:256], "big")),
    )
    return SegmentRecorded(*place, segment, data[:32], bytes_at(data, number(data[192:224], "big")))


def _segment_refused(place: _Place, topics: Sequence[str], data: bytes) -> SegmentRefused:
    return SegmentRefused(*place, int(topics[1], 16), int(topics[2], 16), Refusal(number(data, 0)))


def _settled(place: _Place, topics: Sequence[str], data: bytes) -> Settled:
    return Settled(*place, int(topics[1], 16), int(topics[2], 16), int(topics[3], 16), number(data, 0))


def _witnessed(place: _Place, topics: Sequence[str], data: bytes) -> Witnessed:
    x, y, r, s = (number(data, at) for at in range(1, 5))
    words, assertion = (bytes_at(data, number(data, at)) for at in (5, 6))
    witness = Witness(int(topics[1], 16), int(topics[2], 16), data[:WORD], words, x, y, r, s, assertion)
    return Witnessed(*place, witness)


def _forked(place: _Place, topics: Sequence[str], data: bytes) -> Forked:
    return Forked(*place, int(topics[1], 16), int(topics[2], 16), data[:WORD])


def _gap_closed(place: _Place, topics: Sequence[str], data: bytes) -> GapClosed:
    return GapClosed(*place, int(topics[1], 16), number(data, 0), number(data, 1))


def _transcribed(place: _Place, topics: Sequence[str], data: bytes) -> Transcribed:
    return Transcribed(*place, int(topics[1], 16), int(topics[2], 16), bytes_at(data, number(data, 0)))


def _organisation_created(place: _Place, topics: Sequence[str], data: bytes) -> OrganisationCreated:
    return OrganisationCreated(*place, int(topics[1], 16), data[:WORD], int(topics[2], 16), number(data, 1))


def _registrar_proposed(place: _Place, topics: Sequence[str], data: bytes) -> RegistrarProposed:
    return RegistrarProposed(*place, int(topics[1], 16), int(topics[2], 16), number(data, 0), number(data, 1))


def _registrar_replaced(place: _Place, topics: Sequence[str], data: bytes) -> RegistrarReplaced:
    return RegistrarReplaced(*place, int(topics[1], 16), int(topics[2], 16), number(data, 0), number(data, 1))


def _proposal_cancelled(place: _Place, topics: Sequence[str], _: bytes) -> RegistrarProposalCancelled:
    return RegistrarProposalCancelled(*place, int(topics[1], 16), int(topics[2], 16))


def _organisation_suspended(place: _Place, topics: Sequence[str], _: bytes) -> OrganisationSuspended:
    return OrganisationSuspended(*place, int(topics[1], 16))


def _organisation_resumed(place: _Place, topics: Sequence[str], _: bytes) -> OrganisationResumed:
    return OrganisationResumed(*place, int(topics[1], 16))


def _regulator_set(place: _Place, topics: Sequence[str], data: bytes) -> RegulatorSet:
    return RegulatorSet(*place, int(topics[1], 16), bool(number(data, 0)))


def _site_opened(place: _Place, topics: Sequence[str], data: bytes) -> SiteOpened:
    return SiteOpened(*place, int(topics[1], 16), number(data, 0), data[WORD : 2 * WORD])


def _bins_placed(place: _Place, topics: Sequence[str], data: bytes) -> BinsPlaced:
    at = number(data, 0) // WORD
    count = number(data, at)
    if (at + 1 + 4 * count) * WORD > len(data):
        raise ValueError("a log whose bins run past its end")
    bins = []
    for first in range(at + 1, at + 1 + 4 * count, 4):
        digest = data[(first + 1) * WORD : (first + 2) * WORD]
        bins.append(PlacedBin(number(data, first), digest, number(data, first + 2), number(data, first + 3)))
    return BinsPlaced(*place, int(topics[1], 16), tuple(bins), data[WORD : 2 * WORD])


def _ledger_added(place: _Place, topics: Sequence[str], data: bytes) -> LedgerAdded:
    return LedgerAdded(*place, int(topics[1], 16), "0x" + topics[2][-40:], number(data, 0))


_DECODERS: dict[str, Callable[[_Place, Sequence[str], bytes], LedgerEvent]] = {
    SEGMENT_RECORDED: _segment_recorded,
    SEGMENT_REFUSED: _segment_refused,
    SETTLED: _settled,
    WITNESSED: _witnessed,
    FORKED: _forked,
    GAP_CLOSED: _gap_closed,
    TRANSCRIBED: _transcribed,
    ORGANISATION_CREATED: _organisation_created,
    REGISTRAR_PROPOSED: _registrar_proposed,
    REGISTRAR_REPLACED: _registrar_replaced,
    PROPOSAL_CANCELLED: _proposal_cancelled,
    ORGANISATION_SUSPENDED: _organisation_suspended,
    ORGANISATION_RESUMED: _organisation_resumed,
    REGULATOR_SET: _regulator_set,
    SITE_OPENED: _site_opened,
    BINS_PLACED: _bins_placed,
    LEDGER_ADDED: _ledger_added,
}
