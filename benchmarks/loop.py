"""How fast the loop is: asking two local models, and board, ledger and difference of a large workspace.

    python benchmarks/loop.py ask [--prompts 40] [--model smollm2-135m-instruct]
    python benchmarks/loop.py stages [--examples 1000000] [--held-out 1000] [--changes 2000]

`ask` trains a model on eight examples, so that there are two, and asks both the first held-out prompts of the
sample as the board does: seconds until the first answer is there, and until all are; once right after training,
once while both are in the server's memory. `stages` opens the Compare and the History stage of a generated
workspace with three rounds in the real app (headless, 120 x 40) and prints when each is drawn, when its rows are
there, the CPU seconds of the program, and the longest step of the thread that draws (CPU) and the longest pause of
its event loop: first with nothing worked out before, then again, then in a new session. On a busy machine compare
CPU seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from textual.pilot import Pilot

sys.path.insert(0, str(Path(__file__).parent))
from corpus import write_corpus
from figures import state

from curator import paths
from curator.jobs import providers
from curator.jobs.connections.connect import connect
from curator.jobs.ledger.ledger import Ledger, Run
from curator.jobs.planning import make_plan, training_data
from curator.jobs.planning.plan import Params
from curator.jobs.runs import evaluation, monitor, submission
from curator.jobs.runs.asking import Prompt, Way, message_key
from curator.jobs.runs.board import BoardRow, ask_rows
from curator.tui.app import CuratorApp
from curator.tui.widgets.line_list import LineList
from curator.workspace.opening import open_workspace

SAMPLE = paths.packaged("sample_data")


# Asking


async def train_shortly(model: str, folder: Path, ledger: Ledger) -> str:
    """Train on eight examples of the sample; the tuned model's name."""
    data = folder / "eight.jsonl"
    data.write_bytes(b"\n".join((SAMPLE / "emojibot-clean.jsonl").read_bytes().splitlines()[:10]) + b"\n")
    wish = make_plan.Wish(provider="local", model=model, params=Params(epochs=1))
    run = await submission.submit(await make_plan.plan(data, wish, ledger), ledger)
    async with await connect(providers.get("local")) as client:
        while not run.closed or not run.fine_tuned_model:
            await asyncio.sleep(1)
            await monitor.poll_once(ledger.get(run.run), ledger, client)
            run = ledger.get(run.run)
    return str(run.fine_tuned_model)


async def ask_both(names: list[str], prompts: int, folder: Path) -> tuple[float, float]:
    """Seconds until the first answer, and until all."""
    data = training_data.read(SAMPLE / "emojibot-test.jsonl")
    asked = evaluation.make_prompts(data)[0][:prompts]
    ledger = Ledger(folder / f"{time.monotonic_ns()}.db")
    rows = [BoardRow(Way(name), "local", name) for name in names]
    questions = {row.name: evaluation.questions_of(row.way, asked, ledger) for row in rows}
    began, first = time.perf_counter(), 0.0

    def report(name: str, done: int, total: int) -> None:
        nonlocal first
        first = first or time.perf_counter() - began

    troubles = await ask_rows(rows, questions, report, lambda fault, seconds: print(fault.message))
    if troubles:
        sys.exit(f"not measured: {troubles}")
    return first, time.perf_counter() - began


def server_seconds() -> float:
    """CPU seconds of the local server and of the processes that it has now (Linux; elsewhere 0)."""
    server = json.loads((paths.server_dir() / "server.json").read_text())["pid"]
    total = 0.0
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            words = file.read_text().rpartition(")")[2].split()
            if server in (int(file.parent.name), int(words[1])):
                total += (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
    return total


async def measure_asking(model: str, prompts: int) -> None:
    """Train, then ask cold and warm."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        tuned = await train_shortly(model, folder, Ledger(folder / "runs.db"))
        for state_of_models in ("just trained", "in memory"):
            spent = server_seconds()
            first, everything = await ask_both([model, tuned], prompts, folder)
            print(
                f"{prompts} prompts x 2 models, {state_of_models:<12} first answer {first:5.2f} s, "
                f"all {everything:6.2f} s ({server_seconds() - spent:.1f} CPU s of the server)",
                flush=True,
            )
            state(f"{prompts} prompts x 2 models, {state_of_models}, first answer", first, "s", at_most=2)
            state("the same, all answers", everything, "s", at_most=20)


# Stages


def make_workspace(folder: Path, examples: int, held_out: int, changes: int) -> Path:
    """A workspace with a split, so many single changes, and three rounds in its ledger."""
    file = folder / "large.jsonl"
    if not file.exists():
        write_corpus(file, examples, 1)
    with open_workspace(file) as workspace:
        workspace.changes.rate([1], 5)  # the file is copied into the workspace
    with open_workspace(file) as workspace:
        ids = workspace.ids()
        held = ids[:: max(1, len(ids) // held_out)][:held_out]
        workspace.changes.assign(ids, "train")
        workspace.changes.assign(held, "validation")
        data = training_data.TrainingExamples(
            [workspace.raw(example) for example in held], list(held), ["validation"] * len(held), [], "example"
        )
        prompts, _ = evaluation.make_prompts(data)
        with Ledger(workspace.path / "runs.db") as ledger:
            for number in range(1, 4):
                for at in range(changes // 3):
                    workspace.changes.rate([ids[at * 7 + 1]], 1 + (at + number) % 5)
                workspace.changes.delete(ids[number * 1000 : number * 1000 + 40])
                asyncio.run(add_round(workspace.revision(), prompts, ledger, number))
        return workspace.path


async def add_round(revision: int, prompts: list[Prompt], ledger: Ledger, number: int) -> None:
    """A round whose model answers every other prompt right."""
    model, at = f"ft:smollm2-135m-instruct:local:bench:{number}", time.time() - 1e5 / number
    base = "smollm2-135m-instruct"
    ledger.claim(Run(f"run-{number}", "local", "local", base, "succeeded", model, at, f"ftjob-{number}", model))
    values: dict[str, object] = {"dataset_sha256": f"{number:064}", "revision": revision, "epochs": 2}
    ledger.update(f"run-{number}", **values, finished_at=at + 170, swept=1, params={"epochs": 2})
    for place, prompt in enumerate(prompts):
        answer = prompt.expected if (place + number) % 2 else "no"
        ledger.add_answer(model, message_key(prompt.messages), {"answer": answer})
    await evaluation.evaluate(prompts, [model], None, ledger, side="validation")


async def watch_pauses(pauses: list[float], steps: list[float]) -> None:
    """Note how late each wake of the event loop is, and what its thread has computed since the one before."""
    while True:
        due, cpu = time.perf_counter() + 0.005, time.thread_time()
        await asyncio.sleep(0.005)
        pauses.append(time.perf_counter() - due)
        steps.append(time.thread_time() - cpu)


async def measure(pilot: Pilot[None], name: str, key: str, is_there: Callable[[], bool]) -> None:
    """Press a key; print when it was handled, when the rows were there, and how long the screen stood still."""
    pauses: list[float] = []
    steps: list[float] = []
    watch = asyncio.create_task(watch_pauses(pauses, steps))
    began, cpu = time.perf_counter(), time.process_time()
    await pilot.press(key)
    drawn = time.perf_counter() - began
    while not is_there():
        await asyncio.sleep(0.01)
    there = time.perf_counter() - began
    spent = time.process_time() - cpu
    await asyncio.sleep(0.5)
    watch.cancel()
    still = f"longest step {1000 * max(steps):.0f} ms CPU, pause {1000 * max(pauses):.0f} ms"
    print(f"{name:<24} drawn {drawn:5.2f} s, complete {there:6.2f} s, {spent:6.2f} CPU s, {still}", flush=True)


def forget_what_was_kept(path: Path) -> None:
    """Take away the scores and differences that were worked out before."""
    with closing(sqlite3.connect(path / "runs.db")) as db, db:
        db.execute("DELETE FROM answer_facts WHERE kind IN ('scores', 'round')")
    with closing(sqlite3.connect(path / "workspace.db")) as db, db:
        db.execute("DELETE FROM meta WHERE key = 'ui.form'")


async def measure_stages(path: Path, session: str) -> None:
    """Open Compare and History, a round, the difference of two rounds and of two versions; `session` names it."""
    with open_workspace(path) as workspace:
        app = CuratorApp(workspace)
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.pause(2)

            def rows(name: str) -> int:
                found = app.screen.query(f"#{name}")
                return found.first(LineList).count if found else 0

            def board() -> bool:
                return getattr(app.screen, "board", None) is not None and not vars(app.screen)["_is_loading"]

            def ledger() -> bool:
                all_rounds = getattr(app.screen, "_rounds", ())
                return rows("changes") > 0 and len(all_rounds) == 3 and all(r.difference for r in all_rounds[:2])

            for turn in (session, "again"):
                await measure(pilot, f"board, {turn}", "alt+5", board)
                await measure(pilot, f"ledger, {turn}", "alt+6", ledger)
            for turn in (session, "again"):
                app.screen.query_one("#rounds").focus()
                await measure(pilot, f"a round, {turn}", "enter", lambda: rows("round-rows") > 3)
                await pilot.press("escape")
                await measure(pilot, f"two rounds, {turn}", "d", lambda: rows("round-rows") > 3)
                await pilot.press("escape", "tab", "end")
                await measure(pilot, f"two versions, {turn}", "d", lambda: rows("versions") > 3)
                await pilot.press("escape")


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["ask", "stages"])
    parser.add_argument("--prompts", type=int, default=40)
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--examples", type=int, default=1_000_000)
    parser.add_argument("--held-out", type=int, default=1_000)
    parser.add_argument("--changes", type=int, default=2_000)
    parser.add_argument("--workspace", type=Path, help="one that an earlier run has made and kept")
    parser.add_argument("--keep", type=Path, help="the folder in which the workspace is made and stays")
    args = parser.parse_args()
    os.environ.setdefault("CURATOR_MODELS", str(paths.models_dir()))
    with tempfile.TemporaryDirectory() as home:
        os.environ["CURATOR_HOME"] = home
        if args.what == "ask":
            asyncio.run(measure_asking(args.model, args.prompts))
            stop_server()
            return
        folder = args.keep or Path(home)
        path = args.workspace or make_workspace(folder, args.examples, args.held_out, args.changes)
        forget_what_was_kept(path)
        for session in ("first time", "new session"):
            asyncio.run(measure_stages(path, session))


def stop_server() -> None:
    """End the local server that was started for this."""
    os.kill(json.loads((paths.server_dir() / "server.json").read_text())["pid"], signal.SIGTERM)


if __name__ == "__main__":
    main()
