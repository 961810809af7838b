"""Uploading a dataset: in one request with progress, or in parts where the file is large."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import io
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curator.errors import ProviderError
from curator.jobs.http import faults
from curator.jobs.http import provider_records as records
from curator.jobs.http.client import Client

PARTS_ABOVE = 64 * 2**20
"""Files larger than this go in parts where the provider has the Uploads API (docs/openai.md §6.2)."""
PART = 8 * 2**20
MEDIA = "application/jsonl"
_JOINING_SECONDS = 600.0
"""Longest wait, in seconds, until the provider has joined the parts of a file."""


@dataclass(frozen=True)
class SubmissionProgress:
    """A report of a submission. `step`: probe, upload, wait, create, look or note; bytes for an upload only."""

    step: str
    text: str
    done: int = 0
    total: int = 0


ReportProgress = Callable[[SubmissionProgress], None]


class Pace:
    """Puts reports into words, with the speed of uploads. Use one for each submission and pass it every report."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began: tuple[str, float, int] | None = None

    def words(self, progress: SubmissionProgress) -> str:
        """E.g. `training file: 1.5 of 3.0 MB, 0.7 MB/s`; the text alone where `total` is 0."""
        if not progress.total:
            return progress.text
        if self._began is None or self._began[0] != progress.text:
            self._began = (progress.text, self._clock(), progress.done)
        _, began, first = self._began
        seconds, moved = self._clock() - began, progress.done - first
        unit, name = (1e6, "MB") if progress.total >= 1e6 else (1e3, "kB")
        whole = f"{progress.total / unit:,.1f} {name}"
        if progress.done >= progress.total:
            return f"{progress.text}: {whole} sent, waiting for the answer"
        rate = f", {moved / seconds / unit:,.1f} {name}/s" if seconds >= 0.5 else ""
        return f"{progress.text}: {progress.done / unit:,.1f} of {whole}{rate}"


def no_report(_: SubmissionProgress) -> None:
    """Ignores reports."""


async def upload(
    client: Client, path: Path, name: str, report: ReportProgress, label: str = ""
) -> records.ProviderFile:
    """Upload `path` under the file name `name`, once; reports call it `label`.

    Raises Unreachable, Unclear or Refused.
    """
    size = path.stat().st_size
    doing = f"upload {name}"

    def tell(done: int) -> None:
        report(SubmissionProgress("upload", label or name, done, size))

    if size > PARTS_ABOVE and client.provider.kind in ("openai", "local"):
        return await _in_parts(client, path, name, size, tell)
    with _MeteredFile(path, tell) as body:
        request = client.sdk.files.create(file=(name, body, MEDIA), purpose="fine-tune")
        answer = await client.call(doing, request, _time_limit(size))
    return _check(client, doing, answer, size)


def _time_limit(size: int) -> float:
    """Longest time, in seconds, for sending `size` bytes, at 50 kB/s at least."""
    return 60 + size / 50_000


class _MeteredFile(io.FileIO):
    """A file that reports how many bytes were read. The HTTP client reads it once, in small blocks."""

    def __init__(self, path: Path, tell: Callable[[int], None]) -> None:
        super().__init__(path, "rb")
        self._tell = tell
        self._done = 0

    def read(self, size: int | None = -1, /) -> Any:
        block = super().read(-1 if size is None else size)
        self._done += len(block or b"")
        self._tell(self._done)
        return block


async def _in_parts(
    client: Client, path: Path, name: str, size: int, tell: Callable[[int], None]
) -> records.ProviderFile:
    """Upload a large file by the Uploads API, and cancel the upload where that fails."""
    uploads = client.sdk.uploads
    doing = f"upload {name}"
    started = await client.call(
        doing, uploads.create(bytes=size, filename=name, mime_type="text/jsonl", purpose="fine-tune")
    )
    upload_id = records.text(getattr(started, "id", None))
    if upload_id is None:
        raise faults.bad_answer(client.provider.name, doing, "an upload without id")
    digest = hashlib.md5(usedforsecurity=False)
    ids: list[str] = []
    try:
        with path.open("rb") as file:
            while block := await asyncio.to_thread(file.read, PART):
                digest.update(block)
                ids.append(await _part(client, upload_id, block, doing))
                tell(file.tell())
    except (ProviderError, asyncio.CancelledError):
        await _give_up(client, upload_id)
        raise
    done = uploads.complete(upload_id, part_ids=ids, md5=digest.hexdigest())
    answer = await client.call(doing, done, _JOINING_SECONDS)
    return _check(client, doing, getattr(answer, "file", None), size)


async def _part(client: Client, upload_id: str, block: bytes, doing: str) -> str:
    """Send one part and return its id."""

    # A part is used only if `complete` names it, so sending one again is harmless.
    def send() -> Awaitable[Any]:
        return client.sdk.uploads.parts.create(upload_id, data=block)

    part = await client.read(doing, send, _time_limit(len(block)))
    part_id = records.text(getattr(part, "id", None))
    if part_id is None:
        raise faults.bad_answer(client.provider.name, doing, "a part without id")
    return part_id


async def _give_up(client: Client, upload_id: str) -> None:
    with contextlib.suppress(ProviderError):  # the upload expires by itself within the hour
        await client.call("cancel the upload", client.sdk.uploads.cancel(upload_id), 10)


def _check(client: Client, doing: str, answer: Any, size: int) -> records.ProviderFile:
    """The file record in an answer. Raises Unclear where it is unusable or has another size."""
    try:
        file = records.file(answer)
    except records.BadRecord as error:
        raise faults.bad_answer(client.provider.name, doing, str(error)) from None
    if file.size is not None and file.size != size:
        raise faults.bad_answer(client.provider.name, doing, f"{file.size} of {size} bytes arrived")
    return file
