"""The operations of `/v1/uploads`: files that come in parts."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from curator.server import ids
from curator.server.errors import bad_request
from curator.server.http.bodies import read_form, read_json
from curator.server.http.fields import wrong_type
from curator.server.http.responses import json
from curator.server.routes.files import keep_seconds, require_purpose
from curator.server.services import blocking, services

_PARTS = 10_000


async def create(request: Request) -> Response:
    """Open an upload."""
    own = services(request)
    body = await read_json(request, own.settings.limits)
    body.only("filename", "purpose", "bytes", "mime_type", "expires_after")
    filename = body.must_text("filename", shortest=1, longest=255)
    purpose = body.must_text("purpose", longest=255)
    require_purpose(purpose)
    size = body.integer("bytes", 1, own.settings.limits.upload_bytes, required=True) or 0
    mime_type = body.must_text("mime_type", longest=255)
    upload = await blocking(own.uploads.create, filename, purpose, size, mime_type, keep_seconds(body))
    return json(upload.view())


async def add_part(request: Request) -> Response:
    """Receive one part; several may be sent at the same time."""
    own = services(request)
    limits, upload_id = own.settings.limits, request.path_params["upload_id"]
    await blocking(own.uploads.pending, upload_id)
    await blocking(own.files.require_space, limits.part_bytes)
    scratch = own.settings.scratch / ids.tail(24)
    try:
        form = await read_form(request, "data", scratch, limits.part_bytes, limits)
        if form.filename is None:
            raise bad_request("Missing required parameter: 'data'.", "data", "missing_required_parameter")
        part = await blocking(own.uploads.add_part, upload_id, scratch)
    finally:
        await blocking(scratch.unlink, missing_ok=True)
    return json(part)


async def complete(request: Request) -> Response:
    """Join the parts into a file."""
    own = services(request)
    body = await read_json(request, own.settings.limits)
    body.only("part_ids", "md5")
    part_ids = body.array("part_ids", required=True, shortest=1, longest=_PARTS) or []
    for index, part_id in enumerate(part_ids):
        if not isinstance(part_id, str):
            raise wrong_type(f"part_ids[{index}]", "a string", part_id)
    md5 = body.text("md5", longest=64)
    upload, file = await blocking(own.uploads.complete, request.path_params["upload_id"], part_ids, md5)
    return json(upload.view(file))


async def cancel(request: Request) -> Response:
    """Cancel an upload."""
    upload = await blocking(services(request).uploads.cancel, request.path_params["upload_id"])
    return json(upload.view())


ROUTES = [
    Route("/uploads", create, methods=["POST"]),
    Route("/uploads/{upload_id}/parts", add_part, methods=["POST"]),
    Route("/uploads/{upload_id}/complete", complete, methods=["POST"]),
    Route("/uploads/{upload_id}/cancel", cancel, methods=["POST"]),
]
