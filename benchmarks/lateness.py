"""How late the UI's event loop is while the analysis child works, compared with an idle UI.

    python benchmarks/lateness.py [FILE.jsonl] [--examples 100000] [--rounds 2] [--seconds 10]

The real app runs in this process with Textual's headless driver, 120 x 40. A probe in its event loop wakes 60
times a second and does about a millisecond of Python work. Printed is how late it wakes (median, p99, greatest),
and how long it takes from a key press until the app has handled it and is idle. `idle` is the analysed workspace,
`at work` the same file while its child copies and analyses it for the first time; the two are measured in turn.
`changing` is the analysed workspace while a label is put on every example and taken off again.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles

sys.path.insert(0, str(Path(__file__).parent))
from corpus import write_corpus

from curator.tui.app import CuratorApp
from curator.workspace.opening import open_workspace

FRAME = 1 / 60
LEAST = 100
"""Fewest frames of a measurement that counts; with fewer the child had finished too soon."""


async def probe(seconds: float, going: Callable[[], bool]) -> list[float]:
    """The lateness of each frame in seconds, for `seconds` at most and while `going()` is true."""
    late: list[float] = []
    due, end = time.perf_counter() + FRAME, time.perf_counter() + seconds
    while time.perf_counter() < end:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        late.append(time.perf_counter() - due)
        work = time.perf_counter() + 0.001
        while time.perf_counter() < work:
            pass
        due = max(due + FRAME, time.perf_counter())
        if not going():
            break
    return late


async def measure_state(file: Path, seconds: float, state: str) -> tuple[list[float], list[float]]:
    """Run the app once in a state, "idle" or "at work": the lateness of frames, and the seconds that each key
    took."""
    keys: list[float] = []
    with open_workspace(file) as workspace:
        app = CuratorApp(workspace, analyse=True)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.pause(2.0)
            while state == "idle" and app.session.progress is not None:
                await asyncio.sleep(0.1)
            late = await probe(seconds, lambda: (app.session.progress is None) == (state == "idle"))
            for key in ["down"] * 20 + ["pagedown"] * 20:
                if (app.session.progress is None) == (state == "idle"):
                    start = time.perf_counter()
                    await pilot.press(key)
                    keys.append(time.perf_counter() - start)
    return late, keys


async def changes(file: Path) -> list[float]:
    """The lateness of frames while every example gets a label and while that is undone."""
    late: list[float] = []
    with open_workspace(file) as workspace:
        app = CuratorApp(workspace, analyse=True)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press("ctrl+a")
            for key in "1", "u":
                press = asyncio.create_task(pilot.press(key))  # ends when the app is idle again
                end = time.perf_counter() + 5
                while not app.session.busy and time.perf_counter() < end:
                    await asyncio.sleep(0.001)
                late += await probe(300.0, lambda: app.session.busy)
                await press
    return late


def in_milliseconds(times: list[float]) -> str:
    """Median, p99 and greatest in milliseconds."""
    if len(times) < 2:
        return "-"
    cuts = quantiles(times, n=100)
    return f"{median(times) * 1e3:6.1f} / {cuts[98] * 1e3:6.1f} / {max(times) * 1e3:6.1f} ms of {len(times):,}"


def main() -> None:
    """Measure idle and at work in turn, then changing, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--examples", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=10.0)
    args = parser.parse_args()
    measured: dict[str, tuple[list[float], list[float]]] = {"at work": ([], []), "idle": ([], [])}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "data.jsonl"
        if args.file:
            shutil.copyfile(args.file, file)
        else:
            write_corpus(file, args.examples, 1)
        for _ in range(args.rounds):
            shutil.rmtree(file.with_suffix(".curator"), ignore_errors=True)
            for state, (late, keys) in measured.items():
                frames, presses = asyncio.run(measure_state(file, args.seconds, state))
                late += frames if len(frames) >= LEAST else []
                keys += presses
        changing = asyncio.run(changes(file))
    for state, (late, keys) in measured.items():
        print(
            f"{state:<8} late {in_milliseconds(late)}; a key {in_milliseconds(keys)}   (median / p99 / greatest)"
        )
    print(f"changing late {in_milliseconds(changing)}")


if __name__ == "__main__":
    main()
