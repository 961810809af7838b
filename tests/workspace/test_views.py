"""Queries over a workspace: what the stored results and the bytes say is what a look at each example says."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator import tokens
from curator.core.problem import Problem, Severity
from curator.core.query.query import And, Not, Or, Query, QueryError, Range, Text, parse
from curator.core.rules import Context
from curator.errors import UsageError
from curator.workspace import background as analysis
from curator.workspace.analysis import current_results as derived
from curator.workspace.analysis import flag_columns as flags
from curator.workspace.analysis.analyst import Analyst
from curator.workspace.analysis.result_store import Results
from curator.workspace.opening import open_for_reading, open_workspace
from curator.workspace.records import Record
from curator.workspace.search import block_finder as occurrences
from curator.workspace.search import query_evaluation as views
from curator.workspace.search import text_scan as search
from curator.workspace.storage import id_mask as chosen
from curator.workspace.storage.id_mask import IdMask
from curator.workspace.workspace import Workspace
from tests.thorough import examples, rotating

pytestmark = pytest.mark.by_turns

TEXTS = ("alpha", "Beta one", "caf\u00e9", "x \u212aelvin", 'tab\tand "quote"', "role content", "straße", "")


def line(number: int) -> bytes:
    user, answer = TEXTS[number % len(TEXTS)], TEXTS[(number * 3 + 1) % len(TEXTS)]
    messages = [{"role": "user", "content": user}, {"role": "assistant", "content": answer}]
    if number % 3 == 0:
        messages.insert(0, {"role": "system", "content": "be Kind"})
    if number % 7 == 0:
        messages[-1]["role"] = "robot"
    if number % 11 == 0:
        return b"{broken alpha \xff"
    value: dict[str, Any] = {"messages": messages}
    if number % 5 == 0:
        value["note"] = "alpha outside"
    return json.dumps(value, ensure_ascii=number % 2 == 0).encode()


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("views") / "d.jsonl"
    path.write_bytes(b"\n".join([b"" if n == 20 else line(n) for n in range(1, 61)]) + b"\n")
    with open_workspace(path) as made:
        made.changes.edit(4, "messages[0].content", "edited ALPHA")
        made.changes.add(
            {"messages": [{"role": "user", "content": "beta new"}, {"role": "assistant", "content": "k"}]}, 5
        )
        made.changes.add(b"{broken beta", 0)
        made.changes.label([1, 2, 3], "good")
        made.changes.label([3, 4], "very good")
        made.changes.rate([1], 4)
        made.changes.rate([2, 6], 2)
        made.changes.review([1, 2], "accepted")
        made.changes.review([4], "flagged")
        made.changes.edit(2, "messages[0].content", "stale now")
        made.changes.delete([8, 9])
        made.changes.assign([10, 12], "validation")
        made.changes.assign([13], "train")
        yield made


def holds(workspace: Workspace, query: Query, record: Record) -> bool:
    """The meaning of a query for one example, spelled out."""
    if isinstance(query, And):
        return all(holds(workspace, item, record) for item in query.items)
    if isinstance(query, Or):
        return any(holds(workspace, item, record) for item in query.items)
    if isinstance(query, Not):
        return not holds(workspace, query.item, record)
    if isinstance(query, Text):
        return query.matches(record.example)
    problems = workspace.problems(record.id)
    if isinstance(query, Range):
        messages = [] if record.example.broken else record.example.messages
        values = {"line": record.line, "id": record.id, "rating": record.rating, "messages": len(messages)}
        return query.holds(values[query.field])
    bad = {severity: any(p.severity == severity for p in problems) for severity in ("error", "warning")}
    known: dict[str, Callable[[str], bool]] = {
        "label": lambda v: v in record.labels,
        "rule": lambda v: any(p.rule == v for p in problems),
        "role": lambda v: any(isinstance(m, dict) and m.get("role") == v for m in record.example.messages),
        "split": lambda v: (record.split or "none") == v,
        "review": lambda v: (record.review or "none") == v,
        "source": lambda v: record.source == v,
        "is": lambda v: {
            "error": bad["error"],
            "warning": bad["warning"],
            "clean": not bad["error"] and not bad["warning"],
            "edited": record.edited,
            "new": record.new,
            "deleted": record.deleted,
            "reviewed": record.review is not None and not record.stale,
            "duplicate": any(p.rule == "duplicate_example" for p in problems),
            "conflict": any(p.rule == "conflicting_answers" for p in problems),
        }[v],
    }
    return any(known[query.field](value) for value in query.values)


def expected(workspace: Workspace, text: str) -> list[int]:
    query = parse(text)
    records = workspace.records(workspace.ids(deleted="is:deleted" in text))
    return [record.id for record in records if holds(workspace, query, record)]


ATOMS = (
    "alpha",
    "beta",
    '"Beta one"',
    "~alpa",
    "/[ab]e/",
    "café",
    "k",
    "kelvin",
    "role",
    "straße",
    '"and \\"q"',
    "user:beta",
    "assistant:alpha",
    "system:kind",
    "is:error",
    "is:warning",
    "is:clean",
    "is:edited",
    "is:new",
    "is:reviewed",
    "is:deleted",
    "is:duplicate",
    "is:conflict",
    "label:good",
    'label:"very good"',
    "label:none-such",
    "rating>=3",
    "rating<3",
    "messages<3",
    "messages>2",
    "messages=0",
    "line:5-20",
    "line:3",
    "id:3|7-9|12-",
    "id:1-2 or line:5 or id:9|4",
    "-id:3|5",
    "id>20",
    "split:train",
    "split:validation",
    "split:none",
    "role:system",
    "role:user",
    "review:accepted",
    "review:none",
    "rule:invalid_json",
    "rule:unrecognized_role",
    "source:d.jsonl",
    "source:other",
    "is:error|edited",
)


@pytest.mark.parametrize("text", ATOMS)
def test_every_field_selects_what_it_says(workspace: Workspace, text: str) -> None:
    assert list(workspace.view(text).ids) == expected(workspace, text)


Queries = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.one_of(
        inner.map("-({})".format),
        st.tuples(inner, inner).map("({0[0]} or {0[1]})".format),
        st.tuples(inner, inner).map(" ".join),
    ),
    max_leaves=6,
)


@settings(max_examples=examples(60), deadline=None)
@given(text=Queries)
def test_every_combination_selects_what_it_says(workspace: Workspace, text: str) -> None:
    assert list(workspace.view(text).ids) == expected(workspace, text)


def test_the_order_is_that_of_the_file_with_additions_behind_their_anchors(workspace: Workspace) -> None:
    ids = list(workspace.view().ids)
    assert ids[:2] == [62, 1] and ids[ids.index(5) + 1] == 61
    assert [workspace.view().position(i) for i in ids] == list(range(len(ids)))
    assert workspace.view().position(8) == -1


@pytest.mark.parametrize(
    "sort", ["id", "messages", "errors", "rating", "split", "labels", "review", "length", "text"]
)
def test_sorting_keeps_the_examples_and_turns_round(workspace: Workspace, sort: str) -> None:
    up, down = workspace.view("", sort), workspace.view("", sort, descending=True)
    assert sorted(up.ids) == sorted(down.ids) == sorted(workspace.ids())
    if sort == "messages":
        counts = [workspace.row(i).messages for i in down.ids]
        assert counts == sorted(counts, reverse=True)


def test_a_bad_query_or_sort_is_told(workspace: Workspace) -> None:
    with pytest.raises(QueryError):
        workspace.view("is:nonsense")
    assert not workspace.view("\udcff").total  # half a character, as a terminal may hand it on
    with pytest.raises(UsageError, match="cannot sort"):
        workspace.view("", "colour")


Letters = st.one_of(
    st.characters(codec="utf-8", exclude_characters="\n\r"), st.sampled_from('kKi\u212a\u0130\\n"u0')
)


def spelled(n: int, text: str, needle: str) -> Any:
    """One of several kinds of lines, with the needle in some of them."""
    said = {"role": "user", "content": text + needle.upper() * (n % 2)}
    call = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"function": {"name": needle, "arguments": text}}],
    }
    return (
        {"messages": [said]},
        {"messages": [said, call], "tools": [{"function": {"name": needle}}]},
        {"messages": [{"role": "system", "content": 'a "b"\n'}, said, call]},
        {"messages": [{"role": "system", "content": text[::2]}, said, said, call]},
        {"messages": [{"role": "system", "content": text[::2]}, said]},
        {"messages": [call, said]},
        {"messages": [], "of": needle},
        [needle],
    )[(n + len(text)) % 8]


def twice(dumped: Iterable[str]) -> Iterator[str]:
    """Lines of which some say their first content again, or are cut."""
    for n, line in enumerate(dumped):
        yield line.replace('"}', '", "content": "no"}', 1) if n % 4 == 3 else line[:-1] if n % 7 == 5 else line


@settings(max_examples=examples(150), deadline=None)
@given(
    lines=st.lists(st.text(Letters, max_size=30), min_size=1, max_size=12),
    needle=st.text(
        st.one_of(st.characters(codec="utf-8", exclude_categories=["Z", "C"]), st.sampled_from("kiu0n}:")),
        min_size=1,
        max_size=3,
    ),
    escaped=st.booleans(),
    looked=st.booleans(),
    at_once=st.sampled_from([0, 1 << 20]),
    block=st.sampled_from([1, 100, 1 << 20]),
    near=st.sampled_from([(24, 192, 0.4), (24, 8, 0), (40, 24, 0), (0, 32, 0.5)]),
    one_by_one=st.sampled_from([0, 48]),
)
def test_a_scan_of_bytes_finds_what_parsing_finds(
    tmp_path_factory: pytest.TempPathFactory,
    lines: list[str],
    needle: str,
    escaped: bool,
    looked: bool,
    at_once: int,
    block: int,
    near: tuple[int, int, float],
    one_by_one: int,
) -> None:
    skipped, window, often = near
    path = tmp_path_factory.mktemp("scan") / "d.jsonl"
    dumped = (json.dumps(spelled(n, text, needle), ensure_ascii=escaped) for n, text in enumerate(lines))
    path.write_text("".join(f"{line}\n" for line in twice(dumped)), encoding="utf-8")
    node = Text("word", needle)
    quoted = '"' + needle.replace("\\", "\\\\").replace('"', '\\"') + '"'
    with (
        open_for_reading(path) as workspace,
        patch.multiple(search, AT_ONCE=at_once, BLOCK=block),
        patch.multiple(occurrences, SKIPPED=skipped, NEAR=window, OFTEN=often, ONE_BY_ONE=one_by_one),
    ):
        found = [r.id for r in workspace.records(workspace.ids()) if node.matches(r.example)]
        if looked:
            workspace.counts()
        assert list(workspace.view(quoted).ids) == found
        some = workspace.view(f"{quoted} line:2-5")
        assert list(some.ids) == [example for example in found if 2 <= example <= 5]


def chatter(chance: random.Random, word: str) -> bytes:
    """A chat of many words, most of them this one or what looks like it in the bytes."""
    hidden = {"the": "\the", "add": "\u0add", "e": "\u00e9"}.get(word, "y")  # its letters are but an escape's
    unlike = (word[:-1], hidden, "y", "n\\")
    like = (*unlike, word, word.upper(), f"\n{word}", f"\\{word}", f"\u00e9{word}", f'"{word}', f"x{word}x")
    pieces = []
    for _ in range(3):
        words = chance.choices(unlike if chance.random() < 0.4 else like, k=chance.randrange(9))
        pieces.append(" ".join(words) + "y" * chance.randrange(99))
    roles = chance.choice((("system", "user", "assistant"), ("user", "assistant"), ("user",)))
    said: list[Any] = [{"role": role, "content": text} for role, text in zip(roles, pieces, strict=False)]
    value: dict[str, Any] = {"messages": said}
    kind = chance.randrange(9)
    if kind == 0:
        said.append({"role": "assistant", "tool_calls": [{"function": {"name": word, "arguments": pieces[0]}}]})
    elif kind == 1:
        said[-1]["name"] = word
    elif kind == 2:
        value["tools"] = [{"function": {"description": word}}]
    elif kind == 3:
        said[-1]["role"] = word
    elif kind == 4:
        said[:] = [*said * 9, {"role": [word], "content": "y"}]
    dumped = json.dumps(value, ensure_ascii=chance.random() < 0.5)
    cut = dumped[: -chance.randrange(60)] if chance.random() < 0.05 else dumped
    return cut.encode().replace(b"y", b"\xff", chance.random() < 0.05)


@pytest.mark.parametrize(
    ("word", "skipped"),
    rotating(
        2, [("the", 24), ("add", 24), ("yme", 2), ("the", 55), ("k", 24), ("e", 24), ("us", 24), ("role", 24)]
    ),
)
def test_a_word_of_most_lines_is_found_in_those_that_say_it(tmp_path: Path, word: str, skipped: int) -> None:
    chance = random.Random(word)
    path = tmp_path / "d.jsonl"
    path.write_bytes(b"".join(chatter(chance, word) + b"\n" for _ in range(1500)))
    near = 0

    def counted(finder: occurrences.Finder, size: int) -> int:
        nonlocal near
        near += bool(finder._near)
        return size

    with open_for_reading(path) as workspace:
        workspace.counts()
        node = Text("word", word)
        found = [r.id for r in workspace.records(workspace.ids()) if node.matches(r.example)]
        with (
            patch.multiple(search, AT_ONCE=0, BLOCK=20_000),
            patch.multiple(occurrences, SKIPPED=skipped, NEAR=64),
            patch.object(occurrences.Finder, "block_size", counted),
        ):
            assert list(workspace.view(word).ids) == found
    assert 0 < len(found) < 1500
    assert near or word in ("e", "us", "role"), "nobody looked near the starts"


def test_the_first_matches_come_before_the_last_and_a_search_can_be_stopped(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_bytes(b"\n".join(line(n) for n in range(1, 601)))
    told: list[list[int]] = []
    with (
        open_for_reading(path) as workspace,
        patch.multiple(search, BLOCK=2000),
        patch.object(views, "PATIENCE", 0),
    ):
        every = list(workspace.view("alpha").ids)
        workspace.view("alpha", meanwhile=lambda found: told.append(list(found.ids)))
        assert len(told) > 3 and all(found == every[: len(found)] for found in told) and told[0] != every
        told.clear()
        workspace.view("messages>2 alpha", meanwhile=lambda found: told.append(list(found.ids)))
        assert told[-1] == list(workspace.view("messages>2 alpha").ids)
        told.clear()
        workspace.view("alpha or beta", meanwhile=lambda found: told.append(list(found.ids)))
        workspace.view("-alpha", meanwhile=lambda found: told.append(list(found.ids)))
        assert told and not any(told)
        with pytest.raises(StopIteration):
            workspace.view("zyzzyva", meanwhile=lambda found: told.append([next(iter(found))]))


@settings(deadline=None)
@given(mask=st.binary(max_size=60), low=st.integers(-70, 70), high=st.integers(-70, 70), step=st.integers(-3, 3))
def test_chosen_ids_are_a_sequence(mask: bytes, low: int, high: int, step: int) -> None:
    with patch.object(chosen, "PAGE", 7):
        ones = bytearray(byte & 1 for byte in mask)
        ids, plain = IdMask(ones), [place for place, one in enumerate(ones) if one]
        assert list(ids) == plain and len(ids) == len(plain)
        assert list(ids[low:high]) == plain[low:high] and list(ids[: low : step or 1]) == plain[: low : step or 1]
        assert [ids.position(i) for i in range(-2, 70)] == [
            plain.index(i) if i in plain else -1 for i in range(-2, 70)
        ]
        assert (low in ids) == (low in plain)
        if -len(plain) <= low < len(plain):
            assert ids[low] == plain[low]
        else:
            with pytest.raises(IndexError):
                ids[low]


CLEAN = [
    '{"messages": [{"role": "user", "content": "%s"}, {"role": "assistant", "content": "b"}]}',
    '{"messages":[{"role":"system","content":"s"},{"role":"user","content":"%s"},{"role":"assistant","content":"b"}]}',
    '{"messages": [{"role": "system", "content": "%s"}, {"role": "assistant", "content": "b"}]}',
    '{"messages": [{"role": "user", "content": "%s", "name": "n"},'
    ' {"role": "assistant", "content": "b", "weight": 1}]}',
    '{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": null, "tool_calls":'
    ' [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},'
    ' {"role": "tool", "tool_call_id": "1", "content": "%s"}, {"role": "assistant", "content": "b"}],'
    ' "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object",'
    ' "properties": {}}}}]}',
]


@settings(max_examples=examples(60), deadline=None)
@given(
    texts=st.lists(st.tuples(st.sampled_from(CLEAN), st.text(Letters, min_size=1, max_size=130)), max_size=5),
    version=st.integers(0, 1),
    limit=st.sampled_from([None, 3, 90]),
    counted=st.booleans(),
    with_numpy=st.booleans(),
)
def test_many_looks_at_once_are_the_looks_at_each(
    texts: list[tuple[str, str]], version: int, limit: int | None, counted: bool, with_numpy: bool
) -> None:
    raws = [clean.replace("%s", json.dumps(text)[1:-1]).encode() for clean, text in texts]
    raws += [clean.replace("%s", text).encode() for clean, text in texts] + [line(n) for n in range(1, 8)]
    counter = tokens.counter("gpt-4o") if counted else None
    analyst = Analyst(Context("openai", None, "gpt-4o", limit), counter)
    examples = [(number, version, raw) for number, raw in enumerate(raws, 1)]
    for many, example in zip(analyst.analyse_many(examples, many=with_numpy), examples, strict=True):
        one = analyst.analyse(*example)
        assert (many.result, many.facts, many.example.raw) == (one.result, one.facts, one.example.raw)
        (again,) = Analyst(Context("openai", None, "gpt-4o", limit)).analyse_many([example])
        assert again.with_tokens({example[0]: one.result.tokens}).facts == one.facts


def test_an_example_beyond_the_models_context_is_told_at_its_cut(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    long = {"messages": [{"role": "user", "content": "Go on."}, {"role": "assistant", "content": "word " * 1100}]}
    path.write_bytes(line(1) + b"\n" + json.dumps(long).encode() + b"\n")
    with open_workspace(path) as workspace:
        workspace.set_meta("context", {"profile": "local", "model": "smollm2-135m-instruct"})
        assert workspace.context().limit == 1024
        assert list(workspace.view("rule:example_too_long").ids) == [2]
        (problem,) = [found for found in workspace.problems(2) if found.rule == "example_too_long"]
        assert problem.location == "messages[1].content" and "1,024, up to character 5," in problem.message


def test_results_of_the_child_answer_like_a_look_in_this_process(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_bytes(b"\n".join(line(n) for n in range(1, 61)) + b"\n")
    queries = [
        "is:error",
        "is:clean",
        "role:system",
        "messages>2",
        "rule:invalid_json",
        "is:duplicate",
        "is:conflict",
    ]
    with open_workspace(path) as workspace:
        before = {text: list(workspace.view(text).ids) for text in queries}
        counts = workspace.counts()
        child = analysis.start(workspace)
        try:
            until = time.monotonic() + 120
            while child.progress().phase != "done" and time.monotonic() < until:
                child.poll()
                time.sleep(0.02)
            assert workspace.current_results.finished, child.progress()
            assert {text: list(workspace.view(text).ids) for text in queries} == before
            after = workspace.counts()
            assert (after.errors, after.warnings, after.rules) == (counts.errors, counts.warnings, counts.rules)
            assert after.tokens and counts.tokens is None
            assert list(workspace.view("tokens>0").ids) == [
                r.id for r in workspace.rows(workspace.ids()) if r.tokens
            ]
        finally:
            child.stop()


def test_what_the_child_writes_later_is_seen_although_columns_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    chats = (
        {"messages": [{"role": "user", "content": f"{n}?"}, {"role": "assistant", "content": "!"}]}
        for n in range(9)
    )
    path.write_text("".join(f"{json.dumps(chat)}\n" for chat in chats))
    with open_workspace(path) as workspace:
        context = workspace.current_results.analyst.context
        theirs = Results(derived.analysis_path(workspace.path))
        looks = workspace.current_results.analyst.analyse_many(
            (i, 0, raw) for i, raw in workspace.stored.raws(workspace.ids())
        )
        theirs.put(look.result for look in looks)
        facts = {"key": derived.key_of(context), "sources": derived.sources_key(workspace.stored), "finished": "1"}
        for key, value in facts.items():
            theirs.set_fact(key, value)
        workspace.current_results.attach()

        def among(state: str) -> list[int]:
            return [i for i in workspace.view(f"is:{state}").ids if i in (3, 5, 7)]

        assert among("error") == [] and among("warning") == [3, 5, 7] and workspace.current_results.finished
        bad = workspace.current_results.analyst.analyse(5, 0, b"{").result
        theirs.put([bad])
        assert among("error") == [5]
        theirs.put_overall([(7, Problem("duplicate_example", Severity.ERROR, "like 8"))])
        assert among("error") == [5, 7] and among("clean") == []
        workspace.changes.edit(3, "messages[0].role", "nobody")
        assert among("error") == [3, 5, 7]
        theirs.close()


@given(st.lists(st.none() | st.integers(0, 600) | st.integers(65_500, 70_000)), st.integers(0, 65_533))
def test_bytes_tell_how_many_tokens_there_are(counts: list[int | None], least: int) -> None:
    low, high = (bytearray(column) for column in zip(*map(flags.token_bytes, [None, *counts]), strict=True))
    for bound in (least, least % 300, 255, 256, flags.MOST_TOKENS):
        expected = [0, *(int(count is not None and count >= bound) for count in counts)]
        assert list(flags.at_least(low, high, bound)) == expected


def test_what_the_whole_dataset_lacks_outlives_new_results() -> None:
    store = Results()
    store.flags.put([(1, 1, 0, 0, 0, 0), (70_000, 1, 0, 0, 0, 0)])
    store.flags.put_overall([(1, flags.ERROR), (70_000, flags.WARNING), (1, flags.WARNING), (2, flags.ERROR)])
    store.flags.put([(1, 3, 4, 5, 6, 7)])
    columns = [bytearray(70_001) for _ in range(5)]
    for ids in ([10, 11, 12, 13], [12, 14, 11], [65_534, 65_535, 65_536, 65_537], [13, 12]):
        rows = [(number, number % 251, number % 7, number % 11, number % 13, number % 17) for number in ids]
        store.flags.put(rows)  # in a row or not, across a block, backwards
        for number, *values in rows:
            for column, value in zip(columns, values, strict=True):
                column[number] = value
    for number in (1, 70_000):
        for column, before in zip(columns, store.flags.read_all(flags.COLUMNS[:5], 70_001), strict=True):
            column[number] = before[number]
    assert store.flags.read_all(flags.COLUMNS[:5], 70_001) == columns
    overall = store.flags.read("overall", 70_001)
    assert (overall[1], overall[2], overall[70_000], sum(overall)) == (6, 2, 4, 12)
    assert (store.flags.read("high", 2)[1], store.flags.read("states", 70_001)[70_000]) == (7, 1)
    store.flags.put_overall([(2, flags.WARNING)])
    assert list(store.flags.read("overall", 3)) == [0, 0, 4] and not store.flags.read("overall", 70_001)[70_000]
