"""How two similar examples relate: copies only where both question and answer say the same."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import Literal

from curator.core.duplicates.alike import ratio
from curator.core.duplicates.meaning.code import has_other_prose
from curator.core.duplicates.meaning.compare import compare
from curator.core.duplicates.meaning.differences import ALIKE, MeaningDifference
from curator.core.duplicates.meaning.little_words import LITTLE_WORDS
from curator.core.duplicates.meaning.overwritten import is_overwritten
from curator.core.duplicates.meaning.spoken import Spoken
from curator.core.duplicates.texts import normalise

Relation = Literal["copy", "facts", "conflict"]
"""How two similar examples relate. `conflict`: one prompt with different answers; `facts`: alike, but something
that carries meaning differs. Neither of these is a copy."""

SAME_PROMPT = 90.0
"""Score from which two prompts count as the same question."""
SAME_SYSTEM = 72.0
"""Score from which two system prompts are variants of one."""
VARIANTS = 8
"""With more different system prompts than these a set has not one system prompt."""
_SENTENCE_ENDS = re.compile(r"(?<=[.?!。？！])\s+|\n+")
_LAST = 3
"""Sentences at the end of a prompt among which the other's last one is looked for."""
_SHARED = 0.3
"""Share of its words, little ones apart, that a last sentence must have in common with another to ask the same."""


def relation_of(a: Spoken, b: Spoken, *, ignore_system: bool = False) -> Relation:
    """How two similar examples relate; with `ignore_system` whatever their system prompts say."""
    if a.roles != b.roles or a.exact != b.exact or not _train_alike(a, b):
        return "facts"
    if not ignore_system and not are_same_system(a.system, b.system):
        return "facts"
    end = max((at for at, role in enumerate(a.roles) if role == "assistant"), default=len(a.roles))
    prompt = whole = _compare_prompts(a, b, end)
    if prompt.reason:
        return "facts"
    for at in range(end, len(a.roles)):
        answer = _compare_message(a, b, at)
        if answer.reason:
            return "conflict" if a.roles[at] == "assistant" and _is_same_prompt(a, b, end, prompt) else "facts"
        whole = whole.joined(answer)
    words = sum(len(text.split()) for text in a.texts)
    return "facts" if whole.counts or whole.is_filling(words) else "copy"


def may_conflict(a: Spoken, b: Spoken) -> bool:
    """Whether two examples could be a conflict (`relation_of`): quickly, from how alike their prompts are."""
    if a.roles != b.roles or a.exact != b.exact:
        return False
    end = max((at for at, role in enumerate(a.roles) if role == "assistant"), default=len(a.roles))
    return _are_alike(a, b, end)


def are_same_system(a: str, b: str) -> bool:
    """Whether two system prompts are one, or variants of it that say the same."""
    if a == b:
        return True
    if not a or not b or not ratio(normalise(a), normalise(b), SAME_SYSTEM):
        return False
    return not compare(a, b).counts


def have_one_system(systems: Sequence[str]) -> bool:
    """Whether different system prompts are variants of one that say the same."""
    return len(systems) <= VARIANTS and all(are_same_system(systems[0], other) for other in systems[1:])


def _train_alike(a: Spoken, b: Spoken) -> bool:
    """Whether one of the examples trains all that the other does."""
    if a.learnt == b.learnt:
        return True
    pairs = list(zip(a.learnt, b.learnt, strict=False))
    return all(x >= y for x, y in pairs) or all(x <= y for x, y in pairs)


def _compare_prompts(a: Spoken, b: Spoken, end: int) -> MeaningDifference:
    """Compare the messages before the answer, up to the first that changes the meaning."""
    whole = ALIKE
    last = max((at for at in range(end) if a.roles[at] == "user"), default=-1)
    for at in range(end):
        difference = _compare_message(a, b, at)
        if at == last and difference.exchanged and _ask_differently(a.texts[at], b.texts[at]):
            return MeaningDifference("another last question")
        whole = whole.joined(difference)
        if whole.reason:
            break
    return whole


def _compare_message(a: Spoken, b: Spoken, at: int) -> MeaningDifference:
    if a.texts[at] == b.texts[at]:
        return ALIKE
    is_answer = a.roles[at] in ("assistant", "rejected")
    compare_it = partial(
        compare, a.texts[at], b.texts[at], is_answer=is_answer, is_noisy=partial(_is_noisy, a, b, at)
    )
    difference = compare_it()
    return compare_it(is_overwritten=True) if difference.may_be_chance and is_overwritten(a, b) else difference


def _is_noisy(a: Spoken, b: Spoken, besides: int) -> bool:
    """Whether the prose of another message differs."""
    return any(
        at != besides and has_other_prose(x, y) for at, (x, y) in enumerate(zip(a.texts, b.texts, strict=True))
    )


def _is_same_prompt(a: Spoken, b: Spoken, end: int, prompt: MeaningDifference) -> bool:
    """Whether the prompts of two examples are one question: alike but for slips, signs and fillers."""
    return not prompt.counts and not prompt.exchanged and _are_alike(a, b, end)


def _are_alike(a: Spoken, b: Spoken, end: int) -> bool:
    """Whether the texts of the messages before one are nearly equal."""
    return all(
        a.texts[at] == b.texts[at] or ratio(normalise(a.texts[at]), normalise(b.texts[at]), SAME_PROMPT)
        for at in range(end)
    )


def _ask_differently(a: str, b: str) -> bool:
    """Whether neither prompt's last sentence has its like at the end of the other."""
    parts_a, parts_b = (_SENTENCE_ENDS.split(text.strip())[-_LAST:] for text in (a, b))
    if parts_a[-1] == parts_b[-1]:
        return False
    ends_a, ends_b = ([_content(part) for part in parts] for parts in (parts_a, parts_b))
    return not _has_like(ends_a[-1], ends_b) and not _has_like(ends_b[-1], ends_a)


def _content(sentence: str) -> set[str]:
    words = set(normalise(sentence).split())
    return words - LITTLE_WORDS.keys() or words


def _has_like(words: set[str], others: list[set[str]]) -> bool:
    return any(len(words & other) >= _SHARED * min(len(words), len(other)) for other in others if other)
