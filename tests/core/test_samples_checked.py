"""The rules and the duplicate finder find every planted fault of the sample, and nothing in the clean files."""

from __future__ import annotations

import json
from collections import defaultdict
from functools import cache
from typing import Any

import pytest

from curator.core import rules
from curator.core.answers.balance import balance
from curator.core.answers.contract import Contract, parse_vocabulary
from curator.core.duplicates.found_duplicates import FoundDuplicates
from curator.core.duplicates.hashes import fingerprint
from curator.core.duplicates.index import Index
from curator.core.example import Example, parse
from curator.core.problem import Problem, Severity
from curator.paths import packaged

SAMPLES = packaged("sample_data")
FAULTS: list[dict[str, Any]] = json.loads((SAMPLES / "emojibot-faults.json").read_text("utf-8"))["faults"]
TEAMS = Contract(parse_vocabulary((SAMPLES / "emojibot-shortcodes.txt").read_text("utf-8")))
SMALL = ["multi-turn.jsonl", "tools.jsonl", "weights.jsonl", "preferences.jsonl"]


@cache
def examples(name: str) -> list[Example]:
    return [parse(line) for line in (SAMPLES / name).read_bytes()[:-1].split(b"\n")]


@cache
def problems(name: str, contract: Contract | None = TEAMS) -> dict[int | None, list[Problem]]:
    context = rules.Context(contract=contract)
    whole = rules.DatasetCheck(context)
    found: dict[int | None, list[Problem]] = defaultdict(list)
    for number, example in enumerate(examples(name), 1):
        found[number] += rules.check(example, context)
        whole.add(number, example)
    for line, problem in whole.problems():
        found[line].append(problem)
    return found


@cache
def copies(name: str) -> FoundDuplicates:
    prints = [fingerprint(example) for example in examples(name)]
    return Index([prints], lambda a: prints[a].text, lambda a, b: prints[a] == prints[b]).duplicates


def test_every_planted_fault_with_a_rule_is_found_at_its_place() -> None:
    found = problems("emojibot.jsonl")
    for fault in FAULTS:
        if fault["rule"] and fault["kind"] != "system_prompt":
            places = {problem.location for problem in found[fault["line"]] if problem.rule == fault["rule"]}
            assert fault["location"] in places, (fault, found[fault["line"]])
            assert set(fault["also"]) <= {problem.rule for problem in found[fault["line"]]}


def test_the_system_prompts_are_told_once() -> None:
    lines = {fault["line"] for fault in FAULTS if fault["kind"] == "system_prompt"}
    told = [
        n
        for n, found in problems("emojibot.jsonl").items()
        for p in found
        if p.rule == "inconsistent_system_prompt"
    ]
    assert len(told) == 1 and set(told) <= lines | {None}


def test_nothing_else_is_found() -> None:
    planted = {fault["line"]: {fault["rule"], *fault["also"]} for fault in FAULTS}
    for fault in FAULTS:
        if fault["kind"] == "emoji_answer":
            planted[fault["line"]].add("emoji_in_answer")
        for other in fault["with"]:
            planted.setdefault(other, set()).add(fault["rule"])
    for line, found in problems("emojibot.jsonl").items():
        rules_here = {problem.rule for problem in found}
        if line is None:
            assert rules_here <= {"missing_validation_file", "inconsistent_system_prompt"}
        else:
            assert rules_here <= planted.get(line, set()), line


@pytest.mark.parametrize("name", ["emojibot-clean.jsonl", "emojibot-test.jsonl"])
def test_the_clean_files_have_no_finding_of_their_own(name: str) -> None:
    found = problems(name)
    assert {problem.rule for problem in found.pop(None, [])} <= {"missing_validation_file", "few_examples"}
    assert [problem for line in found.values() for problem in line] == []


@pytest.mark.parametrize("name", SMALL)
def test_the_small_sets_have_no_errors(name: str) -> None:
    every = [problem for line in problems(name, None).values() for problem in line]
    assert [problem for problem in every if problem.severity is Severity.ERROR] == []


def test_every_planted_duplicate_is_found_and_nothing_else() -> None:
    groups = [{position + 1 for position in group.ids} for group in copies("emojibot.jsonl").groups()]
    planted = [fault for fault in FAULTS if fault["kind"].startswith("duplicate")]
    for fault in planted:
        assert any({fault["line"], *fault["with"]} == group for group in groups), fault
    assert {line for group in groups for line in group} == {n for f in planted for n in (f["line"], *f["with"])}


def test_every_planted_contradiction_is_found_and_nothing_else() -> None:
    found = {frozenset(row + 1 for row in rows) for rows in copies("emojibot.jsonl").conflicts()}
    assert found == {frozenset((f["line"], *f["with"])) for f in FAULTS if f["kind"] == "conflict"}


@pytest.mark.parametrize("name", ["emojibot-clean.jsonl", "emojibot-test.jsonl", *SMALL])
def test_no_duplicates_elsewhere(name: str) -> None:
    assert copies(name).groups() == []


def test_most_unknown_answers_are_repaired_by_the_first_suggestion() -> None:
    clean = examples("emojibot-clean.jsonl")
    kinds = ("unknown_answer", "emoji_answer", "chatty_answer")
    faults = [fault for fault in FAULTS if fault["kind"] in kinds]
    right = 0
    for fault in faults:
        answer = examples("emojibot.jsonl")[fault["line"] - 1].messages[2]["content"]
        right += TEAMS.suggest(answer)[:1] == [clean[fault["clean_line"] - 1].messages[2]["content"]]
    assert right >= len(faults) - 1  # nobody can guess what "(doublebooked)" meant


def test_the_balance_shows_the_dominant_answer_and_the_refusals() -> None:
    spoilt = balance((example.messages for example in examples("emojibot.jsonl")), TEAMS)
    assert [answer.text for answer in spoilt.dominant] == ["(smile)"]
    assert spoilt.refusals == 2 and len(spoilt.systems) == 4
    clean = balance((example.messages for example in examples("emojibot-clean.jsonl")), TEAMS)
    assert clean.dominant == [] and clean.unknown == 0 and len(clean.systems) == 1
    assert {script.text for script in clean.scripts} == {"Latin", "Cyrillic", "Japanese"}
