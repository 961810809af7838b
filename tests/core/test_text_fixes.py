"""What taking characters out of a text leaves: no words glued together, no rest of an escape sequence."""

from __future__ import annotations

import re

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.core.example import parse
from curator.core.rules import Context, fix

BREAKS = "\x0b\x0c\x85\u2028\u2029"
BLANKS = "\x1c\x1d\x1e\x1f"
WORDS = st.text("abcXYZ09", min_size=1, max_size=4)


def cleaned(text: str) -> str:
    """The answer after both fixes on characters."""
    example = {"messages": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": text}]}
    raw = orjson.dumps(example)
    for rule in ("control_characters", "hidden_characters"):
        raw = fix(parse(raw), rule, Context()) or raw
    return str(orjson.loads(raw)["messages"][1]["content"])


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("sep\u2028line", "sep\nline"),
        ("one\u0085two\u2029three", "one\ntwo\nthree"),
        ("one\u2028\u2028two", "one\ntwo"),
        ("one \u2028two\u2029", "one two"),
        ("one\u2028\ntwo", "one\ntwo"),
        ("page\x0cpage\x1funit", "page\npage unit"),
        ("\x1b[31mred\x1b[0m, \x1b[1;38;5;9mbold\x1b[m", "red, bold"),
        ("\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x07.", "link."),
        ("\x1b]0;title\x07$ ls\x1b[K", "$ ls"),
        ("\x1b(Bplain \x1b[2", "plain "),
        ("\x9b1mbold\x9b0m", "bold"),
        ("ESC\x1bape and \x1b]open end", "ESCape and ]open end"),
        ("soft\u00adhyphen zero\u200bwidth", "softhyphen zerowidth"),
    ],
)
def test_what_stays_of_a_text(text: str, wanted: str) -> None:
    assert cleaned(text) == wanted


@given(st.lists(WORDS, min_size=2, max_size=5), st.data())
def test_words_stay_apart_and_whole(words: list[str], data: st.DataObject) -> None:
    between = st.text(BREAKS + BLANKS, min_size=1, max_size=3)
    text = words[0] + "".join(data.draw(between) + word for word in words[1:])
    assert cleaned(text).split() == words


@given(st.lists(WORDS, min_size=1, max_size=4), st.lists(st.integers(0, 255), max_size=4))
def test_no_colour_leaves_a_trace(words: list[str], colours: list[int]) -> None:
    start = f"\x1b[{';'.join(map(str, colours))}m"
    text = " ".join(f"{start}{word}\x1b[0m" for word in words)
    assert cleaned(text) == " ".join(words)
    assert not re.search(r"\x1b|\[", cleaned(text))
