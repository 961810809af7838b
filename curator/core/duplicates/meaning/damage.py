"""Does a word in another's place say something else, or is it damage, as a noun in a preposition's place?"""

from __future__ import annotations

from curator.core.duplicates.meaning.little_words import (
    ADJECTIVES_IN_LY,
    DENIALS,
    HAVING,
    LITTLE_WORDS,
    ROLE_WORDS,
    STRUCTURE,
    are_of_one_language,
)
from curator.core.duplicates.meaning.word_classes import SENSES, are_opposed

ARTICLES = frozenset(
    """
    a an the this that which both no der die das den dem des ein eine einen einem einer eines le la les l un une
    du el los las una unos unas il lo gli i o os as um uma de het een
    """.split()  # noqa: SIM905 - words are read more easily in lines
)
"""Small words in whose place an adjective may stand: *the tickets*, *fake tickets*."""

_OF_A_SENTENCE = LITTLE_WORDS.keys() | ROLE_WORDS
"""Words that belong to a sentence and are never filled into a form."""

_OFTEN_DAMAGED = frozenset(("not", "cannot", "never", "none", "nothing", "nobody"))
"""Negations for which a noun may stand by damage."""


def is_filled_in(x: str, y: str) -> bool:
    """Whether one word stands for another as in a form that is filled in; not so a word of the sentence itself."""
    return bool(x and y) and not {x, y} & _OF_A_SENTENCE and is_another_word(x, y)


def is_filled_in_for_article(x: str, y: str) -> bool:
    """Whether a word stands in an article's place, as an adjective does: *the tickets*, *fake tickets*."""
    article, other = (x, y) if x in ARTICLES else (y, x)
    return bool(other) and article in ARTICLES and other not in LITTLE_WORDS


def is_another_word(x: str, y: str) -> bool:
    """Whether a word says something else in another's place; a noun in an article's or adverb's is damage."""
    if x in DENIALS or y in DENIALS:
        return is_denial((x, y))
    if x in LITTLE_WORDS and y in LITTLE_WORDS:
        return are_of_one_language(x, y)
    if (x in STRUCTURE) == (y in STRUCTURE):
        return x in ROLE_WORDS or y in ROLE_WORDS or is_adverb(x) == is_adverb(y)
    joining, other = (x, y) if x in STRUCTURE else (y, x)
    return other in ROLE_WORDS or (joining in HAVING and other.endswith(("s", "ed"))) or are_opposed(x, y)


def _affirms(word: str) -> bool:
    """Whether a word in the place of a negation is no mere damage: gladly, today, soon."""
    return is_adverb(word) or word in LITTLE_WORDS or word in ROLE_WORDS or word in SENSES


def is_denial(exchange: tuple[str, str]) -> bool:
    """Whether one word denies what the other one affirms."""
    denials = DENIALS.intersection(exchange)
    return bool(denials) and (not denials <= _OFTEN_DAMAGED or any(map(_affirms, exchange)))


def is_adverb(word: str) -> bool:
    """Whether a word ends as English adverbs do, and is none of the adjectives that do so too."""
    return word.endswith("ly") and word not in ADJECTIVES_IN_LY
