"""Whether answers keep to a JSON schema, and what it costs a token to make them.

    python benchmarks/constrained.py [--answers 200] [--json]

A real server with the base model is asked for so many answers by schemas of several shapes, at temperature 1,
eight at a time, and each is held to its schema by jsonschema. Then the same model writes texts of so many
tokens, free and as the one text of a schema, in turn: the processor time of the generation process is divided by
its tokens. Linux only.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jsonschema
from figures import state
from openai import OpenAI
from serving import MODEL, generation_process, processor_seconds

TEXT_TOKENS, TEXTS = 150, 6
PEOPLE = ("Ada", "Bob", "Cleo", "Dan")


def an_object(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A schema of an object all of whose keys are required."""
    keys = {"required": list(properties), "additionalProperties": False}
    return {"type": "object", "properties": properties, **keys, **more}


NAME = {"type": "string", "maxLength": 12}
PERSON = an_object({"name": {"enum": list(PEOPLE)}, "age": {"type": "integer", "minimum": 0, "maximum": 120}})
SCHEMAS: list[dict[str, Any]] = [
    PERSON,
    an_object({"name": NAME, "tags": {"type": "array", "items": NAME, "minItems": 1, "maxItems": 3}}),
    an_object({"where": an_object({"city": NAME, "zip": {"type": "string", "pattern": "^[0-9]{5}$"}})}),
    an_object({"kind": {"const": "note"}, "done": {"type": "boolean"}, "rank": {"enum": [1, 2.5, None]}}),
    an_object(
        {
            "day": {"type": "string", "format": "date"},
            "degrees": {"type": "integer", "maximum": 60, "minimum": -60},
        }
    ),
    {"type": "array", "items": {"enum": list(PEOPLE)}, "minItems": 2, "maxItems": 4},
    {"anyOf": [an_object({"yes": {"const": True}}), an_object({"no": NAME})]},
    {
        "$defs": {"person": PERSON},
        **an_object({"of": {"$ref": "#/$defs/person"}, "to": {"$ref": "#/$defs/person"}}),
    },
]
"""None lets an answer go on for ever: what `max_tokens` cuts off cannot keep to its schema."""


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description="Whether answers keep to a schema, and what it costs.")
    parser.add_argument("--answers", type=int, default=200)
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
                figures = count_right(client, args.answers) | measure_cost(client, server.pid)
            finally:
                server.terminate()
    sys.stdout.write(json.dumps(figures) + "\n" if args.json else as_text(figures))
    if not args.json:
        state(f"answers of {args.answers} that keep to their schema", figures["right"], "", at_least=args.answers)
        state("a token in a given form costs", 100 * figures["more"], "% more CPU", at_most=20)


def count_right(client: OpenAI, count: int) -> dict[str, Any]:
    """How many of so many answers keep to their schema, and what is wrong with the others."""

    def ask(number: int) -> str | None:
        schema = SCHEMAS[number % len(SCHEMAS)]
        question = f"Tell me something about {PEOPLE[number % 4]}, number {number}."
        answer = client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": question}],
            response_format={"type": "json_schema", "json_schema": {"name": "thing", "schema": schema}},
            max_tokens=400,
            temperature=1,
            seed=number,
        ).choices[0]
        try:
            jsonschema.validate(json.loads(answer.message.content or ""), schema)
        except (ValueError, jsonschema.ValidationError) as error:
            return f"{answer.finish_reason}: {str(error).splitlines()[0]}: {(answer.message.content or '')[:200]}"
        return None

    with ThreadPoolExecutor(8) as pool:
        wrong = [problem for problem in pool.map(ask, range(count)) if problem]
    return {"answers": count, "right": count - len(wrong), "wrong": wrong}


def measure_cost(client: OpenAI, server: int) -> dict[str, Any]:
    """Median milliseconds of processor time a token, free and constrained, and how much more that is."""
    spent: dict[bool, list[float]] = {False: [], True: []}
    schema = an_object({"text": {"type": "string", "minLength": 2_000}})
    form = {"type": "json_schema", "json_schema": {"name": "text", "schema": schema}}
    for number in range(2 * TEXTS):
        constrained = bool(number % 2)
        more: dict[str, Any] = {"response_format": form} if constrained else {"logit_bias": {"2": -100}}
        child = generation_process(server)
        before = processor_seconds(child)
        answer = client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": f"Write a long text about the number {number // 2}."}],
            max_tokens=TEXT_TOKENS,
            temperature=0.7,
            seed=number // 2,
            **more,
        )
        used = processor_seconds(child) - before
        assert answer.usage is not None
        spent[constrained].append(1000 * used / answer.usage.completion_tokens)
    free, bound = statistics.median(spent[False]), statistics.median(spent[True])
    return {
        "free_ms_a_token": round(free, 2),
        "constrained_ms_a_token": round(bound, 2),
        "more": round(bound / free - 1, 3),
    }


def as_text(figures: dict[str, Any]) -> str:
    """The figures in a few lines."""
    lines = [f"{figures['right']} of {figures['answers']} answers keep to their schema", *figures["wrong"]]
    lines.append(
        f"{figures['free_ms_a_token']} ms a token free, {figures['constrained_ms_a_token']} ms constrained: "
        f"{figures['more']:+.1%}"
    )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
