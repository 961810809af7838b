"""The query language: what it means, where a bad one breaks off, what may stand at the cursor."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.core.example import parse as parse_example
from curator.core.query import query
from curator.core.query.query import And, Choice, Not, Or, QueryError, Range, Text, parse


def word(text: str, role: str | None = None) -> Text:
    return Text("word", text, role)


@pytest.mark.parametrize(
    "text, tree",
    [
        ("", And()),
        ("   ", And()),
        ("hello", word("hello")),
        ("hello world", And((word("hello"), word("world")))),
        ('"hello world"', word("hello world")),
        (r'"say \"hi\""', word('say "hi"')),
        ("a or b", Or((word("a"), word("b")))),
        ("a b OR c", Or((And((word("a"), word("b"))), word("c")))),
        ("(a or b) c", And((Or((word("a"), word("b"))), word("c")))),
        ("-a !b", And((Not(word("a")), Not(word("b"))))),
        ("-(a or b)", Not(Or((word("a"), word("b"))))),
        ("~helo", Text("fuzzy", "helo")),
        ("/^a b$/", Text("regex", "^a b$/")),
        ("/x/i", Text("regex", "x/i")),
        (r"/a\/b/", Text("regex", "a/b/")),
        ("user:hi", word("hi", "user")),
        ('assistant:"a b"', word("a b", "assistant")),
        ("system:/x/", Text("regex", "x/", "system")),
        ("is:error", Choice("is", ("error",))),
        ("is:error|warning", Choice("is", ("error", "warning"))),
        ("IS:Error", Choice("is", ("error",))),
        ('label:"very good"', Choice("label", ("very good",))),
        ("rule:missing_content", Choice("rule", ("missing_content",))),
        ("source:a.jsonl", Choice("source", ("a.jsonl",))),
        ("rating>=4", Range("rating", 4, None)),
        ("tokens>500", Range("tokens", 501, None)),
        ("messages<3", Range("messages", None, 2)),
        ("tokens<=10", Range("tokens", None, 10)),
        ("rating=3", Range("rating", 3, 3)),
        ("line:120-140", Range("line", 120, 140)),
        ("line:7", Range("line", 7, 7)),
        ("id:3|7-9|12-", Or((Range("id", 3, 3), Range("id", 7, 9), Range("id", 12, None)))),
        ("rating:4|5 a", And((Or((Range("rating", 4, 4), Range("rating", 5, 5))), word("a")))),
        ("line:7-", Range("line", 7, None)),
        ("line:-7", Range("line", None, 7)),
        ('answer:"(cake)"', word("(cake)", "answer")),
        ("prompt:cake", word("cake", "prompt")),
        ("https://x.y", word("https://x.y")),
        ("well-known", word("well-known")),
        ("orange", word("orange")),
        ("(tired)", word("(tired)")),
        ("(y)", word("(y)")),
        ("-(tired)", Not(word("(tired)"))),
        ("assistant:(tired)", word("(tired)", "assistant")),
        ("-assistant:(y) is:error", And((Not(word("(y)", "assistant")), Choice("is", ("error",))))),
        ("((tired))", word("(tired)")),
        ("((tired) or (sad)) -user:(ok)", And((Or((word("(tired)"), word("(sad)"))), Not(word("(ok)", "user"))))),
        ("(assistant:(tired) or a)", Or((word("(tired)", "assistant"), word("a")))),
        ("(brain_teaser) (smile-cat) (8)", And((word("(brain_teaser)"), word("(smile-cat)"), word("(8)")))),
        ("(a)(b)", word("(a)(b)")),
        ("print(x)", word("print(x)")),
        ("a(b or c)", And((word("a"), Or((word("b"), word("c")))))),
        (":)", word(":)")),
        (":-( or ;)", Or((word(":-("), word(";)")))),
        ("assistant::)", word(":)", "assistant")),
        ("( :) or a)", Or((word(":)"), word("a")))),
        ("( tired )", word("tired")),
        ("(is:error)", Choice("is", ("error",))),
        ("(tokens>5)", Range("tokens", 6, None)),
        ("(-a)", Not(word("a"))),
        ('("a")', word("a")),
        ("(/a/)", Text("regex", "a/")),
        ("(https://x.y)", word("(https://x.y)")),
    ],
)
def test_a_query_means(text: str, tree: query.Query) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize(
    "text, at",
    [
        ("(a", 0),
        ("(foo:bar)", 1),
        ("assistant:(a or b)", 10),
        ("(a b))", 5),
        ("a)", 1),
        ("()", 1),
        ("a or", 4),
        ("or a", 0),
        ("-", 0),
        ("a -", 2),
        ('"open', 0),
        ("x /open", 2),
        ("/[/", 1),
        ("is:", 3),
        ("is:strange", 3),
        ("foo:bar", 0),
        ("a foo:bar", 2),
        ("rating>=x", 8),
        ("line:a-b", 5),
        ("id:3|", 5),
        ("id:3||4", 5),
        ("id:3|x", 5),
        ("id:-", 3),
        ("tokens>3|4", 7),
        ("label>3", 5),
        ("~", 0),
        ('""', 0),
        ("split:tests", 6),
        ("is:error rule:invalid_jsn", 14),
        ("rule:invalid_json|unknown", 18),
        ("(" * 80 + "a" + ")" * 80, 51),
        ("tokens>", 7),
    ],
)
def test_a_bad_query_says_where_it_breaks_off(text: str, at: int) -> None:
    with pytest.raises(QueryError) as caught:
        parse(text)
    assert caught.value.position == at
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("rule:missing_contents", "did you mean missing_content?"),
        ("rule:emoji", "did you mean emoji_in_answer?"),
        ("rule:zzzz", "docs/rules.md lists them"),
    ],
)
def test_a_rule_that_is_none_is_told_with_a_hint(text: str, hint: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(text)
    assert caught.value.reason == f"no rule is called '{text[5:]}'; {hint}"


@given(st.text(alphabet='ab:-!()"/~|<>=0 orisnt;', max_size=30))
def test_a_query_means_the_same_in_a_group(text: str) -> None:
    try:
        alone = parse(text)
    except QueryError:
        return
    if alone != And():
        assert parse(query.grouped(text)) == alone
        assert parse(query.grouped(query.grouped(text)) + "is:error") == And((alone, Choice("is", ("error",))))


@given(st.from_regex(r"\A\([a-z][a-z0-9_.!?'+*#-]{0,10}\)\Z"), st.sampled_from(["", "assistant:"]))
def test_an_answer_in_parentheses_is_searched_as_it_is_typed(answer: str, field: str) -> None:
    assert parse(field + answer) == word(answer, field[:-1] or None)


@given(st.text(alphabet='ab:-!()"/~|<>=0 orisnt', max_size=30))
def test_any_text_is_a_query_or_a_query_error(text: str) -> None:
    try:
        parse(text)
    except QueryError as error:
        assert 0 <= error.position <= len(text)


def example(*turns: tuple[str, str]) -> bytes:
    return json.dumps({"messages": [{"role": role, "content": text} for role, text in turns]}).encode()


@pytest.mark.parametrize(
    "text, found",
    [
        ("HELLO", True),
        ("lo, wxr", False),
        ('"lo, wor"', True),
        ("~helo", True),
        ("~hxxxo", False),
        ("/H.llo/", True),
        ("/h.llo/", False),
        ("/h.llo/i", True),
        ("user:hello", True),
        ("assistant:hello", False),
        ("café", True),
        ("CAFÉ", True),
        ("content", False),
        ("role", False),
        ("strasse", False),
    ],
)
def test_text_is_looked_for_in_messages_only(text: str, found: bool) -> None:
    parsed = parse_example(example(("user", "Hello, world"), ("assistant", "un café, Straße")))
    tree = parse(text)
    nodes = tree.items if isinstance(tree, And) else (tree,)
    assert all(isinstance(node, Text) and node.matches(parsed) for node in nodes) is found


TURNS = (("system", "Be sweet"), ("user", "cake"), ("assistant", "no"), ("user", "why"), ("assistant", "pie"))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("answer:pie", True),
        ("answer:no", False),
        ("prompt:no", True),
        ("prompt:cake", True),
        ("prompt:sweet", False),
        ("prompt:pie", False),
        ("-answer:cake", True),
        ("answer:/^p.e$/", True),
    ],
)
def test_the_answer_is_the_last_one_and_the_prompt_what_is_said_before(text: str, found: bool) -> None:
    tree = parse(text)
    matches = tree.item if isinstance(tree, Not) else tree
    assert isinstance(matches, Text)
    assert matches.matches(parse_example(example(*TURNS))) is (found != isinstance(tree, Not))


def test_without_an_answer_everything_is_prompt() -> None:
    asked = parse_example(example(("system", "a"), ("user", "b")))
    assert word("b", "prompt").matches(asked)
    assert not word("b", "answer").matches(asked)
    assert not word("a", "prompt").matches(asked)


def test_matches_in_the_answer_are_highlighted_there() -> None:
    assert query.spans(parse("answer:ca"), "cake", "assistant") == [(0, 2)]
    assert query.spans(parse("answer:ca"), "cake", "user") == []
    assert query.spans(parse("prompt:ca"), "cake", "user") == [(0, 2)]


def test_a_broken_line_is_found_by_its_own_text() -> None:
    assert word("bad").matches(parse_example(b"{bad json"))
    assert not word("bad", "user").matches(parse_example(b"{bad json"))


def test_highlights_are_the_places_of_the_words() -> None:
    text = "The cat saw the CAT"
    assert query.spans(parse("cat -dog user:saw"), text, "user") == [(4, 7), (8, 11), (16, 19)]
    assert query.spans(parse("user:saw"), text, "assistant") == []
    assert query.spans(parse("/c.t/"), text) == [(4, 7)]
    assert query.spans(parse("~caat"), text) == [(4, 7), (16, 19)]


@given(st.text(max_size=40), st.text(min_size=1, max_size=5))
def test_a_word_that_is_highlighted_is_in_the_text(text: str, needle: str) -> None:
    for start, end in word(needle).spans(text):
        assert text[start:end].lower() == needle.lower() or len(text[start:end]) == len(needle)
    if needle.isascii() and needle in text and text.isascii():
        assert word(needle).spans(text)


@pytest.mark.parametrize(
    "text, cursor, first",
    [
        ("is:er", 5, "error"),
        ("is:error|wa", 11, "warning"),
        ("lab", 3, "label:"),
        ("a rat", 5, "rating"),
        ("label:ve", 8, '"very good"'),
        ("rule:missing_c", 14, "missing_content"),
        ("split:v", 7, "validation"),
        ("source:", 7, "a.jsonl"),
        ("-is:du", 6, "duplicate"),
    ],
)
def test_completions(text: str, cursor: int, first: str) -> None:
    offered = query.completions(text, cursor, ["bad", "very good"], ["a.jsonl"])
    assert [c.text for c in offered][:1] == [first]
    completed = text[: offered[0].start] + offered[0].text + text[offered[0].end :]
    if not first.endswith(":") and first not in query.NUMBERS:
        parse(completed)
