"""How late the screen is while the analysis child works: the real app, a 60 Hz probe, idle against at work.

    python benchmarks/lateness.py [FILE.jsonl] [--examples 100000] [--rounds 2] [--seconds 10]

The app runs in this process with Textual's headless driver, 120 x 40. A probe in its event loop wakes 60 times a
second and does about a millisecond of Python work; printed is how late it wakes (median, p99, greatest), and how
long a key takes from being pressed until the app has handled it and rests. `idle` is the analysed workspace,
`at work` the same file while its child copies and looks at it for the first time; the two take turns. `changing`
is the analysed workspace while a label is put on every example and taken off again.
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
"""Frames below which a stretch is not counted: the child was done too soon."""


async def probe(seconds: float, going: Callable[[], bool]) -> list[float]:
    """Lateness of each frame, in seconds, for so long or while something is going on."""
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


async def stretch(file: Path, seconds: float, wanted: str) -> tuple[list[float], list[float]]:
    """Lateness of frames, and seconds a key, of one run of the app."""
    keys: list[float] = []
    with open_workspace(file) as workspace:
        app = CuratorApp(workspace, analyse=True)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.pause(2.0)
            while wanted == "idle" and app.session.progress is not None:
                await asyncio.sleep(0.1)
            late = await probe(seconds, lambda: (app.session.progress is None) == (wanted == "idle"))
            for key in ["down"] * 20 + ["pagedown"] * 20:
                if (app.session.progress is None) == (wanted == "idle"):
                    start = time.perf_counter()
                    await pilot.press(key)
                    keys.append(time.perf_counter() - start)
    return late, keys


async def changes(file: Path) -> list[float]:
    """Lateness of frames while every example is changed, and changed back."""
    late: list[float] = []
    with open_workspace(file) as workspace:
        app = CuratorApp(workspace, analyse=True)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.press("ctrl+a")
            for key in "1", "u":
                press = asyncio.create_task(pilot.press(key))  # it returns when everything rests again
                end = time.perf_counter() + 5
                while not app.session.busy and time.perf_counter() < end:
                    await asyncio.sleep(0.001)
                late += await probe(300.0, lambda: app.session.busy)
                await press
    return late


def told(times: list[float]) -> str:
    """Median, p99 and greatest in milliseconds."""
    if len(times) < 2:
        return "-"
    cuts = quantiles(times, n=100)
    return f"{median(times) * 1e3:6.1f} / {cuts[98] * 1e3:6.1f} / {max(times) * 1e3:6.1f} ms of {len(times):,}"


def main() -> None:
    """Idle and at work in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--examples", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=10.0)
    args = parser.parse_args()
    found: dict[str, tuple[list[float], list[float]]] = {"at work": ([], []), "idle": ([], [])}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "data.jsonl"
        if args.file:
            shutil.copyfile(args.file, file)
        else:
            write_corpus(file, args.examples, 1)
        for _ in range(args.rounds):
            shutil.rmtree(file.with_suffix(".curator"), ignore_errors=True)
            for state, (late, keys) in found.items():
                frames, presses = asyncio.run(stretch(file, args.seconds, state))
                late += frames if len(frames) >= LEAST else []
                keys += presses
        changing = asyncio.run(changes(file))
    for state, (late, keys) in found.items():
        print(f"{state:<8} late {told(late)}; a key {told(keys)}   (median / p99 / greatest)")
    print(f"changing late {told(changing)}")


if __name__ == "__main__":
    main()
