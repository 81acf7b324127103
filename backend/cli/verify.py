"""`huanlian verify`: one fact, checked without the backend."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backend.chain.client import Rpc
from backend.domain.errors import DomainError
from backend.domain.proof import Report, Verdict
from backend.domain.strict_json import read_json
from backend.jobs.witness import RpcWitness
from backend.usecases.trust import Trust, trust_of
from backend.usecases.verify_bundle import verify_bundle


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
    bundle: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="An evidence bundle.")],
    trust: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="Your trust file.")],
    rpc: Annotated[str, typer.Option(help="A node of the chain; empty: the block is not checked.")] = "",
) -> None:
    """Check one fact in numbered steps. Exit status: 0 valid, 1 invalid, 3 consistent but block not checked."""
    known = read_trust(trust)
    if rpc:
        with Rpc(rpc.split(",")) as node:
            report = verify_bundle(bundle.read_bytes(), trust=known, witness=RpcWitness(node))
    else:
        report = verify_bundle(bundle.read_bytes(), trust=known, witness=None)
    print_report(report)
    raise typer.Exit({Verdict.VALID: 0, Verdict.INVALID: 1, Verdict.CONSISTENT: 3}[report.verdict])


def print_report(report: Report) -> None:
    """Print the steps, then the verdict."""
    marks = {True: "ok  ", False: "FAIL", None: "skip"}
    for step in report.steps:
        typer.echo(f"{step.number}. {marks[step.ok]} {step.title_en}: {step.detail}")
    failed = report.failed
    typer.echo(f"{report.verdict}" + (f" (step {failed.number}: {failed.title_en})" if failed else ""))
