"""Train sample_data/tools.jsonl on the local server; count right tool calls before and after, asked as streams.

    python benchmarks/tools.py [--epochs 8] [--json]

Each of the 30 held-out prompts below wants one function; an answer is right if its first call names that function
with arguments that are a JSON object. None of the prompts, cities or things stands in the training data.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from openai import OpenAI

DATA = Path(__file__).parent.parent / "sample_data" / "tools.jsonl"
MODEL = "smollm2-135m-instruct"
HELD_OUT = {
    "get_weather": (
        "Is it cold in Vienna?", "Do I need sunglasses in Lisbon?", "How is the weather in Tokyo?",
        "Will it snow in Helsinki?", "Should I take an umbrella in London?", "Weather in Berlin?",
        "Is Madrid sunny today?", "How warm is it in Cairo now?", "Do I need gloves in Reykjavik?",
        "Is it windy in Chicago?",
    ),
    "set_timer": (
        "Rice, twelve minutes.", "Wake me in half an hour.", "Set a timer for five minutes.",
        "The cake needs fifty minutes.", "Potatoes in for twenty-five minutes.", "Remind me in ten minutes.",
        "Timer for the noodles, three minutes.", "Pizza in for fourteen minutes.", "Call me in an hour.",
        "Soup, eight minutes, please.",
    ),
    "add_to_list": (
        "We need sugar.", "Put apples on the list.", "The coffee is gone.", "Add tomatoes to the shopping list.",
        "Remind us to buy toothpaste.", "We are out of rice.", "Write onions on the list.",
        "No more salt in the house.", "And bananas, please, for the list.", "Buy candles.",
    ),
}  # fmt: skip


def main() -> None:
    """Train, ask, and print the figures."""
    parser = argparse.ArgumentParser(description="Count right tool calls before and after a training.")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as data:
        words = [sys.executable, "-m", "curator", "serve", "--data", data]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout is not None
                about = json.loads(server.stdout.readline())
                key = Path(about["token_file"]).read_text("utf-8").strip()
                figures = measure(OpenAI(base_url=about["base_url"], api_key=key, timeout=600), args.epochs)
            finally:
                server.terminate()
    for name, value in figures.items():
        print(f"{name}: {value}") if not args.json else None
    if args.json:
        print(json.dumps(figures))


def measure(client: OpenAI, epochs: int) -> dict[str, Any]:
    """Ask the base, train, ask the tuned model."""
    figures: dict[str, Any] = {"prompts": sum(map(len, HELD_OUT.values())), "epochs": epochs}
    figures["base"] = count_right(client, MODEL)
    file = client.files.create(file=DATA, purpose="fine-tune")
    method: Any = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": epochs}}}
    began = time.monotonic()
    job = client.fine_tuning.jobs.create(model=MODEL, training_file=file.id, method=method, seed=42)
    while job.status not in ("succeeded", "failed", "cancelled"):
        time.sleep(1)
        job = client.fine_tuning.jobs.retrieve(job.id)
    assert job.fine_tuned_model, job.error
    figures["training_seconds"] = round(time.monotonic() - began)
    figures["tuned"] = count_right(client, job.fine_tuned_model)
    return figures


def count_right(client: OpenAI, model: str) -> dict[str, int]:
    """For each function, how many of its prompts are answered by a call of it; and how many calls there are."""
    first: Any = json.loads(DATA.read_text("utf-8").splitlines()[0])
    right = dict.fromkeys(HELD_OUT, 0)
    calls = 0
    for wanted, prompts in HELD_OUT.items():
        for prompt in prompts:
            messages = [first["messages"][0], {"role": "user", "content": prompt}]
            name, arguments = first_call(client, model, messages, first["tools"])
            calls += bool(name)
            right[wanted] += name == wanted and is_object(arguments)
    return {**right, "right": sum(right.values()), "calls": calls}


def first_call(client: OpenAI, model: str, messages: Any, tools: Any) -> tuple[str, str]:
    """Name and arguments of the first call of a streamed answer; empty if it has none."""
    name = arguments = ""
    for chunk in client.chat.completions.create(
        model=model, messages=messages, tools=tools, stream=True, temperature=0, max_tokens=80
    ):
        for call in chunk.choices[0].delta.tool_calls or []:
            if call.index == 0 and call.function is not None:
                name += call.function.name or ""
                arguments += call.function.arguments or ""
    return name, arguments


def is_object(text: str) -> bool:
    """Whether a text is a JSON object."""
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


if __name__ == "__main__":
    main()
