"""Placements of bins, tied to the sealed entries that attest them: written with the blocks they come from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, select

from backend.domain.journal import read_entry, split_entries
from backend.domain.keccak import keccak256
from backend.domain.layout import Kind
from backend.domain.types import Outcome, Role, device_text, organisation_of, organisation_text
from backend.store.intake import upsert
from backend.store.tables import CustodyStep, KnownDevice, LedgerSegment, Placement, table_of
from backend.usecases.ledger_events import BinsPlaced, packed_bins

_PLACEMENTS, _STEPS = table_of(Placement), table_of(CustodyStep)
_SEGMENTS, _DEVICES = table_of(LedgerSegment), table_of(KnownDevice)

Attested = tuple[int, int, bytes]
"""(site, how many bins, their digest)"""


def write(connection: Connection, events: Sequence[BinsPlaced]) -> None:
    """Keep the bins that the registry announced, each run with the entry whose digest it is."""
    for organisation in sorted({organisation_of(event.site) for event in events}):
        # The first entry counts: a statement works once, however often it was sealed.
        attested: dict[Attested, tuple[str, int]] = {}
        for statement, entry in _attested_by(connection, organisation):
            attested.setdefault(statement, entry)
        rows = []
        for event in events:
            packed = packed_bins(event.bins)
            found = attested.get((event.site, len(event.bins), keccak256(packed)))
            if found is None or organisation_of(event.site) != organisation:
                continue
            device, seq = found
            rows.append(
                {
                    "device": device,
                    "seq": seq,
                    "site": device_text(event.site),
                    "packed": packed,
                    "block_number": event.place.block_number,
                }
            )
        upsert(connection, _PLACEMENTS, rows)


def _attested_by(connection: Connection, organisation: int) -> Iterator[tuple[Attested, tuple[str, int]]]:
    """Yield what an organisation's registrars attested of bins, with (device, seq) of each entry."""
    registrars = select(_DEVICES.c.device).where(
        _DEVICES.c.organisation == organisation_text(organisation), _DEVICES.c.role == int(Role.REGISTRAR)
    )
    rows = connection.execute(
        select(_STEPS.c.device, _STEPS.c.seq, _SEGMENTS.c.first_seq, _SEGMENTS.c.words)
        .join(_SEGMENTS, _SEGMENTS.c.id == _STEPS.c.segment_id)
        .where(
            _STEPS.c.device.in_(registrars),
            _STEPS.c.kind == int(Kind.PLACE),
            _STEPS.c.outcome == int(Outcome.APPLIED),
        )
        .order_by(_STEPS.c.segment_id, _STEPS.c.seq)
    )
    for row in rows:
        fields = read_entry(split_entries(bytes(row.words))[row.seq - row.first_seq]).fields
        statement = fields["site"], fields["count"], fields["digest"].to_bytes(32, "big")
        yield statement, (row.device, row.seq)
