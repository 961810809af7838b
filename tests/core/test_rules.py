"""Every rule about one example finds its fault and leaves the near miss alone; safe fixes do what they promise."""

from __future__ import annotations

import gzip
import json
from array import array
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.cli.main import main
from curator.core import rules
from curator.core.convert.targets import to_target
from curator.core.example import parse
from curator.core.problem import Severity
from curator.core.rules import REGISTRY, Context, DatasetCheck
from curator.core.rules.dataset import equal_positions
from curator.core.rules.facts import facts_of
from curator.core.rules.subject import Subject
from tests.core.rules_cases import (
    CASES,
    TOOL,
    bot,
    call,
    calling,
    chat,
    image,
    preference,
    raw,
    system,
    told,
    user,
)

EXAMPLE_RULES = [rule.id for rule in REGISTRY.values() if rule.needs == "example"]
SAFE = [name for name in EXAMPLE_RULES if REGISTRY[name].fix == "safe"]


def found(line: bytes, context: Context) -> dict[str, Severity]:
    return {problem.rule: problem.severity for problem in rules.check(parse(line), context)}


def context_of(name: str) -> Context:
    return Context(**CASES[name].options)


def test_every_example_rule_has_a_case() -> None:
    assert sorted(CASES) == sorted(EXAMPLE_RULES)


@pytest.mark.parametrize("name", EXAMPLE_RULES)
def test_it_is_found(name: str) -> None:
    assert name in found(raw(CASES[name].found), context_of(name))


@pytest.mark.parametrize("name", EXAMPLE_RULES)
def test_the_near_miss_is_left_alone(name: str) -> None:
    assert name not in found(raw(CASES[name].clean), context_of(name))


@pytest.mark.parametrize("name", SAFE)
def test_a_safe_fix_removes_its_problem_is_idempotent_and_makes_no_new_error(name: str) -> None:
    context, before = context_of(name), raw(CASES[name].found)
    fixed = rules.fix(parse(before), name, context)
    assert fixed is not None
    assert fixed != before
    after = found(fixed, context)
    assert name not in after
    again = rules.fix(parse(fixed), name, context)
    assert again in (None, fixed)
    errors = {rule for rule, severity in after.items() if severity is Severity.ERROR}
    assert errors <= {rule for rule, severity in found(before, context).items() if severity is Severity.ERROR}


@pytest.mark.parametrize(
    ("name", "slip", "put_right"),
    [
        ("tools_invalid", {"tools": [json.dumps(TOOL)]}, {"tools": [TOOL]}),
        ("tools_invalid", {"tools": [{"name": "f", "input_schema": {"type": "object"}}]},
         {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]}),
        ("tool_call_shape", {"tool_calls": call()}, {"tool_calls": [call()]}),
        ("tool_call_shape", {"tool_calls": [call(arguments=None)]}, {"tool_calls": [call(arguments="{}")]}),
        ("tool_arguments_not_json", {"tool_calls": [call(arguments="{'a': True}")]},
         {"tool_calls": [call(arguments='{"a": true}')]}),
    ],
)  # fmt: skip
def test_a_slip_of_libraries_that_write_tools_is_put_right(
    name: str, slip: dict[str, Any], put_right: dict[str, Any]
) -> None:
    def line(keys: dict[str, Any]) -> dict[str, Any]:
        answer = {"role": "assistant", "content": None, "tool_calls": keys.get("tool_calls", [call()])}
        return {"messages": [{"role": "user", "content": "Hi"}, answer], "tools": keys.get("tools", [TOOL])}

    fixed = rules.fix(parse(raw(line(slip))), name, Context())
    assert fixed is not None and json.loads(fixed) == line(put_right)


def test_json_in_a_string_is_read_however_often_it_was_wrapped() -> None:
    once = raw(chat(user(), bot()))
    thrice = json.dumps(json.dumps(once.decode())).encode()
    assert rules.fix(parse(thrice), "data_type", Context()) == once


KEPT = b'{ "role":"user", "content" :"caf\\u00e9 \\/ 1.0" }, {"content":"\\u0079es","role" : "assistant"}, '


@pytest.mark.parametrize("name", [name for name in SAFE if b'"messages": [{' in raw(CASES[name].found)])
def test_a_safe_fix_changes_nothing_else(name: str) -> None:
    before = raw(CASES[name].found).replace(b'"messages": [', b'"messages": [' + KEPT, 1)
    fixed = rules.fix(parse(before), name, context_of(name))
    assert fixed is not None and fixed.count(KEPT[:-2]) == 1
    assert name not in found(fixed, context_of(name))


@pytest.mark.parametrize("name", SAFE)
def test_a_safe_fix_leaves_what_is_right_alone(name: str) -> None:
    clean = raw(CASES[name].clean)
    assert rules.fix(parse(clean), name, context_of(name)) in (None, clean)


def dataset(lines: list[Any], **options: Any) -> set[str]:
    check = DatasetCheck(Context(**options))
    for number, line in enumerate(lines, 1):
        check.add(number, parse(raw(line)))
    return {problem.rule for _, problem in check.problems()}


def many(count: int) -> list[Any]:
    return [chat(system(), user(f"Question {n}?"), bot(f"Answer {n}.")) for n in range(count)]


@pytest.mark.parametrize(
    ("name", "lines", "clean"),
    [
        ("too_few_examples", many(9), many(10)),
        ("few_examples", many(49), many(50)),
        ("mixed_formats", [*many(9), preference()], many(10)),
        ("inconsistent_top_level_keys", [*many(9), chat(tools=[])], many(10)),
        ("duplicate_example", [*many(9), many(1)[0]], many(10)),
        ("inconsistent_system_prompt", [*many(9), chat(system("Other."), user(), bot())], many(10)),
        ("conflicting_answers", [*many(9), chat(system(), user("Question 1?"), bot("No."))], many(10)),
        (
            "refusal_share",
            [
                *many(9),
                *[
                    chat(system(), user(f"Do {n}"), bot("I'm sorry, but I can't help with that."))
                    for n in range(9)
                ],
            ],
            many(10),
        ),
    ],
)
def test_rules_about_all_examples(name: str, lines: list[Any], clean: list[Any]) -> None:
    assert name in dataset(lines)
    assert name not in dataset(clean)


def legacy(prompt: str = "{}?", completion: str = " {}") -> list[Any]:
    return [{"prompt": prompt.format(name), "completion": completion.format(name)} for name in ("Who", "How")]


@pytest.mark.parametrize(
    ("name", "lines", "clean"),
    [
        ("legacy_prompt_separator", legacy("{}? \n\n###### ->"), legacy("{}? \n\n# ->")),
        ("legacy_prompt_prefix", legacy("Answer briefly: {}?"), legacy("Answer this {}?")),
        ("legacy_completion_prefix", legacy(completion=" Well {}"), legacy(completion=" Oh {}")),
        ("legacy_completion_blank", legacy(completion="{}"), legacy()),
        ("legacy_row_length", legacy("x" * 10_000 + "{}"), legacy("x" * 9_990 + "{}")),
        ("legacy_upper_case", legacy("{} IS THERE?"), legacy("{} is there?")),
    ],
)
def test_rules_about_prompts_and_completions(name: str, lines: list[Any], clean: list[Any]) -> None:
    assert name in dataset(lines)
    assert name not in dataset(clean)


def with_tally(context: Context, count: int = 10, tokens: int = 0, **options: Any) -> set[str]:
    """What is found in copies of one prompt, counted as if they had so many tokens."""
    check = DatasetCheck(context, **options)
    line = parse(raw({"messages": [user()], "answer": 1}))
    row = facts_of(Subject(line, context), context)
    check.take(range(count), [row] * count)
    check.tally.tokens = tokens
    return {problem.rule for _, problem in check.problems()}


SAME = {"too_many_examples", "format_method_mismatch", "missing_validation_file", "job_token_budget"}


def test_too_many_examples_format_method_mismatch_missing_validation_file_job_token_budget() -> None:
    reward, azure = Context(method="reinforcement"), Context("azure", "reinforcement")
    assert SAME & with_tally(reward) == {"missing_validation_file"}
    assert not SAME & with_tally(reward, validation={})
    assert SAME & with_tally(reward, 1_001, part="validation") == {"too_many_examples"}
    assert not SAME & with_tally(reward, 1_000, part="validation")
    assert SAME & with_tally(Context(method="dpo"), validation={}) == {"format_method_mismatch"}
    assert SAME & with_tally(azure, tokens=1_000_000_001, epochs=2, validation={}) == {"job_token_budget"}
    assert not SAME & with_tally(azure, tokens=1_000_000_000, epochs=2, validation={})


def test_train_validation_overlap() -> None:
    training, validation = DatasetCheck(Context()), DatasetCheck(Context(), part="validation")
    for number, line in enumerate(many(12)):
        (validation if number > 9 else training).add(number, parse(raw(line)))
    training.validation = validation.value_lines()
    assert "train_validation_overlap" not in {problem.rule for _, problem in training.problems()}
    training.add(11, parse(json.dumps(many(12)[11], separators=(" ,", " :")).encode()))
    assert [key for key, problem in training.problems() if problem.rule == "train_validation_overlap"] == [11]


@given(st.lists(st.integers(0, 40) | st.integers(0, 2**64 - 1), max_size=60))
def test_equal_hashes_are_found_and_no_others(hashes: list[int]) -> None:
    every = [[at for at, other in enumerate(hashes) if other == value] for value in set(hashes) - {0}]
    assert list(equal_positions(array("Q", hashes))) == sorted(places for places in every if len(places) > 1)


def check_file(path: Path, capsysbinary: pytest.CaptureFixture[bytes], *more: str) -> dict[str, Any]:
    main(["check", str(path), "--json", *more])
    report: dict[str, Any] = json.loads(capsysbinary.readouterr().out)["files"][0]
    return report


LINES = b"".join(raw(value) + b"\n" for value in many(60))


@pytest.mark.parametrize(
    ("name", "data", "file"),
    [
        ("file_extension", LINES, "train.txt"),
        ("file_extension", gzip.compress(LINES, mtime=0), "train.jsonl"),
        ("file_bom", b"\xef\xbb\xbf" + LINES, "train.jsonl"),
        ("file_empty", b"\n \n", "train.jsonl"),
        ("file_too_large", LINES + b"\n", "train.jsonl"),
        ("line_endings", LINES.replace(b"\n", b"\r\n"), "train.jsonl"),
        ("blank_line", LINES + b"\n", "train.jsonl"),
        ("json_array_file", b"[" + b",\n".join(LINES.splitlines()) + b"]", "train.jsonl"),
    ],
)
def test_rules_about_the_file(
    name: str,
    data: bytes,
    file: str,
    tmp_path: Path,
    capsysbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("curator.workspace.checks.verdict.MAX_FILE_BYTES", len(LINES))
    path = tmp_path / file
    path.write_bytes(data)
    rules_found = {problem["rule"] for problem in check_file(path, capsysbinary)["problems"]}
    assert name in rules_found
    good = tmp_path / "good.jsonl"
    good.write_bytes(LINES)
    assert name not in {problem["rule"] for problem in check_file(good, capsysbinary)["problems"]}
    if name == "file_too_large":  # Azure takes files below that size, not of it
        strict = check_file(good, capsysbinary, "--profile", "azure")["problems"]
        assert name in {problem["rule"] for problem in strict}


FAULTS = Path(__file__).parent.parent / "data" / "faults.jsonl"
WITH_FAULTS = FAULTS.with_suffix(".txt").read_text().split()
"""The rule that each of its lines breaks."""


def test_a_file_with_a_fault_a_rule_is_named_line_by_line(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    how = ("--profile", "azure", "--limit", "300", "--pattern", r"\([a-z]+\)")
    said = {(problem["line"], problem["rule"]) for problem in check_file(FAULTS, capsysbinary, *how)["problems"]}
    assert set(enumerate(WITH_FAULTS, 1)) <= said
    elsewhere = {"image_too_large", "not_readable_locally"}  # 14 MB, and no rule of azure: in the table of cases
    assert set(EXAMPLE_RULES) - set(WITH_FAULTS) == elsewhere


def test_that_file_is_repaired_where_it_is_safe(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    out, twice = tmp_path / "fixed.jsonl", tmp_path / "twice.jsonl"
    before = check_file(FAULTS, capsysbinary)["problems"]
    main(["fix", str(FAULTS), "-o", str(out), "--json"])
    fixed = json.loads(capsysbinary.readouterr().out)["fixed"]
    assert fixed.keys() == {problem["rule"] for problem in before if problem["fix"] == "safe"}
    assert not [problem for problem in check_file(out, capsysbinary)["problems"] if problem["fix"] == "safe"]
    touched = {problem["line"] for problem in before if problem["fix"] == "safe"}
    lines, repaired = FAULTS.read_bytes().split(b"\n"), out.read_bytes().split(b"\n")
    kept = [number for number, line in enumerate(lines, 1) if line or number == len(lines)]
    assert all(lines[at - 1] == new for at, new in zip(kept, repaired, strict=True) if at not in touched)
    main(["fix", str(out), "-o", str(twice), "--json"])
    assert json.loads(capsysbinary.readouterr().out)["fixed"] == {}
    assert twice.read_bytes() == out.read_bytes()


def test_every_rule_is_tested_by_its_name() -> None:
    mine = Path(__file__).read_text()
    assert not [name for name in REGISTRY if name not in CASES and name not in mine]


def tool(**parameters: Any) -> Any:
    return {"type": "function", "function": {"name": "f", "parameters": {"type": "object", **parameters}}}


NAMED = {"anyOf": [{"type": "string"}, {"type": "null"}]}


@pytest.mark.parametrize(
    ("parameters", "arguments", "expected"),
    [
        ({"properties": []}, '{"a":1}', "tools_invalid"),
        ({"properties": {"a": {"type": "text"}}}, '{"a":1}', "tools_invalid"),
        ({"properties": {"a": {"type": ["string", []]}}}, '{"a":1}', "tools_invalid"),
        ({"required": ["a", "a"]}, '{"a":1}', "tools_invalid"),
        ({"properties": {"a": {"items": {"anyOf": {}}}}}, '{"a":1}', "tools_invalid"),
        ({"properties": {"a": NAMED}}, '{"a":1}', "tool_arguments_not_json"),
        ({"properties": {"a": NAMED}}, '{"a":null}', None),
        ({"properties": {"a": {"const": 2}}}, '{"a":1}', "tool_arguments_not_json"),
        ({"properties": {"a": {"const": 1}}}, '{"a":1}', None),
        ({"properties": {"a": False}}, '{"a":1}', "tool_arguments_not_json"),
        ({"allOf": [{"required": ["b"]}]}, '{"a":1}', "tool_arguments_not_json"),
        ({"allOf": [{"required": ["a"]}]}, '{"a":1}', None),
    ],
)
def test_a_schema_is_looked_into(parameters: Any, arguments: str, expected: str | None) -> None:
    line = chat(system(), user(), calling(call(arguments=arguments)), told(), bot(), tools=[tool(**parameters)])
    assert list(found(raw(line), Context())) == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("missing_user_message", preference(input=None)),
        ("missing_system_message", preference(input=[])),
        ("empty_answer", chat(user(), bot(["", ""]), user(), bot())),
    ],
)
def test_what_another_rule_tells_is_not_told_again(name: str, line: Any) -> None:
    assert name not in found(raw(line), Context())


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("system_not_first", chat(user(), system() | {"tool_calls": [call()]}, told(), bot(), tools=[TOOL])),
        (
            "deprecated_function_call",
            chat(
                user(),
                bot(None, function_call={"name": "f", "arguments": "{}"}),
                {"role": "function", "name": "f", "content": ["3"]},
                bot(),
            ),
        ),
    ],
)
def test_a_fix_that_would_break_something_is_not_offered(name: str, line: Any) -> None:
    assert name in found(raw(line), Context())
    assert rules.fix(parse(raw(line)), name, Context()) is None


def test_a_list_of_one_string_becomes_the_text_that_every_format_holds() -> None:
    fixed = rules.fix(parse(raw(chat(user(), bot(["(cake)"])))), "content_wrong_type", Context())
    assert fixed == raw(chat(user(), bot("(cake)")))
    assert to_target(json.loads(fixed), "sharegpt") is not None


def test_the_second_of_two_equal_ids_keeps_its_late_answer() -> None:
    line = chat(user(), calling(call(), call()), told(), bot(), told(), bot(), tools=[TOOL])
    fixed = rules.fix(parse(raw(line)), "tool_call_duplicate_id", Context())
    assert fixed is not None
    assert "tool_message_orphan" not in found(fixed, Context())


def test_images_of_other_hosts_are_never_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.socket.connect", lambda *args: pytest.fail("a connection was tried"))
    found(raw(chat(user(image("https://example.org/a.jpg")), bot())), Context())


@pytest.mark.parametrize(
    ("said", "is_bad"), [({"label": False}, True), ({"label": True}, False), ({"b": 0}, False)]
)
def test_a_verdict_on_an_answer_that_no_import_marked_is_told(said: dict[str, Any], is_bad: bool) -> None:
    [problem] = rules.check(parse(raw(chat(**said))), Context())
    assert ("the answer is bad" in problem.message) == is_bad
