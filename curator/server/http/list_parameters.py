"""The query parameters of list operations. A wrong one raises ApiError 400."""

from __future__ import annotations

from typing import cast

from starlette.requests import Request

from curator.server.errors import bad_request, quote
from curator.server.http.fields import wrong_value
from curator.server.store.files import Order

_HIGHEST = 10_000


def limit(request: Request, default: int) -> int:
    """The parameter `limit`, 1 to 10,000."""
    text = request.query_params.get("limit")
    if not text:
        return default
    if not (text.isascii() and text.removeprefix("-").isdigit()):
        message = f"Invalid type for 'limit': expected an integer, but got '{quote(text)}' instead."
        raise bad_request(message, "limit", "invalid_type")
    value = int(text[:12])
    if not 1 <= value <= _HIGHEST:
        message = f"Invalid 'limit': expected an integer between 1 and {_HIGHEST}, but got {value} instead."
        raise bad_request(message, "limit", "integer_above_max_value" if value > 1 else "integer_below_min_value")
    return value


def order(request: Request, default: Order) -> Order:
    """The parameter `order`, "asc" or "desc"."""
    text = request.query_params.get("order") or default
    if text not in ("asc", "desc"):
        raise wrong_value("order", text, ("asc", "desc"))
    return cast(Order, text)


def metadata(request: Request) -> dict[str, str] | None:
    """The pairs of all parameters `metadata[KEY]=VALUE`; an empty dict for `metadata=null` (only items without
    metadata); None if there is no such parameter."""
    pairs = {
        name[len("metadata[") : -1]: value
        for name, value in request.query_params.multi_items()
        if name.startswith("metadata[") and name.endswith("]")
    }
    if pairs:
        return pairs
    return {} if request.query_params.get("metadata") == "null" else None
