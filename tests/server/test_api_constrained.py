"""Structured output, forced calls, penalties and log probabilities: a real tiny model behind the real server and
SDK."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Literal

import jsonschema
import openai
import pytest
from openai import OpenAI
from pydantic import BaseModel, Field

from tests.server import tiny
from tests.server.running import Running

pytestmark = pytest.mark.by_turns


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenAI]:
    """The SDK on a server with a real generation process and a tiny random model, "real"."""
    folder = tmp_path_factory.mktemp("constrained")
    config = tiny.write_tiny_model(folder / "models" / "real") / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"max_position_embeddings": 4096}))
    running = Running(folder, generator=None)
    with running.client() as client:
        yield client
    running.close()


def ask(client: OpenAI, **more: Any) -> Any:
    return client.chat.completions.create(
        **{"model": "real", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 200, "seed": 1, **more}
    )


SCHEMAS: list[dict[str, Any]] = [
    {"type": "object", "properties": {"a": {"type": "integer", "minimum": 3, "maximum": 90}}, "required": ["a"],
     "additionalProperties": False},
    {"type": "array", "items": {"enum": ["red", "grün", 7, None]}, "minItems": 1, "maxItems": 4},
    {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{3}$"},
    {"anyOf": [{"const": "yes"}, {"const": {"no": [1]}}]},
    {"$ref": "#/$defs/tree", "$defs": {"tree": {"type": "object", "properties": {
        "v": {"type": "boolean"}, "next": {"anyOf": [{"$ref": "#/$defs/leaf"}, {"type": "null"}]}},
        "required": ["v", "next"], "additionalProperties": False},
        "leaf": {"type": "object", "properties": {"v": {"type": "boolean"}}, "required": ["v"],
                 "additionalProperties": False}}},
]  # fmt: skip


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_schema_holds_in_every_answer_of_a_random_model(client: OpenAI, schema: dict[str, Any]) -> None:
    wanted: Any = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema, "strict": True}}
    answers = ask(client, response_format=wanted, n=8, temperature=1.5).choices
    for answer in answers:
        assert answer.finish_reason == "stop"
        jsonschema.validate(json.loads(answer.message.content), schema)


def test_parse_gives_an_object(client: OpenAI) -> None:
    class Mood(BaseModel):
        """What is asked for."""

        name: Literal["happy", "sad"]
        degree: int = Field(ge=0, le=9)

    parsed = client.chat.completions.parse(
        model="real", messages=[{"role": "user", "content": "hi"}], response_format=Mood, temperature=0
    )
    assert parsed.choices[0].message.parsed is not None


WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"enum": ["Oslo", "Rome"]}, "days": {"type": "integer", "maximum": 9}},
            "required": ["city", "days"],
            "additionalProperties": False,
        },
    },
}
OTHER: Any = {"type": "function", "function": {"name": "other"}}


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "weather"}}])
def test_a_forced_call_is_a_call_streamed_too(client: OpenAI, choice: Any) -> None:
    tools = [WEATHER] if choice == "required" else [OTHER, WEATHER]
    answer = ask(client, tools=tools, tool_choice=choice, max_tokens=300).choices[0]
    assert answer.finish_reason == "tool_calls" and answer.message.content is None
    [call] = answer.message.tool_calls
    assert call.function.name == "weather" and set(json.loads(call.function.arguments)) == {"city", "days"}
    messages: Any = [{"role": "user", "content": "hi"}]
    with client.chat.completions.stream(
        model="real", messages=messages, tools=tools, tool_choice=choice, max_tokens=300, seed=1
    ) as stream:
        final = stream.get_final_completion().choices[0]
    assert final.message.tool_calls and final.message.tool_calls[0].function.arguments == call.function.arguments
    # the conversation goes on with the call and its result
    told: Any = {"role": "tool", "tool_call_id": call.id, "content": "3 C"}
    again = client.chat.completions.create(
        model="real", messages=[*messages, answer.message, told], tools=tools, max_tokens=5
    )
    assert again.usage is not None and again.usage.prompt_tokens > 200


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "strin"}, "strin"),
        ({"not": {"type": "string"}}, "not"),
        ({"type": "array", "uniqueItems": True}, "uniqueItems"),
        ({"allOf": [{"type": "string"}, {"type": "integer"}]}, "Unsatisfiable"),
        ({"$ref": "#/nowhere"}, "nowhere"),
    ],
)
def test_what_cannot_be_met_is_named(client: OpenAI, schema: dict[str, Any], words: str) -> None:
    wanted: Any = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    with pytest.raises(openai.BadRequestError, match=words) as caught:
        ask(client, response_format=wanted)
    assert caught.value.param == "response_format.json_schema.schema"
    broken = {"type": "function", "function": {"name": "f", "parameters": schema}}
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, tools=[broken], tool_choice="required")
    assert caught.value.param == "tools"
    assert ask(client, max_tokens=1).choices[0].finish_reason == "length"  # the process lives


def test_choices_and_patterns_of_a_contract_hold(client: OpenAI) -> None:
    choices = ["(happy)", 'a "quoted" \\ one', "Grüß dich"]
    for number in range(5):
        answer = ask(client, seed=number, extra_body={"structured_outputs": {"choice": choices}}).choices[0]
        assert answer.message.content in choices and answer.finish_reason == "stop"
    answer = ask(client, extra_body={"structured_outputs": {"regex": r"\([a-z]{1,9}/\)"}}).choices[0]
    assert answer.message.content.startswith("(") and answer.message.content.endswith("/)")
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, extra_body={"structured_outputs": {"regex": "(?=a)b"}})
    assert caught.value.param == "structured_outputs"


def test_bias_penalties_and_filters_change_what_is_drawn(client: OpenAI) -> None:
    plain = ask(client, temperature=0, max_tokens=20, logprobs=True, top_logprobs=3).choices[0]
    tokens = plain.logprobs.content
    assert all(entry.top_logprobs[0].logprob == pytest.approx(entry.logprob) for entry in tokens)
    assert [len(entry.top_logprobs) for entry in tokens] == [3] * 20
    only = ask(client, logit_bias={"65": 100}, max_tokens=5, logprobs=True).choices[0].logprobs.content
    assert len({entry.token for entry in only}) == 1
    for options in ({"top_k": 1}, {"min_p": 1.0}):
        same = ask(client, temperature=2, max_tokens=20, extra_body=options).choices[0]
        assert same.message.content == plain.message.content
    penalised = ask(
        client, temperature=0, max_tokens=100, presence_penalty=2, frequency_penalty=2, logprobs=True,
        logit_bias={"65": 30}, extra_body={"repetition_penalty": 1.0},
    ).choices[0].logprobs.content  # fmt: skip
    counts = [entry.token for entry in penalised].count(only[0].token)
    assert 1 < counts < 30  # each occurrence costs it more


def test_log_probabilities_come_with_their_tokens_in_a_stream(client: OpenAI) -> None:
    chunks = list(ask(client, stream=True, logprobs=True, logit_bias={"65": 100}, max_tokens=10))
    told = [chunk.choices[0].logprobs for chunk in chunks if chunk.choices and chunk.choices[0].logprobs]
    assert len(told) > 2 and sum(len(each.content) for each in told) == 10


def test_huge_and_recursive_requests_are_answered_or_refused_in_a_sentence(client: OpenAI) -> None:
    def outcome(**more: Any) -> str:
        """The code of a refusal, else why the answer ended."""
        try:
            return str(ask(client, **{"max_tokens": 4, **more}).choices[0].finish_reason)
        except openai.APIStatusError as error:
            told = str(error.body["message"] if isinstance(error.body, dict) else error)
            assert error.status_code in (400, 413) and told and "Traceback" not in told, told
            assert not any(word in told for word in ("<state>", "start:", "x-guidance")), told
            return str(error.code)

    def wish(schema: dict[str, Any]) -> dict[str, Any]:
        return {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}}

    tree = {
        "type": "object",
        "properties": {"next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}},
        "required": ["next"],
    }
    assert outcome(**wish(tree), max_tokens=400) in ("stop", "length")
    refused = ("invalid_value", "constraint_failed")
    assert outcome(**wish({"$ref": "#"})) == "invalid_value"  # it holds nothing but itself
    inside = {"type": "object", "properties": {"a": {"$ref": "#/properties/a"}}, "required": ["a"]}
    assert outcome(**wish(inside), max_tokens=400) in refused  # never an answer that stops in its middle
    no_value = {"type": "object", "properties": {"a": False}, "required": ["a"]}
    all_unmet: list[dict[str, Any]] = [no_value, {"not": {}}, {"pattern": "(("}]
    for unmet in all_unmet:
        assert outcome(**wish(unmet)) == "invalid_value"
    endless = {"type": "object", "properties": {"next": {"$ref": "#"}}, "required": ["next"]}
    assert outcome(**wish(endless)) in ("length", *refused)
    wide = {"type": "object", "properties": {f"field{n}": {"type": "string"} for n in range(3_000)}}
    assert outcome(**wish(wide)) in ("length", *refused)
    deep: dict[str, Any] = {"type": "null"}
    for _ in range(300):
        deep = {"type": "array", "items": deep}
    assert outcome(**wish(deep)) in ("length", "stop", *refused)
    tools = [
        {"type": "function", "function": {"name": f"tool{n}", "parameters": {"type": "object", "properties": {}}}}
        for n in range(200)
    ]
    assert outcome(tools=tools) == "array_above_max_length"
    assert outcome(tools=tools[:128]) == "context_length_exceeded"
    call = {"id": "call_1", "type": "function", "function": {"name": "tool1", "arguments": "{}"}}
    told = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "x" * 2**20},
    ]
    assert outcome(messages=told, tools=tools[:2]) == "context_length_exceeded"
    assert outcome() == "length"  # the process lives
