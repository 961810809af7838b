"""`curator stats` on files and workspaces, for programs and for people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from curator.cli.main import main

TOY = Path(__file__).parent.parent / "data" / "toy_chat_fine_tuning.jsonl"


def chat(answer: str, system: str = "Be brief.") -> dict[str, Any]:
    return {
        "messages": [
            {"role": "system", "content": system},
            {"role": "user", "content": "Hello there"},
            {"role": "assistant", "content": answer},
        ]
    }


def write(path: Path, *examples: object) -> Path:
    path.write_text("".join(json.dumps(example) + "\n" for example in examples))
    return path


def stats(capfd: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert main(["stats", "--json", *words]) == 0
    printed = capfd.readouterr().out
    assert printed.count("\n") == 1
    found: dict[str, Any] = json.loads(printed)
    return found


def test_the_toy_files_published_numbers(capfd: pytest.CaptureFixture[str]) -> None:
    found = stats(capfd, str(TOY), "--model", "gpt-3.5-turbo-0613")
    assert found["tokens"] == {
        "encoding": "cl100k_base",
        "model": "gpt-3.5-turbo-0613",
        "estimated": False,
        "total": 8242,
        "assistant": 8051,
        "over_limit": 1,
        "limit": 4096,
        "per_example": {"min": 26, "max": 8032, "mean": 1648.4, "median": 45, "p10": 26.8, "p90": 4863.6},
        "assistant_per_example": {
            "min": 4,
            "max": 8000,
            "mean": 1610.2,
            "median": 10,
            "p10": 6.0,
            "p90": 4811.200000000001,
        },
    }
    assert found["cost"] == {
        "model": "gpt-3.5-turbo-0613",
        "epochs": 20,
        "tokens_per_epoch": 4306,
        "billed_tokens": 86120,
        "usd": 0.68896,
        "priced_on": "2025-11-01",
    }
    assert found["messages"]["per_example"]["mean"] == 3.8
    assert found["messages"]["per_example"]["p90"] == 6.6000000000000005
    assert (found["messages"]["missing_system"], found["messages"]["missing_user"]) == (1, 1)
    assert found["messages"]["roles"] == {"assistant": 8, "user": 7, "system": 4}


def test_answers_and_epochs(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "a.jsonl", *[chat("(smile)")] * 3, chat("(sad)", "Other prompt"))
    found = stats(capfd, str(path), "--epochs", "2")
    assert found["cost"]["epochs"] == 2
    assert found["answers"]["top"][0] == {"text": "(smile)", "times": 3, "share": 0.75}
    assert (found["answers"]["total"], found["answers"]["distinct"]) == (4, 2)
    assert [each["times"] for each in found["answers"]["systems"]] == [3, 1]


def test_only_the_preferred_answer_counts_as_one(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pair = {
        "input": {"messages": [{"role": "assistant", "content": "Yes?"}, {"role": "user", "content": "Hi"}]},
        "preferred_output": [{"role": "assistant", "content": "Hello."}],
        "non_preferred_output": [{"role": "assistant", "content": "What."}],
    }
    found = stats(capfd, str(write(tmp_path / "p.jsonl", pair)))
    assert [each["text"] for each in found["answers"]["top"]] == ["Hello."]
    assert found["messages"]["total"] == 4


def test_broken_lines_are_counted_and_nothing_raises(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "odd.jsonl"
    path.write_bytes(
        b'{"messages": [}\n[1]\nnull\n{"messages": 3}\n{"messages": ["x", null, {"role": 4}]}\n\xff\n'
    )
    found = stats(capfd, str(path))
    assert (found["examples"], found["broken"]) == (6, 2)


def test_an_empty_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "empty.jsonl")
    assert stats(capfd, str(path))["tokens"]["per_example"]["max"] == 0
    assert main(["stats", str(path)]) == 0
    assert "0 examples" in capfd.readouterr().out


def test_unknown_model_is_marked_and_not_priced(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "a.jsonl", chat("x"))
    found = stats(capfd, str(path), "--model", "gpt-9")
    assert (found["tokens"]["estimated"], found["tokens"]["limit"]) == (True, None)
    assert (found["cost"]["model"], found["cost"]["usd"]) == ("gpt-9", None)


def test_a_users_price_is_used(tmp_path: Path, curator_home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (curator_home / "config").mkdir()
    (curator_home / "config" / "models.toml").write_text(
        '[models."gpt-4o-mini-2024-07-18"]\ntraining = 1000000.0\n'
    )
    found = stats(capfd, str(write(tmp_path / "a.jsonl", chat("x"))), "--epochs", "1")
    assert found["cost"]["usd"] == found["tokens"]["total"]


def test_a_workspaces_validation_side_is_not_billed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    from curator.workspace.opening import open_workspace

    path = write(tmp_path / "a.jsonl", *[chat(f"answer number {at}") for at in range(20)])
    with open_workspace(path) as workspace:
        workspace.changes.assign(list(workspace.ids())[:2], "validation")
        workspace.set_meta("contract", {"vocabulary": ["answer number 3"]})
        folder = workspace.path
    found = stats(capfd, str(folder), "--epochs", "1")
    assert (found["examples"], found["validation_examples"]) == (20, 2)
    assert found["cost"]["tokens_per_epoch"] < found["tokens"]["total"]
    contract = "1 allowed answer (the workspace's contract)"
    assert (found["answers"]["unknown"], found["answers"]["contract"]) == (19, contract)
    assert main(["stats", str(folder)]) == 0
    assert f"19 outside the contract: {contract}" in capfd.readouterr().out


def test_for_people(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "a.jsonl", *[chat("(smile)\x1b[31m")] * 40, *map(chat, "abcdefgh"))
    assert main(["stats", str(path)]) == 0
    printed = capfd.readouterr().out
    assert "48 examples" in printed
    assert "█" in printed
    assert "(smile)␛[31m" in printed
    assert "\x1b" not in printed
    assert "about $" in printed
    assert "dominant: (smile)" in printed
    assert max(map(len, printed.splitlines())) <= 100


@pytest.mark.parametrize("words", [["nowhere.jsonl"], [str(TOY), "--epochs", "0"], ["."]])
def test_refused(words: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["stats", *words]) == 2
    said = capfd.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
