"""Sealed entries of registrars with the seals over them, and who answers for them up to the root."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from backend.domain.bundle import Certificate
from backend.domain.journal import Segment, read_entry, split_entries
from backend.store.tables import AcceptedSegment, KnownDevice, table_of
from backend.usecases.prove_entry import certificate_from
from backend.usecases.route_directory import EntryKey, ListedRegistrar

_SEGMENTS, _DEVICES = table_of(AcceptedSegment), table_of(KnownDevice)
_ROWS_ASKED_AT_ONCE = 500


class Registrars:
    """Who answers for whom. `seen_of` gives the last seq of a revoked journal that the ledger counts.

    `lost` are entries whose segment is not kept here: nobody can be shown their seal.
    """

    def __init__(
        self, connection: Connection, seen_of: Callable[[str], int | None], lost: Container[EntryKey] = ()
    ) -> None:
        self._connection, self._seen_of, self._lost = connection, seen_of, lost
        self._known: dict[str, Row[Any] | None] = {}
        self._are_rooted: dict[str, bool] = {}

    def answer_for(self, entry: EntryKey) -> bool:
        """Say whether a chain of registrars leads from an entry up to a root, and it counts."""
        device, seq = entry
        row = self._row(device)
        if row is None or entry in self._lost or not self._is_rooted(device):
            return False
        seen = self._seen(row)
        return seen is None or seq <= seen

    def roots(self) -> list[tuple[str, str]]:
        """Return (device, key hash) of the roots that were come to."""
        return [(row.device, row.key_hash) for row in self._used() if _is_root(row)]

    def listed(self) -> list[ListedRegistrar]:
        """Return the others that were come to, those nearest to a root first."""
        found: dict[str, ListedRegistrar] = {}

        def add(row: Row[Any]) -> None:
            if _is_root(row) or row.device in found:
                return
            above = self._row(row.registrar)
            assert above is not None, "a registrar that is rooted has one above it"
            add(above)
            entry = row.registrar, row.enrolled_seq
            found[row.device] = ListedRegistrar(row.device, entry, self._seen(row))

        for row in self._used():
            add(row)
        return list(found.values())

    def _used(self) -> list[Row[Any]]:
        return [row for row in self._known.values() if row is not None and self._are_rooted.get(row.device)]

    def _row(self, device: str) -> Row[Any] | None:
        if device not in self._known:
            self._known[device] = self._connection.execute(
                select(_DEVICES).where(_DEVICES.c.device == device)
            ).one_or_none()
        return self._known[device]

    def _is_rooted(self, device: str) -> bool:
        if device not in self._are_rooted:
            self._are_rooted[device] = False  # a ring of registrars leads nowhere
            row = self._row(device)
            self._are_rooted[device] = row is not None and (
                _is_root(row)
                or (row.enrolled_seq is not None and self.answer_for((row.registrar, row.enrolled_seq)))
            )
        return self._are_rooted[device]

    def _seen(self, row: Row[Any]) -> int | None:
        return (self._seen_of(row.device) or 0) if row.is_revoked else None


def _is_root(row: Row[Any]) -> bool:
    return row.registrar is None


def find_runs(
    connection: Connection, entries: Iterable[EntryKey]
) -> tuple[list[Certificate], dict[EntryKey, int]]:
    """Return the ends of the sealed segments that hold these entries, and which of them holds each.

    A segment is cut in front of the first entry that was asked for, and is in the list once.
    """
    seqs_of: dict[str, list[int]] = defaultdict(list)
    for device, seq in sorted(set(entries)):
        seqs_of[device].append(seq)
    held: dict[int, list[EntryKey]] = defaultdict(list)
    for device, seqs in seqs_of.items():
        for segment_id, seq in _segments_with(connection, device, seqs):
            held[segment_id].append((device, seq))
    runs: list[Certificate] = []
    run_of: dict[EntryKey, int] = {}
    for row in _rows(connection, sorted(held)):
        keys = held[row.id]
        run_of.update(dict.fromkeys(keys, len(runs)))
        x, y, r, s = (int.from_bytes(value, "big") for value in (row.x, row.y, row.r, row.s))
        segment = Segment(int(row.device, 16), row.first_seq, bytes(row.words), x, y, r, s, bytes(row.assertion))
        runs.append(certificate_from(Certificate(segment, bytes(row.prev_head)), keys[0][1]))
    return runs, run_of


class Enrolments:
    """What the enrolments in some runs say; each run is split once."""

    def __init__(self, runs: Sequence[Certificate], run_of: Mapping[EntryKey, int]) -> None:
        self._runs, self._run_of = runs, run_of
        self._entries: dict[int, list[bytes]] = {}

    def not_after(self, enrolled_by: EntryKey) -> int:
        """Return until when a device counts by its certificate; 0: without an end."""
        at = self._run_of[enrolled_by]
        segment = self._runs[at].segment
        if at not in self._entries:
            self._entries[at] = split_entries(segment.words)
        return read_entry(self._entries[at][enrolled_by[1] - segment.first_seq]).fields.get("not_after", 0)


def _segments_with(connection: Connection, device: str, seqs: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield (segment, seq) for those of these seqs that are kept."""
    # The index answers this without a segment's words.
    rows = connection.execute(
        select(_SEGMENTS.c.id, _SEGMENTS.c.first_seq, _SEGMENTS.c.last_seq)
        .where(_SEGMENTS.c.device == device, _SEGMENTS.c.first_seq <= seqs[-1], _SEGMENTS.c.last_seq >= seqs[0])
        .order_by(_SEGMENTS.c.first_seq)
    ).all()
    starts = [row.first_seq for row in rows]
    for seq in seqs:
        at = bisect_right(starts, seq) - 1
        if at >= 0 and rows[at].last_seq >= seq:
            yield rows[at].id, seq


def _rows(connection: Connection, ids: Sequence[int]) -> Iterator[Row[Any]]:
    for start in range(0, len(ids), _ROWS_ASKED_AT_ONCE):
        some = ids[start : start + _ROWS_ASKED_AT_ONCE]
        yield from connection.execute(select(_SEGMENTS).where(_SEGMENTS.c.id.in_(some)).order_by(_SEGMENTS.c.id))
