"""One answer contract for check, fix, evaluate and Compare; a workspace's check uses the workspace's settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from curator.cli.main import main
from curator.core.answers.contract import Contract
from curator.jobs.planning.answer_form import AnswerForm, find_form
from curator.workspace.opening import open_workspace

RULE = "answer_outside_contract"
FORM = Contract(frozenset({"(tired)", "(happy)", "(tea)"}))


def run(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, Any, str]:
    """Exit status, the JSON object on stdout, stderr."""
    status = main([*map(str, words), "--json"])
    told = capsys.readouterr()
    return status, json.loads(told.out) if told.out else None, told.err


def example(number: int, answer: str, system: str = "Answer with a shortcode.") -> dict[str, Any]:
    texts = [("system", system), ("user", f"What about {number} things?"), ("assistant", answer)]
    return {"messages": [{"role": role, "content": text} for role, text in texts]}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Sixty examples, two of them with answers that the form does not allow."""
    answers = ["(tierd)", "Sure! (tea)", *(["(tired)", "(happy)", "(tea)"] * 20)][:60]
    path = tmp_path / "data.jsonl"
    path.write_text("".join(json.dumps(example(n, answer)) + "\n" for n, answer in enumerate(answers)))
    return path


@pytest.fixture
def vocabulary(tmp_path: Path) -> Path:
    path = tmp_path / "words.txt"
    path.write_text("(tired)\n(happy)\n(tea)\n")
    return path


def test_fix_repairs_what_check_finds_by_the_same_contract(
    data: Path, vocabulary: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = data.read_bytes()
    status, checked, _ = run(capsys, "check", data, "--contract", vocabulary)
    assert (status, checked["files"][0]["errors"]) == (1, {RULE: 2})
    assert checked["files"][0]["contract"] == f"3 allowed answers ({vocabulary})"
    out = tmp_path / "out.jsonl"
    words = ("fix", data, "-o", out, "--unsafe", "--rule", RULE)
    status, fixed, _ = run(capsys, *words, "--contract", vocabulary)
    assert (status, fixed["fixed"]) == (0, {RULE: 2})
    assert fixed["contract"] == f"3 allowed answers ({vocabulary})"
    answers = [json.loads(line)["messages"][2]["content"] for line in out.read_text().splitlines()]
    assert answers[:2] == ["(tired)", "(tea)"]
    assert data.read_bytes() == before
    status, fixed, told = run(capsys, *words)
    assert (status, fixed["fixed"], fixed["contract"]) == (0, {}, None)
    assert "no contract says what answers may look like" in told


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--pattern", "(a"], "--pattern"),
        (["--contract", "none.txt"], "cannot be read"),
        (["--contract", "data.jsonl.gz"], "cannot be read"),
    ],
)
@pytest.mark.parametrize("command", ["check", "fix"])
def test_a_contract_that_cannot_be_used_is_a_sentence(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, options: list[str], words: str
) -> None:
    out = ["-o", str(tmp_path / "out.jsonl")] if command == "fix" else []
    assert main([command, str(data), *out, *options]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out.jsonl").exists()


def test_a_pattern_is_kept_too(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pattern = r"\([a-z]+\)"
    _, checked, _ = run(capsys, "check", data, "--pattern", pattern)
    assert checked["files"][0]["errors"] == {RULE: 1}
    out = tmp_path / "out.jsonl"
    _, fixed, _ = run(capsys, "fix", data, "-o", out, "--unsafe", "--rule", RULE, "--pattern", pattern)
    assert fixed["fixed"] == {RULE: 1}
    assert fixed["contract"] == rf"pattern {pattern} (--pattern)"


@pytest.fixture
def workspace(data: Path) -> Path:
    """A workspace with a split, a model and a contract of its own."""
    with open_workspace(data) as opened:
        opened.changes.split(0.2, seed=3)
        opened.set_meta("contract", FORM.to_json())
        opened.set_meta("context", {"profile": "azure", "model": "gpt-4.1-mini-2025-04-14"})
        return opened.path


def test_a_workspace_is_checked_and_fixed_by_its_own_settings(
    workspace: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, checked, _ = run(capsys, "check", workspace)
    [check] = checked["files"]
    assert check["errors"] == {RULE: 2}
    assert check["contract"] == "3 allowed answers (the workspace's contract)"
    assert check["warnings"] == {"few_examples": 1}  # 48 to train on, and no word of a missing validation file
    assert (check["tokens"]["model"], check["cost"]["model"]) == ("gpt-4.1-mini-2025-04-14",) * 2
    assert check["examples"] == check["lines"] == 60
    _, plain, _ = run(capsys, "check", data, "--model", "gpt-4.1-mini-2025-04-14")
    of_all = plain["files"][0]
    assert "missing_validation_file" in of_all["warnings"]
    assert check["tokens"]["total"] == of_all["tokens"]["total"]
    assert 0.6 < check["cost"]["tokens_per_epoch"] / of_all["cost"]["tokens_per_epoch"] < 0.9
    _, other, _ = run(capsys, "check", workspace, "--model", "gpt-4o-mini-2024-07-18", "--profile", "openai")
    assert other["files"][0]["tokens"]["model"] == "gpt-4o-mini-2024-07-18"
    _, fixed, _ = run(
        capsys, "fix", workspace, "-o", tmp_path / "out.jsonl", "--unsafe", "--rule", RULE, "--profile", "openai"
    )
    assert (fixed["fixed"], fixed["contract"]) == ({RULE: 2}, "3 allowed answers (the workspace's contract)")


def test_sides_of_a_workspace_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "data.jsonl"
    lines = [example(n, "(tea)") for n in range(60)]
    lines += [example(7, "(tea)"), example(8, "(tired)")]  # a copy and a contradiction, which will be held out
    lines += [example(90, "(tea)"), example(90, "(tea)")]  # copies beside each other
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with open_workspace(path) as opened:
        ids = list(opened.ids())
        opened.changes.assign(ids, "train")
        opened.changes.assign(ids[60:62], "validation")
        folder = opened.path
    _, checked, _ = run(capsys, "check", folder)
    found = {(each["rule"], each["line"]) for each in checked["files"][0]["problems"]}
    assert found == {
        ("train_validation_overlap", 8),
        ("duplicate_example", 64),
        ("conflicting_answers", 9),
        ("conflicting_answers", 62),
    }


def test_evaluate_and_compare_hold_answers_to_the_same_form(workspace: Path, data: Path) -> None:
    raws = data.read_bytes().splitlines()
    declared = find_form(workspace, raws[:20])
    assert declared == AnswerForm(FORM, "the workspace's contract")
    assert declared is not None
    assert declared.words == "3 allowed answers (the workspace's contract)"
    given = AnswerForm(Contract(pattern="x"), "--pattern")
    assert find_form(workspace, raws, given) is given
    suggested = find_form(data, raws)
    assert suggested is not None
    assert suggested.contract == FORM
    assert suggested.origin == "suggested by the answers, declared by nobody"
    with open_workspace(workspace) as opened:
        opened.set_meta("contract", Contract().to_json())  # cleared in the UI
    assert find_form(workspace, raws) == suggested
    assert find_form(data, [b'{"messages": []}', b"no json"]) is None
