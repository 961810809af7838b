"""Every test gets a home of its own: nothing reads or writes the user's folders."""

from __future__ import annotations

import contextlib
import functools
import gc
import itertools
import json
import os
import signal
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

from curator import paths
from tests.thorough import DAY, THOROUGH, examples

# Several BLAS threads on a busy machine take many times longer than one; NumPy reads this when it is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Hypothesis fails an example that takes longer than 200 ms: on a busy machine any may.
settings.register_profile(
    "curator", max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("curator")

# Hypothesis reads the numbers and texts in all modules, to try them too: a second in each process.
if not THOROUGH:
    providers._get_local_constants = lambda: providers._local_constants

# Each client of HTTP reads the certificates of all authorities, some 30 ms: once a process is enough.
ssl.create_default_context = functools.cache(ssl.create_default_context)  # type: ignore[assignment]

# What a process holds when it has collected the tests stays: the garbage collector need not look at it. The app
# does the same with its own objects, which here would keep every app for good.
_freeze = gc.freeze
gc.freeze = lambda: None

LONG = ("test_loop", "test_snapshots", "test_large", "test_api_jobs", "test_training", "test_queue_lifecycle")
"""The files that take longest: begun first, so that none of them is left for the end."""


TURNS = 2
"""In so many days each test that is marked `by_turns` runs once."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option with which `scripts/test.py` keeps the suite short."""
    parser.addoption("--by-turns", action="store_true", help="of the tests marked by_turns, run today's half")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the longest files first, in the order of `LONG`. With `--by-turns` leave out what is due another day."""
    items.sort(key=lambda item: LONG.index(item.path.stem) if item.path.stem in LONG else len(LONG))
    if config.getoption("by_turns") and not THOROUGH:
        marked = [item for item in items if item.get_closest_marker("by_turns")]
        another_day = [item for number, item in enumerate(marked) if (number + DAY) % TURNS]
        config.hook.pytest_deselected(items=another_day)
        left_out = set(another_day)
        items[:] = [item for item in items if item not in left_out]


def pytest_collection_finish() -> None:
    """Spare the garbage collector what was made so far."""
    _freeze()
    gc.set_threshold(100_000, 20, 20)


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Names of folders that are not there yet, one for each test."""
    folder = tmp_path_factory.mktemp("homes")
    return (folder / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def curator_home(homes: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder as CURATOR_HOME, without keys or colour settings from outside."""
    home = next(homes)
    home.mkdir()
    monkeypatch.setenv("CURATOR_HOME", str(home))
    for name in (
        "CURATOR_MODELS",
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
        "AZURE_OPENAI_API_KEY",
        "AZURE_OPENAI_ENDPOINT",
        "NO_COLOR",
    ):
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The tiny model in a models folder of its own; the server that was started for it is stopped afterwards."""
    from tests.server.tiny import write_tiny_model

    write_tiny_model(tmp_path / "models" / "tiny")
    monkeypatch.setenv("CURATOR_MODELS", str(tmp_path / "models"))
    yield "tiny"
    with contextlib.suppress(OSError, ValueError):
        os.kill(json.loads((paths.server_dir() / "server.json").read_text())["pid"], signal.SIGTERM)
