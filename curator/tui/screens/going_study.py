"""`go_on_studying`: runs a study that goes on when its dialog is left; `!` tells how far it is, and stops it.

A dialog of a study tells in its methods what a study said; once the dialog is left, the message line does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from textual.worker import get_current_worker

from curator.core.text import printable
from curator.errors import CuratorError
from curator.tui.screens.dialog import Dialog

if TYPE_CHECKING:
    from textual.worker import Worker

    from curator.jobs.studies.asking import Report, StudyState

Result = TypeVar("Result")
Told = TypeVar("Told")
GROUP = "study"
STOPPED = "Stopped. Asking again goes on where it stopped."


def go_on_studying(
    dialog: Dialog[Told],
    words: str,
    ask: Callable[[Report], Awaitable[Result]],
    say: Callable[[str], None],
    arrived: Callable[[Result], None],
) -> Worker[None] | None:
    """Study in the background; None where another study runs already, which `say` tells.

    `words` is what is studied, in a few words; `say` shows how far it is; `arrived` gets the result, whether the
    dialog is still there or not.
    """
    app, session = dialog.app, dialog.session
    if any(worker.group == GROUP and not worker.is_finished for worker in app.workers):
        say("Another study runs: esc, then ! shows how far it is and stops it.")
        return None

    def say_if_open(text: str) -> None:
        if dialog.is_attached:
            say(text)

    async def study() -> None:
        task = session.tasks.begin(f"study: {words}", get_current_worker().cancel)

        def report(state: StudyState) -> None:
            task.report(state.share, f"study: {_doing(state) or words}", state.seconds_left)
            say_if_open(f"{state.words} · esc leaves, and it goes on; ! tells how far it is")

        try:
            result = await ask(report)
        except CuratorError as error:
            if dialog.is_attached:
                say(f"Not studied: {error.message}")
            else:
                session.say(error, title="Not studied")
            return
        except asyncio.CancelledError:
            say_if_open(STOPPED)
            raise
        finally:
            task.end()
        arrived(result)

    say("preparing …")
    return app.run_worker(study(), name=printable(words), group=GROUP, exit_on_error=False)


def _doing(state: StudyState) -> str:
    """What a study does, in a few words; nothing before it began, when it tells its plan in some lines."""
    return "" if state.status == "planned" else state.doing
