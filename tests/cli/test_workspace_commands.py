"""import, list, apply, history and export as a script uses them: stdout, stderr, exit status, nothing else."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from curator.cli.main import main
from curator.workspace.opening import open_workspace


def chat(asked: str, said: str = "Hello") -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": said}]}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data.jsonl"
    lines = [json.dumps(chat(f"question {n}")).encode() for n in range(1, 7)]
    lines[3] = b"{broken \x1b]52;c;AAAA\x07"
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def run(capfd: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, Any]:
    """Exit status and the one JSON object on stdout."""
    status = main([*map(str, words), "--json"])
    out = capfd.readouterr().out
    assert out.count("\n") == (1 if out else 0)
    return status, json.loads(out) if out else None


def apply(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, folder: Path, *ops: Any
) -> tuple[int, list[Any]]:
    lines = [op if isinstance(op, bytes) else json.dumps(op).encode() for op in ops]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\n".join(lines))))
    status = main(["apply", str(folder)])
    return status, [json.loads(line) for line in capfd.readouterr().out.splitlines()]


def test_list_of_a_file_pages_and_leaves_nothing_behind(data: Path, capfd: pytest.CaptureFixture[str]) -> None:
    status, page = run(capfd, "list", data, "--limit", "2", "--offset", "2")
    assert status == 0 and page["total"] == 6
    one, broken = page["examples"]
    assert (one["id"], one["line"], one["example"]) == (3, 3, chat("question 3"))
    assert set(one) >= {"id", "line", "split", "labels", "rating", "deleted", "problems", "tokens", "example"}
    assert "example" not in broken and base64.b64decode(broken["bytes_b64"]) == data.read_bytes().splitlines()[3]
    assert "invalid_json" in broken["problems"] and one["tokens"] > 0
    assert [p.name for p in data.parent.iterdir()] == ["data.jsonl"]


def test_list_from_standard_input(data: Path) -> None:
    words = [sys.executable, "-m", "curator", "list", "-", "--json", "--filter", "-is:error"]
    done = subprocess.run(words, input=data.read_bytes(), capture_output=True, cwd=data.parent)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["total"] == 5


def test_words_from_data_reach_the_terminal_only_as_printable_text(
    data: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["list", str(data)]) == 0
    shown = capfd.readouterr()
    assert "\x1b" not in shown.out + shown.err and "\x07" not in shown.out + shown.err
    assert "broken" in shown.out


@pytest.mark.parametrize(
    "words, says",
    [
        (["list", "nowhere.jsonl"], "nowhere.jsonl"),
        (["list", "data.jsonl", "--filter", "is:odd"], "column 4"),
        (["list", "data.jsonl", "--sort", "colour"], "cannot sort"),
        (["export", "data.jsonl", "-o", "data.jsonl"], "output is the input"),
        (["apply", "data.jsonl"], "no workspace"),
        (["history", "data.jsonl"], "no workspace"),
        (["apply", "none.curator"], "none.curator"),
        (["import", "nowhere.jsonl", "-w", "w.curator"], "nowhere.jsonl"),
        (["import", "data.jsonl", "-w", "w.curator", "--map", "what"], "no map"),
        (["list", "."], "folder"),
    ],
)
def test_mistakes_are_one_line_and_exit_2(
    data: Path, words: list[str], says: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(data.parent)
    before = sorted(p.name for p in data.parent.iterdir())
    assert main(words) == 2
    shown = capfd.readouterr()
    assert says in shown.err and "Traceback" not in shown.err and not shown.out
    assert shown.err.strip().count("\n") == 0
    assert sorted(p.name for p in data.parent.iterdir()) == before


def test_import_makes_a_workspace_and_reports(data: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = data.with_name("w.curator")
    status, report = run(capfd, "import", data, data, "-w", folder)
    assert status == 0
    assert {k: report[k] for k in ("added", "duplicates", "broken", "format")} == {
        "added": 12, "duplicates": 5, "broken": 2, "format": "chat",
    }  # fmt: skip
    _, page = run(capfd, "list", folder, "--limit", "1", "--offset", "11")
    assert page["total"] == 12 and page["examples"][0]["id"] == 12 and page["examples"][0]["line"] == 6
    status, _ = run(capfd, "import", data, "-w", folder, "--preview")
    assert status == 0 and run(capfd, "list", folder)[1]["total"] == 12


def test_apply_answers_each_operation_and_history_tells_them(
    data: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = data.with_name("w.curator")
    run(capfd, "import", data, "-w", folder)
    ops = [
        {"op": "edit", "example": 1, "location": "messages[1].content", "value": "Bye"},
        {"op": "edit", "example": 4, "location": "messages[1].content", "value": "Bye"},
        {"op": "add", "example": chat("new"), "after": 1},
        {"op": "label", "filter": 'user:"question"', "label": "good"},
        {"op": "label", "examples": [1], "label": "good", "on": False},
        {"op": "rate", "example": 2, "rating": 4},
        {"op": "rate", "example": 2, "rating": 9},
        {"op": "review", "example": 2, "state": "accepted"},
        {"op": "review", "example": 2, "state": "liked"},
        {"op": "note", "example": 2, "note": "n"},
        {"op": "delete", "examples": [3, 5]},
        {"op": "restore", "example": 3},
        {"op": "delete", "example": 77},
        {"op": "fix", "filter": "", "rule": "no_such_rule"},
        {"op": "split", "validation": 0.4, "seed": 7},
        {"op": "undo"},
        {"op": "redo"},
        {"op": "redo"},
        {"op": "dance"},
        {"op": "label", "label": "x"},
        {"op": "label", "example": 1, "filter": "a", "label": "x"},
        {"op": "label", "filter": "is:odd", "label": "x"},
        {"op": "label", "example": "1", "label": "x"},
        [],
        b"{",
        b"",
    ]
    status, answers = apply(capfd, monkeypatch, folder, *ops)
    assert status == 1
    oks = [answer["ok"] for answer in answers]
    wanted = [1, 0, 1, 1, 1, 1, 0, 1, 0, 1, 1, 1, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0]
    assert oks == list(map(bool, wanted)), [(o, a) for o, a in zip(ops, answers, strict=False)]
    assert [a["revision"] for a in answers if a["ok"]] == list(range(2, 2 + sum(wanted)))
    assert answers[3]["examples"] == 5 and answers[10]["examples"] == 2 and answers[2]["id"] == 7
    assert all(isinstance(a["error"], str) and a["error"] for a in answers if not a["ok"])

    _, page = run(capfd, "list", folder)
    assert [e["id"] for e in page["examples"]] == [1, 7, 2, 3, 4, 6]
    second = page["examples"][2]
    assert (second["labels"], second["rating"], second["review"], second["note"]) == (["good"], 4, "accepted", "n")
    assert {e["split"] for e in page["examples"]} == {"train", "validation"}

    status, told = run(capfd, "history", folder, "--diff", "1..")
    assert status == 0 and [c["revision"] for c in told["changes"]] == list(range(1, 2 + sum(wanted)))
    assert (told["added"], told["removed"], told["edited"], told["runs"]) == ([7], [5], [1], [])
    _, back = run(capfd, "history", folder, "--diff", f"{told['changes'][-1]['revision']}..1")
    assert (back["added"], back["removed"], back["edited"]) == ([5], [7], [1])
    assert main(["history", str(folder), "--diff", "1.."]) == 0
    told_words = capfd.readouterr().out
    assert "+ 7  " in told_words and "~ 1  " in told_words and "  ⇒  " in told_words
    assert main(["history", str(folder), "--diff", "1..999"]) == 2
    assert main(["history", str(folder), "--diff", "x"]) == 2
    assert main(["history", str(folder)]) == 0
    assert "Edited messages[1].content of line 1" in capfd.readouterr().out
    own = folder.rename(data.with_suffix(".curator"))
    assert main(["history", str(data)]) != 0
    assert f"its workspace is {own}" in capfd.readouterr().err


def test_what_changes_nothing_is_answered_ok_and_makes_no_revision(
    data: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(capfd, "import", data, "-w", data.with_name("w.curator"))
    done = [
        {"op": "label", "examples": [1, 2], "label": "good"},
        {"op": "rate", "example": 1, "rating": 4},
        {"op": "edit", "example": 1, "location": "messages[0].content", "value": "new"},
        {"op": "review", "example": 1, "state": "accepted"},
        {"op": "note", "example": 1, "note": "n"},
        {"op": "delete", "example": 5},
        {"op": "split", "validation": 0.4, "seed": 7},
        {"op": "label", "example": 3, "label": "later"},
        {"op": "undo"},
    ]
    nothing = [*done[:7], {"op": "restore", "example": 6}, {"op": "fix", "filter": "line:1"}]
    status, answers = apply(capfd, monkeypatch, data.with_name("w.curator"), *done, *nothing, {"op": "redo"})
    assert status == 0, answers
    assert answers[len(done) : -1] == [{"ok": True, "revision": 10, "examples": 0}] * len(nothing)
    assert answers[-1] == {"ok": True, "revision": 11, "examples": 1}  # and what was undone can still come back


def test_apply_is_refused_while_another_writes(
    data: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("curator.cli.apply._WAIT", 0.0)
    with open_workspace(data) as workspace:
        status, answers = apply(capfd, monkeypatch, workspace.path, {"op": "note", "example": 1, "note": "x"})
        assert status != 0 and not answers
        assert not workspace.record(1).note


def test_export_writes_all_that_is_not_deleted_and_tells_its_hash(
    data: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, out = data.with_name("w.curator"), data.with_name("out.jsonl")
    run(capfd, "import", data, "-w", folder)
    status, report = run(capfd, "export", folder, "-o", out)
    assert status == 0 and out.read_bytes() == data.read_bytes()
    assert report["sha256"] == hashlib.sha256(data.read_bytes()).hexdigest()
    assert (report["examples"], report["bytes"]) == (6, len(data.read_bytes()))
    apply(capfd, monkeypatch, folder, {"op": "delete", "filter": "is:error"})
    _, report = run(capfd, "export", folder, "-o", out, "--filter", "line:3-6", "--format", "alpaca")
    assert report["examples"] == 3
    status, report = run(capfd, "export", data, "-o", out, "--format", "csv")
    assert status == 0 and report["examples"] == 6
    status, report = run(capfd, "export", data, "-o", out, "--format", "sharegpt")
    assert status == 1 and report["skipped"] == 1 and report["examples"] == 5


def test_check_proves_a_workspace_sound_and_changes_nothing(
    data: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = data.with_name("w.curator")
    run(capfd, "import", data, "-w", folder)
    apply(capfd, monkeypatch, folder, {"op": "delete", "example": 4}, {"op": "note", "example": 1, "note": "n"})
    before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.rglob("*") if p.is_file()}
    status, report = run(capfd, "check", folder)
    (found,) = report["files"]
    assert (status, found["sound"], found["damage"], found["examples"]) == (
        1 if found["errors"] else 0,
        True,
        [],
        5,
    )
    assert "invalid_json" not in found["errors"]
    assert before == {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.rglob("*") if p.is_file()}
    (folder / "sources" / "1-data.jsonl").chmod(0o644)
    (folder / "sources" / "1-data.jsonl").write_bytes(b"{}\n")
    status, report = run(capfd, "check", folder)
    assert status == 1 and report["files"][0]["sound"] is False and report["files"][0]["damage"]
    (folder / "workspace.db").write_bytes(b"not a database at all" * 300)
    status, report = run(capfd, "check", folder)
    assert status == 1 and report["files"][0]["sound"] is False
    assert main(["check", str(data.with_name("none.curator"))]) == 2


def test_commands_start_without_textual_openai_or_numpy(data: Path) -> None:
    script = (
        "import sys; from curator.cli.main import main; "
        f"main(['list', {str(data)!r}, '--filter', 'question', '--limit', '0']); "
        "heavy = ('textual', 'openai', 'torch', 'numpy', 'pydantic'); "
        "print([m for m in heavy if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1] == "[]", done.stderr
