"""`huanlian labels`: print the labels of bins."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from backend.domain.errors import DomainError
from backend.domain.label import require_base_url
from backend.domain.types import SiteId, bin_text
from backend.labels.layout import BinLabel, draw_label
from backend.labels.lettering import Lettering, find_lettering
from backend.labels.opentype import FontNotReadable
from backend.labels.pdf import to_pdf
from backend.labels.png import to_png
from backend.labels.sources import BinSource, read_label_list
from backend.labels.svg import to_svg

OpenBins = Callable[[], AbstractContextManager[BinSource]]


class Format(StrEnum):
    """What labels are written as."""

    SVG = "svg"
    PNG = "png"
    PDF = "pdf"


def labels_command(open_bins: OpenBins) -> Callable[..., None]:
    """Return the typer command; `open_bins` opens the books when no CSV file is named."""

    def labels(
        out: Annotated[Path, typer.Option(help="Folder to write to; made when missing.")],
        base_url: Annotated[
            str,
            typer.Option(envvar="PUBLIC_BASE_URL", help="Address that the codes lead to. Never guessed."),
        ] = "",
        format_: Annotated[
            Format, typer.Option("--format", help="A4 sheets (pdf), or a file a label.")
        ] = Format.PDF,
        site: Annotated[str, typer.Option(help="Only bins of this site (16 hex digits).")] = "",
        csv: Annotated[
            Path | None,
            typer.Option(exists=True, dir_okay=False, help="Bins by list: number,serial,stream,point[,point_en]"),
        ] = None,
        font: Annotated[
            Path | None,
            typer.Option(exists=True, dir_okay=False, help="Font to use instead of the one found."),
        ] = None,
    ) -> None:
        """Print labels for bins: QR code, stream, collection point and bin code."""
        if not base_url.strip():
            raise _stop("PUBLIC_BASE_URL is not set: labels last for years, so their address is never guessed.")
        if csv is not None and site:
            raise _stop("--site asks the books; a list (--csv) has its own bins. Name one of them.")
        try:
            require_base_url(base_url)
            wanted = _wanted(open_bins, csv, site)
            lettering = find_lettering(font)
            written = write_labels(wanted, out=out, base_url=base_url, format_=format_, lettering=lettering)
        except (DomainError, FontNotReadable, UnicodeDecodeError, OSError) as error:
            raise _stop(str(error)) from error
        if not wanted:
            raise _stop("There are no bins to print labels for.")
        _warn(wanted, lettering)
        typer.echo(f"{len(wanted)} labels in {written} file{'s' if written != 1 else ''}: {out}")

    return labels


def write_labels(
    labels: list[BinLabel], *, out: Path, base_url: str, format_: Format, lettering: Lettering
) -> int:
    """Write `labels.pdf`, or a file a label named by its bin number; return how many files."""
    if not labels:
        return 0
    out.mkdir(parents=True, exist_ok=True)
    drawings = (draw_label(label, base_url=base_url, lettering=lettering) for label in labels)
    if format_ is Format.PDF:
        (out / "labels.pdf").write_bytes(to_pdf(drawings, lettering=lettering))
        return 1
    for label, drawing in zip(labels, drawings, strict=True):
        path = out / f"{bin_text(label.number)}.{format_.value}"
        if format_ is Format.SVG:
            path.write_text(to_svg(drawing, lettering=lettering), encoding="utf-8")
        else:
            path.write_bytes(to_png(drawing, lettering=lettering))
    return len(labels)


def _wanted(open_bins: OpenBins, csv: Path | None, site: str) -> list[BinLabel]:
    if csv is not None:
        return read_label_list(csv)
    if site and (len(site) != 16 or not set(site.lower()) <= set("0123456789abcdef")):
        raise _stop(f"--site {site!r} is not 16 hex digits.")
    with open_bins() as source:
        return list(source.bins(site=SiteId(int(site, 16)) if site else None))


def _warn(labels: list[BinLabel], lettering: Lettering) -> None:
    if lettering.regular is None:
        typer.echo(
            "No Chinese font was found: the letters depend on the viewer (install fonts-noto-cjk).", err=True
        )
    missing = set(chain.from_iterable(lettering.missing(label.point_zh + label.point_en) for label in labels))
    if missing:
        typer.echo(f"The font has no {' '.join(sorted(missing))}: printed as empty boxes.", err=True)


def _stop(message: str) -> typer.Exit:
    typer.echo(message, err=True)
    return typer.Exit(code=2)
