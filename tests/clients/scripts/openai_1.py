"""openai 1.30, as many projects still pin it."""

import time

from abilities import HELLO, MODEL, WEATHER, ability, training_file
from openai import OpenAI

client = OpenAI()


@ability("chat")
def chat():
    assert MODEL in [model.id for model in client.models.list()]
    assert client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=8).choices[0].message.content


@ability("stream")
def stream():
    chunks = client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=8, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


@ability("tools")
def tools():
    assert client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=4, tools=[WEATHER]).choices


@ability("forced tools")
def forced():
    named = {"type": "function", "function": {"name": "get_weather"}}
    answer = client.chat.completions.create(
        model=MODEL, messages=HELLO, tools=[WEATHER], tool_choice=named, max_tokens=60
    )
    assert answer.choices[0].message.tool_calls[0].function.name == "get_weather"


@ability("json, schema")
def structured():
    messages = [{"role": "user", "content": 'Answer in JSON: {"name": "Ada", "age": 36}. The same for Bob, 7.'}]
    answer = client.chat.completions.create(
        model=MODEL, messages=messages, response_format={"type": "json_object"}, max_tokens=100, temperature=0
    )
    assert answer.choices[0].message.content.lstrip().startswith("{")


@ability("completions")
def completions():
    assert client.completions.create(model=MODEL, prompt="One, two,", max_tokens=4).choices[0].text


@ability("files, fine-tuning")
def tuning():
    file = client.files.create(file=("train.jsonl", training_file()), purpose="fine-tune")
    job = client.fine_tuning.jobs.create(model=MODEL, training_file=file.id, hyperparameters={"n_epochs": 1})
    assert job.id in [listed.id for listed in client.fine_tuning.jobs.list()]
    ends = time.monotonic() + 60
    while job.status == "validating_files" and time.monotonic() < ends:
        time.sleep(0.5)
        job = client.fine_tuning.jobs.retrieve(job.id)
    assert client.fine_tuning.jobs.cancel(job.id).status == "cancelled"
