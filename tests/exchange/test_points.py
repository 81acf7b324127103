from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.types import Stream
from backend.exchange.mapping import (
    BadMapping,
    Bounds,
    ColumnMapping,
    built_in_names,
    find_mapping,
    read_mapping,
    with_columns,
)
from backend.exchange.points import MESSAGES, PointsRead, clock_text, parse_clock, read_points
from backend.exchange.tables import Row, Table, TableNotReadable, decode, read_table
from tests.exchange.shared_data import shared

HONG_KONG = "points/hong-kong-collection-points-2020-12.csv"
TAIPEI = "points/taipei-truck-stops-2026-07-01.csv"

HEADER = ("id", "name", "lat", "lng", "kinds", "in", "out")
MAPPING = ColumnMapping(
    source="test",
    columns={
        "code": ("id",),
        "name_zh": ("name",),
        "lat": ("lat",),
        "lng": ("lng",),
        "streams": ("kinds",),
        "arrives_at": ("in",),
        "leaves_at": ("out",),
    },
    bounds=Bounds(22.0, 112.0, 24.0, 115.0),
    stream_values={"纸": Stream.RECYCLABLE, "电池": Stream.HAZARDOUS, "其他": None},
)
GOOD_ROW = ("p1", "锦绣里", "23.1", "113.3", "纸", "1630", "1640")


def read(*rows: tuple[str, ...], mapping: ColumnMapping = MAPPING) -> PointsRead:
    table = Table(HEADER, tuple(Row(line, row) for line, row in enumerate(rows, start=2)), "utf-8", True)
    return read_points(table, mapping)


def changed(**cells: str) -> tuple[str, ...]:
    return tuple(cells.get(name, value) for name, value in zip(HEADER, GOOD_ROW, strict=True))


class TestReadPoints:
    def test_imports_a_good_row(self) -> None:
        (point,) = read(GOOD_ROW).points
        assert (point.source, point.code, point.name_zh, point.line) == ("test", "p1", "锦绣里", 2)
        assert (point.lat, point.lng) == (23.1, 113.3)
        assert point.streams == (Stream.RECYCLABLE,)
        assert (point.arrives_at, point.leaves_at) == (59_400, 60_000)

    @pytest.mark.parametrize(
        ("cells", "column", "code"),
        [
            ({"id": " "}, "id", "blank"),
            ({"name": "\u3000"}, "name", "blank"),
            ({"name": "里" * 501}, "name", "too-long"),
            ({"name": "锦\x00里"}, "name", "control-character"),
            ({"kinds": ""}, "kinds", "blank"),
            ({"kinds": "其他"}, "kinds", "blank"),
            ({"kinds": "纸,布"}, "kinds", "stream-unknown"),
            ({"in": "2561x"}, "in", "time-not-readable"),
            ({"in": "1660"}, "in", "time-not-readable"),
            ({"in": "3000", "out": ""}, "in", "time-not-readable"),
            ({"in": "4:30 PM"}, "in", "time-not-readable"),
            ({"out": "1629"}, "out", "leaves-before-arrives"),
        ],
    )
    def test_refuses_a_row_that_is_no_point(self, cells: dict[str, str], column: str, code: str) -> None:
        result = read(changed(**cells))
        assert result.points == ()
        (row,) = result.refused
        assert row.line == 2
        assert (row.reasons[0].column, row.reasons[0].code) == (column, code)
        assert row.reasons[0].zh
        assert row.reasons[0].en

    def test_tells_every_reason_of_a_row(self) -> None:
        (row,) = read(changed(name="", kinds="布", **{"in": "x"})).refused
        assert [note.code for note in row.reasons] == ["blank", "stream-unknown", "time-not-readable"]

    def test_reports_a_row_that_is_there_twice(self) -> None:
        result = read(GOOD_ROW, GOOD_ROW, changed(name="乙里"))
        assert [row.reasons[0].code for row in result.refused] == ["exact-duplicate", "duplicate-code"]
        assert "2" in result.refused[0].reasons[0].en
        assert len(result.points) == 1

    def test_lets_a_corrected_row_use_the_code_of_a_refused_one(self) -> None:
        result = read(changed(kinds="布"), GOOD_ROW)
        assert [point.line for point in result.points] == [3]

    def test_reports_rows_that_are_too_short_or_long(self) -> None:
        result = read(GOOD_ROW[:-1], (*GOOD_ROW, ""))
        assert result.refused_by_reason() == {"wrong-cell-count": 2}

    @pytest.mark.parametrize(
        ("lat", "lng", "code"),
        [
            ("0", "0.0", "coordinates-zero"),
            ("113.3", "23.1", "coordinates-swapped"),
            ("23.1", "93.3", "coordinates-outside"),
            ("2310000", "113.3", "coordinates-outside"),
            ("23.1", "", "coordinates-incomplete"),
            ("", "113.3", "coordinates-incomplete"),
            ("23,1", "113.3", "coordinates-not-a-number"),
            ("nan", "113.3", "coordinates-not-a-number"),
        ],
    )
    def test_keeps_a_point_but_not_its_wrong_position(self, lat: str, lng: str, code: str) -> None:
        result = read(changed(lat=lat, lng=lng))
        assert [(point.lat, point.lng) for point in result.points] == [(None, None)]
        assert [note.code for note in result.warnings] == [code]

    def test_takes_a_blank_position_and_blank_times_as_not_known(self) -> None:
        result = read(changed(lat="", lng="", **{"in": "", "out": ""}))
        assert result.warnings == ()
        assert result.points[0].arrives_at is None

    def test_warns_of_a_stream_that_is_left_out_only_when_the_row_is_imported(self) -> None:
        assert [note.code for note in read(changed(kinds="纸,其他")).warnings] == ["stream-ignored"]
        assert read(changed(kinds="纸,其他", name="")).warnings == ()

    def test_keeps_names_byte_for_byte(self) -> None:
        name = " 石蔭路117號\u3000近休憩處（é） "
        assert read(changed(name=name)).points[0].name_zh == name

    def test_needs_the_columns_that_the_mapping_names(self) -> None:
        with pytest.raises(BadMapping, match="pid"):
            read(GOOD_ROW, mapping=with_columns(MAPPING, "code=pid"))

    @given(
        st.lists(
            st.tuples(*(st.sampled_from([good, "", "0", "x", "2410"]) for good in GOOD_ROW)) | st.just(("a",)),
            max_size=12,
        )
    )
    def test_accounts_for_every_row(self, rows: list[tuple[str, ...]]) -> None:
        result = read(*rows)
        assert len(result.points) + len(result.refused) == result.rows == len(rows)
        assert {p.line for p in result.points} | {r.line for r in result.refused} == set(range(2, len(rows) + 2))
        assert sum(result.refused_by_reason().values()) == len(result.refused)
        assert len({point.code for point in result.points}) == len(result.points)

    def test_has_every_message_in_two_languages(self) -> None:
        for zh, en in MESSAGES.values():
            assert any("\u4e00" <= character <= "\u9fff" for character in zh)
            assert en.isascii()


class TestClock:
    @pytest.mark.parametrize(
        ("text", "seconds"),
        [
            ("0000", 0),
            ("1630", 59_400),
            ("930", 34_200),
            (" 16:30 ", 59_400),
            ("9:05:07", 32_707),
            ("2400", 86_400),
            ("2410", 87_000),
            ("2959", 107_940),
        ],
    )
    def test_reads(self, text: str, seconds: int) -> None:
        assert parse_clock(text) == seconds

    @pytest.mark.parametrize(
        "text", ["", "x", "12", "1660", "3000", "-100", "16.30", "1630PM", "１６３０", "12345"]
    )
    def test_does_not_guess(self, text: str) -> None:
        assert parse_clock(text) is None

    def test_is_written_past_midnight(self) -> None:
        assert clock_text(87_000) == "24:10"


class TestTable:
    def test_knows_the_line_on_which_a_row_begins(self) -> None:
        table = read_table(b'a,b\r\n1,"x\r\ny"\r\n\r\n2,z\r\n')
        assert [(row.line, row.cells) for row in table.rows] == [(2, ("1", "x\r\ny")), (5, ("2", "z"))]

    @pytest.mark.parametrize(
        ("text", "encoding"),
        [("編號,名稱\n1,天母西路", "big5"), ("编号,名称,行政区\n1,锦绣里,演示区", "gb18030")],
    )
    def test_tells_the_two_old_encodings_apart(self, text: str, encoding: str) -> None:
        table = read_table(text.encode(encoding))
        assert table.encoding == encoding
        assert [*table.header, *table.rows[0].cells] == text.replace("\n", ",").split(",")

    def test_says_when_an_encoding_is_only_likely(self) -> None:
        assert decode("編號,名稱,地址,行政區".encode("big5"))[1:] == ("big5", False)
        assert decode("编号".encode())[1:] == ("utf-8", True)
        assert decode("编号".encode("utf-8-sig")) == ("编号", "utf-8-sig", True)

    def test_asks_when_two_encodings_fit_equally_well(self) -> None:
        with pytest.raises(TableNotReadable, match="--encoding"):
            decode("编号,名称\n1,锦绣里".encode("gb18030"))

    def test_refuses_bytes_of_no_known_encoding(self) -> None:
        with pytest.raises(TableNotReadable):
            decode(b"name\n\xff\xff\xff\n")
        with pytest.raises(TableNotReadable):
            decode(b"name", encoding="no-such-code")

    def test_obeys_a_named_encoding(self) -> None:
        assert decode("天母".encode("big5"), encoding="big5") == ("天母", "big5", True)
        with pytest.raises(TableNotReadable, match="ascii"):
            decode("天母".encode(), encoding="ascii")

    @pytest.mark.parametrize("data", [b"", b"a,a\n", b'a\n"open\n'])
    def test_refuses_what_is_no_table(self, data: bytes) -> None:
        with pytest.raises(TableNotReadable):
            read_table(data)


class TestMapping:
    def test_comes_with_the_program_for_two_cities(self) -> None:
        assert {"hong-kong", "taipei", "plain"} <= set(built_in_names())
        for name in built_in_names():
            assert find_mapping(name).source

    def test_is_read_from_a_file(self, tmp_path: Path) -> None:
        path = tmp_path / "mine.toml"
        path.write_text(
            'source = "mine"\n'
            '[columns]\ncode = "id"\nname_zh = ["road", "number"]\n'
            '[streams]\ndefault = ["food"]\n',
            encoding="utf-8",
        )
        mapping = find_mapping(str(path))
        assert mapping.columns["name_zh"] == ("road", "number")
        table = read_table("id,road,number\n1,环市东路,12\n2,越秀路,\n".encode())
        assert [point.name_zh for point in read_points(table, mapping).points] == ["环市东路 12", "越秀路"]

    def test_takes_columns_from_the_command_line(self) -> None:
        mapping = with_columns(MAPPING, "name=address_tc, address=road+number")
        assert mapping.columns["name_zh"] == ("address_tc",)
        assert mapping.columns["address"] == ("road", "number")
        assert mapping.columns["code"] == ("id",)

    @pytest.mark.parametrize("text", ["name", "name=", "colour=x"])
    def test_refuses_a_part_without_meaning(self, text: str) -> None:
        with pytest.raises(BadMapping):
            with_columns(MAPPING, text)

    @pytest.mark.parametrize(
        "content",
        [
            {},
            {"source": "x", "columns": {"code": "a"}},
            {"source": "x", "columns": {"code": "a", "name_zh": "b"}},
            {"source": "", "columns": {"code": "a", "name_zh": "b", "streams": "c"}},
            {"source": "x", "color": 1},
            {"source": "x", "bounds": [1], "columns": {"code": "a", "name_zh": "b", "streams": "c"}},
            {"source": "x", "columns": {"code": "a", "name_zh": "b"}, "streams": {"default": ["paper"]}},
        ],
    )
    def test_refuses_a_file_without_meaning(self, content: dict[str, object]) -> None:
        with pytest.raises(BadMapping):
            read_mapping(content)

    def test_refuses_a_name_that_is_nothing(self) -> None:
        with pytest.raises(BadMapping, match="hong-kong"):
            find_mapping("macau")


class TestHongKong:
    def test_accounts_for_every_row(self) -> None:
        result = read_points(read_table(shared(HONG_KONG).read_bytes()), find_mapping("hong-kong"))
        assert (result.rows, len(result.points)) == (3962, 3961)
        assert result.refused_by_reason() == {"blank": 1}
        assert result.warned_by_reason() == {"stream-ignored": 3}

    def test_gives_three_scripts_back_byte_for_byte(self) -> None:
        path = shared(HONG_KONG)
        result = read_points(read_table(path.read_bytes()), find_mapping("hong-kong"))
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = {row["cp_id"]: row for row in csv.DictReader(file)}
        for point in result.points:
            row = rows[point.code]
            assert point.name_zh.encode() == row["address_tc"].encode()
            assert point.name_zh_hans.encode() == row["address_sc"].encode()
            assert point.name_en.encode() == row["address_en"].encode()
        assert any(point.name_zh != point.name_zh.strip() for point in result.points)

    def test_sorts_materials_into_our_streams(self) -> None:
        result = read_points(read_table(shared(HONG_KONG).read_bytes()), find_mapping("hong-kong"))
        both = [point for point in result.points if len(point.streams) == 2]
        assert both
        assert {stream for point in result.points for stream in point.streams} == {
            Stream.RECYCLABLE,
            Stream.HAZARDOUS,
        }


class TestTaipei:
    def test_accounts_for_every_row(self) -> None:
        result = read_points(read_table(shared(TAIPEI).read_bytes()), find_mapping("taipei"))
        assert (result.rows, len(result.points)) == (4007, 4007)
        assert result.warned_by_reason() == {"coordinates-outside": 7, "coordinates-swapped": 1}
        assert len({point.truck for point in result.points}) == 187

    def test_reads_stops_after_midnight(self) -> None:
        result = read_points(read_table(shared(TAIPEI).read_bytes()), find_mapping("taipei"))
        late = sorted(point.arrives_at or 0 for point in result.points)[-1]
        assert clock_text(late) == "24:17"

    def test_gives_a_stop_the_same_code_in_any_order_of_rows(self) -> None:
        table = read_table(shared(TAIPEI).read_bytes())
        reversed_table = Table(table.header, table.rows[::-1], table.encoding, True)
        mapping = find_mapping("taipei")
        forwards, backwards = read_points(table, mapping), read_points(reversed_table, mapping)
        assert {(p.code, p.line) for p in forwards.points} == {(p.code, p.line) for p in backwards.points}
