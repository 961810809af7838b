"""What goes to the screen: one visible character for each character that could be unseen or obeyed."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.core.named_lines import named_lines
from curator.core.rules.families.text import CONTROL, HIDDEN, unwanted_offsets
from curator.core.text import needed_joiners, one_line, printable

HIDING = (
    "\u200b\u200c\u200d\u200e\u202e\u2060\u2066\ufeff\xad\u034f\u3164\u180e\U000e0041\U000e0100\x1b\x7f\x85\ud800"
)


@pytest.mark.parametrize("character", HIDING)
def test_what_shows_nothing_gets_a_stand_in(character: str) -> None:
    shown = printable(f"a{character}b")
    assert len(shown) == 3 and shown[0] + shown[2] == "ab"
    assert unicodedata.category(shown[1]) == "So"


@pytest.mark.parametrize(
    "text",
    [
        "👩\u200d💻",
        "❤\ufe0f\u200d🔥",
        "\U0001f3f4\U000e0067\U000e0062\U000e007f",
        "می\u200cخواهم",
        "क\u094d\u200dष",
    ],
)
def test_what_an_emoji_or_a_script_needs_stays(text: str) -> None:
    assert printable(text) == text
    assert needed_joiners(text)


def test_tags_that_spell_a_message_are_all_shown_and_all_found() -> None:
    hidden = "".join(chr(0xE0000 + ord(letter)) for letter in "obey")
    assert printable(f"Hi{hidden}!") == "Hi␦␦␦␦!"
    assert unwanted_offsets(f"Hi{hidden}!", HIDDEN) == [2, 3, 4, 5]


@given(st.text())
def test_offsets_stay_true_and_twice_is_once(text: str) -> None:
    shown = printable(text)
    assert len(shown) == len(text) and printable(shown) == shown
    assert len(one_line(text)) == len(text) and not {"\n", "\t"} & {*one_line(text)}


@given(st.text(st.sampled_from(HIDING + "ab👩💻🏴\ufe0f\U000e007f")))
def test_what_the_rules_call_hidden_is_what_gets_a_stand_in(text: str) -> None:
    places = {*unwanted_offsets(text, CONTROL), *unwanted_offsets(text, HIDDEN)}
    changed = {at for at, (before, after) in enumerate(zip(text, printable(text), strict=True)) if before != after}
    assert changed - places <= {at for at, character in enumerate(text) if "\ud800" <= character <= "\udfff"}
    assert places <= changed


@pytest.mark.parametrize(
    ("message", "lines"),
    [
        ("Invalid file format. Example 1273 cannot be parsed. Error: line contains invalid json: Expecting ',' "
         "delimiter: line 1 column 79 (char 78) (line 1273)", (1273,)),
        ('Line 1, message 3, key "content": Input should be a valid string', (1,)),
        ("This file failed moderation safety checks. Flagged lines: 4, 13", (4, 13)),
        ('Example 1 contains an extra "weight".', (1,)),
        ("delimiter: line 12 column 5", ()),
        ("Training file has 7 example(s), but must have at least 10 examples", ()),
        ("Step 3/30: training loss=0.10 at line 0", ()),
    ],
)  # fmt: skip
def test_the_lines_that_a_message_names(message: str, lines: tuple[int, ...]) -> None:
    assert named_lines(message) == lines
