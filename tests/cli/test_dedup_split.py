"""`curator dedup` and `curator split` as a script sees them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from curator import paths
from curator.cli.main import main

SAMPLE = paths.packaged("sample_data") / "emojibot.jsonl"
CLEAN = paths.packaged("sample_data") / "emojibot-clean.jsonl"


def answer(capsysbinary: pytest.CaptureFixture[bytes], *words: object) -> Any:
    assert main([*map(str, words), "--json"]) == 0
    return json.loads(capsysbinary.readouterr().out)


def planted(*kinds: str) -> dict[str, set[int]]:
    faults = json.loads((SAMPLE.parent / "emojibot-faults.json").read_text())
    listed = faults["faults"] if isinstance(faults, dict) else faults
    return {kind: {fault["line"] for fault in listed if fault["kind"] == kind} for kind in kinds}


def test_every_planted_copy_and_contradiction_of_the_sample_is_found(
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    found = answer(capsysbinary, "dedup", SAMPLE)
    truth = planted("duplicate_exact", "duplicate_normalised", "duplicate_near", "conflict")
    exact = {line for group in found["exact"] for line in group}
    near = {line for group in found["near"] for line in group}
    assert truth["duplicate_exact"] <= exact
    assert truth["duplicate_normalised"] | truth["duplicate_near"] <= near
    assert truth["conflict"] <= {line for conflict in found["conflicts"] for line in conflict["lines"]}
    assert not exact & near
    assert all(group == sorted(group) for group in [*found["exact"], *found["near"]])
    assert found["removed"] == sum(len(group) - 1 for group in [*found["exact"], *found["near"]])


def test_the_clean_sample_has_none(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    found = answer(capsysbinary, "dedup", CLEAN)
    assert (found["exact"], found["near"], found["conflicts"], found["removed"]) == ([], [], [], 0)


def test_the_output_holds_every_line_that_is_no_copy_byte_for_byte(
    capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path
) -> None:
    before = SAMPLE.read_bytes()
    out = tmp_path / "unique.jsonl"
    found = answer(capsysbinary, "dedup", SAMPLE, "-o", out)
    lines = before.split(b"\n")
    gone = {line for group in [*found["exact"], *found["near"]] for line in group[1:]}
    kept = [line for number, line in enumerate(lines, 1) if line.strip() and number not in gone]
    assert out.read_bytes() == b"\n".join(kept) + b"\n"
    assert SAMPLE.read_bytes() == before
    assert answer(capsysbinary, "dedup", out)["removed"] == 0


def test_exact_alone_leaves_near_copies(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    found = answer(capsysbinary, "dedup", SAMPLE, "--exact")
    assert found["near"] == []
    assert len(found["exact"]) == 7


def test_prompts_and_answers_can_be_compared_alone(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    whole, prompts = answer(capsysbinary, "dedup", SAMPLE), answer(capsysbinary, "dedup", SAMPLE, "--on", "prompt")
    together = [set(group) for group in [*prompts["exact"], *prompts["near"]]]
    assert all(any(set(c["lines"]) <= group for group in together) for c in whole["conflicts"])
    answers = answer(capsysbinary, "dedup", SAMPLE, "--on", "answer", "--exact")["exact"]
    assert max(map(len, answers)) == 45


@pytest.mark.parametrize("threshold", ["0.3", "20", "101", "-1"])
def test_a_threshold_out_of_range_is_refused(threshold: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dedup", str(SAMPLE), "--threshold", threshold]) == 2
    assert "--threshold" in capsys.readouterr().err


def test_the_output_may_not_be_the_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(CLEAN.read_bytes())
    assert main(["dedup", str(path), "-o", str(path)]) == 2
    assert path.read_bytes() == CLEAN.read_bytes()


def test_a_split_holds_every_line_once_and_no_copy_on_both_sides(
    capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path
) -> None:
    made = answer(capsysbinary, "split", SAMPLE, "-d", tmp_path, "--seed", 7)
    train = (tmp_path / "train.jsonl").read_bytes().splitlines()
    held = (tmp_path / "validation.jsonl").read_bytes().splitlines()
    assert sorted(train + held) == sorted(line for line in SAMPLE.read_bytes().splitlines() if line.strip())
    assert (made["train"]["examples"], made["validation"]["examples"]) == (len(train), len(held))
    assert (made["leaks"], made["seed"]) == (0, 7)
    found = answer(capsysbinary, "dedup", SAMPLE)
    lines = SAMPLE.read_bytes().split(b"\n")
    inside = set(held)
    for group in [*found["exact"], *found["near"], *(conflict["lines"] for conflict in found["conflicts"])]:
        assert len({lines[line - 1] in inside for line in group}) == 1


def test_the_same_seed_is_the_same_split_and_another_is_not(
    capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path
) -> None:
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        answer(capsysbinary, "split", CLEAN, "-d", tmp_path / folder, "--seed", seed)
    read = {name: (tmp_path / name / "validation.jsonl").read_bytes() for name in "abc"}
    assert read["a"] == read["b"] != read["c"]


def test_a_share_that_leaves_nothing_to_train_on_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["split", str(CLEAN), "-d", str(tmp_path), "--validation", "301"]) == 2
    assert "below 301" in capsys.readouterr().err
    assert main(["split", str(CLEAN), "-d", str(tmp_path), "--stratify", "nosuch"]) == 2
    assert "no example has 'nosuch'" in capsys.readouterr().err
    assert not (tmp_path / "train.jsonl").exists()


def test_a_test_file_is_compared_with_what_is_trained(
    capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path
) -> None:
    lines = CLEAN.read_bytes().splitlines()
    test = tmp_path / "test.jsonl"
    test.write_bytes(
        b'{"messages": []}\n' + lines[0].upper().replace(b'"MESSAGES"', b'"messages"') + b"\n" + lines[0]
    )
    made = answer(capsysbinary, "split", CLEAN, "-d", tmp_path, "--test", test)
    trained = lines[0] in (tmp_path / "train.jsonl").read_bytes().splitlines()
    assert made["test"]["leaks"] == ([{"line": 3, "train": 1}] if trained else [])
    assert main(["split", str(CLEAN), "-d", str(tmp_path), "--test", str(tmp_path / "none.jsonl")]) == 2
