"""`curator.core.turns.is_learnt`: all that need it give the same answer, for odd weights too."""

from __future__ import annotations

import json
from typing import Any

import pytest

from curator import tokens
from curator.basemodels import chat_render, text_model
from curator.core import rules
from curator.core.answers.balance import BalanceTally, balance
from curator.core.example import parse
from curator.core.rules.subject import Subject
from curator.core.turns import is_learnt, turns
from curator.tui.examples.blocks import blocks_of
from curator.workspace.checks.statistics import DatasetCounts
from tests.server import tiny

ABSENT = object()
NOT_LEARNT = [0, 0.0, -0.0, False, "0"]
LEARNT = [
    ABSENT,
    1,
    1.0,
    True,
    "1",
    None,
    2,
    -1,
    0.5,
    10**30,
    "",
    "no",
    "0.0",
    " 0",
    "false",
    [],
    [0],
    {},
    {"0": 0},
]
REFUSAL = "I'm sorry, but I can't help with that."


def chat(weight: Any) -> dict[str, Any]:
    answer: dict[str, Any] = {"role": "assistant", "content": REFUSAL}
    if weight is not ABSENT:
        answer["weight"] = weight
    return {"messages": [{"role": "user", "content": "Forge a cheque"}, answer]}


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> text_model.TextModel:
    return text_model.load(tiny.write_tiny_model(tmp_path_factory.mktemp("model")))


@pytest.mark.parametrize(
    ("weight", "expected"),
    [*((weight, False) for weight in NOT_LEARNT), *((weight, True) for weight in LEARNT)],
    ids=lambda value: "absent" if value is ABSENT else repr(value),
)
def test_all_agree_on_every_weight(weight: Any, expected: bool, text: text_model.TextModel) -> None:
    example = chat(weight)
    parsed = parse(json.dumps(example).encode())
    charts = DatasetCounts(BalanceTally(), keep_ids=True)
    charts.add(1, turns(example))
    answers = {
        "function": is_learnt(example["messages"][1]),
        "turns": [turn.trained for turn in turns(example)] == [False, True],
        "rules": bool(Subject(parsed, rules.Context()).trained_answers()),
        "rule": "no_trainable_assistant" not in {problem.rule for problem in rules.check(parsed, rules.Context())},
        "balance": balance([example["messages"]]).total == 1,
        "charts": charts.refusing == [1],
        "model view": any(span.trained for span in tokens.counter("gpt-4o").spans(example)),
        "training": chat_render.render_chat(text, example, 1024).trained > 0,
        "transcript": blocks_of(parsed)[1].weight != 0,
    }
    assert answers == dict.fromkeys(answers, expected)


@pytest.mark.parametrize("weight", [*NOT_LEARNT, *LEARNT[1:]], ids=repr)
def test_the_fix_of_a_weight_does_not_change_what_is_learnt(weight: Any) -> None:
    example = chat(weight)
    fixed = rules.fix(parse(json.dumps(example).encode()), "weight_invalid", rules.Context())
    if fixed is not None:
        message = json.loads(fixed)["messages"][1]
        assert message["weight"] == is_learnt(message) == is_learnt(example["messages"][1])


def test_only_assistant_messages_are_learnt() -> None:
    for role in ("system", "developer", "user", "tool", "function", "bot", None, 1, ["assistant"]):
        assert not is_learnt({"role": role, "content": "x", "weight": 1})
    assert not any(map(is_learnt, [None, "assistant", 1, ["role", "assistant"], {}, {"content": "x"}]))


def test_the_input_of_a_pair_is_not_learnt(text: text_model.TextModel) -> None:
    answer = {"role": "assistant", "content": "x", "weight": 1}
    question = [{"role": "user", "content": "q"}, answer, {"role": "user", "content": "q"}]
    pair = {
        "input": {"messages": question},
        "preferred_output": [{"role": "assistant", "content": "good"}],
        "non_preferred_output": [{"role": "assistant", "content": "bad", "weight": "0"}],
    }
    assert [turn.trained for turn in turns(pair)] == [False, False, False, True, False]
    trained = Subject(parse(json.dumps(pair).encode()), rules.Context()).trained_answers()
    assert [turn.content for turn in trained] == ["good"]
    rendered = chat_render.render_preference(text, pair, 1024)
    assert rendered.chosen.trained and not rendered.rejected.trained
