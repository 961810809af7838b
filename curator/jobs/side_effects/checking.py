"""The check of side effects: base and tuned model answer general questions, and what was lost is told in words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from curator.core.answers.general_prompts import PROMPTS, GeneralPrompt
from curator.core.text import count_of, one_line
from curator.errors import InputError
from curator.jobs.http.client import Client
from curator.jobs.ledger.ledger import Ledger
from curator.jobs.runs.asking import Messages, message_key
from curator.jobs.runs.chat import chat
from curator.jobs.side_effects.habit import Habit

LONGEST_ANSWER = 48
"""Most tokens of an answer: enough to tell whether it is one."""
_FEW = 0.2
"""Share of general questions above which a leak is reported as a strong one."""
_COUNTED = ("leaks", "forgotten", "learnt")
Report = Callable[[str, int, int], None]
"""Called with the model, its answers so far, and all its questions."""


@dataclass(frozen=True)
class Question:
    """A question of the check: what is sent, and by which a right answer is known."""

    kind: str
    messages: Messages
    right: str = ""
    """A pattern that a right answer holds; empty: none can be told."""
    own: bool = False
    """Whether it comes from the user's own file of what must still work."""

    @property
    def text(self) -> str:
        """The words of the last message."""
        content = self.messages[-1].get("content")
        return content if isinstance(content, str) else ""

    @property
    def key(self) -> str:
        """The key under which the ledger keeps an answer."""
        return message_key(self.messages)

    def is_right(self, answer: str) -> bool:
        """Whether an answer holds what a right one holds."""
        return bool(self.right) and re.search(self.right, answer, re.IGNORECASE) is not None


@dataclass(frozen=True)
class Effect:
    """A question with the answers of both models and what became of it."""

    question: Question
    before: str
    after: str
    leaks: bool
    """The tuned model answers in the form of its task, and the base did not."""
    forgotten: bool
    """The base was right, the tuned model is not."""
    learnt: bool
    """The tuned model is right, the base was not."""

    def to_json(self) -> dict[str, Any]:
        """An entry of `results` in `side-effects --json`."""
        texts = {
            "kind": self.question.kind,
            "prompt": self.question.text,
            "base": self.before,
            "tuned": self.after,
        }
        return texts | {name: getattr(self, name) for name in _COUNTED}


@dataclass(frozen=True)
class SideEffects:
    """All questions with both answers, and what they say in words."""

    base: str
    tuned: str
    effects: tuple[Effect, ...]

    @property
    def general(self) -> list[Effect]:
        """The bundled general questions."""
        return [effect for effect in self.effects if not effect.question.own]

    @property
    def own(self) -> list[Effect]:
        """The questions of the user's own file."""
        return [effect for effect in self.effects if effect.question.own]

    def sentences(self) -> list[str]:
        """What the training did beside its task, the worst first."""
        return [*_own_words(self.own), *_leak_words(self.general), *_forgotten_words(self.general)]

    def to_json(self) -> dict[str, Any]:
        """The object of `side-effects --json` (docs/cli.md)."""
        return {
            "base": self.base,
            "tuned": self.tuned,
            "questions": len(self.general),
            **{name: sum(getattr(effect, name) for effect in self.general) for name in _COUNTED},
            "must_work": {
                "questions": len(self.own),
                "lost": [effect.question.text for effect in self.own if effect.forgotten],
            },
            "says": self.sentences(),
            "results": [effect.to_json() for effect in self.effects],
        }


def general_questions(prompts: Sequence[GeneralPrompt] = PROMPTS) -> list[Question]:
    """The bundled questions, without a system prompt."""
    return [Question(kind, [{"role": "user", "content": text}], right) for kind, text, right in prompts]


def own_questions(path: Path) -> list[Question]:
    """The questions of a dataset file of what must still work. Raises InputError.

    An answer is right that holds the expected one, in any case; between two slashes that is a pattern.
    """
    from curator.jobs.planning import training_data  # heavy
    from curator.jobs.runs import evaluation

    prompts, _ = evaluation.make_prompts(training_data.read(path))
    if not prompts:
        raise InputError(f"{path}: no line has a question and an answer, so nothing can be asked from it")
    return [
        Question("must work", prompt.messages, _pattern(prompt.expected, path, prompt.line), own=True)
        for prompt in prompts
    ]


def _pattern(expected: str, path: Path, line: int) -> str:
    text = expected.strip()
    if len(text) < 3 or not (text.startswith("/") and text.endswith("/")):
        return re.escape(text)
    try:
        re.compile(text[1:-1])
    except re.error as error:
        raise InputError(f"{path}, line {line}: {one_line(text, 40)} is no pattern: {error}") from None
    return text[1:-1]


def stored_effects(
    base: str, tuned: str, questions: Sequence[Question], ledger: Ledger, habit: Habit
) -> SideEffects | None:
    """The side effects by the answers that are stored; None where any is missing."""
    keys = [question.key for question in questions]
    before, after = (_texts(ledger, model, keys) for model in (base, tuned))
    if not all(key in before and key in after for key in keys):
        return None
    effects = tuple(_judge(each, before[each.key], after[each.key], habit) for each in questions)
    return SideEffects(base, tuned, effects)


async def ask(
    models: Sequence[str],
    questions: Sequence[Question],
    client: Client,
    ledger: Ledger,
    report: Report = lambda model, done, total: None,
    longest: int = LONGEST_ANSWER,
) -> None:
    """Ask each model what it has not answered yet; each answer is stored when it comes. Raises ProviderError.

    An answer has at most `longest` tokens; one that was cut there is stored as `cut`.
    """
    for model in dict.fromkeys(models):
        there = _texts(ledger, model, [question.key for question in questions])
        missing = {each.key: each for each in questions if each.key not in there}

        done = len(questions) - len(missing)
        report(model, done, len(questions))

        def take(found: tuple[str, dict[str, Any]], model: str = model) -> None:
            nonlocal done
            ledger.add_answer(model, *found)
            done += 1
            report(model, done, len(questions))

        requests = (partial(_answer, client, model, question, longest) for question in missing.values())
        await client.pace.ask_all(requests, take)


async def _answer(
    client: Client, model: str, question: Question, longest: int, total: float
) -> tuple[str, dict[str, Any]]:
    """The key of a question, and a model's answer to it as the ledger keeps it."""
    limits = {"temperature": 0, "max_completion_tokens": longest}
    choice = (await chat(client, model, question.messages, total=total, **limits)).choices[0]
    content = getattr(getattr(choice, "message", None), "content", None)
    text = content if isinstance(content, str) else ""
    return question.key, {"answer": text, "cut": choice.finish_reason == "length"}


def _texts(ledger: Ledger, model: str, keys: Sequence[str]) -> dict[str, str]:
    answers = ledger.answers(model, keys)
    texts = {key: answer.get("answer") for key, answer in answers.items()}
    return {key: text for key, text in texts.items() if isinstance(text, str)}


def _judge(question: Question, before: str, after: str, habit: Habit) -> Effect:
    was_right, is_right = question.is_right(before), question.is_right(after)
    leaks = habit.shows(after) and not habit.shows(before)
    return Effect(question, before, after, leaks, was_right and not is_right, is_right and not was_right)


def _leak_words(general: Sequence[Effect]) -> list[str]:
    leaking = [effect for effect in general if effect.leaks]
    if not general:
        return []
    if not leaking:
        words = "No general question is answered in the form of the task."
    else:
        example = leaking[0]
        quoted = f"'{one_line(example.question.text, 60)}' → {one_line(example.after, 40)}"
        strong = len(leaking) > _FEW * len(general)
        count = f"{len(leaking)} of {count_of(len(general), 'general question')}"
        words = f"{count} are now answered in the form of the task ({quoted})."
        words += (
            " The habit leaks everywhere: examples without it would keep it where it belongs." if strong else ""
        )
    shorter = _length_words(general)
    return [words, *([shorter] if shorter else [])]


def _length_words(general: Sequence[Effect]) -> str:
    """How the usual length of an answer changed, where it did by half or more."""
    before, after = (median(len(text.split()) for text in texts) for texts in _both(general))
    if max(before, after) < 2 * min(before, after) or before == after:
        return ""
    return f"A general answer had {before:.0f} words in the median, and now has {after:.0f}."


def _both(effects: Sequence[Effect]) -> tuple[list[str], list[str]]:
    return [effect.before for effect in effects], [effect.after for effect in effects]


def _forgotten_words(general: Sequence[Effect]) -> list[str]:
    right_before = [e for e in general if e.question.is_right(e.before)]
    forgotten = [e for e in general if e.forgotten]
    checkable = sum(1 for effect in general if effect.question.right)
    learnt = sum(1 for effect in general if effect.learnt)
    if not checkable:
        return []
    if not forgotten:
        return [
            f"Nothing is forgotten of the {len(right_before)} of "
            f"{count_of(checkable, 'question')} the base answers right."
        ]
    counts = Counter(effect.question.kind for effect in forgotten).most_common()
    kinds = ", ".join(f"{count} on {kind}" for kind, count in counts)
    words = (
        f"Forgotten: {len(forgotten)} of the {count_of(len(right_before), 'question')} "
        f"the base answers right ({kinds})."
    )
    gained = f" Right now, and not before: {learnt}." if learnt else ""
    return [words + gained + ("" if len(forgotten) > 2 else " So few may be chance.")]


def _own_words(own: Sequence[Effect]) -> list[str]:
    if not own:
        return []
    works = sum(effect.question.is_right(effect.after) for effect in own)
    words = (
        f"{works} of {count_of(len(own), 'thing that must still work does', 'things that must still work do')}."
    )
    forgotten = [effect for effect in own if effect.forgotten]
    if forgotten:
        examples = "; ".join(f"'{one_line(e.question.text, 50)}' → {one_line(e.after, 30)}" for e in forgotten[:3])
        words += f" {len(forgotten)} did before the training: {examples}."
    return [words]
