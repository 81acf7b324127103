"""`huanlian audit`: check everything on the chain again, and say where served books differ from it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from sqlalchemy.exc import SQLAlchemyError

from backend.chain.build import CompilerFailed
from backend.chain.client import Rpc, RpcError, RpcUnavailable
from backend.chain.contract_errors import ContractError
from backend.chain.deploy import Deployment
from backend.chain.source_check import check_source
from backend.cli.audit_page import html_report
from backend.cli.audit_served import ServedBooks
from backend.cli.audit_text import fault_lines, summary_lines, text_report
from backend.cli.audit_words import LANGUAGES, Words, language_of_locale
from backend.cli.places import DEFAULT_RPC, RpcUrl
from backend.cli.progress import Show, blocks_progress
from backend.cli.verify import read_trust
from backend.domain.errors import DomainError
from backend.domain.journal import Network
from backend.domain.keccak import keccak256
from backend.jobs.audit import CHECKPOINT_SECONDS, ChainAudit, ChainAway, OtherChain, rules_digest
from backend.jobs.seal_pool import SealPool
from backend.store.audit_state import AuditState, InUse
from backend.usecases.audit_faults import Fault, FaultKind
from backend.usecases.audit_report import AuditedChain, Compared, canonical, report_of

FAULTS_FOUND, NOT_DONE, STOPPED = 1, 2, 130
_STATE_NAME = "audit-state.db"
_LEVEL_TRIES, _LEVEL_PAUSE_SECONDS = 100, 0.1
_COMPARE_TRIES = 5
_UNFORESEEN = (
    DomainError,
    RpcUnavailable,
    RpcError,
    ContractError,
    CompilerFailed,
    OSError,
    SQLAlchemyError,
    ValueError,
)


class CannotAudit(Exception):
    """Why an audit could not be done: a key of the texts, with its values."""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key)
        self.key, self.values = key, values


def audit(
    rpc: RpcUrl = DEFAULT_RPC,
    trust: Annotated[Path, typer.Option(help="Your trust file: which chain, which contracts.")] = Path(
        "data/trust.json"
    ),
    api: Annotated[str, typer.Option(help="The served books to compare; empty: the chain only.")] = "",
    report: Annotated[
        list[Path] | None, typer.Option(help="Write the report here: .json, .html or .txt. May be given again.")
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(
            help="Keep here how far the audit is, and go on from there; "
            "without: beside the trust file, until the audit is done."
        ),
    ] = None,
    checkpoint_seconds: Annotated[
        float, typer.Option(min=0, help="How often that is written down.")
    ] = CHECKPOINT_SECONDS,
    source: Annotated[
        bool, typer.Option("--source", help="Compile the published contracts and compare with the chain's code.")
    ] = False,
    contracts: Annotated[
        Path | None, typer.Option(file_okay=False, exists=True, help="Their folder; without: this checkout's.")
    ] = None,
    language: Annotated[str, typer.Option(help="zh or en; without: the locale's.")] = "",
) -> None:
    """Check every seal, head and outcome and the conservation of grams, from the chain alone.

    Exit status: 0 everything agrees, 1 faults were found, 2 the audit could not be done, 130 it was stopped.
    """
    words = Words(language if language in LANGUAGES else language_of_locale())
    try:
        if language and language not in LANGUAGES:
            raise CannotAudit("failed.language", language=language)
        for path in report or ():
            require_ending(path)
        found = Auditing(rpc, trust, api, state, checkpoint_seconds, words).run(
            source_of=(contracts,) if source else None
        )
        for path in report or ():
            write_report(path, found, words)
    except KeyboardInterrupt:
        typer.echo(words("stopped"), err=True)
        raise typer.Exit(STOPPED) from None
    except CannotAudit as error:
        _fail(words, words(error.key, **error.values))
    except _UNFORESEEN as error:
        first = str(error).strip().splitlines()
        _fail(words, f"{type(error).__name__}: {first[0] if first else ''}")
    for line in summary_lines(found, words):
        typer.echo(line)
    for line in fault_lines(found, words):
        typer.echo(line, err=True)
    typer.echo(words.count(found["faults_found"]))
    raise typer.Exit(FAULTS_FOUND if found["faults_found"] else 0)


def _fail(words: Words, why: str) -> None:
    typer.echo(words("failed", why=why), err=True)
    raise typer.Exit(NOT_DONE)


class Auditing:
    """One run of the command, from the trust file to the report's content."""

    def __init__(
        self, rpc: str, trust: Path, api: str, state: Path | None, checkpoint_seconds: float, words: Words
    ) -> None:
        if not trust.exists():
            raise CannotAudit("failed.no_trust", path=trust)
        self._checkpoints = read_trust(trust).checkpoints
        self._deployment = deployment_of(json.loads(trust.read_bytes()))
        self._rpc, self._api, self._words = rpc, api, words
        self._keeps_state = state is not None
        self._state_file = state or trust.parent / _STATE_NAME
        self._checkpoint_seconds = checkpoint_seconds

    def run(self, *, source_of: tuple[Path | None] | None) -> dict[str, Any]:
        """Return the report.

        Raises:
            CannotAudit: the node, the served books or a file is not what it must be.
        """
        with ExitStack() as stack:
            node = stack.enter_context(Rpc(self._rpc.split(",")))
            genesis = self._require_chain(node)
            state = self._open_state()
            stack.callback(state.close)
            served = stack.enter_context(self._open_books())
            try:
                with SealPool() as pool, blocks_progress() as show:
                    walked = self._walk(node, state, pool, show)
                    report = self._look(node, walked, served, source_of, genesis)
            except ChainAway as error:
                raise CannotAudit("failed.away", detail=error) from error
            except httpx.HTTPError as error:
                raise CannotAudit("failed.books_away", detail=error or type(error).__name__) from error
            if not self._keeps_state:
                state.remove()
            return report

    def _require_chain(self, node: Rpc) -> dict[str, Any]:
        """Check that the node serves the chain and the code that the trust file names; return its first block."""
        deployment = self._deployment
        genesis: dict[str, Any] = node.call("eth_getBlockByNumber", "0x0", False)
        if node.chain_id != deployment.chain_id or genesis["hash"] != deployment.genesis_hash:
            raise CannotAudit("failed.other_chain")
        for name, expected in deployment.code_hashes.items():
            code = node.call("eth_getCode", deployment.places[name], "latest")
            if "0x" + keccak256(bytes.fromhex(code[2:])).hex() != expected:
                raise CannotAudit("failed.other_code", name=name)
        for number, block_hash in self._checkpoints.items():
            block = node.call("eth_getBlockByNumber", hex(number), False)
            if block is not None and block["hash"] != "0x" + block_hash:
                raise CannotAudit("failed.checkpoint", block=number)
        return genesis

    def _open_state(self) -> AuditState:
        deployment = self._deployment
        network = Network(deployment.chain_id, bytes.fromhex(deployment.custody_ledger[2:]))
        try:
            return AuditState(self._state_file, network)
        except InUse as error:
            raise CannotAudit("failed.in_use", path=self._state_file) from error

    @contextmanager
    def _open_books(self) -> Iterator[ServedBooks | None]:
        if not self._api:
            yield None
            return
        with httpx.Client(base_url=self._api, timeout=60) as client:
            yield ServedBooks(client)

    def _walk(self, node: Rpc, state: AuditState, pool: SealPool, show: Show) -> ChainAudit:
        try:
            walked = ChainAudit(
                node,
                self._deployment,
                state,
                pool,
                on_progress=show,
                on_note=lambda key, **values: typer.echo(self._words("note." + key, **values), err=True),
                checkpoint_seconds=self._checkpoint_seconds,
            )
        except OtherChain as error:
            raise CannotAudit("failed.other_state", path=self._state_file) from error
        walked.catch_up()
        return walked

    def _look(
        self,
        node: Rpc,
        walked: ChainAudit,
        served: ServedBooks | None,
        source_of: tuple[Path | None] | None,
        genesis: dict[str, Any],
    ) -> dict[str, Any]:
        """Hold the fold against the ledger's state, the served books and the source, and say what all comes to."""
        books: tuple[list[Fault], dict[str, int] | None] = ([], None)
        if served is not None:
            books = self._compare_books(walked, served)
        faults, compared_state = walked.compare_state()
        found = walked.finish()
        source_lines, source_faults = None, list[Fault]()
        if source_of is not None:
            checks = check_source(node, self._deployment, contracts=source_of[0])
            source_lines = [check.line() for check in checks]
            source_faults = [
                Fault(FaultKind.SOURCE, None, {"code": difference}, subject=check.name)
                for check in checks
                for difference in check.differences
            ]
        block = walked.block
        assert block is not None, "a chain has a first block"
        first = (int(genesis["number"], 16), genesis["hash"], int(genesis["timestamp"], 16))
        return report_of(
            AuditedChain(
                self._deployment.chain_id,
                self._deployment.custody_ledger,
                first,
                (block.number, block.hash, block.time),
            ),
            found,
            [*found.faults, *faults, *books[0], *source_faults],
            Compared(None if compared_state is None else compared_state.__dict__, books[1], source_lines),
            {"version": version("huanlian"), "rules": rules_digest()},
        )

    def _compare_books(self, walked: ChainAudit, served: ServedBooks) -> tuple[list[Fault], dict[str, int]]:
        """Compare while both stand on one block; a server that moves on meanwhile is asked again."""
        for _ in range(_COMPARE_TRIES):
            stands_on = self._stand_level(walked, served)
            compared = served.compare(walked.finish(), walked)
            if served.block() == stands_on:
                return compared
            walked.catch_up()
        raise CannotAudit("failed.not_level", served=served.block(), chain=walked.block and walked.block.number)

    def _stand_level(self, walked: ChainAudit, served: ServedBooks) -> int:
        for _ in range(_LEVEL_TRIES):
            block = walked.block
            theirs = served.block()
            if block is not None and theirs == block.number:
                return block.number
            time.sleep(_LEVEL_PAUSE_SECONDS)
            walked.catch_up()
        raise CannotAudit("failed.not_level", served=theirs, chain=block and block.number)


def deployment_of(trust: dict[str, Any]) -> Deployment:
    """Return where a trust file says that the contracts are."""
    return Deployment(
        chain_id=trust["chain_id"],
        genesis_hash=trust["genesis_hash"],
        city_authority=trust["city_authority"],
        actor_registry=trust["actor_registry"],
        custody_ledger=trust["ledger"],
        bin_registry=trust["bin_registry"],
        ledger_versions=trust["ledger_versions"],
        code_hashes=trust["code_hashes"],
        deployed_block=0,
    )


def require_ending(path: Path) -> None:
    """Refuse a report's name that does not say which form is wanted, before anything is done."""
    if path.suffix not in (".json", ".html", ".txt"):
        raise CannotAudit("failed.ending", path=path)


def write_report(path: Path, report: dict[str, Any], words: Words) -> None:
    """Write the report in the form that the file's name asks for."""
    if path.suffix == ".json":
        path.write_bytes(canonical(report))
    elif path.suffix == ".html":
        path.write_text(html_report(report, words), encoding="utf-8")
    else:
        path.write_text(text_report(report, words), encoding="utf-8")
