"""Personal data and secrets: numbers with check digits, and every text of a message."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.core.check_digits import IBAN_LENGTHS
from curator.core.example import parse
from curator.core.rules import Context, check, fix_all
from curator.core.rules.families.privacy import personal_data
from curator.core.rules.quick.quick_look import quick_looks

LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SECRET = "sk-proj-" + "a1B2c3D4" * 6


def iban(country: str, rest: str) -> str:
    """The IBAN of a country with this account, its check digits worked out."""
    number = "".join(str(int(letter, 36)) for letter in f"{rest}{country}00")
    return f"{country}{98 - int(number) % 97:02}{rest}"


@st.composite
def ibans(draw: st.DrawFn) -> str:
    country = draw(st.sampled_from(sorted(IBAN_LENGTHS)))
    free = IBAN_LENGTHS[country] - 14
    account = draw(st.text(LETTERS, min_size=free, max_size=free))
    return iban(country, account + draw(st.text("0123456789", min_size=10, max_size=10)))


def found(text: str) -> list[tuple[str, str]]:
    return [(hit.name, text[hit.start : hit.end]) for hit in personal_data(text)]


@settings(deadline=None)  # NumPy is loaded by the first example
@given(ibans(), st.sampled_from(["", " ", "-"]), st.sampled_from(["", "pay ", "(", "IBAN:"]))
def test_an_iban_is_found_as_it_is_written(number: str, separator: str, before: str) -> None:
    grouped = separator.join(number[at : at + 4] for at in range(0, len(number), 4))
    text = f"{before}{grouped}, please"
    assert ("an IBAN", grouped) in found(text)
    example = {"messages": [{"role": "user", "content": text}, {"role": "assistant", "content": "Paid"}]}
    raw = json.dumps(example).encode()
    assert "pii_like" in rules_of(example).values()
    assert quick_looks([raw], Context()) == quick_looks([raw], Context(), many=True) == [None]


@given(ibans(), st.integers(1, 96))
def test_an_iban_with_other_check_digits_is_none(number: str, more: int) -> None:
    wrong = f"{number[:2]}{(int(number[2:4]) + more) % 97:02}{number[4:]}"
    assert "an IBAN" not in dict(found(wrong))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("SSN 123-45-6789, since 2024", ["a US social security number"]),
        ("666-12-3456 000-12-3456 900-12-3456 123-00-4567 123-45-0000", []),
        ("order 1123-45-6789 or 123-45-67890 or 2024-12-3456", []),
        ("call 555-123-4567", ["a telephone number"]),
        ("DE89 3704 0044 0532 0130 00 and 4111 1111 1111 1111", ["an IBAN", "a card number"]),
        ("XX89 3704 0044 0532 0130 00", []),
        ("model number AB12 CDEF GHIJ", []),
    ],
)
def test_numbers_and_their_near_misses(text: str, names: list[str]) -> None:
    assert [name for name, _ in found(text)] == names


def rules_of(value: Any) -> dict[str, str]:
    return {
        problem.location: problem.rule
        for problem in check(parse(json.dumps(value).encode()), Context())
        if problem.rule in ("pii_like", "secret_like")
    }


def calling(arguments: str) -> dict[str, Any]:
    call = {"id": "c1", "type": "function", "function": {"name": "mail", "arguments": arguments}}
    return {
        "messages": [
            {"role": "user", "content": "Send it"},
            {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": "sent"},
            {"role": "assistant", "content": "Done"},
        ],
        "tools": [{"type": "function", "function": {"name": "mail", "parameters": {"type": "object"}}}],
    }


@pytest.mark.parametrize(
    ("text", "rule"), [("ann@example.org", "pii_like"), ("123-45-6789", "pii_like"), (SECRET, "secret_like")]
)
def test_arguments_and_refusals_are_looked_into(text: str, rule: str) -> None:
    place = "messages[1].tool_calls[0].function.arguments"
    example = calling(json.dumps({"to": text}))
    assert rules_of(example) == {place: rule}
    assert quick_looks([json.dumps(example).encode()], Context()) == [None]  # the short way leaves it to the rules
    assert quick_looks([json.dumps(calling('{"to": "home"}')).encode()], Context()) != [None]
    refusal = {"role": "assistant", "content": None, "refusal": f"I cannot write to {text}."}
    assert rules_of({"messages": [{"role": "user", "content": "Write"}, refusal]}) == {"messages[1].refusal": rule}
    old = {"role": "assistant", "function_call": {"name": "mail", "arguments": json.dumps({"to": text})}}
    assert rules_of({"messages": [{"role": "user", "content": "Write"}, old]}) == {
        "messages[1].function_call.arguments": rule
    }


def test_masked_arguments_stay_json() -> None:
    arguments = '{"card": 4111111111111111, "to": "a@b.org \\" 123-45-6789", "key": "' + SECRET + '"}'
    fixed, _ = fix_all(parse(json.dumps(calling(arguments)).encode()), Context(), None, unsafe=True)
    call = orjson.loads(fixed)["messages"][1]["tool_calls"][0]
    assert orjson.loads(call["function"]["arguments"]) == {
        "card": "[CARD]",
        "to": '[EMAIL] " [SSN]',
        "key": "[SECRET]",
    }
