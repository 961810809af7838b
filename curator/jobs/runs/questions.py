"""The prompts as one way asks them: the answers that the ledger has, and asking for the missing ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from time import monotonic as clock
from typing import Any

from curator.jobs.http.client import Client
from curator.jobs.ledger.ledger import Ledger
from curator.jobs.runs.asking import Prompt, Way, message_key
from curator.jobs.runs.chat import chat
from curator.jobs.runs.likelihoods import stored_likelihoods

Report = Callable[[str, int, int], None]
"""Called with the row's name, its answers so far, and the number of prompts."""
_MAX_ANSWER = 1024
"""Most tokens of an answer."""


class Questions:
    """The questions of a way, in the order of the prompts, and the answers that the ledger has of them.

    `earlier` holds answers that were stored in another form, by the key of the question; the ledger's own take
    precedence.
    """

    def __init__(
        self,
        way: Way,
        prompts: Sequence[Prompt],
        ledger: Ledger,
        *,
        earlier: Sequence[str] | None = None,
        longest: int | None = None,
    ) -> None:
        self.way, self._ledger = way, ledger
        self._messages = [way.messages(prompt) for prompt in prompts]
        self.keys = [message_key(messages) for messages in self._messages]
        answers: dict[str, dict[str, Any]] = {}
        if earlier is not None and len(earlier) == len(self.keys):
            answers = {key: {"answer": text} for key, text in zip(self.keys, earlier, strict=True)}
        answers |= ledger.answers(way.answers_as, self.keys)
        self.answers = {key: answer for key, answer in answers.items() if isinstance(answer.get("answer"), str)}
        self.longest = max(len(prompt.expected) for prompt in prompts) if longest is None else longest
        """Characters of the longest wanted answer; an answer has at most a token a character."""
        self._options: dict[str, Any] = {
            "temperature": 0,
            "max_completion_tokens": min(_MAX_ANSWER, max(16, self.longest)),
        }

    @property
    def unanswered(self) -> list[int]:
        """Positions of the prompts without an answer; of equal questions only the first."""
        positions = {key: at for at, key in reversed(list(enumerate(self.keys))) if key not in self.answers}
        return sorted(positions.values())

    @property
    def size(self) -> int:
        """How many characters the unanswered questions have together, as they are sent."""
        return sum(
            len(content)
            for at in self.unanswered
            for message in self._messages[at]
            if isinstance(content := message.get("content"), str)
        )

    async def ask(self, client: Client, report: Report) -> None:
        """Ask what is not answered; each answer is stored when it comes. Raises ProviderError."""
        places, total = self.unanswered, len(self.keys)
        open_count = len(places)

        def take(found: tuple[int, dict[str, Any]]) -> None:
            nonlocal open_count
            at, answer = found
            self._ledger.add_answer(self.way.answers_as, self.keys[at], answer)
            self.answers[self.keys[at]] = answer
            open_count -= 1
            report(self.way.name, total - open_count, total)

        await client.pace.ask_all((partial(self._ask_one, client, at) for at in places), take)

    async def _ask_one(self, client: Client, at: int, total: float) -> tuple[int, dict[str, Any]]:
        """The position of a question, and its answer with tokens and seconds, as the ledger stores it."""
        began = clock()
        extra = {"logprobs": True} if client.provider.kind == "local" else {}  # others may refuse or charge for it
        response = await chat(client, self.way.model, self._messages[at], total=total, **self._options, **extra)
        content = getattr(getattr(response.choices[0], "message", None), "content", None)
        answer: dict[str, Any] = {
            "answer": content if isinstance(content, str) else "",
            "seconds": round(clock() - began, 3),
        }
        if getattr(response.choices[0], "finish_reason", None) == "length":
            answer["cut"] = True
        usage = getattr(response, "usage", None)
        for name in ("prompt_tokens", "completion_tokens"):
            if isinstance(count := getattr(usage, name, None), int):
                answer[name] = count
        if tokens := getattr(getattr(response.choices[0], "logprobs", None), "content", None):
            answer["logprobs"] = [token.logprob for token in tokens]
        return at, answer

    def stored(self) -> dict[str, Any]:
        """Answers by prompt, and the log probabilities of each answer's tokens (None: unknown)."""
        answers = [self.answers[key] for key in self.keys]
        return {
            "answers": [answer["answer"] for answer in answers],
            "logprobs": [answer.get("logprobs") for answer in answers],
        }

    def is_cut(self, at: int) -> bool:
        """Whether the answer to a prompt was longer than the most tokens that an answer may have."""
        return self.answers[self.keys[at]].get("cut") is True

    def likelihoods(self, prompts: Sequence[Prompt]) -> list[list[float] | None]:
        """The log probabilities of each wanted answer's tokens; None where they were not measured."""
        return stored_likelihoods(self._ledger, self.way, prompts)
