"""The body of an upload request, spooled to a temporary file and unpacked, never whole in memory."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, Final, cast

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from service.uploads.errors import UnreadableUploadError, UnsupportedUploadTypeError, UploadTooLargeError

_MEMORY_BYTES: Final = 1 << 20
_STEP_BYTES: Final = 1 << 18
_UTF8: Final = ("utf-8", "utf8", "us-ascii")
_GZIP_WBITS: Final = 31
_GZIP_MEMBERS: Final = 1000  # each one costs a copy of what follows it in its chunk


@asynccontextmanager
async def spooled_body(request: Request, limit: int) -> AsyncIterator[BinaryIO]:
    """The body as a file at its start; gzip is unpacked on the way.

    Raises: UnsupportedUploadTypeError for another content encoding, UploadTooLargeError when it unpacks to more than
        `limit` bytes, UnreadableUploadError for broken gzip, gzip of too many members or a connection that ends early.
    """
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip"):
        raise UnsupportedUploadTypeError("content encoding", encoding, ("identity", "gzip"))
    with SpooledTemporaryFile(max_size=_MEMORY_BYTES) as spool:
        file = cast(BinaryIO, spool)
        sink = (_GzipSink if encoding == "gzip" else _Sink)(file, limit)
        try:
            async for chunk in request.stream():
                await run_in_threadpool(sink.write, chunk)
        except ClientDisconnect:
            raise UnreadableUploadError("the connection ended before the body did") from None
        sink.finish()
        file.seek(0)
        yield file


def media_type(request: Request, allowed: tuple[str, ...]) -> str:
    """The request's media type, one of `allowed`. Raises: UnsupportedUploadTypeError."""
    header = request.headers.get("content-type", "")
    name, *parameters = (part.strip().lower() for part in header.split(";"))
    if name not in allowed:
        raise UnsupportedUploadTypeError("content type", header, allowed)
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "charset" and value.strip(' "') not in _UTF8:
            raise UnsupportedUploadTypeError("charset", value, ("utf-8",))
    return name


class _Sink:
    """Writes to a file up to a limit."""

    def __init__(self, file: BinaryIO, limit: int):
        self._file = file
        self._limit = limit
        self._size = 0

    def write(self, data: bytes) -> None:
        """Append. Raises: UploadTooLargeError."""
        self._size += len(data)
        if self._size > self._limit:
            raise UploadTooLargeError(self._limit, "bytes")
        self._file.write(data)

    def finish(self) -> None:
        """The body has ended."""


class _GzipSink(_Sink):
    """Unpacks gzip, of up to `_GZIP_MEMBERS` members, a bounded step at a time."""

    def __init__(self, file: BinaryIO, limit: int):
        super().__init__(file, limit)
        self._member = zlib.decompressobj(_GZIP_WBITS)
        self._members = 1

    def write(self, data: bytes) -> None:
        """Unpack and append. Raises: UploadTooLargeError, UnreadableUploadError."""
        while data:
            if self._member.eof:
                self._members += 1
                if self._members > _GZIP_MEMBERS:
                    raise UnreadableUploadError(f"gzip of more than {_GZIP_MEMBERS:,} members: compress it as one")
                self._member = zlib.decompressobj(_GZIP_WBITS)
            try:
                unpacked = self._member.decompress(data, _STEP_BYTES)
                super().write(unpacked)
                while len(unpacked) == _STEP_BYTES:
                    unpacked = self._member.decompress(self._member.unconsumed_tail, _STEP_BYTES)
                    super().write(unpacked)
            except zlib.error as error:
                raise UnreadableUploadError(f"broken gzip: {error}") from None
            data = self._member.unused_data

    def finish(self) -> None:
        """Raises: UnreadableUploadError when the last member is cut off."""
        if not self._member.eof:
            raise UnreadableUploadError("broken gzip: cut off")
