"""Real clients against a real server, for those whose environments are there: `python tests/clients/run.py` makes
them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from curator.basemodels.shelf import is_installed
from tests.clients import run


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A server with the real base model, shared by all clients."""
    with run.serving(tmp_path_factory.mktemp("clients"), *run.FOR_EXAMPLES) as about:
        yield about


@pytest.mark.slow
@pytest.mark.parametrize("name", run.CLIENTS)
def test_everything_that_a_client_can_do_works(name: str, request: pytest.FixtureRequest) -> None:
    folder = run.FOLDER / name.replace(" ", "-")
    if not run.is_there(run.CLIENTS[name], folder):
        pytest.skip(f"not installed: python tests/clients/run.py '{name}' makes its environment")
    if not is_installed(run.MODEL):
        pytest.skip(f"{run.MODEL} is not on this machine: curator models pull {run.MODEL}")
    row = run.run_script(run.CLIENTS[name], folder, request.getfixturevalue("server"))
    assert [each for each in row["abilities"] if not each["works"]] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", run.CLIENTS)
def test_the_first_example_of_a_client_s_documentation_runs(name: str, request: pytest.FixtureRequest) -> None:
    folder = run.FOLDER / name.replace(" ", "-")
    if not run.is_there(run.CLIENTS[name], folder):
        pytest.skip(f"not installed: python tests/clients/run.py '{name}' makes its environment")
    if not is_installed(run.MODEL):
        pytest.skip(f"{run.MODEL} is not on this machine: curator models pull {run.MODEL}")
    works, row = run.run_example(name, folder, request.getfixturevalue("server"))
    assert works, row


def test_a_run_of_one_client_keeps_the_rows_of_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "DOCS", tmp_path / "clients.md")
    old = ["| openai 3.1.0 | ✓ |", "| openai 1.30.5 | ✓ |", "| openai 0.28.1 | ✓ |", "| llm 0.36 | ✓ |"]
    table = "\n".join(["| client | chat |", "|---|---|", *old]) + "\n"
    run.DOCS.write_text(f"Before.\n{run.BEGIN}{table}{run.END}After.\n", "utf-8")
    run.write_row("openai 1", ["openai 1.31.0", "✗"], run.BEGIN)
    run.write_row("dspy", ["dspy 3.4.1", "✓"], run.BEGIN)
    before, _, rest = run.DOCS.read_text("utf-8").partition(run.BEGIN)
    written, _, after = rest.partition(run.END)
    assert (before, after) == ("Before.\n", "After.\n")
    assert written.splitlines()[2:] == [old[0], "| openai 1.31.0 | ✗ |", old[2], old[3], "| dspy 3.4.1 | ✓ |"]


def test_the_table_in_the_docs_has_every_client_and_no_failure() -> None:
    text = run.DOCS.read_text("utf-8")
    table = text.partition(run.BEGIN)[2].partition(run.END)[0]
    rows = [line.split("|")[1].strip() for line in table.splitlines()[2:]]
    assert {row.rpartition(" ")[0] for row in rows} == {name.split()[0] for name in run.CLIENTS}
    assert len(rows) == len(run.CLIENTS) and "✗" not in table
    scripts = {client.script for client in run.CLIENTS.values()} | {"abilities.py", "abilities.mjs"}
    assert {path.name for path in (Path(run.__file__).parent / "scripts").glob("*.*")} == scripts


def test_every_client_has_an_example_that_stands_in_the_docs() -> None:
    table = run.DOCS.read_text("utf-8").partition(run.BEGIN_EXAMPLES)[2].partition(run.END)[0]
    rows = {
        run.client_of(line): [cell.strip() for cell in line.split("|")[2:4]] for line in table.splitlines()[2:]
    }
    assert rows == {name: [each.source, each.changed] for name, each in run.EXAMPLES.items()}
    assert "✗" not in table and set(run.EXAMPLES) == set(run.CLIENTS)
    scripts = {path.name for path in (Path(run.__file__).parent / "examples").glob("*.*")}
    assert scripts == {each.script for each in run.EXAMPLES.values()}
