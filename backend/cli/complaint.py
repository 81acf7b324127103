"""`huanlian complaint`: how an organisation takes complaints on, until it can sign in on the console."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from backend.chain.client import Rpc
from backend.cli.places import DEFAULT_API, DEFAULT_DATA, ApiUrl, DataDir, open_database, require_deployment
from backend.cli.verify import read_trust
from backend.domain.bundle import read_bundle
from backend.domain.complaint_errors import ComplaintError
from backend.domain.complaint_rules import ComplaintKind
from backend.domain.complaint_statements import Act, Finding, is_anchor_of, read_statement, salted_digest
from backend.domain.complaints import Case, Stage, fold_case
from backend.domain.journal import Network
from backend.domain.keccak import keccak256
from backend.domain.proof import Verdict
from backend.domain.recorded import EntryId
from backend.domain.strict_json import read_json
from backend.domain.types import bin_text, organisation_text
from backend.exchange.complaint_rules_file import load_complaint_rules
from backend.jobs.witness import RpcWitness
from backend.simulate.courier import Courier, RefusedByServer
from backend.simulate.office import Digest, Offices
from backend.simulate.vault import Vault
from backend.store.complaints import ComplaintRow, ComplaintStore, case_text
from backend.usecases.complaints import UnknownComplaint, step_complaint
from backend.usecases.verify_bundle import verify_bundle

CaseId = Annotated[str, typer.Argument(help="The case's public id: 24 hex digits, as `list` shows it.")]
Organisation = Annotated[int, typer.Option(help="Number of the organisation that takes this step.")]
Text = Annotated[str, typer.Option(help="What the complainant reads; at most 500 characters.")]
Patience = Annotated[float, typer.Option(help="How long to wait for a silent server before anchoring later.")]

complaint_app = typer.Typer(
    name="complaint", help="Take residents' complaints on.", no_args_is_help=True, add_completion=False
)


class BadRecord(ComplaintError):
    """A downloaded record does not hold together."""

    slug = "bad-record"
    title = "The record does not hold together"


@complaint_app.command("list")
def list_cases(
    data_dir: DataDir = DEFAULT_DATA,
    organisation: Annotated[int, typer.Option(help="Only what waits for this organisation; 0: all.")] = 0,
) -> None:
    """List the open complaints, the most urgent first."""
    now = int(time.time())
    with open_database(data_dir) as database, database.transaction(writes=False) as connection:
        rows = ComplaintStore(connection).open_cases(owner=organisation or None)
    for row in rows:
        typer.echo(_line(row, now))
    typer.echo(f"{len(rows)} open, {sum(row.is_overdue(now) for row in rows)} overdue")


@complaint_app.command()
def show(
    case: CaseId,
    data_dir: DataDir = DEFAULT_DATA,
    photo: Annotated[Path | None, typer.Option(help="File to write the complainant's photo to.")] = None,
) -> None:
    """Show what was said in a complaint; it is for the organisation in charge only."""
    number = _case_number(case)
    with open_database(data_dir) as database, database.transaction(writes=False) as connection:
        store = ComplaintStore(connection)
        row, kept = store.find_row(number), store.statements_of(number)
        jpeg = store.find_photo(number, 0)
    if row is None:
        raise UnknownComplaint
    typer.echo(_line(row, int(time.time())))
    for each in kept:
        said = read_statement(each.document)
        who = organisation_text(said.by) if said.by else "complainant"
        anchor = "not anchored" if each.anchor is None else f"anchor {each.anchor.device:016x}/{each.anchor.seq}"
        typer.echo(f"{each.number} {_instant(said.at)} {said.act} by {who}, {anchor}")
        for line in (each.text or "").splitlines():
            typer.echo(f"    {line}")
    if photo is not None:
        if jpeg is None:
            raise ComplaintError("This complaint has no photo.")
        photo.write_bytes(jpeg)


@complaint_app.command()
def assign(
    case: CaseId,
    organisation: Organisation,
    to: Annotated[int, typer.Option(help="Number of the organisation that has to handle it.")],
    text: Text = "",
    data_dir: DataDir = DEFAULT_DATA,
    api: ApiUrl = DEFAULT_API,
    patience_seconds: Patience = 10,
) -> None:
    """Assign a complaint to the organisation that has to handle it."""
    _step(case, data_dir, api, patience_seconds, act=Act.ASSIGN, by=organisation, to=to, text=text)


@complaint_app.command()
def answer(
    case: CaseId,
    organisation: Organisation,
    finding: Annotated[str, typer.Option(help="settled, settled-in-part or unfounded.")],
    fact: Annotated[list[str] | None, typer.Option(help="An entry that shows it: DEVICE/SEQ. Repeatable.")] = None,
    document: Annotated[
        list[Path] | None,
        typer.Option(exists=True, dir_okay=False, help="A file whose digest is named; it stays with you."),
    ] = None,
    text: Text = "",
    data_dir: DataDir = DEFAULT_DATA,
    api: ApiUrl = DEFAULT_API,
    patience_seconds: Patience = 10,
) -> None:
    """Answer a complaint with what was found and the evidence for it."""
    name = finding.upper().replace("-", "_")
    if name not in Finding.__members__:
        raise typer.BadParameter(f"no such finding: {finding}")
    _step(
        case,
        data_dir,
        api,
        patience_seconds,
        act=Act.ANSWER,
        by=organisation,
        finding=int(Finding[name]),
        facts=tuple(_entry_id(each) for each in fact or []),
        documents=tuple(keccak256(path.read_bytes()) for path in document or []),
        text=text,
    )


@complaint_app.command()
def supervise(
    case: CaseId,
    organisation: Organisation,
    accept: Annotated[bool, typer.Option("--accept/--return", help="Accept the answer, or send it back.")],
    text: Text = "",
    data_dir: DataDir = DEFAULT_DATA,
    api: ApiUrl = DEFAULT_API,
    patience_seconds: Patience = 10,
) -> None:
    """Say whether an answer holds."""
    act = Act.ACCEPT if accept else Act.RETURN
    _step(case, data_dir, api, patience_seconds, act=act, by=organisation, text=text)


@complaint_app.command()
def close(
    case: CaseId,
    organisation: Organisation,
    text: Text = "",
    data_dir: DataDir = DEFAULT_DATA,
    api: ApiUrl = DEFAULT_API,
    patience_seconds: Patience = 10,
) -> None:
    """Close a complaint that was rated, or whose time for a rating is over."""
    _step(case, data_dir, api, patience_seconds, act=Act.CLOSE, by=organisation, text=text)


@complaint_app.command()
def anchor(
    organisation: Organisation,
    data_dir: DataDir = DEFAULT_DATA,
    api: ApiUrl = DEFAULT_API,
    patience_seconds: Patience = 60,
) -> None:
    """Anchor every statement that is not on its way to the ledger yet."""
    _anchor(data_dir, api, patience_seconds, organisation, case=None)


@complaint_app.command()
def erase(case: CaseId, data_dir: DataDir = DEFAULT_DATA) -> None:
    """Delete all texts and photos of a complaint; steps, times and digests stay."""
    number = _case_number(case)
    with open_database(data_dir) as database, database.transaction() as connection:
        store = ComplaintStore(connection)
        if store.find_row(number) is None:
            raise UnknownComplaint
        store.erase(number)
    typer.echo(f"erased what was written in {case}")


@complaint_app.command()
def check(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A record from a complaint's page.")],
    trust: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Your trust file; with it the anchors are proved."),
    ] = None,
    api: Annotated[str, typer.Option(help="Where the anchors' bundles are fetched; it need not be trusted.")] = "",
    rpc: Annotated[str, typer.Option(help="A node of the chain, for the anchors' blocks.")] = "",
) -> None:
    """Check a downloaded record without any server: digests, texts, and the order of the statements.

    With a trust file and a node it says as well which statements the ledger holds, and in which block.
    """
    record = read_json(file.read_bytes())
    try:
        kept = [_checked(each) for each in record["statements"]]
    except (KeyError, TypeError, AttributeError) as error:
        raise BadRecord("This is no record of a complaint.") from error
    if not kept:
        raise BadRecord("The record is empty.")
    case = fold_case(kept, load_complaint_rules())
    typer.echo(f"case {case_text(case.case)}: {len(kept)} statements in order, {_standing(case)}")
    typer.echo(f"last digest {case.digest.hex()}: an anchor entry that holds it binds all of them")
    if trust is not None:
        places = [each["anchor"] for each in record["statements"]]
        _prove(case.case, [digest for _, digest in kept], places, trust=trust, api=api, rpc=rpc)


def _prove(case: int, digests: list[bytes], places: list[Any], *, trust: Path, api: str, rpc: str) -> None:
    """Say of each statement what the ledger proves.

    Raises:
        BadRecord: an entry does not prove the statement that the record says it holds.
    """
    known = read_trust(trust)
    with Rpc(rpc.split(",")) as node:
        for number, (digest, place) in enumerate(zip(digests, places, strict=True)):
            if place is None:
                typer.echo(f"statement {number}: not anchored")
                continue
            device, seq = str(place[0]), int(place[1])
            fetched = httpx.get(f"{api}/api/v1/entries/{device}/{seq}/bundle", timeout=30)
            if not fetched.is_success:
                raise BadRecord(f"No bundle of {device}/{seq}: {fetched.status_code}.")
            report = verify_bundle(fetched.content, trust=known, witness=RpcWitness(node))
            entry = read_bundle(fetched.content).words if report.verdict is Verdict.VALID else b""
            if not entry or not is_anchor_of(entry, case=case, digest=digest):
                raise BadRecord(f"The entry {device}/{seq} does not prove statement {number}.")
            typer.echo(f"statement {number}: anchored by {device}/{seq}, VALID")


def _checked(raw: Any) -> tuple[Any, bytes]:
    document, digest = raw["document"].encode(), bytes.fromhex(raw["digest"])
    if salted_digest(bytes.fromhex(raw["salt"]), document) != digest:
        raise BadRecord(f"The digest {digest.hex()} is not that of its document.")
    said = read_statement(document)
    if raw["text"] is not None:
        if salted_digest(bytes.fromhex(raw["text_salt"]), raw["text"].encode()) != said.text:
            raise BadRecord(f"The text of statement {said.number} is not the one that was kept.")
    return said, digest


def _step(case: str, data_dir: Path, api: str, patience_seconds: float, *, by: int, **values: Any) -> None:
    number = _case_number(case)
    with open_database(data_dir) as database, database.transaction() as connection:
        store = ComplaintStore(connection)
        stands = step_complaint(store, number, load_complaint_rules(), by=by, now=int(time.time()), **values)
    typer.echo(f"{case}: {_standing(stands)}")
    _anchor(data_dir, api, patience_seconds, by, case=number)


def _anchor(data_dir: Path, api: str, patience_seconds: float, organisation: int, *, case: int | None) -> None:
    """Anchor what is not anchored; where that is not possible now, say why: the statements are kept, and wait."""
    with open_database(data_dir) as database:
        with database.transaction(writes=False) as connection:
            waiting = [Digest(*each) for each in ComplaintStore(connection).unanchored(case)]
        if not waiting:
            typer.echo("nothing to anchor" if case is None else "anchored already")
            return
        why = _try(lambda: _seal(data_dir, api, patience_seconds, organisation, waiting, database))
    if why:
        typer.echo(f"not anchored yet: {why}; `huanlian complaint anchor` does it later")
    else:
        typer.echo(f"anchored {len(waiting)} statements for organisation {organisation_text(organisation)}")


def _seal(
    data_dir: Path, api: str, patience_seconds: float, organisation: int, waiting: list[Digest], database: Any
) -> str:
    vault = data_dir / "field" / "vault.json"
    if not vault.exists():
        return f"there is no key at {vault}"
    deployment = require_deployment(data_dir)
    network = Network(deployment.chain_id, bytes.fromhex(deployment.custody_ledger[2:]))
    offices = Offices(Vault.at(vault), network, Courier(api, patience_seconds=patience_seconds))
    if not offices.has_key(organisation):
        return f"the keys here are not those of organisation {organisation_text(organisation)}"
    entries = offices.anchor(organisation, waiting)
    with database.transaction() as connection:
        for each, entry in zip(waiting, entries, strict=True):
            ComplaintStore(connection).put_anchor(each.case, each.number, entry)
    return ""


def _try(work: Callable[[], str]) -> str:
    try:
        return work()
    except (TimeoutError, RefusedByServer) as error:
        return str(error)


def _case_number(text: str) -> int:
    if len(text) != 24 or set(text) - set("0123456789abcdef"):
        raise typer.BadParameter("a case id has 24 hex digits")
    return int(text, 16)


def _entry_id(text: str) -> EntryId:
    device, _, seq = text.partition("/")
    if len(device) != 16 or set(device) - set("0123456789abcdef") or not seq.isdecimal():
        raise typer.BadParameter(f"{text!r} is not DEVICE/SEQ: 16 hex digits and a number")
    return EntryId(int(device, 16), int(seq))


def _line(row: ComplaintRow, now: int) -> str:
    kind = ComplaintKind(row.kind).name.lower().replace("_", "-")
    if row.closed_at is not None:
        return f"{row.case} bin {row.bin} {kind}, closed {_instant(row.closed_at)}"
    due = "" if row.due_at is None else f", due {_instant(row.due_at)}{' OVERDUE' if row.is_overdue(now) else ''}"
    return f"{row.case} bin {row.bin} {kind}, {Stage(row.stage).name.lower()} by {row.owner}{due}"


def _standing(case: Case) -> str:
    if case.closed_at is not None:
        return f"closed {_instant(case.closed_at)}"
    due = "" if case.due_at is None else f", due {_instant(case.due_at)}"
    return f"bin {bin_text(case.bin)}, {case.stage.name.lower()} by {organisation_text(case.span.owner)}{due}"


def _instant(seconds: int) -> str:
    return (datetime.fromtimestamp(seconds, UTC) + timedelta(hours=8)).strftime("%Y-%m-%d %H:%M")
