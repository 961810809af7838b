"""The bundled samples are what their README says; checked here without the code that they are used to test."""

from __future__ import annotations

import importlib
import json
import re
import unicodedata
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from rapidfuzz import fuzz

SAMPLES = Path(__file__).parents[2] / "sample_data"
SCRIPTS = SAMPLES.parent / "scripts"
WORDS = set((SAMPLES / "emojibot-shortcodes.txt").read_text("utf-8").split())
PLANTED: dict[str, Any] = json.loads((SAMPLES / "emojibot-faults.json").read_text("utf-8"))
FAULTS: list[dict[str, Any]] = PLANTED["faults"]
SMALL = ["multi-turn.jsonl", "tools.jsonl", "weights.jsonl", "preferences.jsonl"]
TEN = {
    "invalid_json",
    "data_type",
    "missing_messages_list",
    "example_missing_assistant_message",
    "message_missing_key",
    "message_unrecognized_key",
    "unrecognized_role",
    "missing_content",
    "content_wrong_type",
    "unknown_top_level_key",
}


def lines(name: str) -> list[str]:
    text = (SAMPLES / name).read_bytes().decode("utf-8")
    assert text.endswith("\n") and "\r" not in text
    return text[:-1].split("\n")


def chats(name: str) -> list[tuple[str, str, str]]:
    """(system, user, assistant) of each line, nothing else in it."""
    found = []
    for line in lines(name):
        value = json.loads(line)
        assert list(value) == ["messages"]
        assert [list(message) for message in value["messages"]] == [["role", "content"]] * 3
        assert [message["role"] for message in value["messages"]] == ["system", "user", "assistant"]
        found.append(tuple(message["content"] for message in value["messages"]))
    return found


SPOILT, CLEAN, HELD_OUT = lines("emojibot.jsonl"), chats("emojibot-clean.jsonl"), chats("emojibot-test.jsonl")


def parsed(number: int) -> Any:
    return json.loads(SPOILT[number - 1])


def content(number: int, index: int) -> Any:
    return parsed(number)["messages"][index]["content"]


def words(text: str) -> str:
    return " ".join(re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold()))


def hidden(text: str) -> bool:
    return any(unicodedata.category(c) in ("Cc", "Cf") for c in text if c not in "\r\n\t")


def of(kind: str) -> list[dict[str, Any]]:
    return [fault for fault in FAULTS if fault["kind"] == kind]


def test_sizes() -> None:
    assert len(SPOILT) == PLANTED["lines"] >= 320
    assert len(CLEAN) == 301 and len(HELD_OUT) == 40
    assert len({answer for _, _, answer in CLEAN}) == 122
    assert len({str(content(n, 2)) for n in good_lines()}) >= 110
    assert 190 <= len(WORDS) <= 260


def good_lines() -> list[int]:
    return sorted(set(range(1, len(SPOILT) + 1)) - {fault["line"] for fault in FAULTS})


def test_clean_and_held_out_are_clean() -> None:
    for name, data in (("clean", CLEAN), ("test", HELD_OUT)):
        assert {system for system, _, _ in data} == {PLANTED["system"]}
        assert {answer for _, _, answer in data} <= WORDS, name
        for text in (text for chat in data for text in chat):
            assert text == text.strip() and text and not hidden(text)
    assert Counter(answer for _, _, answer in CLEAN).most_common(1)[0][1] <= 5
    once = [answer for answer, count in Counter(answer for _, _, answer in CLEAN).items() if count == 1]
    assert once == []


def test_nothing_is_like_anything_else_and_held_out_stays_apart() -> None:
    prompts = [words(user) for _, user, _ in CLEAN + HELD_OUT]
    alike = [
        (a, b) for a, b in combinations(prompts, 2) if max(fuzz.ratio(a, b), fuzz.token_sort_ratio(a, b)) > 70
    ]
    assert alike == []
    assert {answer for _, _, answer in HELD_OUT} <= {answer for _, _, answer in CLEAN}
    seen = {words(user) for n in range(1, len(SPOILT) + 1) for user in [SPOILT[n - 1]]}
    assert not [user for _, user, _ in HELD_OUT if any(user in line for line in seen)]


def test_lines_without_a_fault_are_in_the_clean_file() -> None:
    clean = set(lines("emojibot-clean.jsonl"))
    assert [n for n in good_lines() if SPOILT[n - 1] not in clean] == []


def test_faults_lead_to_their_repaired_line() -> None:
    for fault in FAULTS:
        if fault["clean_line"] is None:
            assert fault["with"] and fault["kind"].startswith(("duplicate", "conflict"))
        elif fault["rule"] != "missing_messages_list":
            user = CLEAN[fault["clean_line"] - 1][1]
            assert words(user)[-15:] in words(SPOILT[fault["line"] - 1].replace("\\u0007", "")), fault
    assert len({fault["line"] for fault in FAULTS}) == len(FAULTS)


def test_ten_kinds_of_format_errors() -> None:
    assert {fault["rule"] for fault in of("format")} == TEN
    for fault in of("format"):
        assert breaks(fault["rule"], SPOILT[fault["line"] - 1]), fault


def breaks(rule: str, line: str) -> bool:
    """Whether the line breaks the rule, in the fewest words."""
    try:
        value = json.loads(line)
    except ValueError:
        return rule == "invalid_json"
    if not isinstance(value, dict):
        return rule == "data_type"
    if not value["messages"]:
        return rule == "missing_messages_list"
    messages = value["messages"]
    contents = [message.get("content") for message in messages]
    return {
        "example_missing_assistant_message": "assistant" not in [message.get("role") for message in messages],
        "message_missing_key": any(message.keys() < {"role", "content"} for message in messages),
        "message_unrecognized_key": any(message.keys() > {"role", "content"} for message in messages),
        "unrecognized_role": any(message.get("role") in ("human", "bot") for message in messages),
        "missing_content": any(text is None or text == "" for text in contents),
        "content_wrong_type": any(isinstance(text, int | list) for text in contents),
        "unknown_top_level_key": value.keys() > {"messages"},
    }[rule]


def test_duplicates() -> None:
    for kind, least in (("duplicate_exact", 8), ("duplicate_normalised", 4), ("duplicate_near", 8)):
        assert len(of(kind)) >= least
    for fault in of("duplicate_exact"):
        assert all(parsed(fault["line"]) == parsed(other) for other in fault["with"])
    assert any(SPOILT[f["line"] - 1] not in {SPOILT[o - 1] for o in f["with"]} for f in of("duplicate_exact"))
    for fault in of("duplicate_normalised"):
        (other,) = fault["with"]
        assert parsed(fault["line"]) != parsed(other)
        assert words(content(fault["line"], 1)) == words(content(other, 1))
        assert content(fault["line"], 2) == content(other, 2)
    for fault in of("duplicate_near"):
        (other,) = fault["with"]
        assert 80 < fuzz.ratio(words(content(fault["line"], 1)), words(content(other, 1))) < 100
        assert content(fault["line"], 2) == content(other, 2)


def test_conflicts() -> None:
    assert len(of("conflict")) >= 8
    for fault in of("conflict"):
        (other,) = fault["with"]
        assert fuzz.ratio(words(content(fault["line"], 1)), words(content(other, 1))) > 90
        assert content(fault["line"], 2) != content(other, 2)
        assert {content(fault["line"], 2), content(other, 2)} <= WORDS


def test_answers_outside_of_the_vocabulary() -> None:
    assert len(of("unknown_answer")) >= 10 and len(of("emoji_answer")) >= 5
    for kind in ("unknown_answer", "chatty_answer", "refusal", "emoji_answer"):
        for fault in of(kind):
            assert content(fault["line"], 2) not in WORDS
            assert content(fault["line"], 2) == content(fault["line"], 2).strip()
    assert all(unicodedata.category(content(fault["line"], 2)[0]) == "So" for fault in of("emoji_answer"))


def test_whitespace_and_hidden_characters() -> None:
    for fault in of("whitespace"):
        text = content(fault["line"], int(fault["location"][9]))
        assert text != text.strip() and not hidden(text)
    for fault in of("hidden"):
        assert hidden(content(fault["line"], int(fault["location"][9])))
    everything = "".join(content(fault["line"], int(fault["location"][9])) for fault in of("hidden"))
    assert {"\u200b", "\u202e", "\ufeff", "\u001b"} < set(everything)


def test_system_prompts_and_the_dominant_answer() -> None:
    variants = {content(fault["line"], 0) for fault in of("system_prompt")}
    assert len(variants) == 2 and PLANTED["system"] not in variants
    lazy = of("dominant_answer")
    assert all(content(fault["line"], 2) == "(smile)" != CLEAN[fault["clean_line"] - 1][2] for fault in lazy)
    answers = Counter(re.findall(r'"assistant", "content": "(.*?)"', "\n".join(SPOILT)))
    share = answers["(smile)"] / len(SPOILT)
    assert 0.10 <= share <= 0.15 and answers.most_common(2)[1][1] < 10


def test_small_sets_show_what_they_say() -> None:
    turns, tools, weights, pairs = (list(map(json.loads, lines(name))) for name in SMALL)
    assert min(map(len, (turns, tools, weights, pairs))) >= 12
    assert all([m["role"] for m in v["messages"]].count("user") in (2, 3) for v in turns)
    assert any(v["messages"][0]["role"] == "user" for v in turns)
    assert all(list(v) == ["messages", "tools", "parallel_tool_calls"] for v in tools)
    assert {len(m.get("tool_calls", ())) for v in tools for m in v["messages"]} == {0, 1, 2}
    assert [v["messages"][-1]["role"] for v in tools].count("assistant") == len(tools)
    given = [m.get("weight") for v in weights for m in v["messages"] if m["role"] == "assistant"]
    assert set(given) == {0, 1, None} and given.count(0) >= 8
    assert all(set(v) == {"input", "preferred_output", "non_preferred_output"} for v in pairs)
    assert all(v["preferred_output"] != v["non_preferred_output"] for v in pairs)
    assert not any(hidden(line) for name in SMALL for line in lines(name))


def test_the_readme_lists_every_fault() -> None:
    text = (SAMPLES / "README.md").read_text("utf-8")
    for fault in FAULTS:
        assert f"| {fault['line']} | {fault['kind']} |" in text
    for path in SAMPLES.iterdir():
        assert path.name == "README.md" or f"`{path.name}`" in text


def test_the_script_writes_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(SCRIPTS)
    script = importlib.import_module("make_samples")
    (tmp_path / "README.md").write_bytes((SAMPLES / "README.md").read_bytes())
    monkeypatch.setattr(script, "OUT", tmp_path)
    script.main()
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(made) == 6
    assert made == {name: (SAMPLES / name).read_bytes() for name in made}
