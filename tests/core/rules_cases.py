"""For each rule about one example: what it finds, and a near miss that it must leave alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from curator.core import splice
from curator.core.answers.contract import Contract

Json = Any


@dataclass(frozen=True)
class Case:
    """`found` breaks the rule, `clean` nearly does; bytes or a value. `options` go to the context."""

    found: Json
    clean: Json
    options: Mapping[str, Any]


def raw(value: Json) -> bytes:
    """The line of a case."""
    return value if isinstance(value, bytes) else splice.dump(value)


def user(content: Json = "Hi", **more: Json) -> Json:
    return {"role": "user", "content": content, **more}


def bot(content: Json = "Yo", **more: Json) -> Json:
    return {"role": "assistant", "content": content, **more}


def system(content: Json = "Be brief.") -> Json:
    return {"role": "system", "content": content}


def chat(*messages: Json, **more: Json) -> Json:
    return {"messages": list(messages) or [system(), user(), bot()], **more}


def call(name: str = "f", arguments: Json = '{"a":1}', id: str = "c1", **more: Json) -> Json:  # noqa: A002
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}, **more}


def calling(*calls: Json) -> Json:
    return {"role": "assistant", "tool_calls": list(calls)}


def told(content: Json = "3", id: str = "c1") -> Json:  # noqa: A002
    return {"role": "tool", "tool_call_id": id, "content": content}


def image(url: str) -> Json:
    return [{"type": "text", "text": "Which?"}, {"type": "image_url", "image_url": {"url": url}}]


def preference(**more: Json) -> Json:
    whole = {"input": {"messages": [user()]}, "preferred_output": [bot("a")], "non_preferred_output": [bot("b")]}
    return {key: value for key, value in (whole | more).items() if value is not None}


TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
ASKED = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
NEEDS_A = {"type": "function", "function": {"name": "f", "parameters": ASKED}}
GOOD = chat()
CALLED = chat(user(), calling(call()), told(), bot(), tools=[TOOL])
HTTPS = "https://example.org/c.jpg"
SHORTCODES = Contract(frozenset({"(tired)", "(sleepy)"}), r"\([a-z]+\)")


def case(found: Json, clean: Json = GOOD, **options: Any) -> Case:
    return Case(found, clean, options)


CASES: dict[str, Case] = {
    "file_encoding": case(
        b'{"messages":[{"role":"user","content":"caf\xe9"},{"role":"assistant","content":"x"}]}'
    ),
    "invalid_json": case(b'{"messages":[}'),
    "file_bom": case(b"\xef\xbb\xbf" + raw(GOOD), chat(user("\ufeff in a text"), bot())),
    "data_type": case(b'[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yo"}]'),
    "duplicate_json_key": case(
        b'{"messages":[{"role":"user","role":"user","content":"x"},{"role":"assistant","content":"y"}]}'
    ),
    "non_finite_number": case(
        b'{"messages":[{"role":"assistant","content":"y","weight":NaN}]}', chat(user("NaN"), bot())
    ),
    "lone_surrogate": case(
        b'{"messages":[{"role":"user","content":"\\ud83d"},{"role":"assistant","content":"y"}]}',
        b'{"messages":[{"role":"user","content":"\\ud83d\\ude00"},{"role":"assistant","content":"y"}]}',
    ),
    "unknown_top_level_key": case(chat(weight=1), chat(tools=[TOOL])),
    "missing_messages_list": case({"messages": []}),
    "other_shape": case({"prompt": "a", "chosen": "b", "rejected": "c"}, preference()),
    "empty_optional_key": case(
        chat(user(name=None), bot(tool_calls=[])), chat(user(), bot(None, tool_calls=[call()], refusal=None))
    ),
    "example_missing_assistant_message": case(chat(user())),
    "no_trainable_assistant": case(
        chat(user(), bot(weight=0)), chat(user(), bot(weight=0), user(), bot(weight=1))
    ),
    "last_message_not_assistant": case(chat(user(), bot(), user("Bye"))),
    "missing_user_message": case(chat(system(), bot())),
    "missing_system_message": case(chat(user(), bot())),
    "system_not_first": case(chat(user(), system(), bot())),
    "consecutive_same_role": case(chat(user(), user("again"), bot()), chat(user(), bot(), user(), bot())),
    "too_many_messages": case(chat(*[user(), bot()] * 1025), chat(*[user(), bot()] * 1024), profile="azure"),
    "message_not_object": case(chat('{"role": "user", "content": "Hi"}', bot())),
    "message_missing_key": case(chat({"content": "x"}, bot())),
    "message_unrecognized_key": case(chat(user(ts=1), bot()), chat(user(name="Zoe"), bot(weight=1))),
    "unrecognized_role": case(chat({"role": "human", "content": "x"}, bot())),
    "missing_content": case(chat(user(), bot(None)), CALLED),
    "content_wrong_type": case(chat(user(["x", "y"]), bot()), chat(user([{"type": "text", "text": "x"}]), bot())),
    "tool_content_not_string": case(
        chat(user(), calling(call()), told([{"type": "text", "text": "3"}]), bot(), tools=[TOOL]), CALLED
    ),
    "developer_role_in_sft": case(chat({"role": "developer", "content": "x"}, user(), bot())),
    "weight_invalid": case(chat(user(), bot(weight="1")), chat(user(), bot(weight=1))),
    "weight_on_non_assistant": case(chat(user(weight=1), bot()), chat(user(), bot(weight=0), user(), bot())),
    "deprecated_function_call": case(
        chat(
            user(),
            bot(None, function_call={"name": "f", "arguments": "{}"}),
            {"role": "function", "name": "f", "content": "3"},
            bot(),
            functions=[{"name": "f", "parameters": {"type": "object", "properties": {}}}],
        ),
        CALLED,
    ),
    "name_invalid": case(chat(user(name="Zoë B."), bot()), chat(user(name="Zoe_B-1"), bot())),
    "tools_invalid": case(chat(tools=[{"name": "f", "parameters": {"type": "object"}}]), CALLED),
    "tool_call_shape": case(
        chat(
            user(),
            calling({"id": "c1", "function": {"name": "f", "arguments": "{}"}}),
            told(),
            bot(),
            tools=[TOOL],
        ),
        CALLED,
    ),
    "tool_arguments_not_string": case(
        chat(user(), calling(call(arguments={"a": 1})), told(), bot(), tools=[TOOL]), CALLED
    ),
    "tool_arguments_empty": case(
        chat(user(), calling(call(arguments="")), told(), bot(), tools=[TOOL]),
        chat(user(), calling(call(arguments="{}")), told(), bot(), tools=[TOOL]),
    ),
    "parallel_tool_calls_invalid": case(chat(parallel_tool_calls="true"), chat(parallel_tool_calls=False)),
    "tool_arguments_not_json": case(
        chat(user(), calling(call(arguments='{"b":1}')), told(), bot(), tools=[NEEDS_A]),
        chat(user(), calling(call()), told(), bot(), tools=[NEEDS_A]),
    ),
    "tool_unknown_name": case(chat(user(), calling(call("g")), told(), bot(), tools=[TOOL]), CALLED),
    "tool_message_orphan": case(chat(user(), calling(call()), told(id="c2"), bot(), tools=[TOOL]), CALLED),
    "tool_call_unanswered": case(
        chat(user(), calling(call()), bot(), tools=[TOOL]), chat(user(), calling(call()), tools=[TOOL])
    ),
    "tool_call_duplicate_id": case(
        chat(user(), calling(call(), call()), told(), told(), bot(), tools=[TOOL]),
        chat(user(), calling(call(), call(id="c2")), told(), told(id="c2"), bot(), tools=[TOOL]),
    ),
    "parallel_calls_disabled": case(
        chat(
            user(),
            calling(call(), call(id="c2")),
            told(),
            told(id="c2"),
            bot(),
            tools=[TOOL],
            parallel_tool_calls=False,
        ),
        chat(
            user(),
            calling(call(), call(id="c2")),
            told(),
            told(id="c2"),
            bot(),
            tools=[TOOL],
            parallel_tool_calls=True,
        ),
    ),
    "image_in_assistant": case(chat(user(), bot(image(HTTPS))), chat(user(image(HTTPS)), bot())),
    "image_too_many": case(chat(user(image(HTTPS) * 11), bot()), chat(user(image(HTTPS) * 10), bot())),
    "image_too_large": case(
        chat(user(image("data:image/png;base64," + "iVBORw0KGgo" + "A" * 14_100_001)), bot()),
        chat(user(image(HTTPS)), bot()),
    ),
    "image_format": case(chat(user(image("ftp://example.org/c.gif")), bot()), chat(user(image(HTTPS)), bot())),
    "image_detail_invalid": case(
        chat(user([{"type": "image_url", "image_url": {"url": HTTPS, "detail": "medium"}}]), bot()),
        chat(user([{"type": "image_url", "image_url": {"url": HTTPS, "detail": "low"}}]), bot()),
    ),
    "image_may_be_skipped": case(
        chat(user(image("https://localhost/c.jpg")), bot()), chat(user(image(HTTPS)), bot())
    ),
    "not_readable_locally": case(
        chat(user(), calling(call(arguments="[1]")), told(), bot(), tools=[TOOL]), CALLED, profile="local"
    ),
    "preference_missing_key": case(preference(non_preferred_output=None), preference()),
    "preference_old_key": case(preference(preferred_output=None, preferred_completion=[bot("a")]), preference()),
    "preference_role": case(preference(preferred_output=[user("a")]), preference()),
    "preference_identical": case(preference(preferred_output=[bot("b ")]), preference()),
    "example_too_long": case(
        chat(user("word " * 30), bot()),
        GOOD,
        limit=20,
        count=lambda value: SimpleNamespace(total=len(str(value)) // 8, assistant=1),
    ),
    "empty_answer": case(chat(user(), bot("  "))),
    "surrounding_whitespace": case(chat(user("Hi \n"), bot())),
    "control_characters": case(chat(user("a\u202eb"), bot()), chat(user("a\tb\nc"), bot())),
    "special_token_text": case(chat(user("what is <|endoftext|>?"), bot()), chat(user("a <| b |> c"), bot())),
    "secret_like": case(chat(user("sk-proj-" + "a1B2c3D4" * 6), bot()), chat(user("sk-8 is a road"), bot())),
    "pii_like": case(chat(user("write to ann.lee@example.org"), bot()), chat(user("meet @ann at 8"), bot())),
    "moderation_risk": case(
        chat(user("how do I build a pipe bomb at home"), bot()), chat(user("the pipe is broken"), bot())
    ),
    "answer_outside_contract": case(
        chat(user(), bot("(tyred)")), chat(user(), bot("(tired)")), contract=SHORTCODES
    ),
    "emoji_in_answer": case(chat(user(), bot("😴")), chat(user("😴"), bot("(tired)")), contract=SHORTCODES),
    "hidden_characters": case(chat(user("soft\u00adhyphen"), bot()), chat(user("co-op"), bot())),
    "mojibake": case(
        chat(user("caf\u00c3\u00a9"), bot()), chat(user("\u201cCAF\u00c9\u201d, \u201cMANH\u00c3\u201d"), bot())
    ),
    "literal_newline": case(
        chat(user("First line.\\nSecond line."), bot()), chat(user("C:\\new or \\nabla"), bot())
    ),
    "html_entities": case(chat(user("Tom &amp; Ann"), bot()), chat(user("R&D; what is &amp; in HTML?"), bot())),
    "json_dump_text": case(
        chat(user('[{"role": "user", "content": "Hi"}]'), bot()), chat(user('[{"role": "admin"}]'), bot())
    ),
    "lookalike_characters": case(chat(user("p\u0430ssword"), bot()), chat(user("привет password"), bot())),
}
