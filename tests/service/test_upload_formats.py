import contextlib
import csv
import io
import json
from datetime import UTC, datetime
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.uploads import FORMATS, parquet_rows, text_lines
from service.uploads.csv_rows import read_csv
from service.uploads.errors import EmptyUploadError, UnreadableUploadError, UploadColumnsError, UploadError
from service.uploads.errors import UploadTooLargeError as TooLarge
from service.uploads.ndjson_rows import read_ndjson
from service.uploads.parquet_rows import read_parquet
from service.uploads.raw_row import RawRow

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
HEADER = "device,space,architecture,latency_ms"
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)


def cells(rows: list[RawRow]) -> list[dict[str, object]]:
    return [dict(row.cells) for row in rows]


def of_text(text: str) -> BinaryIO:
    return io.BytesIO(text.encode())


def parquet(table: pa.Table, **options: Any) -> io.BytesIO:
    file = io.BytesIO()
    pq.write_table(table, file, **options)
    return file


def columns(**changed: object) -> pa.Table:
    return pa.table({"device": ["d"], "space": ["s"], "architecture": ["a"], "latency_ms": [1.5]} | changed)


def test_csv_columns_in_any_order_and_quoted_cells_are_read() -> None:
    text = 'latency_ms,architecture,device,space\r\n1.5,"a,""b""\nc",d,s\r\n\r\n2,x,d,s\r\n'
    rows = list(read_csv(of_text(text)))
    assert cells(rows)[0] == {"latency_ms": "1.5", "architecture": 'a,"b"\nc', "device": "d", "space": "s"}
    assert [(row.number, row.line) for row in rows] == [(1, 2), (2, 5)]


def test_csv_byte_order_mark_is_dropped() -> None:
    assert len(list(read_csv(io.BytesIO(b"\xef\xbb\xbf" + HEADER.encode() + b"\nd,s,a,1\n")))) == 1


def test_csv_with_wrong_cell_count_is_a_faulty_row_and_reading_goes_on() -> None:
    rows = list(read_csv(of_text(f"{HEADER}\nd,s,a\nd,s,a,1\n")))
    assert rows[0].fault == "has 3 cells where the header has 4"
    assert rows[1].fault is None


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("device,space,architecture", "required column 'latency_ms' is missing"),
        (f"{HEADER},colour", "unknown column 'colour'"),
        (f"{HEADER},device", "'device' is there 2 times"),
        (f"{HEADER},", "unknown column ''"),
        (HEADER.replace(",", ";"), "not separated by commas"),
        ("d1,nb201,|x|,5.2", "allowed columns: device, space"),
    ],
)
def test_csv_with_bad_header_is_refused_before_any_row(header: str, reason: str) -> None:
    with pytest.raises(UploadColumnsError, match="column") as caught:
        next(read_csv(of_text(f"{header}\nd,s,a,1\n")))
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (HEADER.encode() + b'\nd,s,"a,1\n', "line 2: broken CSV"),
        (HEADER.encode() + b'\nd,s,"a"b,1\n', "line 2: broken CSV"),
        (HEADER.encode() + b"\nd,s,\xff,1\n", "line 2: not UTF-8 at byte 5"),
        (HEADER.encode("utf-16"), "line 1: not UTF-8"),
        (HEADER.encode() + b"\nd,s," + b"a" * 200_000 + b",1\n", "field larger than field limit"),
        (HEADER.encode() + b"\rd,s,a,1\r", "new-line"),
    ],
)
def test_csv_that_is_broken_is_refused_with_its_line(body: bytes, reason: str) -> None:
    with pytest.raises(UnreadableUploadError) as caught:
        list(read_csv(io.BytesIO(body)))
    assert reason in str(caught.value)


def test_csv_without_a_byte_is_empty() -> None:
    with pytest.raises(EmptyUploadError):
        list(read_csv(io.BytesIO()))


@pytest.mark.parametrize("reader", [read_csv, read_ndjson])
def test_endless_line_is_refused_without_being_held(reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_lines, "MAX_LINE_BYTES", 1000)
    file = io.BytesIO(b"x" * 100_000)
    with pytest.raises(UnreadableUploadError, match="longer than 1,000 bytes"):
        list(reader(file))
    assert file.tell() <= 1001


def test_ndjson_blank_lines_are_skipped_and_lines_counted() -> None:
    rows = list(read_ndjson(of_text('{"device": "d"}\n\n  \n{"architecture": [1, 2]}')))
    assert [(row.number, row.line) for row in rows] == [(1, 1), (2, 4)]
    assert cells(rows)[1] == {"architecture": [1, 2]}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "no JSON"),
        ("[1, 2]", "is no JSON object"),
        ("5", "is no JSON object"),
        ('{"colour": 1}', "unknown column 'colour'; allowed columns: device"),
        ('{"device": "a", "device": "b"}', "a column is there twice"),
        ("[" * 100_000, "nested too deeply"),
        ('{"latency_ms": ' + "9" * 5000 + "}", "5000 digits"),
    ],
)
def test_ndjson_bad_line_is_a_faulty_row_and_reading_goes_on(line: str, reason: str) -> None:
    rows = list(read_ndjson(of_text(f'{line}\n{{"device": "d"}}\n')))
    assert reason in str(rows[0].fault)
    assert rows[1].fault is None


def test_parquet_with_unknown_or_missing_column_is_refused() -> None:
    with pytest.raises(UploadColumnsError, match="'colour'"):
        list(read_parquet(parquet(columns(colour=["red"]))))
    with pytest.raises(UploadColumnsError, match="'device' is missing"):
        list(read_parquet(parquet(columns().drop_columns("device"))))


@pytest.mark.parametrize("body", [b"", b"PAR1", b"PAR1" + b"\0" * 100 + b"PAR1", b"device,space\n"])
def test_parquet_that_is_none_is_refused(body: bytes) -> None:
    with pytest.raises(UnreadableUploadError, match="broken Parquet"):
        list(read_parquet(io.BytesIO(body)))


def test_parquet_cut_anywhere_is_refused_and_never_crashes() -> None:
    file = parquet(columns(runs=[3]))
    whole = file.getvalue()
    for end in range(0, len(whole), 7):
        with pytest.raises(UploadError):
            list(read_parquet(io.BytesIO(whole[:end])))


def test_parquet_with_a_text_that_would_unpack_to_gigabytes_is_refused() -> None:
    count = 200_000
    bomb = pa.array(["x" * 1_000_000] * 1).dictionary_encode()
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * count, pa.int32()), bomb.dictionary)
    table = pa.table(
        {"device": texts, "space": ["s"] * count, "architecture": ["a"] * count, "latency_ms": [1.0] * count}
    )
    file = parquet(table, compression="zstd", store_schema=False)
    assert file.getbuffer().nbytes < 2_000_000
    with pytest.raises(TooLarge):
        list(read_parquet(file))


def test_parquet_with_a_nested_column_is_refused_for_what_it_could_unpack_to() -> None:
    file = parquet(columns(architecture=[[1] * 2_000_000]), compression="zstd")
    with pytest.raises(UnreadableUploadError, match=r"'architecture' is of type list<.*write each cell as text"):
        list(read_parquet(file))


def test_parquet_of_bytes_is_refused() -> None:
    with pytest.raises(UnreadableUploadError, match="of type binary"):
        list(read_parquet(parquet(columns(device=[b"d"]))))


def test_parquet_with_a_time_zone_that_does_not_exist_is_refused() -> None:
    times = pa.array([1], pa.timestamp("us", tz="Nowhere/At_All"))
    with pytest.raises(UnreadableUploadError, match="broken Parquet"):
        list(read_parquet(parquet(columns(measured_at=times))))


def test_parquet_dictionaries_numbers_and_times_are_read() -> None:
    table = columns(device=pa.array(["d"]).dictionary_encode(), architecture=[17], measured_at=[NOON], runs=[None])
    [row] = read_parquet(parquet(table))
    expected = {"device": "d", "space": "s", "architecture": 17, "latency_ms": 1.5, "measured_at": NOON, "runs": None}
    assert row.cells == expected


def test_parquet_row_group_above_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_rows, "MAX_GROUP_BYTES", 100)
    with pytest.raises(TooLarge, match="row group"):
        list(read_parquet(parquet(columns())))


@given(st.lists(st.tuples(texts, texts, texts, st.floats(allow_nan=False)), max_size=8))
@settings(max_examples=40, deadline=None)
def test_every_format_reads_the_same_rows(rows: list[tuple[str, str, str, float]]) -> None:
    names = HEADER.split(",")
    csv_file = io.StringIO()
    csv.writer(csv_file).writerows([names, *rows])
    lines = "\n".join(json.dumps(dict(zip(names, row, strict=True))) for row in rows)
    types = [pa.string(), pa.string(), pa.string(), pa.float64()]
    arrays = [pa.array([row[i] for row in rows], type=types[i]) for i in range(4)]
    from_csv = [
        row | {"latency_ms": float(str(row["latency_ms"]))}
        for row in cells(list(read_csv(of_text(csv_file.getvalue()))))
    ]
    from_json = cells(list(read_ndjson(of_text(lines))))
    from_parquet = cells(list(read_parquet(parquet(pa.table(arrays, names=names)))))
    assert from_csv == from_json == from_parquet


@pytest.mark.parametrize("reader", dict.fromkeys(FORMATS.values()))
@given(body=st.binary(max_size=300))
@settings(max_examples=150, deadline=None)
def test_random_bytes_are_refused_or_read_but_never_crash(reader, body: bytes) -> None:
    with contextlib.suppress(UploadError):
        list(reader(io.BytesIO(body)))


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_damaged_parquet_is_refused_or_read_but_never_crashes(data: st.DataObject) -> None:
    body = bytearray(parquet(columns(runs=[7])).getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(UploadError):
        list(read_parquet(io.BytesIO(bytes(body))))


def test_readers_can_be_called_twice_on_one_file() -> None:
    file = of_text(f"{HEADER}\nd,s,a,1\n")
    assert cells(list(read_csv(file))) == cells(list(read_csv(file)))
