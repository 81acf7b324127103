"""What was published of random inspections, and the anchors that the books hold of them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, Row, insert, select

from backend.domain.inspection import Anchored, BlockHash, Inspection, judge
from backend.domain.inspection_statements import (
    ANCHOR_SCHEMA,
    Candidates,
    Opening,
    Statement,
    UnreadableInspection,
    digest_of,
    inspection_id,
    inspection_text,
    read_statement,
)
from backend.domain.layout import Kind
from backend.domain.recorded import EntryId
from backend.domain.types import device_text, organisation_text
from backend.store.anchors import recorded_anchors
from backend.store.reading import Reader
from backend.store.slots import regulators_kept
from backend.store.tables import InspectionList, InspectionStatement, LedgerSegment, table_of
from backend.usecases.inspections import AnchorEntry, Published, read_items

_STATEMENTS, _LISTS, _SEGMENTS = (
    table_of(model) for model in (InspectionStatement, InspectionList, LedgerSegment)
)


class InspectionStore:
    """Inspections within one transaction; fulfils the use cases' `Inspections`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._reader = Reader(connection)

    # --- publishing ----------------------------------------------------------------------------------

    def find_anchor(self, entry: EntryId) -> AnchorEntry | None:
        """Return the anchor that was handed in or recorded as this entry; None where it is none."""
        found = self._reader.find_entry(device_text(entry.device), entry.seq)
        if found is None or found.kind != Kind.ANCHOR:
            return None
        fields = found.fields
        return AnchorEntry(fields["schema"], fields["subject"], fields["digest"].to_bytes(32, "big"))

    def find_opening(self, inspection: str) -> Opening | None:
        """Return an inspection's opening; None where there is none, or its document was changed here."""
        document = self._connection.execute(
            select(_STATEMENTS.c.document).where(
                _STATEMENTS.c.inspection == inspection, _STATEMENTS.c.act == Opening.act
            )
        ).scalar_one_or_none()
        if document is None or inspection_text(inspection_id(digest_of(document))) != inspection:
            return None
        said = read_statement(document)
        return said if isinstance(said, Opening) else None

    def keep(self, inspection: str, statement: Statement, published: Published, *, now: int) -> bool:
        """Keep a statement; False where it was kept before."""
        digest = digest_of(published.document).hex()
        if self._connection.execute(select(_STATEMENTS.c.act).where(_STATEMENTS.c.digest == digest)).first():
            return False
        self._connection.execute(
            insert(_STATEMENTS).values(
                digest=digest,
                inspection=inspection,
                act=statement.act,
                document=published.document,
                device=device_text(published.entry.device),
                seq=published.entry.seq,
                published_at=now,
            )
        )
        return True

    def keep_list(self, inspection: str, candidates: Candidates, items: Sequence[int]) -> None:
        """Keep the list of an inspection."""
        lines = "\n".join(map(candidates.text, items)).encode()
        self._connection.execute(insert(_LISTS).values(inspection=inspection, lines=lines))

    # --- reading -------------------------------------------------------------------------------------

    def list_inspections(self, *, limit: int, offset: int = 0) -> list[str]:
        """Return the ids of inspections, the newest first."""
        rows = self._connection.execute(
            select(_STATEMENTS.c.inspection)
            .where(_STATEMENTS.c.act == Opening.act)
            .order_by(_STATEMENTS.c.published_at.desc(), _STATEMENTS.c.inspection)
            .limit(limit)
            .offset(offset)
        )
        return list(rows.scalars())

    def documents(self, inspection: str) -> list[bytes]:
        """Return the documents that were published of an inspection, in the order they came."""
        return [row.document for row in self._rows(inspection)]

    def lines(self, inspection: str) -> list[str]:
        """Return an inspection's list, an item a line."""
        found: bytes | None = self._connection.execute(
            select(_LISTS.c.lines).where(_LISTS.c.inspection == inspection)
        ).scalar_one_or_none()
        return found.decode().split("\n") if found else []

    def find_inspection(self, inspection: str, *, block_hash: BlockHash) -> Inspection | None:
        """Return an inspection as final blocks in the books tell it; None where its opening is not in one.

        What is kept here is believed only where an anchor on the ledger holds its digest.
        """
        said, opening = self._said(inspection), self.find_opening(inspection)
        first = self._first_segment(inspection)
        if opening is None or first is None:
            return None
        final_to = self._reader.final_to()
        anchors = [
            Anchored(
                EntryId(int(found.device, 16), found.seq),
                found.device[:6],
                found.digest,
                found.block_number,
                found.block_time,
                said.get(found.digest),
            )
            for found in recorded_anchors(
                self._connection, schema=ANCHOR_SCHEMA, subject=int(inspection, 16), first_segment=first
            )
            if found.block_number <= final_to
        ]
        return judge(
            anchors,
            self._items(opening, inspection),
            head=final_to,
            block_hash=block_hash,
            regulators=[organisation_text(number) for number in regulators_kept(self._connection)],
        )

    def _said(self, inspection: str) -> dict[bytes, Statement]:
        said = {}
        for row in self._rows(inspection):
            digest = digest_of(row.document)
            # A document that was changed here has another digest, and then nothing on the ledger holds it.
            try:
                said[digest] = read_statement(row.document)
            except UnreadableInspection:
                continue
        return said

    def _items(self, opening: Opening, inspection: str) -> tuple[int, ...]:
        try:
            return read_items(Candidates(opening.candidates), self.lines(inspection))
        except UnreadableInspection:
            return ()

    def _first_segment(self, inspection: str) -> int | None:
        """Return the id of the first recorded segment that may hold the opening; no earlier one is looked at."""
        firsts = [
            self._connection.execute(
                select(_SEGMENTS.c.id).where(
                    _SEGMENTS.c.device == row.device,
                    _SEGMENTS.c.first_seq <= row.seq,
                    _SEGMENTS.c.last_seq >= row.seq,
                )
            ).scalar_one_or_none()
            for row in self._rows(inspection)
        ]
        return min((first for first in firsts if first is not None), default=None)

    def _rows(self, inspection: str) -> Sequence[Row[tuple[object, ...]]]:
        return self._connection.execute(
            select(_STATEMENTS)
            .where(_STATEMENTS.c.inspection == inspection)
            .order_by(_STATEMENTS.c.published_at, _STATEMENTS.c.digest)
        ).all()
