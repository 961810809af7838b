"""Drafts in the UI: what they will cost, and asking a model for them beside the screen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from curator.core.text import count_of, one_line

if TYPE_CHECKING:
    from curator.jobs.drafts.style import Seed
    from curator.jobs.drafts.write import Draft, DraftPlan
    from curator.workspace.workspace import Workspace

MOST_SEEDS = 20
"""Examples of a selection whose like is written; a draft takes one of them in turn."""


async def seeds_of(workspace: Workspace, ids: Sequence[int]) -> list[Seed]:
    """Drafts like these examples, in a thread."""
    from curator.jobs.drafts import write  # heavy

    return await asyncio.to_thread(write.seeds_of, workspace, ids, MOST_SEEDS)


async def plan(workspace: Workspace, seeds: Sequence[Seed], count: int) -> DraftPlan:
    """What will be asked, in a thread. Raises InputError where there is nothing to write like."""
    from curator.jobs.drafts import write  # heavy

    return await asyncio.to_thread(write.plan_drafts, workspace, seeds, count)


def cost_words(workspace: Workspace, draft_plan: DraftPlan, provider: str, model: str) -> str:
    """What the drafts will cost, in words; those that were written before they were stopped cost nothing more."""
    from curator.jobs import providers  # heavy
    from curator.jobs.drafts.write import written_before

    written = written_before(workspace, draft_plan, providers.get(provider), model)
    words = draft_plan.cost(providers.get(provider), model, written).words
    return f"{words}; {count_of(len(written), 'draft is', 'drafts are')} written already" if written else words


async def write(
    workspace: Workspace, draft_plan: DraftPlan, provider: str, model: str, report: Callable[[int, int], None]
) -> list[Draft]:
    """Have the model write; what passes the gate is proposed. Raises CuratorError."""
    from curator.jobs import providers  # heavy
    from curator.jobs.connections.connect import connect
    from curator.jobs.drafts.write import write_drafts

    async with await connect(providers.get(provider)) as client:
        return await write_drafts(workspace, draft_plan, client, model, report)


def outcome_words(drafts: Sequence[Draft], model: str) -> str:
    """How many drafts passed the gate, and why the first of the others did not."""
    passed = sum(draft.proposal is not None for draft in drafts)
    words = f"{one_line(model, 40)} wrote {count_of(len(drafts))}, {passed} passed"
    refused = next((draft.why_not for draft in drafts if draft.proposal is None), "")
    return f"{words}. Left out: {refused}" if refused else words
