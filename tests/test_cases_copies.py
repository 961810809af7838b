"""The given case files on copies and splits, each with its right value; and pairs whose meaning differs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from curator.cli.main import main
from curator.core.duplicates.hashes import fingerprint
from curator.core.duplicates.index import Index
from curator.core.duplicates.meaning.spoken import spoken
from curator.core.example import parse
from curator.workspace.duplicates.documents import documents
from tests import meaning_pairs

CASES = Path(__file__).parent / "data" / "cases"


def answer(capsysbinary: pytest.CaptureFixture[bytes], *words: object) -> Any:
    assert main([*map(str, words), "--json"]) == 0
    return json.loads(capsysbinary.readouterr().out)


def conflicts_of_check(capsysbinary: pytest.CaptureFixture[bytes], path: Path) -> set[int]:
    main(["check", str(path), "--json"])
    problems = json.loads(capsysbinary.readouterr().out)["files"][0]["problems"]
    return {problem["line"] for problem in problems if problem["rule"] == "conflicting_answers"}


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("14a-same-words-different-meaning", [[31, 32], [35, 36], [37, 38]]),
        ("14c-near-but-opposite", []),
        ("14d-near-prompts-opposite-answers", []),
        ("14e-code-indent-case", []),
        ("14f-same-chat-other-system", []),
        ("14h-only-weight-differs", [[1, 2]]),
        ("14i-only-image-differs", []),
        ("14j-persona-by-system", []),
        ("15a-constant-refusal-different-questions", []),
        ("15b-minimal-pairs-other-emoji", []),
        ("15d-dpo-swapped-preference", []),
        ("15i-classifier-short-prompts-long-labels", []),
        ("15j-json-answers", []),
        ("16e-one-template-no-copies", []),
    ],
)
def test_only_copies_go(name: str, near: list[list[int]], capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    found = answer(capsysbinary, "dedup", CASES / f"{name}.jsonl")
    assert (found["exact"], found["near"], found["removed"]) == ([], near, len(near))


@pytest.mark.parametrize("name", ["14d-near-prompts-opposite-answers", "14f-same-chat-other-system"])
@pytest.mark.parametrize("more", ["14j-persona-by-system", "15b-minimal-pairs-other-emoji", "15j-json-answers"])
def test_check_and_dedup_agree_on_contradictions(
    name: str, more: str, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    for case in (name, more):
        path = CASES / f"{case}.jsonl"
        found = {line for c in answer(capsysbinary, "dedup", path)["conflicts"] for line in c["lines"]}
        assert found == conflicts_of_check(capsysbinary, path) == set()


@pytest.mark.parametrize(
    "name",
    ["16e-one-template-no-copies", "27a-tool-schemas-valid", "16f-one-template-20", "14c-near-but-opposite"],
)
def test_what_asks_something_else_contradicts_nothing(
    name: str, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    path = CASES / f"{name}.jsonl"
    assert answer(capsysbinary, "dedup", path)["conflicts"] == []
    assert conflicts_of_check(capsysbinary, path) == set()


def test_ids_weights_blanks_and_the_spelling_of_arguments_make_no_other_answer(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    def call(id_: str, arguments: str) -> dict[str, Any]:
        function = {"name": "add", "arguments": arguments}
        return {"role": "assistant", "tool_calls": [{"id": id_, "type": "function", "function": function}]}

    def chat(prompt: str, reply: dict[str, Any], **beside: Any) -> dict[str, Any]:
        return {"messages": [{"role": "user", "content": prompt}, reply], **beside}

    tools = [{"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}]
    said = {"role": "assistant", "content": "Yes"}
    examples = [
        chat("Add one and two", call("call_1", '{"a": 1}'), tools=tools),
        chat("Add one and two", call("call_2", '{"a":1}'), tools=tools),
        chat("Is it so?", {**said, "weight": 0}),
        chat("Is it so?", said, id=7),
        chat("Is it so?", {**said, "content": "Yes "}, id=8),
        chat("Is it late?", said, id=1),
        chat("Is it late?", {**said, "content": "No"}, id=2),
        chat("Add one and three", call("call_1", '{"a": 1}'), tools=tools),
        chat("Add one and three", call("call_1", '{"a": 2}'), tools=tools),
        chat("Is it cold?", said),
        chat("Is it cold?", {**said, "content": "    Yes"}),
        chat("Is it dark?", said),
        chat("Is it dark?", {**said, "tool_calls": None, "refusal": None, "annotations": []}),
    ]
    path = tmp_path / "d.jsonl"
    path.write_text("".join(json.dumps(example) + "\n" for example in examples))
    told = answer(capsysbinary, "dedup", path)["conflicts"]
    assert [conflict["lines"] for conflict in told] == [[6, 7], [8, 9], [10, 11]]
    assert conflicts_of_check(capsysbinary, path) == {6, 7, 8, 9, 10, 11}
    assert answer(capsysbinary, "dedup", path)["near"] == [[1, 2], [3, 4, 5], [12, 13]]


@pytest.mark.parametrize("weights", [(1, 0), (0, 1)])
def test_the_trained_copy_stays(
    weights: tuple[int, int], tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    lines = [
        {
            "messages": [
                {"role": "user", "content": "Is it late?"},
                {"role": "assistant", "content": "(yawn)", "weight": weight},
            ]
        }
        for weight in weights
    ]
    path, out = tmp_path / "two.jsonl", tmp_path / "one.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert answer(capsysbinary, "dedup", path, "-o", out)["removed"] == 1
    assert [json.loads(line)["messages"][1]["weight"] for line in out.read_text().splitlines()] == [1]


@pytest.mark.parametrize(
    ("name", "held_out"),
    [
        ("16b-same-document-other-question", 12),
        ("16c-document-in-system", 12),
        ("16e-one-template-no-copies", 20),
        ("16f-one-template-20", 4),
    ],
)
def test_a_split_holds_out_what_was_asked_and_tears_no_document(
    name: str, held_out: int, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    made = answer(capsysbinary, "split", CASES / f"{name}.jsonl", "-d", tmp_path, "--validation", "0.2")
    assert (made["validation"]["examples"], made["leaks"]) == (held_out, 0)
    sides = [(tmp_path / f"{side}.jsonl").read_text().splitlines() for side in ("train", "validation")]
    read = [set[int]().union(*(documents(json.loads(line)) for line in side)) for side in sides]
    assert not read[0] & read[1]
    assert bool(read[1]) == name.startswith(("16b", "16c"))


def test_an_empty_side_is_refused_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = json.dumps(
        {"messages": [{"role": "user", "content": "Is it late?"}, {"role": "assistant", "content": "(yawn)"}]}
    )
    path, folder = tmp_path / "same.jsonl", tmp_path / "out"
    path.write_text(f"{line}\n" * 12)
    assert main(["split", str(path), "-d", str(folder), "--validation", "0.2"]) == 1
    told = capsys.readouterr().err
    assert "0 of 12 examples" in told and "curator dedup" in told
    assert not folder.exists()


def test_check_and_split_tell_the_same_leaks(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    train, held = CASES / "26-train.jsonl", CASES / "26-validation-variants.jsonl"
    made = answer(capsysbinary, "split", train, "-d", tmp_path, "--test", held)
    told = {leak["train"] for leak in made["test"]["leaks"]}
    main(["check", str(train), "--validation", str(held), "--json"])
    problems = json.loads(capsysbinary.readouterr().out)["files"][0]["problems"]
    overlap = {problem["line"] for problem in problems if problem["rule"] == "train_validation_overlap"}
    assert overlap == {1, 2, 3, 4, 6, 7, 8}
    assert told <= overlap


def index_of(values: list[Any]) -> Index:
    prints = [fingerprint(parse(json.dumps(value).encode())) for value in values]
    return Index(
        [prints],
        lambda row: prints[row].text,
        lambda a, b: prints[a].value == prints[b].value,
        say=lambda row: spoken(values[row]),
    )


QUESTION = {"role": "user", "content": "Write a polite reply to this complaint about the broken coffee machine"}
REPLY = {"role": "assistant", "content": "We are sorry and send you a new one tomorrow."}


@pytest.mark.parametrize(
    ("shared", "key", "values"),
    [
        ({"messages": [QUESTION]}, "reference_answer", ("4 euros", "5 euros")),
        ({"messages": [QUESTION, REPLY]}, "label", (True, False)),
        ({"messages": [QUESTION, REPLY]}, "system", ("Answer in English", "Answer in French")),
        ({"messages": [QUESTION, REPLY]}, "rejected", ("Go away.", "Buy another one.")),
        ({"prompt": QUESTION["content"]}, "response", ("We refund you.", "We cannot help you.")),
        ({"prompt": QUESTION["content"], "rejected": "No"}, "chosen", ("We refund you.", "We cannot help you.")),
        ({"prompt": QUESTION["content"], "completion": REPLY["content"]}, "context", ("A shop", "A beach")),
        (
            {"preferred_output": [REPLY], "non_preferred_output": [QUESTION]},
            "input",
            tuple({"messages": [QUESTION], "tools": [name]} for name in ("search", "delete")),
        ),
        ({"messages": [QUESTION, REPLY]}, "parallel_tool_calls", (True, False)),
        ({"completion": REPLY["content"]}, "prompt", ({"text": "Hi"}, {"text": "Bye"})),
    ],
)
def test_what_stands_beside_the_messages_tells_examples_apart(
    shared: dict[str, Any], key: str, values: tuple[Any, Any]
) -> None:
    pair = [{**shared, key: value} for value in values]
    assert removed(pair, 60.0) == []
    assert removed([{**pair[0], "id": 1}, {**pair[0], "id": 2}], 60.0) == [1]


def removed(values: list[Any], threshold: float) -> list[int]:
    return [row for group in index_of(values).duplicates.groups(threshold) for row in group.removed]


def test_no_example_goes_whose_meaning_differs() -> None:
    pairs = list(meaning_pairs.make_pairs())
    assert len(pairs) >= 300
    assert [pair for pair in pairs if removed([pair.a, pair.b], 60.0)] == []


def test_no_example_goes_whose_meaning_differs_among_many() -> None:
    values = [value for pair in list(meaning_pairs.make_pairs())[::4] for value in (pair.a, pair.b)]
    unique = list({json.dumps(value): value for value in values}.values())
    assert [unique[row] for row in removed(unique, 72.0)] == []


def test_what_says_the_same_goes() -> None:
    assert [pair for pair in meaning_pairs.make_copies() if removed([pair.a, pair.b], 72.0) != [1]] == []


def test_a_group_holds_no_chain() -> None:
    words = [
        f"{first}{second}" for first in ("river", "copper", "velvet", "paper") for second in ("s", "land", "man")
    ]
    texts = [" ".join([*map(str.upper, words[:step]), *words[step:]]).replace("S", "ZZ") for step in range(9)]
    values = [meaning_pairs.chat(text, "Of course, I will do that for you after lunch.") for text in texts]
    found = index_of(values).duplicates.arrange(72.0)
    for group in found.groups:
        for row in group.removed:
            assert removed([values[group.kept], values[row]], 72.0) == [1]
