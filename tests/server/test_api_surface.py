"""`/v1/responses`, `/v1/completions`, stored completions by id, origins, hints: the real SDK and a tiny model."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import httpx2
import openai
import pytest
from openai import OpenAI
from pydantic import BaseModel

from tests.server import tiny
from tests.server.running import Running

ORIGIN = "http://localhost:3000"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server with a real generation process and a tiny random model, "real"."""
    folder = tmp_path_factory.mktemp("surface")
    config = tiny.write_tiny_model(folder / "models" / "real") / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"max_position_embeddings": 4096}))
    running = Running(folder, generator=None, allowed_origins=[ORIGIN])
    yield running
    running.close()


@pytest.fixture
def client(server: Running) -> Iterator[OpenAI]:
    """The SDK on that server. Its types lack what these endpoints answer at OpenAI too, such as a first token
    without a log probability."""
    with OpenAI(base_url=server.base_url, api_key=server.token, max_retries=0) as client:
        yield client


LETTERS: dict[str, Any] = {"logit_bias": {str(token): 60 for token in range(65, 91)}}


def test_a_response_at_once_and_as_events(client: OpenAI) -> None:
    asked: Any = {"model": "real", "instructions": "Be kind.", "input": "Hello", "max_output_tokens": 12}
    answer = client.responses.create(**asked, temperature=0, extra_body=LETTERS)
    assert answer.status == "incomplete" and answer.incomplete_details is not None
    assert len(answer.output_text) == 12 and answer.usage is not None and answer.usage.output_tokens == 12
    with client.responses.stream(**asked, temperature=0, extra_body=LETTERS) as stream:
        events = list(stream)
    kinds, last = [event.type for event in events], events[-1]
    assert last.type == "response.incomplete" and last.response.output_text == answer.output_text
    assert kinds[0] == "response.created"
    for kind in ("output_item.added", "content_part.added", "output_text.delta", "output_text.done"):
        assert f"response.{kind}" in kinds
    listed: Any = [
        {"role": "user", "content": [{"type": "input_text", "text": "Hello"}]},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "3 C"},
        *[item.model_dump() for item in answer.output],
    ]
    again = client.responses.create(model="real", input=listed, max_output_tokens=2)
    assert again.usage is not None and again.usage.input_tokens > 80


def test_responses_call_tools_and_keep_to_schemas(client: OpenAI) -> None:
    class Mood(BaseModel):
        """What is asked for."""

        happy: bool

    parsed = client.responses.parse(model="real", input="Hello", text_format=Mood)
    assert parsed.status == "completed" and parsed.output_parsed is not None
    parameters = {"type": "object", "properties": {"a": {"enum": [1, 2]}}, "required": ["a"],
                  "additionalProperties": False}  # fmt: skip
    tools: Any = [{"type": "function", "name": "f", "parameters": parameters, "strict": True}]
    answer = client.responses.create(model="real", input="Hello", tools=tools, tool_choice="required")
    [call] = answer.output
    assert call.type == "function_call" and call.name == "f" and json.loads(call.arguments)["a"] in (1, 2)
    with client.responses.stream(model="real", input="Hello", tools=tools, tool_choice="required") as stream:
        done = [event for event in stream if event.type == "response.function_call_arguments.done"]
    assert len(done) == 1
    with pytest.raises(openai.BadRequestError, match="not supported by this local server"):
        client.responses.create(model="real", input="x", previous_response_id="resp_1")
    with pytest.raises(openai.BadRequestError):
        client.responses.create(model="real", input="x", tools=[{"type": "web_search"}])
    with pytest.raises(openai.NotFoundError):
        client.responses.create(model="gpt-9", input="x")


def test_raw_prompts_are_continued(client: OpenAI) -> None:
    asked: Any = {"model": "real", "temperature": 0, "max_tokens": 6, "extra_body": LETTERS}
    one = client.completions.create(prompt="Once", **asked)
    assert len(one.choices[0].text) == 6 and one.choices[0].finish_reason == "length"
    many = client.completions.create(prompt=["Once", "Twice"], n=2, **asked)
    assert [choice.index for choice in many.choices] == [0, 1, 2, 3]
    assert many.choices[0].text == many.choices[1].text == one.choices[0].text
    assert many.usage is not None and many.usage.prompt_tokens == len("Once") + len("Twice")
    streamed = client.completions.create(prompt="Once", stream=True, **asked)
    assert "".join(chunk.choices[0].text for chunk in streamed) == one.choices[0].text
    assert client.completions.create(prompt="Once", echo=True, **asked).choices[0].text.startswith("Once")


def test_a_prompt_is_scored_as_it_was_when_it_was_written(client: OpenAI) -> None:
    """What log-likelihood tasks do: no token is written, the prompt's own are told with their probabilities."""
    text = "The quick brown fox jumps over the lazy dog, and so on."
    scored = client.completions.create(model="real", prompt=text, max_tokens=0, echo=True, logprobs=2).choices[0]
    assert scored.text == text and scored.logprobs is not None
    tokens: Any = scored.logprobs.tokens
    values: Any = scored.logprobs.token_logprobs
    assert "".join(tokens) == text and values[0] is None and len(values) == len(text)
    # the last token's probability, asked for as the answer to all before it
    forced = client.completions.create(
        model="real", prompt=text[:-1], max_tokens=1, logprobs=0, temperature=0, logit_bias={str(13): 100}
    ).choices[0]
    assert forced.text == "." and forced.logprobs is not None and forced.logprobs.token_logprobs
    assert math.isclose(forced.logprobs.token_logprobs[0], values[-1], abs_tol=1e-3)
    sample = client.completions.create(model="real", prompt=list(text.encode()[:3]), max_tokens=1)
    assert sample.usage is not None and sample.usage.prompt_tokens == 3
    with pytest.raises(openai.BadRequestError, match="from 0 to 258"):
        client.completions.create(model="real", prompt=[9999], max_tokens=1)


def test_stored_completions_are_read_changed_and_deleted(client: OpenAI) -> None:
    message: Any = {"role": "user", "content": "keep me"}
    made = client.chat.completions.create(model="real", messages=[message], max_tokens=3, store=True)
    chats = client.chat.completions
    assert chats.retrieve(made.id).choices[0].message.content == made.choices[0].message.content
    assert chats.update(made.id, metadata={"k": "v"}).metadata == {"k": "v"}
    assert [item.id for item in chats.list(metadata={"k": "v"})] == [made.id]
    assert [item.content for item in chats.messages.list(made.id)] == ["keep me"]
    assert chats.delete(made.id).deleted
    with pytest.raises(openai.NotFoundError):
        chats.retrieve(made.id)


def test_hints_request_ids_and_origins(server: Running, client: OpenAI) -> None:
    assert client.models.list()._request_id
    key = {"authorization": f"Bearer {server.token}"}
    short = httpx2.post(server.base_url.removesuffix("/v1") + "/chat/completions", headers=key, json={})
    assert short.status_code == 404 and "did you mean /v1/chat/completions" in short.json()["error"]["message"]
    with pytest.raises(openai.NotFoundError, match=r"docs/clients\.md"):
        client.embeddings.create(model="real", input="x")
    page = httpx2.options(
        server.base_url + "/models", headers={"origin": ORIGIN, "access-control-request-method": "GET"}
    )
    assert page.status_code == 204 and page.headers["access-control-allow-origin"] == ORIGIN
    listed = httpx2.get(server.base_url + "/models", headers=key | {"origin": ORIGIN})
    assert listed.status_code == 200 and listed.headers["access-control-allow-origin"] == ORIGIN
    assert httpx2.get(server.base_url + "/models", headers={"origin": ORIGIN}).status_code == 401
    other = httpx2.get(server.base_url + "/models", headers=key | {"origin": "http://evil.example"})
    assert other.status_code == 403 and "--allow-origin" in other.json()["error"]["message"]
    assert "access-control-allow-origin" not in other.headers
