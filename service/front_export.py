"""A front as a file: CSV, JSON, Parquet, or the networks of its members as ONNX in a ZIP archive."""

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO, Any, Final

from service.onnx_bundle import add_networks
from spaces import Architecture

Row = Mapping[str, Any]


def flat(row: Row, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Members with the names of those they lie in before them, as in `devices.pixel3.lower_ms`."""
    for name, value in row.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{name}.")
        elif not isinstance(value, list):  # exchanges with other members are for JSON
            yield f"{prefix}{name}", value


def to_csv(front: Sequence[Row]) -> bytes:
    """A line for each member; a column that some members lack is empty there."""
    rows = [dict(flat(row)) for row in front]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def to_json(front: Sequence[Row]) -> bytes:
    """The entries as they are."""
    return json.dumps(list(front)).encode()


def to_parquet(front: Sequence[Row]) -> bytes:
    """The columns of the CSV, typed."""
    import pyarrow as pa
    from pyarrow import parquet

    rows = [dict(flat(row)) for row in front]
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {name: _column([row.get(name) for row in rows]) for name in names}
    sink = io.BytesIO()
    parquet.write_table(pa.table(columns), sink)
    return sink.getvalue()


def write_onnx_zip(space: str, front: Sequence[Row], sink: IO[bytes]) -> None:
    """One untrained network for each architecture, in the order of the front, and `front.csv`, which names its file.

    Raises: InvalidRequestError for networks that are larger together than is sensible to send.
    """
    from spaces.networks import export_onnx  # brings torch

    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        keys = [row["architecture"] for row in front]
        names = add_networks(archive, keys, lambda key: export_onnx(Architecture(space, key)), "limit")
        archive.writestr("front.csv", to_csv([{"file": names[row["architecture"]], **row} for row in front]))


TABLES: Final[dict[str, tuple[str, Callable[[Sequence[Row]], bytes]]]] = {
    "csv": ("text/csv", to_csv),
    "json": ("application/json", to_json),
    "parquet": ("application/vnd.apache.parquet", to_parquet),
}


def _column(values: list[Any]) -> list[Any]:
    """Values of one type: a hardware key may be a number for one member and a name for the next."""
    kinds = {type(value) for value in values if value is not None}
    return (
        values if len(kinds) <= 1 or kinds == {int, float} else [None if each is None else str(each) for each in values]
    )
