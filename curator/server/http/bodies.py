"""Read request bodies within limits of size and time. Files go to the disk as they arrive, not into memory."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import orjson
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from curator.server.errors import ApiError, bad_request, quote
from curator.server.http.fields import Fields
from curator.server.settings import ServerLimits
from curator.server.store import disk_space as disk

_PARTS = 16
"""Most parts of a form."""
_FIELD_BYTES = 4096
_WRITE_BYTES = 2**20
_FORM_BYTES = 2**17
"""Bytes that boundaries and small fields may add to a file."""


async def chunks(request: Request, longest: int, limits: ServerLimits) -> AsyncIterator[bytes]:
    """The body's pieces as they arrive. Raises ApiError 413 beyond `longest` bytes, 408 if they arrive too
    slowly."""
    declared = request.headers.get("content-length", "0")
    if declared.isascii() and declared.isdigit() and int(declared[:20]) > longest:
        raise _too_large(longest)
    stream = aiter(request.stream())
    ends = time.monotonic() + limits.body_seconds
    received = 0
    while True:
        try:
            async with asyncio.timeout(min(limits.body_idle_seconds, ends - time.monotonic())):
                chunk = await anext(stream, None)
        except TimeoutError:
            message = "The request body did not arrive in time."
            raise ApiError(408, message, headers={"connection": "close"}) from None
        if chunk is None:
            return
        received += len(chunk)
        if received > longest:
            raise _too_large(longest)
        yield chunk


def _too_large(longest: int) -> ApiError:
    size = f"{longest // 2**20} MB" if longest >= 2**20 else f"{longest} bytes"
    return ApiError(
        413,
        f"Maximum content size limit ({size}) exceeded.",
        code="content_too_large",
        headers={"connection": "close"},
    )


def _require_content_type(request: Request, kind: str) -> dict[bytes, bytes]:
    header = request.headers.get("content-type", "")
    media_type, options = parse_options_header(header)
    if media_type.decode("latin-1").lower() != kind:
        header_text = quote(header)
        message = f"Unsupported content type: '{header_text}'. This API method only accepts '{kind}' requests."
        raise ApiError(415, message, code="unsupported_content_type")
    return options


async def read_json(request: Request, limits: ServerLimits) -> Fields:
    """The body, which must be a JSON object. Raises ApiError 400, 408, 413 or 415."""
    _require_content_type(request, "application/json")
    body = b"".join([chunk async for chunk in chunks(request, limits.json_bytes, limits)])
    try:
        value = await asyncio.to_thread(orjson.loads, body) if len(body) > _FORM_BYTES else orjson.loads(body)
    except orjson.JSONDecodeError as error:
        message = f"We could not parse the JSON body of your request: {error}."
        raise bad_request(message, code="invalid_json") from None
    return Fields(value)


@dataclass
class Form:
    """A received multipart form: its small fields, and its file on disk at `scratch`."""

    scratch: Path
    fields: dict[str, str] = field(default_factory=dict)
    filename: str | None = None
    """The file's name as the client gave it, never used as a path; None: no file was sent."""


async def read_form(request: Request, file_field: str, scratch: Path, longest: int, limits: ServerLimits) -> Form:
    """Write the part `file_field` to the new file `scratch` and return the form. Raises ApiError 400, 408, 413,
    415 or 507. The caller removes `scratch`, after an error too.
    """
    options = _require_content_type(request, "multipart/form-data")
    form = Form(scratch)
    with await asyncio.to_thread(scratch.open, "xb") as file:
        try:
            receiver = _Receiver(options.get(b"boundary", b""), file_field, form, longest, limits.free_bytes)
            async for chunk in chunks(request, longest + _FORM_BYTES, limits):
                receiver.parser.write(chunk)
                if len(receiver.pending) >= _WRITE_BYTES:
                    await asyncio.to_thread(receiver.flush, file)
        except FormParserError as error:
            raise bad_request(f"Could not parse multipart form: {error}.") from None
        await asyncio.to_thread(receiver.flush, file)
    if not receiver.ended:
        raise bad_request("Could not parse multipart form: it ends too early.")
    return form


class _Receiver:
    """The parser's callbacks: collect the bytes of the file in `pending`, of other parts in the form's fields."""

    def __init__(self, boundary: bytes, file_field: str, form: Form, longest: int, reserve: int) -> None:
        if not boundary:
            raise bad_request("Could not parse multipart form: the content type has no boundary.")
        self.pending = bytearray()
        self.ended = False
        self._file_field = file_field
        self._form = form
        self._longest = longest
        self._reserve = reserve
        self._received = 0
        self._parts = 0
        self._key, self._value, self._headers = b"", b"", {}  # type: tuple[bytes, bytes, dict[bytes, bytes]]
        self._name: str | None = None
        self._text = bytearray()
        self.parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._part_begin,
                "on_part_data": self._part_data,
                "on_part_end": self._part_end,
                "on_header_field": self._header_field,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_finished,
                "on_end": self._end,
            },
        )

    def flush(self, file: BinaryIO) -> None:
        """Write `pending` to the file. Raises ApiError 507 before the disk is full."""
        disk.require_free_space(self._form.scratch.parent, len(self.pending), self._reserve)
        file.write(self.pending)
        self.pending.clear()

    def _part_begin(self) -> None:
        self._parts += 1
        if self._parts > _PARTS:
            raise bad_request("The form has too many parts.")
        self._headers, self._name, self._text = {}, None, bytearray()

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._key += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._key.lower()] = self._value
        self._key = self._value = b""

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        if self._name != self._file_field:
            return
        if self._form.filename is not None:
            raise bad_request(f"The form has '{self._file_field}' twice.", self._file_field)
        name = options.get(b"filename", self._file_field.encode()).decode("utf-8", "replace")
        self._form.filename = name[:255]

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._name == self._file_field:
            self._received += end - start
            if self._received > self._longest:
                raise _too_large(self._longest)
            self.pending += data[start:end]
        else:
            self._text += data[start:end]
            if len(self._text) > _FIELD_BYTES:
                raise bad_request(f"The field '{quote(self._name or '')}' is too long.")

    def _part_end(self) -> None:
        if self._name is not None and self._name != self._file_field:
            self._form.fields[self._name] = self._text.decode("utf-8", "replace")

    def _end(self) -> None:
        self.ended = True
