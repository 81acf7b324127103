"""To file a complaint, to take it one step further, and to erase what its complainant wrote."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from backend.domain.case_code import SECRET_BYTES, CaseCode, case_code, code_digest
from backend.domain.complaint_errors import ComplaintError
from backend.domain.complaint_rules import ComplaintRules, rules_in_force
from backend.domain.complaint_statements import (
    COMPLAINANT,
    SALT_BYTES,
    Act,
    Statement,
    read_statement,
    require_text,
    salted_digest,
    statement_document,
)
from backend.domain.complaints import Case, advance, begin, fold_case
from backend.domain.disputes import CITY
from backend.domain.keccak import keccak256
from backend.domain.recorded import EntryId
from backend.domain.types import organisation_of
from backend.usecases.ports import Complaints, KeptPhoto, KeptStatement

_CASE_BYTES = 12
COMPLAINTS_A_BIN = 12
COMPLAINTS_WINDOW_SECONDS = 3600


class UnknownComplaint(ComplaintError):
    """No complaint has this id or code."""

    slug = "unknown-complaint"
    title = "There is no such complaint"

    def __init__(self) -> None:
        super().__init__("There is no such complaint.")


class TooManyComplaints(ComplaintError):
    """So many people complained about this bin that one more tells nobody anything new."""

    slug = "too-many-complaints"
    title = "Too many complaints about this bin"

    def __init__(self) -> None:
        super().__init__("Too many complaints about this bin came within an hour.")


class UnknownFact(ComplaintError):
    """An answer names an entry that the ledger does not hold."""

    slug = "unknown-fact"
    title = "The ledger holds no such entry"

    def __init__(self, *, fact: EntryId) -> None:
        super().__init__(f"The ledger holds no entry {fact.device:016x}/{fact.seq}.")
        self.fact = fact


@dataclass(frozen=True)
class Report:
    """What somebody says; `site` is where the bin stands, `photo` a JPEG of ours, `wanted` a pick-up's day."""

    bin: int
    site: int
    kind: int
    text: str
    photo: bytes = b""
    wanted: int = 0


def file_complaint(
    complaints: Complaints, report: Report, rules: Sequence[ComplaintRules], *, token: bytes, now: int
) -> CaseCode:
    """Keep a complaint; return the code that its complainant holds.

    Case and code follow from the form's random token and what was said, so a form that is sent twice, because its
    answer was lost on the way, is one complaint with one code.

    Raises:
        TooManyComplaints: about this bin within the hour.
        ComplaintError: the kind is unknown or the text too long.
    """
    said = f"{report.bin} {report.kind} {report.wanted} {require_text(report.text)}".encode()
    seed = keccak256(token + keccak256(said) + keccak256(report.photo))
    code = case_code(keccak256(b"code" + seed)[:SECRET_BYTES])
    case = int.from_bytes(keccak256(b"case" + seed)[:_CASE_BYTES], "big")
    if complaints.find_case(code_digest(code)) is not None:
        return code
    if complaints.count_since(report.bin, now - COMPLAINTS_WINDOW_SECONDS) >= COMPLAINTS_A_BIN:
        raise TooManyComplaints
    statement = Statement(
        case=case,
        number=0,
        act=Act.REPORT,
        at=now,
        by=COMPLAINANT,
        rules=rules_in_force(rules, now).version,
        kind=report.kind,
        bin=report.bin,
        site=report.site,
        wanted=report.wanted,
        # Until the directory says which district a street belongs to, the city supervises.
        supervisor=CITY,
        to=organisation_of(report.site),
    )
    kept = _keep(statement, report.text, report.photo)
    begun = begin(read_statement(kept.document), kept.digest, rules)
    complaints.add(begun, kept, code_digest(code))
    return code


def step_complaint(
    complaints: Complaints,
    case_id: int,
    rules: Sequence[ComplaintRules],
    *,
    act: Act,
    by: int,
    now: int,
    to: int = 0,
    finding: int = 0,
    stars: int = 0,
    text: str = "",
    facts: tuple[EntryId, ...] = (),
    documents: tuple[bytes, ...] = (),
) -> Case:
    """Take a complaint one step further; return it as it then stands.

    Raises:
        UnknownComplaint: there is none with this id.
        UnknownFact: an entry that is to prove something is not on the ledger.
        ComplaintError: the step is not possible now, or not for this party.
    """
    case = find_case(complaints, case_id, rules)
    for fact in facts:
        if not complaints.is_recorded(fact):
            raise UnknownFact(fact=fact)
    statement = Statement(
        case=case_id,
        number=case.statements,
        act=act,
        at=max(now, case.changed_at),  # two servers' clocks may differ by a little
        by=by,
        previous=case.digest,
        to=to,
        finding=finding,
        stars=stars,
        facts=facts,
        documents=documents,
    )
    kept = _keep(statement, text, b"")
    changed = advance(case, read_statement(kept.document), kept.digest)
    complaints.append(changed, kept)
    return changed


def find_case(complaints: Complaints, case_id: int, rules: Sequence[ComplaintRules]) -> Case:
    """Return a complaint as its statements make it.

    Raises:
        UnknownComplaint: there is none with this id.
    """
    return fold_kept(complaints.statements_of(case_id), rules)


def fold_kept(kept: Sequence[KeptStatement], rules: Sequence[ComplaintRules]) -> Case:
    """Return the complaint that kept statements make.

    Raises:
        UnknownComplaint: there are none.
    """
    if not kept:
        raise UnknownComplaint
    return fold_case(((read_statement(each.document), each.digest) for each in kept), rules)


def _keep(statement: Statement, text: str, jpeg: bytes) -> KeptStatement:
    """Return a statement with fresh salts, as it is stored."""
    text = require_text(text)
    salt, text_salt, photo_salt = (secrets.token_bytes(SALT_BYTES) for _ in range(3))
    said = replace(
        statement,
        text=salted_digest(text_salt, text.encode()) if text else b"",
        photo=salted_digest(photo_salt, jpeg) if jpeg else b"",
    )
    document = statement_document(said)
    return KeptStatement(
        number=statement.number,
        document=document,
        salt=salt,
        digest=salted_digest(salt, document),
        text=text or None,
        text_salt=text_salt if text else None,
        photo=KeptPhoto(photo_salt, jpeg) if jpeg else None,
    )
