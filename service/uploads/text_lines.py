"""Lines of a UTF-8 file, with a bound on their length so that one endless line cannot fill the memory."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import BinaryIO, Final

from service.uploads.errors import UnreadableUploadError

MAX_LINE_BYTES: Final = 1 << 20


def text_lines(file: BinaryIO) -> Iterator[str]:
    """Lines from the file's start, line ends kept, a byte order mark dropped.

    Raises: UnreadableUploadError for bytes that are not UTF-8 and for a line above `MAX_LINE_BYTES`.
    """
    file.seek(0)
    number = 0
    while raw := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(raw) > MAX_LINE_BYTES:
            raise UnreadableUploadError(f"longer than {MAX_LINE_BYTES:,} bytes", number)
        if number == 1:
            raw = raw.removeprefix(codecs.BOM_UTF8)
        try:
            yield raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise UnreadableUploadError(f"not UTF-8 at byte {error.start + 1} of the line", number) from None
