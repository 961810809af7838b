"""The Modelfile that a GGUF export has, held to what Ollama's sources do with it.

Its template is rendered by Go's own text/template where the npm package @evertdespiegeleer/go-template (Go
compiled to WebAssembly) lies in `.clients/go-template`. This puts it there:

    npm install --prefix .clients/go-template @evertdespiegeleer/go-template
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from curator.basemodels import chat_render, text_model
from curator.basemodels.text_model import TextModel
from curator.server.engines.exports.chat_frames import find_frames
from curator.server.engines.exports.modelfile import make_modelfile
from tests.server import tiny
from tests.server.test_engine_tools import TOOL

PACKAGE = Path(__file__).parents[2] / ".clients/go-template/node_modules/@evertdespiegeleer/go-template"
SCRIPT = """
const { parse } = await import(process.argv[1]);
const [template, all] = JSON.parse(require("fs").readFileSync(0, "utf8"));
const texts = [];
for (const values of all) texts.push(await parse(template, values));
process.stdout.write(JSON.stringify(texts));
process.exit(0);
"""


def call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}


USER, ANSWER = {"role": "user", "content": "Oslo?"}, {"role": "assistant", "content": "Rain {{ .System }}."}
SYSTEM = {"role": "system", "content": "Be\nkind."}
CALL = {"role": "assistant", "content": "", "tool_calls": [call("get_weather", city="Oslo")]}
CALLS = {
    "role": "assistant",
    "content": "Both.",
    "tool_calls": [call("a", x=1), call("b"), call("c", y=["<", "é"])],
}
RESULT, OTHER_RESULT = {"role": "tool", "content": "rain"}, {"role": "tool", "content": '{"sun": 1}'}
CASES: list[tuple[list[dict[str, Any]], list[Any] | None]] = [
    ([USER], None),
    ([SYSTEM, USER], None),
    ([SYSTEM, USER, ANSWER, USER], None),
    ([USER], [TOOL]),
    ([SYSTEM, USER], [TOOL, TOOL]),
    ([USER, CALL, RESULT], [TOOL]),
    ([SYSTEM, USER, CALLS, RESULT, OTHER_RESULT, RESULT, ANSWER, USER], [TOOL]),
    ([USER, CALLS, RESULT, CALL, OTHER_RESULT], [TOOL]),
    ([USER, CALL, RESULT, ANSWER, USER], None),
]


def ollama_values(messages: list[dict[str, Any]], tools: list[Any] | None) -> dict[str, Any]:
    """What Ollama gives a template: the system prompt also by itself, functions and arguments as their JSON."""

    def shown(message: dict[str, Any]) -> dict[str, Any]:
        calls = [
            {"Function": {"Name": each["function"]["name"], "Arguments": dump(each["function"]["arguments"])}}
            for each in message.get("tool_calls", [])
        ]
        return {"Role": message["role"], "Content": message["content"], "ToolCalls": calls}

    system = "\n\n".join(each["content"] for each in messages if each["role"] == "system")
    functions = [{"Type": "function", "Function": dump(tool["function"])} for tool in tools or []]
    return {"System": system, "Messages": [shown(each) for each in messages], "Tools": functions}


def dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def template_of(modelfile: str) -> str:
    """The template as Ollama's parser takes it: what stands between two triple quotes."""
    found = re.search(r'^TEMPLATE """(.*?)"""$', modelfile, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> TextModel:
    """A model's text side, whose chat template shows no tools."""
    return text_model.load(tiny.write_tiny_model(tmp_path_factory.mktemp("model")))


@pytest.fixture(scope="module")
def template(text: TextModel) -> str:
    """The template of that model's export."""
    frames = find_frames(lambda messages, ask: chat_render.render_text(text, messages, ask))
    return template_of(make_modelfile("x.gguf", frames=frames, system="S", stops=(), context=9))


@pytest.mark.skipif(not PACKAGE.is_dir() or shutil.which("node") is None, reason=f"{PACKAGE.name} is not there")
def test_go_renders_what_the_model_was_trained_on(template: str, text: TextModel) -> None:
    done = subprocess.run(
        ["node", "--input-type=commonjs", "-e", f"(async () => {{{SCRIPT}}})()", str(PACKAGE / "dist/main.js")],
        input=json.dumps([template, [ollama_values(*case) for case in CASES]]),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    for (messages, tools), rendered in zip(CASES, json.loads(done.stdout), strict=True):
        assert rendered == chat_render.render_text(text, messages, True, tools)


def test_ollama_finds_the_text_before_a_call(template: str) -> None:
    """Its sources take the first text inside the first `if` that names .ToolCalls, up to the first brace."""
    assert re.findall(r"{{ if[^}]*[ (]\.ToolCalls", template) == ["{{ if .ToolCalls"]
    inside = template.partition("{{ if .ToolCalls }}")[2].partition("{{ range $n, $call := .ToolCalls }}")
    assert inside[0] == "" and inside[2].partition("{")[0].strip() == "<tool_call>"


def test_values_are_quoted_as_ollama_reads_them() -> None:
    """Its parser takes what stands between quotes as it is: there are no escapes."""
    text = make_modelfile("x.gguf", frames=None, system="a\u200db", stops=['"\\', "\n\n", "<|x|>"], context=9)
    assert 'PARAMETER stop ""\\"\n' in text and 'PARAMETER stop """\n\n"""\n' in text
    assert 'PARAMETER stop "<|x|>"\n' in text and "# Ollama drops what is not printable" in text
