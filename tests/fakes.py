"""What use cases need of the outside, with state, in the order of the Protocols they fulfil."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from backend.domain.journal import read_entries
from backend.domain.layout import Kind
from backend.usecases.ledger_events import SegmentRecorded
from backend.usecases.ports import Accepted, KnownBin, KnownDevice


@dataclass
class FakeIntake:
    """Keeps what was handed in, in memory."""

    devices: dict[int, KnownDevice] = field(default_factory=dict)
    bins: dict[int, KnownBin] = field(default_factory=dict)
    kept: list[Accepted] = field(default_factory=list)
    evidence: dict[tuple[int, int], tuple[bytes, str]] = field(default_factory=dict)

    def hold_journal(self, device: int) -> None:
        """One transaction at a time is all there is here."""

    def find_device(self, device: int) -> KnownDevice | None:
        return self.devices.get(device)

    def find_end(self, device: int) -> tuple[int, bytes] | None:
        own = [accepted for accepted in self.kept if accepted.segment.device == device]
        return (own[-1].last_seq, own[-1].head) if own else None

    def find_covering(self, device: int, from_seq: int, to_seq: int) -> Sequence[Accepted]:
        return [
            accepted
            for accepted in self.kept
            if accepted.segment.device == device
            and accepted.segment.first_seq <= to_seq
            and accepted.last_seq >= from_seq
        ]

    def find_current_lot_stream(self, device: int) -> int | None:
        for accepted in reversed(self.kept):
            if accepted.segment.device == device:
                for entry in reversed(list(read_entries(accepted.segment.words))):
                    if entry.kind == Kind.LOAD:
                        return entry.fields.get("stream")
        return None

    def keep(self, accepted: Accepted) -> None:
        end = self.find_end(accepted.segment.device)
        assert accepted.segment.first_seq == (0 if end is None else end[0]) + 1
        self.kept.append(accepted)

    def keep_evidence(self, device: int, seq: int, salt: bytes, document: str) -> None:
        self.evidence[device, seq] = (salt, document)

    def know_device(self, device: KnownDevice) -> None:
        self.devices[device.device] = device

    def forget_trust(self, device: int) -> None:
        if device in self.devices:
            self.devices[device] = replace(self.devices[device], is_revoked=True)

    def find_bins(self, numbers: Iterable[int]) -> dict[int, KnownBin]:
        return {number: self.bins[number] for number in set(numbers) if number in self.bins}


@dataclass
class FakeWitness:
    """A node that knows one chain: its first block, its contracts, its registrars, its records."""

    chain: int
    blocks: dict[int, str]
    codes: dict[str, str]
    roots: dict[int, set[tuple[int, int]]]
    records: dict[tuple[str, str, int], SegmentRecorded]

    def chain_id(self) -> int:
        return self.chain

    def block_hash(self, number: int) -> str | None:
        return self.blocks.get(number)

    def code_hash(self, address: str) -> str:
        return self.codes.get(address, "00" * 32)

    def root_registrars(self, actor_registry: str, organisation: int) -> set[tuple[int, int]]:
        return self.roots.get(organisation, set())

    def recorded_at(self, ledger: str, tx_hash: str, log_index: int) -> SegmentRecorded | None:
        return self.records.get((ledger, tx_hash, log_index))

    def head_number(self) -> int:
        return max(self.blocks)
