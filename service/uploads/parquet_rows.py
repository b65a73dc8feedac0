"""Rows of an uploaded Parquet file, a batch at a time, with bounds on what a small file may unpack to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, BinaryIO, Final

from service.uploads.columns import MEASUREMENTS, Columns
from service.uploads.errors import UnreadableUploadError, UploadTooLargeError
from service.uploads.raw_row import RawRow

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

BATCH_ROWS: Final = 5000
MAX_GROUP_BYTES: Final = 256 << 20
MAX_TEXT_BYTES: Final = 10_000


def read_parquet(file: BinaryIO, columns: Columns = MEASUREMENTS) -> Iterator[RawRow]:
    """Rows of a Parquet file.

    Raises: UnreadableUploadError, UploadColumnsError, UploadTooLargeError.
    """
    import pyarrow as pa

    number = 0
    try:
        for batch in _batches(file, columns):
            for cells in batch.to_pylist():
                number += 1
                yield RawRow(number, None, cells)
    except (pa.ArrowException, OSError, ValueError, ArithmeticError, LookupError) as error:
        raise UnreadableUploadError(f"broken Parquet: {str(error)[:200]}") from None


def _batches(file: BinaryIO, columns: Columns) -> Iterator[pa.RecordBatch]:
    import pyarrow.parquet as pq

    file.seek(0)
    schema = pq.read_schema(file)
    columns.check(schema.names)
    _check_types(schema)
    # As dictionaries, texts stay as small as they are in the file until their length has been checked.
    texts = [field.name for field in schema if any(is_text(field.type) for is_text in _text_tests())]
    file.seek(0)
    table = pq.ParquetFile(file, read_dictionary=texts, pre_buffer=False)
    _check_sizes(table.metadata)
    for batch in table.iter_batches(BATCH_ROWS, use_threads=False):
        _check_texts(batch)
        yield batch


def _check_types(schema: pa.Schema) -> None:
    """Let through numbers, times and texts: encodings can hide gigabytes of anything nested or binary in a kilobyte."""
    import pyarrow as pa

    known = (pa.types.is_primitive, pa.types.is_decimal, pa.types.is_null, pa.types.is_dictionary, *_text_tests())
    for field in schema:
        if not any(is_known(field.type) for is_known in known):
            raise UnreadableUploadError(f"column {field.name!r} is of type {field.type}; write each cell as text")


def _text_tests() -> tuple[Callable[[pa.DataType], bool], ...]:
    import pyarrow as pa

    return (pa.types.is_string, pa.types.is_large_string)


def _check_sizes(metadata: pq.FileMetaData) -> None:
    for index in range(metadata.num_row_groups):
        group = metadata.row_group(index)
        if group.total_byte_size > MAX_GROUP_BYTES:
            raise UploadTooLargeError(MAX_GROUP_BYTES, "bytes per row group, unpacked")


def _check_texts(batch: pa.RecordBatch) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc

    for column in batch.columns:
        if isinstance(column, pa.DictionaryArray):
            lengths = pc.call_function("binary_length", [column.dictionary])
            longest = pc.call_function("max", [lengths]).as_py()
            if longest is not None and longest > MAX_TEXT_BYTES:
                raise UploadTooLargeError(MAX_TEXT_BYTES, "bytes per cell")
