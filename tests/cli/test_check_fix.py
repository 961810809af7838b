"""`curator check` and `curator fix` as people and programs see them."""

from __future__ import annotations

import gzip
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
import zstandard

from curator.cli.main import main

Capture = pytest.CaptureFixture[bytes]


def chat(number: int, answer: str = "Walk, please.", **more: Any) -> str:
    messages = [
        {"role": "system", "content": "You translate."},
        {"role": "user", "content": f"Woof {number}?"},
        {"role": "assistant", "content": answer},
    ]
    return json.dumps({"messages": messages, **more})


CLEAN = "".join(chat(number) + "\n" for number in range(60)).encode()


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    path = tmp_path / "clean.jsonl"
    path.write_bytes(CLEAN)
    return path


def run(capsysbinary: Capture, *words: str | Path) -> tuple[int, bytes]:
    status = main([str(word) for word in words])
    return status, capsysbinary.readouterr().out


def files(capsysbinary: Capture, *words: str | Path) -> tuple[int, list[dict[str, Any]]]:
    status, out = run(capsysbinary, "check", "--json", *words)
    assert out.count(b"\n") == 1
    found: list[dict[str, Any]] = json.loads(out)["files"]
    return status, found


def test_a_clean_file_and_its_report(clean: Path, capsysbinary: Capture) -> None:
    status, (check,) = files(capsysbinary, clean)
    assert status == 0
    shape = {key: check[key] for key in ("path", "format", "lines", "examples", "errors", "warnings")}
    assert shape == {
        "path": str(clean),
        "format": "chat",
        "lines": 60,
        "examples": 60,
        "errors": {},
        "warnings": {"missing_validation_file": 1},
    }
    assert [problem["rule"] for problem in check["problems"]] == ["missing_validation_file"]
    assert check["problems"][0]["line"] is None and check["problems"][0]["fix"] is None
    assert check["tokens"]["encoding"] == "o200k_base" and check["tokens"]["total"] > 60 * 10
    assert {"min", "max", "mean", "median", "p10", "p90"} <= check["tokens"]["per_example"].keys()
    assert check["cost"]["epochs"] == 3
    assert check["cost"]["tokens_per_epoch"] == check["tokens"]["total"]


def test_lines_are_physical_and_every_problem_is_told(tmp_path: Path, capsysbinary: Capture) -> None:
    path = tmp_path / "data.jsonl"
    path.write_bytes(b"\n" + CLEAN + b'{"messages": []}\n{"messages": 3\n["a"]\n')
    status, (check,) = files(capsysbinary, path)
    assert status == 1
    assert (check["lines"], check["examples"]) == (64, 63)
    placed = {(problem["line"], problem["rule"], problem["location"]) for problem in check["problems"]}
    assert {
        (1, "blank_line", ""),
        (62, "missing_messages_list", "messages"),
        (63, "invalid_json", ""),
        (64, "data_type", ""),
    } <= placed
    assert check["errors"] == {"invalid_json": 1, "data_type": 1, "missing_messages_list": 1}


def test_several_paths_of_which_one_cannot_be_read(clean: Path, tmp_path: Path, capsysbinary: Capture) -> None:
    status, (first, second) = files(capsysbinary, tmp_path / "gone.jsonl", clean)
    assert status == 2
    assert first["path"].endswith("gone.jsonl") and "cannot be read" in first["error"]
    assert second["examples"] == 60


@pytest.mark.parametrize("name", ["folder", "missing", "image", "pipe"])
def test_what_is_no_dataset_is_one_line_and_exit_2(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    if name == "folder":
        path.mkdir()
    elif name == "image":
        path.write_bytes(b"\x89PNG\r\n\x1a\n\0\0")
    elif name == "pipe":
        os.mkfifo(path)
    assert main(["check", str(path)]) == 2
    out, err = capfd.readouterr()
    assert not out and err.count("\n") == 1 and err.startswith("curator: ")


def test_the_validation_file_is_held_against_the_training_file(
    clean: Path, tmp_path: Path, capsysbinary: Capture
) -> None:
    other = tmp_path / "validation.jsonl"
    turned = {"messages": [dict(reversed(m.items())) for m in json.loads(chat(7))["messages"]]}
    other.write_text(chat(99) + "\n" + json.dumps(turned, separators=(",", ":")) + "\n")
    status, (check,) = files(capsysbinary, clean, "--validation", other)
    assert status == 0 and check["warnings"] == {"train_validation_overlap": 1}
    (problem,) = check["problems"]
    assert problem["line"] == 8 and "line 2" in problem["message"]


def test_standard_input_is_read_once(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "-", "--validation", "-"]) == 2
    assert "only once" in capfd.readouterr().err


def test_the_limit_of_tokens_is_marked_where_it_cuts(clean: Path, capsysbinary: Capture) -> None:
    _, (check,) = files(capsysbinary, clean, "--limit", "12")
    assert check["tokens"]["over_limit"] == 60 == check["warnings"]["example_too_long"]
    assert check["cost"]["tokens_per_epoch"] == 60 * 12
    assert check["problems"][0]["location"].startswith("messages[")


def test_the_classic_counts_are_beside_the_verdict(tmp_path: Path, capsysbinary: Capture) -> None:
    path = tmp_path / "data.jsonl"
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    tools = [{"type": "function", "function": {"name": "f"}}]
    messages = [
        {"role": "user", "content": "x"},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "3"},
        {"role": "assistant", "content": "y", "weight": 1},
    ]
    path.write_bytes(CLEAN + json.dumps({"messages": messages, "tools": tools}).encode() + b"\n")
    common = {
        "message_missing_key": 1,
        "message_unrecognized_key": 2,
        "unrecognized_role": 1,
        "missing_content": 1,
    }
    _, (cookbook,) = files(capsysbinary, path, "--compat", "cookbook", "--profile", "local")
    _, (book,) = files(capsysbinary, path, "--compat", "book", "--profile", "local")
    assert cookbook["compat"] == common and cookbook["errors"] == {}
    assert book["compat"] == {**common, "message_unrecognized_key": 3}


def test_answers_are_held_to_a_contract_as_in_the_ui(clean: Path, tmp_path: Path, capsysbinary: Capture) -> None:
    words = tmp_path / "words.txt"
    words.write_text("Walk, please.\nSit.\n")
    assert files(capsysbinary, clean, "--contract", words)[1][0]["errors"] == {}
    clean.write_bytes(CLEAN + chat(61, "Wolk, please.").encode() + b"\n")
    status, (check,) = files(capsysbinary, clean, "--contract", words)
    assert (status, check["errors"]) == (1, {"answer_outside_contract": 1})
    (problem,) = [each for each in check["problems"] if each["rule"] == "answer_outside_contract"]
    assert (problem["line"], problem["location"]) == (61, "messages[2].content")
    assert "nearest: Walk, please." in problem["message"]
    assert files(capsysbinary, clean, "--pattern", r"[A-Z][a-z]+, please\.")[1][0]["errors"] == {}
    for bad in (["--contract", tmp_path / "none.txt"], ["--pattern", "("], ["--quick", "--pattern", "x"]):
        assert main(["check", str(clean), *map(str, bad)]) == 2
        said = capsysbinary.readouterr().err
        assert said.startswith(b"curator: ") and said.count(b"\n") == 1


def test_a_quick_check_looks_at_formats_alone(clean: Path, capsysbinary: Capture) -> None:
    clean.write_bytes(CLEAN + b'{"messages": [{"role": "user", "content": " no answer "}]}\n')
    status, (check,) = files(capsysbinary, clean, "--quick")
    assert (status, check["errors"], check["warnings"]) == (1, {"example_missing_assistant_message": 1}, {})
    assert "tokens" not in check and check["examples"] == 61
    assert b"1 error (formats only)" in run(capsysbinary, "check", "--quick", clean)[1]


@pytest.mark.parametrize(
    ("name", "level"), [("a.jsonl", None), ("a.json", "error"), ("a.txt", "error"), ("a.jsonl.gz", "warning")]
)
def test_another_name_is_told_once_with_the_way_out(
    name: str, level: str | None, tmp_path: Path, capsysbinary: Capture
) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(CLEAN) if name.endswith(".gz") else CLEAN)
    _, (check,) = files(capsysbinary, path)
    told = [problem for problem in check["problems"] if problem["rule"] == "file_extension"]
    assert [problem["severity"] for problem in told] == ([level] if level else [])
    assert all("export it as .jsonl before the upload" in problem["message"] for problem in told)


@pytest.mark.parametrize("kind", ["jsonl.gz", "jsonl.zst", "json", "pretty.json", "stdin"])
def test_every_way_a_file_comes(
    kind: str, tmp_path: Path, capsysbinary: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"data.{kind}"
    values = [json.loads(line) for line in CLEAN.splitlines()]
    data = {
        "jsonl.gz": gzip.compress(CLEAN),
        "jsonl.zst": zstandard.compress(CLEAN),
        "json": json.dumps(values).encode(),
        "pretty.json": json.dumps(values, indent=2).encode(),
        "stdin": CLEAN,
    }[kind]
    path.write_bytes(data)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    _, (check,) = files(capsysbinary, "-" if kind == "stdin" else path)
    assert check["examples"] == 60 and check["format"] == "chat"
    array = kind.endswith("json")
    assert ("json_array_file" in check["errors"]) == array
    assert set(check["errors"]) <= {"json_array_file", "file_extension"}


def test_people_see_rules_lines_carets_and_no_wall(tmp_path: Path, capsysbinary: Capture) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text("".join(chat(number, " Walk\u202e ") + "\n" for number in range(60)))
    status, out = run(capsysbinary, "check", path)
    text = out.decode()
    assert status == 0
    assert "W surrounding_whitespace × 60" in text and "… and 57 more" in text
    assert "line 1, messages[2].content" in text and "^" in text
    assert "\u202e" not in text and "\x1b" not in text
    assert max(map(len, text.splitlines()[1:])) <= 80  # the first names the file
    assert len(text.splitlines()) < 60


def test_fix_writes_a_copy_and_changes_nothing_else(tmp_path: Path, capsysbinary: Capture) -> None:
    path, out = tmp_path / "data.jsonl", tmp_path / "out.jsonl"
    odd = '{ "messages":[{"role":"user","content":"\\u00e9 1e2"},{"role":"assistant","content":"ok "}],"id":1.50}'
    path.write_bytes(b"\xef\xbb\xbf" + CLEAN.replace(b"\n", b"\r\n", 2) + b"\n" + odd.encode() + b"\nbroken\n")
    before = path.read_bytes()
    status, said = run(capsysbinary, "fix", path, "-o", out, "--json")
    report = json.loads(said)
    assert status == 1 and report["path"] == str(out)
    assert report["fixed"] == {
        "file_bom": 1,
        "line_endings": 2,
        "blank_line": 1,
        "unknown_top_level_key": 1,
        "surrounding_whitespace": 1,
    }
    assert report["remaining"]["invalid_json"] == 1
    mended = odd.replace(',"id":1.50', "").replace("ok ", "ok")
    assert out.read_bytes() == CLEAN + mended.encode() + b"\nbroken\n"
    assert path.read_bytes() == before


def test_fix_of_one_rule_leaves_all_else(tmp_path: Path, capsysbinary: Capture) -> None:
    path, out = tmp_path / "data.jsonl", tmp_path / "out.jsonl"
    data = b"\xef\xbb\xbf" + chat(1, "ok ").encode() + b"\r\n\n" + chat(2, "ok ", id=1).encode()
    path.write_bytes(data)
    run(capsysbinary, "fix", path, "-o", out, "--rule", "surrounding_whitespace")
    assert out.read_bytes() == data.replace(b"ok ", b"ok")


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--rule", "no_such_rule"], "no rule"),
        (["--rule", "missing_content"], "no fix"),
        (["--rule", "unrecognized_role"], "--unsafe"),
    ],
)
def test_fix_says_what_it_cannot_do(
    words: list[str], what: str, clean: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.jsonl"
    assert main(["fix", str(clean), "-o", str(out), *words]) == 2
    assert what in capfd.readouterr().err and not out.exists()


def test_fix_never_writes_its_source(clean: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["fix", str(clean), "-o", str(clean)]) == 2
    assert clean.read_bytes() == CLEAN


def test_unsafe_fixes_are_asked_for(tmp_path: Path, capsysbinary: Capture) -> None:
    path, out = tmp_path / "data.jsonl", tmp_path / "out.jsonl"
    path.write_bytes(
        CLEAN + chat(61).replace("assistant", "bot").encode() + b"\n" + '{"a": "é"}\n'.encode("cp1252")
    )
    run(capsysbinary, "fix", path, "-o", out)
    assert out.read_bytes() == path.read_bytes()
    run(capsysbinary, "fix", path, "-o", out, "--unsafe")
    assert out.read_bytes() == CLEAN + chat(61).encode() + b"\n" + '{"a": "é"}\n'.encode()


def test_the_fix_of_a_rule_is_offered_for_as_much_as_it_repairs(tmp_path: Path, capsysbinary: Capture) -> None:
    said = '{"messages":[{"role":"%s","content":"Hi"},{"role":"assistant","content":"Yo."}]}\n'
    path = tmp_path / "roles.jsonl"
    path.write_text(said % "captain" + said % "human")
    assert b"--rule unrecognized_role repairs some" in run(capsysbinary, "check", path)[1]
    path.write_text(said % "human")
    assert b"repairs some" not in run(capsysbinary, "check", path)[1]
