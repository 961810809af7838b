"""The table of stages and dialogs by name; each is imported when it is first opened, to keep the start fast.

A stage is a `StageScreen` subclass, a dialog a `Dialog` subclass; both are constructed without arguments.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textual.screen import Screen


SCREENS = "curator.tui.screens"


@dataclass(frozen=True, slots=True)
class Entry:
    """The module and class of a screen. `key`, for stages, is the digit of its alt+digit key."""

    name: str
    title: str
    module: str
    cls: str
    key: int = 0

    def create(self) -> Screen[Any]:
        """Import the module and construct the screen."""
        screen: Screen[Any] = getattr(importlib.import_module(f"{SCREENS}.{self.module}"), self.cls)()
        return screen


STAGES: dict[str, Entry] = {
    entry.name: entry
    for entry in (
        Entry("data", "Data", "data.screen", "DataScreen", 1),
        Entry("duplicates", "Duplicates", "duplicates.screen", "DuplicatesScreen", 2),
        Entry("split", "Split", "split.screen", "SplitScreen", 3),
        Entry("train", "Train", "train.screen", "TrainScreen", 4),
        Entry("compare", "Compare", "compare.screen", "CompareScreen", 5),
        Entry("history", "History", "history.screen", "HistoryScreen", 6),
    )
}

DIALOGS: dict[str, Entry] = {
    entry.name: entry
    for entry in (
        Entry("train", "Train", "train.dialog", "TrainDialog"),
        Entry("split", "Split", "split.dialog", "SplitDialog"),
        Entry("export", "Export", "files.export_dialog", "ExportDialog"),
        Entry("import", "Import", "files.import_dialog", "ImportDialog"),
        Entry("source", "File changed outside", "files.source_dialog", "SourceDialog"),
        Entry("write_back", "Write back", "files.write_back_dialog", "WriteBackDialog"),
        Entry("disagreements", "Disagreements", "dataset.disagreements_dialog", "DisagreementsDialog"),
        Entry("answers", "Answer contract", "dataset.answers_dialog", "AnswersDialog"),
        Entry("balance", "Balance", "dataset.balance_dialog", "BalanceDialog"),
        Entry("proposals", "Proposals", "dataset.proposals_dialog", "ProposalsDialog"),
        Entry("next", "What to write next", "dataset.next_dialog", "NextDialog"),
        Entry("settings", "Settings", "setup.settings_dialog", "SettingsScreen"),
        Entry("providers", "Providers", "setup.providers_dialog", "ProvidersDialog"),
        Entry("theme", "Change theme", "setup.theme_picker", "ThemePicker"),
        Entry("help", "Help", "help", "HelpScreen"),
        Entry("columns", "Columns", "data.columns_dialog", "ColumnsDialog"),
        Entry("activity", "What goes on", "activity", "ActivityDialog"),
    )
}
