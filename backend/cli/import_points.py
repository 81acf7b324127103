"""`huanlian import`: collection points out of a CSV file."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from backend.domain.errors import DomainError
from backend.exchange.mapping import ColumnMapping, built_in_names, find_mapping, with_columns
from backend.exchange.points import Note, PointSink, PointsRead, SinkCounts, read_points
from backend.exchange.tables import Table, read_table

OpenSink = Callable[[], AbstractContextManager[PointSink]]
SHOWN_ROWS_MAX: Final = 50


def import_command(open_sink: OpenSink) -> Callable[..., None]:
    """Return the typer command; `open_sink` opens the books, in one transaction, unless it is a dry run."""

    def import_(
        file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV file of collection points.")],
        mapping: Annotated[
            str, typer.Option(help=f"Built in ({', '.join(built_in_names())}) or a TOML file.")
        ] = "plain",
        map_: Annotated[
            str,
            typer.Option("--map", help="Columns over the mapping's own: name=address_tc,address=road+number"),
        ] = "",
        source: Annotated[str, typer.Option(help="Name of the source; with the code it names a point.")] = "",
        encoding: Annotated[
            str, typer.Option(help="Encoding of the file; found by decoding when not named.")
        ] = "",
        report: Annotated[Path | None, typer.Option(help="Write every row's fate to this JSON file.")] = None,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and report, change nothing.")] = False,
    ) -> None:
        """Import collection points; every row is imported or refused with its reason."""
        try:
            columns = with_columns(find_mapping(mapping), map_)
            columns = replace(columns, source=source) if source else columns
            table = read_table(
                file.read_bytes(), encoding=encoding or columns.encoding, delimiter=columns.delimiter
            )
            read = read_points(table, columns)
            counts = None
            if not dry_run and read.points:
                with open_sink() as sink:
                    counts = sink.import_points(read.points)
        except (DomainError, OSError) as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(code=2) from error
        if report is not None:
            content = as_report(read, table=table, mapping=columns, file=file, counts=counts)
            report.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        _show(read, table=table, counts=counts)
        if read.rows and not read.points:
            raise typer.Exit(code=1)

    return import_


def as_report(
    read: PointsRead, *, table: Table, mapping: ColumnMapping, file: Path, counts: SinkCounts | None
) -> dict[str, object]:
    """Return the report as JSON values; `books` is null on a dry run."""
    return {
        "file": file.name,
        "source": mapping.source,
        "encoding": table.encoding,
        "is_encoding_certain": table.is_encoding_certain,
        "rows": read.rows,
        "imported": len(read.points),
        "refused": len(read.refused),
        "refused_by_reason": read.refused_by_reason(),
        "warnings_by_reason": read.warned_by_reason(),
        "books": asdict(counts) if counts else None,
        "refused_rows": [
            {"line": row.line, "reasons": [_reason(note) for note in row.reasons]} for row in read.refused
        ],
        "warnings": [{"line": note.line, **_reason(note)} for note in read.warnings],
    }


def _reason(note: Note) -> dict[str, object]:
    message = {"zh": note.zh, "en": note.en}
    return {"column": note.column, "code": note.code, "value": note.value, "message": message}


def _show(read: PointsRead, *, table: Table, counts: SinkCounts | None) -> None:
    console = Console()
    refused = [note for row in read.refused for note in row.reasons]
    _print_notes(console, "未导入的行 Refused rows", refused, style="red")
    _print_notes(console, "提示 Warnings", list(read.warnings), style="yellow")
    certainty = "" if table.is_encoding_certain else " (likely; --encoding decides)"
    console.print(f"编码 encoding: {table.encoding}{certainty}", highlight=False)
    console.print(
        f"共 {read.rows} 行 rows = {len(read.points)} 已导入 imported + {len(read.refused)} 未导入 refused",
        highlight=False,
    )
    if counts is None:
        console.print("试运行，未写入 Nothing was written.")
    else:
        console.print(
            f"新增 added {counts.added}，更新 changed {counts.changed}，未变 unchanged {counts.unchanged}",
            highlight=False,
        )


def _print_notes(console: Console, title: str, notes: list[Note], *, style: str) -> None:
    if not notes:
        return
    grid = RichTable(title=title, title_style=style, title_justify="left")
    for heading in ("行 line", "列 column", "code", "原因", "reason"):
        grid.add_column(heading, justify="right" if heading.startswith("行") else "left")
    for note in notes[:SHOWN_ROWS_MAX]:
        # Text, not str: a cell of somebody's file must not be read as markup.
        grid.add_row(*map(Text, (str(note.line), note.column, note.code, note.zh, note.en)))
    console.print(grid)
    if len(notes) > SHOWN_ROWS_MAX:
        console.print(f"… {len(notes) - SHOWN_ROWS_MAX} more; --report has all of them.", highlight=False)
