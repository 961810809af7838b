"""The operations of `/v1/models`."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from curator.server.errors import ApiError, quote
from curator.server.http.responses import json
from curator.server.services import blocking, services


async def listing(request: Request) -> Response:
    """All models: base models, tuned models and checkpoints; then the aliases."""
    catalog = services(request).catalog
    models, aliases = await blocking(catalog.all_models), await blocking(catalog.aliases)
    views = [*(model.view() for model in models), *(model.view(name) for name, model in aliases.items())]
    return json({"object": "list", "data": views})


async def retrieve(request: Request) -> Response:
    """One model, under the name that was asked for."""
    name = request.path_params["model"]
    return json((await blocking(services(request).catalog.get, name)).view(name))


async def delete(request: Request) -> Response:
    """Delete a tuned model or a checkpoint. A base model is refused: `curator models remove` deletes it."""
    own, name = services(request), request.path_params["model"]
    model = await blocking(own.catalog.get, name)
    if model.name != name:
        raise ApiError(403, f"'{quote(name)}' is an alias of '{model.name}'.", code="alias")
    if model.adapter is None:
        message = f"The model '{name}' is a base model: remove it with curator models remove."
        raise ApiError(403, message, code="base_model")
    await blocking(own.catalog.delete, model)
    return json({"id": name, "object": "model", "deleted": True})


ROUTES = [
    Route("/models", listing, methods=["GET"]),
    Route("/models/{model:path}", retrieve, methods=["GET"]),
    Route("/models/{model:path}", delete, methods=["DELETE"]),
]
