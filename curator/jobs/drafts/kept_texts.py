"""What a model wrote for drafts that are broken off, so that asking again pays for the missing ones only."""

from __future__ import annotations

from typing import Any

from curator.jobs.http.client import Client
from curator.jobs.ledger.answer_facts import DRAFT, AnswerKey
from curator.jobs.ledger.ledger import Ledger
from curator.jobs.runs.asking import Messages, message_key
from curator.jobs.runs.chat import chat


class KeptTexts:
    """Asks a model for the texts of drafts; each is in the ledger as soon as it comes, until all drafts are there.

    The same request of the same number is asked once, whatever ends the program. Drafts that all came are
    forgotten with `forget`: who asks again then wants others.
    """

    def __init__(self, ledger: Ledger, provider: str, model: str) -> None:
        self._ledger, self._model = ledger, model
        self._row = f"{model} at {provider}"
        self._texts = {key: value.get("text") for key, value in ledger.facts(DRAFT, self._row).items()}
        self._used: set[AnswerKey] = set()

    def kept(self, messages: Messages, number: int) -> str | None:
        """What was written for the draft of this number in answer to these messages; None: nothing yet."""
        text = self._texts.get(self._key(messages, number))
        return text if isinstance(text, str) else None

    async def ask(self, client: Client, messages: Messages, number: int, total: float, **options: Any) -> str:
        """What was written, or what the model writes now, within `total` seconds. Raises ProviderError."""
        key = self._key(messages, number)
        self._used.add(key)
        kept = self.kept(messages, number)
        if kept is not None:
            return kept
        response = await chat(client, self._model, messages, total=total, **options)
        content = getattr(getattr(response.choices[0], "message", None), "content", None)
        text = content if isinstance(content, str) else ""
        self._ledger.add_fact(DRAFT, key, {"text": text})
        self._texts[key] = text
        return text

    def _key(self, messages: Messages, number: int) -> AnswerKey:
        return AnswerKey(self._row, message_key(messages), str(number))

    def forget(self) -> None:
        """Forget all texts that were asked for here."""
        for key in self._used:
            self._ledger.remove_fact(DRAFT, key)
