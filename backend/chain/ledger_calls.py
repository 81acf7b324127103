"""Calls to the contracts, as calldata."""

from collections.abc import Sequence

from backend.chain.abi import WORD, address, selector, with_bytes, word
from backend.chain.ledger_events import PlacedBin
from backend.domain.devices import Witness
from backend.domain.journal import Segment
from backend.domain.seal import SealProof

_RECORD = selector("record((uint64,uint40,bytes32,bytes32,bytes32,bytes32,bytes,bytes)[])")
_SETTLE = selector("settle(uint96,uint64,uint256)")
_WITNESS = selector("witness((uint64,uint40,bytes32,bytes32,bytes32,bytes32,bytes32,bytes,bytes))")
_PROVE_FORK = selector(
    "proveFork(uint64,uint40,bytes32,bytes32,(bytes32,bytes32,bytes32,bytes),(bytes32,bytes32,bytes32,bytes))"
)
_CREATE_ORGANISATION = selector("createOrganisation(uint24,bytes32,uint64,uint160)")
_PROPOSE_REGISTRAR = selector("proposeRegistrar(uint24,uint64,uint160)")
_REPLACE_REGISTRAR = selector("replaceRegistrar(uint24)")
_OPEN_SITE = selector("openSite(uint64,uint8,bytes32)")
_PLACE = selector("place(uint64,(uint40,bytes32,uint8,uint40)[])")
_ADD_LEDGER = selector("add(address,uint40)")


def encode_record(segments: Sequence[Segment]) -> bytes:
    """Return the call that brings segments to the ledger, in this order."""
    tuples = []
    for segment in segments:
        numbers = (segment.device, segment.first_seq, segment.x, segment.y, segment.r, segment.s)
        tuples.append(with_bytes(list(map(word, numbers)), (segment.words, segment.assertion)))
    offsets, at = [], len(tuples) * WORD
    for encoded in tuples:
        offsets.append(word(at))
        at += len(encoded)
    return b"".join((_RECORD, word(WORD), word(len(tuples)), *offsets, *tuples))


def encode_settle(lot: int, device: int, *, max_steps: int = 16) -> bytes:
    """Return the call that judges what a device has waiting on a lot."""
    return _SETTLE + word(lot) + word(device) + word(max_steps)


def encode_witness(witness: Witness) -> bytes:
    """Return the call that shows a sealed entry of a journal."""
    w = witness
    heads = [word(w.device), word(w.seq), w.before, *map(word, (w.x, w.y, w.r, w.s))]
    return _WITNESS + word(WORD) + with_bytes(heads, (w.words, w.assertion))


def encode_prove_fork(device: int, one: SealProof, other: SealProof) -> bytes:
    """Return the call that shows two heads which one key sealed for one seq."""
    proofs = [with_bytes([proof.head, word(proof.r), word(proof.s)], (proof.assertion,)) for proof in (one, other)]
    heads = [*map(word, (device, one.seq, one.x, one.y)), word(6 * WORD), word(6 * WORD + len(proofs[0]))]
    return _PROVE_FORK + b"".join((*heads, *proofs))


def encode_create_organisation(*, organisation: int, name_digest: bytes, registrar: int, key_hash: int) -> bytes:
    """Return the city's call that creates an organisation."""
    return b"".join((_CREATE_ORGANISATION, word(organisation), name_digest, word(registrar), word(key_hash)))


def encode_propose_registrar(*, organisation: int, registrar: int, key_hash: int) -> bytes:
    """Return the district's or the city's call that announces another root registrar."""
    return _PROPOSE_REGISTRAR + word(organisation) + word(registrar) + word(key_hash)


def encode_replace_registrar(organisation: int) -> bytes:
    """Return the call that puts the announced registrar in place after 72 hours."""
    return _REPLACE_REGISTRAR + word(organisation)


def encode_open_site(*, site: int, site_kind: int, digest: bytes) -> bytes:
    """Return the call that opens a site which a registrar has sealed."""
    return _OPEN_SITE + word(site) + word(site_kind) + digest


def encode_place(*, site: int, bins: Sequence[PlacedBin]) -> bytes:
    """Return the call that places bins which a registrar has sealed."""
    items = b"".join(
        word(bin_.number) + bin_.serial_digest + word(bin_.stream) + word(bin_.from_at) for bin_ in bins
    )
    return _PLACE + word(site) + word(2 * WORD) + word(len(bins)) + items


def encode_add_ledger(*, ledger: str, active_from: int) -> bytes:
    """Return the city's call that brings a ledger into force."""
    return _ADD_LEDGER + address(ledger) + word(active_from)
