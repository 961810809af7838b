"""The dialogs of the Compare stage: a file of held-out prompts, and a question of one's own."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Static

from curator import paths
from curator.core.text import printable
from curator.errors import CuratorError
from curator.tui.screens.dialog import Dialog
from curator.tui.stage_models.comparison import ModelComparison, short_name
from curator.tui.widgets.line_input import LineInput

if TYPE_CHECKING:
    from curator.jobs.http.client import Client


class FileDialog(Dialog[Path]):
    """A path; dismisses with it."""

    HEADING = "Held-out prompts"
    ACCEPT = "Compare"

    def compose_body(self) -> ComposeResult:
        """One line."""
        sample = paths.packaged("sample_data") / "emojibot-test.jsonl"
        yield Horizontal(
            Static(Content("File"), classes="name"),
            LineInput(str(sample), compact=True, id="path"),
            classes="field",
        )
        yield Static(
            Content.styled("Examples whose last answer is the wanted one; nothing is trained on them.", "$quiet")
        )

    def action_accept(self) -> None:
        """Take the file if it can be read."""
        path = Path(self.query_one("#path", Input).value.strip()).expanduser()
        if path.is_file():
            self.dismiss(path)
        else:
            self.session.say(CuratorError(f"{path} is no file"))


class AskDialog(Dialog[None]):
    """A prompt, and how both models answer it."""

    HEADING = "Ask both models"
    ACCEPT = "Ask"

    def __init__(self, question: ModelComparison, before: list[dict[str, Any]]) -> None:
        super().__init__()
        self._question, self._before = question, before
        self._answers: dict[str, str] = {}

    def compose_body(self) -> ComposeResult:
        """The prompt above, the answers below."""
        yield Horizontal(
            Static(Content("Prompt"), classes="name"), LineInput(compact=True, id="prompt"), classes="field"
        )
        yield Static("", id="said")

    def on_mount(self) -> None:
        """Type at once."""
        self.query_one("#prompt").focus()

    def action_accept(self) -> None:
        """Ask."""
        if text := self.query_one("#prompt", Input).value.strip():
            self._ask(text)

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def _ask(self, text: str) -> None:
        from curator.jobs import providers
        from curator.jobs.connections.connect import connect

        self._answers = dict.fromkeys((self._question.tuned, self._question.base), "…")
        self._show()
        messages = [*self._before, {"role": "user", "content": text}]
        try:
            async with await connect(providers.get(self._question.provider)) as client:
                client.waiting = lambda fault, seconds: self.session.toast(fault.message)
                await asyncio.gather(*(self._stream(client, model, messages) for model in self._answers))
        except CuratorError as error:
            self.session.say(error)

    async def _stream(self, client: Client, model: str, messages: list[dict[str, Any]]) -> None:
        from curator.jobs.runs.chat import chat_stream

        said = ""
        async for chunk in chat_stream(client, model, messages, temperature=0, max_completion_tokens=200):
            choices = getattr(chunk, "choices", None) or []
            said += (getattr(choices[0].delta, "content", None) or "") if choices else ""
            self._answers[model] = said
            self._show()

    def _show(self) -> None:
        parts = [
            Content.assemble((f"{short_name(model)}\n", "bold"), printable(text))
            for model, text in self._answers.items()
        ]
        self.query_one("#said", Static).update(Content("\n\n").join(parts))
