"""What counts as the same value while a file is imported, and what an import counts of its lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.core.duplicates.hashes import value_hash
from curator.core.example import parse
from curator.workspace.exchange import import_files as importer
from curator.workspace.exchange.equal_lines import value_key
from curator.workspace.opening import create_workspace
from curator.workspace.storage import line_file as source

Texts = st.sampled_from(["", "a", "\u00e9", "\ud800", "1", '"', "\x7f", "user"])


def _calling(name: str, kind: object) -> dict[str, Any]:
    call = {"id": "", "function": {"name": name, "arguments": "{}"}, "type": kind}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


Messages = st.lists(
    st.one_of(
        st.fixed_dictionaries({"role": Texts, "content": Texts}),
        st.fixed_dictionaries({"content": Texts, "role": Texts}),
        st.fixed_dictionaries({"role": Texts, "content": st.none()}),
        st.fixed_dictionaries({"role": Texts, "content": Texts, "name": Texts}),
        st.fixed_dictionaries({"role": Texts, "tool_calls": st.just([])}),
        st.fixed_dictionaries({"content": Texts, "tool_call_id": Texts, "role": Texts}),
        st.builds(_calling, Texts, st.sampled_from(["function", "", 1])),
    ),
    max_size=2,
)
Tools: st.SearchStrategy[Any] = st.sampled_from(
    [[], [1], [1.0], [{"a": 1, "b": True}], [{"b": True, "a": 1}], [{"b": 1, "a": 1}], None, {}]
)
Values: st.SearchStrategy[Any] = st.one_of(
    st.fixed_dictionaries({"messages": Messages}),
    st.fixed_dictionaries({"messages": Messages, "tools": Tools}),
    st.sampled_from([1, 1.0, True, "1", None, [], {}, {"messages": None}, {"messages": [], "a": 1}]),
)


@st.composite
def spelled(draw: st.DrawFn) -> bytes:
    """A value in one of several spellings: spaces, escapes, a key given twice, not JSON at all."""
    value = draw(Values)
    text = json.dumps(
        value, ensure_ascii=draw(st.booleans()), separators=draw(st.sampled_from([(",", ":"), None]))
    )
    if draw(st.integers(0, 4)) == 0:
        text = text.replace('{"messages":', '{"messages": 1, "messages":', 1)
    return draw(st.sampled_from([b"", b" ", b"x"])) + text.encode("utf-8", "surrogatepass")


@given(one=spelled(), other=spelled())
def test_two_lines_are_the_same_where_their_stored_hashes_are(one: bytes, other: bytes) -> None:
    first, second = parse(one), parse(other)
    assert (value_key(one) is None) == first.broken
    if not first.broken and not second.broken:
        assert (value_key(one) == value_key(other)) == (value_hash(first.value) == value_hash(second.value))


@pytest.mark.parametrize("chunk", [7, 1000])
def test_an_import_counts_lines_however_the_file_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(source, "CHUNK", chunk)
    chat = b'{"messages": [{"role": "user", "content": "%s"}]}'
    data = b"\xef\xbb\xbf" + b"\r\n".join((chat % b"a", b"", chat % b"b", b" ", b"{broken", chat % b"\\u0061"))
    path = tmp_path / "d.jsonl"
    path.write_bytes(data + b"\n \n" + chat % b"a")
    told: list[int] = []
    with create_workspace(tmp_path / "w.curator") as workspace:
        made = importer.prepare(workspace, [path], progress=told.append)
        file = made.files[0]
        assert (file.lines, file.added, file.duplicates, file.broken) == (8, 5, 2, 1)
        importer.commit(workspace, made)
        assert list(workspace.ids()) == [1, 3, 5, 6, 8]
        copied = importer.prepare(workspace, [path]).files[0]
        assert (copied.added, copied.duplicates, copied.broken) == (5, 4, 1)
