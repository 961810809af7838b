"""Whole conversations: the model's own answers stand before its next turn, and a check says whether it is done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from curator.core.scores.completion import pattern_check, schema_check
from curator.jobs.findings.conversations import Script, set_completion
from curator.jobs.ledger.ledger import Ledger
from tests.jobs.fake_provider import FakeProvider
from tests.jobs.test_commands import MODEL, run

SCHEMA = {"type": "object", "properties": {"seats": {"type": "integer"}}, "required": ["seats"]}


def test_checks_of_the_last_answer() -> None:
    assert pattern_check(r"\bDONE\b")("It is DONE.") and not pattern_check("DONE")("done")
    for bad in ("(", "", "*"):
        with pytest.raises(ValueError, match="expression|empty"):
            pattern_check(bad)
    passes = schema_check(SCHEMA)
    assert passes('{"seats": 2}') and not any(map(passes, ('{"seats": "2"}', "2", "", "[" * 100_000, "NaN")))
    odd_schemas: list[Any] = [[], {"type": "nonsense"}, 3]
    for odd in odd_schemas:
        with pytest.raises(ValueError, match="JSON Schema"):
            schema_check(odd)
    with pytest.raises(ValueError, match="not in it"):  # nothing is fetched
        schema_check({"$ref": "http://127.0.0.1:9/schema.json"})("{}")


def test_conversations_are_held_turn_by_turn(
    served: FakeProvider, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    turns = [
        ("user", "A table please"),
        ("assistant", "For how many?"),
        ("user", "Two"),
        ("assistant", '{"seats": 2}'),
    ]
    talk = {"messages": [{"role": role, "content": text} for role, text in turns]}
    tools = {"messages": [*talk["messages"][:1], {"role": "assistant", "content": None, "tool_calls": []}]}
    data, schema = tmp_path / "talks.jsonl", tmp_path / "schema.json"
    other = {"messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi"}]}
    data.write_text("\n".join(map(json.dumps, (talk, tools, other))) + "\n")
    schema.write_text(json.dumps(SCHEMA))
    served.answers = {"A table please": "How many are you?", "Two": '{"seats": 2}', "Hello": "Hi"}
    words: list[Any] = ["evaluate", data, "--model", MODEL, "--metric", "exact_match", "--task-schema", schema]
    status, [report], error = run(capsys, *words, "--fail-under", "completion=0.9")
    assert status == 1 and "completion is 0.500" in error and "1 example is no conversation" in error
    assert report["models"][MODEL]["completion"] == 0.5
    held = report["conversations"][MODEL]
    assert held[0] == {
        "line": 1, "answers": ["How many are you?", '{"seats": 2}'], "passed": True, "by_person": False,
    }  # fmt: skip
    sent = [request.json()["messages"] for request in served.wire.requests if b'"Two"' in request.body]
    assert any(messages[1] == {"role": "assistant", "content": "How many are you?"} for messages in sent)

    asked = len(served.wire.requests)
    with Ledger.for_path(None) as ledger:
        script = Script(3, ([{"role": "user", "content": "Hello"}],), "Hi")
        set_completion(ledger, MODEL, script, ("Hi",), True)
    status, [report], _ = run(capsys, *words)
    assert report["models"][MODEL]["completion"] == 1 and report["conversations"][MODEL][1]["by_person"]
    assert (
        len(served.wire.requests) - asked == 2
    )  # the two questions of the evaluation; the conversation is stored

    for more, part in (
        (["--task-pattern", "("], "no regular expression"),
        (["--task-schema", tmp_path / "none.json"], "cannot be read"),
        (["--task-schema", data], "JSON Schema"),
    ):
        status, _, error = run(capsys, *words[:6], *more)
        assert status == 2 and part in error, error
