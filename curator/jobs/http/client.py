"""The client through which every request to a provider goes: a thin wrapper over the asynchronous openai client.

Every call has connect, read and total timeouts and a limit on the size of the answer. Redirects are not followed,
so a key is sent to its own origin only. Requests that create something are never repeated; reading may be.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeVar

from curator.errors import ProviderError
from curator.jobs.http import faults, guards
from curator.jobs.http import provider_records as records
from curator.jobs.http.pace import AskingPace
from curator.jobs.providers import Provider
from curator.loopback import is_loopback

if TYPE_CHECKING:
    import openai

T = TypeVar("T")

MAX_PAGES = 1000
_NOTICED = 2.0
"""Seconds; longer pauses are reported to `Client.waiting`."""


@dataclass(frozen=True)
class RequestLimits:
    """Timeouts in seconds: to connect, between two bytes (`read`), for a whole call (`total`).

    Reading is tried again `retries` times, after pauses that double from `backoff` seconds up to `max_wait`.
    """

    connect: float = 10.0
    read: float = 60.0
    total: float = 90.0
    retries: int = 2
    backoff: float = 0.5
    max_wait: float = 60.0


class Client:
    """An open connection to one provider. Use `connect`; close it, or use it as a context manager."""

    def __init__(self, provider: Provider, sdk: openai.AsyncOpenAI, limits: RequestLimits) -> None:
        self.provider = provider
        self.sdk = sdk
        self.limits = limits
        self.waiting: Callable[[ProviderError, float], None] = lambda fault, seconds: None
        """Called with the fault and the seconds before a pause that a user may notice."""
        self.new_model_lock = asyncio.Lock()
        """Held by the call that waits for a new model; others wait for its outcome, see `runs.new_models`."""
        self.pace = AskingPace(provider.kind, limits.total)
        """How many questions are asked at a time."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self.sdk.close()

    async def call(self, doing: str, request: Awaitable[T], total: float | None = None) -> T:
        """Await a request once; `doing` names it in errors ("create the job"). Raises errors of `faults`."""
        import openai  # heavy

        try:
            async with asyncio.timeout(total or self.limits.total):
                return await request
        except (openai.OpenAIError, OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
            raise faults.translate(error, self.provider.name, doing) from error

    async def read(
        self,
        doing: str,
        request: Callable[[], Awaitable[T]],
        total: float | None = None,
        *,
        repeat_slow: bool = True,
    ) -> T:
        """Make a request that changes nothing; repeat it after a pause where that can help. Raises as `call`.

        Without `repeat_slow` a request that was not answered in time is left to the caller.
        """
        attempt = 0
        while True:
            try:
                return await self.call(doing, request(), total)
            except ProviderError as fault:
                wait = pause(fault, attempt, self.limits)
                is_left = isinstance(fault, faults.TooSlow) and not repeat_slow
                if attempt >= self.limits.retries or wait is None or is_left:
                    raise
                if wait > _NOTICED:
                    self.waiting(fault, wait)
            attempt += 1
            await asyncio.sleep(wait)

    # -- jobs -------------------------------------------------------------------------------------

    async def create_job(self, body: dict[str, Any], doing: str = "create the job") -> records.ProviderJob:
        """Create a job: one request, never repeated. `body` as in docs/openai.md §6.3."""
        answer = await self.call(doing, self.sdk.fine_tuning.jobs.create(**body))
        return self._parse(doing, records.job, answer)

    async def job(self, job_id: str) -> records.ProviderJob:
        """One job as it is now."""
        doing = f"show job {job_id}"
        answer = await self.read(doing, lambda: self.sdk.fine_tuning.jobs.retrieve(job_id))
        return self._parse(doing, records.job, answer)

    async def jobs(self, limit: int = 100, metadata: dict[str, str] | None = None) -> list[records.ProviderJob]:
        """The newest `limit` jobs. `metadata` filters them, but some providers ignore it and list all."""
        query = {f"metadata[{name}]": value for name, value in (metadata or {}).items()}
        return await self._pages(
            "list jobs",
            records.job,
            limit,
            lambda after: self.sdk.fine_tuning.jobs.list(
                limit=min(limit, 100), extra_query={**query, **({"after": after} if after else {})}
            ),
        )

    async def act(self, job_id: str, action: str) -> records.ProviderJob:
        """`cancel`, `pause` or `resume` a job; returns it."""
        doing = f"{action} job {job_id}"
        answer = await self.call(doing, getattr(self.sdk.fine_tuning.jobs, action)(job_id))
        return self._parse(doing, records.job, answer)

    async def events(
        self, job_id: str, is_stored: Callable[[str], bool] = lambda _: False, limit: int = 100_000
    ) -> list[records.Event]:
        """A job's events that are not stored yet, oldest first, without repeats.

        Pages are read from the newest event back, until all events of a page are stored (`is_stored`).
        """
        events = await self._pages(
            f"list events of job {job_id}",
            records.event,
            limit,
            lambda after: self.sdk.fine_tuning.jobs.list_events(
                job_id, limit=100, extra_query={"after": after} if after else None
            ),
            done=lambda page: all(is_stored(event.id) for event in page),
        )
        unique = {event.id: event for event in reversed(events) if not is_stored(event.id)}
        return sorted(unique.values(), key=lambda event: event.created_at)

    async def checkpoints(self, job_id: str) -> list[records.Checkpoint]:
        """A job's checkpoints, in the order of their steps."""
        checkpoints = await self._pages(
            f"list checkpoints of job {job_id}",
            records.checkpoint,
            1000,
            lambda after: self.sdk.fine_tuning.jobs.checkpoints.list(
                job_id, limit=100, extra_query={"after": after} if after else None
            ),
        )
        return sorted(checkpoints, key=lambda item: item.step or 0)

    # -- files and models ---------------------------------------------------------------------------

    async def files(self) -> list[records.ProviderFile]:
        """The newest training files."""
        return await self._pages(
            "list files",
            records.file,
            10_000,
            lambda after: self.sdk.files.list(
                purpose="fine-tune", extra_query={"after": after} if after else None
            ),
        )

    async def file(self, file_id: str) -> records.ProviderFile:
        """One file's record."""
        doing = f"show file {file_id}"
        return self._parse(doing, records.file, await self.read(doing, lambda: self.sdk.files.retrieve(file_id)))

    async def delete_file(self, file_id: str) -> None:
        """Delete an uploaded file."""
        await self.call(f"delete file {file_id}", self.sdk.files.delete(file_id))

    async def delete_model(self, model: str) -> None:
        """Delete a tuned model."""
        await self.call(f"delete model {model}", self.sdk.models.delete(model))

    async def content(self, file_id: str) -> bytes:
        """A file's bytes. OpenAI sends result files as base64 (docs/openai.md §6.6): that is undone."""
        doing = f"fetch file {file_id}"

        async def fetch() -> bytes:
            return (await self.sdk.files.content(file_id)).content

        return _decode(await self.read(doing, fetch))

    async def models(self) -> list[records.ProviderModel]:
        """The models that the provider lists."""
        doing = "list models"

        async def fetch() -> Any:
            return await self.sdk.models.list()

        page = await self.read(doing, fetch)
        return [self._parse(doing, records.model, item) for item in _data(page, self.provider.name, doing)]

    # -- inside -----------------------------------------------------------------------------------------

    def _parse(self, doing: str, parse: Callable[[Any], T], answer: Any) -> T:
        try:
            return parse(answer)
        except records.BadRecord as error:
            raise faults.bad_answer(self.provider.name, doing, str(error)) from None

    async def _pages(
        self,
        doing: str,
        parse: Callable[[Any], T],
        limit: int,
        request: Callable[[str | None], Any],
        done: Callable[[list[T]], bool] = lambda _: False,
    ) -> list[T]:
        """All items of a paged list, at most `limit`; `done` of a page's items ends it early.

        The cursor `after` is the id of the last item of a page; the list ends where `has_more` is not true.
        """
        collected: list[T] = []
        after: str | None = None
        cursors: set[str] = set()
        for _ in range(MAX_PAGES):
            cursor = after

            async def fetch(cursor: str | None = cursor) -> Any:
                return await request(cursor)

            page = await self.read(doing, fetch)
            items = [self._parse(doing, parse, item) for item in _data(page, self.provider.name, doing)]
            collected += items
            after = getattr(items[-1], "id", None) if items else None
            more = getattr(page, "has_more", False) is True
            if not more or len(collected) >= limit or after is None or after in cursors or done(items):
                break
            cursors.add(after)
        return collected[:limit]


def pause(fault: ProviderError, attempt: int, limits: RequestLimits) -> float | None:
    """Seconds to wait before reading again; None where that cannot help.

    Doubles from `backoff` with each attempt, with jitter, and is at least what Retry-After says. None too where
    the provider asks for more than `max_wait`: then the caller decides.
    """
    if faults.is_hopeless(fault):
        return None
    wait = min(limits.backoff * 2 ** min(attempt, 16), limits.max_wait) * (0.75 + random.random() / 2)
    wait = max(wait, faults.requested_wait(fault))
    return wait if wait <= limits.max_wait * 1.25 else None


def open_client(
    provider: Provider,
    base_url: str,
    credential: str | Callable[[], Awaitable[str]],
    limits: RequestLimits | None = None,
) -> Client:
    """A client for an address and an API key, or a function that gives tokens. The SDK itself never retries."""
    import ssl  # heavy

    import httpx2  # heavy
    import openai

    for name in ("openai", "httpx2", "httpcore2"):
        logging.getLogger(name).setLevel(logging.WARNING)  # DEBUG would print headers, and in them the key
    limits = limits or RequestLimits()
    url = httpx2.URL(base_url)
    loopback = is_loopback(url.host)
    http = openai.DefaultAsyncHttpx2Client(
        follow_redirects=False,
        headers={"accept-encoding": "identity"},
        trust_env=not loopback,  # a proxy cannot reach this machine's loopback
        # Reading the certificates of all authorities takes 30 ms; where TLS is never spoken, none is trusted.
        verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if loopback and url.scheme == "http" else True,
        timeout=httpx2.Timeout(limits.read, connect=limits.connect),
        event_hooks={"response": [guards.cap_answer], "request": [guards.same_origin(base_url)]},
    )
    sdk: openai.AsyncOpenAI
    if provider.classic:
        secret: Any = {"azure_ad_token_provider": credential} if callable(credential) else {"api_key": credential}
        sdk = openai.AsyncAzureOpenAI(
            azure_endpoint=base_url,
            api_version=provider.config.api_version,
            max_retries=0,
            http_client=http,
            **secret,
        )
    else:
        sdk = openai.AsyncOpenAI(base_url=base_url, api_key=credential, max_retries=0, http_client=http)
    # The SDK would send those of the environment, which belong to OpenAI, to every address.
    sdk.organization, sdk.project = provider.config.organization, provider.config.project
    return Client(provider, sdk, limits)


def _data(page: Any, provider: str, doing: str) -> list[Any]:
    data = getattr(page, "data", None)
    if not isinstance(data, list):
        raise faults.bad_answer(provider, doing, "no list")
    return data


def _decode(body: bytes) -> bytes:
    """A file's bytes. A result file that was sent as base64 is decoded; its plain text begins with `step,`."""
    if body.startswith(b"step,"):
        return body
    try:
        plain = base64.b64decode(body, validate=True)
    except ValueError:
        return body
    return plain if plain.startswith(b"step,") else body
