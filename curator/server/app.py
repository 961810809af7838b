"""The Starlette application: all routes, and every error as a JSON body of the API."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Mount, Router

from curator.log import log_failure
from curator.server.errors import ApiError, disk_full, quote
from curator.server.http.responses import answer
from curator.server.routes import chat as routes_chat
from curator.server.routes import completions as routes_completions
from curator.server.routes import files as routes_files
from curator.server.routes import jobs as routes_jobs
from curator.server.routes import models as routes_models
from curator.server.routes import responses_api as routes_responses
from curator.server.routes import studies as routes_studies
from curator.server.routes import uploads as routes_uploads
from curator.server.services import Services

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def build(services: Services) -> Starlette:
    """The application without the guard of `http.auth`.

    Its lifespan starts the queue and closes the database. Before that, the caller stops the queue and the
    generator.
    """

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        services.queue.start()
        services.studies.start()
        yield
        services.db.close()

    routes = [
        *routes_files.ROUTES,
        *routes_uploads.ROUTES,
        *routes_jobs.ROUTES,
        *routes_models.ROUTES,
        *routes_chat.ROUTES,
        *routes_completions.ROUTES,
        *routes_responses.ROUTES,
        *routes_studies.ROUTES,
    ]
    app = Starlette(
        routes=[Mount("/v1", app=Router(routes, redirect_slashes=False))],
        lifespan=lifespan,
        exception_handlers={
            ApiError: _answer_api_error,
            HTTPException: _answer_http_error,
            ClientDisconnect: _answer_disconnect,
            OSError: _answer_disk_error,
            sqlite3.Error: _answer_disk_error,
            Exception: _answer_unexpected,
        },
    )
    app.router.redirect_slashes = False
    app.state.services = services
    return app


async def _answer_api_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return answer(error)


async def _answer_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    where = f"{request.method} {quote(request.url.path)}"
    if error.status_code == 404:
        message = f"Invalid URL ({where}){_hint(request.url.path)}"
    elif error.status_code == 405:
        message = f"Not allowed to {request.method} on {quote(request.url.path)}."
    else:
        message = str(error.detail)
    return answer(ApiError(error.status_code, message, headers=dict(error.headers or {})))


_SERVED = ("/chat/", "/completions", "/responses", "/models", "/files", "/uploads", "/fine_tuning/", "/studies")
_LEFT_OUT = ("/embeddings", "/moderations", "/batches", "/images", "/audio", "/assistants", "/threads", "/evals")


def _hint(path: str) -> str:
    """What to do about a path that is not served: a base URL without /v1, or something that is left out."""
    if path.startswith(_SERVED):
        return f": did you mean /v1{quote(path)}? The base URL ends in /v1."
    if path.removeprefix("/v1").startswith(_LEFT_OUT):
        return ": this local server does not have it; docs/clients.md says what to use instead."
    return ""


async def _answer_disconnect(_: Request, __: Exception) -> Response:
    return answer(ApiError(499, "The client closed the request."))


async def _answer_disk_error(request: Request, error: Exception) -> Response:
    full = isinstance(error, OSError) and error.errno in _FULL
    if full or (isinstance(error, sqlite3.OperationalError) and "disk" in str(error)):
        log_failure()
        return answer(disk_full("The server's disk is full or cannot be written; nothing was changed."))
    return await _answer_unexpected(request, error)


async def _answer_unexpected(_: Request, __: Exception) -> Response:
    log_failure()
    message = "The server had an error while processing your request; its log has the details."
    return answer(ApiError(500, message, kind="server_error"))
