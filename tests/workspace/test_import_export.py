"""Every shape comes in, no line is lost, untouched bytes leave as they came."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.core.convert.maps import parse_map
from curator.core.convert.targets import Target, to_target
from curator.core.convert.to_example import Converted, Misfit, to_example
from curator.core.example import parse
from curator.errors import CuratorError, InputError, UsageError
from curator.workspace.checks.soundness import soundness
from curator.workspace.exchange import export as exporter
from curator.workspace.exchange import import_files as importer
from curator.workspace.exchange.export import dataset_sha256, export
from curator.workspace.exchange.merge_source import compare, merge
from curator.workspace.exchange.write_back import plan_write_back, write_back
from curator.workspace.files.preview import preview
from curator.workspace.opening import create_workspace, open_workspace
from curator.workspace.workspace import Workspace
from tests.thorough import examples

CHAT = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}
SYSTEM = {"messages": [{"role": "system", "content": "S"}, *CHAT["messages"]]}


def opened(tmp_path: Path, name: str, data: bytes) -> Workspace:
    path = tmp_path / name
    path.write_bytes(data)
    return open_workspace(path)


def values(workspace: Workspace) -> list[Any]:
    return [r.example.value for r in workspace.records(workspace.ids())]


def jsonl(*items: Any) -> bytes:
    return b"".join(json.dumps(item).encode() + b"\n" for item in items)


SHAPES: list[tuple[str, bytes]] = [
    ("a.jsonl", jsonl(CHAT, CHAT)),
    ("a.json", json.dumps([CHAT, CHAT]).encode()),
    ("a.json", json.dumps([CHAT, CHAT], indent=2).encode()),
    ("a.json", b"[\n  " + json.dumps(CHAT).encode() + b",\n  " + json.dumps(CHAT).encode() + b"\n]\n"),
    ("a.json", json.dumps(CHAT, indent=4).encode() + b"\n" + json.dumps(CHAT, indent=4).encode()),
    ("a.jsonl.gz", gzip.compress(jsonl(CHAT, CHAT))),
    ("a.jsonl.zst", zstandard.compress(jsonl(CHAT, CHAT))),
    (
        "share.jsonl",
        jsonl(*[{"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]}] * 2),
    ),
    ("alpaca.json", json.dumps([{"instruction": "Hi", "input": "", "output": "Hello"}] * 2).encode()),
    ("qa.csv", b"question,answer\nHi,Hello\nHi,Hello\n"),
    ("qa.tsv", b"Question\tAnswer\nHi\tHello\nHi\tHello\n"),
    ("qa.jsonl", jsonl(*[{"question": "Hi", "answer": "Hello"}] * 2)),
]


@pytest.mark.parametrize("name, data", SHAPES, ids=[f"{n}-{name}" for n, (name, _) in enumerate(SHAPES)])
def test_every_shape_is_detected_and_mapped_when_it_is_opened(tmp_path: Path, name: str, data: bytes) -> None:
    with opened(tmp_path, name, data) as workspace:
        assert values(workspace) == [CHAT, CHAT]
        assert soundness(workspace.path) == []
    assert (tmp_path / name).read_bytes() == data


def test_prompts_and_completions_are_mapped_by_import_and_kept_by_opening(tmp_path: Path) -> None:
    pair = {"prompt": "Hi", "completion": "Hello"}
    with opened(tmp_path, "p.jsonl", jsonl(pair)) as workspace:
        assert values(workspace) == [pair]
        made, _ = importer.add(workspace, [tmp_path / "p.jsonl"])
        assert made.format == "completion"
        assert values(workspace) == [pair, CHAT]


def test_parquet(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(
        arrow.table({"question": ["Hi", "Hi"], "answer": ["Hello", "Hello"]}), tmp_path / "q.parquet"
    )
    with open_workspace(tmp_path / "q.parquet") as workspace:
        assert values(workspace) == [CHAT, CHAT]


def test_parquet_without_the_extra_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "q.parquet").write_bytes(b"PAR1 and more")
    with pytest.raises(InputError, match=r"Parquet file: it needs `pip install curator-ft\[parquet\]`"):
        open_workspace(tmp_path / "q.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["q.parquet"]


def test_an_import_can_be_called_off_and_leaves_nothing(tmp_path: Path) -> None:
    more = tmp_path / "more.csv"
    more.write_text("question,answer\n" + "".join(f"q{n},a{n}\n" for n in range(5000)))

    def progress(done: int) -> None:
        if done >= 2000:
            raise KeyboardInterrupt

    with opened(tmp_path, "d.jsonl", jsonl(CHAT)) as workspace:
        before = sorted(path.name for path in (workspace.path / "sources").iterdir())
        with pytest.raises(KeyboardInterrupt):
            importer.prepare(workspace, [more], progress=progress)
        assert sorted(path.name for path in (workspace.path / "sources").iterdir()) == before
        assert workspace.revision() == 1


def test_a_pretty_array_keeps_numbers_as_they_are_spelt_and_lines_as_they_were(tmp_path: Path) -> None:
    data = b'[\n  {\n    "messages": [],\n    "x": 1.00\n  },\n  {"messages": [], "y": 1e5}\n]\n'
    with opened(tmp_path, "a.json", data) as workspace:
        raws = [(r.line, r.raw) for r in workspace.records(workspace.ids())]
        assert [number for number, _ in raws] == [2, 6]
        assert b"1.00" in raws[0][1] and b"1e5" in raws[1][1]
        assert list(workspace.view("line:6").ids) == [2]


def test_a_map_can_be_chosen_and_says_what_it_leaves_behind(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b'ticket,reply,lang,hint\n"Broken, twice",Sorry,en,be kind\n')
    look = preview(path)
    assert look.columns == ("ticket", "reply", "lang", "hint")
    chosen = parse_map("user=ticket+lang,assistant=reply,system=hint")
    look = preview(path, chosen)
    assert look.left_behind == {} and len(look.samples) == 1
    assert parse_map(look.map.spec()) == chosen
    with create_workspace(tmp_path / "t.curator") as workspace:
        importer.add(workspace, [path], chosen)
        assert [m["content"] for m in values(workspace)[0]["messages"]] == [
            "be kind",
            "Broken, twice\n\nen",
            "Sorry",
        ]


@pytest.mark.parametrize("spec", ["", "user", "user=", "user=a", "bot=a,user=b", "user=a;assistant=b"])
def test_a_bad_map_is_refused(spec: str) -> None:
    with pytest.raises(UsageError):
        parse_map(spec)


def test_import_reports_new_duplicate_and_broken_and_drops_nothing(tmp_path: Path) -> None:
    more = tmp_path / "more.jsonl"
    other = {"messages": [{"role": "assistant", "content": "Hello"}], "x": 1}
    more.write_bytes(
        jsonl(CHAT) + b"{broken\n\n" + jsonl(other, {"x": 1, "messages": other["messages"]}) + b"\xff\n"
    )
    with opened(tmp_path, "d.jsonl", jsonl(CHAT)) as workspace:
        made = importer.prepare(workspace, [more])
        assert list(workspace.ids()) == [1]
        assert [made.total(n) for n in ("added", "duplicates", "broken")] == [5, 2, 2]
        importer.discard(workspace, made)
        assert len(list((workspace.path / "sources").iterdir())) == 2
        made, change = importer.add(workspace, [more])
        assert [r.raw for r in workspace.records(workspace.ids())][1:] == [
            x for x in more.read_bytes().split(b"\n") if x
        ]
        assert [(r.source, r.line) for r in workspace.records(workspace.ids())][1:3] == [
            ("more.jsonl", 1),
            ("more.jsonl", 2),
        ]
        assert "5 examples" in change.label
        workspace.changes.undo()
        assert list(workspace.ids()) == [1]
        workspace.changes.redo()
        assert len(workspace.ids()) == 6
        assert soundness(workspace.path) == []


Lines = st.lists(
    st.one_of(
        st.binary(min_size=1, max_size=40).map(lambda b: b.replace(b"\n", b"n").replace(b"\r", b"r") + b"}"),
        st.recursive(
            st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(), st.lists, max_leaves=4
        ).map(lambda v: json.dumps({"messages": v}).encode()),
    ),
    max_size=8,
)


@settings(max_examples=examples(40), deadline=None)
@given(lines=Lines, crlf=st.booleans(), last=st.booleans())
def test_a_round_trip_is_byte_identical(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], crlf: bool, last: bool
) -> None:
    folder = tmp_path_factory.mktemp("r")
    data = (b"\r\n" if crlf else b"\n").join(lines) + (b"\n" if last and lines else b"")
    if b"\0" in data[:65536] or parse(data).value is not None and b"\n" in data:
        return
    try:
        workspace = opened(folder, "d.jsonl", data)
    except InputError:
        return  # bytes that are some other kind of file are refused
    with workspace:
        if workspace.stored.sources[0].format != "jsonl" or workspace.stored.sources[0].numbers:
            return
        report = export(workspace, workspace.ids(), folder / "out.jsonl")
    out = (folder / "out.jsonl").read_bytes()
    assert out == b"".join(line.removesuffix(b"\r") + b"\n" for line in data.split(b"\n") if line.strip())
    assert (report.bytes, report.sha256) == (len(out), hashlib.sha256(out).hexdigest())


def test_an_export_holds_edits_additions_and_not_the_deleted(tmp_path: Path) -> None:
    data = b'\xef\xbb\xbf{"messages": [ ], "n": 1.0}\r\n\n'
    data += b'{"messages": [ ], "n": 2.0}\n{broken\n{"messages": [ ],"n": 4}'
    with opened(tmp_path, "d.jsonl", data) as workspace:
        workspace.changes.edit(3, "n", 2)
        workspace.changes.delete([4])
        workspace.changes.add({"n": 5}, after=1)
        report = export(workspace, workspace.ids(), tmp_path / "out.jsonl")
        assert (tmp_path / "out.jsonl").read_bytes() == (
            b'{"messages": [ ], "n": 1.0}\n{"n": 5}\n{"messages": [ ], "n": 2}\n{"messages": [ ],"n": 4}\n'
        )
        assert dataset_sha256(workspace) == report.sha256
        with pytest.raises(InputError, match="source itself"):
            export(workspace, workspace.ids(), tmp_path / "d.jsonl")
        with pytest.raises(CuratorError, match="cannot write"):
            export(workspace, workspace.ids(), tmp_path / "no" / "out.jsonl")


TOOLS = {**CHAT, "tools": [{"type": "function", "function": {"name": "f"}}]}
PAIR = {
    "input": {"messages": CHAT["messages"][:1]},
    "preferred_output": CHAT["messages"][1:],
    "non_preferred_output": [{"role": "assistant", "content": "No"}],
}


@pytest.mark.parametrize(
    "value, target, made",
    [
        (CHAT, "chat", CHAT),
        (CHAT, "completion", {"prompt": "Hi", "completion": "Hello"}),
        (SYSTEM, "completion", {"system": "S", "prompt": "Hi", "completion": "Hello"}),
        (CHAT, "alpaca", {"instruction": "Hi", "input": "", "output": "Hello"}),
        (SYSTEM, "alpaca", {"system": "S", "instruction": "Hi", "input": "", "output": "Hello"}),
        (
            CHAT,
            "sharegpt",
            {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]},
        ),
        ({"prompt": "Hi", "completion": "Hello"}, "chat", CHAT),
        (PAIR, "chat", CHAT),
        (PAIR, "preference", PAIR),
        (CHAT, "preference", None),
        ({"messages": CHAT["messages"] * 2}, "alpaca", None),
        (TOOLS, "alpaca", None),
        (TOOLS, "sharegpt", None),
        (TOOLS, "completion", None),
        (TOOLS, "chat", TOOLS),
    ],
)
def test_formats(value: Any, target: Target, made: Any) -> None:
    assert to_target(value, target) == made


@settings(max_examples=examples(50))
@given(
    turns=st.lists(
        st.tuples(st.sampled_from(["user", "assistant", "system"]), st.text(max_size=5)), min_size=1, max_size=5
    )
)
def test_sharegpt_and_back_is_the_same_example(turns: list[tuple[str, str]]) -> None:
    value = {"messages": [{"role": role, "content": text} for role, text in turns]}
    shared = to_target(value, "sharegpt")
    assert to_example(shared, parse_map("sharegpt")) == Converted(value)


def test_csv_cells_are_never_formulas_and_what_cannot_be_expressed_is_told(tmp_path: Path) -> None:
    starts = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", 'plain, "quoted"\nline']
    rows = [{"messages": [{"role": "user", "content": s}, {"role": "assistant", "content": "ok"}]} for s in starts]
    with opened(tmp_path, "d.jsonl", jsonl(*rows) + b"=broken\n" + jsonl(TOOLS)) as workspace:
        report = export(workspace, workspace.ids(), tmp_path / "o.csv", "csv")
        text = (tmp_path / "o.csv").read_bytes().decode()
        found = list(csv.DictReader(io.StringIO(text, newline="")))
        assert report.examples == len(found) == 9
        assert all(not cell.startswith(("=", "+", "-", "@", "\t", "\r")) for row in found for cell in row.values())
        assert [row["user"].removeprefix("'") for row in found[:7]] == starts
        assert json.loads(found[8]["messages"]) == TOOLS
        report = export(workspace, workspace.ids(), tmp_path / "o.jsonl", "alpaca")
        assert report.skipped == (8, 9) and report.examples == 7
        again = export(workspace, workspace.ids(), tmp_path / "o2.jsonl", "alpaca")
        assert again.sha256 == report.sha256


def test_a_changed_source_is_told_and_merged_as_one_change(tmp_path: Path) -> None:
    lines = [jsonl({"messages": [{"role": "user", "content": f"q{n}"}]}) for n in range(6)]
    with opened(tmp_path, "d.jsonl", b"".join(lines)) as workspace:
        assert workspace.source_changed() == []
        workspace.changes.label([3], "mine")
        workspace.changes.edit(4, "messages[0].content", "edited here")
        new = jsonl({"messages": [{"role": "user", "content": "new"}], "label": False})
        (tmp_path / "d.jsonl").write_bytes(b"".join([lines[0], new, *lines[2:3], *lines[4:], new]))
        assert workspace.source_changed() == [1]
        change = merge(workspace, 1)
        assert change.label == "Merged d.jsonl: 2 new, 1 gone"
        texts = [r.example.messages[0]["content"] for r in workspace.records(workspace.ids())]
        assert texts == ["q0", "new", "q2", "edited here", "q4", "q5", "new"]
        assert workspace.record(3).labels == ("mine",)
        assert [r.review for r in workspace.records(workspace.ids())].count("rejected") == 2  # KTO calls them bad
        assert workspace.source_changed() == []
        workspace.changes.undo()
        assert len(workspace.ids()) == 6
        assert soundness(workspace.path) == []


def test_writing_back_keeps_a_backup_and_is_no_change_of_the_source(tmp_path: Path) -> None:
    data = jsonl(CHAT, SYSTEM, TOOLS)
    more = tmp_path / "more.jsonl"
    more.write_bytes(jsonl(PAIR))
    with opened(tmp_path, "d.jsonl", data) as workspace:
        importer.add(workspace, [more])
        workspace.changes.delete([2])
        workspace.changes.edit(3, "messages[0].content", "here")
        workspace.changes.add({"n": 5}, after=3)
        plan = plan_write_back(workspace, 1)
        report = write_back(workspace, plan)
        assert report.backup is not None and report.backup.read_bytes() == data
        edited = {**TOOLS, "messages": [{"role": "user", "content": "here"}, CHAT["messages"][1]]}
        written = jsonl(CHAT, edited, {"n": 5})
        assert (tmp_path / "d.jsonl").read_bytes() == written and report.examples == 3
        assert more.read_bytes() == jsonl(PAIR)
        assert workspace.source_changed() == []
        (tmp_path / "d.jsonl").write_bytes(jsonl(SYSTEM) + written + jsonl({"n": 6}))
        with pytest.raises(InputError, match="changed"):
            plan_write_back(workspace, 1)
        found = compare(workspace, 1)  # what was written back is no news; what was deleted here stays deleted
        assert (found.new, found.removed_ids, found.kept_ids, found.changed) == (1, (), (), 0)
        merge(workspace, 1, found)
        assert workspace.source_changed() == []
        texts = [record.example.value for record in workspace.records(workspace.ids())]
        assert texts == [CHAT, edited, {"n": 5}, {"n": 6}, PAIR]
        (tmp_path / "d.jsonl").write_bytes(jsonl({"first": 1}, CHAT, {"second": 2}))
        found = compare(workspace, 1)
        assert (found.new, found.removed_ids, found.kept_ids, found.changed) == (2, (), (3,), 0)
        merge(workspace, 1, found)
        assert workspace.record(workspace.ids()[0]).example.value == {"first": 1}
        assert soundness(workspace.path) == []


@pytest.mark.parametrize("chunk", [1, 60, 1 << 18])
def test_an_export_in_any_order_has_each_example_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(exporter, "CHUNK", chunk)
    monkeypatch.setattr(exporter, "TOGETHER", 7)
    path = tmp_path / "d.jsonl"
    lines = [b'{"n": %d}' % n + b"\r" * (n % 9 == 5) + b"\n" * (1 + (n % 11 == 7)) for n in range(40)]
    path.write_bytes(b"\xef\xbb\xbf" + b"".join(lines).rstrip(b"\n"))
    with open_workspace(path) as workspace:
        workspace.changes.replace_many({i: b'{"edited": %d}' % i for i in list(workspace.ids())[3:30:4]}, "edited")
        added = workspace.changes.add(b'{"added": 1}').ids[0]
        workspace.changes.delete([12, 13])
        every = list(workspace.ids())
        assert added in every and 12 not in every
        for ids in (workspace.ids(), every, every[::-1], every[::2], every[5:9] * 2, workspace.view('"n"').ids):
            parts = list(exporter.pieces(workspace, ids))
            assert b"".join(part for part, _ in parts) == b"".join(r.raw + b"\n" for r in workspace.records(ids))
            assert sum(number for _, number in parts) == len(ids)


def test_no_cell_of_a_csv_file_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"a,a\n1,2,3\n4\n5,6,,7\n")
    with create_workspace(tmp_path / "t.curator") as workspace:
        importer.add(workspace, [path], None)
        assert values(workspace) == [
            {"a": "1", "a (column 2)": "2", "column 3": "3"},
            {"a": "4"},
            {"a": "5", "a (column 2)": "6", "column 3": "", "column 4": "7"},
        ]


def test_a_map_reaches_what_is_inside_a_field() -> None:
    by = parse_map("user=ask,assistant=instances[0].output+more.note")
    record = {"id": 7, "ask": "Hi", "instances": [{"input": "", "output": "Yo"}], "more": {"note": "(wave)"}}
    said = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yo\n\n(wave)"}]
    assert to_example(record, by) == Converted({"messages": said}, ("id", "instances[].input"))
    for other in ({"ask": "Hi", "instances": []}, {"ask": "Hi", "instances": "text"}, {"ask": "Hi"}):
        assert isinstance(to_example(other, by), Misfit)
    flat = {"ask": "Hi", "instances[0].output": "a key of that name"}
    said[1]["content"] = "a key of that name"
    assert to_example(flat, by) == Converted({"messages": said})


def test_a_verdict_that_occurs_first_behind_the_sample_is_marked_too(tmp_path: Path) -> None:
    """In chats, in another shape and in a table; a column that is no verdict for the whole file marks nothing."""

    def chat(number: int, **more: Any) -> dict[str, Any]:
        turns = [{"role": "user", "content": f"Do {number}"}, {"role": "assistant", "content": f"done {number}"}]
        return {"messages": turns, **more}

    def alpaca(number: int, **more: Any) -> dict[str, Any]:
        return {"instruction": f"Do {number}", "input": "", "output": f"done {number}", **more}

    for make in (chat, alpaca):
        late = [
            make(300, feedback="bad"),
            make(301, feedback="schlecht", is_wrong="no"),
            make(302, is_wrong="yes", rating=1, score=0.3),
            make(303, feedback="good", rating=4, score=0),
            make(304, feedback="hm"),
        ]
        early = [make(number, reward=1) for number in range(210)]
        (tmp_path / "late.jsonl").write_bytes(jsonl(*early, *late, make(400, reward=-1)))
        with create_workspace(tmp_path / f"{make.__name__}.curator") as workspace:
            prepared, _ = importer.add(workspace, [tmp_path / "late.jsonl"])
            assert (prepared.total("bad"), prepared.total("unclear")) == (3, 2)
            assert set(prepared.left_behind) <= {"rating", "score", "feedback"}
            bad = [211, 213, 216]
            for query, ids in (("label:bad", bad), ("review:rejected", bad), ("label:unclear", [212, 215])):
                assert [*workspace.view(query).ids] == ids
            assert workspace.view("label:good").total == 211
