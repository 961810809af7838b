"""Run real clients against `curator serve`, each in an environment of its own; write the table of docs/clients.md.

    python tests/clients/run.py [CLIENT …] [--folder DIR] [--write]

The environments are made in DIR (by default `.clients` beside the repository's `.venv`) by pip or npm, and kept.
The server is a real one with the base model smollm2-135m-instruct, on a data folder of its own.
"""

from __future__ import annotations

import argparse
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
COLUMNS = (
    "chat", "stream", "tools", "forced tools", "json, schema", "responses", "completions", "stored", "parameters",
    "files, fine-tuning",
)  # fmt: skip
BEGIN, END = "<!-- the table below is written by tests/clients/run.py -->\n", "<!-- end of the table -->\n"


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


def main() -> int:
    """Run the clients that were named, or all; the exit status is 1 where an ability does not work."""
    parser = argparse.ArgumentParser(description="Run real clients against curator serve.")
    parser.add_argument("clients", nargs="*", metavar="CLIENT", help=", ".join(CLIENTS))
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the environments are")
    parser.add_argument("--write", action="store_true", help="write the table into docs/clients.md")
    args = parser.parse_args()
    unknown = [name for name in args.clients if name not in CLIENTS]
    if unknown:
        parser.error(f"there is no client {unknown[0]!r}: choose from {', '.join(CLIENTS)}")
    rows = {}
    with tempfile.TemporaryDirectory() as data, serving(Path(data)) as server:
        for name in args.clients or CLIENTS:
            folder = (args.folder / name.replace(" ", "-")).absolute()
            make_environment(CLIENTS[name], folder)
            rows[name] = run_script(CLIENTS[name], folder, server)
            show(name, rows[name])
    if args.write:
        write_table(rows)
    return int(any(not each["works"] for row in rows.values() for each in row["abilities"]))


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


def command_of(client: Client, folder: Path) -> list[str]:
    """How a client's script is run. Node finds packages beside a script: so scripts are copied there."""
    scripts = HERE / "scripts"
    if not is_node(client):
        return [str(python_of(folder)), str(scripts / client.script)]
    for name in ("abilities.mjs", client.script):
        (folder / name).write_bytes((scripts / name).read_bytes())
    return ["node", str(folder / client.script)]


def run_script(client: Client, folder: Path, server: dict[str, str]) -> dict[str, Any]:
    """A client's version, and its abilities as its script told them."""
    keep = ("PATH", "HOME", "LANG", "SYSTEMROOT", "TMPDIR")
    env = {name: value for name, value in os.environ.items() if name in keep} | server
    env["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it asks the network for prices at each start
    env |= {"OPENAI_AGENTS_DISABLE_TRACING": "1", "AI_SDK_LOG_WARNINGS": "false"}
    words = command_of(client, folder)
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=1800)
    abilities = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"ability"')]
    if done.returncode or not abilities:
        why = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        abilities.append({"ability": "chat", "works": False, "why": why[:300]})
    return {"version": version_of(client, folder), "abilities": abilities}


@contextmanager
def serving(data: Path) -> Iterator[dict[str, str]]:
    """A server on a data folder of its own; the environment that names it to clients."""
    ask = f"from curator import paths; print(paths.models_dir() / {MODEL!r}, end='')"
    folder = subprocess.run([sys.executable, "-c", ask], cwd=ROOT, capture_output=True, text=True).stdout
    words = [sys.executable, "-m", "curator", "serve", "--data", str(data)]
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


def write_table(rows: dict[str, dict[str, Any]]) -> None:
    """Put the results into docs/clients.md, between its two marks."""
    lines = [f"| client | {' | '.join(COLUMNS)} |", "|---" * (len(COLUMNS) + 1) + "|"]
    for name, row in rows.items():
        works = {each["ability"]: each["works"] for each in row["abilities"]}
        cells = ["–" if column not in works else "✓" if works[column] else "✗" for column in COLUMNS]
        lines.append(f"| {name.split()[0]} {row['version']} | {' | '.join(cells)} |")
    text = DOCS.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    DOCS.write_text(before + BEGIN + "\n".join(lines) + "\n" + END + after, "utf-8")


if __name__ == "__main__":
    sys.exit(main())
