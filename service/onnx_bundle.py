"""Networks as ONNX files in a ZIP archive, as many as are sensible to send at once."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from service.errors import FieldError, InvalidRequestError

MEDIA_TYPE: Final = "application/zip"
# Bytes of all networks before compression, weights are random and do not compress.
_LARGEST: Final = 512 * 1024 * 1024
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")


def file_names(keys: Iterable[str]) -> dict[str, str]:
    """A file's name for each architecture, numbered in their order."""
    return {key: f"{number:04d}-{_UNSAFE.sub('_', key)[:80]}.onnx" for number, key in enumerate(dict.fromkeys(keys))}


def add_networks(
    archive: zipfile.ZipFile, keys: Sequence[str], export: Callable[[str], bytes | None], parameter: str
) -> dict[str, str]:
    """Writes each architecture's network into the archive; returns the files' names by architecture.

    Args:
        export: architecture -> its file, or None to leave it out.
        parameter: of the request, which says how many there are.
    Raises: InvalidRequestError for networks that are larger together than is sensible to send.
    """
    names = file_names(keys)
    written: dict[str, str] = {}
    size = 0
    for key, name in names.items():
        model = export(key)
        if model is None:
            continue
        size += len(model)
        if size > _LARGEST:
            reason = f"the networks take more than {_LARGEST:,} bytes: ask for fewer"
            raise InvalidRequestError([FieldError(reason, parameter=parameter)])
        archive.writestr(name, model)
        written[key] = name
    return written
