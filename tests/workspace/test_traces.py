"""Files of traces come in as raw prompts; what holds none is refused with the reason, and nothing is left."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.cli.main import main
from curator.core.convert.traces import prompts as traces
from curator.jobs.studies.raw_prompts import read_prompts

ASK = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Is 7 prime? ü"}]
TURN = [*ASK, {"role": "assistant", "content": "Yes."}, {"role": "user", "content": "And 9?"}]


def parts(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"role": each["role"], "parts": [{"type": "text", "content": each["content"]}]} for each in messages]


def otlp(attributes: dict[str, Any], **more: Any) -> dict[str, Any]:
    """One span as OTLP's JSON file exporter writes it."""
    listed = [{"key": name, "value": {"stringValue": value}} for name, value in attributes.items()]
    span = {"traceId": "a" * 32, "spanId": "b" * 16, "name": "chat m", "attributes": listed, **more}
    other = {"traceId": "a" * 32, "spanId": "c" * 16, "name": "GET /", "attributes": []}
    return {"resourceSpans": [{"resource": {}, "scopeSpans": [{"scope": {}, "spans": [other, span]}]}]}


def langchain(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    kinds = {"user": "HumanMessage", "assistant": "AIMessage", "system": "SystemMessage"}
    return [
        {"lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", kinds[each["role"]]],
         "kwargs": {"content": each["content"]}}
        for each in messages
    ]  # fmt: skip


def indexed(prefix: str, middle: str, messages: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        f"{prefix}.{at}{middle}.{key}": value for at, each in enumerate(messages) for key, value in each.items()
    }


ANSWER = {"role": "assistant", "content": "an answer that nobody judged"}
CHOICE = {"choices": [{"message": ANSWER}]}
LANGFUSE = {"id": "o1", "traceId": "t1", "type": "GENERATION", "model": "m", "output": ANSWER}
SPAN = {"name": "ChatCompletion", "context": {"trace_id": "1", "span_id": "2"}, "span_kind": "LLM"}
EVENTS = [{"name": f"gen_ai.{each['role']}.message", "attributes": {"content": each["content"]}} for each in TURN]
SHAPES: dict[str, Any] = {
    "otel 1.37": otlp({"gen_ai.input.messages": json.dumps(parts(TURN)), "gen_ai.output.messages": "[]"}),
    "otel system apart": otlp({
        "gen_ai.system_instructions": json.dumps([{"type": "text", "content": "Be short."}]),
        "gen_ai.input.messages": json.dumps(parts(TURN[1:])),
    }),
    "otel structured": {**SPAN, "attributes": {"gen_ai.input.messages": parts(TURN)}},
    "otel events": otlp({"gen_ai.system": "openai"}, events=EVENTS),
    "openllmetry": otlp(indexed("gen_ai.prompt", "", TURN) | {"gen_ai.completion.0.content": "x"}),
    "vercel": otlp({"gen_ai.system": "openai", "ai.prompt.messages": json.dumps(TURN)}),
    "phoenix flat": {**SPAN, "attributes": {
        "openinference.span.kind": "LLM", **indexed("llm.input_messages", ".message", TURN),
        **indexed("llm.output_messages", ".message", [ANSWER]),
    }},
    "phoenix nested": {**SPAN, "attributes": {"openinference": {"span": {"kind": "LLM"}}, "llm": {
        "input_messages": [{"message": each} for each in TURN], "output_messages": [{"message": ANSWER}],
    }}},
    "phoenix columns": {"context.span_id": "1", "context.trace_id": "2",
        "attributes.openinference.span.kind": "LLM",
        "attributes.llm.input_messages": [
            {"message.role": each["role"], "message.content": each["content"]} for each in TURN
        ]},
    "langsmith": {"id": "1", "run_type": "llm", "inputs": {"messages": TURN}, "outputs": CHOICE},
    "langsmith langchain": {"id": "1", "run_type": "llm", "inputs": {"messages": [langchain(TURN)]}},
    "langsmith json": {"id": "1", "run_type": "llm", "inputs": json.dumps({"messages": TURN}), "outputs": "{}"},
    "langsmith tree": {"id": "1", "run_type": "chain", "inputs": {"q": "?"}, "child_runs": [
        {"id": "2", "run_type": "llm", "inputs": {"messages": TURN}, "outputs": CHOICE},
        {"id": "3", "run_type": "tool", "inputs": {"input": "nothing"}},
    ]},
    "langfuse": {**LANGFUSE, "input": TURN},
    "langfuse object": {**LANGFUSE, "input": {"messages": TURN}},
    "langfuse text": {**LANGFUSE, "trace_id": "t1", "input": json.dumps(TURN)},
    "langfuse trace": {"id": "t1", "projectId": "p", "input": {"q": 1}, "observations": [
        {"id": "s", "traceId": "t1", "type": "SPAN", "input": "no"}, {**LANGFUSE, "input": TURN},
    ]},
    "helicone": {"request_id": "1", "request_body": {"model": "m", "messages": TURN}, "response_body": CHOICE},
    "helicone json": {"request_id": "1", "request_body": json.dumps({"messages": TURN}), "response_body": "{}"},
    "helicone anthropic": {"request_body": {"system": "Be short.", "max_tokens": 5, "messages": TURN[1:]}},
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("traces")


@pytest.mark.parametrize("name", SHAPES)
def test_a_prompt_is_what_was_asked(name: str) -> None:
    assert traces.trace_kind(SHAPES[name])
    assert list(traces.prompts_of(SHAPES[name])) == [{"messages": TURN}]


def test_calls_and_tools_stay_with_the_question() -> None:
    tool = {"type": "function", "name": "weather", "description": "d", "parameters": {"type": "object"}}
    asked = [
        {"role": "user", "parts": [{"type": "text", "content": "Weather?"}]},
        {
            "role": "assistant",
            "parts": [{"type": "tool_call", "id": "c", "name": "weather", "arguments": {"at": "x"}}],
        },
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c", "result": "rain"}]},
    ]
    span = otlp({"gen_ai.input.messages": json.dumps(asked), "gen_ai.tool.definitions": json.dumps([tool])})
    [prompt] = traces.prompts_of(span)
    assert [each["role"] for each in prompt["messages"]] == ["user", "assistant", "tool"]
    call = prompt["messages"][1]["tool_calls"][0]
    assert call["function"]["name"] == "weather" and json.loads(call["function"]["arguments"]) == {"at": "x"}
    assert prompt["messages"][2]["tool_call_id"] == call["id"]
    assert prompt["tools"][0]["function"]["name"] == "weather"


@pytest.mark.parametrize("pretty", [False, True])
def test_a_file_of_traces_is_imported(pretty: bool, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, workspace = folder / f"spans-{pretty}.json", folder / f"w-{pretty}.curator"
    path.write_text(json.dumps(SHAPES["otel 1.37"], indent=2 if pretty else None))
    assert main(["import", str(path), "-w", str(workspace), "--json"]) == 0
    seen = capsys.readouterr()
    assert json.loads(seen.out)["added"] == 1 and "traces of OpenTelemetry" in seen.err
    assert main(["list", str(workspace), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["examples"][0]["example"] == {"messages": TURN}
    assert read_prompts(path) == [TURN]


def test_nothing_is_lost_in_silence(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = {"id": "1", "run_type": "llm"}
    pairs = {"messages": [["system", "Be short."], ["human", "Hey"]]}
    rows = [{**run, "inputs": pairs}, {**run, "inputs": {"image": "x"}}, {"run_type": "chain", "inputs": {"x": 1}}]
    path = folder / "mixed.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + "{broken\n")
    assert main(["import", str(path), "-w", str(folder / "mixed.curator"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["added"], told["broken"]) == (2, 1)
    assert told["left_behind"] == {"calls of models whose messages cannot be read": 1}
    assert main(["list", str(folder / "mixed.curator"), "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)["examples"]
    assert [each["content"] for each in first["example"]["messages"]] == ["Be short.", "Hey"]
    assert base64.b64decode(second["bytes_b64"]) == b"{broken"


def test_everything_else_is_refused_with_its_reason(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, value, says in (
        ("chrome", {"traceEvents": [{"ph": "X", "ts": 1, "pid": 1, "name": "f"}]}, "program's timing"),
        ("jaeger", {"data": [{"traceID": "1", "spans": [{"spanID": "2"}]}], "total": 0}, "Jaeger"),
        ("zipkin", [{"traceId": "1", "id": "2", "name": "get", "localEndpoint": {}}] * 2, "Zipkin"),
        ("http", {**SPAN, "attributes": {"http.method": "GET"}}, "without calls of models"),
        ("empty", otlp({"gen_ai.system": "openai"}), "have the messages recorded"),
    ):  # fmt: skip
        path = folder / f"{name}.json"
        path.write_text(json.dumps(value))
        assert main(["import", str(path), "-w", str(folder / "none.curator")]) == 2, name
        said = capsys.readouterr().err
        assert says in said and said.count("curator: ") == 1, (name, said)
        assert not (folder / "none.curator").exists()


def test_plain_data_is_no_trace(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "chat.jsonl"
    row = {
        "messages": [*ASK, {"role": "assistant", "content": "Yes."}],
        "trace_id": "1",
        "type": "chat",
        "input": "x",
    }
    path.write_text("".join(json.dumps({**row, "n": n}) + "\n" for n in range(3)))
    assert main(["import", str(path), "-w", str(folder / "plain.curator"), "--json"]) == 0
    seen = capsys.readouterr()
    assert "traces of" not in seen.err and json.loads(seen.out)["added"] == 3


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["attributes", "messages", "role", "parts", "inputs", "run_type", "spans", "key", "value",
                         "events", "name", "content", "type", "input", "traceId", "gen_ai.input.messages",
                         "llm.input_messages.0.message.role", "request_body", "resourceSpans", "arrayValue"]),
        inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(JSON)
def test_no_record_raises(value: Any) -> None:
    traces.trace_kind(value), traces.unread_trace_kind(value)
    for prompt in traces.prompts_of(value):
        assert prompt["messages"][-1]["role"] in ("user", "tool")
