"""Bulk upload of measurements: from the bytes of a request to rows that may be stored."""

from typing import Final

from service.uploads.csv_rows import read_csv
from service.uploads.ndjson_rows import read_ndjson
from service.uploads.parquet_rows import read_parquet
from service.uploads.raw_row import RowReader

# Media type to reader: the one place where a format is listed.
FORMATS: Final[dict[str, RowReader]] = {
    "text/csv": read_csv,
    "application/x-ndjson": read_ndjson,
    "application/jsonl": read_ndjson,
    "application/vnd.apache.parquet": read_parquet,
}
