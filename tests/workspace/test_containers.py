"""What a file comes in: tables as spreadsheets write them, lists inside an object, packed and binary files."""

from __future__ import annotations

import csv
import gzip
import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from curator.core.convert.maps import KEEP, parse_map
from curator.core.rules.families.syntax import recode
from curator.errors import InputError
from curator.workspace.exchange import import_files
from curator.workspace.files import compressed
from curator.workspace.files.dataset_file import open_dataset
from curator.workspace.files.preview import preview
from curator.workspace.opening import create_workspace, open_workspace

Q = {"role": "user", "content": "Hi; you, there"}
A = {"role": "assistant", "content": "(wave)"}
CHAT = {"messages": [Q, A]}


def values(path: Path) -> list[Any]:
    """The parsed records of a file."""
    with open_dataset(path) as dataset:
        return [json.loads(raw) for _, raw in dataset.records()]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("q,a\n1,2\n", "commas"),
        ("q;a\r\n1;2\r\n", "semicolons"),
        ("q\ta\n1\t2\n", "tabs"),
        ("q|a\n1|2\n", "bars"),
        ("sep=;\r\nq;a\r\n1;2\r\n", "semicolons"),
        ('"sep=|"\nq|a\n1|2\n', "bars"),
        ('"q, in words",a\n1,2\n', "commas"),
        ('q;a\n"x, y, z";2\n', "semicolons"),
    ],
)
def test_the_delimiter_is_found_and_told(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text, newline="")
    assert preview(path).layout == f"cells between {words}"
    assert [list(row.values()) for row in values(path)] in ([["1", "2"]], [["x, y, z", "2"]])


def test_a_table_of_one_column_and_one_with_a_name_missing(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("text\none; two\n")
    assert values(path) == [{"text": "one; two"}]
    path.write_text(",prompt,completion\n0,a,b\n")
    assert values(path) == [{"column 1": "0", "prompt": "a", "completion": "b"}]
    assert preview(path).left_behind == {"column 1": 1}


def printed(turns: list[Any]) -> str:
    """As NumPy prints a list of objects: one below another, without commas."""
    return "[" + "\n ".join(map(repr, turns)) + "]"


@pytest.mark.parametrize("spell", [json.dumps, repr, printed])
@pytest.mark.parametrize("column", ["messages", "conversations"])
def test_a_list_of_messages_in_a_cell_is_read(tmp_path: Path, spell: Any, column: str) -> None:
    path = tmp_path / "t.csv"
    turns = [{**Q, "content": 'It\'s "quoted"\n}  {'}, A]
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["id", column], ["1", spell(turns)], ["2", "[not a list"]])
    assert values(path) == [{"id": "1", column: turns}, {"id": "2", column: "[not a list"}]
    with open_workspace(path) as workspace:
        assert workspace.record(workspace.ids()[0]).example.value["messages"] == turns


MESSAGES = """conversation_id,turn,Role,Content,lang
c1,2,assistant,"Hello, you",en
c2,1,human,And me?,en
c1,1,user,Hi,en

c2,2,bot,You too,
c3,1,user,"",en
"""


def test_the_rows_of_one_conversation_are_one_example(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text(MESSAGES)
    look = preview(path)
    assert "rows of one 'conversation_id' joined to a conversation" in look.layout
    with create_workspace(tmp_path / "w.curator") as workspace:
        prepared, _ = import_files.add(workspace, [path])
        made = [json.loads(record.raw) for record in workspace.records(workspace.ids())]
        lines = [workspace.row(example).line for example in workspace.ids()]
    assert [[(each["role"], each["content"]) for each in one["messages"]] for one in made[:2]] == [
        [("user", "Hi"), ("assistant", "Hello, you")],
        [("user", "And me?"), ("assistant", "You too")],
    ]
    assert lines == [2, 3, 7] and [line for line, _ in prepared.files[0].misfits] == []
    assert dict(prepared.left_behind) == {
        "conversation_id": 3, "conversations[].turn": 3, "conversations[].lang": 3,
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "conversation_id,role,content\nc1,user,Hi\nc2,user,Ho\n",  # no two rows share a conversation
        "conversation_id,role,content\nc1,Anna,Hi\nc1,Peter,Ho\n",  # nobody knows who is who
        "conversation_id,role,prompt,completion\nc1,user,Hi,Ho\nc1,user,Hi,Ha\n",
    ],
)
def test_other_tables_keep_their_rows(tmp_path: Path, text: str) -> None:
    path = tmp_path / "m.csv"
    path.write_text(text)
    assert (preview(path).records, "joined" in preview(path).layout) == (2, False)


@pytest.mark.parametrize(
    "cell",
    [
        "[{'role': 'user', 'content': ...}]",
        "[['user' 'Hi']\n ['gpt' 'Yo']]",
        "[{'a': {1}}]",
        "[{'a': b'x'}]",
        "[{'a': nan}]",
    ],
)
def test_a_cell_that_no_list_can_be_read_from_stays_a_text(tmp_path: Path, cell: str) -> None:
    path = tmp_path / "t.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["id", "messages"], ["1", cell]])
    assert values(path) == [{"id": "1", "messages": cell}]


LINE = json.dumps(CHAT).encode()
TABLE = b'prompt,completion\nHi,(wave)\n"a, b",c\n'
MISNAMED = [
    ("d.jsonl", gzip.compress(LINE + b"\n", mtime=0), "compressed in spite of its name"),
    ("d.jsonl.gz", LINE + b"\n", "not compressed in spite of its name"),
    ("d.csv", LINE + b"\n" + LINE, "JSON in spite of its name"),
    ("d.tsv", b"[" + LINE + b"," + LINE + b"]", "JSON in spite of its name"),
    ("d.csv", json.dumps([CHAT, CHAT], indent=1).encode(), "JSON in spite of its name"),
    ("d.jsonl", TABLE, "a table in spite of its name; cells between commas"),
    ("d.json", TABLE.replace(b",", b"\t"), "a table in spite of its name; cells between tabs"),
    ("d.txt", TABLE, "cells between commas"),
    ("d.jsonl", LINE + LINE, ""),
    ("d.jsonl", (LINE * 999)[:-9] + LINE[-9:], ""),
    ("d.json", json.dumps({"features": [{"name": "x"}], "rows": [{"row_idx": 0, "row": CHAT}]}).encode(),
     "records inside 'rows'"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "data", "told"), MISNAMED, ids=map(str, range(len(MISNAMED))))
def test_a_file_is_read_as_what_it_is_whatever_its_name(tmp_path: Path, name: str, data: bytes, told: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    look = preview(path)
    assert look.layout == told and not look.misfits
    with create_workspace(tmp_path / "w.curator") as workspace:
        made, _ = import_files.add(workspace, [path])
        chats = [record.example.value for record in workspace.records(workspace.ids())]
        assert made.total("broken") == 0 and chats
        assert {message["role"] for chat in chats for message in chat["messages"]} == {"user", "assistant"}


def test_no_byte_of_an_old_code_page_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("q;a\ngrüße – €;x\n".encode("cp1252"))
    assert values(path) == [{"q": "grüße – €", "a": "x"}]
    assert preview(path).layout == "read as Windows-1252; cells between semicolons"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("こんにちは", "shift_jis"),
        ("你好吗", "gbk"),
        ("привет", "cp1251"),
        ("für Köln", "mac_roman"),
        ("für Köln", "cp850"),
    ],
)
def test_a_table_in_another_code_page_is_refused_and_its_line_is_not_guessed_at(
    tmp_path: Path, text: str, encoding: str
) -> None:
    (tmp_path / "t.csv").write_bytes(f"q;a\n{text};x\n".encode(encoding))
    with pytest.raises(InputError, match=r"t\.csv is neither UTF-8 nor Windows-1252 \(line 2\): save it as UTF-8"):
        values(tmp_path / "t.csv")
    assert recode(json.dumps({"q": text}, ensure_ascii=False).encode(encoding)) is None


@pytest.mark.parametrize("key", ["data", "examples", "rows", "items", "records", "train", "tickets"])
@pytest.mark.parametrize("indent", [None, 1])
def test_one_object_around_the_records_is_looked_through(tmp_path: Path, key: str, indent: int | None) -> None:
    path = tmp_path / "d.json"
    path.write_text(json.dumps({"version": "1", key: [CHAT, CHAT]}, indent=indent))
    assert values(path) == [CHAT, CHAT]
    assert preview(path).layout == f"records inside '{key}'"
    with open_workspace(path) as workspace:
        assert [record.example.value for record in workspace.records(workspace.ids())] == [CHAT, CHAT]


@pytest.mark.parametrize("many", [3, 3_000], ids=["few", "long"])
def test_records_of_a_known_shape_are_found_under_any_key_and_what_stands_beside_them_is_told(
    tmp_path: Path, many: int
) -> None:
    path = tmp_path / "d.json"
    pairs = [{"question": f"Who is number {n}?", "answer": f"It is {n} of them."} for n in range(many)]
    path.write_text(json.dumps({"version": 2, "tone": "terse", "tickets": pairs}))
    look = preview(path)
    assert look.layout == "records inside 'tickets'; what stands beside them is left behind: tone"
    assert (look.shape, values(path)) == ("question_answer", pairs)


NO_WRAPPERS = [
    {"log": [{"speaker": "a", "text": "b"}, {"speaker": "c", "text": "d"}]},
    {"dialogue": [{"human": "a", "assistant": "b"}, {"human": "c", "assistant": "d"}]},
    {"tickets": [{"question": "a", "answer": "b"}], "calls": [{"question": "c", "answer": "d"}]},
    {"tickets": [{"question": "a", "answer": "b"}, {"title": "c"}]},
    CHAT,
]


@pytest.mark.parametrize("value", NO_WRAPPERS, ids=map(str, range(len(NO_WRAPPERS))))
def test_turns_and_lists_of_other_things_wrap_nothing(tmp_path: Path, value: object) -> None:
    path = tmp_path / "d.json"
    path.write_text(json.dumps(value))
    assert values(path) == [value]
    told = " ".join(str(misfit) for misfit in preview(path).misfits)
    assert ("several lists, 'tickets', 'calls'" in told) == ("calls" in str(value))


@pytest.mark.parametrize(
    "value",
    [
        {"messages": [Q, A]},
        {"data": [CHAT], "rows": [CHAT]},
        {"data": ["text"]},
        {"data": []},
        {"conversations": [Q, A]},
    ],
)
def test_an_example_is_no_wrapping(tmp_path: Path, value: Any) -> None:
    path = tmp_path / "d.json"
    for indent in (None, 1):
        path.write_text(json.dumps(value, indent=indent))
        assert values(path) == [value]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        *((pickle.dumps([CHAT], protocol), "pickle") for protocol in (2, 3, 4, 5)),
        (b"\x93NUMPY\x01\x00v\x00", "NumPy"),
        (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
        (b"x" * 257 + b"ustar\x0000", "tar"),
        (bytes(range(1, 256)) * 4, "binary"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\n", "git lfs pull"),
        (b"<!DOCTYPE html>\n<html></html>\n", "web page"),
        (b"- prompt: Hi\n  completion: Yo\n", "YAML"),
    ],
)
def test_a_binary_is_refused_as_what_it_is(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "d.jsonl"
    path.write_bytes(data)
    with pytest.raises(InputError, match=words):
        preview(path)
    with create_workspace(tmp_path / "w.curator") as workspace:
        with pytest.raises(InputError, match=words):
            import_files.add(workspace, [path])
        assert not list(workspace.ids())


@pytest.mark.parametrize("line", [b"\0", b"[" + b" " * 99])
def test_a_file_that_unpacks_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: bytes
) -> None:
    monkeypatch.setattr(compressed, "ALWAYS_UNPACKED", 1 << 16)
    path = tmp_path / "d.jsonl.gz"
    path.write_bytes(gzip.compress(json.dumps(CHAT).encode() + b"\n" + line * ((1 << 24) // len(line))))
    with pytest.raises(InputError, match="200 times"):
        values(path)
    path.write_bytes(gzip.compress(b"".join(b'{"n": %d, "x": "%x"}\n' % (n, n**9) for n in range(9000))))
    assert len(values(path)) == 9000


def test_kto_data_marks_its_bad_answers_also_when_it_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "k.jsonl"
    native = [{**CHAT, "label": False}, {**CHAT, "label": True}]
    words = [{**CHAT, "label": "0"}, {**CHAT, "label": "1"}]
    for records in (
        native,
        words,
        [{"prompt": "a", "completion": "b", "label": each["label"]} for each in native],
    ):
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
        with open_workspace(path) as workspace:
            bad, good = workspace.records(workspace.ids())
            assert (bad.review, bad.labels) == ("rejected", ("bad",))
            assert (good.review, good.labels) == ("accepted", ("good",))
            assert workspace.history()[0].label.endswith("1 of them marked as bad answers")
        for file in sorted(tmp_path.glob("k.curator/**/*"), reverse=True):
            file.rmdir() if file.is_dir() else file.unlink()
        (tmp_path / "k.curator").rmdir()


@pytest.mark.parametrize("asked", [CHAT, {"prompt": "a", "completion": "b"}])
def test_a_bad_answer_behind_the_first_ones_is_one_too(tmp_path: Path, asked: dict[str, Any]) -> None:
    path = tmp_path / "k.jsonl"
    lines = [json.dumps(asked)] * 210 + [
        "",
        json.dumps({**asked, "label": False}),
        json.dumps({**asked, "label": 0}),
    ]
    path.write_text("\n".join(lines) + "\n")
    with create_workspace(tmp_path / "w.curator") as workspace:
        assert import_files.add(workspace, [path])[0].total("bad") == 2
        marked = [record for record in workspace.records(workspace.ids()) if record.review]
        assert [(record.review, record.example.value.get("label", False)) for record in marked] == [
            ("rejected", False),
            ("rejected", 0),
        ]
        assert workspace.ids().index(marked[0].id) == 210


def test_a_table_says_which_answers_are_bad_and_which_nobody_can_tell(tmp_path: Path) -> None:
    path = tmp_path / "k.csv"
    path.write_text("question,answer,Label\na,b,desirable\nc,d,undesirable\ne,f,perhaps\n")
    with create_workspace(tmp_path / "w.curator") as workspace:
        for by in (None, parse_map("user=question,assistant=answer")):  # also a map by hand leaves it in force
            made, _ = import_files.add(workspace, [path], by)
            assert (made.total("bad"), made.total("unclear"), made.left_behind) == (1, 1, {"Label": 1})
            reviews = [record.review for record in workspace.records(workspace.ids())]
            assert reviews[-3:] == ["accepted", "rejected", "flagged"]


def test_a_record_that_does_not_fit_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    turns = [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Yo", "weight": 0, "mood": "x"}]
    records = [{"conversations": turns}, {"conversations": [{"from": "narrator", "value": "n"}]}]
    path.write_text("\n".join(json.dumps(record) for record in records) + "\n")
    with create_workspace(tmp_path / "w.curator") as workspace:
        made, _ = import_files.add(workspace, [path])
        assert made.files[0].misfits == [(2, "turn 1: its role 'narrator' is no known one")]
        assert dict(made.left_behind) == {"conversations[].mood": 1}
        first, second = (record.example.value for record in workspace.records(workspace.ids()))
        assert first["messages"][1] == {"role": "assistant", "content": "Yo", "weight": 0}
        assert second == records[1]


def test_a_record_of_another_shape_in_a_file_of_chats_is_told(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    foreign = {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Yo"}]}
    records = [CHAT, {"id": 1}, {**CHAT, "x": 1}, foreign]
    path.write_text("\n".join(json.dumps(record) for record in records[:2]) + "\n\n{broken\n")
    with path.open("a") as file:
        file.writelines(json.dumps(record) + "\n" for record in records[2:])
    with create_workspace(tmp_path / "w.curator") as workspace:
        made, _ = import_files.add(workspace, [path])
        assert [line for line, _ in made.files[0].misfits] == [2, 6]
        assert "sharegpt" in made.files[0].misfits[1][1]
        assert made.total("added") == 5 and made.total("broken") == 1
        made, _ = import_files.add(workspace, [path], KEEP)
        assert made.total("unmapped") == 0
