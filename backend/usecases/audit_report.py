"""What an audit tells: plain values that are the same for everybody who audits the same blocks.

No clock, no address of a server and nothing of how the audit went is in them. Source: docs/spec/audit.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import rfc8785

from backend.domain.types import Stream
from backend.usecases.audit_faults import Fault
from backend.usecases.audit_ledger import Audit, is_conserved
from backend.usecases.views import StreamTotals

FORMAT = "huanlian-audit-1"
FAULTS_LISTED = 1000


@dataclass(frozen=True)
class AuditedChain:
    """Which ledger, on which chain, up to which block: each block is (number, hash, Unix seconds)."""

    chain_id: int
    ledger: str
    first_block: tuple[int, str, int]
    last_block: tuple[int, str, int]


@dataclass(frozen=True)
class Compared:
    """What was held against the chain beside itself, by counts; None: not asked for, or not to be had."""

    ledger_state: Mapping[str, int] | None = None
    books: Mapping[str, int] | None = None
    source: Sequence[str] | None = None


def report_of(
    chain: AuditedChain, audit: Audit, faults: Sequence[Fault], compared: Compared, software: Mapping[str, str]
) -> dict[str, Any]:
    """Return the report. `faults` are all of them, in the order in which they are told."""
    tally = audit.tally
    counted = ("segments", "entries", "lifts", "witnesses", "forks", "gaps_closed", "sites", "bins_placed")
    return {
        "format": FORMAT,
        "chain": {
            "chain_id": chain.chain_id,
            "ledger": chain.ledger.removeprefix("0x").lower(),
            "first_block": _block(chain.first_block),
            "last_block": _block(chain.last_block),
        },
        "counted": {name: getattr(tally, name) for name in counted},
        "seals": _sorted(tally.seals),
        "outcomes": {
            "recorded": _sorted(tally.outcomes),
            "settled": _sorted(tally.settled),
            "transcribed": _sorted(tally.transcribed),
        },
        "refused": _sorted(tally.refused),
        "totals": [_totals(line) for line in audit.totals],
        "compared": {
            "ledger_state": None if compared.ledger_state is None else dict(compared.ledger_state),
            "books": None if compared.books is None else dict(compared.books),
            "source": None if compared.source is None else list(compared.source),
        },
        "custody_digest": custody_digest(audit),
        "faults_found": len(faults) + tally.faults_not_kept,
        "faults": [fault.to_json() for fault in faults[:FAULTS_LISTED]],
        "software": dict(software),
    }


def custody_digest(audit: Audit) -> str:
    """Return the SHA-256 of who holds what, and of every journal's end.

    It knows no block, transaction or segment: the same entries recorded again on another chain, in another order
    where order does not matter, come to the same.
    """
    digest = hashlib.sha256()
    lines: list[list[Any]] = [["device", d, *line] for d, line in sorted(audit.devices.items()) if line[0]]
    lines += [["lot", lot, *line] for lot, line in sorted(audit.lots.items())]
    lines += [["totals", *(str(int(value)) for value in line.__dict__.values())] for line in audit.totals]
    for line in lines:
        digest.update(rfc8785.dumps(line) + b"\n")
    return digest.hexdigest()


def canonical(report: Mapping[str, Any]) -> bytes:
    """Return the report as the bytes that everybody gets (RFC 8785)."""
    return rfc8785.dumps(dict(report))


def _block(block: tuple[int, str, int]) -> dict[str, Any]:
    number, block_hash, at = block
    return {"number": number, "hash": block_hash.removeprefix("0x"), "time": at}


def _sorted(counter: Mapping[str, int]) -> dict[str, int]:
    return {name: count for name, count in sorted(counter.items()) if count}


def _totals(line: StreamTotals) -> dict[str, Any]:
    sums = {name: str(getattr(line, name)) for name in ("lifted", "gained", "held", "out", "lost")}
    return {"stream": Stream(line.stream).name.lower(), **sums, "is_conserved": is_conserved(line)}
