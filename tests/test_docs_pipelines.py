"""Every command on the pages for teams, pipelines and agents runs, in the order of the page."""

from __future__ import annotations

import io
import json
import re
import shlex
from pathlib import Path

import pytest

from curator.cli.main import main

DOCS = Path(__file__).parent.parent / "docs"
PAGES = ("ci", "teams", "agents")


def blocks(page: str, language: str) -> list[str]:
    """The code blocks of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", (DOCS / f"{page}.md").read_text("utf-8"), re.M | re.S)


def chat(number: int) -> str:
    texts = [("system", "You answer."), ("user", f"What is thing {number}?"), ("assistant", f"Thing {number}.")]
    return json.dumps({"messages": [{"role": role, "content": text} for role, text in texts]})


def run_line(line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    """Run `[echo TEXT |] curator … [> FILE]` as a shell would; exit status, and what it said on stderr."""
    if line == "curator diff mine.curator theirs.curator":
        assert main(shlex.split(line)[1:]) in (0, 1)  # 1: they differ
        return 0, capsys.readouterr().err
    words, text, target = shlex.split(line), "", None
    if words[0] == "echo":
        text = words[1] + "\n"
        words = words[words.index("|") + 1 :]
    if ">" in words:
        target = Path(words[words.index(">") + 1])
        words = words[: words.index(">")]
    assert words[0] == "curator", line
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode()), "utf-8"))
    status = main(words[1:])
    told = capsys.readouterr()
    if target is not None:
        target.write_text(told.out, "utf-8")
    return status, told.err


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """A folder with the files that the pages name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.jsonl").write_text("".join(chat(number) + "\n" for number in range(12)))
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "page.toml").write_text("\n".join(blocks("ci", "toml")))
    (tmp_path / "rules" / "page.py").write_text("\n".join(blocks("ci", "python")))
    return tmp_path


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_the_page_runs(
    page: str, workplace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [line[2:] for block in blocks(page, "console") for line in block.splitlines() if line.startswith("$ ")]
    assert len(lines) > 3
    for line in lines:
        status, told = run_line(line, capsys, monkeypatch)
        assert status == 0, (line, told)
    assert workplace.is_dir()
