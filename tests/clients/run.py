"""Run real clients against `curator serve`, each in an environment of its own; write the table of docs/clients.md.

    python tests/clients/run.py [CLIENT …] [--examples] [--folder DIR] [--write]

With --examples it runs the first example of each client's own documentation instead, unchanged but for base URL
and key. With --write the rows of clients that were not run stay as they were.

The environments are made in DIR (by default `.clients` beside the repository's `.venv`) by pip or npm, and kept.
The server is a real one with the base model smollm2-135m-instruct, on a data folder of its own.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
DOCS = ROOT / "docs" / "clients.md"
FOLDER = ROOT / ".clients"
MODEL = "smollm2-135m-instruct"
FOR_EXAMPLES = ("--alias", f"*={MODEL}", "--temperature", "0.2", "--max-tokens", "200")
"""Options of the server for examples, which name models of OpenAI's, and mostly neither temperature nor length."""
COLUMNS = (
    "chat", "stream", "tools", "forced tools", "json, schema", "responses", "completions", "stored", "parameters",
    "files, fine-tuning",
)  # fmt: skip
BEGIN, END = "<!-- the table below is written by tests/clients/run.py -->\n", "<!-- end of the table -->\n"
BEGIN_EXAMPLES = "<!-- the table below is written by tests/clients/run.py --examples -->\n"


class Client(NamedTuple):
    """A client: what pip installs (npm, for a script that ends in `.mjs`), the package whose version is told, its
    script."""

    requirements: tuple[str, ...]
    package: str
    script: str


CLIENTS = {
    "openai": Client(("openai",), "openai", "openai_current.py"),
    "openai 1": Client(("openai==1.30.5", "httpx<0.28"), "openai", "openai_1.py"),
    "openai 0": Client(("openai==0.28.1",), "openai", "openai_0.py"),
    "instructor": Client(("instructor",), "instructor", "instructor_client.py"),
    "pydantic-ai": Client(("pydantic-ai-slim[openai]",), "pydantic-ai-slim", "pydantic_ai_client.py"),
    "langchain-openai": Client(("langchain-openai",), "langchain-openai", "langchain_client.py"),
    "litellm": Client(("litellm",), "litellm", "litellm_client.py"),
    "openai-agents": Client(("openai-agents",), "openai-agents", "openai_agents_client.py"),
    "llm": Client(("llm",), "llm", "llm_client.py"),
    "smolagents": Client(("smolagents[openai]",), "smolagents", "smolagents_client.py"),
    "llama-index": Client(
        ("llama-index-llms-openai-like",), "llama-index-llms-openai-like", "llama_index_client.py"
    ),
    "dspy": Client(("dspy",), "dspy", "dspy_client.py"),
    "lm-eval": Client(("lm-eval[api]", "transformers"), "lm-eval", "lm_eval_client.py"),
    "inspect-ai": Client(("inspect-ai", "openai"), "inspect-ai", "inspect_client.py"),
    "aider": Client(("aider-chat",), "aider-chat", "aider_client.py"),
    "openai-node": Client(("openai", "zod"), "openai", "openai_node.mjs"),
    "ai-sdk": Client(("ai", "@ai-sdk/openai", "@ai-sdk/openai-compatible", "zod"), "ai", "ai_sdk.mjs"),
    "promptfoo": Client(("promptfoo",), "promptfoo", "promptfoo_client.mjs"),
}


class Example(NamedTuple):
    """A client's own example: its script here, where it stands, and what is changed besides base URL and key."""

    script: str
    source: str
    changed: str = "nothing"


EXAMPLES = {
    "openai": Example("openai_current.py", "README, Usage: responses and chat"),
    "openai 1": Example("openai_1.py", "README, Usage"),
    "openai 0": Example("openai_0.py", "README, Usage: chat and completion"),
    "instructor": Example("instructor_example.py", "README, first example"),
    "pydantic-ai": Example(
        "pydantic_ai_example.py", "README, Hello World", "its model of Anthropic's: `openai:gpt-5.2`"
    ),
    "langchain-openai": Example("langchain_example.py", "reference of ChatOpenAI: invoke and stream"),
    "litellm": Example("litellm_example.py", "README, Python SDK: OpenAI"),
    "openai-agents": Example("openai_agents_example.py", "README, Run a text agent"),
    "llm": Example("llm_example.py", "README, Quick start: an endpoint"),
    "smolagents": Example(
        "smolagents_example.py",
        "README, first agent, model of OpenAI-compatible servers",
        "no web search (no network here); two steps",
    ),
    "llama-index": Example("llama_index_example.py", "README, Usage"),
    "dspy": Example("dspy_example.py", "Setting up DSPy: a call; ChainOfThought"),
    "lm-eval": Example(
        "lm_eval_example.py",
        "README, local inference server",
        "task and tokenizer from files (no network here); no `batch_size`, which this version refuses there",
    ),
    "inspect-ai": Example("inspect_example.py", "tutorial, Hello World"),
    "aider": Example("aider_example.py", "OpenAI compatible APIs", "one message, then it leaves"),
    "openai-node": Example("openai_node.mjs", "README, Usage: responses and chat"),
    "ai-sdk": Example("ai_sdk.mjs", "README of @ai-sdk/openai, Example"),
    "promptfoo": Example("promptfoo.mjs", "getting-started", "the file is written, not fetched"),
}


def main() -> int:
    """Run the clients that were named, or all; the exit status is 1 where an ability or example does not work."""
    parser = argparse.ArgumentParser(description="Run real clients against curator serve.")
    parser.add_argument("clients", nargs="*", metavar="CLIENT", help=", ".join(CLIENTS))
    parser.add_argument(
        "--examples", action="store_true", help="run the first example of each client's documentation"
    )
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the environments are")
    parser.add_argument("--write", action="store_true", help="write the table into docs/clients.md")
    args = parser.parse_args()
    unknown = [name for name in args.clients if name not in CLIENTS]
    if unknown:
        parser.error(f"there is no client {unknown[0]!r}: choose from {', '.join(CLIENTS)}")
    all_work = True
    words = FOR_EXAMPLES if args.examples else ()
    with tempfile.TemporaryDirectory() as data, serving(Path(data), *words) as server:
        for name in args.clients or CLIENTS:
            folder = (args.folder / name.replace(" ", "-")).absolute()
            make_environment(CLIENTS[name], folder)
            if args.examples:
                works, row = run_example(name, folder, server)
            else:
                works, row = run_abilities(name, folder, server)
            all_work &= works
            if args.write:
                write_row(name, row, BEGIN_EXAMPLES if args.examples else BEGIN)
    return int(not all_work)


def run_abilities(name: str, folder: Path, server: dict[str, str]) -> tuple[bool, list[str]]:
    """Run a client's script and tell its results: whether all works, and its row of the table."""
    result = run_script(CLIENTS[name], folder, server)
    show(name, result)
    works = {each["ability"]: each["works"] for each in result["abilities"]}
    cells = ["–" if column not in works else "✓" if works[column] else "✗" for column in COLUMNS]
    return all(works.values()), [f"{name.split()[0]} {result['version']}", *cells, today()]


def run_example(name: str, folder: Path, server: dict[str, str]) -> tuple[bool, list[str]]:
    """Run a client's own example and tell its end: whether it works, and its row of the table."""
    client, example = CLIENTS[name], EXAMPLES[name]
    try:
        words = command_of(client, folder, HERE / "examples" / example.script)
        done = subprocess.run(words, env=environment(server), capture_output=True, text=True, timeout=1800)
        fault = done.stderr.strip() if done.returncode else "" if done.stdout.strip() else "it printed nothing"
        text = done.stdout
    except subprocess.TimeoutExpired:
        text, fault = "", "no end within half an hour"
    version = version_of(client, folder)
    sys.stdout.write(f"== {name} {version}: {'FAILS' if fault else 'works'}\n{text[-1500:]}{fault[-1500:]}\n")
    sys.stdout.flush()
    cells = [f"{name.split()[0]} {version}", example.source, example.changed, "✗" if fault else "✓", today()]
    return not fault, cells


def today() -> str:
    """The day on which a row was run."""
    return datetime.date.today().isoformat()


def is_node(client: Client) -> bool:
    """Whether a client runs in Node."""
    return client.script.endswith(".mjs")


def python_of(folder: Path) -> Path:
    """The Python of an environment."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def is_there(client: Client, folder: Path) -> bool:
    """Whether a client's environment was made."""
    return (folder / "node_modules" / client.package if is_node(client) else python_of(folder)).exists()


def make_environment(client: Client, folder: Path) -> None:
    """Make a client's environment where it is missing."""
    if is_there(client, folder):
        return
    if is_node(client):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text("{}")
        subprocess.run(["npm", "install", "--silent", *client.requirements], cwd=folder, check=True)
        return
    venv.create(folder, with_pip=True)
    subprocess.run([python_of(folder), "-m", "pip", "install", "-q", *client.requirements], check=True)


def version_of(client: Client, folder: Path) -> str:
    """The version of a client's package."""
    if is_node(client):
        about = folder / "node_modules" / client.package / "package.json"
        return str(json.loads(about.read_text("utf-8"))["version"])
    words = f"import importlib.metadata as m; print(m.version({client.package!r}))"
    return subprocess.run([python_of(folder), "-c", words], capture_output=True, text=True).stdout.strip()


def command_of(client: Client, folder: Path, script: Path) -> list[str]:
    """How a script is run. Node finds packages beside a script: so scripts are copied there."""
    if not is_node(client):
        return [str(python_of(folder)), str(script)]
    for each in (HERE / "scripts" / "abilities.mjs", script):
        (folder / each.name).write_bytes(each.read_bytes())
    return ["node", str(folder / script.name)]


def environment(server: dict[str, str]) -> dict[str, str]:
    """The environment of a client: little of this process's, the server's names, and no look at the network."""
    keep = ("PATH", "HOME", "LANG", "SYSTEMROOT", "TMPDIR")
    env = {name: value for name, value in os.environ.items() if name in keep} | server
    env["OPENAI_API_BASE"] = server["OPENAI_BASE_URL"]  # its name for openai 0, langchain, litellm and aider
    env["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it asks the network for prices at each start
    return env | {"OPENAI_AGENTS_DISABLE_TRACING": "1", "AI_SDK_LOG_WARNINGS": "false"}


def run_script(client: Client, folder: Path, server: dict[str, str]) -> dict[str, Any]:
    """A client's version, and its abilities as its script told them."""
    words = command_of(client, folder, HERE / "scripts" / client.script)
    done = subprocess.run(words, env=environment(server), capture_output=True, text=True, timeout=1800)
    abilities = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"ability"')]
    if done.returncode or not abilities:
        why = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        abilities.append({"ability": "chat", "works": False, "why": why[:300]})
    return {"version": version_of(client, folder), "abilities": abilities}


@contextmanager
def serving(data: Path, *options: str) -> Iterator[dict[str, str]]:
    """A server on a data folder of its own; the environment that names it to clients."""
    ask = f"from curator import paths; print(paths.models_dir() / {MODEL!r}, end='')"
    folder = subprocess.run([sys.executable, "-c", ask], cwd=ROOT, capture_output=True, text=True).stdout
    words = [sys.executable, "-m", "curator", "serve", "--data", str(data), *options]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            about = json.loads(process.stdout.readline())
            token = Path(about["token_file"]).read_text("utf-8").strip()
            named = {"CURATOR_MODEL": MODEL, "CURATOR_MODEL_FOLDER": folder}
            yield {"OPENAI_BASE_URL": about["base_url"], "OPENAI_API_KEY": token} | named
        finally:
            process.terminate()


def show(name: str, row: dict[str, Any]) -> None:
    """Print a client's abilities."""
    for each in row["abilities"]:
        mark = "works" if each["works"] else f"FAILS: {each['why']}"
        print(f"{name} {row['version']}: {each['ability']}: {mark}", flush=True)


def write_row(name: str, row: list[str], begin: str) -> None:
    """Put a client's row into the table of docs/clients.md that begins at a mark; the other rows stay."""
    text = DOCS.read_text("utf-8")
    before, _, rest = text.partition(begin)
    table, _, after = rest.partition(END)
    head, rule, *lines = table.splitlines()
    rows = {client_of(line): line for line in lines} | {name: f"| {' | '.join(row)} |"}
    lines = [head, rule, *(rows[each] for each in CLIENTS if each in rows)]
    DOCS.write_text(before + begin + "\n".join(lines) + "\n" + END + after, "utf-8")


def client_of(line: str) -> str:
    """The client of a table's row, whose first cell is `openai 1.30.5` for the client `openai 1`."""
    name, _, version = line.split("|")[1].strip().rpartition(" ")
    major = f"{name} {version.partition('.')[0]}"
    return major if major in CLIENTS else name


if __name__ == "__main__":
    sys.exit(main())
