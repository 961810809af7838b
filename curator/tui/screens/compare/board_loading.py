"""`BoardLoading`: reads what the board of the Compare stage shows, in a thread: rows, then answers and scores."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from textual import work
from textual.worker import get_current_worker

from curator.errors import CuratorError
from curator.tui.screens.stage import StageScreen
from curator.tui.shell import shell_of
from curator.tui.stage_models.comparing import board as boards

if TYPE_CHECKING:
    from curator.jobs.ledger.ledger import Ledger
    from curator.jobs.runs.board import BoardRow
    from curator.jobs.runs.evaluation import ScoredModel
    from curator.tui.stage_models.comparing.board import LoadedBoard
    from curator.tui.stage_models.comparing.prompt_sources import PromptSource


class BoardLoading(StageScreen):
    """Holds the rows and what they answered; `reload` reads them."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[BoardRow] = []
        self.ticked: set[str] = set()
        self.board: LoadedBoard | None = None
        self._source: PromptSource | None = None
        self._sources: list[PromptSource] = []
        self._opening = ""
        """Identifies this look at the test side; empty where that is sealed."""
        self._is_loading = False
        self._unsaved: object = None
        """The rows and ticks of a workspace that is only read."""

    @property
    def ledger(self) -> Ledger:
        """The workspace's runs, answers and judgements."""
        return shell_of(self).job_watch.ledger

    @abstractmethod
    def take_rows(self, rows: list[BoardRow], ticked: set[str]) -> None:
        """Show the rows before anything else is known, where nothing is shown yet."""

    @abstractmethod
    def take(self, rows: list[BoardRow], ticked: set[str], board: LoadedBoard | None, trouble: str) -> None:
        """Show what was loaded."""

    def reload(self) -> None:
        """Read the rows, the prompts and what was answered, in a thread."""
        self._is_loading = True
        self._load()

    @work(thread=True, exclusive=True, group="compare", exit_on_error=False)
    def _load(self) -> None:
        worker, to_screen, workspace = get_current_worker(), self.app.call_from_thread, self.session.workspace
        try:
            rows, ticked = self._read_rows()
            if self.board is None and not worker.is_cancelled:
                to_screen(self.take_rows, rows, ticked)
            board, trouble = self._read_board(rows, ticked), ""
            measured: dict[str, ScoredModel] = {}
            while board is not None and board.unmeasured and not worker.is_cancelled:
                to_screen(self.take, rows, ticked, board, "")
                name = board.unmeasured[0]
                measured[name] = boards.measure_row(board, name, self.ledger)
                board = boards.load_board(board.prompts, rows, ticked, self.ledger, workspace, measured)
            self._count_look(board)
        except CuratorError as error:
            rows, ticked, board, trouble = self.rows, self.ticked, None, error.message
        if not worker.is_cancelled:
            to_screen(self.take, rows, ticked, board, trouble)

    def _read_rows(self) -> tuple[list[BoardRow], set[str]]:
        session = self.session
        stored = self._stored()
        rows = boards.board_rows(self.ledger, stored, session.provider.name, session.model)
        return rows, boards.ticked_rows(rows, stored)

    def _read_board(self, rows: list[BoardRow], ticked: set[str]) -> LoadedBoard | None:
        from curator.tui.stage_models.comparing.prompt_sources import load_prompts, prompt_sources  # heavy

        workspace = self.session.workspace
        self._sources = prompt_sources(workspace, self.ledger)
        source = self._source
        if source is None or (source.kind != "file" and source.kind not in {each.kind for each in self._sources}):
            source = next((each for each in self._sources if each.kind in ("validation", "run")), None)
        if source is None:
            return None
        self._source = source
        return boards.load_board(load_prompts(source, workspace), rows, ticked, self.ledger, workspace)

    def _count_look(self, board: LoadedBoard | None) -> None:
        """Store that the test side was looked at: what is on the screen now counts as a look."""
        if board is None or board.prompts.source.kind != "test" or not self._opening:
            return
        from curator.jobs.runs.evaluation import prompts_key, store_evaluation  # heavy

        prompts, key = board.prompts, prompts_key(board.prompts.prompts)
        for name, scored in board.scored.items():
            questions = board.questions[name]
            store_evaluation(self.ledger, prompts.yardstick, key, scored, questions, opening=self._opening)
        self._opening = self._opening if not board.scored else ""

    def _stored(self) -> object:
        return self._unsaved if self._unsaved is not None else self.session.workspace.meta(boards.STORED)

    def _store(self, value: dict[str, Any]) -> None:
        """Keep rows and ticks, in a workspace that is only read until it is closed."""
        try:
            self.session.workspace.set_meta(boards.STORED, value)
        except CuratorError:
            self._unsaved = value
        self.reload()
