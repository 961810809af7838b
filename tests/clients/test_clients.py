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
    with run.serving(tmp_path_factory.mktemp("clients")) as about:
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


def test_the_table_in_the_docs_has_every_client_and_no_failure() -> None:
    text = run.DOCS.read_text("utf-8")
    table = text.partition(run.BEGIN)[2].partition(run.END)[0]
    rows = [line.split("|")[1].strip() for line in table.splitlines()[2:]]
    assert {row.rpartition(" ")[0] for row in rows} == {name.split()[0] for name in run.CLIENTS}
    assert len(rows) == len(run.CLIENTS) and "✗" not in table
    scripts = {client.script for client in run.CLIENTS.values()} | {"abilities.py", "abilities.mjs"}
    assert {path.name for path in (Path(run.__file__).parent / "scripts").glob("*.*")} == scripts
