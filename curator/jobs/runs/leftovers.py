"""What a run leaves at the provider, and deleting it: files, the tuned model, deployments that cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from curator.jobs import providers
from curator.jobs.connections.connect import connect
from curator.jobs.http.faults import Refused
from curator.jobs.ledger.ledger import Deployment, Ledger, Run
from curator.jobs.runs import azure_deployments as azure


@dataclass(frozen=True)
class Leftover:
    """One object at the provider. `consequence` says in a sentence what its deletion means."""

    kind: Literal["deployment", "orphan", "file", "model"]
    name: str
    words: str
    consequence: str


def list_leftovers(run: Run, ledger: Ledger) -> list[Leftover]:
    """The objects of a run that can be deleted, in the order in which a provider allows it."""
    items = [
        Leftover("deployment", item.name, "deployment", "Its fee ends; nobody can ask it any more.")
        for item in deployments_of(run, ledger)
    ]
    unused = [file_id for _, file_id, _ in ledger.orphans(run.run)]
    items += [
        Leftover("orphan", name, "file that no job uses", "It is gone there; your data stays here.")
        for name in unused
    ]
    if run.closed:
        items += _list_after_end(run, unused)
    return [item for item in items if ledger.step(run.run, _deletion_step(item)) is None]


def _list_after_end(run: Run, unused: Sequence[str]) -> list[Leftover]:
    """The files and the model of a run whose job has ended."""
    files = [("training file", run.training_file), ("validation file", run.validation_file)]
    files += [("result file", name) for name in run.result_files]
    items = [
        Leftover("file", name, words, "The copy there is gone; data and curves stay here.")
        for words, name in files
        if name and name not in unused
    ]
    if run.fine_tuned_model:
        words = "Nobody can use it any more, for good; its curves and answers stay here."
        items.append(Leftover("model", run.fine_tuned_model, "tuned model", words))
    return items


def deployments_of(run: Run, ledger: Ledger) -> list[Deployment]:
    """The deployments of a run's tuned model and its checkpoints."""
    names = {run.fine_tuned_model, *(point.model for point in ledger.checkpoints(run.run))} - {None}
    return [item for item in ledger.deployments() if item.origin == run.origin and item.model in names]


async def remove(items: Sequence[Leftover], run: Run, ledger: Ledger) -> None:
    """Delete objects at the provider, one after another, and record it in the ledger. They may be gone already.

    Raises CuratorError at the first that cannot be deleted; the ones before it are deleted.
    """
    provider = providers.get(run.provider)
    async with await connect(provider) as client:
        for item in items:
            try:
                if item.kind == "deployment":
                    async with azure.control_plane(provider) as plane:
                        await plane.delete(ledger, item.name)
                elif item.kind == "model":
                    await client.delete_model(item.name)
                else:
                    await client.delete_file(item.name)
            except Refused as refusal:
                if refusal.status != 404:
                    raise
            if item.kind == "orphan":
                ledger.forget_orphan(run.origin, item.name)
            if item.kind != "deployment":  # a new deployment may have the same name
                ledger.mark(run.run, _deletion_step(item), "done")


def _deletion_step(item: Leftover) -> str:
    """The ledger step that records the deletion."""
    return f"deleted:{item.name}"
