from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from backend.cli.import_points import import_command
from backend.exchange.points import CollectionPoint, SinkCounts
from tests.exchange.shared_data import shared


class FakeSink:
    """Keeps points by (source, code), as the books do."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], CollectionPoint] = {}

    def import_points(self, points: Sequence[CollectionPoint]) -> SinkCounts:
        added = changed = 0
        for point in points:
            key = (point.source, point.code)
            added += key not in self.kept
            changed += key in self.kept and self.kept[key] != point
            self.kept[key] = point
        return SinkCounts(added, changed, len(points) - added - changed)


class Command:
    """The command with a sink that outlives its runs."""

    def __init__(self) -> None:
        self.sink = FakeSink()
        self.app = typer.Typer()

        @contextmanager
        def open_sink() -> Iterator[FakeSink]:
            yield self.sink

        self.app.command()(import_command(open_sink))

    def __call__(self, *arguments: str | Path) -> tuple[int, str]:
        result = CliRunner().invoke(self.app, [str(a) for a in arguments], env={"COLUMNS": "160"})
        return result.exit_code, result.output


@pytest.fixture
def command() -> Command:
    return Command()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "points.csv"
    rows = ["code,name_zh,streams", "1,锦绣里,food", "2,[red]乙里,paper", "1,锦绣里,food", "3,丙里,其他垃圾"]
    path.write_text("\n".join(rows), encoding="gb18030")
    return path


class TestImport:
    def test_writes_what_it_could_read_and_shows_the_rest(self, command: Command, file: Path) -> None:
        code, output = command(file, "--source", "mine", "--encoding", "gb18030")
        assert code == 0, output
        assert set(command.sink.kept) == {("mine", "1"), ("mine", "3")}
        assert "4 行 rows = 2 已导入 imported + 2 未导入 refused" in output
        assert "stream-unknown" in output
        assert "exact-duplicate" in output
        assert "added 2" in output

    def test_changes_nothing_the_second_time(self, command: Command, file: Path) -> None:
        command(file, "--encoding", "gb18030")
        assert "added 0，更新 changed 0，未变 unchanged 2" in command(file, "--encoding", "gb18030")[1]

    def test_changes_nothing_on_a_dry_run(self, command: Command, file: Path, tmp_path: Path) -> None:
        report = tmp_path / "report.json"
        code, output = command(file, "--encoding", "gb18030", "--dry-run", "--report", report)
        assert code == 0, output
        assert command.sink.kept == {}
        content = json.loads(report.read_text(encoding="utf-8"))
        assert content["books"] is None
        assert content["rows"] == content["imported"] + content["refused"] == 4
        assert content["refused_by_reason"] == {"stream-unknown": 1, "exact-duplicate": 1}
        first = content["refused_rows"][0]
        assert first["line"] == 3
        assert first["reasons"][0]["column"] == "streams"
        assert first["reasons"][0]["message"]["zh"] == "未知的类别“paper”"

    def test_takes_columns_from_the_command_line(self, command: Command, tmp_path: Path) -> None:
        path = tmp_path / "x.csv"
        path.write_text("id,road,kind\n7,天母西路,residual\n", encoding="utf-8")
        code, output = command(path, "--map", "code=id,name=road,streams=kind")
        assert code == 0, output
        assert command.sink.kept[("file", "7")].name_zh == "天母西路"

    @pytest.mark.parametrize(
        "options", [("--mapping", "atlantis"), ("--map", "name=nowhere"), ("--encoding", "ascii")]
    )
    def test_stops_when_the_file_cannot_be_read_so(
        self, command: Command, file: Path, options: tuple[str, str]
    ) -> None:
        code, output = command(file, *options)
        assert code == 2
        assert output.count("\n") == 1
        assert command.sink.kept == {}

    def test_fails_when_no_row_is_a_point(self, command: Command, tmp_path: Path) -> None:
        path = tmp_path / "x.csv"
        path.write_text("code,name_zh,streams\n1,甲,paper\n", encoding="utf-8")
        assert command(path)[0] == 1

    def test_imports_hong_kong_and_taipei_whole(self, command: Command) -> None:
        files = {
            "hong-kong": ("points/hong-kong-collection-points-2020-12.csv", 3961),
            "taipei": ("points/taipei-truck-stops-2026-07-01.csv", 4007),
        }
        for mapping, (name, imported) in files.items():
            for added in (imported, 0):
                code, output = command(shared(name), "--mapping", mapping)
                assert code == 0, output
                assert f"added {added}，" in output
        assert len(command.sink.kept) == 3961 + 4007
