"""`huanlian verify`: one fact, checked without the backend."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from backend.chain.client import Rpc
from backend.domain.errors import DomainError
from backend.domain.proof import Report, Verdict
from backend.domain.strict_json import read_json
from backend.jobs.witness import RpcWitness
from backend.usecases.trust import Trust, trust_of
from backend.usecases.verify_set import verify_file

SINGLE_SEQUENCER = (
    "note: a single sequencer orders this chain's blocks, and must be trusted not to write another history"
)


class BadTrustFile(DomainError):
    """The trust file cannot be used."""

    slug = "bad-trust-file"
    title = "The trust file cannot be used"


def read_trust(path: Path) -> Trust:
    """Return what a verifier believes."""
    try:
        content = read_json(path.read_bytes())
        return trust_of(content)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadTrustFile(f"{path}: {type(error).__name__} {error}") from error


def verify(
    bundle: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A bundle, or a set of them.")],
    trust: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="Your trust file.")],
    rpc: Annotated[str, typer.Option(help="A node of the chain; empty: the block is not checked.")] = "",
) -> None:
    """Check one fact, a lot's journey or a site's day, in numbered steps.

    Exit status: 0 valid, 1 invalid, 3 consistent but block not checked.
    """
    known = read_trust(trust)
    if rpc:
        with Rpc(rpc.split(",")) as node:
            report = verify_file(bundle.read_bytes(), trust=known, witness=RpcWitness(node))
    else:
        report = verify_file(bundle.read_bytes(), trust=known, witness=None)
    print_report(report, notes=[SINGLE_SEQUENCER] if known.has_single_sequencer else [])
    raise typer.Exit({Verdict.VALID: 0, Verdict.INVALID: 1, Verdict.CONSISTENT: 3}[report.verdict])


def print_report(report: Report, *, notes: Sequence[str] = ()) -> None:
    """Print the steps, what else has to be said, and last the verdict."""
    marks = {True: "ok  ", False: "FAIL", None: "skip"}
    for step in report.steps:
        typer.echo(f"{step.number}. {marks[step.ok]} {step.title_en}: {step.detail}")
    for fact in report.facts:
        typer.echo(f"   {fact}")
    for note in notes:
        typer.echo(note)
    typer.echo(report.verdict_line)
