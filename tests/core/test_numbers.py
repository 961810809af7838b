"""Numbers beyond 64 bits: read exactly, compared exactly, and never printed as other ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.cli.main import main
from curator.core.example import is_exact, parse
from curator.core.rules.facts import canonical_json

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


def test_more_digits_than_can_be_read_is_a_broken_line() -> None:
    example = parse(b'{"n": %s}' % (b"9" * 5000))
    assert example.broken
    assert "more digits than can be read" in example.faults[0].message


@given(st.dictionaries(st.text("abc", max_size=2), st.integers(2**64, 2**70), min_size=2))
def test_the_order_of_keys_makes_no_other_value(value: dict[str, int]) -> None:
    assert canonical_json(value) == canonical_json(dict(reversed(value.items())))


def example(number: str, order: int = 1) -> str:
    metadata = [f'"id": {number}', '"kind": "x"'][::order]
    texts = [("user", "Q"), ("assistant", "(a)")]
    messages = [{"role": role, "content": text} for role, text in texts]
    return f'{{"messages": {json.dumps(messages)}, "metadata": {{{", ".join(metadata)}}}}}'


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
