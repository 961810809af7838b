"""The answer contract: what breaks it, what was meant, what is proposed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.core.answers.contract import (
    MAX_ANSWERS,
    Contract,
    comparison_key,
    parse_vocabulary,
    percent,
    propose,
    tidy,
)
from curator.core.example import parse
from curator.core.rules import Context, check
from curator.paths import packaged

WORDS = parse_vocabulary((packaged("sample_data") / "emojibot-shortcodes.txt").read_text("utf-8"))
TEAMS = Contract(WORDS)


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        ("(tierd)", "(tired)"),
        ("(cofee)", "(coffee)"),
        ("(sadkoalla)", "(sadkoala)"),
        ("(Rocket)", "(rocket)"),
        ("muscle", "(muscle)"),
        (":car:", "(car)"),
        (" (bug)", "(bug)"),
        ("(mail)\n", "(mail)"),
        ("(ti\u200bred)", "(tired)"),
        ("(coffee)\u200d", "(coffee)"),
        ("(cat) (eyeroll)", "(cat)"),
        ("Sure! Here you go: (tea)", "(tea)"),
        ("(bumblebee)", "(bee)"),
        ("🎂", "(cake)"),
        ("🌧️", "(rain)"),
        ("❤️", "(heart)"),
        ("🍕", "(pizza)"),
        ("👨‍💻", "(computer)"),
    ],
)
def test_did_you_mean(answer: str, meant: str) -> None:
    assert TEAMS.violations(answer)
    assert TEAMS.suggest(answer)[0] == meant


def test_nothing_is_suggested_for_what_is_far_from_everything() -> None:
    assert TEAMS.suggest("I'm sorry, but I can't help with that.") == []
    assert TEAMS.suggest("") == []
    assert TEAMS.suggest("x" * 50_000) == []


def test_the_sentence_names_the_answer_and_what_it_breaks() -> None:
    assert TEAMS.violations("(tired)") is None
    assert TEAMS.violations("(tierd)") == f"'(tierd)' is not one of the {len(WORDS)} allowed answers"
    assert TEAMS.violations(" (tired)") == "' (tired)' has blanks or hidden characters; '(tired)' is meant"
    pattern = Contract(pattern=r"\([a-z]+\)")
    assert pattern.violations("tired") == r"'tired' does not fit the pattern \([a-z]+\)"
    assert len(TEAMS.violations("y" * 1_000) or "") < 100


def test_vocabulary_and_pattern_both_count() -> None:
    both = Contract(frozenset(("(a)", "b")), r"\(.\)")
    assert both.allows("(a)") and not both.allows("b") and not both.allows("(c)")
    assert Contract().allows("anything at all")


def test_a_pattern_alone_suggests_what_fits_it() -> None:
    pattern = Contract(pattern=r"\([a-z]+\)")
    assert pattern.suggest("Tired!") == ["(tired)"]
    assert pattern.suggest("🍕") == ["(pizza)", "(slice)"]


def test_a_contract_may_hold_only_where_there_is_a_system_prompt() -> None:
    contract = Contract(pattern=r"\([a-z]+\)", only_with_system=True)
    assert Contract.from_json(contract.to_json()) == contract != Contract(pattern=contract.pattern)
    assert "only_with_system" not in Contract(pattern=contract.pattern).to_json()
    said = [{"role": "user", "content": "What is rain?"}, {"role": "assistant", "content": "Water that falls."}]
    with_system = [{"role": "system", "content": "One shortcode."}, *said]
    found = [
        [
            problem.rule
            for problem in check(parse(orjson.dumps({"messages": messages})), Context(contract=contract))
        ]
        for messages in (with_system, said)
    ]
    assert "answer_outside_contract" in found[0] and "answer_outside_contract" not in found[1]


def test_completion_while_typing() -> None:
    assert TEAMS.complete("(ti") == TEAMS.complete("TI") == ["(tired)"]
    assert TEAMS.complete("(heart", limit=2) == ["(heart)", "(hearteyes)"]
    assert TEAMS.complete("(", limit=3) == TEAMS.complete("", limit=3) != []
    assert TEAMS.complete("zz") == Contract(pattern="a").complete("a") == []


@given(st.text(max_size=30), st.integers(1, 6))
def test_suggestions_keep_the_contract(text: str, limit: int) -> None:
    found = TEAMS.suggest(text, limit)
    assert len(found) <= limit and len(set(found)) == len(found)
    assert all(TEAMS.allows(answer) and answer != text for answer in found)


@given(st.none() | st.frozensets(st.text(max_size=5), min_size=1), st.none() | st.just(r"\d+"))
def test_json_round_trip(words: frozenset[str] | None, pattern: str | None) -> None:
    contract = Contract(words, pattern)
    assert Contract.from_json(json.loads(json.dumps(contract.to_json()))) == contract


@pytest.mark.parametrize(
    "value", [{"vocabulary": "abc"}, {"vocabulary": [1]}, {"vocabulary": []}, {"pattern": 3}, {"pattern": "("}]
)
def test_a_stored_contract_that_is_none(value: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        Contract.from_json(value)


def test_a_vocabulary_has_bounds() -> None:
    with pytest.raises(ValueError, match="1 to 100,000"):
        Contract(frozenset(map(str, range(MAX_ANSWERS + 1))))
    with pytest.raises(ValueError, match="longer than 1,000"):
        Contract(frozenset(("x" * 1_001,)))


def test_reading_a_vocabulary() -> None:
    assert (
        parse_vocabulary("\ufeff(a)\r\n\r\n (b) \n(a)\n") == parse_vocabulary('["(a)", "(b)"]') == {"(a)", "(b)"}
    )
    for text in ("", "\n \n", "[]", "[1]", '["a"'):
        with pytest.raises(ValueError):
            parse_vocabulary(text)


def test_proposes_a_pattern_for_shortcodes() -> None:
    found = propose([f"(code{n})" for n in range(29)] + ["oops, a sentence"])
    assert found is not None
    assert found.contract == Contract(pattern=r"\([a-z0-9]+\)")
    assert (found.covered, found.total) == (29, 30)
    assert found.sentence == "97 % of answers look like (word)"


def test_a_slip_of_the_shift_key_is_not_part_of_the_pattern() -> None:
    found = propose(["(Red)", *(f"({'abcdefghij'[n % 10] * (n // 10 + 1)})" for n in range(80))])
    assert found is not None and found.contract.pattern == r"\([a-z]+\)"
    assert found.covered == found.total - 1


def test_proposes_a_vocabulary_for_labels() -> None:
    found = propose(["positive", "negative"] * 24 + ["positve", "no idea"])
    assert found is not None
    assert found.contract == Contract(frozenset(("positive", "negative")))
    assert found.sentence == "96 % of answers are one of 2"


@pytest.mark.parametrize(
    "answers", [[], ["(a)"] * 9, [f"This is free text, number {n}." for n in range(50)], [""] * 20]
)
def test_proposes_nothing_without_a_reason(answers: list[str]) -> None:
    assert propose(answers) is None


@given(st.lists(st.text("(ab) :", max_size=6), max_size=40))
def test_a_proposal_tells_the_truth(answers: list[str]) -> None:
    found = propose(answers)
    if found is not None:
        assert found.total == len(answers)
        assert found.covered == sum(map(found.contract.allows, answers))
        assert found.share >= 0.85


def test_the_same_contract_reads_the_same_in_every_process() -> None:
    assert (
        repr(Contract(frozenset(("b", "a", "c")), "x"))
        == 'Contract({"vocabulary": ["a", "b", "c"], "pattern": "x"})'
    )


def test_percent_never_rounds_to_all_or_nothing() -> None:
    assert percent(999, 1000) == "99 %" and percent(1, 1000) == "less than 1 %"
    assert percent(3, 3) == "100 %" and percent(0, 7) == percent(0, 0) == "0 %"


def test_tidy_and_key() -> None:
    assert tidy("\u202e (x)\u200b\n") == "(x)"
    assert comparison_key("(Sad Koala)") == "sadkoala" and comparison_key("!?") == "!?"


def test_the_patterns_in_the_documentation_can_be_used() -> None:
    text = (Path(__file__).parents[2] / "docs" / "answers.md").read_text("utf-8")
    patterns = [row.replace(r"\|", "|") for row in re.findall(r"^\| `(.+?)` \|", text, re.MULTILINE)]
    assert len(patterns) == 5
    fits = ["(tired)", "neutral", "NO", "(sad) (cake)", "-3.5"]
    assert all(Contract(pattern=pattern).allows(text) for pattern, text in zip(patterns, fits, strict=True))
