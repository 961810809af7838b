"""Each file of `tests/data/cases` has the right findings, and the right bytes after its safe and unsafe fixes."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from curator.core.problem import Severity
from curator.workspace.checks.check import check_file
from curator.workspace.checks.one_pass import Options
from curator.workspace.checks.repair import repair

CASES = Path(__file__).parent / "data" / "cases"
USUAL = {"missing_system_message", "missing_validation_file", "few_examples", "too_few_examples", "file_extension"}
"""Findings that nearly every file here has."""
USUAL |= {"inconsistent_system_prompt", "missing_user_message", "duplicate_example", "inconsistent_top_level_keys"}


@dataclass(frozen=True)
class Right:
    """What `check` must say, beside `USUAL`, and what remains at error level after `fix` and `fix --unsafe`."""

    found: dict[str, int] = field(default_factory=dict)
    safe: dict[str, int] = field(default_factory=dict)
    """Errors after the safe fixes."""
    unsafe: dict[str, int] = field(default_factory=dict)
    """Errors after all fixes."""
    lines: int | None = None
    """Lines after all fixes; None: as many as before."""


def kept(**found: int) -> Right:
    """Findings that no fix changes."""
    return Right(found, found, found)


def mended(**found: int) -> Right:
    """Findings that the safe fixes remove."""
    return Right(found)


def shown(**found: int) -> Right:
    """Errors that only the unsafe fixes remove."""
    return Right(found, found)


RIGHT = {
    "01-broken-lines.jsonl": Right({"invalid_json": 9}, {"invalid_json": 9}, {"invalid_json": 3}, lines=20),
    "02a-utf8-bom.jsonl": mended(file_bom=1),
    "02f-bom-each-line.jsonl": mended(file_bom=12),
    "02g-mojibake.jsonl": Right({"mojibake": 12}),
    "03h-json-is-jsonl.json": Right(),
    "04f-dialogue-role-text.jsonl": mended(message_missing_key=24),
    "06a-ultrafeedback-binarized.jsonl": Right({"unknown_top_level_key": 72}, {"unknown_top_level_key": 36}),
    "06b-trl-explicit-conversational.jsonl": kept(format_method_mismatch=1, other_shape=12),
    "06c-trl-implicit-conversational.jsonl": kept(missing_messages_list=12),
    "06d-trl-strings.jsonl": kept(format_method_mismatch=1, other_shape=12),
    "06i-openai-old-keys.jsonl": mended(preference_old_key=24),
    "06j-openai-output-as-object.jsonl": shown(preference_missing_key=24),
    "07a-trl-kto.jsonl": kept(format_method_mismatch=1, other_shape=12),
    "07c-lf-kto-alpaca.jsonl": kept(missing_messages_list=12),
    "08-nested-answers.jsonl": kept(missing_messages_list=12),
    "09a-tools-json-string.jsonl": mended(tools_invalid=12),
    "09b-arguments-object.jsonl": mended(tool_arguments_not_string=12),
    "09c-arrow-null-keys.jsonl": mended(empty_optional_key=216),
    "09e-empty-tool-lists.jsonl": mended(empty_optional_key=24),
    "09f-tools-bare-functions.jsonl": mended(tools_invalid=12),
    "09g-call-then-text-no-tool.jsonl": Right({"tool_call_unanswered": 12, "consecutive_same_role": 12}),
    "09i-arguments-empty-string.jsonl": Right({"tool_arguments_empty": 12}),
    "09j-tool-name-and-choice.jsonl": mended(unknown_top_level_key=12, message_unrecognized_key=12),
    "10a-function-call-no-content.jsonl": mended(deprecated_function_call=12),
    "11a-gemini-contents.jsonl": kept(missing_messages_list=12),
    "12a-bedrock-conversation.jsonl": mended(unknown_top_level_key=24, content_wrong_type=24),
    "12b-anthropic-system-toplevel.jsonl": mended(unknown_top_level_key=12),
    "12f-chatml-text.jsonl": kept(missing_messages_list=12),
    "12g-list-of-messages-no-object.jsonl": mended(data_type=12),
    "12n-mistral-prefix-tool.jsonl": mended(message_unrecognized_key=12),
    "12o-ai-human-roles.jsonl": shown(unrecognized_role=36, example_missing_assistant_message=12),
    "21-special-tokens.jsonl": Right({"special_token_text": 17}),
    "23a-crlf.jsonl": mended(line_endings=1),
    "23b-cr-only.jsonl": Right({"line_endings": 1, "invalid_json": 1}, lines=12),
    "23c-u2028-raw.jsonl": Right({"hidden_characters": 12}),
    "23e-ctrl-z.jsonl": Right({"line_endings": 1, "invalid_json": 1}, lines=12),
    "23f-comment-lines.jsonl": kept(invalid_json=2),
    "23h-markdown-fence.jsonl": kept(invalid_json=2),
    "23k-messages-as-string.jsonl": mended(missing_messages_list=12),
    "23m-html-entities.jsonl": Right({"html_entities": 12}),
    "28e-leading-spaces-code.jsonl": Right({"surrounding_whitespace": 9}),
}
"""The rules that a file breaks, with how often."""


def errors_of(path: Path) -> dict[str, int]:
    return {
        rule: count for rule, count in check_file(path, Options(tokens=False)).errors.items() if rule not in USUAL
    }


def findings_of(path: Path, **options: Any) -> list[tuple[int | None, Any]]:
    check = check_file(path, Options(tokens=False, shown_per_rule=100_000, **options))
    return [(each.line, each.problem) for each in check.findings.shown if each.problem.rule not in USUAL]


@pytest.mark.parametrize("name", RIGHT)
def test_it_is_found_and_fixed_as_it_should(name: str, tmp_path: Path) -> None:
    right, path = RIGHT[name], CASES / name
    assert Counter(problem.rule for _, problem in findings_of(path)) == right.found
    safe, unsafe = tmp_path / "safe.jsonl", tmp_path / "unsafe.jsonl"
    repair(path, safe, Options(tokens=False))
    assert errors_of(safe) == right.safe
    repair(path, unsafe, Options(tokens=False), unsafe=True)
    assert errors_of(unsafe) == right.unsafe
    if right.lines is not None:
        assert len(unsafe.read_bytes().splitlines()) == right.lines


def fixed_lines(name: str, tmp_path: Path, *, unsafe: bool = False) -> list[Any]:
    """The values of a case's lines after `fix`."""
    out = tmp_path / "out.jsonl"
    repair(CASES / name, out, Options(tokens=False), unsafe=unsafe)
    return [json.loads(line) for line in out.read_text("utf-8").split("\n") if line]


def source_lines(name: str) -> list[Any]:
    return [json.loads(line) for line in (CASES / name).read_text("utf-8").split("\n") if line]


@pytest.mark.parametrize(
    ("name", "unsafe", "expected"),
    [
        (
            "12a-bedrock-conversation.jsonl",
            False,
            ["Be short.", [{"text": "The build is green again", "type": "text"}]],
        ),
        ("12b-anthropic-system-toplevel.jsonl", False, ["Be short.", "The build is green again", "(party)"]),
        ("04f-dialogue-role-text.jsonl", False, ["The build is green again", "(party)"]),
        ("12g-list-of-messages-no-object.jsonl", False, ["The build is green again", "(party)"]),
        ("23k-messages-as-string.jsonl", False, ["The build is green again", "(party)"]),
        ("02g-mojibake.jsonl", True, ["The build is green again \u2013 caf\u00e9 \U0001f600", "(party)"]),
        ("23m-html-entities.jsonl", True, ["The build is green again & it's <b>ok</b>", "(party)"]),
        ("23c-u2028-raw.jsonl", True, ["The build is green again a\nb\nc\nd", "(party)"]),
        ("28e-leading-spaces-code.jsonl", False, ["You answer with one Teams shortcode.", "complete: def f():"]),
        ("12o-ai-human-roles.jsonl", True, ["Be short.", "The build is green again", "(party)"]),
    ],
)
def test_what_the_first_messages_say_after_the_fix(
    name: str, unsafe: bool, expected: list[Any], tmp_path: Path
) -> None:
    messages = fixed_lines(name, tmp_path, unsafe=unsafe)[0]["messages"]
    contents = [message["content"] for message in messages]
    if name.startswith("23c"):
        contents[0] = contents[0].replace("Z", "")
    assert contents[: len(expected)] == expected
    assert messages[0]["role"] in ("system", "user")


def test_indentation_that_is_taught_stays(tmp_path: Path) -> None:
    answers = [line["messages"][-1]["content"] for line in source_lines("28e-leading-spaces-code.jsonl")]
    after = [line["messages"][-1]["content"] for line in fixed_lines("28e-leading-spaces-code.jsonl", tmp_path)]
    assert after[0] == "    return x\n" and after[3] == "- a\n- b"
    assert [text.rstrip() for text in after] == [text.rstrip() for text in answers]


def test_what_says_an_answer_is_bad_stays(tmp_path: Path) -> None:
    for name in ("07a-trl-kto.jsonl", "07c-lf-kto-alpaca.jsonl"):
        assert fixed_lines(name, tmp_path) == source_lines(name)
    path = tmp_path / "kto.jsonl"
    chat = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "no"}]}
    path.write_text(json.dumps({**chat, "label": False, "kto_tag": False, "id": 7, "chosen": "x"}) + "\n")
    out = tmp_path / "out.jsonl"
    repair(path, out, Options(tokens=False))
    assert json.loads(out.read_bytes()) == {**chat, "label": False, "kto_tag": False, "chosen": "x"}


def test_a_pair_keeps_its_other_answer(tmp_path: Path) -> None:
    after = fixed_lines("06a-ultrafeedback-binarized.jsonl", tmp_path)
    assert [line.keys() - {"messages"} for line in after] == [{"prompt", "chosen", "rejected"}] * 12


def test_outputs_of_pairs_become_lists(tmp_path: Path) -> None:
    first = fixed_lines("06j-openai-output-as-object.jsonl", tmp_path, unsafe=True)[0]
    assert first["preferred_output"] == [{"role": "assistant", "content": "(party)"}]


def test_tools_become_what_they_are(tmp_path: Path) -> None:
    tool = {"type": "function", "function": source_lines("09f-tools-bare-functions.jsonl")[0]["tools"][0]}
    assert fixed_lines("09f-tools-bare-functions.jsonl", tmp_path)[0]["tools"] == [tool]
    assert fixed_lines("09a-tools-json-string.jsonl", tmp_path)[0]["tools"] == [tool]
    call = fixed_lines("09i-arguments-empty-string.jsonl", tmp_path)[0]["messages"][1]["tool_calls"][0]
    assert call["function"]["arguments"] == "{}"
    line = fixed_lines("09c-arrow-null-keys.jsonl", tmp_path)[0]
    assert [list(message) for message in line["messages"]] == [
        *(["role", "content"], ["role", "content", "tool_calls"], ["role", "content", "tool_call_id"]),
        ["role", "content"],
    ]


def test_a_call_without_answer_fails_on_azure() -> None:
    path = CASES / "09g-call-then-text-no-tool.jsonl"
    severities = {problem.rule: problem.severity for _, problem in findings_of(path, profile="azure")}
    assert severities["tool_call_unanswered"] is Severity.ERROR


def test_values_are_told_as_json_has_them() -> None:
    words = [problem.message for _, problem in findings_of(CASES / "24a-weights-odd.jsonl")]
    assert "the weight is true, not 0 or 1" in words and "'weight' is null" in words
    wrong = [line for line, problem in findings_of(CASES / "24d-parallel-tool-calls-type.jsonl")]
    assert wrong == [3, 4, 5, 6]
    assert not [word for word in words if "None" in word or "True" in word or "False" in word]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("04a-sharegpt-llamafactory-tools.jsonl", "`curator import` makes a chat of it"),
        ("06c-trl-implicit-conversational.jsonl", "`curator import` makes a preference pair of it"),
        ("06d-trl-strings.jsonl", "`curator import` makes a preference pair of it"),
        ("08-nested-answers.jsonl", "--map user=KEY,assistant=KEY"),
        ("12i-batch-output.jsonl", "keeps it as it is: it holds an answer without the messages that were asked"),
        ("13h-header-case-space.csv", "`curator import` makes a chat of it"),
        ("29f-messages-pairs.jsonl", "`curator import` makes a chat of it"),
        ("29g-dialog-strings.jsonl", "keeps it as it is: turn 1: it is a text without a role"),
        ("29r-alpaca-output-list.jsonl", "keeps it as it is: 'output' is a list, not a text"),
        ("29s-prompt-response.jsonl", "`curator import` makes a chat of it"),
    ],
)
def test_what_an_import_does_with_another_shape_is_said(name: str, hint: str) -> None:
    assert sum(hint in problem.message for _, problem in findings_of(CASES / name)) == 12


def test_the_faults_of_broken_lines_are_named() -> None:
    words = {line: problem.message for line, problem in findings_of(CASES / "01-broken-lines.jsonl")}
    expected = {
        6: "a quote inside a string is not escaped",
        7: "a key stands without quotes: column 61",
        8: "a comma stands before the closing brace or bracket: column 96",
        9: "single quotes",
        10: "curly quotes",
        11: "does not end on this line",
        12: "does not begin with a brace",
        13: "2 objects stand on one line: column 104",
        14: "a comma stands behind the object: column 109",
    }
    assert words.keys() == expected.keys()
    assert not [line for line in expected if expected[line] not in words[line]]


@pytest.mark.parametrize("name", sorted(path.name for path in CASES.glob("*.jsonl")))
def test_fixing_twice_changes_nothing_more_and_no_rule_gets_worse(name: str, tmp_path: Path) -> None:
    once, twice = tmp_path / "once.jsonl", tmp_path / "twice.jsonl"
    before = errors_of(CASES / name)
    repair(CASES / name, once, Options(tokens=False), unsafe=name.startswith("02"))
    repair(once, twice, Options(tokens=False))
    assert twice.read_bytes() == once.read_bytes()
    unseen = {
        "data_type",
        "missing_messages_list",
        "message_missing_key",
        "invalid_json",
        "file_encoding",
        "line_endings",
    }
    if not unseen & before.keys():
        after = errors_of(once)
        assert not {rule for rule in after if after[rule] > before.get(rule, 0)}
