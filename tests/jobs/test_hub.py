"""Data sets and adapters come from a hub and go to one: whole or not at all, told first, no token ever seen."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub
import pytest

from curator import log
from curator.cli.main import main
from curator.errors import UsageError
from curator.jobs.hub.hub import Hub, require_name
from tests.jobs.fake_hub import TOKEN, FakeHub

Told = pytest.CaptureFixture[str]


def chat(number: int, answer: str = "Yes.") -> str:
    texts = [("user", f"Is {number} a number?"), ("assistant", answer)]
    return json.dumps({"messages": [{"role": role, "content": text} for role, text in texts]})


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    fake = FakeHub()
    monkeypatch.setenv("HF_ENDPOINT", fake.address)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    monkeypatch.chdir(tmp_path)
    yield fake
    fake.close()


def told_once(told: Told) -> str:
    """The one sentence on stderr, which holds neither the token nor a traceback."""
    seen = told.readouterr()
    lines = [line for line in seen.err.splitlines() if line.startswith("curator: ")]
    assert len(lines) == 1 and TOKEN not in seen.err + seen.out and "Traceback" not in seen.err, seen.err
    return lines[0]


def test_a_data_set_comes_whole_and_proven(hub: FakeHub, tmp_path: Path, capsys: Told) -> None:
    data = (chat(1) + "\n").encode()
    files = {
        "data/train.jsonl": data,
        "README.md": b"# x",
        "run.py": b"import os",
        ".gitattributes": b"",
        "a.png": b"1",
    }
    hub.add("dataset", "me/data", {**files, "data/held.parquet": b"PAR1"}, private=False)
    assert main(["hub", "pull", "me/data", "-o", "here", "--dry-run", "--json"]) == 0
    tried = json.loads(capsys.readouterr().out)
    assert [each["name"] for each in tried["files"]] == ["README.md", "data/held.parquet", "data/train.jsonl"]
    assert not any(tmp_path.iterdir())
    assert main(["hub", "pull", "me/data", "-o", "here"]) == 0
    assert "curator import here/data/held.parquet" in capsys.readouterr().err
    there = {
        str(each.relative_to("here")): each.read_bytes() for each in Path("here").rglob("*") if each.is_file()
    }
    assert there == {name: {**files, "data/held.parquet": b"PAR1"}[name] for name in
                     ("data/train.jsonl", "README.md", "data/held.parquet")}  # fmt: skip
    assert [each.name for each in tmp_path.iterdir()] == ["here"]

    Path("here/README.md").write_text("mine")
    assert main(["hub", "pull", "me/data", "-o", "here"]) == 2
    assert "is there already" in told_once(capsys)
    hub.wrong["data/train.jsonl"] = data.replace(b"Yes", b"Nay")
    assert main(["hub", "pull", "me/data", "-o", "here", "--replace"]) == 3
    assert "other bytes" in told_once(capsys)
    assert Path("here/README.md").read_text() == "mine"
    hub.wrong.clear()
    assert main(["hub", "pull", "me/data", "-o", "here", "--replace"]) == 0
    assert Path("here/README.md").read_text() == "# x"


def test_an_adapter_comes_without_pickles(hub: FakeHub, capsys: Told) -> None:
    pickled = {"adapter_config.json": b"{}", "adapter_model.bin": b"\x80"}
    hub.add("model", "me/lora", {**pickled, "adapter_model.safetensors": b"weights", "train.jsonl": b"{}"})
    assert main(["hub", "pull", "me/lora", "--adapter", "-o", "lora"]) == 0
    assert sorted(each.name for each in Path("lora").iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
    ]
    hub.add("model", "me/old", pickled)
    capsys.readouterr()
    assert main(["hub", "pull", "me/old", "--adapter", "-o", "old"]) == 2
    assert "pickle" in told_once(capsys)
    assert not Path("old").exists()


def test_a_name_that_leads_out_is_refused(hub: FakeHub, tmp_path: Path, capsys: Told) -> None:
    for name in ("../out.jsonl", "a/../../b.jsonl", "/etc/x.json", "a\\b.jsonl", "con.jsonl", "a\n.csv",
                 "a//x.jsonl", "./x.jsonl", "C:x.jsonl", "a/ .jsonl"):  # fmt: skip
        hub.add("dataset", "me/data", {"train.jsonl": b"{}\n", name: b"x"})
        assert main(["hub", "pull", "me/data", "-o", "in/here"]) == 2, name
        assert "no plain path below a folder" in told_once(capsys)
    assert not any(tmp_path.iterdir())
    hub.add("dataset", "me/data", {"A.jsonl": b"{}\n", "a.jsonl": b"x"})
    assert main(["hub", "pull", "me/data", "-o", "here"]) == 2
    assert "one file on many disks" in told_once(capsys)


def test_every_refusal_is_a_sentence(hub: FakeHub, tmp_path: Path, capsys: Told) -> None:
    Path("d.jsonl").write_text(chat(1) + "\n")
    hub.add("dataset", "me/data", {"train.jsonl": b"{}\n"})
    pull = ["hub", "pull", "me/data", "-o", "here"]
    push = ["hub", "push", "d.jsonl", "me/new", "--yes"]
    look, send, make, commit = "GET /api/datasets", "GET /datasets/.*resolve", "POST /api/repos", "POST .*commit"
    for words, where, what, says in (
        (pull, look, 401, "(401)"), (pull, look, 403, "(403)"), (pull, look, 404, "no such thing"),
        (pull, look, 429, "Try again in 7 seconds"), (pull, look, 500, "(500): it has a fault of its own"),
        (pull, look, 503, "(503)"), (pull, look, "html", "no answer of a hub"), (pull, look, "drop", "broke off"),
        (pull, send, 403, "(403)"), (pull, send, 404, "(404)"), (pull, send, 502, "(502)"),
        (pull, send, "cut", "nothing was kept"), (pull, look, "cut", "nothing was kept"),
        (push, make, 402, "asks for money"),
        (push, make, 403, "no right to do so"), (push, make, 409, "changed meanwhile"),
        (push, commit, "drop", "look at"), (push, commit, 500, "(500)"), (push, look, 429, "(429)"),
    ):  # fmt: skip
        hub.faults = [(where, what)]
        hub.repositories.pop(("dataset", "me/new"), None)
        assert main(words) == 3, (where, what)
        assert says in told_once(capsys), (where, what)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["d.jsonl"]
    hub.faults = []
    hub.close()
    huggingface_hub.close_session()
    assert main(pull) == 3
    assert "cannot be reached" in told_once(capsys)
    assert not log.log_path().exists() or TOKEN not in log.log_path().read_text()


def test_a_push_tells_what_it_carries_and_replaces_nothing_unasked(
    hub: FakeHub, tmp_path: Path, capsys: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [json.loads(chat(number)) for number in range(20)]
    rows[3]["messages"][0]["name"] = "Erika"
    rows[4]["customer"] = 7
    rows[5]["messages"][0]["content"] = "Write to erika.mustermann@example.org"
    Path("d.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert main(["import", "d.jsonl", "-w", "w.curator"]) == 0
    Path("ops.jsonl").write_text(
        '{"op": "label", "example": 1, "label": "good"}\n{"op": "note", "example": 2, "note": "ask Erika"}\n'
        '{"op": "review", "example": 3, "state": "rejected"}\n{"op": "split", "validation": 0.2, "seed": 1}\n'
    )
    assert main(["apply", "w.curator", "ops.jsonl"]) == 0
    capsys.readouterr()
    push = ["hub", "push", "w.curator", "me/data", "--marks", "sidecar"]
    assert main([*push, "--dry-run"]) == 0
    seen = capsys.readouterr().out
    for words in ("would be made; only those whom you let in", "good (1)", "ask Erika", "Erika (1)",
                  "customer (1)",
                  "rejected (1)", "validation.jsonl", "train.jsonl.marks.jsonl", "would send"):  # fmt: skip
        assert words in seen, words
    assert "looks private" in seen
    assert not hub.repositories and not any("POST" in each for each in hub.requests)
    assert main(push) == 2
    assert "nothing was sent" in told_once(capsys) and not hub.repositories

    assert main([*push, "--yes", "--json"]) == 0
    done = json.loads(capsys.readouterr().out)
    made = hub.repositories["dataset", "me/data"]
    assert made.private and done["made"] and done["carries"]["labels"] == {"good": 1}
    assert sum(made.files[name].count(b"\n") for name in ("train.jsonl", "validation.jsonl")) == 20
    assert main([*push, "--yes", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["commit"] is None

    made.files["train.jsonl"] = b"somebody else's\n"
    made.files["README.md"] = b"theirs"
    assert main([*push, "--yes"]) == 2
    assert "would be replaced" in told_once(capsys) and made.files["train.jsonl"] == b"somebody else's\n"
    assert main([*push, "--yes", "--replace"]) == 0
    assert made.files["train.jsonl"].count(b"\n") > 1 and made.files["README.md"] == b"theirs"
    made.private = False
    capsys.readouterr()
    assert main(["hub", "push", "d.jsonl", "me/data", "--yes", "--replace"]) == 2
    assert "is public" in told_once(capsys)
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: None)
    assert main([*push, "--yes"]) == 2
    assert "needs a token" in told_once(capsys)


def test_a_commit_of_somebody_else_is_not_lost(
    hub: FakeHub, capsys: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("d.jsonl").write_text(chat(1) + "\n")
    made = hub.add("dataset", "me/data", {})
    real = Hub.find

    def find_and_be_overtaken(self: Hub, *args: object) -> object:
        found = real(self, *args)  # type: ignore[arg-type]
        made.commits += 1
        return found

    monkeypatch.setattr(Hub, "find", find_and_be_overtaken)
    assert main(["hub", "push", "d.jsonl", "me/data", "--yes"]) == 3
    assert "changed meanwhile" in told_once(capsys) and made.files == {}


def test_names_and_addresses(hub: FakeHub, capsys: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    assert require_name("hf://datasets/me/data") == "me/data"
    for name in (
        "",
        "..",
        "../x",
        "me/../x",
        "me/data/more",
        "a b/c",
        "-x/y",
        "me/x--y",
        "me/x.git",
        "me/\x1b[0m",
    ):
        with pytest.raises(UsageError):
            require_name(name)
    with pytest.raises(UsageError):
        require_name("squad", owner=True)
    for address in ("http://hub.example.org", "ftp://x", "https://me:secret@hub.example.org", "nothing"):
        monkeypatch.setenv("HF_ENDPOINT", address)
        assert main(["hub", "pull", "me/data", "-o", "x"]) == 2
        assert "HF_ENDPOINT" in told_once(capsys)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert main(["hub", "pull", "me/data", "-o", "x"]) == 2
    assert "curator-ft[hub]" in told_once(capsys)


def test_an_adapter_goes_with_its_weights(hub: FakeHub, capsys: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(name: str, folder: Path) -> Path:
        assert name == "ft:tiny:local::x"
        folder.mkdir()
        (folder / "adapter_model.safetensors").write_bytes(b"weights" * 100)
        (folder / "README.md").write_text("# x\n")
        return folder

    monkeypatch.setattr("curator.cli.models.export_peft", write)
    push = ["hub", "push", "ft:tiny:local::x", "me/lora", "--adapter", "--yes"]
    assert main(push) == 0
    assert "usual system prompt" in capsys.readouterr().out
    assert hub.repositories["model", "me/lora"].files["adapter_model.safetensors"] == b"weights" * 100
    assert main([*push, "--filter", "x"]) == 2
    assert main(["hub", "push", "tiny", "squad", "--adapter"]) == 2
