"""The numbered steps that verify an evidence bundle, and the verdict they come to.

A bundle proves one entry: a block's receipts hold the ledger's record of its segment, the device's seal covers
it, and registrars sealed the device's enrolment up to the one that the registry named in another block. What a
verifier believes beforehand (chain, contracts, blocks) comes from its own trust file, never from the bundle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from backend.domain.announced import RecordedSegment, named_registrar, recorded_segment, settled_step
from backend.domain.blocks import BadInclusion, Header, Inclusion, included_log
from backend.domain.bundle import Bundle, Certificate
from backend.domain.errors import MalformedSegment
from backend.domain.journal import Entry, Network, Segment, first_head, next_head, read_entry, split_entries
from backend.domain.layout import Kind
from backend.domain.schemes import is_seal
from backend.domain.seal import SealProof, key_hash, seal_digest
from backend.domain.types import Outcome, Scheme, device_text, organisation_of


class Verdict(StrEnum):
    """What a verifier says in the end."""

    VALID = "VALID"
    CONSISTENT = "CONSISTENT, BLOCK NOT CHECKED"
    INVALID = "INVALID"


@dataclass(frozen=True)
class Step:
    """One numbered step of a verification; `ok` None: not done."""

    number: int
    title_zh: str
    title_en: str
    ok: bool | None
    detail: str


@dataclass(frozen=True)
class Report:
    """All steps, and the verdict."""

    steps: tuple[Step, ...]
    verdict: Verdict
    facts: tuple[str, ...] = ()
    """What a set of many entries tells, a line each."""

    @property
    def failed(self) -> Step | None:
        """The step that failed."""
        return next((step for step in self.steps if step.ok is False), None)

    @property
    def verdict_line(self) -> str:
        """The verdict as a person reads it: an invalid one names its step."""
        failed = self.failed
        return f"{self.verdict}" + (f" (step {failed.number}: {failed.title_en})" if failed else "")


TITLES: Mapping[int, tuple[str, str]] = {
    1: ("证据包格式规范、字节唯一", "The bundle is canonical bytes of a known format"),
    2: ("链与总账合约与信任文件一致", "Chain and ledger are those of the trust file"),
    3: ("区块的交易回执中有总账的这条记录", "The block's receipts hold this record of the ledger"),
    4: ("条目在这一账段之中", "The entry is in the recorded segment"),
    5: ("签封覆盖该条目及其之前全部条目", "The device's seal covers the entry and all before it"),
    6: ("设备证书逐级由登记员签封", "Registrars sealed the device's certificate, level by level"),
    7: ("根登记员由链上机构登记处指定", "The registry on the chain named the root registrar"),
    8: ("节点是信任文件所指的链与合约", "The node serves the trusted chain and contracts"),
    9: ("上述区块在可信的链上", "These blocks are on the trusted chain"),
}


@dataclass(frozen=True)
class ProvedBlock:
    """A block that a bundle leans on: whether the trusted chain has it is the last question."""

    number: int
    hash: str


class StepFailed(Exception):
    """A step found something that does not hold."""


def require_trusted_network(bundle: Bundle, trusted: Network) -> str:
    """Step 2: heads and seals of another chain or ledger prove nothing here."""
    if (bundle.chain_id, bundle.ledger) != (trusted.chain_id, trusted.ledger.hex()):
        raise StepFailed(
            f"The bundle is of chain {bundle.chain_id}, ledger {bundle.ledger}; "
            f"trusted is chain {trusted.chain_id}, ledger {trusted.ledger.hex()}."
        )
    return f"chain {trusted.chain_id}, ledger 0x{trusted.ledger.hex()}"


def require_record(bundle: Bundle, trusted: Network) -> tuple[str, Header, RecordedSegment]:
    """Step 3: the header hashes to the block, and its receipts hold the trusted ledger's record of a segment."""
    try:
        header, log = included_log(bundle.recorded)
    except BadInclusion as error:
        raise StepFailed(str(error)) from error
    record = recorded_segment(log)
    if log.address != trusted.ledger or record is None:
        raise StepFailed("The log is not a segment that the trusted ledger recorded.")
    said = f"receipt {bundle.recorded.receipt}, log {bundle.recorded.log} of block {header.number}"
    return said, header, record


def require_entry(bundle: Bundle, record: RecordedSegment) -> str:
    """Step 4: the recorded segment holds these words at this seq, and its head rolls through them."""
    segment = record.segment
    try:
        entries = split_entries(segment.words)
    except MalformedSegment as error:
        raise StepFailed(str(error)) from error
    position = bundle.seq - segment.first_seq
    if segment.device != bundle.device or not 0 <= position < len(entries):
        raise StepFailed("The entry is not in the segment.")
    if len(record.outcomes) != len(entries):
        raise StepFailed("There is not one outcome an entry.")
    head = bundle.prev_head
    for entry in entries[: position + 1]:
        head = next_head(head, entry)
    if entries[position] != bundle.words or head != bundle.head:
        raise StepFailed("The entry's words or head are not those in the segment.")
    read = read_entry(bundle.words)
    name = Kind(read.kind).name.lower() if read.is_well_formed else f"kind {read.kind}"
    outcome = outcome_text(record.outcomes[position])
    return f"{name}, seq {bundle.seq} of device {device_text(bundle.device)}, {outcome}"


def require_settled(settled: Inclusion, record: RecordedSegment, trusted: Network) -> tuple[Header, int, int]:
    """Still step 4: a block's receipts hold the trusted ledger's last word on an entry that it had deferred.

    Returns the block's header, the entry's seq, and its last outcome.
    """
    try:
        header, log = included_log(settled)
    except BadInclusion as error:
        raise StepFailed(str(error)) from error
    step, segment = settled_step(log), record.segment
    if log.address != trusted.ledger or step is None or step.device != segment.device:
        raise StepFailed("The log does not settle an entry of this segment, or is not the trusted ledger's.")
    position = step.seq - segment.first_seq
    if not 0 <= position < len(record.outcomes) or record.outcomes[position] & 0x0F != Outcome.DEFERRED:
        raise StepFailed("The entry that was settled had not been deferred.")
    return header, step.seq, step.outcome


def outcome_text(byte: int) -> str:
    """Return the word for an outcome byte's outcome."""
    code = byte & 0x0F
    return Outcome(code).name.lower() if code in set(Outcome) else f"outcome {code}"


def require_seal(bundle: Bundle, record: RecordedSegment, trusted: Network) -> str:
    """Step 5: the rolling head from `prev_head` through all entries is what the device sealed."""
    segment = record.segment
    head = _sealed_head(segment, bundle.prev_head, trusted, bundle.certificates)
    if head != record.head:
        raise StepFailed("The head that the ledger recorded is another.")
    return f"head {head.hex()[:16]}… sealed by key {key_hash(segment.x, segment.y):040x}"


def _sealed_head(
    segment: Segment, prev_head: bytes, trusted: Network, certificates: Sequence[Certificate]
) -> bytes:
    if segment.first_seq == 1 and prev_head != first_head(trusted, segment.device):
        raise StepFailed(f"The journal of {device_text(segment.device)} does not begin at its first head.")
    head, entries = prev_head, split_entries(segment.words)
    for entry in entries:
        head = next_head(head, entry)
    last_seq = segment.first_seq + len(entries) - 1
    digest = seal_digest(trusted, device=segment.device, seq=last_seq, head=head)
    proof = SealProof(last_seq, head, segment.x, segment.y, segment.r, segment.s, segment.assertion)
    if not is_seal(proof, digest, origin=_origin_in(certificates, segment.device)):
        raise StepFailed(f"The seal of {device_text(segment.device)} at seq {last_seq} does not verify.")
    return head


def _origin_in(certificates: Sequence[Certificate], device: int) -> int | None:
    """Return the web origin's digest that a passkey was enrolled with; step 6 checks who enrolled it."""
    entry = _enrolment_in(certificates[0]) if certificates else None
    if entry is None or entry.fields["device"] != device or entry.fields["scheme"] != Scheme.WEBAUTHN:
        return None
    return entry.fields["origin"]


def _enrolment_in(certificate: Certificate) -> Entry | None:
    """Return the enrolment that a certificate begins with, or None where it begins with something else."""
    try:
        entry = read_entry(split_entries(certificate.segment.words)[0])
    except MalformedSegment:
        return None
    return entry if entry.is_well_formed and entry.kind in (Kind.ENROL, Kind.ROTATE) else None


def require_certificates(bundle: Bundle, record: RecordedSegment, trusted: Network) -> tuple[str, int, int]:
    """Step 6: each level's registrar sealed the enrolment of the device below it, with its very key.

    Returns what to say, and the device and key hash of the topmost registrar.
    """
    device, key = bundle.device, key_hash(record.segment.x, record.segment.y)
    path = [device_text(device)]
    for level, certificate in enumerate(bundle.certificates, 1):
        sealed = certificate.segment
        try:
            _sealed_head(sealed, certificate.prev_head, trusted, bundle.certificates[level:])
        except (MalformedSegment, OverflowError) as error:
            raise StepFailed(str(error)) from error
        entry = _enrolment_in(certificate)
        if entry is None or entry.fields["device"] != device:
            raise StepFailed(f"A certificate does not enrol device {device_text(device)}.")
        if key_hash(entry.fields["x"], entry.fields["y"]) != key:
            raise StepFailed(f"Device {device_text(device)} was enrolled with another key.")
        if organisation_of(sealed.device) != organisation_of(device):
            raise StepFailed("A registrar enrolled a device of another organisation.")
        device, key = sealed.device, key_hash(sealed.x, sealed.y)
        path.append(device_text(device))
    return " ← ".join(path), device, key


def require_named_root(bundle: Bundle, registry: bytes, device: int, key: int) -> tuple[str, Header]:
    """Step 7: a block's receipts hold the trusted registry's naming of this device with this key."""
    try:
        header, log = included_log(bundle.named)
    except BadInclusion as error:
        raise StepFailed(str(error)) from error
    named = named_registrar(log)
    if log.address != registry or named is None:
        raise StepFailed("The log does not name a registrar, or is not the trusted registry's.")
    if (named.organisation, named.device, named.key_hash) != (organisation_of(device), device, key):
        raise StepFailed(f"{device_text(device)} with this key is not the registrar that was named.")
    return f"{device_text(device)}, named in block {header.number}", header


def report_of(results: Sequence[tuple[int, bool | None, str]]) -> Report:
    """Return the report of these (number, ok, detail) results."""
    steps = tuple(Step(number, *TITLES[number], ok, detail) for number, ok, detail in results)
    if any(step.ok is False for step in steps):
        verdict = Verdict.INVALID
    elif steps[-1].number == max(TITLES) and steps[-1].ok:
        verdict = Verdict.VALID
    else:
        verdict = Verdict.CONSISTENT
    return Report(steps, verdict)
