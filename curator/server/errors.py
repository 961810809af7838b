"""Errors of the API: the body `{"error": {"message", "type", "param", "code"}}` and its usual sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ApiError(Exception):
    """An answer with another status than 200, in OpenAI's shape (docs/openai.md §6.8)."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.param = param
        self.code = code
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        """The JSON body."""
        return {"error": {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}}


def bad_request(message: str, param: str | None = None, code: str | None = None) -> ApiError:
    """400 with the type `invalid_request_error`."""
    return ApiError(400, message, param=param, code=code)


def no_such_file(file_id: str) -> ApiError:
    """404: there is no file with this id."""
    return ApiError(404, f"No such File object: {quote(file_id)}", param="id")


def no_such_upload(upload_id: str) -> ApiError:
    """404: there is no upload with this id."""
    return ApiError(404, f"No such Upload object: {quote(upload_id)}", param="id")


def no_such_job(job_id: str) -> ApiError:
    """404: there is no fine-tuning job with this id."""
    message = f"Could not find fine tune: {quote(job_id)}"
    return ApiError(404, message, param="fine_tune_id", code="fine_tune_not_found")


def no_such_model(name: str) -> ApiError:
    """404: there is no model of this name."""
    message = f"The model `{quote(name)}` does not exist or you do not have access to it."
    return ApiError(404, message, code="model_not_found")


def overloaded(message: str) -> ApiError:
    """429: too much is waiting already; the client may try again after 10 seconds."""
    return ApiError(429, message, kind="requests", code="rate_limit_exceeded", headers={"retry-after": "10"})


def disk_full(message: str) -> ApiError:
    """507: the disk of the server's machine is full or cannot be written."""
    return ApiError(507, message, kind="server_error", code="insufficient_storage")


def quote(text: str) -> str:
    """A client's text, cut to 120 characters, to be repeated in an answer."""
    return text if len(text) <= 120 else text[:119] + "…"
