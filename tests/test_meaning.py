"""No example goes whose meaning differs: frames in many languages, many shapes, and changes by chance."""

from __future__ import annotations

import json
import random
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from curator.core.duplicates.meaning.relation import relation_of
from curator.core.duplicates.meaning.spoken import spoken
from tests.meaning_pairs import LONG, Json, chat
from tests.meaning_shapes import pairs_of_frames, pairs_of_shapes, read_frames
from tests.test_cases_copies import removed

SENTENCES = [
    *dict.fromkeys(a for _, a, _ in read_frames() if a.isascii() and "\n" not in a and len(a.split()) > 9),
]
NAMES = ("Anna", "Peter", "Miriam", "Gustav", "Oslo", "Lisbon", "Warsaw", "Verdi")
NEGATIONS = ("not", "never", "no longer")
WORDS = ("garden", "engine", "violin", "invoice", "pepper", "harbour", "blanket", "shadow")


def relation(a: Json, b: Json) -> str:
    """How two examples relate; the same whichever comes first."""
    first, second = spoken(a), spoken(b)
    there, back = relation_of(first, second), relation_of(second, first)
    assert (there == "copy") == (back == "copy"), (a, b)
    return there


def test_no_frame_and_no_shape_is_a_copy_whichever_comes_first() -> None:
    frames, shapes = list(pairs_of_frames()), list(pairs_of_shapes())
    assert len(frames) > 600 and len(shapes) > 170
    assert [pair for pair in frames + shapes if relation(pair.a, pair.b) == "copy"] == []


def test_none_goes_among_the_others() -> None:
    values = [value for pair in list(pairs_of_frames())[::15] for value in (pair.a, pair.b)]
    unique = list({json.dumps(value): value for value in values}.values())
    assert [unique[row] for row in removed(unique, 72.0)] == []


@settings(max_examples=30)
@given(st.sampled_from(SENTENCES), st.booleans(), st.randoms(use_true_random=False))
def test_one_word_number_or_name_makes_another_example(text: str, is_long: bool, chance: random.Random) -> None:
    words = text.split()
    place = chance.randrange(1, len(words) - 1)
    one, other = chance.sample(NAMES, 2)
    changed = [
        ([*words[:place], one, *words[place:]], [*words[:place], other, *words[place:]]),
        (words, [*words[:place], chance.choice(NEGATIONS), *words[place:]]),
        ([*words[:place], one, *words[place:], other], [*words[:place], other, *words[place:], one]),
        (
            [*words[:place], str(chance.randrange(100, 999)), *words[place:]],
            [*words[:place], str(chance.randrange(1000, 9999)), *words[place:]],
        ),
        ([*words, "about", "the", chance.choice(WORDS)], [*words, "about", "the", "lantern"]),
    ]
    for first, second in changed:
        pair = [" ".join(part) for part in (first, second)]
        texts = [LONG.format(said) for said in pair] if is_long else pair
        assert relation(chat(texts[0], "Of course."), chat(texts[1], "Of course.")) != "copy", texts
        assert relation(chat("Say it again.", texts[0]), chat("Say it again.", texts[1])) != "copy", texts


@settings(max_examples=30)
@given(st.sampled_from(SENTENCES), st.sampled_from((str.upper, str.lower, str.title)), st.booleans())
def test_case_blanks_and_stops_make_no_other_example(text: str, recase: object, is_spaced: bool) -> None:
    if re.search(r"[\d:/@$£€%#^()<>=_`⟦\\]|[Ss]pelling|[A-Z]{2}|\b[A-Z]\b|\b(?:I|US|it|who)\b", text):
        return
    changed = recase(text)  # type: ignore[operator]
    changed = changed.replace(" ", "  ") if is_spaced else changed
    assert (
        relation(chat(text, "Of course, I will do that."), chat(changed, "Of course, I will do that.")) == "copy"
    )


def test_what_stands_in_a_chat_that_was_overwritten_by_chance_is_chance_but_for_numbers() -> None:
    text = LONG.format("A man from the mill told the members when the 17 new lamps could be put up.")
    damaged = text
    for small, other in (
        ("hall to", "hall garden"), ("about the", "engine the"), ("for the coming", "violin the coming"),
        ("which were", "pepper were"), ("what had", "blanket had"), ("with thanks", "shadow thanks"),
        ("had helped", "invoice helped"), ("from the", "harbour the"),
    ):  # fmt: skip
        assert small in damaged
        damaged = damaged.replace(small, other, 1)
    ask = "Please tell me once more what was said in the meeting."

    def told(changed: str) -> str:
        return relation(chat(ask, text), chat(ask, changed))

    assert told(damaged) == told(damaged.replace("A man", "A woman")) == "copy"
    assert told(text.replace("A man", "A woman")) != "copy"
    assert told(damaged.replace("17", "71")) != "copy"
    assert told(damaged.replace("new lamps", "new bright lamps")) == "copy"
