"""`apply --propose` and `proposals` as a script and an agent use them: JSON, exit status, and plain sentences."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from curator.cli.main import main
from curator.workspace.opening import open_workspace
from tests.workspace.crashes import write


def run(capfd: pytest.CaptureFixture[str], *words: object) -> tuple[int, Any]:
    status = main([*map(str, words), "--json"])
    out = capfd.readouterr().out
    return status, json.loads(out) if out else None


def test_an_agent_proposes_and_a_person_decides(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = (
        b'{"op": "edit", "example": 3, "location": "messages[1].content", "value": "b\\u001b[2Jc",'
        b' "why": "clear"}\n'
        b'{"op": "label", "examples": [1, 2], "label": "good"}\n\n[1]\n'
        b'{"op": "edit", "example": 77, "location": "x", "value": 1}\n'
        b'{"op": "add", "example": {"messages": [{"role": "user", "content": "hey"}]}, "labels": ["m"]}\n'
    )
    with open_workspace(write(tmp_path / "data.jsonl", 6)) as window:  # a person has it open meanwhile
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines)))
        assert main(["apply", str(window.path), "--propose", "--by", "claude"]) == 1
    folder = window.path
    answers = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [answer.get("proposal") for answer in answers] == [1, 2, None, None, 3]
    assert answers[0] == {"ok": True, "proposal": 1, "revision": 1, "examples": 1}
    assert answers[2] == {"ok": False, "error": "an operation is a JSON object"}
    status, listed = run(capfd, "proposals", folder)
    one = listed["proposals"][0]
    assert status == 0 and listed["open"] == 3
    assert (one["id"], one["by"], one["why"], one["state"], one["stale"]) == (1, "claude", "clear", "open", "")
    assert one["changes"] == [
        {"example": 3, "line": 3, "field": "messages[1].content", "before": "answer 3", "after": "b\x1b[2Jc"}
    ]
    assert main(["proposals", str(folder)]) == 0
    printed = capfd.readouterr()
    assert "+ b␛[2Jc" in printed.out and "\x1b[2J" not in printed.out
    assert "line 1, label:good: off → on" in printed.out and "because: clear" in printed.out
    assert "claude: 3 open, none settled yet" in printed.err
    assert run(capfd, "proposals", folder, "--accept", 1, 3)[1] == {
        "accepted": [1, 3], "left": [], "revision": 2, "examples": 2,
    }  # fmt: skip
    assert run(capfd, "proposals", folder, "--reject", 2)[1]["rejected"] == [2]
    status, listed = run(capfd, "proposals", folder, "--all")
    assert [each["state"] for each in listed["proposals"]] == ["accepted", "rejected", "accepted"]
    assert listed["authors"] == {"claude": {"open": 0, "accepted": 2, "edited": 0, "rejected": 1}}
    with open_workspace(folder) as workspace:
        workspace.changes.undo_to(1)
        workspace.changes.delete([3])
    status, settled = run(capfd, "proposals", folder, "--accept", "--all")
    assert status == 1 and settled["accepted"] == [2, 3]
    assert settled["left"] == [{"id": 1, "error": "line 3 was deleted since: look at it as it is now"}]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["proposals", "nothing.curator"], "nothing.curator"),
        (["proposals", "data.jsonl"], "is no workspace"),
        (["proposals", "data.curator", "--accept"], "their ids, or --all"),
        (["proposals", "data.curator", "--accept", "1", "--all"], "their ids, or --all"),
        (["proposals", "data.curator", "--reject", "9"], "no proposal 9"),
        (["apply", "data.curator", "/dev/null", "--by", "me"], "goes with --propose"),
        (["apply", "data.curator", "/dev/null", "--propose", "--by", "a\nb"], "visible characters"),
    ],
    ids=" ".join,
)
def test_a_mistake_is_one_sentence(
    words: list[str],
    says: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    open_workspace(write(tmp_path / "data.jsonl", 3)).close()
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    printed = capfd.readouterr()
    assert printed.out == "" and says in printed.err and printed.err.count("\n") == 1
