"""How well an action of the key table fits what somebody types into the palette.

Names weigh more than other words for the same, those more than descriptions. Scores lie between 0 (no fit) and 1.
"""

from __future__ import annotations

import re
from functools import cache

from curator.tui import keys
from curator.tui.actions import Action
from curator.tui.command_words import ONLY_BY_NAME, SYNONYMS

NAME, SYNONYM, KEY = 1.0, 0.97, 0.95
NAME_BEGINS, SYNONYM_BEGINS = 0.9, 0.8
NAME_WORDS, SYNONYM_WORDS = 0.75, 0.7
DESCRIPTION_WORDS, INSIDE_NAME, MISTYPED, NAME_LETTERS = 0.5, 0.45, 0.4, 0.2
BY_NAME_BEGUN, BY_NAME_KEY = 0.15, 0.1
"""Scores of an action of `ONLY_BY_NAME` while its name is typed, and for its key: below all others."""
ELSEWHERE = 0.89
"""The factor for an action of a stage that is not on the screen."""
FEWEST_LETTERS = 3
ALIKE = 0.8
"""The share of letters that a mistyped name has in common with the right one."""


def fit(action: Action, typed: str, action_keys: str) -> float:
    """The score of an action for a typed text; `action_keys` are its comma-separated keys at present."""
    text = _plain(typed)
    name, synonyms, description = _phrases(action)
    if text and text == name:
        return NAME
    if text and text in synonyms:
        return SYNONYM
    pressed = [key for key in action_keys.split(",") if key]
    is_key = typed in pressed or typed in map(keys.key_label, pressed)
    if action.id in ONLY_BY_NAME:
        return _fit_by_name_only(text, (name, *synonyms), is_key)
    if is_key:
        return KEY
    return _fit_part(text, name, synonyms, description) if text else 0.0


def _fit_by_name_only(text: str, phrases: tuple[str, ...], is_key: bool) -> float:
    begun = len(text) >= FEWEST_LETTERS and any(phrase.startswith(text) for phrase in phrases)
    return BY_NAME_BEGUN if begun else BY_NAME_KEY if is_key else 0.0


def _fit_part(text: str, name: str, synonyms: tuple[str, ...], description: str) -> float:
    """The score where the text is a part of an action's names, or is mistyped; shorter names stand first."""
    shorter = len(name) / 10_000
    if name.startswith(text):
        return NAME_BEGINS - shorter
    if any(synonym.startswith(text) for synonym in synonyms):
        return SYNONYM_BEGINS - shorter
    if _has_words(text, name):
        return NAME_WORDS - shorter
    if any(_has_words(text, synonym) for synonym in synonyms):
        return SYNONYM_WORDS - shorter
    if len(text) < FEWEST_LETTERS:
        return 0.0
    if _has_words(text, " ".join((name, *synonyms, description))):
        return DESCRIPTION_WORDS - shorter
    if text in name:
        return INSIDE_NAME - shorter
    from rapidfuzz import fuzz  # heavy: nobody has typed yet when the program starts

    closest = max(fuzz.ratio(text, phrase) / 100 for phrase in (name, *synonyms))
    if closest >= ALIKE:
        return MISTYPED * closest
    return NAME_LETTERS - shorter if _has_letters_in_order(text, name) else 0.0


@cache
def _phrases(action: Action) -> tuple[str, tuple[str, ...], str]:
    """The name of an action, its other names, and its description, all in lower case without signs."""
    synonyms = filter(None, map(_plain, SYNONYMS.get(action.id, "").split(",")))
    return _plain(action.description), tuple(synonyms), _plain(action.tooltip)


def _plain(words: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", words.casefold()))


def _has_words(text: str, phrase: str) -> bool:
    """Whether each typed word begins a word of the phrase."""
    words = phrase.split()
    return all(any(word.startswith(typed) for word in words) for typed in text.split())


def _has_letters_in_order(text: str, name: str) -> bool:
    """Whether the letters of the text follow each other in the name, from its first on: `cpj` in `copy json`."""
    letters = iter(name)
    return text[:1] == name[:1] and all(letter in letters for letter in text.replace(" ", ""))
