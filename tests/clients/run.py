"""Run real clients against `curator serve`, each in an environment of its own; write the table of docs/clients.md.

    python tests/clients/run.py [CLIENT …] [--folder DIR] [--write]

The environments are made in DIR (by default `.clients` beside the repository's `.venv`) by pip and kept. The
server is a real one with the base model smollm2-135m-instruct, on a data folder of its own.
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
    """A client: what pip installs, the package whose version is told, its script."""

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
            python = environment(CLIENTS[name], args.folder / name.replace(" ", "-"))
            rows[name] = run_script(CLIENTS[name], python, server)
            show(name, rows[name])
    if args.write:
        write_table(rows)
    return int(any(not each["works"] for row in rows.values() for each in row["abilities"]))


def python_of(folder: Path) -> Path:
    """The Python of an environment."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def environment(client: Client, folder: Path) -> Path:
    """The Python of a client's environment, made where it is missing."""
    python = python_of(folder)
    if not python.is_file():
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *client.requirements], check=True)
    return python


def run_script(client: Client, python: Path, server: dict[str, str]) -> dict[str, Any]:
    """A client's version, and its abilities as its script told them."""
    scripts = HERE / "scripts"
    words = f"import importlib.metadata as m; print(m.version({client.package!r}))"
    version = subprocess.run([python, "-c", words], capture_output=True, text=True).stdout.strip()
    keep = ("PATH", "HOME", "LANG", "SYSTEMROOT", "TMPDIR")
    env = {name: value for name, value in os.environ.items() if name in keep} | server
    env["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it asks the network for prices at each start
    done = subprocess.run([python, scripts / client.script], env=env, capture_output=True, text=True, timeout=1800)
    abilities = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"ability"')]
    if done.returncode or not abilities:
        why = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        abilities.append({"ability": "chat", "works": False, "why": why[:300]})
    return {"version": version, "abilities": abilities}


@contextmanager
def serving(data: Path) -> Iterator[dict[str, str]]:
    """A server on a data folder of its own; the environment that names it to clients."""
    words = [sys.executable, "-m", "curator", "serve", "--data", str(data)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            about = json.loads(process.stdout.readline())
            token = Path(about["token_file"]).read_text("utf-8").strip()
            yield {"OPENAI_BASE_URL": about["base_url"], "OPENAI_API_KEY": token, "CURATOR_MODEL": MODEL}
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
