"""How long "Say hi." waits for its first token, alone and beside a long prompt; when a gone client's work ends.

    python benchmarks/serving.py [--tokens 3000] [--times 4] [--json]

A real server with the base model answers over HTTP. "Say hi." is asked alone, and then at different moments while
a prompt of so many tokens is read; each long prompt is another one, so that nothing of it was read before. Then a
client of a long prompt goes away, and the processor time of the generation process is looked at until it stands
still.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from figures import state
from openai import OpenAI

MODEL = "smollm2-135m-instruct"
_STILL = 0.05
"""Seconds of processor time within half a second below which a process stands still."""


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description='How long "Say hi." waits beside a long prompt.')
    parser.add_argument("--tokens", type=int, default=3_000, help="length of the long prompt")
    parser.add_argument("--times", type=int, default=4, help="how often each is measured")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as data:
        words = [sys.executable, "-m", "curator", "serve", "--data", data]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout is not None
                about = json.loads(server.stdout.readline())
                key = Path(about["token_file"]).read_text("utf-8").strip()
                client = OpenAI(base_url=about["base_url"], api_key=key, timeout=600, max_retries=0)
                figures = measure(client, server.pid, args.tokens, args.times)
            finally:
                server.terminate()
    sys.stdout.write(json.dumps(figures) + "\n" if args.json else as_text(figures))
    if not args.json:
        beside, still = figures["say_hi_beside"]["longest"], figures["still_after"]["longest"]
        state(f'"Say hi." beside a prompt of {args.tokens:,} tokens, longest', beside, "s", at_most=1.5)
        state("the work for a client that has gone ends within, longest", still, "s", at_most=1)


def measure(client: OpenAI, server: int, tokens: int, times: int) -> dict[str, Any]:
    """All figures, in seconds; the first answer loads the model and is not counted."""
    first_token(client, "Say hi.")
    alone = [first_token(client, "Say hi.") for _ in range(times)]
    long_alone = first_token(client, long_prompt(tokens, -1))
    beside, longs = [], []
    for number in range(times):
        long_one = threading.Thread(
            target=lambda n=number: longs.append(first_token(client, long_prompt(tokens, n)))
        )
        long_one.start()
        time.sleep(0.5 + 0.37 * number)
        beside.append(first_token(client, "Say hi."))
        long_one.join()
    return {
        "tokens": tokens,
        "say_hi_alone": spread(alone),
        "say_hi_beside": spread(beside),
        "long_alone": round(long_alone, 2),
        "long_beside": spread(longs),
        "still_after": spread([still_after(client, server, long_prompt(tokens, 100 + n)) for n in range(times)]),
    }


def spread(seconds: list[float]) -> dict[str, float]:
    """The median and the longest."""
    return {"median": round(statistics.median(seconds), 2), "longest": round(max(seconds), 2)}


def long_prompt(tokens: int, number: int) -> str:
    """A prompt of about so many tokens (one a word) that begins otherwise for each number."""
    words = ("river", "stone", "apple", "cloud", "green", "seven", "table", "music", "paper", "light")
    return " ".join([f"Text {number}:", *(words[(n * n + n // 7 + number) % len(words)] for n in range(tokens))])


def first_token(client: OpenAI, prompt: str) -> float:
    """Seconds until the first word of an answer."""
    began = time.monotonic()
    answer = client.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": prompt}], max_tokens=2, temperature=0, stream=True
    )
    with answer:
        for chunk in answer:
            if chunk.choices and chunk.choices[0].delta.content:
                return time.monotonic() - began
    raise RuntimeError("the answer was empty")


def still_after(client: OpenAI, server: int, prompt: str) -> float:
    """Seconds until the generation process stands still after the client of a long prompt has gone; Linux only."""
    child = generation_process(server)
    impatient = client.with_options(timeout=1.5)
    with contextlib.suppress(Exception):  # it goes away
        first_token(impatient, prompt)
    gone = time.monotonic()
    while True:
        before, at = processor_seconds(child), time.monotonic()
        time.sleep(0.5)
        if processor_seconds(child) - before < _STILL:
            return max(0.0, at - gone)


def generation_process(server: int) -> int:
    """The server's child that answers."""
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            status = (line.parent / "stat").read_text().rpartition(")")[2].split()
            if b"children.generate" in line.read_bytes() and int(status[1]) == server:
                return int(line.parent.name)
        except OSError:
            continue
    raise RuntimeError("there is no generation process")


def processor_seconds(process: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def as_text(figures: dict[str, Any]) -> str:
    """The figures in a few lines."""
    lines = [f"prompt of {figures['tokens']:,} tokens, alone: first token after {figures['long_alone']} s"]
    for name, words in (
        ("say_hi_alone", '"Say hi." alone, first token'),
        ("say_hi_beside", '"Say hi." beside it, first token'),
        ("long_beside", "the long prompt beside it, first token"),
        ("still_after", "client gone, child still after"),
    ):
        lines.append(f"{words}: median {figures[name]['median']} s, longest {figures[name]['longest']} s")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
