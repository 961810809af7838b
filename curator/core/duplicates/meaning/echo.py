"""Would an example, learnt by heart, answer another one? The question of a yardstick, wider than that of a copy.

A copy is removed, so two examples that might mean different things are none. Here the example only joins the
other's side: one that says the same in other words, and gives the same answer, is an echo of it.
"""

from __future__ import annotations

from collections.abc import Collection

from curator.core.duplicates.alike import ratio
from curator.core.duplicates.meaning.compare import compare
from curator.core.duplicates.meaning.little_words import LITTLE_WORDS, NEGATIONS
from curator.core.duplicates.meaning.relation import relation_of
from curator.core.duplicates.meaning.runs_and_keys import in_one_spelling, keys_of, runs_of
from curator.core.duplicates.meaning.slips import is_slip
from curator.core.duplicates.meaning.spoken import Spoken
from curator.core.duplicates.meaning.word_classes import are_opposed
from curator.core.duplicates.texts import normalise

_SHARED = 0.75
"""Share of their words, twice those in common by all, that two prompts of one meaning have at least."""
_SAME_ANSWER = 80.0
"""Score from which two long answers teach the same."""
_MOST_WORDS = 200
"""Longer prompts are left to the comparison of copies."""
_DEGREES = frozenset(
    """
    little bit lot tad somewhat fairly truly totally completely absolutely extremely incredibly super such ever
    honestly literally finally today bisschen wenig etwas wirklich total echt heute peu vraiment tellement tout
    poco realmente bastante hoy
    """.split()  # noqa: SIM905 - words are read more easily in lines
)
"""Words that make a statement stronger or weaker and leave what is said."""
_WEAK = _DEGREES | frozenset(
    """
    a an the that really very quite rather pretty much so too also just even still now well oh ah um please kindly
    thanks thank hi hello hey dear simply actually basically das der die den dem ein eine einen sehr ganz recht
    auch noch schon mal ja eben halt denn bitte danke hallo le la les l un une très bien donc merci bonjour el los
    las una muy también pues gracias hola
    """.split()  # noqa: SIM905 - words are read more easily in lines
)
"""Words that two askings of one question may differ in."""


def is_echo(a: Spoken, b: Spoken, common: Collection[str] = ()) -> bool:
    """Whether one of two examples that are no copies gives away the answer to the other.

    That is so where both ask the same but for articles, courtesies and degrees, whatever they answer; and where
    nearly all words that count are the same, no number, sign, negation or opposite differs, and both give the same
    answer. `common` are words that stand in so many prompts that they tell none from another, such as those of an
    instruction.
    """
    if a.roles != b.roles or a.exact != b.exact or not a.answers:
        return False
    if relation_of(a, b, ignore_system=True) == "conflict":
        return True
    keys_a, keys_b = (_keys_of_prompt(example) for example in (a, b))
    if _asks_the_same(keys_a, keys_b):
        return True
    if not _is_same_answer(a.texts[-1], b.texts[-1]):
        return False
    if max(len(keys_a), len(keys_b)) > _MOST_WORDS or _exact_keys(keys_a) != _exact_keys(keys_b):
        return False
    words_a, words_b = (_content(keys, common) for keys in (keys_a, keys_b))
    if not words_a or not words_b:
        return False
    only_a, only_b = _unmatched(words_a, words_b)
    if any(are_opposed(x, y) for x in only_a for y in only_b):
        return False
    both = len(words_a) + len(words_b)
    return both - len(only_a) - len(only_b) >= _SHARED * both


def _asks_the_same(a: list[str], b: list[str]) -> bool:
    """Whether two prompts are the same words in the same order, weak ones apart."""
    strong_a, strong_b = ([key for key in keys if key not in _WEAK] for keys in (a, b))
    return len(strong_a) > 1 and strong_a == strong_b


def _is_same_answer(a: str, b: str) -> bool:
    if normalise(a) == normalise(b):
        return bool(a.strip())
    return bool(ratio(normalise(a), normalise(b), _SAME_ANSWER)) and not compare(a, b, is_answer=True).reason


def _keys_of_prompt(example: Spoken) -> list[str]:
    """The folded words, numbers and signs of all messages before the last answer."""
    text = "\n".join(example.texts[:-1])
    return keys_of(runs_of(in_one_spelling(text)))


def _exact_keys(keys: list[str]) -> list[str]:
    """What must be equal: numbers, signs and negations."""
    return sorted(key for key in keys if not key.isalpha() or key in NEGATIONS)


def _content(keys: list[str], common: Collection[str]) -> list[str]:
    words = dict.fromkeys(key for key in keys if key.isalpha() and key not in NEGATIONS)
    telling = [word for word in words if word not in LITTLE_WORDS and word not in _DEGREES]
    return [word for word in telling if word not in common]


def _unmatched(a: list[str], b: list[str]) -> tuple[list[str], list[str]]:
    """The words of each side that have no like on the other: the same word, in another ending or spelling too."""
    only_b = list(b)
    only_a = []
    for word in a:
        like = next((other for other in only_b if other == word or is_slip(word, other)), None)
        if like is None:
            only_a.append(word)
        else:
            only_b.remove(like)
    return only_a, only_b
