"""The dialog that imports a file: shows its kind, a map of fields, samples and counts first."""

from __future__ import annotations

import asyncio
from pathlib import Path

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.suggester import Suggester
from textual.timer import Timer
from textual.widgets import Button, Input, Static

from curator.core.convert.maps import UNKNOWN, parse_map
from curator.core.example import parse
from curator.core.text import count_of, one_line
from curator.errors import CuratorError, Stopped
from curator.tui.screens.dialog import Confirm, Dialog
from curator.tui.widgets.line_input import LineInput, Paths, path_of
from curator.tui.widgets.progress_line import ProgressLine
from curator.workspace.exchange import import_files as importer
from curator.workspace.exchange.prepared_files import Import
from curator.workspace.files.preview import Preview, preview
from curator.workspace.storage.folder import DATA_SUFFIXES

TYPING_PAUSE = 0.15
"""Seconds without a key press after which the typed path is read."""
_MESSAGES = 4
"""Most messages of an example in the preview."""
_WIDTH = 64
"""Most characters of a line in the preview."""
CONTAINERS = {"jsonl": "JSON Lines", "array": "a JSON array or pretty-printed JSON", "csv": "a table of text"}
SHAPES = {
    "chat": "chat examples",
    "preference": "preference pairs",
    "reinforcement": "reinforcement examples",
    "completion": "prompt and completion",
    "sharegpt": "ShareGPT conversations",
    "alpaca": "Alpaca instructions",
    "question_answer": "questions and answers",
    "pair": "questions with a chosen and a rejected answer",
    "gemini": "Gemini contents",
    "request": "chat requests",
    "chat_text": "conversations rendered by a chat template",
    "message_list": "bare lists of messages",
    "chat_export": "conversations of ChatGPT's or Claude's data export",
    "message_tree": "trees of messages",
    "ranking": "questions with ranked answers",
    "function_calls": "questions with calls as answers",
    "glaive": "Glaive's function calls",
    "curator_csv": "examples that Curator exported",
    "unknown": "an unknown format",
}


class ImportDialog(Dialog[None]):
    """Asks for a path and a map of fields; enter reads the file and shows its counts, enter again imports it."""

    HEADING = "Import"
    ACCEPT = "Read"
    HELP = (
        "Adds the examples of a file as one change. Nothing is dropped: copies and broken lines come in too, "
        "found by is:duplicate and is:error. The map says which fields make the messages: user=question+context,"
        "assistant=answer,system=hint joins two fields; none keeps every line as it is."
    )

    def __init__(self) -> None:
        super().__init__()
        self._preview: Preview | None = None
        self._prepared: Import | None = None
        self._timer: Timer | None = None
        self._fields = MapSuggester()

    def compose_body(self) -> ComposeResult:
        """The path, the map, what the file is, sample examples, progress and counts."""
        path = LineInput(suggester=Paths(DATA_SUFFIXES), compact=True, id="path")
        by = LineInput(suggester=self._fields, compact=True, id="map")
        yield Horizontal(Static(Content("File"), classes="name"), path, classes="field -tight")
        yield Horizontal(Static(Content("Map"), classes="name"), by, classes="field -tight")
        yield Static("", id="found")
        yield Static("", id="examples")
        yield ProgressLine("importing")
        yield Static("", id="counts")

    def on_mount(self) -> None:
        """Fill in the folder of the workspace, selected, so that a typed or pasted path replaces it; or the file
        whose records wait for a map, and ask for that."""
        field = self.query_one("#path", LineInput)
        waiting = self._waiting_file()
        field.value = str(waiting or f"{self.session.workspace.path.absolute().parent}/")
        field.select_all()
        (field if waiting is None else self.query_one("#map", LineInput)).focus()

    def _waiting_file(self) -> Path | None:
        """The workspace's only file, if at least half of its records have no list of messages; else None."""
        workspace = self.session.workspace
        sources, counts = workspace.stored.sources, workspace.counts()
        unmapped = counts.rules.get("missing_messages_list", 0)
        if len(sources) != 1 or not unmapped or 2 * unmapped < counts.examples:
            return None
        file = Path(sources[0].origin or "")
        return file if file.is_file() else None

    def _unmapped_before(self) -> list[int]:
        """The records of this file that are here already and are no chats; none where there is still no map."""
        file, workspace = self._preview, self.session.workspace
        if file is None or file.map.keeps_records:
            return []
        name = file.path.name.replace('"', '\\"')
        return list(workspace.view(f'rule:missing_messages_list source:"{name}"').ids)

    def _ask_about(self, unmapped: list[int]) -> None:
        """Ask whether the records that were imported without a map may go."""
        count = count_of(len(unmapped), "record")
        words = f"{count} of this file came before, without a map, and hold no messages. u brings them back."

        def delete(is_wanted: bool | None) -> None:
            if is_wanted:
                self.session.delete(unmapped)

        self.app.push_screen(Confirm("Delete what had no map?", words, "Delete"), delete)

    # The preview

    @on(Input.Changed, "#path")
    def _path_changed(self) -> None:
        self._preview = None  # enter must not read the file of the path before
        if self._timer is not None:
            self._timer.stop()
        self._discard()
        path = self.query_one("#path", LineInput)
        self._timer = self.set_timer(TYPING_PAUSE, lambda: self._look_at(path_of(path)))

    @work(exclusive=True, group="look", exit_on_error=False)
    async def _look_at(self, path: Path) -> None:
        self._preview = None
        try:
            if path.is_file():
                self._preview = await asyncio.to_thread(preview, path)
        except CuratorError as error:
            self._say("#found", error.message, "$mark-error")
            self._say("#examples", "")
            return
        except OSError as error:
            self._say("#found", f"{path}: {error.strerror or error}", "$mark-error")
            return
        if self._preview is None:
            self._say("#found", "Type or paste the path of a file; tab completes it.", "$quiet")
            self._say("#examples", "")
            return
        self._fields.names = self._preview.columns
        field = self.query_one("#map", LineInput)
        if field.value == self._preview.map.spec():
            self._show(self._preview)
        else:
            field.value = self._preview.map.spec()
            if field.has_focus:
                field.select_all()

    @on(Input.Changed, "#map")
    def _map_changed(self, event: Input.Changed) -> None:
        self._discard()
        if self._preview is None:
            return
        try:
            if (spec := event.value.strip()) != self._preview.map.spec():
                self._preview = self._preview.by(parse_map(spec))
        except CuratorError as error:
            fields = f"\nFields: {', '.join(self._preview.columns)}" if self._preview.columns else ""
            self._say("#found", f"{error.message}{fields}", "$mark-error")
            return
        self._show(self._preview)

    def _show(self, file: Preview) -> None:
        packed = ", compressed" if file.packed else ""
        container = CONTAINERS.get(file.container, file.container.title())
        many = (
            f"about {count_of(file.records, 'record')}"
            if file.records is not None
            else "an unknown number of records"
        )
        lines = [f"{container}{packed}, {many}: {SHAPES.get(file.shape, file.shape)}"]
        if not file.map.keeps_records:
            layout = f" ({file.layout})" if file.layout else ""
            lines.append(f"Fields{layout}: {', '.join(file.columns)}")
        if file.map == UNKNOWN and file.columns:
            lines.append(
                "Every record stays as it is; write user=FIELD,assistant=FIELD to make messages of them, "
                "FIELD[0].PART for what is inside one"
            )
        if file.left_behind:
            lines.append(f"Not imported: {', '.join(file.left_behind)} (keep=KEY carries a key along)")
        if misfits := file.misfits:
            share = f"{len(misfits):,} of the first {len(file.sample):,}"
            lines.append(f"{share} do not fit the map and stay as they are: {misfits[0]}")
        self._say("#found", "\n".join(one_line(line, 140) for line in lines))
        self._say("#examples", "\n".join(line for _, raw in file.samples for line in excerpt_lines(raw)), "$quiet")

    def _say(self, where: str, text: str, style: str = "") -> None:
        words = "\n".join(one_line(line) for line in text.split("\n"))
        self.query_one(where, Static).update(Content.styled(words, style) if style else Content(words))

    # Reading and importing

    def action_accept(self) -> None:
        """Read the file; once it is read, import it."""
        if self._prepared is not None:
            prepared, self._prepared = self._prepared, None
            unmapped = self._unmapped_before()
            if self.session.take_in(prepared) is None:
                self._prepared = prepared
            else:
                self.dismiss(None)
                if unmapped:
                    self.app.call_later(self._ask_about, unmapped)
        elif self._preview is not None and not self._progress.working:
            self._read(self._preview)
        elif self._preview is None and not self._progress.working:
            path = path_of(self.query_one("#path", LineInput))
            if path.is_file():  # enter came before the pause in typing was over
                self._look_at(path)
            else:
                self.session.toast("There is no file to read at this path")

    @work(exclusive=True, group="import", exit_on_error=False)
    async def _read(self, file: Preview) -> None:
        self._progress.begin("Reading", file.records)
        workspace, report = self.session.workspace, self._progress.tick
        try:
            prepared = await asyncio.to_thread(importer.prepare, workspace, [file.path], file.map, report)
        except Stopped as stopped:
            self.session.toast(stopped.message)
            return
        except CuratorError as error:
            self.session.say(error, title="Not read")
            return
        finally:
            self._progress.end()
        self._prepared = prepared
        self._say("#counts", count_words(prepared), "bold")
        button = self.query_one("#accept", Button)
        button.label = Content(f"Import {prepared.total('added'):,}")
        button.focus()

    @property
    def _progress(self) -> ProgressLine:
        return self.query_one(ProgressLine)

    def action_cancel(self) -> None:
        """Stop reading; otherwise close the dialog without a change."""
        if self._progress.working:
            self._progress.stop()
            return
        self._discard()
        self.dismiss(None)

    def _discard(self) -> None:
        """Drop what was read for an earlier path or map."""
        if self._prepared is not None:
            importer.discard(self.session.workspace, self._prepared)
            self._prepared = None
            self.query_one("#accept", Button).label = Content(self.ACCEPT)
            self._say("#counts", "")


COLUMN_WORDS = ("user=", "assistant=", "system=", "chosen=", "rejected=", "tools=", "keep=")


class MapSuggester(Suggester):
    """Suggests the rest of the field name at the end of a map."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self.names: tuple[str, ...] = ()
        """The field names of the file."""

    async def get_suggestion(self, value: str) -> str | None:
        """The map with its last name completed, or None."""
        start = 1 + max(value.rfind(sign) for sign in "=+,")
        begun = value[start:]
        names = self.names if value[start - 1 : start] in ("=", "+") else COLUMN_WORDS
        fit = [name for name in names if name.startswith(begun) and name != begun and one_line(name) == name]
        return value[:start] + fit[0] if begun and fit else None


def excerpt_lines(raw: bytes) -> list[str]:
    """The first messages of an example, one line each: role and content."""
    value = parse(raw).value
    messages = value.get("messages") if isinstance(value, dict) else None
    if not isinstance(messages, list) or not messages:
        return ["· " + one_line(raw.decode("utf-8", "replace"), _WIDTH)]
    lines: list[str] = []
    for message in messages[:_MESSAGES]:
        fields = dict(message) if isinstance(message, dict) else {"content": message}
        role, content = fields.pop("role", "?"), fields.pop("content", None)
        content = fields if content is None else content  # an answer of tool calls
        text = content if isinstance(content, str) else str(content)
        lines.append(("· " if not lines else "  ") + one_line(f"{role!s:<10}{text}", _WIDTH))
    if len(messages) > _MESSAGES:
        lines.append(f"  … {count_of(len(messages) - _MESSAGES, 'more message')}")
    return lines


def count_words(prepared: Import) -> str:
    """The counts of a file that was read, before it is imported."""
    added, copies, broken, odd = (prepared.total(name) for name in ("added", "duplicates", "broken", "unmapped"))
    parts = [
        count_of(added),
        f"{added - copies - broken:,} new",
        count_of(copies, "copy", "copies"),
        f"{broken:,} broken",
    ]
    bad = prepared.total("bad")
    parts += [f"{odd:,} that the map does not fit"] if odd else []
    return " · ".join([*parts, *([f"{bad:,} marked as bad answers"] if bad else [])])
