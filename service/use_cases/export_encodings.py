"""Write encodings of many architectures, or of a whole space, to a Parquet file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from arch_encodings import Encoder
from service.lookup import find_space, parse_architectures
from service.use_cases.encode_architectures import encode, feature_names
from spaces import NotEnumerableError, SearchSpace, is_enumerable


def export_encodings(
    spaces: Mapping[str, SearchSpace],
    encoders: Mapping[str, Encoder],
    space_name: str,
    notations: Sequence[str] | None,
    names: Sequence[str],
    output: Path,
) -> int:
    """One row per architecture: its canonical key, then a fixed-size list of float64 per encoding.

    The names of an encoding's columns are JSON in the field's metadata under `features`. The file appears whole or
    not at all.

    Args:
        encoders: know all of `ENCODERS`.
        notations: None means every architecture of the space.
    Returns: the number of rows.
    Raises: UnknownSpaceError, InvalidRequestError, NotEnumerableError, ProxiesNotComputedError,
        ProxiesNotPublishedError.
    """
    space = find_space(spaces, space_name)
    features = feature_names(space, names)
    if notations is None:
        if not is_enumerable(space):
            raise NotEnumerableError(space.name, space.size)
        architectures = list(space.enumerate())
    else:
        pointers = [f"/architectures/{index}" for index in range(len(notations))]
        architectures = parse_architectures(space, notations, pointers)
    fields = [pa.field("architecture", pa.string())]
    columns: list[pa.Array] = [pa.array([architecture.key for architecture in architectures])]
    for name, values in encode(encoders, space, architectures, list(features)).items():
        column = pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), values.shape[1])
        fields.append(pa.field(name, column.type, metadata={"features": json.dumps(features[name])}))
        columns.append(column)
    table = pa.Table.from_arrays(columns, schema=pa.schema(fields, metadata={"space": space.name}))
    partial = output.with_name(output.name + ".partial")
    try:
        pq.write_table(table, partial)
        partial.replace(output)
    finally:
        partial.unlink(missing_ok=True)
    return len(architectures)
