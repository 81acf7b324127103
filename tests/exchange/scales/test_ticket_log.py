"""The scale's file: whole lines or none, one process at a time, on the disk before anybody hears of it."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.exchange.scales.ticket_log import LogDamaged, LogInUse, TicketLog

RECORDS = [{"type": "first", "grams": 5}, {"type": "ticket", "document": '粤A\n"x"'}, {"type": "kept", "seq": 1}]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "scale" / "tickets.jsonl"


def written(path: Path) -> bytes:
    with TicketLog(path) as log:
        for record in RECORDS:
            log.append(record)
    return path.read_bytes()


class TestTicketLog:
    def test_gives_back_what_was_appended(self, path: Path) -> None:
        written(path)
        with TicketLog(path) as log:
            assert log.records == RECORDS
        assert path.stat().st_mode & 0o777 == 0o600

    def test_survives_a_cut_at_every_byte_with_all_lines_that_were_finished(self, path: Path) -> None:
        content = written(path)
        for length in range(len(content) + 1):
            path.write_bytes(content[:length])
            whole = content[:length].count(b"\n")
            with TicketLog(path) as log:
                assert log.records == RECORDS[:whole]
                log.append({"type": "after"})
            with TicketLog(path) as log:
                assert log.records == [*RECORDS[:whole], {"type": "after"}]

    @pytest.mark.parametrize("line", [b"{", b"[1]", b"\xff", b'{"a":1,"a":2}', b""])
    def test_refuses_a_finished_line_that_is_no_record(self, path: Path, line: bytes) -> None:
        written(path)
        with path.open("ab") as file:
            file.write(line + b"\n")
        with pytest.raises(LogDamaged, match=r"tickets\.jsonl: line 4"):
            TicketLog(path)
        path.write_bytes(path.read_bytes()[: -len(line) - 1])
        TicketLog(path).close()

    def test_is_open_in_one_process_at_a_time(self, path: Path) -> None:
        with TicketLog(path) as log:
            with pytest.raises(LogInUse):
                TicketLog(path)
            asked = subprocess.run(
                [
                    sys.executable,
                    "-c",
                    f"from backend.exchange.scales.ticket_log import *; TicketLog(Path({str(path)!r}))",
                ],
                capture_output=True,
                text=True,
                check=False,
            )
            assert "LogInUse" in asked.stderr
            log.append({"type": "first"})
        TicketLog(path).close()

    def test_keeps_nothing_of_a_line_that_the_disk_did_not_take(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        content = written(path)
        whole_write = os.write

        def half(file: int, line: bytes) -> int:
            return whole_write(file, line[: len(line) // 2])

        def fail(file: int) -> None:
            raise OSError(errno.EIO, "the disk is gone")

        with TicketLog(path) as log:
            for name, broken, why in (("write", half, "only part"), ("fsync", fail, "disk is gone")):
                with monkeypatch.context() as patch:
                    patch.setattr(os, name, broken)
                    with pytest.raises(OSError, match=why):
                        log.append({"type": "kept", "seq": 2})
                assert path.read_bytes() == content
                assert log.records == RECORDS
            log.append({"type": "kept", "seq": 3})
        assert path.read_bytes() == content + b'{"type":"kept","seq":3}\n'

    @settings(max_examples=20)
    @given(
        st.lists(
            st.dictionaries(st.text(max_size=4), st.text(max_size=9) | st.integers(0, 2**60), max_size=3),
            max_size=4,
        )
    )
    def test_keeps_any_text(
        self, tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, object]]
    ) -> None:
        path = tmp_path_factory.mktemp("log") / "tickets.jsonl"
        with TicketLog(path) as log:
            for record in records:
                log.append(record)
        with TicketLog(path) as log:
            assert log.records == records
