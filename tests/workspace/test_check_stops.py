"""Ctrl-C in the middle of a check ends its other processes at once."""

from __future__ import annotations

import signal
from multiprocessing import active_children
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from curator.workspace.check import _in_ranges
from curator.workspace.examine import Options


def test_a_stopped_check_ends_its_processes(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text('{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}\n')
    seen: list[BaseProcess] = []

    def stop(done: int, size: int | None) -> None:
        seen.extend(active_children())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _in_ranges(path, Options(), 2, stop)
    assert seen and all(child.exitcode == -signal.SIGTERM for child in seen)
