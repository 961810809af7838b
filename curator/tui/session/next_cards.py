"""What to write next, in the UI: the cards of a file of raw prompts, worked out in a thread with an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from curator.errors import Stopped

if TYPE_CHECKING:
    from curator.jobs.studies.next_prompts import Card, PromptQueue
    from curator.workspace.workspace import Workspace

FILE, THROWN_AWAY = "ui.next_file", "ui.next_thrown_away"
"""Keys in `meta`: the file that was read last, and the prompts never to show again (hashes)."""
MOST_THROWN_AWAY = 5_000
_SHOWN = 50


def make_cards(
    workspace: Workspace, path: str, report: Callable[[int, int], None], is_stopped: Callable[[], bool]
) -> PromptQueue:
    """The cards of a file, or of the stored completions where `path` is empty. Call it in a thread.

    Raises CuratorError; Stopped once `is_stopped` says so.
    """
    return asyncio.run(_make_cards(workspace, path, report, is_stopped))


async def _make_cards(
    workspace: Workspace, path: str, report: Callable[[int, int], None], is_stopped: Callable[[], bool]
) -> PromptQueue:
    from curator.jobs import providers  # heavy
    from curator.jobs.connections.connect import connect
    from curator.jobs.ledger.ledger import Ledger
    from curator.jobs.planning import training_data
    from curator.jobs.runs.asking import message_key
    from curator.jobs.studies import next_prompts, raw_prompts

    def tell(name: str, done: int, total: int) -> None:
        if is_stopped():
            raise Stopped("stopped; what was answered is kept")
        report(done, total)

    raw = raw_prompts.read_prompts(Path(path)) if path else None
    data = next_prompts.Data(training_data.read(workspace.path).without_rejected())
    provider = providers.get("local")
    thrown_away = set(workspace.meta(THROWN_AWAY) or [])
    with Ledger.for_path(workspace.path) as ledger:
        way = next_prompts.choose_way(None, provider, ledger, data)
        async with await connect(provider) as client:
            prompts = raw if raw is not None else await raw_prompts.stored_prompts(client)
            prompts = [each for each in prompts if message_key(data.begun(each)) not in thrown_away]
            contract = training_data.contract(workspace.path)
            return await next_prompts.make_queue(
                data, prompts, way, client, ledger, tell, contract=contract, limit=_SHOWN
            )


def throw_away(workspace: Workspace, card: Card) -> None:
    """Never show a prompt again. Raises NotSaved."""
    from curator.jobs.runs.asking import message_key  # heavy

    keys = [*(workspace.meta(THROWN_AWAY) or []), message_key(card.messages)]
    workspace.set_meta(THROWN_AWAY, keys[-MOST_THROWN_AWAY:])
