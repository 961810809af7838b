"""JSON responses: values, pages of lists, and errors."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.responses import Response

from curator.server.errors import ApiError

_HEADERS = {"x-content-type-options": "nosniff", "cache-control": "no-store"}


def json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A value as a JSON response."""
    return Response(orjson.dumps(value), status, headers=_HEADERS | (headers or {}), media_type="application/json")


def answer(error: ApiError) -> Response:
    """An error as a JSON response."""
    return json(error.body(), error.status, error.headers)


def page(data: list[dict[str, Any]], more: bool) -> Response:
    """One page of a list; `more`: there are more items after it."""
    first, last = (data[0]["id"], data[-1]["id"]) if data else ("", "")
    return json({"object": "list", "data": data, "first_id": first, "last_id": last, "has_more": more})
