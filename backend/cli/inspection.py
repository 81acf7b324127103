"""`huanlian inspection`: random inspections whose sample anybody can draw again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from backend.cli.inspection_chain import Chain, open_chain
from backend.cli.inspection_desk import Desk, opening_of, publish_file, read_record
from backend.cli.open_data import DEFAULT_TRUST, TrustFile
from backend.cli.places import DEFAULT_API, DEFAULT_RPC, ApiUrl, RpcUrl
from backend.domain.errors import DomainError
from backend.domain.inspection import Inspection
from backend.domain.inspection_statements import (
    Candidates,
    Commit,
    Drawing,
    Opening,
    Remark,
    Result,
    Reveal,
    commitment_of,
    inspection_id,
    inspection_text,
    list_root,
)
from backend.domain.keccak import keccak256
from backend.domain.types import organisation_text
from backend.exchange.scales.config import open_key
from backend.simulate.courier import Courier
from backend.usecases.inspections import ListDiffers

Code = Annotated[str, typer.Argument(help="The inspection's code: 24 hex digits.")]
Device = Annotated[str, typer.Option(help="Your device that seals it: 16 hex digits.")]
Key = Annotated[Path, typer.Option(exists=True, dir_okay=False, help="The file with its key.")]
Folder = Annotated[Path, typer.Option(file_okay=False, help="Where your statements and your secret are kept.")]
DEFAULT_FOLDER = Path("inspections")
_PATIENCE_SECONDS = 30

inspection_app = typer.Typer(
    name="inspection",
    help="Random inspections whose sample anybody can draw again.",
    no_args_is_help=True,
    add_completion=False,
)


class TooEarly(DomainError):
    """The secret must not be shown before the block that mixes into the seed can no longer change."""

    slug = "too-early"
    title = "The seed block is not final"

    def __init__(self, *, seed_block: int, finalized: int) -> None:
        super().__init__(
            f"Block {seed_block} is not final (block {finalized} is). Whoever makes blocks could still choose it."
        )
        self.seed_block, self.finalized = seed_block, finalized


class NothingDrawn(DomainError):
    """There is no sample, or the item is not in it."""

    slug = "nothing-drawn"
    title = "This was not drawn"


class DoesNotAgree(DomainError):
    """Something of an inspection does not fit what the chain says."""

    slug = "does-not-agree"
    title = "The inspection does not hold"


@inspection_app.command("open")
def open_inspection(
    auditor: Annotated[int, typer.Option(help="Number of the organisation that supervises the draw.")],
    sample: Annotated[int, typer.Option(min=1, help="How many items are drawn.")],
    device: Device,
    key: Key,
    candidates: Annotated[Candidates, typer.Option(help="What is drawn from.")] = Candidates.BINS,
    site: Annotated[str, typer.Option(help="Only bins of this site: 16 hex digits.")] = "",
    day: Annotated[str, typer.Option(help="The day whose lots are drawn from: 2026-03-01.")] = "",
    commit_blocks: Annotated[int, typer.Option(min=2, help="How many blocks there are to commit.")] = 300,
    reveal_blocks: Annotated[int, typer.Option(min=2, help="How many blocks there are to reveal.")] = 300,
    folder: Folder = DEFAULT_FOLDER,
    rpc: RpcUrl = DEFAULT_RPC,
    trust: TrustFile = DEFAULT_TRUST,
    api: ApiUrl = DEFAULT_API,
) -> None:
    """Open an inspection: fix the list, the sample's size and the blocks that decide."""
    desk = _desk(device, key, folder, api)
    with open_chain(rpc, trust) as chain:
        list_block, head = chain.number("finalized"), chain.number("latest")
        items = chain.read_list(candidates, site=site, day=day, list_block=list_block)
        if not items:
            raise NothingDrawn(f"Up to block {list_block} the chain has no such {candidates}.")
        commit_by = head + commit_blocks
        reveal_by = commit_by + 1 + reveal_blocks
        opening = Opening(
            by=desk.organisation,
            at=int(time.time()),
            auditor=organisation_text(auditor),
            candidates=str(candidates),
            site=site,
            day=day,
            list_block=list_block,
            list_count=len(items),
            list_root=list_root(items).hex(),
            sample=sample,
            commit_by=commit_by,
            seed_block=commit_by + 1,
            reveal_by=reveal_by,
            default_block=reveal_by + 1,
        )
        code = desk.say(chain.network, opening, [candidates.text(item) for item in items])
    typer.echo(code)
    typer.echo(
        f"{sample} of {len(items)} {candidates}; commit up to block {commit_by}, reveal after block "
        f"{opening.seed_block} and up to block {reveal_by}; now {head}"
    )


@inspection_app.command()
def commit(
    code: Code,
    device: Device,
    key: Key,
    folder: Folder = DEFAULT_FOLDER,
    rpc: RpcUrl = DEFAULT_RPC,
    trust: TrustFile = DEFAULT_TRUST,
    api: ApiUrl = DEFAULT_API,
) -> None:
    """Bind yourself to a secret number, once the list is found to be the chain's own."""
    desk = _desk(device, key, folder, api)
    opening, digest = opening_of(read_record(desk.courier, code), code)
    with open_chain(rpc, trust) as chain:
        items = chain.list_of(opening)
        if (len(items), list_root(items).hex()) != (opening.list_count, opening.list_root):
            raise ListDiffers(list_root=opening.list_root, list_count=opening.list_count)
        bound = commitment_of(digest, desk.organisation, desk.secret(code, is_new=True))
        said = Commit(by=desk.organisation, at=int(time.time()), opening=digest.hex(), commitment=bound.hex())
        desk.say(chain.network, said)
    typer.echo(f"committed; keep {folder} until block {opening.reveal_by} is over")


@inspection_app.command()
def reveal(
    code: Code,
    device: Device,
    key: Key,
    folder: Folder = DEFAULT_FOLDER,
    rpc: RpcUrl = DEFAULT_RPC,
    trust: TrustFile = DEFAULT_TRUST,
    api: ApiUrl = DEFAULT_API,
) -> None:
    """Show your secret number; refused while the block that mixes into the seed could still change."""
    desk = _desk(device, key, folder, api)
    opening, digest = opening_of(read_record(desk.courier, code), code)
    with open_chain(rpc, trust) as chain:
        finalized = chain.number("finalized")
        if finalized < opening.seed_block:
            raise TooEarly(seed_block=opening.seed_block, finalized=finalized)
        shown = desk.secret(code, is_new=False).hex()
        desk.say(
            chain.network,
            Reveal(by=desk.organisation, at=int(time.time()), opening=digest.hex(), secret=shown),
        )
    typer.echo(f"revealed; it counts when a block up to {opening.reveal_by} holds it")


@inspection_app.command()
def draw(
    code: Code,
    device: Annotated[str, typer.Option(help="Your device, to write the sample down: 16 hex digits.")] = "",
    key: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="The file with its key.")] = None,
    folder: Folder = DEFAULT_FOLDER,
    rpc: RpcUrl = DEFAULT_RPC,
    trust: TrustFile = DEFAULT_TRUST,
    api: ApiUrl = DEFAULT_API,
) -> None:
    """Draw the sample from the chain; with a device and its key, seal it as well."""
    with _judged(code, api, rpc, trust) as (found, chain):
        items, seed = _drawn(found)
        if device and key is not None:
            desk = _desk(device, key, folder, api)
            said = Drawing(
                by=desk.organisation,
                at=int(time.time()),
                opening=found.opened.digest.hex(),
                seed=seed.hex(),
                items=items,
            )
            desk.say(chain.network, said)
    for item in items:
        typer.echo(item)


@inspection_app.command()
def result(
    code: Code,
    item: Annotated[str, typer.Argument(help="The drawn item, as `draw` shows it.")],
    device: Device,
    key: Key,
    remark: Annotated[Remark, typer.Option(help="What there is to say of it.")],
    found: Annotated[bool, typer.Option("--found/--not-found", help="Whether the item was there.")] = True,
    grams: Annotated[int | None, typer.Option(min=0, help="What it weighed; leave out when not weighed.")] = None,
    photo: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="A photo; it stays with you, its digest is named."),
    ] = None,
    folder: Folder = DEFAULT_FOLDER,
    rpc: RpcUrl = DEFAULT_RPC,
    trust: TrustFile = DEFAULT_TRUST,
    api: ApiUrl = DEFAULT_API,
) -> None:
    """Seal what was found of one drawn item; a later result stands beside an earlier one."""
    desk = _desk(device, key, folder, api)
    with _judged(code, api, rpc, trust) as (inspection, chain):
        items, _ = _drawn(inspection)
        if item not in items:
            raise NothingDrawn(f"{item} is not in the sample of {code}.")
        said = Result(
            by=desk.organisation,
            at=int(time.time()),
            opening=inspection.opened.digest.hex(),
            item=item,
            is_found=found,
            grams=grams,
            photo="" if photo is None else keccak256(photo.read_bytes()).hex(),
            remark=str(remark),
        )
        desk.say(chain.network, said)
    typer.echo(f"sealed the result of {item}")


@inspection_app.command()
def publish(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A statement that was kept.")],
    api: ApiUrl = DEFAULT_API,
) -> None:
    """Publish a kept statement again, for a server that was away when it was sealed."""
    publish_file(file, Courier(api, patience_seconds=_PATIENCE_SECONDS))
    typer.echo(f"published {file.stem}")


@inspection_app.command()
def show(
    code: Code,
    rpc: RpcUrl = DEFAULT_RPC,
    trust: TrustFile = DEFAULT_TRUST,
    api: ApiUrl = DEFAULT_API,
) -> None:
    """Judge an inspection from the chain: every stage, the sample, the results, and what does not fit."""
    with _judged(code, api, rpc, trust) as (found, _):
        for line in _lines(found):
            typer.echo(line)
    if found.faults:
        kinds = ", ".join(sorted({str(fault.kind) for fault in found.faults}))
        raise DoesNotAgree(f"{code}: {kinds}")


def _desk(device: str, key: Path, folder: Path, api: str) -> Desk:
    if len(device) != 16 or set(device) - set("0123456789abcdef"):
        raise typer.BadParameter("a device has 16 hex digits")
    return Desk(folder, int(device, 16), open_key(key), Courier(api, patience_seconds=_PATIENCE_SECONDS))


@contextmanager
def _judged(code: str, api: str, rpc: str, trust: Path) -> Iterator[tuple[Inspection, Chain]]:
    record = read_record(Courier(api, patience_seconds=_PATIENCE_SECONDS), code)
    with open_chain(rpc, trust) as chain:
        # The code that was asked for, not the one that the server calls its record.
        yield chain.read_inspection({**record, "inspection": code}), chain


def _drawn(found: Inspection) -> tuple[tuple[str, ...], bytes]:
    if found.sample is None:
        raise NothingDrawn(f"Nothing is drawn: the inspection is {found.standing}.")
    text = Candidates(found.opening.candidates).text
    return tuple(text(item) for item in found.sample.items), found.sample.seed


def _lines(found: Inspection) -> Iterator[str]:
    opening, sample = found.opening, found.sample
    yield f"inspection {inspection_text(inspection_id(found.opened.digest))}: {found.standing}"
    yield f"opened by {opening.by} in block {found.opened.block_number}; auditor {opening.auditor}"
    listed = f"list of {opening.list_count} {opening.candidates}"
    yield f"{listed} at block {opening.list_block}, root {opening.list_root}"
    for party in (found.regulator, found.auditor):
        for name, said in (("committed", party.commit), ("revealed", party.reveal)):
            if said is not None:
                yield f"{party.organisation} {name} in block {said.block_number}"
    for organisation in found.silent:
        yield f"{organisation} did not do what was its to do in time"
    if sample is not None:
        yield f"seed {sample.seed.hex()} with block {sample.block_number} {sample.block_hash.hex()}"
        for item in _drawn(found)[0]:
            said_of = found.results.get(int(item, 16), ())
            yield f"drawn {item}: {len(said_of)} results"
    for fault in found.faults:
        where = "" if fault.entry is None else f" (entry {fault.entry.device:016x}/{fault.entry.seq})"
        yield f"FAULT {fault.kind}{where}"
