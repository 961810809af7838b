"""llm, the command: a model named in extra-openai-models.yaml, asked with a system prompt, tools and a schema."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from abilities import BASE_URL, KEY, MODEL, ability, require_person

HOME = Path(tempfile.mkdtemp())
(HOME / "extra-openai-models.yaml").write_text(
    "".join(
        f"- model_id: {name}\n  model_name: {MODEL}\n  api_base: {BASE_URL}\n  api_key_name: curator\n{more}"
        for name, more in (
            ("local", "  supports_tools: true\n  supports_schema: true\n"),
            ("raw", "  completion: true\n"),
        )
    )
)
(HOME / "keys.json").write_text(json.dumps({"curator": KEY}))
(HOME / "tools.py").write_text(
    'def get_weather(city: str) -> str:\n    "The weather in a city."\n    return "rain"\n'
)
SHORT = ("-o", "max_tokens", "16", "-o", "temperature", "0")


def llm(*words: str) -> str:
    done = subprocess.run(
        [Path(sys.executable).parent / "llm", *words],
        env=os.environ | {"LLM_USER_PATH": str(HOME)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@ability("chat")
def chat():
    assert llm("-m", "local", "-s", "Be brief.", "--no-stream", *SHORT, "Say hello.").strip()
    assert llm("-m", "local", "-c", "--no-stream", *SHORT, "Again.").strip()


@ability("stream")
def stream():
    assert llm("-m", "local", *SHORT, "Say hello.").strip()


@ability("tools")
def tools():
    llm("-m", "local", "--functions", str(HOME / "tools.py"), *SHORT, "Say hello.")


@ability("json, schema")
def structured():
    schema = {"type": "object", "properties": {"name": {"enum": ["Ada", "Bob"]}, "age": {"type": "integer"}}}
    schema |= {"required": ["name", "age"], "additionalProperties": False}
    words = ("--schema", json.dumps(schema), "--no-stream", "-o", "max_tokens", "80", "Ada is 36.")
    require_person(llm("-m", "local", *words))
    free = ("-o", "json_object", "1", "-o", "max_tokens", "200", "-o", "temperature", "0", "Answer in JSON.")
    assert isinstance(json.loads(llm("-m", "local", *free)), dict)


@ability("completions")
def completions():
    assert llm("-m", "raw", "-o", "max_tokens", "4", "--no-stream", "One, two,").strip()


@ability("parameters")
def parameters():
    assert llm("-m", "local", "-o", "frequency_penalty", "0.1", "-o", "seed", "3", *SHORT, "Say hello.").strip()
