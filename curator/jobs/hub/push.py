"""Sending files to a hub: what would be new or replaced, and one commit that undoes nobody else's."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from curator.errors import UsageError
from curator.jobs.hub.hub import Hub, Kind, Repository
from curator.jobs.hub.refusals import told_plainly


@dataclass(frozen=True)
class PushPlan:
    """What a push would do to a repository; `there` is None where it would be made."""

    name: str
    kind: Kind
    private: bool
    there: Repository | None
    new: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    equal: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    """Files whose own words stay at the hub: its README."""

    @property
    def sent(self) -> list[str]:
        """The names of the files that would be sent."""
        return [*self.new, *self.replaced]


def plan_push(hub: Hub, name: str, kind: Kind, files: dict[str, Path], *, public: bool) -> PushPlan:
    """Compare files, by their names at the hub, with what lies there.

    Raises UsageError where the repository is public and the push is to be private; HubRefused.
    """
    there = hub.find(name, kind)
    if there is None:
        return PushPlan(name, kind, not public, None, new=sorted(files))
    if not there.private and not public:
        raise UsageError(f"{name} is public at {hub.host}: add --public if everybody may read what you push")
    plan = PushPlan(name, kind, there.private, there)
    for file, path in sorted(files.items()):
        at_hub = there.files.get(file)
        if at_hub is None:
            plan.new.append(file)
        elif at_hub.holds(path):
            plan.equal.append(file)
        else:
            (plan.kept if file == "README.md" else plan.replaced).append(file)
    return plan


def push(hub: Hub, plan: PushPlan, files: dict[str, Path], message: str) -> str:
    """Make the repository where there is none, and send the files as one commit; returns the commit's address.

    The commit is refused where somebody else's came after the plan. Raises HubRefused.
    """
    from huggingface_hub import CommitOperationAdd  # heavy

    if plan.there is None:
        with told_plainly(hub.host, f"make {plan.name}", has_token=hub.has_token):
            hub.api.create_repo(plan.name, repo_type=plan.kind, private=plan.private, exist_ok=False)
    unclear = f"look at {hub.page(plan.name, plan.kind)} whether the commit is there, then push again"
    doing = f"take the files of {plan.name}"
    with (
        told_plainly(hub.host, doing, has_token=hub.has_token, unclear=unclear),
        warnings.catch_warnings(action="ignore"),  # what the library thinks of a README's heading
    ):
        commit: Any = hub.api.create_commit(
            plan.name,
            [CommitOperationAdd(name, files[name]) for name in plan.sent],
            commit_message=message,
            repo_type=plan.kind,
            parent_commit=plan.there.commit if plan.there else None,
            num_threads=2,
        )
        return str(commit.commit_url)
