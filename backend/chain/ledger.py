"""The contracts' ABI: calls as calldata, logs as values, and reads of state.

Written out by hand because it is the hot path; `tests/chain/test_ledger.py` binds it to the ABI that the
compiler gave and to web3's codec.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from backend.chain.client import Rpc, RpcError
from backend.chain.contract_errors import read_contract_error
from backend.domain.devices import Witness
from backend.domain.journal import Segment
from backend.domain.keccak import keccak256
from backend.domain.seal import SealProof
from backend.domain.types import Refusal

_WORD = 32
Block = str | int | bytes
"""A tag such as "latest", a number, or a hash."""


@dataclass(frozen=True, slots=True)
class PlacedBin:
    """A bin that stands on a site from a time on."""

    number: int
    serial_digest: bytes
    stream: int
    from_at: int


@dataclass(frozen=True, slots=True)
class LedgerEvent:
    """Where a log is: enough to find it again, and to notice that it has gone."""

    block_number: int
    block_hash: bytes
    tx_hash: bytes
    log_index: int


@dataclass(frozen=True, slots=True)
class SegmentRecorded(LedgerEvent):
    """A segment as the ledger recorded it, with one outcome byte an entry."""

    segment: Segment
    head: bytes
    outcomes: bytes


@dataclass(frozen=True, slots=True)
class SegmentRefused(LedgerEvent):
    """A segment of which the ledger stored nothing."""

    device: int
    first_seq: int
    reason: Refusal


@dataclass(frozen=True, slots=True)
class Settled(LedgerEvent):
    """An entry that had waited got its last outcome (a byte with its flaw)."""

    device: int
    seq: int
    lot: int
    outcome: int


@dataclass(frozen=True, slots=True)
class Witnessed(LedgerEvent):
    """Somebody showed a sealed entry of a journal that is not recorded that far."""

    witness: Witness


@dataclass(frozen=True, slots=True)
class Forked(LedgerEvent):
    """A device was shown to have sealed two heads for one seq."""

    device: int
    seq: int
    head: bytes


@dataclass(frozen=True, slots=True)
class GapClosed(LedgerEvent):
    """A journal went on after entries that it has lost."""

    device: int
    from_seq: int
    to_seq: int


@dataclass(frozen=True, slots=True)
class Transcribed(LedgerEvent):
    """A registrar's transcription had effect, with one outcome byte an entry."""

    device: int
    first_seq: int
    outcomes: bytes


@dataclass(frozen=True, slots=True)
class OrganisationCreated(LedgerEvent):
    """The city created an organisation and named its root registrar."""

    organisation: int
    name_digest: bytes
    registrar: int
    key_hash: int


@dataclass(frozen=True, slots=True)
class RegistrarProposed(LedgerEvent):
    """A root registrar is to be replaced."""

    organisation: int
    registrar: int
    key_hash: int
    effective_at: int


@dataclass(frozen=True, slots=True)
class RegistrarReplaced(LedgerEvent):
    """A root registrar was replaced, and a new epoch began."""

    organisation: int
    registrar: int
    key_hash: int
    epoch: int


@dataclass(frozen=True, slots=True)
class RegistrarProposalCancelled(LedgerEvent):
    """An auditor stopped the announcement of another root registrar."""

    organisation: int
    registrar: int


@dataclass(frozen=True, slots=True)
class OrganisationSuspended(LedgerEvent):
    """An organisation's registrars were stopped."""

    organisation: int


@dataclass(frozen=True, slots=True)
class OrganisationResumed(LedgerEvent):
    """A suspended organisation's registrars may act again."""

    organisation: int


@dataclass(frozen=True, slots=True)
class RegulatorSet(LedgerEvent):
    """An organisation became a regulator, or is none any more."""

    organisation: int
    is_regulator: bool


@dataclass(frozen=True, slots=True)
class SiteOpened(LedgerEvent):
    """A site was opened, or described anew."""

    site: int
    site_kind: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class BinsPlaced(LedgerEvent):
    """Bins were placed on a site; `head` is the site's rolling head after them."""

    site: int
    bins: tuple[PlacedBin, ...]
    head: bytes


@dataclass(frozen=True, slots=True)
class LedgerAdded(LedgerEvent):
    """A ledger will be in force from a time on."""

    version: int
    ledger: str
    active_from: int


@dataclass(frozen=True, slots=True)
class DeviceState:
    """A device's slot; all zeros when the ledger does not know it."""

    key_hash: int
    next_seq: int
    not_after: int
    role: int
    flags: int
    epoch: int


@dataclass(frozen=True, slots=True)
class LotState:
    """A lot's slot; status 0 when there is none."""

    holder: int
    grams: int
    lifts: int
    stream: int
    status: int
    pendings: int
    last_seq: int
    is_shut: bool
    mixture: int


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums in grams. lifted + gained = held + out + lost."""

    lifted: int
    gained: int
    out: int
    lost: int


@dataclass(frozen=True, slots=True)
class Registrar:
    """An organisation's root registrar in place; zeros when there is no such organisation."""

    device: int
    key_hash: int
    epoch: int


def selector(signature: str) -> bytes:
    """Return the first four bytes of a function's call."""
    return keccak256(signature.encode())[:4]


def topic(signature: str) -> str:
    """Return an event's first topic, as nodes write it."""
    return "0x" + keccak256(signature.encode()).hex()


_RECORD = selector("record((uint64,uint40,bytes32,bytes32,bytes32,bytes32,bytes,bytes)[])")
_SETTLE = selector("settle(uint96,uint64,uint256)")
_WITNESS = selector("witness((uint64,uint40,bytes32,bytes32,bytes32,bytes32,bytes32,bytes,bytes))")
_PROVE_FORK = selector(
    "proveFork(uint64,uint40,bytes32,bytes32,(bytes32,bytes32,bytes32,bytes),(bytes32,bytes32,bytes32,bytes))"
)
_DEVICE_OF = selector("deviceOf(uint64)")
_HEAD_OF = selector("headOf(uint64)")
_LOT_OF = selector("lotOf(uint96)")
_TOTALS_OF = selector("totalsOf(uint8)")
_DAY_TOTALS_OF = selector("dayTotalsOf(uint24,uint32,uint8)")
_ATTESTED = selector("attested(bytes32)")
_CREATE_ORGANISATION = selector("createOrganisation(uint24,bytes32,uint64,uint160)")
_PROPOSE_REGISTRAR = selector("proposeRegistrar(uint24,uint64,uint160)")
_REPLACE_REGISTRAR = selector("replaceRegistrar(uint24)")
_REGISTRAR_OF = selector("registrarOf(uint24)")
_OPEN_SITE = selector("openSite(uint64,uint8,bytes32)")
_PLACE = selector("place(uint64,(uint40,bytes32,uint8,uint40)[])")
_ADD_LEDGER = selector("add(address,uint40)")
_IN_FORCE = selector("inForce()")

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


def _word(value: int) -> bytes:
    return value.to_bytes(_WORD, "big")


def _address(value: str) -> bytes:
    return bytes.fromhex(value.removeprefix("0x")).rjust(_WORD, b"\0")


def encode_record(segments: Sequence[Segment]) -> bytes:
    """Return the call that brings segments to the ledger, in this order."""
    tuples = []
    for segment in segments:
        numbers = (segment.device, segment.first_seq, segment.x, segment.y, segment.r, segment.s)
        tuples.append(_with_bytes(list(map(_word, numbers)), (segment.words, segment.assertion)))
    offsets, at = [], len(tuples) * _WORD
    for encoded in tuples:
        offsets.append(_word(at))
        at += len(encoded)
    return b"".join((_RECORD, _word(_WORD), _word(len(tuples)), *offsets, *tuples))


def _with_bytes(heads: list[bytes], tails: Sequence[bytes]) -> bytes:
    """Return the encoding of a tuple whose last members are byte strings."""
    offset = (len(heads) + len(tails)) * _WORD
    encoded: list[bytes] = []
    for tail in tails:
        heads.append(_word(offset))
        encoded.append(_word(len(tail)) + tail + bytes(-len(tail) % _WORD))
        offset += len(encoded[-1])
    return b"".join((*heads, *encoded))


def encode_settle(lot: int, device: int, *, max_steps: int = 16) -> bytes:
    """Return the call that judges what a device has waiting on a lot."""
    return _SETTLE + _word(lot) + _word(device) + _word(max_steps)


def encode_witness(witness: Witness) -> bytes:
    """Return the call that shows a sealed entry of a journal."""
    w = witness
    heads = [_word(w.device), _word(w.seq), w.before, *map(_word, (w.x, w.y, w.r, w.s))]
    return _WITNESS + _word(_WORD) + _with_bytes(heads, (w.words, w.assertion))


def encode_prove_fork(device: int, one: SealProof, other: SealProof) -> bytes:
    """Return the call that shows two heads which one key sealed for one seq."""
    proofs = [
        _with_bytes([proof.head, _word(proof.r), _word(proof.s)], (proof.assertion,)) for proof in (one, other)
    ]
    heads = [*map(_word, (device, one.seq, one.x, one.y)), _word(6 * _WORD), _word(6 * _WORD + len(proofs[0]))]
    return _PROVE_FORK + b"".join((*heads, *proofs))


def encode_create_organisation(*, organisation: int, name_digest: bytes, registrar: int, key_hash: int) -> bytes:
    """Return the city's call that creates an organisation."""
    return b"".join((_CREATE_ORGANISATION, _word(organisation), name_digest, _word(registrar), _word(key_hash)))


def encode_propose_registrar(*, organisation: int, registrar: int, key_hash: int) -> bytes:
    """Return the district's or the city's call that announces another root registrar."""
    return _PROPOSE_REGISTRAR + _word(organisation) + _word(registrar) + _word(key_hash)


def encode_replace_registrar(organisation: int) -> bytes:
    """Return the call that puts the announced registrar in place after 72 hours."""
    return _REPLACE_REGISTRAR + _word(organisation)


def encode_open_site(*, site: int, site_kind: int, digest: bytes) -> bytes:
    """Return the call that opens a site which a registrar has sealed."""
    return _OPEN_SITE + _word(site) + _word(site_kind) + digest


def encode_place(*, site: int, bins: Sequence[PlacedBin]) -> bytes:
    """Return the call that places bins which a registrar has sealed."""
    items = b"".join(
        _word(bin_.number) + bin_.serial_digest + _word(bin_.stream) + _word(bin_.from_at) for bin_ in bins
    )
    return _PLACE + _word(site) + _word(2 * _WORD) + _word(len(bins)) + items


def encode_add_ledger(*, ledger: str, active_from: int) -> bytes:
    """Return the city's call that brings a ledger into force."""
    return _ADD_LEDGER + _address(ledger) + _word(active_from)


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


_Place = tuple[int, bytes, bytes, int]


def _number(data: bytes, at: int) -> int:
    return int.from_bytes(data[at * _WORD : at * _WORD + _WORD], "big")


def _bytes_at(data: bytes, offset: int) -> bytes:
    start = offset + _WORD
    end = start + int.from_bytes(data[offset:start], "big")
    if end > len(data):
        raise ValueError("a log whose bytes run past its end")
    return data[start:end]


def _segment_recorded(place: _Place, topics: Sequence[str], data: bytes) -> SegmentRecorded:
    number = int.from_bytes
    segment = Segment(
        device=int(topics[1], 16),
        first_seq=int(topics[2], 16),
        words=_bytes_at(data, number(data[160:192], "big")),
        x=number(data[32:64], "big"),
        y=number(data[64:96], "big"),
        r=number(data[96:128], "big"),
        s=number(data[128:160], "big"),
        assertion=_bytes_at(data, number(data[224:256], "big")),
    )
    return SegmentRecorded(*place, segment, data[:32], _bytes_at(data, number(data[192:224], "big")))


def _segment_refused(place: _Place, topics: Sequence[str], data: bytes) -> SegmentRefused:
    return SegmentRefused(*place, int(topics[1], 16), int(topics[2], 16), Refusal(_number(data, 0)))


def _settled(place: _Place, topics: Sequence[str], data: bytes) -> Settled:
    return Settled(*place, int(topics[1], 16), int(topics[2], 16), int(topics[3], 16), _number(data, 0))


def _witnessed(place: _Place, topics: Sequence[str], data: bytes) -> Witnessed:
    x, y, r, s = (_number(data, at) for at in range(1, 5))
    words, assertion = (_bytes_at(data, _number(data, at)) for at in (5, 6))
    witness = Witness(int(topics[1], 16), int(topics[2], 16), data[:_WORD], words, x, y, r, s, assertion)
    return Witnessed(*place, witness)


def _forked(place: _Place, topics: Sequence[str], data: bytes) -> Forked:
    return Forked(*place, int(topics[1], 16), int(topics[2], 16), data[:_WORD])


def _gap_closed(place: _Place, topics: Sequence[str], data: bytes) -> GapClosed:
    return GapClosed(*place, int(topics[1], 16), _number(data, 0), _number(data, 1))


def _transcribed(place: _Place, topics: Sequence[str], data: bytes) -> Transcribed:
    return Transcribed(*place, int(topics[1], 16), int(topics[2], 16), _bytes_at(data, _number(data, 0)))


def _organisation_created(place: _Place, topics: Sequence[str], data: bytes) -> OrganisationCreated:
    return OrganisationCreated(*place, int(topics[1], 16), data[:_WORD], int(topics[2], 16), _number(data, 1))


def _registrar_proposed(place: _Place, topics: Sequence[str], data: bytes) -> RegistrarProposed:
    return RegistrarProposed(*place, int(topics[1], 16), int(topics[2], 16), _number(data, 0), _number(data, 1))


def _registrar_replaced(place: _Place, topics: Sequence[str], data: bytes) -> RegistrarReplaced:
    return RegistrarReplaced(*place, int(topics[1], 16), int(topics[2], 16), _number(data, 0), _number(data, 1))


def _proposal_cancelled(place: _Place, topics: Sequence[str], _: bytes) -> RegistrarProposalCancelled:
    return RegistrarProposalCancelled(*place, int(topics[1], 16), int(topics[2], 16))


def _organisation_suspended(place: _Place, topics: Sequence[str], _: bytes) -> OrganisationSuspended:
    return OrganisationSuspended(*place, int(topics[1], 16))


def _organisation_resumed(place: _Place, topics: Sequence[str], _: bytes) -> OrganisationResumed:
    return OrganisationResumed(*place, int(topics[1], 16))


def _regulator_set(place: _Place, topics: Sequence[str], data: bytes) -> RegulatorSet:
    return RegulatorSet(*place, int(topics[1], 16), bool(_number(data, 0)))


def _site_opened(place: _Place, topics: Sequence[str], data: bytes) -> SiteOpened:
    return SiteOpened(*place, int(topics[1], 16), _number(data, 0), data[_WORD : 2 * _WORD])


def _bins_placed(place: _Place, topics: Sequence[str], data: bytes) -> BinsPlaced:
    at = _number(data, 0) // _WORD
    count = _number(data, at)
    if (at + 1 + 4 * count) * _WORD > len(data):
        raise ValueError("a log whose bins run past its end")
    bins = []
    for first in range(at + 1, at + 1 + 4 * count, 4):
        digest = data[(first + 1) * _WORD : (first + 2) * _WORD]
        bins.append(PlacedBin(_number(data, first), digest, _number(data, first + 2), _number(data, first + 3)))
    return BinsPlaced(*place, int(topics[1], 16), tuple(bins), data[_WORD : 2 * _WORD])


def _ledger_added(place: _Place, topics: Sequence[str], data: bytes) -> LedgerAdded:
    return LedgerAdded(*place, int(topics[1], 16), "0x" + topics[2][-40:], _number(data, 0))


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


class Ledger:
    """Reads of the contracts' state. Each takes the block it is read at."""

    def __init__(self, rpc: Rpc, *, custody_ledger: str, actor_registry: str = "") -> None:
        self._rpc, self._custody_ledger, self._actor_registry = rpc, custody_ledger, actor_registry

    def device_of(self, device: int, *, block: Block = "latest") -> DeviceState:
        """Return a device's key hash, next seq, validity, role, flags and epoch."""
        return DeviceState(*_numbers(self._read(_DEVICE_OF + _word(device), block), 6))

    def next_seq(self, device: int, *, block: Block = "latest") -> int:
        """Return the seq that a device's next entry must have; 0 when the ledger does not know it."""
        return self.device_of(device, block=block).next_seq

    def next_seqs(self, devices: Sequence[int], *, block: Block = "latest") -> dict[int, int]:
        """Return the next seq of many devices in one exchange."""
        calls = [
            ("eth_call", (self._call(self._custody_ledger, _DEVICE_OF + _word(device)), _block(block)))
            for device in devices
        ]
        answers = self._rpc.batch(calls)
        return {device: _numbers(_content(answer), 6)[1] for device, answer in zip(devices, answers, strict=True)}

    def head_of(self, device: int, *, block: Block = "latest") -> bytes:
        """Return the head of a device's journal; 32 zero bytes when there is no such device."""
        return self._read(_HEAD_OF + _word(device), block)[:_WORD]

    def lot_of(self, lot: int, *, block: Block = "latest") -> LotState:
        """Return a lot's slot."""
        values = _numbers(self._read(_LOT_OF + _word(lot), block), 9)
        holder, grams, lifts, stream, status, pendings, last_seq, shut, mixture = values
        return LotState(holder, grams, lifts, stream, status, pendings, last_seq, bool(shut), mixture)

    def totals_of(self, stream: int, *, block: Block = "latest") -> Totals:
        """Return a stream's sums."""
        return Totals(*_numbers(self._read(_TOTALS_OF + _word(stream), block), 4))

    def day_totals_of(self, *, organisation: int, day: int, stream: int, block: Block = "latest") -> Totals:
        """Return an organisation's sums of one day (days since 1970 in Asia/Shanghai)."""
        call = _DAY_TOTALS_OF + _word(organisation) + _word(day) + _word(stream)
        return Totals(*_numbers(self._read(call, block), 4))

    def is_attested(self, statement: bytes, *, block: Block = "latest") -> bool:
        """Say whether a registrar of the site's organisation sealed this statement."""
        return bool(_numbers(self._read(_ATTESTED + statement, block), 1)[0])

    def registrar_of(self, organisation: int, *, block: Block = "latest") -> Registrar:
        """Return the root registrar that the actor registry has in place."""
        call = _REGISTRAR_OF + _word(organisation)
        return Registrar(*_numbers(call_contract(self._rpc, self._actor_registry, call, block=block), 3))

    def _read(self, call: bytes, block: Block) -> bytes:
        return call_contract(self._rpc, self._custody_ledger, call, block=block)

    @staticmethod
    def _call(to: str, call: bytes) -> dict[str, str]:
        return {"to": to, "data": "0x" + call.hex()}


def ledger_in_force(rpc: Rpc, ledger_versions: str, *, block: Block = "latest") -> str:
    """Return the address that `LedgerVersions` names, zero when none is yet."""
    return "0x" + call_contract(rpc, ledger_versions, _IN_FORCE, block=block)[12:32].hex()


def call_contract(rpc: Rpc, to: str, call: bytes, *, block: Block = "latest", sender: str | None = None) -> bytes:
    """Return what a call answers, without sending a transaction.

    Raises:
        ContractError: the contract said no, and how.
        RpcError: the node said no.
    """
    request = {"to": to, "data": "0x" + call.hex()}
    if sender is not None:
        request["from"] = sender
    try:
        return _content(rpc.call("eth_call", request, _block(block)))
    except RpcError as error:
        known = read_contract_error(error.revert_data) if error.revert_data else None
        if known is not None:
            raise known from error
        raise


def _block(block: Block) -> str | dict[str, str]:
    if isinstance(block, bytes):
        return {"blockHash": "0x" + block.hex()}
    return hex(block) if isinstance(block, int) else block


def _content(answer: str) -> bytes:
    return bytes.fromhex(answer[2:])


def _numbers(data: bytes, count: int) -> list[int]:
    if len(data) < count * _WORD:
        raise ValueError(f"a call answered {len(data)} bytes: is there a contract at this address?")
    return [_number(data, at) for at in range(count)]
