"""An organisation's office device in software: it anchors what its organisation said in a complaint.

The keys are the field vault's (see vault.py). An organisation whose root registrar the vault does not hold keeps
its own keys, and anchors with its own device.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from backend.domain.complaint_statements import ANCHOR_SCHEMA
from backend.domain.journal import Network
from backend.domain.layout import Kind
from backend.domain.recorded import EntryId
from backend.domain.types import Role, Scheme, device_text
from backend.domain.writer import JournalWriter, SigningKey
from backend.simulate.courier import Courier
from backend.simulate.run import ROOT
from backend.simulate.vault import Vault

_OFFICE = "office/complaints"
NOTARY, NOTARY_ORGANISATION = "office/anchors", 1
"""The city's device that the demonstration's server anchors with; see docs/decisions/0025."""


@dataclass(frozen=True)
class Digest:
    """A statement of a complaint, by its place and its digest."""

    case: int
    number: int
    digest: bytes


@dataclass(frozen=True)
class Offices:
    """The office devices of the organisations whose keys are at hand."""

    vault: Vault
    network: Network
    courier: Courier

    def has_key(self, organisation: int) -> bool:
        """Say whether the vault holds the organisation's root registrar."""
        root = self.courier.find(f"/api/v1/devices/{device_text(self.vault.device(organisation, ROOT))}")
        return root is not None

    def anchor(self, organisation: int, digests: Sequence[Digest]) -> list[EntryId]:
        """Seal an anchor entry for each digest and hand them in; return the entries, in their order."""
        writer = self.courier.continued(JournalWriter(self.network, *self.enrol(organisation, _OFFICE)))
        now = int(time.time())
        seqs = [
            writer.write(
                Kind.ANCHOR,
                schema=ANCHOR_SCHEMA,
                subject=each.case,
                digest=int.from_bytes(each.digest, "big"),
                occurred_at=now,
            )
            for each in digests
        ]
        for segment in writer.cut_all():
            self.courier.hand_in(segment)
        return [EntryId(writer.device, seq) for seq in seqs]

    def enrol(self, organisation: int, name: str) -> tuple[int, SigningKey]:
        """Let the root registrar enrol an office device where it is new; return the device and its key."""
        device, key = self.vault.device(organisation, name), self.vault.key(f"{name}/{organisation}")
        if self.courier.find(f"/api/v1/devices/{device_text(device)}") is None:
            root = self.courier.continued(
                JournalWriter(
                    self.network, self.vault.device(organisation, ROOT), self.vault.key(f"{ROOT}/{organisation}")
                )
            )
            x, y = key.public
            root.write(Kind.ENROL, device=device, role=Role.OFFICE, scheme=Scheme.RAW, x=x, y=y)
            self.courier.hand_in(root.cut())
        return device, key
