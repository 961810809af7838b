"""Asking whether a provider would accept a job, before anything is uploaded or paid."""

from __future__ import annotations

from curator.jobs.http import faults
from curator.jobs.http.client import Client

_NO_FILE = "file-curator-access-probe"
_NO_MODEL = "not available for fine-tuning"
_REFUSALS = frozenset({401, 403, 429})


async def probe(client: Client, model: str) -> None:
    """Raise Refused or Unreachable where the provider would accept no job of this model.

    Listing jobs tests address and key. OpenAI refuses organisations that may no longer train only when a job is
    created (docs/openai.md §1). So there a job is requested whose training file does not exist: it is refused in
    any case, and the error tells why. While the newest job is running this is not needed.
    """
    jobs = await client.jobs(limit=1)
    if client.provider.kind != "openai" or (jobs and not jobs[0].finished):
        return
    try:
        job = await client.create_job(
            {"model": model, "training_file": _NO_FILE, "metadata": {"curator_probe": "access"}},
            "start a fine-tuning job",
        )
    except faults.Refused as refusal:
        if refusal.status in _REFUSALS and (refusal.permanent or refusal.status == 403):
            raise
        if refusal.code in faults.STOP_CODES or _NO_MODEL in refusal.message:
            raise
    except faults.Unclear:
        return
    else:
        # A server that accepts a file which does not exist is not OpenAI: cancel the job there.
        await client.act(job.id, "cancel")
