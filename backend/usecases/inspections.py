"""To publish what was said of a random inspection, and to judge one from the ledger alone."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from backend.domain.errors import DomainError
from backend.domain.inspection import Anchored, BlockHash, Inspection, judge
from backend.domain.inspection_statements import (
    ANCHOR_SCHEMA,
    Candidates,
    Opening,
    Statement,
    UnreadableInspection,
    digest_of,
    inspection_text,
    list_root,
    read_statement,
    statement_subject,
)
from backend.domain.journal import read_entry, split_entries
from backend.domain.layout import Kind
from backend.domain.recorded import EntryId
from backend.domain.types import Outcome, organisation_of, organisation_text
from backend.usecases.candidates import CandidateReader
from backend.usecases.ledger_events import LedgerEvent, RegulatorSet, SegmentRecorded


class UnknownInspection(DomainError):
    """No opening of this inspection was published here."""

    slug = "unknown-inspection"
    title = "There is no such inspection"

    def __init__(self, *, inspection: str) -> None:
        super().__init__(f"No opening of inspection {inspection} is published here.")
        self.inspection = inspection


class NotAnchored(DomainError):
    """The entry that is named does not hold the digest of this statement, or is another organisation's."""

    slug = "not-anchored"
    title = "The entry does not hold this statement"

    def __init__(self, *, entry: EntryId, digest: str) -> None:
        super().__init__(f"Entry {entry.device:016x}/{entry.seq} is no anchor of {digest} by who says it.")
        self.device, self.seq, self.digest = entry.device, entry.seq, digest


class NotAParty(DomainError):
    """Only the regulator and the auditor that an opening names speak in its inspection."""

    slug = "not-a-party"
    title = "This organisation has no part in the inspection"

    def __init__(self, *, organisation: str) -> None:
        super().__init__(
            f"Organisation {organisation} is neither the regulator nor the auditor of this inspection."
        )
        self.organisation = organisation


class ListDiffers(DomainError):
    """The list that came with an opening is not the one whose root the opening names."""

    slug = "list-differs"
    title = "The list is not the one that was opened"

    def __init__(self, *, list_root: str, list_count: int) -> None:
        super().__init__(f"This list is not the one of {list_count} items with the root {list_root}.")
        self.list_root, self.list_count = list_root, list_count


@dataclass(frozen=True)
class Published:
    """A statement as it is offered: its document, and the entry that holds its digest."""

    document: bytes
    entry: EntryId


@dataclass(frozen=True)
class AnchorEntry:
    """An anchor as its device sealed it, whether the ledger has it yet or not."""

    schema: int
    subject: int
    digest: bytes


class Inspections(Protocol):
    """What publishing needs of the database, within one transaction."""

    def find_anchor(self, entry: EntryId) -> AnchorEntry | None:
        """Return the anchor that was handed in or recorded as this entry; None where it is none."""

    def find_opening(self, inspection: str) -> Opening | None:
        """Return an inspection's opening."""

    def keep(self, inspection: str, statement: Statement, published: Published, *, now: int) -> bool:
        """Keep a statement; False where it was kept before."""

    def keep_list(self, inspection: str, candidates: Candidates, items: Sequence[int]) -> None:
        """Keep the list of an inspection."""


def publish(inspections: Inspections, published: Published, items: Sequence[int] | None, *, now: int) -> bool:
    """Keep a statement that its organisation anchored; False where it was kept before.

    Nobody signs in for it: the device's seal over the digest is the proof. An opening comes with its list.

    Raises:
        UnreadableInspection: the document is no statement.
        NotAnchored: the entry does not hold its digest, or is not of the organisation that speaks.
        UnknownInspection: its opening was not published.
        NotAParty: the opening does not name this organisation.
        ListDiffers: the list is missing, or not the one that the opening names.
    """
    statement = read_statement(published.document)
    digest = digest_of(published.document)
    subject = statement_subject(statement, digest)
    speaker = organisation_text(organisation_of(published.entry.device))
    sealed = AnchorEntry(ANCHOR_SCHEMA, subject, digest)
    if inspections.find_anchor(published.entry) != sealed or statement.by != speaker:
        raise NotAnchored(entry=published.entry, digest=digest.hex())
    inspection = inspection_text(subject)
    if isinstance(statement, Opening):
        return _publish_opening(inspections, inspection, statement, published, items, now)
    opening = inspections.find_opening(inspection)
    if opening is None:
        raise UnknownInspection(inspection=inspection)
    if statement.by not in (opening.by, opening.auditor):
        raise NotAParty(organisation=statement.by)
    return inspections.keep(inspection, statement, published, now=now)


def _publish_opening(
    inspections: Inspections,
    inspection: str,
    opening: Opening,
    published: Published,
    items: Sequence[int] | None,
    now: int,
) -> bool:
    found = tuple(items or ())
    if (len(found), list_root(found).hex()) != (opening.list_count, opening.list_root):
        raise ListDiffers(list_root=opening.list_root, list_count=opening.list_count)
    if not inspections.keep(inspection, opening, published, now=now):
        return False
    inspections.keep_list(inspection, Candidates(opening.candidates), found)
    return True


class InspectionReader:
    """Gathers one inspection from the ledger; give it the events in order, from the first block on.

    `documents` are those published, whoever keeps them: what a digest on the ledger does not bind is not heard.
    """

    def __init__(self, inspection: int, documents: Iterable[bytes]) -> None:
        self.inspection = inspection
        self._said = {digest_of(document): read_statement(document) for document in documents}
        opening = next(
            (s for d, s in self._said.items() if isinstance(s, Opening) and statement_subject(s, d) == inspection),
            None,
        )
        if opening is None:
            raise UnknownInspection(inspection=inspection_text(inspection))
        self.opening = opening
        self._list = CandidateReader(
            Candidates(opening.candidates), list_block=opening.list_block, site=opening.site, day=opening.day
        )
        self._regulators: set[int] = set()
        self._regulators_at_opening: set[int] | None = None
        self.anchors: list[Anchored] = []

    def take(self, events: Iterable[LedgerEvent], block_times: Mapping[int, int]) -> None:
        """Read more events."""
        known = list(events)
        self._list.take(known, block_times)
        for event in known:
            if isinstance(event, RegulatorSet):
                (self._regulators.add if event.is_regulator else self._regulators.discard)(event.organisation)
            elif isinstance(event, SegmentRecorded):
                self._hear(event, block_times[event.place.block_number])

    def _hear(self, event: SegmentRecorded, recorded_at: int) -> None:
        for place, (words, byte) in enumerate(zip(split_entries(event.words), event.outcomes, strict=True)):
            if words[0] != Kind.ANCHOR or byte & 0xF != Outcome.APPLIED:
                continue
            fields = read_entry(words).fields
            if (fields["schema"], fields["subject"]) != (ANCHOR_SCHEMA, self.inspection):
                continue
            digest = fields["digest"].to_bytes(32, "big")
            organisation = organisation_text(organisation_of(event.device))
            if self._said.get(digest) == self.opening and self._regulators_at_opening is None:
                self._regulators_at_opening = set(self._regulators)
            self.anchors.append(
                Anchored(
                    EntryId(event.device, event.first_seq + place),
                    organisation,
                    digest,
                    event.place.block_number,
                    recorded_at,
                    self._said.get(digest),
                )
            )

    def judged(
        self, items: Sequence[int] | None, *, finalized_number: int, block_hash: BlockHash
    ) -> Inspection | None:
        """Return the inspection as final blocks tell it; None where its opening is not in one."""
        regulators = self._regulators_at_opening or set()
        return judge(
            [anchored for anchored in self.anchors if anchored.block_number <= finalized_number],
            items,
            head=finalized_number,
            block_hash=block_hash,
            chain_items=self._list.items,
            regulators=[organisation_text(number) for number in regulators],
        )


def read_items(candidates: Candidates, lines: Iterable[str]) -> tuple[int, ...]:
    """Return a list's items from their text.

    Raises:
        UnreadableInspection: a line is no item of this kind, or they are not ascending.
    """
    items = []
    for line in lines:
        if len(line) != candidates.digits or set(line) - set("0123456789abcdef"):
            raise UnreadableInspection(f"{line[:32]!r} is no item of a list of {candidates}", pointer="/list")
        items.append(int(line, 16))
    if any(earlier >= later for earlier, later in itertools.pairwise(items)):
        raise UnreadableInspection("the list is not ascending, or names an item twice", pointer="/list")
    return tuple(items)
