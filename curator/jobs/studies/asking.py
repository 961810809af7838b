"""Asking the local server for a study, and waiting for its result.

The server names a study by what is asked. So asking again finds the result, or goes on with a study that was
broken off, whoever asks. A caller that is cancelled cancels the study.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curator import paths
from curator.basemodels.shelf import is_installed
from curator.core.text import count_of
from curator.errors import CuratorError, InputError, ProviderError
from curator.jobs.http import faults
from curator.jobs.http.client import Client
from curator.jobs.http.upload import no_report, upload
from curator.jobs.planning.training_data import freeze
from curator.jobs.providers import LOCAL_MODEL, Provider

POLL_SECONDS = 0.3
_ENDS = ("failed", "cancelled", "interrupted")


@dataclass(frozen=True)
class StudyState:
    """How far a study is; `share` is from 0 to 1, `seconds_left` None where it is not known yet."""

    status: str
    doing: str
    share: float
    seconds_left: float | None

    @property
    def words(self) -> str:
        """E.g. `training 2 of 3: 41 %, about 3 min left`."""
        doing = self.doing or self.status
        if self.seconds_left is None:
            return f"{doing}: {self.share:.0%}"
        minutes = self.seconds_left / 60
        time_left = f"{minutes:.0f} min" if minutes >= 1.5 else f"{max(1, round(self.seconds_left))} s"
        return f"{doing}: {self.share:.0%}, about {time_left} left"


Report = Callable[[StudyState], None]


def require_model(name: str) -> None:
    """Raise InputError where a base model is not on this machine."""
    if not is_installed(name):
        pull = f": curator models pull {name}" if name == LOCAL_MODEL else f" in {paths.models_dir()}"
        raise InputError(f"a study trains {name} on this machine, and it is not there yet{pull}")


def require_local(provider: Provider) -> None:
    """Raise InputError for a provider that has no studies."""
    if provider.kind != "local":
        raise InputError(
            f"{provider.name} tells no log probabilities of given texts and keeps no checkpoints here, "
            "which studies need: leave out --provider, and the local model is the rehearsal"
        )


async def ask_study(
    client: Client, raws: Sequence[bytes], body: dict[str, Any], report: Report, notices: Sequence[str] = ()
) -> dict[str, Any]:
    """The result of a study of these examples, which trials name by their places from 0.

    `body` as in docs/server.md. `report` first gets what the study will do, with the `notices`; what it raises
    stops all before `client` is asked. Raises CuratorError where it failed or was cancelled, ProviderError.
    """
    report(StudyState("planned", ". ".join(each.rstrip(".") for each in (_plan_words(body), *notices)), 0.0, None))
    doing = "create the study"
    with tempfile.TemporaryDirectory() as folder:
        frozen = freeze(raws, Path(folder))
        file = await upload(client, frozen.path, "study.jsonl", no_report)
    try:
        created = await client.call(
            doing, client.sdk.post("/studies", cast_to=object, body=body | {"file": file.id})
        )
    finally:
        with contextlib.suppress(ProviderError):
            await client.delete_file(file.id)  # the study has a link to it
    return await _follow(client, _object(client, doing, created), report)


def _plan_words(body: dict[str, Any]) -> str:
    """What a study will train and ask."""
    trials = body.get("trials")
    if not trials:
        return "follow answers back through the training"
    sizes = sorted({len(each["train"]) for each in trials})
    size = f"{sizes[0]:,}" if len(sizes) == 1 else f"{sizes[0]:,} to {sizes[-1]:,}"
    answers = sum(len(each.get("answer") or ()) for each in trials)
    return (
        f"train {body.get('model')} {len(trials):,} times on {size} "
        f"examples each, and ask {count_of(answers, 'question')}"
    )


async def _follow(client: Client, study: dict[str, Any], report: Report) -> dict[str, Any]:
    study_id = str(study["id"])
    try:
        while study.get("status") != "succeeded":
            report(_state(study))
            if study.get("status") in _ENDS:
                raise CuratorError(_why_ended(study))
            await asyncio.sleep(POLL_SECONDS)
            study = await _get(client, f"/studies/{study_id}")
        return await _get(client, f"/studies/{study_id}/result")
    except asyncio.CancelledError:
        with contextlib.suppress(ProviderError):
            cancel = client.sdk.post(f"/studies/{study_id}/cancel", cast_to=object)
            await client.call("cancel the study", cancel, 10)
        raise


async def _get(client: Client, path: str) -> dict[str, Any]:
    doing = "ask for the study"
    return _object(client, doing, await client.read(doing, lambda: client.sdk.get(path, cast_to=object)))


def _object(client: Client, doing: str, answer: object) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise faults.bad_answer(client.provider.name, doing, "no object")
    return answer


def _state(study: dict[str, Any]) -> StudyState:
    progress = study.get("progress") or {}
    done, total = float(progress.get("done") or 0), float(progress.get("total") or 0)
    seconds_left = study.get("seconds_left")
    share = min(1.0, done / total) if total else 0.0
    return StudyState(str(study.get("status")), str(progress.get("doing") or ""), share, seconds_left)


def _why_ended(study: dict[str, Any]) -> str:
    error = study.get("error") or {}
    if study.get("status") == "failed":
        return f"The study failed: {error.get('message') or 'it said nothing'}"
    return f"The study was {study.get('status')}; ask again, and it goes on where it stopped."
