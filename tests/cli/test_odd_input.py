"""Files, names, streams and arguments that people meet: it works, or one clear line and the right status."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import zstandard

from curator.cli.main import main
from curator.workspace.opening import open_workspace

pytestmark = pytest.mark.by_turns

LINES = [
    json.dumps({"messages": [{"role": "user", "content": f"question {n}"}, {"role": "assistant", "content": "a"}]})
    for n in range(12)
]
TEXT = "\n".join(LINES).encode() + b"\n"
HALF = (
    rb'{"\udfff": 1, "messages": [{"role": "us\ud800er", "content": "a"}, '
    rb'{"role": "assistant", "content": "\ud83d"}]}'
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data.jsonl"
    path.write_bytes(TEXT)
    return path


def run(capfd: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, Any, str]:
    """Exit status, the JSON object on stdout (None: nothing), stderr; an unexpected error is never right."""
    status = main([*map(str, words), "--json"])
    out, err = capfd.readouterr()
    assert "unexpected" not in err and "Traceback" not in err
    return status, json.loads(out) if out else None, err


@pytest.mark.parametrize("command", ["export", "fix", "dedup"])
def test_an_output_that_is_a_pipe_or_a_folder_stays_what_it_is(
    command: str, data: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for target in (pipe, tmp_path):
        status, answer, err = run(capfd, command, data, "-o", target)
        assert (status, answer) == (2, None) and str(target) in err
    assert pipe.is_fifo()


@pytest.mark.parametrize("name", ["-", ""])
@pytest.mark.parametrize("command", ["export", "fix", "dedup"])
def test_an_output_is_a_file(
    command: str, name: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as left:
        main([command, str(data), "-o", name])
    assert left.value.code == 2 and [path.name for path in tmp_path.iterdir()] == ["data.jsonl"]


@pytest.mark.parametrize("cut", [0, 5, 40])
def test_packed_data_is_read_whole_or_refused(cut: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    frames = zstandard.compress(TEXT) + zstandard.compress(TEXT)
    for name, packed in (("a.jsonl.zst", frames), ("a.jsonl.gz", gzip.compress(TEXT + TEXT))):
        (tmp_path / name).write_bytes(packed[: len(packed) - cut])
        status, answer, err = run(capfd, "list", tmp_path / name, "--limit", "1")
        if cut:
            assert (status, answer) == (2, None) and name in err
        else:
            assert (status, answer["total"]) == (0, 24)


def test_packed_data_comes_through_a_pipe(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for packed in (gzip.compress(TEXT), zstandard.compress(TEXT)):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(packed)))
        status, answer, _ = run(capfd, "check", "-")
        assert (status, answer["files"][0]["examples"]) == (0, 12)


@pytest.mark.parametrize("command", ["check", "stats", "list", "dedup"])
def test_a_file_name_may_be_any_bytes(command: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.jsonl")
    path.write_bytes(TEXT)
    status, answer, _ = run(capfd, command, path)
    assert status == 0 and answer


def test_a_workspace_refuses_a_file_name_it_cannot_remember(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.jsonl")
    path.write_bytes(TEXT)
    status, _, err = run(capfd, "import", path, "-w", tmp_path / "w.curator")
    assert status == 2 and "not UTF-8" in err


def test_half_of_a_surrogate_pair_passes_through_every_command(
    data: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data.write_bytes(TEXT + HALF + b"\n")
    folder = tmp_path / "w.curator"
    assert run(capfd, "import", data, "-w", folder)[0] == 0
    for path in (data, folder):
        for words in (["check"], ["stats"], ["dedup"], ["list", "--filter", "is:error"]):
            status, answer, _ = run(capfd, words[0], path, *words[1:])
            assert status in (0, 1) and answer
        (example,) = answer["examples"]
        assert "lone_surrogate" in example["problems"] and "bytes_b64" in example
        assert run(capfd, "split", path, "-d", tmp_path / "out")[0] == 0
        assert run(capfd, "export", path, "-o", tmp_path / "copy.jsonl")[0] == 0
        assert (tmp_path / "copy.jsonl").read_bytes() == TEXT + HALF + b"\n"
    table, again, repaired = tmp_path / "t.csv", tmp_path / "again.jsonl", tmp_path / "repaired.jsonl"
    assert run(capfd, "export", data, "-o", table, "--format", "csv")[0] == 0
    assert run(capfd, "import", table, "-w", tmp_path / "back.curator")[0] == 0
    assert run(capfd, "export", tmp_path / "back.curator", "-o", again)[0] == 0
    assert json.loads(again.read_bytes().splitlines()[-1]) == json.loads(HALF)
    assert run(capfd, "fix", data, "-o", repaired, "--unsafe")[0] in (0, 1)
    assert "\ufffd" in repaired.read_text()  # the mark of the loss is not removed as a hidden character


def test_equal_lines_without_messages_are_copies_and_what_is_not_compared_is_told(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "odd.jsonl"
    lines = [b'{"text": "x"}', b'{"text":"x"}', b'{"text": "x."}', b"{}", b"{}", b'"s"', b'"s"', b"[1]", b"[1.0]"]
    lines += [rb'{"q": "\ud83d"}', rb'{"q": "\ud83d"}', rb'{"q": "\ud83e"}', b'{"a": NaN}', b'{"a": null}']
    lines += [HALF, HALF]
    lines += [b"broken", b"broken"]
    path.write_bytes(b"\n".join(lines) + b"\n")
    groups = [[1, 2], [4, 5], [6, 7], [10, 11], [15, 16]]
    for how in ([], ["--exact"]):
        status, answer, _ = run(capfd, "dedup", path, *how)
        assert status == 0 and answer["exact"] == groups and not answer["near"] and not answer["conflicts"]
    answer = run(capfd, "check", path)[1]["files"][0]
    assert answer["warnings"]["duplicate_example"] == len(groups)
    assert main(["dedup", str(path)]) == 0
    told = capfd.readouterr().out
    assert "Not compared: 3 broken lines" in told and "Of 15 lines without messages or words" in told


def test_a_role_that_is_a_list_has_duplicates_too(data: Path, capfd: pytest.CaptureFixture[str]) -> None:
    odd = b'{"messages": [{"role": ["x"], "content": "hello"}, {"role": {"y": 1}, "content": "there"}]}\n'
    data.write_bytes(TEXT + odd + odd)
    status, answer, _ = run(capfd, "dedup", data)
    assert status == 0 and [13, 14] in answer["exact"]


def test_fix_repairs_the_examples_of_a_workspace(
    data: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data.write_bytes(TEXT.replace(b'"role": "assistant"', b'"weight": true, "role": "assistant"', 1))
    folder = tmp_path / "w.curator"
    run(capfd, "import", data, "-w", folder)
    with open_workspace(folder) as workspace:
        workspace.changes.delete([2])
        before = workspace.revision()
    status, answer, _ = run(capfd, "fix", folder, "-o", tmp_path / "fixed.jsonl")
    assert status == 0 and answer["fixed"] == {"weight_invalid": 1}
    assert len((tmp_path / "fixed.jsonl").read_bytes().splitlines()) == 11
    with open_workspace(folder) as workspace:
        assert workspace.revision() == before


@pytest.mark.parametrize(
    "words", [["check", "--limit", "0"], ["check", "--limit", "-5"], ["list", "--limit", "-1"]]
)
def test_numbers_that_make_no_sense_are_refused(words: list[str], data: Path) -> None:
    with pytest.raises(SystemExit) as left:
        main([*words, str(data)])
    assert left.value.code == 2


def test_a_word_that_is_no_command_and_no_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["chekc"]) == 2
    assert "'chekc' is neither a command nor a file" in capfd.readouterr().err


def test_import_names_files(data: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    status, _, err = run(capfd, "import", "-", "-w", tmp_path / "w.curator")
    assert status == 2 and "standard input" in err and not (tmp_path / "w.curator").exists()


def test_a_label_is_visible(data: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "w.curator"
    run(capfd, "import", data, "-w", folder)
    ops = tmp_path / "ops"
    ops.write_text('{"op": "label", "example": 1, "label": "a\\nb\\u001b[31m"}\n')
    status, answer, _ = run(capfd, "apply", folder, ops)
    assert status == 1 and answer["ok"] is False and "visible" in answer["error"]


@pytest.mark.parametrize(
    "op",
    [
        {"op": "delete", "example": 2**63},
        {"op": "delete", "examples": [1, 2**64 - 1]},
        {"op": "delete", "example": -1},
        {"op": "add", "example": {"messages": []}, "after": 2**63},
        {"op": "split", "validation": 0.5, "seed": 1.5},
        {"op": "split", "validation": 1e308},
    ],
)
def test_numbers_of_an_operation_that_make_no_sense(
    op: dict[str, Any], data: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "w.curator"
    run(capfd, "import", data, "-w", folder)
    ops = tmp_path / "ops"
    ops.write_text(json.dumps(op))
    status, answer, _ = run(capfd, "apply", folder, ops)
    assert status == 1 and answer["ok"] is False
    with open_workspace(folder) as workspace:
        assert workspace.revision() == 1


def shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run `command` with $CURATOR in a shell."""
    env = os.environ | {"CURATOR": f"{sys.executable} -m curator"}
    return subprocess.run(["bash", "-c", command], cwd=folder, env=env, capture_output=True, text=True, timeout=60)


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="no /dev/full here")
@pytest.mark.parametrize("words", ["check data.jsonl", "list --json data.jsonl", "models"])
def test_a_full_disk_behind_stdout_is_one_line(words: str, data: Path, tmp_path: Path) -> None:
    found = shell(f"$CURATOR {words} >/dev/full", tmp_path)
    assert found.returncode == 1 and found.stderr.count("\n") == 1
    assert "cannot write: No space left on device" in found.stderr


def test_closed_streams_do_no_harm(data: Path, tmp_path: Path) -> None:
    found = shell("$CURATOR list data.jsonl >&- 2>&- ; echo $?; $CURATOR check --json - <&- ; echo $?", tmp_path)
    first, answer, last = found.stdout.splitlines()
    assert (first, last, found.stderr) == ("0", "1", "")
    assert json.loads(answer)["files"][0]["errors"] == {"file_empty": 1}


def test_debug_names_the_log_with_the_traceback(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(tmp_path / "none.jsonl"), "--debug"]) == 2
    error, where = capfd.readouterr().err.splitlines()
    assert "none.jsonl" in error and "Traceback" in Path(where.partition(" are in ")[2]).read_text()


@pytest.mark.parametrize("job", ["", "../x", "ftjob-1/../../models", "a b", "ftjob-1?x=1"])
@pytest.mark.parametrize("command", ["watch", "cancel", "pause", "resume"])
def test_a_job_is_named_by_an_id(command: str, job: str) -> None:
    with pytest.raises(SystemExit) as left:
        main([command, job])
    assert left.value.code == 2


@pytest.mark.parametrize("words", [["jobs"], ["chat", "m", "hello"]])
def test_a_home_that_cannot_be_used_is_named(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    home.write_text("a file where a folder should be")
    monkeypatch.setenv("CURATOR_HOME", str(home))
    status, answer, err = run(capfd, *words)
    assert (status, answer) == (2, None) and str(home) in err and err.count("\n") == 1


@pytest.mark.parametrize("form", ["chat", "preference", "completion", "sharegpt", "alpaca", "csv"])
def test_what_a_format_cannot_hold_is_left_out_and_told(
    form: str, data: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    odd = [
        {"input": ["no object"], "preferred_output": [], "non_preferred_output": []},
        {"input": None, "preferred_output": 1, "non_preferred_output": 2},
        {"messages": [{"role": ["a"], "content": "x"}, {"role": {"b": 1}, "content": "y"}]},
        {"messages": [{"name": "no role", "content": "x"}, {"role": "assistant", "content": "y"}]},
        {"messages": ["text", 1, None]},
        {"messages": True},
        {"messages": {"role": "user"}},
    ]
    data.write_text("\n".join([*LINES, *map(json.dumps, odd)]))
    status, answer, err = run(capfd, "export", data, "-o", tmp_path / "out", "--format", form)
    assert answer["examples"] + answer["skipped"] == len(LINES) + len(odd)
    assert status == (1 if answer["skipped"] else 0) and ("left out" in err) is bool(answer["skipped"])


def test_utf16_that_ends_within_a_character_loses_no_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "wide.jsonl").write_bytes(TEXT.decode().encode("utf-16") + b"x")
    status, answer, _ = run(capfd, "check", tmp_path / "wide.jsonl")
    (found,) = answer["files"]
    assert status == 1 and found["examples"] == 13 and found["errors"]["invalid_json"] == 1


def test_a_csv_cell_may_be_long(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "long.csv").write_text(f"prompt,completion\n{'x ' * 200_000},b\n")
    status, answer, _ = run(capfd, "list", tmp_path / "long.csv")
    assert status == 0 and len(answer["examples"][0]["example"]["prompt"]) == 400_000
