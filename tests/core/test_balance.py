"""What a dataset is made of."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.core.answers.balance import Lengths, balance, script, text_of
from curator.core.answers.contract import Contract
from curator.core.answers.refusal import is_refusal


def chat(user: str, answer: Any, system: str = "Be brief.") -> list[dict[str, Any]]:
    texts = (("system", system), ("user", user), ("assistant", answer))
    return [{"role": role, "content": content} for role, content in texts if content is not None]


def test_counts_answers_systems_and_scripts() -> None:
    data = [chat("Hi", "yes")] * 6 + [
        chat("Привет", "no"),
        chat("寿司です", "maybe", "Other."),
        [],
        chat("x", "Yes"),
    ]
    found = balance(data, Contract(frozenset(("yes", "no", "never"))))
    assert found.examples == 10 and found.total == 9
    assert found.answers[0] == ("yes", 6, 6 / 9)
    assert [share.text for share in found.answers] == ["yes", "Yes", "maybe", "no"]
    assert found.unused == ["never"]
    assert found.unknown == 2 and found.unknown_share == pytest.approx(2 / 9)
    assert [(share.text, share.times) for share in found.systems] == [("Be brief.", 8), ("", 1), ("Other.", 1)]
    assert [(share.text, share.times) for share in found.scripts] == [
        ("Latin", 7),
        ("Cyrillic", 1),
        ("Japanese", 1),
    ]


def test_an_answer_is_dominant_by_its_share_and_beside_the_others() -> None:
    many = [chat("q", f"({n})") for n in range(50)]
    assert [share.text for share in balance(many + [chat("q", "(smile)")] * 8).dominant] == ["(smile)"]
    assert balance(many + [chat("q", "(smile)")] * 4).dominant == []
    assert balance([chat("q", "yes"), chat("q", "no")] * 10).dominant == []


def test_weight_0_and_empty_answers_are_not_answers() -> None:
    messages = [*chat("a", "rude"), *chat("b", "kind"), *chat("c", None)]
    messages[2]["weight"] = 0
    found = balance([messages, [None, "text", {"role": "assistant"}, {"role": "assistant", "content": ""}]])
    assert [share.text for share in found.answers] == ["kind"]


def test_lengths() -> None:
    found = balance([chat("x" * n, "ok") for n in range(1, 12)])
    assert found.prompt_lengths == Lengths(1, 11, 6.0, 6.0, 10.0)
    assert found.answer_lengths == Lengths(2, 2, 2.0, 2.0, 2.0)
    assert balance([]).answer_lengths == Lengths()


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that.",
        "I’m sorry, but I can’t assist.",
        "As an AI language model, I do not have feelings.",
        "I cannot answer this question.",
        "Sorry, I am unable to open links.",
    ],
)
def test_refusals(text: str) -> None:
    assert is_refusal(text)
    assert balance([chat("q", text), chat("q", "fine")]).refusal_share == 0.5


@pytest.mark.parametrize(
    "text", ["(sad)", "Sorry to hear that!", "I can't wait!", "Unfortunately it rained.", "I can help.", ""]
)
def test_no_refusals(text: str) -> None:
    assert not is_refusal(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [("abc", "Latin"), ("Grüße", "Latin"), ("123 !?", "None"), ("Ёлка!", "Cyrillic"), ("γειά σου", "Greek"),
     ("今日は", "Japanese"), ("你好", "Han"), ("안녕하세요", "Hangul"), ("مرحبا", "Arabic"), ("ＡＢＣ", "Latin")],
)  # fmt: skip
def test_scripts(text: str, name: str) -> None:
    assert script(text) == name


def test_text_of_parts() -> None:
    assert text_of([{"type": "text", "text": "a"}, {"type": "image_url"}, "junk", {"text": 3}]) == "a"
    assert text_of(None) == text_of(7) == ""


@given(st.lists(st.lists(st.sampled_from([None, {}, {"role": "assistant", "content": "a"}, {"role": 1}, "x"]))))
def test_shares_add_up(data: list[list[Any]]) -> None:
    found = balance(data)
    assert found.total == sum(share.times for share in found.answers)
    assert sum(share.times for share in found.systems) == found.examples == len(data)
