"""The operations of `/v1/files`."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from curator.server import ids
from curator.server.errors import bad_request
from curator.server.http import list_parameters as pages
from curator.server.http.bodies import Form, read_form
from curator.server.http.fields import Fields, wrong_value
from curator.server.http.responses import json, page
from curator.server.services import blocking, query, services
from curator.server.store.files import PURPOSE, USELESS_PURPOSES, StoredFile

KEEP_SHORTEST, KEEP_LONGEST = 3600, 2_592_000
"""Fewest and most seconds of `expires_after`, as at OpenAI (docs/openai.md §6.1)."""


async def create(request: Request) -> Response:
    """Receive a file."""
    own = services(request)
    limits = own.settings.limits
    scratch = own.settings.scratch / ids.tail(24)
    await blocking(own.files.require_space, _declared_bytes(request))
    try:
        form = await read_form(request, "file", scratch, limits.file_bytes, limits)
        file = await blocking(_adopt, request, form)
    finally:
        await blocking(scratch.unlink, missing_ok=True)
    return json(file.view())


def _declared_bytes(request: Request) -> int:
    length = request.headers.get("content-length", "")
    return int(length[:15]) if length.isascii() and length.isdigit() else 0  # unknown; checked as it arrives


def _adopt(request: Request, form: Form) -> StoredFile:
    purpose = form.fields.get("purpose")
    if purpose is None:
        raise bad_request("Missing required parameter: 'purpose'.", "purpose", "missing_required_parameter")
    require_purpose(purpose)
    if form.filename is None:
        raise bad_request("Missing required parameter: 'file'.", "file", "missing_required_parameter")
    own = services(request)
    own.files.expire()
    return own.files.adopt(form.scratch, form.filename, purpose, _keep_seconds(form.fields))


def require_purpose(purpose: str) -> None:
    """Raise ApiError 400 for a purpose that nothing here can use a file for."""
    if purpose in USELESS_PURPOSES:
        words = f"Files of purpose '{purpose}' are not supported by this local server, which has no use for them"
        words += "; it takes files of purpose 'fine-tune' (docs/clients.md)."
        raise bad_request(words, "purpose", "invalid_value")
    if purpose != PURPOSE:
        raise wrong_value("purpose", purpose, (PURPOSE,))


def _keep_seconds(fields: dict[str, str]) -> int | None:
    anchor, seconds = fields.get("expires_after[anchor]"), fields.get("expires_after[seconds]")
    if anchor is None and seconds is None:
        return None
    whole = seconds is not None and seconds.isascii() and seconds.isdigit()
    value = {"anchor": anchor, "seconds": int(seconds[:12]) if seconds is not None and whole else seconds}
    return keep_seconds(Fields({"expires_after": value}))


def keep_seconds(fields: Fields) -> int | None:
    """The field `expires_after`: seconds from a file's creation to its deletion; None: it is not deleted."""
    inner = fields.inner("expires_after")
    if inner is None:
        return None
    inner.choice("anchor", ("created_at",), required=True)
    return inner.integer("seconds", KEEP_SHORTEST, KEEP_LONGEST, required=True)


async def listing(request: Request) -> Response:
    """A page of files."""
    purpose, after = query(request, "purpose"), query(request, "after")
    limit, order = pages.limit(request, 10_000), pages.order(request, "desc")
    files, more = await blocking(services(request).files.page, purpose, after, limit, order)
    return page([file.view() for file in files], more)


async def retrieve(request: Request) -> Response:
    """The API's object of one file."""
    file = await blocking(services(request).files.get, request.path_params["file_id"])
    return json(file.view())


async def content(request: Request) -> Response:
    """One file's bytes."""
    own = services(request)
    file = await blocking(own.files.get, request.path_params["file_id"])
    headers = {"x-content-type-options": "nosniff", "content-disposition": f'attachment; filename="{file.id}"'}
    return FileResponse(own.files.path(file.id), media_type="application/octet-stream", headers=headers)


async def delete(request: Request) -> Response:
    """Delete a file; jobs that were created with it have links of their own to the bytes."""
    file_id = request.path_params["file_id"]
    await blocking(services(request).files.delete, file_id)
    return json({"id": file_id, "object": "file", "deleted": True})


ROUTES = [
    Route("/files", create, methods=["POST"]),
    Route("/files", listing, methods=["GET"]),
    Route("/files/{file_id}", retrieve, methods=["GET"]),
    Route("/files/{file_id}", delete, methods=["DELETE"]),
    Route("/files/{file_id}/content", content, methods=["GET"]),
]
