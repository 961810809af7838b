"""Asking a model: one answer at once, or streamed in pieces.

A model that was tuned or deployed just now is waited for, see `new_models`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, cast

from curator.jobs.http import faults
from curator.jobs.http.client import Client
from curator.jobs.runs.new_models import ask_new_model

if TYPE_CHECKING:
    import httpx2

TEMPERATURE = 0
"""Temperature of Compare and `curator chat`: the likeliest answer, the same each time."""
LONGEST_ANSWER = 200
"""Most tokens of an answer in Compare and `curator chat`."""


async def chat(
    client: Client, model: str, messages: list[dict[str, Any]], *, total: float | None = None, **options: Any
) -> Any:
    """One answer, a `ChatCompletion` with at least one choice; repeated as reading is, since it changes nothing.

    It may take `total` seconds; one that takes longer is not repeated. Raises Unreachable, Unclear or Refused.
    """
    doing = f"answer with {model}"
    create = cast(Any, client.sdk.chat.completions.create)
    timeout = _timeout(client)
    answer = await ask_new_model(
        client,
        model,
        lambda: client.read(
            doing,
            lambda: create(model=model, messages=messages, timeout=timeout, **options),
            total,
            repeat_slow=total is None,
        ),
    )
    if not getattr(answer, "choices", None):
        raise faults.bad_answer(client.provider.name, doing, "no choices")
    return answer


async def chat_stream(
    client: Client, model: str, messages: list[dict[str, Any]], **options: Any
) -> AsyncIterator[Any]:
    """The chunks of one answer as they arrive. Raises ProviderError, also where the answer is no event stream."""
    import openai  # heavy

    doing = f"answer with {model}"
    create = cast(Any, client.sdk.chat.completions.create)
    request = {"model": model, "messages": messages, "stream": True, "timeout": _timeout(client), **options}
    stream = await ask_new_model(client, model, lambda: client.call(doing, create(**request)))
    empty = True
    try:
        async with stream:  # whoever stops listening ends the answer
            async for chunk in stream:
                empty = False
                yield chunk
    except (openai.OpenAIError, OSError, ValueError) as error:
        raise faults.translate(error, client.provider.name, doing) from error
    if empty:
        raise faults.bad_answer(client.provider.name, doing, "no event stream")


def _timeout(client: Client) -> httpx2.Timeout:
    """Ten minutes between two bytes, as reasoning models pause long; to connect as short as for other calls."""
    import httpx2  # heavy

    return httpx2.Timeout(600.0, connect=client.limits.connect)
