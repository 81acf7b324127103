"""What use cases need of the outside, with state, in the order of the Protocols they fulfil."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from backend.domain.custody_state import Gap
from backend.domain.journal import read_entries
from backend.domain.layout import Kind
from backend.usecases.ports import Accepted, KnownDevice, KnownJournal


@dataclass
class FakeIntake:
    """Keeps what was handed in, in memory."""

    devices: dict[int, KnownDevice] = field(default_factory=dict)
    streams: dict[int, int] = field(default_factory=dict)
    kept: list[Accepted] = field(default_factory=list)
    evidence: dict[tuple[int, int], tuple[bytes, str]] = field(default_factory=dict)
    gaps: dict[int, Gap] = field(default_factory=dict)

    def hold_journals(self, devices: Collection[int]) -> None:
        """One transaction at a time is all there is here."""

    def find_journals(self, devices: Collection[int]) -> Mapping[int, KnownJournal]:
        known = {device: self.devices[device] for device in devices if device in self.devices}
        return {device: KnownJournal(found, self.find_end(device)) for device, found in known.items()}

    def hold_journal(self, device: int) -> None:
        """One transaction at a time is all there is here."""

    def find_device(self, device: int) -> KnownDevice | None:
        return self.devices.get(device)

    def find_end(self, device: int) -> tuple[int, bytes] | None:
        own = [accepted for accepted in self.kept if accepted.segment.device == device]
        return (own[-1].last_seq, own[-1].head) if own else None

    def find_open_gap(self, device: int, now: int) -> Gap | None:
        gap = self.gaps.get(device)
        return gap if gap is not None and gap.opens_at <= now else None

    def find_covering(self, device: int, from_seq: int, to_seq: int) -> Sequence[Accepted]:
        return [
            accepted
            for accepted in self.kept
            if accepted.segment.device == device
            and accepted.segment.first_seq <= to_seq
            and accepted.last_seq >= from_seq
        ]

    def find_lot_stream(self, device: int, *, before_seq: int, head: bytes) -> int | None:
        stream = None
        for accepted in self.find_covering(device, 1, before_seq - 1):
            for seq, entry in enumerate(read_entries(accepted.segment.words), accepted.segment.first_seq):
                if entry.kind == Kind.LOAD and seq < before_seq:
                    stream = entry.fields.get("stream")
        return stream

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

    def find_streams(self, bins: Collection[int]) -> dict[int, int]:
        return {number: self.streams[number] for number in bins if number in self.streams}
