"""Edits inside JSON bytes: the value changes as asked, every other byte stays."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.core import splice
from curator.core.example import Path
from curator.core.rules import edits

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
)
SPELLINGS = st.sampled_from(
    [
        {"ensure_ascii": True},
        {"ensure_ascii": False},
        {"separators": (",", ":")},
        {"separators": (" ,  ", " :\t")},
        {"indent": 2},
    ]
)


def paths(value: Any, here: Path = ()) -> list[Path]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(path for step, child in children for path in paths(child, (*here, step)))]


def get(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def changed(value: Any, path: Path, new: Any) -> Any:
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = changed(value[path[0]], path[1:], new)
    return copy


def spelled(value: Any, how: dict[str, Any]) -> bytes:
    return json.dumps(value, **how).encode("utf-8", "surrogatepass")


def load(raw: bytes) -> Any:
    return json.loads(raw.decode("utf-8", "surrogatepass"))


@given(VALUES, SPELLINGS, VALUES, st.data())
def test_set_value_changes_one_place_and_no_byte_around_it(
    value: Any, how: dict[str, Any], new: Any, data: st.DataObject
) -> None:
    path = data.draw(st.sampled_from(paths(value)))
    raw = spelled(value, how)
    start, end = splice.span(raw, path)
    assert load(raw[start:end]) == get(value, path)
    result = splice.set_value(raw, path, new)
    assert load(result) == changed(value, path, new)
    assert result.startswith(raw[:start]) and result.endswith(raw[end:])
    assert splice.set_value(result, path, new) == result


@given(VALUES, SPELLINGS, st.data())
def test_setting_what_is_there_keeps_every_byte(value: Any, how: dict[str, Any], data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(paths(value)))
    raw = spelled(value, how)
    assert splice.set_value(raw, path, get(value, path)) == raw


@given(st.lists(SCALARS, max_size=4), SPELLINGS, SCALARS, st.integers(0, 4))
def test_insert_then_remove_gives_the_bytes_back(
    items: list[Any], how: dict[str, Any], new: Any, index: int
) -> None:
    raw, index = spelled({"a": items}, how), min(index, len(items))
    more = splice.insert(raw, ("a", index), new)
    assert load(more)["a"] == [*items[:index], new, *items[index:]]
    assert load(splice.remove(more, ("a", index)))["a"] == items
    if len(items) > 1:
        assert splice.remove(more, ("a", index)) == raw


@given(st.dictionaries(st.text(max_size=4), SCALARS, min_size=1, max_size=4), SPELLINGS, st.data())
def test_remove_takes_one_key(value: dict[str, Any], how: dict[str, Any], data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(sorted(value)))
    expected = {other: kept for other, kept in value.items() if other != key}
    assert load(splice.remove(spelled(value, how), (key,))) == expected


@pytest.mark.parametrize(
    ("raw", "path", "value", "expected"),
    [
        (b'{"n":1.50,"s":"\\u00e9\\/"}', ("n",), 2, b'{"n":2,"s":"\\u00e9\\/"}'),
        (b'{"a":1,"a":2}', ("a",), 3, b'{"a":1,"a":3}'),
        (b'{"\\u0061":1}', ("a",), 3, b'{"\\u0061":3}'),
        (b'{"a":1}', ("b",), 2, b'{"a":1,"b":2}'),
        (b'{"a": 1, "c": 3}', ("b",), "x", b'{"a": 1, "c": 3, "b": "x"}'),
        (b"{}", ("b",), 2, b'{"b": 2}'),
        (b'  {"a":[1,2]}  ', ("a", 2), 3, b'  {"a":[1,2,3]}  '),
        (b'\xef\xbb\xbf{"a":"]}\\""}', ("a",), 1, b'\xef\xbb\xbf{"a":1}'),
        (b'{"a":NaN,"b":1}', ("b",), 2, b'{"a":NaN,"b":2}'),
        (b'{"a":"\\ud83d"}', ("b",), "\ud83d", b'{"a":"\\ud83d","b":"\\ud83d"}'),
        (b'{"a":1}', ("a",), True, b'{"a":true}'),
        (b'{"a":1e2}', ("a",), 100.0, b'{"a":1e2}'),
    ],
)
def test_spelling(raw: bytes, path: Path, value: Any, expected: bytes) -> None:
    assert splice.set_value(raw, path, value) == expected


def test_remove_takes_every_copy_of_a_repeated_key() -> None:
    assert splice.remove(b'{"a":1, "b":2,  "a":3}', ("a",)) == b'{"b":2}'
    assert splice.remove(b'{ "a":1 }', ("a",)) == b"{  }"


@pytest.mark.parametrize("path", [("x", "y"), ("a", 5), ("a", "k"), ("b", 0), ("a", 0, "z")])
def test_a_place_that_is_not_there_is_a_lookup_error(path: Path) -> None:
    with pytest.raises(LookupError):
        splice.set_value(b'{"a":[1,2],"b":"text"}', path, 1)
    with pytest.raises(LookupError):
        splice.remove(b'{"a":[1,2],"b":"text"}', path)


def test_depth_is_no_recursion() -> None:
    raw = b'{"deep":' + b"[" * 100_000 + b"]" * 100_000 + b',"a":1}'
    assert splice.set_value(raw, ("a",), 2) == raw[:-2] + b"2}"


@pytest.mark.parametrize("raw", [b"", b'{"a":', b'{"a" 1}', b'{"a":"open'])
def test_what_is_no_json_is_a_value_error(raw: bytes) -> None:
    with pytest.raises(ValueError):
        splice.set_value(raw, ("a",), 1)


def test_apply_reads_all_paths_against_the_bytes_before() -> None:
    raw = b'{"m":[{"a":1,"x":0},{"a":2},{"a":3}]}'
    todo = [
        splice.Edit("remove", ("m", 0, "x")),
        splice.Edit("set", ("m", 2, "a"), 9),
        splice.Edit("remove", ("m", 1)),
        splice.Edit("insert", ("m", 2), "new"),
    ]
    assert load(edits.apply(raw, todo)) == {"m": [{"a": 1}, "new", {"a": 9}]}


def removable(value: Any) -> list[Path]:
    """Places of which none is inside of another: items and keys of the containers that hold no other container."""
    return [path for path in paths(value) if path and not isinstance(get(value, path), dict | list)]


@given(VALUES, SPELLINGS, st.data())
def test_many_edits_at_once_leave_the_bytes_of_one_after_the_other(
    value: Any, how: dict[str, Any], data: st.DataObject
) -> None:
    raw, places = spelled(value, how), removable(value)
    chosen = data.draw(st.lists(st.sampled_from(places), unique=True)) if places else []
    kinds = [data.draw(st.sampled_from(["set", "remove"])) for _ in chosen]
    todo = [splice.Edit(kind, path, "new") for kind, path in zip(kinds, chosen, strict=True)]  # type: ignore[arg-type]
    one_by_one = raw
    for edit in sorted(todo, key=lambda edit: (edit.kind != "set", edits._descending(edit.path))):
        one_by_one = edits._apply_one(one_by_one, edit)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(edits, "FEW_EDITS", 0)
        assert edits.apply(raw, todo) == one_by_one


@given(VALUES, SPELLINGS, st.text(max_size=6), st.data())
def test_a_text_is_set_without_a_walk_to_the_same_bytes(
    value: Any, how: dict[str, Any], new: str, data: st.DataObject
) -> None:
    texts = [path for path in paths(value) if isinstance(get(value, path), str)]
    if not texts:
        return
    raw, path = spelled(value, how), data.draw(st.sampled_from(texts))
    assert edits.apply(raw, [splice.Edit("set", path, new)], load(raw)) == splice.set_value(raw, path, new)


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (rb'{"a": "x\u0020", "b": "x "}', ("a",)),
        (rb'{"b": "x ", "a": "x\u0020"}', ("a",)),
        (rb'{"a": "b\/", "b/": "x"}', ("a",)),
        (rb'{"a": ", ", "b": "\\", "c": ""}', ("a",)),
        (rb'{"a":":","b":"x"}', ("a",)),
        (rb'["\",\"", ","]', (1,)),
        (rb'{"x ": 1, "a": "x ", "a": "y"}', ("a",)),
        (rb'{"a": "x ", "a": "y"}', ("a",)),
        (rb'{"a": "y", "a": "x "}', ("a",)),
    ],
)
def test_a_text_that_looks_as_if_it_stood_elsewhere(raw: bytes, path: Path) -> None:
    expected = splice.set_value(raw, path, "new")
    assert edits.apply(raw, [splice.Edit("set", path, "new")], load(raw)) == expected


@pytest.mark.parametrize("kind", ["set", "remove"])
def test_the_work_of_many_edits_grows_with_their_number(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    walked = 0
    children_of = splice.children_of

    def counted(raw: bytes, start: int) -> Any:
        nonlocal walked
        for child in children_of(raw, start):
            walked += 1
            yield child

    for module in (splice, edits):
        monkeypatch.setattr(module, "children_of", counted)
    monkeypatch.setattr(splice, "_place", lambda *place: (splice._find(*place) or ())[1:3])
    for count in (100, 1000):
        raw, walked = json.dumps({"messages": [{"content": " x"}] * count}).encode(), 0
        inner: Path = ("content",) if kind == "set" else ()
        todo = [splice.Edit(kind, ("messages", at, *inner), "x") for at in range(count - 1)]
        left = [{"content": "x"}] * (count - 1) if kind == "set" else []
        assert load(edits.apply(raw, todo)) == {"messages": [*left, {"content": " x"}]}
        assert walked <= 2 * count + 2
