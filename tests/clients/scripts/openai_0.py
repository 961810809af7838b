"""openai 0.28, the module-level API of 2023."""

import openai
from abilities import BASE_URL, HELLO, KEY, MODEL, WEATHER, ability, training_file

openai.api_base, openai.api_key = BASE_URL, KEY


@ability("chat")
def chat():
    assert MODEL in [model["id"] for model in openai.Model.list()["data"]]
    answer = openai.ChatCompletion.create(model=MODEL, messages=HELLO, max_tokens=8)
    assert answer["choices"][0]["message"]["content"]


@ability("stream")
def stream():
    chunks = openai.ChatCompletion.create(model=MODEL, messages=HELLO, max_tokens=8, stream=True)
    assert "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)


@ability("tools")
def tools():
    assert openai.ChatCompletion.create(model=MODEL, messages=HELLO, max_tokens=4, tools=[WEATHER])["choices"]


@ability("completions")
def completions():
    assert openai.Completion.create(model=MODEL, prompt="One, two,", max_tokens=4)["choices"][0]["text"]


@ability("files, fine-tuning")
def tuning():
    file = openai.File.create(file=training_file(), purpose="fine-tune", user_provided_filename="train.jsonl")
    job = openai.FineTuningJob.create(model=MODEL, training_file=file["id"])
    assert openai.FineTuningJob.cancel(job["id"])["status"] == "cancelled"
