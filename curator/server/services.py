"""The objects that routes use (stores, queue, generator), made once at start."""

from __future__ import annotations

import asyncio
import functools
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar, cast

from starlette.requests import Request

from curator.server.queue.generator_client import GeneratorClient
from curator.server.queue.queue import Queue
from curator.server.queue.studies import Studies
from curator.server.settings import ServerSettings
from curator.server.store.catalog import Catalog
from curator.server.store.completions import CompletionStore
from curator.server.store.database import Database
from curator.server.store.files import FileStore
from curator.server.store.jobs import JobStore
from curator.server.store.uploads import UploadStore

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Services:
    """The stores, the queue, the studies and the generation process of one server."""

    settings: ServerSettings
    db: Database
    files: FileStore
    uploads: UploadStore
    jobs: JobStore
    catalog: Catalog
    completions: CompletionStore
    queue: Queue
    studies: Studies
    generator: GeneratorClient


def build(settings: ServerSettings) -> Services:
    """Open the data folder, made with mode 0700 if it is missing, and remove what a crash left unfinished."""
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    settings.data.chmod(0o700)
    shutil.rmtree(settings.scratch, ignore_errors=True)
    for folder in (settings.files, settings.jobs, settings.studies, settings.scratch, settings.data / "parts"):
        folder.mkdir(exist_ok=True, mode=0o700)
    db = Database(settings.data / "server.db")
    files = FileStore(db, settings)
    uploads = UploadStore(db, settings, files)
    jobs = JobStore(db, settings.limits)
    catalog = Catalog(db, settings)
    queue = Queue(jobs, files, catalog, settings)
    for store in (files, uploads, queue):
        store.sweep()
    completions = CompletionStore(db, settings.limits)
    return Services(
        settings=settings,
        db=db,
        files=files,
        uploads=uploads,
        jobs=jobs,
        catalog=catalog,
        completions=completions,
        queue=queue,
        studies=Studies(settings),
        generator=GeneratorClient(settings),
    )


def services(request: Request) -> Services:
    """The services of the app that serves this request."""
    return cast(Services, request.app.state.services)


async def blocking(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking call in a thread, so that the event loop goes on."""
    return await asyncio.to_thread(functools.partial(call, *args, **kwargs))


def query(request: Request, name: str) -> str | None:
    """A query parameter; an empty one counts as absent."""
    value: Any = request.query_params.get(name)
    return value or None
