"""Numbers beyond 64 bits: read exactly, compared exactly, and never printed as other ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example as for_example
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.cli.main import main
from curator.core import spelled_numbers
from curator.core.convert.maps import parse_map
from curator.core.example import is_exact, parse
from curator.core.rules.facts import canonical_json
from curator.workspace.exchange.import_files import add
from curator.workspace.opening import create_workspace
from tests.thorough import examples

NUMBERS = st.one_of(
    st.integers(),
    st.integers(-(2**70), 2**70),
    st.integers(2**63 - 3, 2**64 + 3),
    st.integers(-(2**63) - 3, -(2**63) + 3),
    st.floats(allow_nan=False, allow_infinity=False),
)


@given(NUMBERS, st.text("019.e-_ x", max_size=24))
def test_a_line_is_read_as_python_reads_it(number: float, text: str) -> None:
    raw = json.dumps({"n": [number], "t": text}).encode()
    value = parse(raw).value
    assert value == json.loads(raw)
    assert type(value["n"][0]) is type(json.loads(raw)["n"][0])
    assert is_exact(raw) == (type(number) is float or -(2**63) <= number < 2**64)


@pytest.mark.parametrize(
    ("number", "exact"),
    [
        ("0.1", True),
        ("1.0", True),
        ("1e5", True),
        ("-0.0", True),
        ("0.30000000000000004", True),
        ("0.10000000000000000555", False),
        ("12345678901234567.25", False),
        ("18446744073709551615", True),
        ("18446744073709551616", False),
        ("-9223372036854775808", True),
        ("-9223372036854775809", False),
        ('"12345678901234567890123"', True),
    ],
)
def test_which_numbers_64_bits_hold(number: str, exact: bool) -> None:
    assert is_exact(f'{{"n": {number}}}'.encode()) == exact


WRITTEN = st.from_regex(r"-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,24})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"])).map(lambda text: json.dumps(text, ensure_ascii=False))
VALUES = st.recursive(
    WRITTEN | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(TEXTS, inner, max_size=2).map(
            lambda entries: "{" + ", ".join(f"{key}: {item}" for key, item in entries.items()) + "}"
        )
    ),
    max_leaves=6,
)


@settings(max_examples=examples(300))
@given(VALUES)
@for_example("-0")
@for_example("[1e400, 0.10, 1E+2, 0.00001]")
def test_a_converted_record_keeps_its_numbers_as_they_are_written(text: str) -> None:
    assert spelled_numbers.spell(spelled_numbers.read(parse(text.encode()))) == text


@pytest.mark.parametrize("number", ["1e400", "0.10", "-0", "1.0", "12345678901234567890123"])
def test_imports_exports_and_fixes_keep_numbers_as_they_are_written(number: str, tmp_path: Path) -> None:
    called = json.dumps(f'{{"name": "f", "arguments": {{"x": {number}}}}}')
    turns = f'{{"from": "function_call", "value": {called}}}, {{"from": "observation", "value": {number}}}'
    (tmp_path / "a.jsonl").write_text(f'{{"conversations": [{{"from": "human", "value": "Q"}}, {turns}]}}')
    (tmp_path / "b.jsonl").write_text(f'{{"instruction": "Q", "output": {number}, "score": {number}}}')
    (tmp_path / "c.json").write_text(f'{{"data": [{{"messages": [],\n"score": {number}}},\n{{"n": {number}}}]}}')
    with create_workspace(tmp_path / "w.curator") as workspace:
        add(workspace, [tmp_path / "a.jsonl", tmp_path / "c.json"])
        add(workspace, [tmp_path / "b.jsonl"], parse_map("user=instruction,assistant=output,keep=score"))
        called_with, *others, answer = (workspace.raw(example).decode() for example in workspace.ids())
        assert f'{{\\"x\\": {number}}}' in called_with and f'"content": "{number}"' in called_with
        assert [number in text for text in others] == [True, True]
        assert f'"content": "{number}"}}], "score": {number}}}' in answer


def test_more_digits_than_can_be_read_is_a_broken_line() -> None:
    example = parse(b'{"n": %s}' % (b"9" * 5000))
    assert example.broken
    assert "more digits than can be read" in example.faults[0].message


@given(st.dictionaries(st.text("abc", max_size=2), st.integers(2**64, 2**70), min_size=2))
def test_the_order_of_keys_makes_no_other_value(value: dict[str, int]) -> None:
    assert canonical_json(value) == canonical_json(dict(reversed(value.items())))


def example(number: str, order: int = 1) -> str:
    facts = [f'"id": {number}', '"kind": "x"'][::order]
    texts = [("user", "Q"), ("assistant", "(a)")]
    messages = [{"role": role, "content": text} for role, text in texts]
    return f'{{"messages": {json.dumps(messages)}, "facts": {{{", ".join(facts)}}}}}'


def test_files_compare_and_print_them_exactly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    big = 123456789012345678901234567890
    path = tmp_path / "big.jsonl"
    lines = [example(str(big)), example(str(big + 1)), example(str(big), -1), example("7")]
    path.write_text("\n".join(lines) + "\n")
    main(["check", str(path), "--json"])
    problems: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["files"][0]["problems"]
    copies = [(each["line"], each["message"]) for each in problems if each["rule"] == "duplicate_example"]
    assert copies == [(3, "the same as line 1")]
    main(["list", str(path), "--json"])
    listed = json.loads(capsys.readouterr().out)["examples"]
    assert ["bytes_b64" in each for each in listed] == [True, True, True, False]
    out = tmp_path / "out.jsonl"
    assert main(["export", str(path), "-o", str(out), "--format", "chat"]) == 0
    assert out.read_bytes() == path.read_bytes()
