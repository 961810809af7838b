"""Answer patterns: the same verdicts as Python's own engine, without its traps."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from curator.core.answers.pattern import MAX_PATTERN, MAX_TEXT, automaton
from tests.thorough import examples

ATOMS = st.sampled_from(["a", "b", ".", r"\d", r"\w", "[ab]", "[^a]", r"\(", "é", "^", "$", "[]x-]", r"\n"])
REPEATS = st.sampled_from(["", "*", "+", "?", "{2}", "{1,2}", "{,2}", "{1,}", "*?", "??"])


def patterns() -> st.SearchStrategy[str]:
    """Small patterns of every supported construct. Nothing is repeated that could be empty and repeated."""
    part = st.tuples(ATOMS.filter(lambda atom: atom not in "^$"), REPEATS).map("".join) | st.sampled_from("^$")
    return st.recursive(
        part,
        lambda inner: (
            st.lists(inner, min_size=1, max_size=3).map("".join)
            | st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"(?:{'|'.join(parts)})")
            | st.tuples(inner, REPEATS).map(lambda pair: f"({pair[0]}){pair[1]}")
        ),
        max_leaves=6,
    )


@settings(max_examples=examples(400), deadline=None)
@given(patterns(), st.text("ab1(é\nx-", max_size=7))
def test_agrees_with_python(pattern: str, text: str) -> None:
    assume(not ("$" in pattern and "\n" in text))  # Python: before a last line break too
    assert automaton(pattern).matches(text) == bool(re.fullmatch(pattern, text))


@pytest.mark.parametrize(
    ("pattern", "fits", "fails"),
    [
        (r"\([a-z0-9]+\)", ["(tired)", "(100)"], ["tired", "(Tired)", "(tired) ", "()", ""]),
        (r"(?i)yes|no", ["YES", "no", "No"], ["yesno", "n"]),
        (r"^(positive|negative)$", ["positive", "negative"], ["neutral", "positive\n"]),
        (r"\([a-z]+\)(?: \([a-z]+\))*", ["(a) (b) (c)"], ["(a)(b)", "(a) "]),
        (r"-?\d+(\.\d+)?", ["3", "-3.14"], ["3.", "."]),
        ("", [""], ["a"]),
    ],
)
def test_whole_answers(pattern: str, fits: list[str], fails: list[str]) -> None:
    assert [text for text in fits if not automaton(pattern).matches(text)] == []
    assert [text for text in fails if automaton(pattern).matches(text)] == []


@pytest.mark.parametrize("pattern", [r"(a+)+b", r"(a|a)*b", r"(.*)*(.*)*(.*)*b", r"(a?){30}a{30}b"])
def test_patterns_that_hang_python_do_not_hang_here(pattern: str) -> None:
    """Backtracking would take longer than the age of the universe; the test's own time limit is the judge."""
    assert not automaton(pattern).matches("a" * MAX_TEXT)
    assert not automaton(pattern).matches("a" * (MAX_TEXT + 1))


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(", "no regular expression"),
        ("[a", "no regular expression"),
        ("a**", "no regular expression"),
        (r"(a)\1", r"'\1' at column 4"),
        ("a(?=b)", "'(?=b)' at column 2"),
        (r"\bword", r"'\bword' at column 1"),
        ("a*+", "'*+' at column 2"),
        ("a{1,100000}", "smaller repeat counts"),
        ("(?:a{99}){99}", "smaller repeat counts"),
        ("a{99999999999999999999}", "no regular expression"),
        ("(" * 60 + ")" * 60, "nested too deeply"),
        ("a" * (MAX_PATTERN + 1), "501 characters"),
    ],
)
def test_a_bad_pattern_says_what_is_wrong(pattern: str, words: str) -> None:
    with pytest.raises(ValueError) as caught:
        automaton(pattern)
    assert words in str(caught.value)


@given(st.text(max_size=40))
def test_any_text_makes_a_pattern_or_a_value_error(text: str) -> None:
    try:
        automaton(text).matches("aa")
    except ValueError:
        return
    assert re.compile(text)
