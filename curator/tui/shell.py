"""`Shell`: what screens and widgets may ask of the app. `app.CuratorApp` does it, and no screen imports that.

shell_of(self).session.workspace
await shell_of(self).show_example(17)
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from textual.message_pump import MessagePump

from curator.tui.session.changing import Result
from curator.tui.session.job_watch import JobWatch
from curator.tui.session.last_session import LastSession
from curator.tui.session.session import Session
from curator.tui.session.source_watch import SourceWatch
from curator.tui.session.telling.message_log import MessageLog
from curator.tui.session.telling.tour_place import TourPlace
from curator.tui.terminal.key_order import KeysInOrder


class Shell(KeysInOrder):
    """The app as everything below it sees it."""

    session: Session
    """The open workspace, and the door to its changes."""
    job_watch: JobWatch
    """The training jobs of the workspace, followed while the UI is open."""
    source_watch: SourceWatch
    """Which imported files were changed outside Curator."""
    memory: LastSession
    """What the UI remembers between starts."""
    tour: TourPlace
    """The step of the tour that somebody is at."""
    message_log: MessageLog
    """Everything that the program has said since it was started."""
    user_keys: dict[str, str]
    """Keys that the user has bound, by action id; all other actions have the keys of `actions.ACTIONS`."""

    @property
    def selected(self) -> tuple[int, ...]:
        """Ids of the examples that are selected in the Data stage, in the order of its list."""
        raise NotImplementedError

    def run_long(
        self, heading: str, job: Callable[[], Result], settled: Callable[[Result | Exception], None]
    ) -> None:
        """Run `job` in a thread behind a dialog that shows its progress, then call `settled` with its result.

        Where `job` raised one of `changing.FAILURES`, or the user stopped it, `settled` gets that exception.
        """
        raise NotImplementedError

    async def go_to_stage(self, name: str) -> None:
        """Show a stage, by its name in `stage_list.STAGES`."""
        raise NotImplementedError

    async def show_example(self, example: int, *, edit: bool = False) -> None:
        """Show an example in the Data stage, without the query where that hides it; `edit` opens the editor."""
        raise NotImplementedError

    async def begin_example(self, raw: bytes, block: int, added: Callable[[int], object]) -> None:
        """Begin a new example at one of its messages in the Data stage; `added` is called once it was added."""
        raise NotImplementedError

    async def show_query(self, query: str) -> None:
        """List in the Data stage the examples that match a query."""
        raise NotImplementedError

    async def show_counts(self) -> None:
        """Show in the Data stage what the examples of its view consist of."""
        raise NotImplementedError

    def train_on(self, data: Path, held_out: Path | None) -> None:
        """Open the Train dialog on files of preference examples in place of the workspace's data."""
        raise NotImplementedError

    async def show_run(self, run: str) -> None:
        """Show a training run in the Train stage, by its id in the ledger."""
        raise NotImplementedError


def shell_of(node: MessagePump) -> Shell:
    """The shell of the app that a mounted screen or widget belongs to."""
    app = node.app
    assert isinstance(app, Shell)
    return app
