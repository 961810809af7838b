"""Whole files: every planted fault is found at its line and no other; several processes say what one says."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from curator.workspace.checks import byte_ranges, check
from curator.workspace.checks.byte_ranges import ranges
from curator.workspace.checks.check import check_file
from curator.workspace.checks.one_pass import Options
from curator.workspace.checks.verdict import Check

WORDS = ("time", "way", "day", "thing", "world", "life", "hand", "part", "place", "case", "week", "question")
FAULTS: dict[str, tuple[str, ...]] = {
    "syntax": ("invalid_json",),
    "utf8": ("file_encoding",),
    "list": ("data_type",),
    "no_messages": ("missing_messages_list",),
    "no_role": ("message_missing_key",),
    "odd_key": ("message_unrecognized_key",),
    "odd_role": ("unrecognized_role",),
    "number": ("content_wrong_type",),
    "empty": ("missing_content",),
    "no_answer": ("example_missing_assistant_message",),
    "orphan": ("tool_message_orphan",),
}


def prose(rng: random.Random) -> str:
    ends = (".", "!", "? é", " 🎉", ": x", ' "so"')
    return " ".join(rng.choices(WORDS, k=rng.randrange(3, 30))).capitalize() + rng.choice(ends)


def example(rng: random.Random) -> dict[str, Any]:
    messages: list[dict[str, Any]] = [{"role": "system", "content": "Be brief."}]
    for _ in range(rng.randrange(1, 4)):
        messages += [{"role": "user", "content": prose(rng)}, {"role": "assistant", "content": prose(rng)}]
    if rng.random() < 0.05:
        messages.append({"role": "assistant", "content": prose(rng), "weight": 0})
    return {"messages": messages}


def spoilt(value: dict[str, Any], kind: str, rng: random.Random) -> bytes:
    """One line with one fault of the kind."""
    messages = value["messages"]
    if kind == "no_role":
        del messages[1]["role"]
    elif kind == "odd_key":
        messages[-1]["ts"] = 1
    elif kind == "odd_role":
        messages[1]["role"] = "human"
    elif kind in ("number", "empty"):
        messages[1]["content"] = 42 if kind == "number" else ""
    elif kind == "no_answer":
        value["messages"] = [message for message in messages if message["role"] != "assistant"]
    elif kind == "orphan":
        messages.insert(2, {"role": "tool", "tool_call_id": "c1", "content": "3"})
    data = json.dumps(
        messages if kind == "list" else {} if kind == "no_messages" else value, ensure_ascii=False
    ).encode()
    if kind == "syntax":
        return data[: -rng.randrange(1, 3)]
    return data.replace(b'"content": "', b'"content": "\xff', 1) if kind == "utf8" else data


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[int, str]]:
    """10,000 lines, one in a hundred spoilt; the truth by line."""
    rng, truth = random.Random(3), {}
    path = tmp_path_factory.mktemp("corpus") / "corpus.jsonl"
    with path.open("wb") as file:
        for line in range(1, 10_001):
            value = example(rng)
            if rng.random() < 0.01:
                truth[line] = rng.choice(list(FAULTS))
                file.write(spoilt(value, truth[line], rng) + b"\n")
            else:
                file.write(json.dumps(value, ensure_ascii=rng.random() < 0.5).encode() + b"\n")
    return path, truth


def found(result: Check) -> list[dict[str, Any]]:
    return result.findings.rows.parsed()


def test_every_planted_fault_is_found_and_no_other(corpus: tuple[Path, dict[int, str]]) -> None:
    path, truth = corpus
    errors = [
        p for p in found(check_file(path, Options(tokens=False, shown_per_rule=None))) if p["severity"] == "error"
    ]
    by_line: dict[int, set[str]] = {}
    for problem in errors:
        by_line.setdefault(problem["line"], set()).add(problem["rule"])
    assert by_line.keys() == truth.keys()
    for line, kind in truth.items():
        assert by_line[line] >= set(FAULTS[kind]), (line, kind)


def test_a_quick_check_finds_every_planted_fault_and_no_other(corpus: tuple[Path, dict[int, str]]) -> None:
    path, truth = corpus
    result = check_file(path, Options(quick=True, shown_per_rule=None))
    assert {problem["line"] for problem in found(result)} == truth.keys()
    assert (result.format, result.examples, result.tokens, result.cost) == ("chat", 10_000, None, None)
    whole = check_file(path, Options(tokens=False, shown_per_rule=None))
    assert result.errors == whole.errors


@pytest.mark.parametrize("quick", [False, True])
def test_two_processes_say_what_one_says(
    corpus: tuple[Path, dict[int, str]], monkeypatch: pytest.MonkeyPatch, quick: bool
) -> None:
    path, _ = corpus
    options = Options(tokens=False, shown_per_rule=None, compat=None if quick else "cookbook", quick=quick)
    alone = check_file(path, options, workers=1)
    monkeypatch.setattr(check, "SHARE", 1)
    monkeypatch.setattr(check, "QUICK_SHARE", 1)
    monkeypatch.setattr(byte_ranges, "ranges", lambda path: ranges(path, 1 << 20))
    together = check_file(path, options, workers=2)
    assert together.as_dict() == alone.as_dict()
    assert found(together) == found(alone)


@pytest.mark.parametrize("size", [1, 100, 10_000_000])
@pytest.mark.parametrize(
    "data",
    [b"", b"\n", b"a\nbb\n\nccc", b"a\n" * 700_000],
    ids=["empty", "blank", "small", "several blocks"],
)
def test_ranges_cover_the_file_once_and_end_at_lines(size: int, data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(data)
    at = 0
    for part in ranges(path, size):
        assert part.start == at and part.end > part.start
        assert part.start == 0 or data[part.start - 1 : part.start] == b"\n"
        assert part.lines == data.count(b"\n", 0, part.start)
        at = part.end
    assert at == len(data)
