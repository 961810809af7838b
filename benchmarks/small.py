"""What a person waits for in a file of 300 examples: the work of the thread that draws, and a saved edit's counts.

    python benchmarks/small.py [--edits 20] [--train]

The real app runs in this process on the sample, 120 x 40, without a terminal. For each action the longest step of
the event loop is printed, in CPU time of its thread: as long as it lasts, no key is handled and nothing is drawn.
Of edits, it is the time from the key that saves until the first frame after the new sum of tokens is known: wall
and CPU of this process. `--train` runs a training of the local server meanwhile, as `latency.py` does.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
import time
from asyncio.events import Handle
from contextlib import contextmanager, nullcontext
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent))
from figures import state
from latency import SAMPLE, training

from curator import paths
from curator.tui.app import CuratorApp
from curator.workspace.opening import open_workspace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.pilot import Pilot

FRAME = 1000 / 60
"""Milliseconds."""
SETTLED = 0.7
"""Seconds after an action in which what it began may still go on."""
MOST = 10
"""Seconds to wait for the counts of an edit."""
ACTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("next example", ("down",)),
    ("next page", ("pagedown",)),
    ("type a query", ("slash", *"the")),
    ("search", ("enter",)),
    ("end the search", ("slash", "ctrl+u", "escape")),
    ("sort", ("s",)),
    ("counts of all fields", ("c",)),
    ("close the counts", ("escape",)),
    ("label all", ("ctrl+a", "1")),
    ("undo", ("u",)),
    ("release the selection", ("escape",)),
    ("copies: the stage", ("alt+2",)),
    ("split: the stage", ("alt+3",)),
    ("split: the dialog", ("S",)),
    ("split: do it", ("enter",)),
    ("split: check for leaks", ("c",)),
    ("back to the data", ("escape", "alt+1")),
    ("balance", ("B",)),
    ("close the balance", ("escape",)),
    ("train: check and plan", ("T",)),
    ("close the plan", ("escape",)),
)
"""What is measured, once for the first time and once again, and its keys."""


class Steps:
    """The CPU time of each callback of the event loop, in seconds; `start` forgets those before."""

    def __init__(self) -> None:
        self.longest = 0.0

    def start(self) -> None:
        """Forget what was measured."""
        self.longest = 0.0

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Measure inside the block."""
        run = Handle._run

        def timed(handle: Handle) -> None:
            began = time.thread_time()
            run(handle)
            self.longest = max(self.longest, time.thread_time() - began)

        Handle._run = timed  # type: ignore[method-assign, assignment]
        try:
            yield
        finally:
            Handle._run = run  # type: ignore[method-assign]


async def save_edits(app: CuratorApp, pilot: Pilot[Any], count: int) -> list[tuple[float, float]]:
    """(wall, CPU) seconds of each of some edits, from the key that saves to the frame with the new counts."""
    displayed, workspace, costs = app._display, app.session.workspace, []
    frames: list[tuple[float, float, int | None]] = []

    def note_frame(*args: Any) -> None:
        displayed(*args)
        frames.append((time.perf_counter(), time.process_time(), workspace.counts().tokens))

    app._display = note_frame  # type: ignore[assignment]
    for _ in range(count):
        await pilot.press("enter", *"xyz")
        await pilot.pause(SETTLED)
        before = workspace.counts().tokens
        frames.clear()
        wall, cpu = time.perf_counter(), time.process_time()
        app.simulate_key("ctrl+s")
        while all(tokens == before for *_, tokens in frames) and time.perf_counter() - wall < MOST:
            await asyncio.sleep(0.001)
        costs += [(at - wall, spent - cpu) for at, spent, tokens in frames if tokens != before][:1]
        await pilot.press("escape")
    return costs


async def measure(file: Path, edits: int) -> None:
    """Open the app, do everything, print and state the figures."""
    steps = Steps()
    longest: dict[str, list[float]] = {}
    with steps.measured(), open_workspace(file) as workspace:
        app = CuratorApp(workspace, analyse=True)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.pause(1)
            longest["open"] = [steps.longest]
            while app.session.progress is not None:
                await asyncio.sleep(0.1)
            for _ in range(2):
                for name, keys in ACTIONS:
                    steps.start()
                    await pilot.press(*keys)
                    await pilot.pause(SETTLED)
                    longest.setdefault(name, []).append(steps.longest)
            costs = await save_edits(app, pilot, edits)
    for name, seconds in longest.items():
        each = [f"{1000 * step:6.1f}" for step in seconds]
        print(f"{name:<26} longest step {' and again '.join(each)} ms CPU")
    tell(longest, costs)


def tell(longest: dict[str, list[float]], costs: list[tuple[float, float]]) -> None:
    """State the figures that have a goal."""
    walls, cpus = ([1000 * cost[part] for cost in costs] for part in (0, 1))
    if not costs:
        sys.exit("the counts of no edit changed")
    state("300 examples: a saved edit until its counts stand, median", median(walls), "ms", at_most=50)
    state("the same, longest", max(walls), "ms", at_most=50)
    state("the same, median", median(cpus), "ms CPU")
    again = {name: 1000 * seconds[-1] for name, seconds in longest.items()}
    slowest = max(again, key=lambda name: again[name])
    state(f"longest step of an action done before ({slowest})", again[slowest], "ms CPU", at_most=FRAME)
    late = [name for name, step in again.items() if step > FRAME]
    state("actions with a longer step than a frame", len(late), f"of {len(again)}", at_most=0)


def main() -> None:
    """Measure beside a training or without."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--edits", type=int, default=20)
    parser.add_argument("--train", action="store_true", help="beside a training")
    args = parser.parse_args()
    os.environ.setdefault("CURATOR_MODELS", str(paths.models_dir()))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        file, home = Path(folder) / "sample.jsonl", Path(folder) / "home"
        shutil.copyfile(SAMPLE, file)
        home.mkdir()
        os.environ["CURATOR_HOME"] = str(home)
        with training(home) if args.train else nullcontext():
            asyncio.run(measure(file, args.edits))


if __name__ == "__main__":
    main()
