"""What must hold for any line: rules never fall over, the short ways say the same, safe fixes settle."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.core import rules, splice
from curator.core.example import Example, parse
from curator.core.problem import Method, Problem
from curator.core.rules import engine
from curator.core.rules.facts import facts_of
from curator.core.rules.has import Has
from curator.core.rules.quick.quick_look import QuickLook, not_well_formed, quick_looks
from curator.core.rules.subject import Subject
from tests.core.rules_cases import CALLED, CASES, NEEDS_A, TOOL, bot, call, calling, chat, raw, system, told, user
from tests.thorough import examples

OPENAI = rules.Context()

ROLES = st.sampled_from(
    ["system", "developer", "user", "assistant", "tool", "function", "bot", "", None, 3, ["x"]]
)
PLAIN_TEXTS = ["Hi", "Hello there.", "", " ", " edge", "edge\n", '"q": \\', "a : b"]
ODD_TEXTS = [
    "é “x” 日本語",
    "Привет",
    "pаypal",
    "a\u200bb",
    "\x1b[31m",
    "\x7f",
    "👩‍💻 ❤️",
    "x\U000e0041",
    "\ufeffx",
    "\ud83d",
]
MARKED_TEXTS = ["<|im_start|>", "me@example.org", "555-123-4567", "4111 1111 1111 1111", "commit suicide"]
MARKED_TEXTS += ["a pipe bomb", "I'm sorry, I can't do that.", "-----BEGIN PRIVATE KEY-----", "AKIA" + "A1" * 8]
MARKED_TEXTS += [
    "sk-" + "a1" * 12,
    "ghp_" + "a1" * 18,
    "xoxb-123456789012-abc",
    "eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0",
]
ENCODED_TEXTS = [
    "caf\u00c3\u00a9",
    "\u00e2\u20ac\u2122",
    "\u00c5\u0093",
    "one.\\nTwo",
    "a &amp; b",
    "&#39;",
    "\u00f0\u0178\u02dc\u20ac",
]
ENCODED_TEXTS += [
    "[INST] x [/INST]",
    "x</s>",
    "<start_of_turn>user",
    "<\uff5cUser\uff5c>",
    "[TOOL_CALLS]",
    "<bos>",
]
ENCODED_TEXTS += [
    "[{'role': 'user', 'content': 'x'}]",
    '[{"type": "text", "text": "x"}]',
    "<<SYS>>",
    "caf\u00c3\xa9 \u00c6\u2019",
]
TEXTS = st.sampled_from(PLAIN_TEXTS + ODD_TEXTS + MARKED_TEXTS + ENCODED_TEXTS) | st.text(max_size=6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.just(float("nan")) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
PARTS = st.lists(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["text", "image_url", "refusal", "file", None])},
        optional={
            "text": TEXTS | st.none(),
            "refusal": TEXTS,
            "image_url": JSON | st.just({"url": "data:image/png;base64,xx"}),
        },
    )
    | JSON,
    max_size=3,
)
CALLS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "id": st.sampled_from(["c1", "c2", "", 3]),
            "type": st.sampled_from(["function", "x"]),
            "function": st.fixed_dictionaries({}, optional={"name": TEXTS | st.just("f"), "arguments": JSON})
            | JSON,
        },
    )
    | JSON,
    max_size=3,
)
MESSAGE = st.fixed_dictionaries({"role": ROLES, "content": TEXTS | PARTS | JSON}) | st.fixed_dictionaries(
    {},
    optional={
        "role": ROLES,
        "content": TEXTS | PARTS | JSON,
        "name": TEXTS,
        "weight": JSON,
        "refusal": TEXTS | st.none(),
        "tool_calls": CALLS | JSON,
        "tool_call_id": st.sampled_from(["c1", "c2", None, 3, ["c1"]]),
        "function_call": st.fixed_dictionaries({}, optional={"name": TEXTS, "arguments": JSON}) | JSON,
        "ts": JSON,
    },
)
MESSAGES = st.lists(MESSAGE | JSON, max_size=4)
TOOLS = st.lists(st.fixed_dictionaries({"type": st.just("function"), "function": JSON}) | JSON, max_size=2) | JSON
CHAT = st.fixed_dictionaries(
    {"messages": MESSAGES | JSON},
    optional={
        "tools": TOOLS,
        "functions": TOOLS,
        "parallel_tool_calls": JSON,
        "tool_choice": JSON,
        "weight": JSON,
    },
)
PREFERENCE = st.fixed_dictionaries(
    {},
    optional={
        "input": st.fixed_dictionaries({}, optional={"messages": MESSAGES | JSON, "tools": TOOLS}) | JSON,
        "preferred_output": MESSAGES | JSON,
        "non_preferred_output": MESSAGES | JSON,
        "preferred_completion": MESSAGES | JSON,
        "non_preferred_completion": JSON,
    },
)
PLAIN = st.fixed_dictionaries(
    {
        "messages": st.lists(
            st.fixed_dictionaries({"role": st.sampled_from(["system", "user", "assistant"]), "content": TEXTS}),
            max_size=4,
        )
    }
)
TEXT_PARTS = [{"type": "text", "text": "Look:"}, {"type": "text", "text": "x"}]
ARGUED = bot("I look.", tool_calls=[call()])
EMPTY = bot(None, tool_calls=[call()])
WHOLE = [
    CALLED,
    chat(),
    chat(user('Grüße 👩‍💻 Привет “x” \\ "q"'), bot("😀")),
    chat(system("Be kind."), user(name="Zoe_B"), bot(weight=0), user(), bot("Good day.", weight=1, name="a-1")),
    chat(system(TEXT_PARTS), user(TEXT_PARTS), bot(TEXT_PARTS), parallel_tool_calls=True),
    chat(user(), calling(call(), call(id="c2")), told(id="c2"), told(), bot(), tools=[NEEDS_A]),
    chat(
        user(), bot("I look.", tool_calls=[call()]), told('{"a": "call 5551234567 at once"}'), bot(), tools=[TOOL]
    ),
    chat(user(), bot("", tool_calls=[call()]), tools=[TOOL]),
    chat(
        user(), bot(None, tool_calls=[call()]), told(), calling(call(id="c2")), told(id="c2"), bot(), tools=[TOOL]
    ),
]
"""Well-formed chats of every kind."""


@st.composite
def nearly(draw: st.DrawFn, wholes: list[Any]) -> Any:
    """A well-formed chat in which one value somewhere is another one, or gone, or a key is new."""
    value = json.loads(json.dumps(draw(st.sampled_from(wholes))))
    item, steps = value, draw(st.integers(1, 7))
    for _ in range(steps):
        keys = list(item) if isinstance(item, dict) else list(range(len(item)))
        key = draw(st.sampled_from(keys)) if keys else None
        if key is None or not isinstance(item[key], dict | list) or not item[key]:
            break
        item = item[key]
    how = draw(st.sampled_from(["set", "remove", "add", "repeat"]))
    if isinstance(item, dict):
        name = draw(st.sampled_from([*item, "name", "weight", "x", "tool_call_id", "tools"]))
        if how == "remove":
            item.pop(name, None)
        else:
            item[name] = draw(JSON | ROLES | TEXTS)
    elif item:
        at = draw(st.integers(0, len(item) - 1))
        if how == "remove":
            del item[at]
        elif how == "repeat":
            item.insert(draw(st.integers(0, len(item))), item[at])
        else:
            item[at] = draw(JSON)
    return value


NEARLY_WHOLE = nearly(WHOLE)
VALUES = CHAT | PREFERENCE | PLAIN | st.fixed_dictionaries({"prompt": JSON, "completion": JSON}) | JSON
SPELLINGS = st.sampled_from(
    [{"ensure_ascii": True}, {"ensure_ascii": False}, {"separators": (",", ":")}, {"separators": (" , ", " : ")}]
)
TEXT_RULES = {
    rule.id
    for rule in rules.REGISTRY.values()
    if rule.check and rule.check.__module__.endswith(("text", "privacy", "encodings"))
}
NOW_A_TEXT = ("content_wrong_type", "tool_content_not_string", "message_missing_key", "unknown_top_level_key")
"""Rules whose fix makes a text of what was none; the rules on texts look at it then."""
TOLD = {
    **dict.fromkeys(NOW_A_TEXT, TEXT_RULES),
    "tool_arguments_empty": {"tool_arguments_not_json"},
    "system_not_first": {"consecutive_same_role"},
    "tool_arguments_not_string": {"tool_arguments_not_json", "secret_like", "pii_like"},  # of keys and numbers
    "tool_call_shape": {"tool_call_unanswered"},
}
"""What a safe fix may bring about, and says so."""
METHODS = st.sampled_from([None, "supervised", "dpo", "reinforcement"])


def line(value: Any, how: dict[str, Any]) -> bytes:
    return json.dumps(value, **how).encode("utf-8", "surrogatepass")


def everything(example: Example, context: rules.Context) -> list[Problem]:
    """Every rule of the format is called, whatever the example seems to hold."""
    subject = Subject(example, context)
    subject.has = Has.ALL
    return engine.check_subject(subject, context)


@settings(max_examples=examples(300))
@given(VALUES, SPELLINGS, METHODS, st.sampled_from(["openai", "azure", "local"]))
def test_no_line_makes_a_rule_fall_over_or_be_left_out(
    value: Any, how: dict[str, Any], method: Method | None, profile: Any
) -> None:
    context = rules.Context(profile, method)
    example = parse(line(value, how))
    assert rules.check(example, context) == everything(example, context)
    if example.value is not None:
        facts_of(Subject(example, context), context)


@settings(max_examples=examples(200))
@given(VALUES, SPELLINGS)
def test_fixes_settle_and_do_not_fall_over(value: Any, how: dict[str, Any]) -> None:
    example = parse(line(value, how))
    once, _ = rules.fix_all(example, OPENAI)
    again, done = rules.fix_all(parse(once), OPENAI)
    assert (again, done) == (once, {})
    rules.fix_all(example, OPENAI, unsafe=True)


def is_well_formed(text: bytes, context: rules.Context) -> bool:
    return not not_well_formed([text], context)


def look(text: bytes, context: rules.Context) -> QuickLook | None:
    """What is seen of a line, by itself and among many."""
    seen = quick_looks([text], context)[0]
    assert quick_looks([text], context, many=True)[0] == seen
    return seen


def hold_together(text: bytes, context: rules.Context) -> bool:
    """The typed path and the rules say the same of a line; whether the typed path had an answer to all."""
    subject = Subject(parse(text), context)
    if is_well_formed(text, context):
        assert not rules.check(subject.example, replace(context, quick=True))
    seen = look(text, context)
    if seen is None:
        return False
    assert list(seen.problems) == rules.check(subject.example, context)
    assert seen.facts == facts_of(subject, context)
    assert seen.value is None or seen.value == subject.value
    return True


@settings(max_examples=examples(300))
@given(CHAT | NEARLY_WHOLE, SPELLINGS)
def test_a_safe_fix_makes_no_other_rule_worse(value: Any, how: dict[str, Any]) -> None:
    example, context = parse(line(value, how)), rules.Context(method="supervised")
    before = Counter(problem.rule for problem in rules.check(example, context))
    for name in {problem.rule for problem in rules.check(example, context) if problem.fix == "safe"}:
        fixed = rules.fix(example, name, context, safe_only=True)
        if fixed is not None:
            after = Counter(problem.rule for problem in rules.check(parse(fixed), context))
            assert after[name] < before[name], (name, example.raw, fixed)
            worse = {rule for rule in after if after[rule] > before[rule]} - TOLD.get(name, set())
            assert not worse, (name, example.raw, fixed)


@settings(max_examples=examples(300))
@given(PLAIN | CHAT | NEARLY_WHOLE, SPELLINGS, METHODS, st.sampled_from(["openai", "azure", "local"]))
def test_the_typed_path_says_what_the_rules_say(
    value: Any, how: dict[str, Any], method: Method | None, profile: Any
) -> None:
    hold_together(line(value, how), rules.Context(profile, method))


@settings(max_examples=examples(200))
@given(st.lists(st.tuples(PLAIN | CHAT | NEARLY_WHOLE, SPELLINGS), max_size=6))
def test_many_lines_together_are_seen_as_each_by_itself(lines: list[tuple[Any, dict[str, Any]]]) -> None:
    texts = [line(value, how) for value, how in lines]
    assert quick_looks(texts, OPENAI, many=True) == [quick_looks([text], OPENAI)[0] for text in texts]
    others = [at for at, text in enumerate(texts) if not_well_formed([text], OPENAI)]
    assert not_well_formed(texts, OPENAI) == others


NUMBERS = st.text("0123456789 ().-+xa", min_size=6, max_size=24)
MARKING = st.text("<|sk-xobAKIeyJzg_hpBEGN@y lurombuicd\\", min_size=2, max_size=12)


@settings(max_examples=examples(500))
@given(st.lists(NUMBERS | MARKING | TEXTS, min_size=1, max_size=4), SPELLINGS)
def test_no_number_and_no_mark_is_overlooked(texts: list[str], how: dict[str, Any]) -> None:
    lines = [line(chat(system("Be kind."), user(f"Of {text}!"), bot()), how) for text in texts]
    for text in lines:
        hold_together(text, OPENAI)
    assert quick_looks(lines, OPENAI, many=True) == [quick_looks([text], OPENAI)[0] for text in lines]


@pytest.mark.parametrize(
    "text",
    [
        *("+49 (30) 1234567", "(555) 123-4567", "555.123.4567", "4111-1111-1111-1111", "+1 2345678", "+12345678"),
        *("a bomb", "make a pipe bomb", "commit suicide", "Kill yourself", "kill your family", "me@example.org"),
        *(
            "<|endoftext|>",
            "x\x7f",
            "x\U000e0041",
            "p\u0430ypal",
            "-----BEGIN PRIVATE KEY-----",
            *MARKED_TEXTS,
            *ENCODED_TEXTS,
        ),
    ],
)
@pytest.mark.parametrize("shift", range(4))
def test_what_a_rule_on_texts_minds_is_seen_among_many_lines(text: str, shift: int) -> None:
    """At each place modulo four, as the sieve compares several bytes as one number."""
    clean = line(chat(system("Be kind."), user(), bot()), {})
    marked = line(
        chat(system("Be kind."), user("x" * shift + f" {text} and so on"), bot()), {"ensure_ascii": False}
    )
    found = quick_looks([clean, marked, clean], OPENAI, many=True)
    minded = bool(rules.check(parse(marked), OPENAI))
    assert [seen is None for seen in found] == [False, minded, False]


@pytest.mark.parametrize("name", CASES)
def test_the_typed_path_leaves_no_fault_out(name: str) -> None:
    for value in (CASES[name].found, CASES[name].clean):
        hold_together(raw(value), OPENAI)


@pytest.mark.parametrize("value", WHOLE)
@pytest.mark.parametrize("how", [{}, {"ensure_ascii": False, "separators": (",", ":")}])
def test_the_typed_path_takes_every_kind_of_well_formed_chat(value: Any, how: dict[str, Any]) -> None:
    text = line(value, how)
    assert is_well_formed(text, OPENAI)
    assert hold_together(text, OPENAI)


@pytest.mark.parametrize(
    "text",
    [
        b'{"messages":[{"role":"user","content":"\xed\xa0\x80"},{"role":"assistant","content":"x"}]}',
        b'{"messages":[{"role":"user","content":"\\ud83d"},{"role":"assistant","content":"x"}]}',
        b'{"messages":[{"role":"user","content":"\xff"},{"role":"assistant","content":"x"}]}',
        b'{"messages":[{"role":"user","content":"a\x01b"},{"role":"assistant","content":"x"}]}',
        b'{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"x"}]} {}',
        b'{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"x"}]',
        b'{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"x",}]}',
    ],
)
def test_what_is_no_json_is_not_clean(text: bytes) -> None:
    assert rules.check(parse(text), OPENAI)
    assert not is_well_formed(text, OPENAI) and look(text, OPENAI) is None


@pytest.mark.parametrize(
    "text",
    [
        b'{"messages":[{"role":"user","role":"user","content":"a"},{"role":"assistant","content":"x"}]}',
        b'{"messages":[{"role":"user" ,"content" : "a","content":"b"},{"role":"assistant","content":"x"}]}',
        b'{"messages":[{"role":"user","content":"\\": \\":","\\\\":1,"\\\\":2}]}',
        b'{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"x"}],"messages"\t:[]}',
    ],
)
def test_a_repeated_key_is_never_missed(text: bytes) -> None:
    assert "duplicate_json_key" in {problem.rule for problem in rules.check(parse(text), OPENAI)}
    assert look(text, OPENAI) is None and not is_well_formed(text, OPENAI)


@given(st.dictionaries(st.text(max_size=3), st.text(max_size=6), max_size=4), SPELLINGS)
def test_a_key_that_stands_once_is_never_called_repeated(value: dict[str, str], how: dict[str, Any]) -> None:
    text = line({"messages": [{"role": "user", "content": "x", **value}]}, how)
    assert "duplicate_json_key" not in {problem.rule for problem in rules.check(parse(text), OPENAI)}


def test_equal_values_have_equal_facts_whatever_their_spelling() -> None:
    value = {"messages": [{"role": "user", "content": "Grüße 👋"}, {"role": "assistant", "content": "Hi"}]}
    turned = {"messages": [dict(reversed(message.items())) for message in value["messages"]]}
    spellings = [line(value, {}), line(turned, {"ensure_ascii": False, "separators": (",", ":")})]
    assert len({facts_of(Subject(parse(text), OPENAI), OPENAI) for text in spellings}) == 1


def test_what_differs_has_other_facts() -> None:
    texts = [
        b'{"messages":[],"x":NaN}',
        b'{"messages":[],"x":null}',
        b'{"messages":[],"x":1e999}',
        b"NaN",
        b"null",
    ]
    assert len({facts_of(Subject(parse(text), OPENAI), OPENAI).prompt for text in texts}) == len(texts)


def test_a_last_message_that_is_no_object_is_no_answer() -> None:
    subject = Subject(parse(raw(chat(user(), bot(), "Bye"))), OPENAI)
    assert facts_of(subject, OPENAI).answer == 0


@pytest.mark.parametrize(
    ("text", "rule", "words"),
    [
        (b'{"messages":[{"role":"assistant","content":"y","weight":1e400}]}', "non_finite_number", "too large"),
        (
            b'{"messages":[{"role":"assistant","content":"y","weight":-Infinity}]}',
            "non_finite_number",
            "-Infinity",
        ),
        (b'{"messages":' + b"9" * 5_000 + b"}", "invalid_json", "more digits than can be read"),
        (b'\xef\xbb\xbf{"messages":[]}', "file_bom", "the line begins with a byte order mark"),
    ],
)
def test_a_fault_is_told_in_plain_words(text: bytes, rule: str, words: str) -> None:
    assert words in next(problem.message for problem in rules.check(parse(text), OPENAI) if problem.rule == rule)


def test_depth_and_length_are_no_danger() -> None:
    deep = b'{"messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    assert [problem.rule for problem in rules.check(parse(deep), OPENAI)] == ["invalid_json"]
    long = splice.dump({"messages": [{"role": "user", "content": "x" * 17_000_000}]})
    assert [problem.rule for problem in rules.check(parse(long), OPENAI)] == ["invalid_json"]
