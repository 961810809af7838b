"""Chat completions through the real SDK, answered by a pretended generation process."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx2
import openai
import pytest
from openai import OpenAI

from tests.server import spec
from tests.server.running import Running, until


def ask(client: OpenAI, text: str = "one two three", **more: Any) -> Any:
    return client.chat.completions.create(model="tiny", messages=[{"role": "user", "content": text}], **more)


def test_an_answer_with_usage(client: OpenAI) -> None:
    answer = ask(client)
    assert answer.choices[0].message.content == "one two three "
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.model_dump(exclude_none=True) == {
        "prompt_tokens": 7,
        "completion_tokens": 3,
        "total_tokens": 10,
    }
    assert answer.model == "tiny"


def test_n_answers_limits_and_logprobs(client: OpenAI) -> None:
    answer = ask(client, n=3, max_completion_tokens=2, logprobs=True)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert {choice.message.content for choice in answer.choices} == {"one two "}
    assert answer.choices[0].finish_reason == "length"
    assert [token.token for token in answer.choices[2].logprobs.content] == ["one ", "two "]
    assert answer.usage.completion_tokens == 6
    assert ask(client, max_tokens=1).choices[0].message.content == "one "


def test_a_stream_arrives_word_by_word(client: OpenAI, server: Running) -> None:
    chunks = list(ask(client, stream=True, n=2, stream_options={"include_usage": True}))
    texts = ["", ""]
    for chunk in chunks[:-1]:
        texts[chunk.choices[0].index] += chunk.choices[0].delta.content or ""
    assert texts == ["one two three "] * 2
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices and chunk.choices[0].finish_reason]
    assert chunks[-1].usage.total_tokens == 13
    assert len({chunk.id for chunk in chunks}) == 1
    body = {"model": "tiny", "messages": [{"role": "user", "content": "a b"}], "stream": True}
    raw = httpx2.post(
        server.base_url + "/chat/completions", json=body, headers={"authorization": f"Bearer {server.token}"}
    )
    assert raw.headers["content-type"].startswith("text/event-stream")
    lines = [line.removeprefix("data: ") for line in raw.text.split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    for line in lines[:-1]:
        spec.conforms(httpx2.Response(200, text=line).json(), "CreateChatCompletionStreamResponse")


def test_stored_completions_are_listed(client: OpenAI) -> None:
    first = ask(client, store=True, metadata={"k": "v"})
    second = "".join(c.choices[0].delta.content or "" for c in ask(client, "x y", store=True, stream=True))
    ask(client)
    listed = client.chat.completions.list()
    assert [item.choices[0].message.content for item in listed] == ["one two three ", second]
    assert [item.id for item in client.chat.completions.list(metadata={"k": "v"})] == [first.id]
    assert client.chat.completions.list(model="other").data == []


def test_the_generation_process_s_faults_reach_the_asker(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, "fail")
    assert caught.value.code == "context_length_exceeded"
    with pytest.raises(openai.BadRequestError):
        ask(client, "fail", stream=True)
    with pytest.raises(openai.InternalServerError, match="ended unexpectedly"):
        ask(client, "die")
    assert ask(client).choices[0].message.content == "one two three "  # a new process


async def test_many_ask_at_once_and_hanging_up_cancels(server: Running) -> None:
    async with server.async_client() as client:
        message: Any = [{"role": "user", "content": "slow " * 10}]
        start = time.monotonic()
        answers = await asyncio.gather(
            *(client.chat.completions.create(model="tiny", messages=message) for _ in range(8))
        )
        assert len({answer.id for answer in answers}) == 8
        stream = await client.chat.completions.create(model="tiny", messages=message, stream=True)
        async for _ in stream:
            break
        await stream.close()
        assert time.monotonic() - start < 15  # eight side by side, not one after the other (16 s)


def test_an_unused_generation_process_leaves(tmp_path: Any) -> None:
    server = Running(tmp_path, generator_idle=0.3)
    try:
        with server.client() as client:
            ask(client)
            children = f"/proc/{server.process.pid}/task/{server.process.pid}/children"
            until(lambda: not open(children).read().strip())  # noqa: PTH123, SIM115
            assert ask(client).choices[0].message.content
    finally:
        server.close()


def test_a_question_to_a_generation_process_on_its_way_out_is_answered(tmp_path: Any) -> None:
    server = Running(tmp_path, generator_idle=0.0)
    try:
        with server.client() as client:
            for _ in range(15):
                assert ask(client).choices[0].message.content
    finally:
        server.close()


TOOLS = [{"type": "function", "function": {"name": "f"}}]
BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"messages": []}, "messages", "array_below_min_length"),
    ({"messages": "hi"}, "messages", "invalid_type"),
    ({"messages": ["hi"]}, "messages[0]", "invalid_type"),
    ({"messages": [{"role": "king", "content": "x"}]}, "messages[0].role", "invalid_value"),
    ({"messages": [{"content": "x"}]}, "messages[0].role", "missing_required_parameter"),
    ({"messages": [{"role": "user"}]}, "messages[0].content", "invalid_type"),
    ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content", "invalid_type"),
    (
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x"}}]}]},
        "messages[0].content[0].type",
        "invalid_value",
    ),
    ({"temperature": 2.1}, "temperature", "decimal_above_max_value"),
    ({"temperature": "hot"}, "temperature", "invalid_type"),
    ({"top_p": -0.1}, "top_p", "decimal_below_min_value"),
    ({"n": 0}, "n", "integer_below_min_value"),
    ({"n": 129}, "n", "integer_above_max_value"),
    ({"max_completion_tokens": 0}, "max_completion_tokens", "integer_below_min_value"),
    ({"stop": ["a", "b", "c", "d", "e"]}, "stop", "array_above_max_length"),
    ({"stop": [1]}, "stop[0]", "invalid_type"),
    ({"seed": 1.5}, "seed", "invalid_type"),
    ({"stream_options": {"include_usage": True}}, "stream_options", "invalid_value"),
    ({"top_logprobs": 3}, "top_logprobs", "invalid_value"),
    ({"tools": [{"type": "custom", "custom": {"name": "f"}}]}, "tools[0].type", "invalid_value"),
    ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name", "missing_required_parameter"),
    ({"presence_penalty": 3}, "presence_penalty", "decimal_above_max_value"),
    ({"logit_bias": {"a": 1}}, "logit_bias", "invalid_value"),
    ({"logit_bias": {"1": 101}}, "logit_bias.1", "decimal_above_max_value"),
    ({"response_format": {"type": "xml"}}, "response_format.type", "invalid_value"),
    ({"response_format": {"type": "json_schema"}}, "response_format.json_schema", "missing_required_parameter"),
    ({"tool_choice": "required"}, "tool_choice", "invalid_value"),
    ({"tool_choice": "sometimes"}, "tool_choice", "invalid_value"),
    (
        {"tools": TOOLS, "tool_choice": {"type": "function", "function": {"name": "g"}}},
        "tool_choice.function.name",
        "invalid_value",
    ),
    ({"structured_outputs": {"regex": "a", "choice": ["b"]}}, "structured_outputs", "invalid_value"),
    ({"functions": [{"name": "f"}]}, "functions", "unsupported_parameter"),
    ({"frobnicate": 1}, "frobnicate", "unknown_parameter"),
]


@pytest.mark.parametrize(("fields", "param", "code"), BAD)
def test_bad_requests_name_the_field(client: OpenAI, fields: dict[str, Any], param: str, code: str) -> None:
    body = {"model": "tiny", "messages": [{"role": "user", "content": "x"}], **fields}
    with pytest.raises(openai.BadRequestError) as caught:
        client.post("/chat/completions", body=body, cast_to=object)
    assert (caught.value.param, caught.value.code) == (param, code)


def test_an_unknown_model_is_404(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="gpt-9", messages=[{"role": "user", "content": "x"}])
    assert caught.value.code == "model_not_found"


def test_parts_tools_and_earlier_calls_are_understood(client: OpenAI) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages: Any = [
        {"role": "developer", "content": [{"type": "text", "text": "be "}, {"type": "text", "text": "kind"}]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "3 C"},
        {"role": "user", "content": [{"type": "text", "text": "so "}, {"type": "text", "text": "what"}]},
    ]
    tools: Any = [{"type": "function", "function": {"name": "f"}}]
    answer = client.chat.completions.create(model="tiny", messages=messages, tools=tools)
    assert answer.choices[0].message.content == "so what "


def test_calls_come_as_calls_at_once_and_in_a_stream(client: OpenAI) -> None:
    tools: Any = [{"type": "function", "function": {"name": "weather"}}]
    asked = 'call weather {"city": "Oslo"}'
    choice = ask(client, asked, tools=tools).choices[0]
    assert choice.finish_reason == "tool_calls" and choice.message.content == "Let me see."
    [call] = choice.message.tool_calls
    assert (call.id, call.type) == ("call_1", "function")
    assert (call.function.name, call.function.arguments) == ("weather", '{"city": "Oslo"}')
    with client.chat.completions.stream(
        model="tiny", messages=[{"role": "user", "content": asked}], tools=tools
    ) as stream:
        names = [event.name for event in stream if event.type == "tool_calls.function.arguments.done"]
        final = stream.get_final_completion().choices[0]
    assert names == ["weather"] and final.finish_reason == "tool_calls"
    assert final.message.tool_calls and final.message.tool_calls[0].function.arguments == '{"city": "Oslo"}'
