"""Evidence bundles out of the books and what was handed in."""

from __future__ import annotations

from sqlalchemy import Connection, select

from backend.domain.journal import Network, Segment
from backend.domain.proof import Bundle, Certificate, write_bundle
from backend.store.intake import IntakeStore
from backend.store.tables import LedgerSegment, table_of

_SEGMENTS = table_of(LedgerSegment)


class NotRecordedYet(Exception):
    """The entry was handed in, but the ledger does not hold it yet."""


def make_bundle(connection: Connection, network: Network, *, device: str, seq: int) -> bytes | None:
    """Return the canonical bundle of an entry, or None where there is no such entry.

    Raises:
        NotRecordedYet: it waits for the chain.
    """
    row = connection.execute(
        select(_SEGMENTS).where(
            _SEGMENTS.c.device == device, _SEGMENTS.c.first_seq <= seq, _SEGMENTS.c.last_seq >= seq
        )
    ).one_or_none()
    if row is None:
        if IntakeStore(connection).find_covering(int(device, 16), seq, seq):
            raise NotRecordedYet(f"Entry {seq} of device {device} waits for the chain.")
        return None
    x, y, r, s = (int.from_bytes(row.seal[i : i + 32], "big") for i in range(0, 128, 32))
    return write_bundle(
        Bundle(
            network.chain_id,
            network.ledger.hex(),
            int(device, 16),
            seq,
            Segment(int(device, 16), row.first_seq, row.words, x, y, r, s),
            row.prev_head,
            row.outcomes,
            tuple(_certificates(connection, int(device, 16))),
            row.block_number,
            row.block_hash,
            row.tx_hash,
            row.log_index,
        )
    )


def _certificates(connection: Connection, device: int) -> list[Certificate]:
    """Return the certificates from a device up to its organisation's root registrar."""
    intake = IntakeStore(connection)
    found: list[Certificate] = []
    known = intake.find_device(device)
    while known is not None and known.registrar is not None and known.enrolled_seq is not None:
        covering = intake.find_covering(known.registrar, known.enrolled_seq, known.enrolled_seq)
        if not covering:
            break
        found.append(Certificate(covering[0].segment, covering[0].prev_head, known.enrolled_seq))
        known = intake.find_device(known.registrar)
    return found
