"""What a lot of questions will cost in money and time, told before they are asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from curator import pricing
from curator.core.cost import money
from curator.core.text import count_of
from curator.jobs.http.pace import most_at_once
from curator.jobs.providers import Provider
from curator.jobs.runs.questions import Questions

MANY = 1_000
"""With at least this many questions the user is asked first."""
DEAR = 1.0
"""From this price in US$ on the user is asked first."""
_CHARACTERS_A_TOKEN = 3.5
"""English has about four, other scripts fewer."""
_SECONDS = {"local": 0.25}
"""Usual seconds from one answer to the next where nothing is known, by kind of provider (others: 0.2)."""


@dataclass(frozen=True)
class AskingCost:
    """Questions to ask, with about the US$ (None: the price is unknown) and the seconds that they will take."""

    questions: int
    usd: float | None
    seconds: float

    def __add__(self, other: AskingCost) -> AskingCost:
        """Both together."""
        usd = None if self.usd is None or other.usd is None else self.usd + other.usd
        return AskingCost(self.questions + other.questions, usd, self.seconds + other.seconds)

    @property
    def wants_consent(self) -> bool:
        """Whether the user should agree first."""
        return self.questions >= MANY or (self.usd or 0.0) >= DEAR

    @property
    def words(self) -> str:
        """`10,000 questions: about $1.20, about 34 minutes`."""
        price = "free" if self.usd == 0 else "price unknown" if self.usd is None else f"about ${money(self.usd)}"
        minutes = self.seconds / 60
        hours = f"{minutes / 60:.1f} hours" if minutes >= 90 else count_of(round(minutes), "minute")
        time = f"about {hours}" if minutes >= 1.5 else "about a minute" if minutes > 0.5 else "less than a minute"
        return f"{self.questions:,} question{'s' * (self.questions != 1)}: {price}, {time}"


NOTHING = AskingCost(0, 0.0, 0.0)


def cost_of_questions(questions: Questions, provider: Provider) -> AskingCost:
    """What the unanswered questions of a row will cost, by the lengths of questions and wanted answers, and by the
    seconds of answers that are known."""
    count = len(questions.unanswered)
    seconds = [answer["seconds"] for answer in questions.answers.values() if _is_number(answer.get("seconds"))]
    each = sum(seconds) / len(seconds) / most_at_once(provider.kind) if seconds else None
    return estimate_cost(provider, questions.way.model, count, questions.size, count * questions.longest, each)


def cost_of_messages(
    requests: Sequence[Sequence[dict[str, object]]], provider: Provider, model: str
) -> AskingCost:
    """What requests will cost that are answered in a word."""
    characters = sum(len(str(message.get("content"))) for messages in requests for message in messages)
    return estimate_cost(provider, model, len(requests), characters, 8 * len(requests))


def estimate_cost(
    provider: Provider, model: str, count: int, sent: int, received: int, seconds_each: float | None = None
) -> AskingCost:
    """What `count` questions cost with so many characters sent and received in all."""
    each = _SECONDS.get(provider.kind, 0.2) if seconds_each is None else seconds_each
    if provider.kind == "local" or not count:
        return AskingCost(count, 0.0, count * each)
    usd = price_of_tokens(provider, model, sent / _CHARACTERS_A_TOKEN, received / _CHARACTERS_A_TOKEN)
    return AskingCost(count, usd, count * each)


def price_of_tokens(provider: Provider, model: str, sent: float, received: float) -> float | None:
    """US$ for so many tokens sent and received; None where the price is unknown."""
    if provider.kind == "local":
        return 0.0
    info = pricing.find(model)
    return None if info is None else info.on(provider.kind).price_of(model, sent, received)


def spent_json(questions: Questions, provider: Provider) -> dict[str, float | int | None]:
    """What a row's answers took: tokens and US$ of all, seconds of one on average; null: not known."""
    answers = list(questions.answers.values())
    sent, received = (
        [answer[name] for answer in answers if _is_number(answer.get(name))]
        for name in ("prompt_tokens", "completion_tokens")
    )
    seconds = [answer["seconds"] for answer in answers if _is_number(answer.get("seconds"))]
    counted = bool(answers) and len(sent) == len(received) == len(answers)
    usd = price_of_tokens(provider, questions.way.model, sum(sent), sum(received)) if counted else None
    return {
        "prompt_tokens": sum(sent) if counted else None,
        "completion_tokens": sum(received) if counted else None,
        "usd": usd,
        "seconds_an_answer": sum(seconds) / len(seconds) if seconds else None,
    }


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
