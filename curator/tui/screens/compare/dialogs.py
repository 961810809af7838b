"""The dialogs of the Compare stage: choosing a file of held-out prompts, and asking both models one prompt."""

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
    """Asks for the path of a dataset file; dismisses with the path."""

    HEADING = "Held-out prompts"
    ACCEPT = "Compare"

    def compose_body(self) -> ComposeResult:
        """The path, and what the file must contain."""
        sample = paths.packaged("sample_data") / "emojibot-test.jsonl"
        yield Horizontal(
            Static(Content("File"), classes="name"),
            LineInput(str(sample), compact=True, id="path"),
            classes="field",
        )
        yield Static(
            Content.styled("Examples that end with the wanted answer; they are not trained on.", "$quiet")
        )

    def action_accept(self) -> None:
        """Dismiss with the path if it is a file."""
        path = Path(self.query_one("#path", Input).value.strip()).expanduser()
        if path.is_file():
            self.dismiss(path)
        else:
            self.session.say(CuratorError(f"{path} is no file"))


class AskDialog(Dialog[None]):
    """Asks for a prompt and streams both models' answers to it."""

    HEADING = "Ask both models"
    ACCEPT = "Ask"

    def __init__(self, comparison: ModelComparison, context: list[dict[str, Any]]) -> None:
        super().__init__()
        self._comparison, self._before = comparison, context
        self._answers: dict[str, str] = {}

    def compose_body(self) -> ComposeResult:
        """The prompt, and the answers below it."""
        yield Horizontal(
            Static(Content("Prompt"), classes="name"), LineInput(compact=True, id="prompt"), classes="field"
        )
        yield Static("", id="said")

    def on_mount(self) -> None:
        """Focus the prompt."""
        self.query_one("#prompt").focus()

    def action_accept(self) -> None:
        """Send the prompt to both models."""
        if text := self.query_one("#prompt", Input).value.strip():
            self._ask(text)

    @work(exclusive=True, group="ask", exit_on_error=False)
    async def _ask(self, text: str) -> None:
        from curator.jobs import providers  # heavy
        from curator.jobs.connections.connect import connect

        self._answers = dict.fromkeys((self._comparison.tuned, self._comparison.base), "…")
        self._show()
        messages = [*self._before, {"role": "user", "content": text}]
        try:
            async with await connect(providers.get(self._comparison.provider)) as client:
                client.waiting = lambda fault, seconds: self.session.toast(fault.message)
                await asyncio.gather(*(self._stream(client, model, messages) for model in self._answers))
        except CuratorError as error:
            self.session.say(error)

    async def _stream(self, client: Client, model: str, messages: list[dict[str, Any]]) -> None:
        from curator.jobs.runs.chat import LONGEST_ANSWER, TEMPERATURE, chat_stream  # heavy

        answer = ""
        options = {"temperature": TEMPERATURE, "max_completion_tokens": LONGEST_ANSWER}
        async for chunk in chat_stream(client, model, messages, **options):
            choices = getattr(chunk, "choices", None) or []
            answer += (getattr(choices[0].delta, "content", None) or "") if choices else ""
            self._answers[model] = answer
            self._show()

    def _show(self) -> None:
        parts = [
            Content.assemble((f"{short_name(model)}\n", "bold"), printable(text))
            for model, text in self._answers.items()
        ]
        self.query_one("#said", Static).update(Content("\n\n").join(parts))
