"""openai, the current major version: what its README and API reference show first."""

import time

from abilities import HELLO, MODEL, PERSON, WEATHER, ability, require_person, training_file
from openai import BadRequestError, OpenAI
from pydantic import BaseModel

client = OpenAI()


class Person(BaseModel):
    name: str
    age: int


SCHEMA = {"type": "json_schema", "json_schema": {"name": "person", "schema": PERSON, "strict": True}}


@ability("chat")
def chat():
    assert MODEL in [model.id for model in client.models.list()]
    answer = client.chat.completions.create(
        model=MODEL, messages=HELLO, max_completion_tokens=8, top_logprobs=2, logprobs=True
    )
    assert answer.choices[0].message.content and answer._request_id
    assert len(answer.choices[0].logprobs.content[0].top_logprobs) == 2


@ability("stream")
def stream():
    options = {"include_usage": True}
    chunks = list(
        client.chat.completions.create(
            model=MODEL, messages=HELLO, max_tokens=8, stream=True, stream_options=options
        )
    )
    assert (
        "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
        and chunks[-1].usage.completion_tokens
    )
    with client.chat.completions.stream(model=MODEL, messages=HELLO, max_tokens=300, temperature=0) as events:
        assert events.get_final_completion().choices[0].message.content


@ability("tools")
def tools():
    plain = client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=4)
    shown = client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=4, tools=[WEATHER])
    assert shown.usage.prompt_tokens > plain.usage.prompt_tokens


@ability("forced tools")
def forced():
    named = {"type": "function", "function": {"name": "get_weather"}}
    for choice in ("required", named):
        answer = client.chat.completions.create(
            model=MODEL, messages=HELLO, tools=[WEATHER], tool_choice=choice, max_tokens=60
        )
        [call] = answer.choices[0].message.tool_calls
        assert call.function.name == "get_weather" and "city" in call.function.arguments


@ability("json, schema")
def structured():
    answer = client.chat.completions.create(model=MODEL, messages=HELLO, response_format=SCHEMA, max_tokens=60)
    require_person(answer.choices[0].message.content)
    parsed = client.chat.completions.parse(
        model=MODEL, messages=[{"role": "user", "content": "Ada is 36."}], response_format=Person, max_tokens=120
    )
    assert isinstance(parsed.choices[0].message.parsed, Person)


@ability("responses")
def responses():
    answer = client.responses.create(
        model=MODEL, instructions="Be brief.", input="Say hello.", max_output_tokens=16
    )
    assert answer.output_text
    events = [
        event.type
        for event in client.responses.create(model=MODEL, input="Say hello.", max_output_tokens=16, stream=True)
    ]
    assert events[0] == "response.created" and "response.output_text.delta" in events


@ability("completions")
def completions():
    answer = client.completions.create(model=MODEL, prompt="One, two,", max_tokens=4, echo=True, logprobs=1)
    assert answer.choices[0].text.startswith("One, two,") and answer.choices[0].logprobs.token_logprobs


@ability("stored")
def stored():
    kept = client.chat.completions.create(
        model=MODEL, messages=HELLO, max_tokens=4, store=True, metadata={"k": "v"}
    )
    assert client.chat.completions.retrieve(kept.id).id == kept.id
    assert client.chat.completions.update(kept.id, metadata={"k": "w"}).metadata == {"k": "w"}
    assert list(client.chat.completions.messages.list(kept.id))
    assert client.chat.completions.delete(kept.id).deleted


@ability("parameters")
def parameters():
    client.chat.completions.create(
        model=MODEL, messages=HELLO, max_tokens=4, frequency_penalty=0.2, presence_penalty=-0.5,
        logit_bias={"5": 3}, seed=3, n=2, stop=["!"],
        extra_body={"top_k": 5, "min_p": 0.05, "repetition_penalty": 1.1},
    )  # fmt: skip
    try:
        client.embeddings.create(model=MODEL, input="a")
    except Exception as error:
        assert "embeddings" in str(error).lower(), error
    else:
        raise AssertionError("embeddings are left out and must say so")
    try:
        client.chat.completions.create(model=MODEL, messages=HELLO, web_search_options={})
    except BadRequestError as error:
        assert "web_search_options" in str(error)


@ability("files, fine-tuning")
def tuning():
    file = client.files.create(file=("train.jsonl", training_file()), purpose="fine-tune")
    method = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 1}}}
    job = client.fine_tuning.jobs.create(model=MODEL, training_file=file.id, method=method)
    ends = time.monotonic() + 600
    while job.status not in ("succeeded", "failed", "cancelled") and time.monotonic() < ends:
        time.sleep(1)
        job = client.fine_tuning.jobs.retrieve(job.id)
    assert job.status == "succeeded", job.error
    assert (
        client.fine_tuning.jobs.list_events(job.id).data and client.fine_tuning.jobs.checkpoints.list(job.id).data
    )
    assert client.chat.completions.create(model=job.fine_tuned_model, messages=HELLO, max_tokens=4).choices
    assert client.models.delete(job.fine_tuned_model).deleted and client.files.delete(file.id).deleted
