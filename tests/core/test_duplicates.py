"""Duplicates: what counts as a copy, what does not, and that groups are a partition."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from curator.core.duplicates.across import Phrases
from curator.core.duplicates.candidates import pairs_with_a_chance
from curator.core.duplicates.conflicts import make_conflict
from curator.core.duplicates.exact import find_equal
from curator.core.duplicates.found_duplicates import FoundDuplicates
from curator.core.duplicates.hashes import NOTHING, Fingerprint, fingerprint, value_hash
from curator.core.duplicates.index import Index
from curator.core.duplicates.meaning.spoken import spoken
from curator.core.duplicates.plain_lines import fingerprint_of_line, spoken_of_line, text_of_line
from curator.core.duplicates.sketch import Sketcher, fold_texts
from curator.core.duplicates.texts import compared_text, normalise
from curator.core.example import parse
from tests.thorough import examples

TEXT = "river apple quiet window engine carpet lemon signal forest paper ladder copper velvet anchor"
WORDS = TEXT.split()


def chat(user: str, answer: str, system: str | None = None) -> dict[str, Any]:
    head = [{"role": "system", "content": system}] if system is not None else []
    return {
        "messages": [*head, {"role": "user", "content": user}, {"role": "assistant", "content": answer}],
    }


def build(values: Sequence[Any]) -> Index:
    return indexed([printed(value) for value in values])


def indexed(prints: list[Fingerprint]) -> Index:
    """An index of prints that may be changed in place."""
    return Index([prints[:]], lambda row: prints[row].text, lambda a, b: prints[a].value == prints[b].value)


def printed(value: Any) -> Fingerprint:
    return fingerprint(parse(json.dumps(value).encode()))


def search(values: Sequence[Any]) -> FoundDuplicates:
    return build(values).duplicates


def kinds(found: FoundDuplicates, threshold: float = 75.0) -> list[tuple[str, tuple[int, ...]]]:
    return [(group.kind, group.ids) for group in found.groups(threshold)]


@pytest.mark.parametrize(
    ("a", "b", "kind"),
    [
        ("The cat sat on the mat.", "The cat sat on the mat.", "exact"),
        ("The cat sat on the mat.", "the CAT sat, on the mat", "normalised"),
        ("The café is “open” today", "the cafe\u0301 is open\u200b today", "normalised"),
        (
            "Please water the plants near the window tomorrow",
            "Please water the plant near the window tomorow",
            "near",
        ),
        ("日本語のテキストを確認してください", "日本語のテキストを確認して下さい", "near"),
    ],
)
def test_two_texts_are_found_as_a_group_of_their_kind(a: str, b: str, kind: str) -> None:
    answer = "Of course, I will take care of that for you right after lunch today."
    found = search([chat(a, answer), chat("Something else entirely", "No relation at all"), chat(b, answer)])
    assert kinds(found) == [(kind, (0, 2))]


def test_key_order_spacing_and_escapes_do_not_matter_to_exact_copies() -> None:
    lines = [
        b'{"messages":[{"role":"user","content":"h\\u00e9"},{"role":"assistant","content":"x"}]}',
        '{"messages": [{"content": "hé", "role": "user"}, {"content": "x", "role": "assistant"}]}'.encode(),
    ]
    assert len({value_hash(parse(line).value) for line in lines}) == 1


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ({"messages": [{"role": "a", "content": "b"}]}, ["a", "b"]),
        (
            {"messages": [{"role": "a", "content": "b"}]},
            {"messages": [{"role": "a", "content": "b"}], "tools": []},
        ),
        ({"x": 1}, {"x": "1"}),
        ({"messages": ["ab"]}, {"messages": []}),
    ],
)
def test_different_values_have_different_hashes(a: Any, b: Any) -> None:
    assert value_hash(a) != value_hash(b)


def test_examples_without_messages_are_copies_only_where_they_are_equal() -> None:
    found = search([{"messages": []}, {"messages": []}, ["x"], ["x"], ["X"], {"messages": [], "x": 1}])
    assert kinds(found) == [("exact", (0, 1)), ("exact", (2, 3))]


def test_the_system_prompt_is_left_out() -> None:
    assert compared_text(chat("a", "b", system="long " * 50)) == "a\x1fb"


def test_same_template_with_other_numbers_is_a_family_and_no_copy() -> None:
    values = [chat(f"How many days are in {n} weeks of the year?", f"There are {7 * n} days.") for n in (2, 3, 5)]
    assert [kind for kind, _ in kinds(search(values))] == ["family"]


def test_a_number_whose_digits_are_others_or_swapped_is_another_fact_if_nothing_else_differs() -> None:
    values = [chat(f"What is the square of the number {n}, and how did you find it?", "Ask me.") for n in (12, 21)]
    assert kinds(search(values)) == [("family", (0, 1))]
    slip = chat("What is the sqaure of the nmuber 21, and how did you find it?", "Ask me.")
    assert kinds(search([values[0], slip])) == [("near", (0, 1))]


def test_very_long_texts_are_compared_by_their_words_and_keep_their_facts() -> None:
    rng = random.Random(4)
    words = [f"{a}{b}{c}" for a in WORDS for b in WORDS for c in "xyz"]
    text = " ".join(rng.choices(words, k=4_500))
    other = " ".join(rng.choices(words, k=4_500))
    values = [chat(f"{text} the end", "ok"), chat(f"{text} and an end", "ok")]
    values += [chat(f"{other} of {n}", "ok") for n in (7, 8)]
    assert kinds(search(values)) == [("near", (0, 1)), ("family", (2, 3))]


def test_same_template_with_other_words_is_a_family_but_its_exact_copies_stay() -> None:
    frame = "Write a friendly note to {} about the {} and mention the {} we bought for the garden party."
    rng = random.Random(1)
    values = [
        chat(frame.format(*rng.sample(WORDS, 3)), "Sure, here is the note you asked me for.") for _ in range(6)
    ]
    found = kinds(search([*values, values[2]]))
    assert ("exact", (2, 6)) in found
    assert [kind for kind, _ in found].count("family") == 1
    assert not [ids for kind, ids in found if kind == "near"]


def test_short_texts_need_to_be_closer() -> None:
    assert kinds(search([chat("I am so tired", "(tired)"), chat("I am so hungry", "(hungry)")])) == []


@settings(max_examples=examples(40), deadline=None)
@given(st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=14), min_size=1, max_size=12), st.data())
def test_groups_are_a_partition_and_shrink_as_the_threshold_grows(
    texts: list[list[str]], data: st.DataObject
) -> None:
    found = search([chat(" ".join(words), "yes") for words in texts])
    low, high = sorted(data.draw(st.tuples(st.integers(60, 100), st.integers(60, 100))))
    loose = [g for g in found.groups(low) if g.kind != "family"]
    strict = [g for g in found.groups(high) if g.kind != "family"]
    for groups in (loose, strict):
        members = [i for g in groups for i in g.ids]
        assert len(members) == len(set(members))
        assert all(list(g.ids) == sorted(g.ids) and len(g.ids) > 1 for g in groups)
    if not any(g.kind == "family" for g in found.groups(low)):
        assert all(any(set(s.ids) <= set(big.ids) for big in loose) for s in strict)


def test_sketches_find_in_a_large_set_what_comparing_all_finds() -> None:
    rng = random.Random(5)
    vocabulary = [f"{a}{b}" for a in WORDS for b in WORDS]
    texts = [" ".join(rng.choices(vocabulary, k=30)) for _ in range(2_000)]
    copies = {}
    for source in rng.sample(range(2_000), 60):
        words = texts[source].split()
        for place in (rng.randrange(10), 20 + rng.randrange(10)):
            words[place] = words[place][1::-1] + words[place][2:]
        copies[len(texts)] = source
        texts.append(" ".join(words))
    prints = [printed(chat(text, "ok")) for text in texts]
    index = indexed(prints)
    groups = {ids for kind, ids in kinds(index.duplicates) if kind == "near"}
    planted = {(source, copy) for copy, source in copies.items()}
    assert groups <= planted
    assert len(groups) >= 0.95 * len(planted)
    index.put(dict.fromkeys([*copies, *range(60)], NOTHING))
    assert not kinds(index.duplicates)
    index.put({row: prints[row] for row in [*copies, *range(60)]})
    assert {ids for kind, ids in kinds(index.duplicates) if kind == "near"} >= groups


@given(st.text(max_size=60))
def test_the_normal_form_is_its_own_normal_form(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


def test_contradictions_are_grouped_by_prompt_with_the_commonest_answer_first() -> None:
    system = "Answer in shortcodes."
    asked = [
        ("I am stuck!", "(sad)"),
        ("i am stuck!", "(angry)"),
        ("Hello", "(hi)"),
        ("I am stuck!", "(angry)"),
        ("Hello", "(hi)"),
    ]
    values = [chat(user, answer, system) for user, answer in asked]
    assert search(values).conflicts() == [[0, 1, 3]]
    found = make_conflict([0, 1, 3], [compared_text(values[i]) for i in (0, 1, 3)])
    assert found.answers == (("(angry)", (1, 3)), ("(sad)", (0,)))
    assert found.prompt == "I am stuck!"


def test_almost_the_same_prompt_with_another_label_is_a_contradiction_and_no_copy() -> None:
    values = [chat("The postcard from Peru arrived, nine months late.", "(mail)")]
    values.append(chat("The postcard from Peru arrived nine month late", "(snail)"))
    found = search(values)
    assert found.conflicts() == [[0, 1]]
    assert kinds(found) == []


def test_the_same_words_in_another_format_or_with_another_rejected_answer_are_no_copy() -> None:
    asked = {"messages": [{"role": "user", "content": "Where does the river go?"}]}
    yes, no, never = (
        [{"role": "assistant", "content": text}] for text in ("To the sea.", "Nowhere.", "Never mind!")
    )
    values: list[Any] = [
        chat("Where does the river go?", "To the sea."),
        {"prompt": "Where does the river go?", "completion": "To the sea."},
        {"input": asked, "preferred_output": yes, "non_preferred_output": no},
        {"input": asked, "preferred_output": yes, "non_preferred_output": never},
        {"input": asked, "preferred_output": no, "non_preferred_output": yes},
    ]
    found = search(values)
    assert kinds(found) == [("family", (2, 3))]
    assert found.conflicts() == [[2, 3, 4]]
    assert make_conflict([2, 3, 4], [compared_text(v) for v in values[2:]]).answers == (
        ("To the sea.", (2, 3)),
        ("Nowhere.", (4,)),
    )


def test_another_system_prompt_is_another_question() -> None:
    values = [
        chat("Hello", "(hi)", "Answer in shortcodes."),
        chat("Hello", "Ahoy, matey, how is the sea?", "Be a pirate."),
    ]
    assert search(values).contradicting_rows() == []


def test_an_edit_re_checks_one_example() -> None:
    copied = "the plumber needs a bigger wrench today"
    texts = [copied, "something else altogether is said here", copied]
    prints = [printed(chat(text, "(tools)")) for text in texts]
    index = indexed(prints)
    assert kinds(index.duplicates) == [("exact", (0, 2))]

    def put(row: int, fresh: Fingerprint) -> None:
        prints[row : row + 1] = [fresh]
        index.put({row: fresh})

    put(2, printed(chat("the plumber needs a much bigger wrench today", "(tools)")))
    assert kinds(index.duplicates) == [("near", (0, 2))]
    put(2, printed(chat("it rains on my holiday again", "(tools)")))
    assert kinds(index.duplicates) == []
    put(3, printed(chat(texts[1], "(tools)")))
    assert kinds(index.duplicates) == [("exact", (1, 3))]
    put(1, NOTHING)
    assert kinds(index.duplicates) == []


def test_the_nearest_examples_come_first() -> None:
    texts = ["my train is late again", "a walk in the woods", "my train is late again today", "the bus is late"]
    index = build([chat(text, "ok") for text in texts])
    assert [row for row, _ in index.similar(0, 2)] == [2, 3]


@settings(max_examples=examples(30), deadline=None)
@given(st.data())
def test_an_index_after_edits_finds_what_a_fresh_one_finds(data: st.DataObject) -> None:
    sentence = st.lists(st.sampled_from(WORDS), min_size=4, max_size=9).map(" ".join)
    texts = data.draw(st.lists(sentence, min_size=2, max_size=6))
    answers = st.sampled_from(["yes", "no"])
    prints = [printed(chat(text, data.draw(answers))) for text in texts]
    index = indexed(prints)
    for _ in range(data.draw(st.integers(1, 5))):
        row = data.draw(st.integers(0, len(texts) - 1))
        texts[row] = data.draw(st.one_of(sentence, st.sampled_from(texts)))
        prints[row] = printed(chat(texts[row], data.draw(answers)))
        index.put({row: prints[row]})
    fresh = indexed(prints)
    assert sorted(kinds(index.duplicates)) == sorted(kinds(fresh.duplicates))
    assert index.duplicates.conflicts() == fresh.duplicates.conflicts()


ODD: list[bytes] = [
    b'{"messages": [{"role": "user", "content": "a"}',
    b"[]",
    b" ",
    b'{"messages": []}',
    b'{"messages": [{"content": []}]}',
    b'{"messages": [1]}',
    b'{"messages": {"a": 1}}',
    b'{"messages": [{"role": "user", "content": "\\ud800"}, {"role": "assistant", "content": "b"}]}',
    b'{"prompt": "a", "completion": "b"}',
    b'{"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}]},'
    b' {"role": "assistant", "content": "b"}]}',
    b'{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], "n": 1}',
    b'{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "tool_calls": [], "content": null}]}',
]


def spellings(line: bytes) -> list[bytes]:
    """A line and other ways to write the same value."""
    try:
        value = json.loads(line)
    except ValueError:
        return [line]
    turned = json.loads(line, object_pairs_hook=lambda pairs: dict(reversed(pairs)))
    return [line, json.dumps(turned, separators=(",", ":")).encode(), json.dumps(value).encode() + b"\r\n"]


@given(st.data())
def test_equal_values_are_found_whatever_their_spelling_and_nothing_else_is(data: st.DataObject) -> None:
    chats = [json.dumps(chat(*said), ensure_ascii=False).encode() for said in ("ab", "ac", "db", "é☃", "é ")]
    raws = data.draw(st.lists(st.sampled_from(chats + ODD).flatmap(lambda raw: st.sampled_from(spellings(raw)))))
    same, differing = find_equal(enumerate(raws), lambda row: raws[row].strip())
    prints = [fingerprint(parse(raw.strip())) for raw in raws]
    expected: dict[str, list[int]] = {}
    for row, seen in enumerate(prints):
        if seen.value is not None:
            expected.setdefault(json.dumps(json.loads(raws[row]), sort_keys=True), []).append(row)
    assert same == sorted(rows for rows in expected.values() if len(rows) > 1)
    asked = indexed(prints).duplicates.contradicting_rows()
    assert [list(found.ids) for found in differing] == asked
    assert differing == [make_conflict(rows, [prints[row].text for row in rows]) for rows in asked]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(("user", "assistant", "system", "developer", "tool")),
            st.sampled_from(("", "a", "é☃", "a\x1fb", None, " ")),
        ),
        max_size=5,
    )
)
@example([("user", "b"), ("assistant", "a"), ("system", "a")])
def test_a_line_is_compared_by_what_its_parsed_value_is_compared_by(said: list[tuple[str, str | None]]) -> None:
    raw = json.dumps({"messages": [{"role": role, "content": text} for role, text in said]}).encode()
    value = parse(raw).value
    seen = fingerprint_of_line(raw)
    assert seen == fingerprint(parse(raw))
    assert not value["messages"] or seen.text == compared_text(value)
    assert text_of_line(raw) == compared_text(value)
    assert spoken_of_line(raw) == spoken(value)


def test_no_hash_alone_makes_a_copy() -> None:
    values = [chat("a", "b"), chat("c", "d"), chat("a", "b"), chat("e", "f"), chat("c", "d")]
    prints = [replace(printed(value), value=7) for value in values]
    index = Index([prints[:]], lambda row: prints[row].text, lambda a, b: values[a] == values[b])
    assert kinds(index.duplicates) == [("exact", (0, 2)), ("exact", (1, 4))]
    values += [chat("a", "b"), chat("e", "f")]
    prints += [replace(printed(value), value=7) for value in values[5:]]
    index.put({5: prints[5], 6: prints[6], 2: NOTHING})
    assert kinds(index.duplicates) == [("exact", (0, 5)), ("exact", (1, 4)), ("exact", (3, 6))]


def test_many_changes_at_once_find_what_a_fresh_index_finds() -> None:
    rng = random.Random(8)
    prints = [printed(chat(" ".join(rng.choices(WORDS, k=9)), "ok")) for _ in range(400)]
    index = indexed(prints)
    for row in rng.sample(range(400), 150):
        prints[row] = rng.choice([NOTHING, prints[rng.randrange(400)], printed(chat(" ".join(WORDS[:9]), "ok"))])
    index.put(dict(enumerate(prints)))
    fresh = indexed(prints)
    assert sorted(kinds(index.duplicates)) == sorted(kinds(fresh.duplicates))


def test_of_few_texts_only_those_of_many_words_in_common_or_of_few_words_are_compared() -> None:
    rng = random.Random(7)
    vocabulary = [f"{a}{b}{c}" for a in WORDS for b in WORDS for c in WORDS]
    long = [" ".join(rng.choices(vocabulary, k=60)) for _ in range(60)]
    near = [" ".join(word if n % 5 else "other" for n, word in enumerate(text.split())) for text in long[:20]]
    short = [" ".join(rng.choices(vocabulary, k=3)) for _ in range(10)]
    sketches = Sketcher().sketch([*long, *near, *short])
    rows = np.arange(90)
    kept = set(map(tuple, pairs_with_a_chance(rows, sketches.minimums, sketches.features).tolist()))
    assert {(at, 60 + at) for at in range(20)} <= kept
    assert {(at, other) for other in range(80, 90) for at in range(other)} <= kept
    assert sum(other < 80 for _, other in kept) < 0.2 * 80 * 79 / 2
    unknown = np.zeros(90, np.uint32)
    assert len(pairs_with_a_chance(rows, sketches.minimums, unknown)) == 90 * 89 // 2


def test_texts_that_share_phrases_are_paired_across_the_sides_only() -> None:
    rng = random.Random(3)
    texts = [" ".join(rng.choices([f"{a}{b}" for a in WORDS for b in WORDS], k=60)) for _ in range(40)]
    texts += [" ".join(word if n % 4 else "other" for n, word in enumerate(text.split())) for text in texts[:9]]
    texts += ["hello", "hello", "", "two words"]
    held = np.zeros(len(texts), np.bool_)
    held[[0, 1, 2, 41, 49]] = True
    phrases = Phrases()
    sketcher = Sketcher()
    sketches = [sketcher.sketch(part, phrases.note) for part in (texts[:30], texts[30:])]
    minimums = np.concatenate([each.minimums for each in sketches])
    pairs = phrases.pairs_across(held, minimums).tolist()
    assert {(0, 40), (2, 42), (49, 50)} <= set(map(tuple, pairs))
    assert len(pairs) < 9
    assert all(held[a] and not held[b] for a, b in pairs)


@given(st.lists(st.text(max_size=12), max_size=6))
def test_texts_are_folded_together_as_each_by_itself(texts: list[str]) -> None:
    block = fold_texts(texts).split(b"\0")[: len(texts)]
    forms = [b" ".join(part.split()).decode("utf-8", "surrogatepass") for part in block]
    assert [form or text.strip() for form, text in zip(forms, texts, strict=True)] == list(map(normalise, texts))
