"""`curator mcp`: the protocol, held to its SDK's client; no tool writes or spends; a session is replayed."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from curator.cli import mcp
from curator.cli.main import COMMANDS, WRITES, main
from curator.cli.mcp_tools import TOOLS, Toolbox, ToolError, _words
from curator.workspace.opening import open_workspace

pytestmark = pytest.mark.by_turns


def chat(number: int) -> str:
    texts = [("user", f"What is thing {number}?"), ("assistant", f"Thing {number}.")]
    return json.dumps({"messages": [{"role": role, "content": text} for role, text in texts]})


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """A workspace of twelve examples in the working folder, beside a file that the agent may not read."""
    monkeypatch.chdir(tmp_path)
    Path("data.jsonl").write_text("".join(chat(number) + "\n" for number in range(12)))
    Path("secret.jsonl").write_text(chat(99) + "\n")
    assert main(["import", "data.jsonl", "-w", "data.curator"]) == 0
    capsys.readouterr()
    return "data.curator"


def state(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def speak(paths: list[str], *messages: object) -> list[dict[str, Any]]:
    """The answers to some messages; a text is sent as it is."""
    lines = [each if isinstance(each, str) else json.dumps(each) for each in messages]
    answers = io.BytesIO()
    mcp.serve(io.BytesIO("".join(line + "\n" for line in lines).encode()), answers, paths)
    return [json.loads(line) for line in answers.getvalue().splitlines()]


def request(number: int, method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def test_messages_that_are_none_are_answered_by_their_codes(
    workspace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mcp, "LONGEST", 200)
    answers = speak(
        [workspace],
        "{",
        "[]",
        '"' + "x" * 900 + '"',
        {"jsonrpc": "2.0", "id": True, "method": "ping"},
        {"jsonrpc": "2.0", "id": 1, "method": "ping", "params": []},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 9, "result": {}},
        request(2, "resources/list"),
        request(3, "tools/call", name="apply"),
        request(4, "tools/call", name=["list"]),
        request(5, "ping"),
        request(6, "initialize", protocolVersion="1999-01-01"),
    )
    assert [each.get("error", {}).get("code") for each in answers] == [
        -32700, -32600, -32700, -32600, -32602, -32601, -32602, -32602, None, None,
    ]  # fmt: skip
    assert answers[-2] == {"jsonrpc": "2.0", "id": 5, "result": {}}
    assert answers[-1]["result"]["protocolVersion"] == mcp.VERSIONS[0]


HOSTILE: tuple[Any, ...] = (
    "--output=stolen.jsonl",
    "-o",
    "../../etc",
    "secret.jsonl",
    "/etc/passwd",
    "../secret.jsonl",
    "data.curator/../secret.jsonl",
    "'; rm -rf . #",
    "$(touch stolen)",
    "\x00",
    "\ud800",
    "\x1b[31m",
    "a" * 100_000,
    -1,
    2**70,
    True,
    None,
    ["data.curator"],
    {"op": "undo"},
    {"op": "delete", "filter": ""},
    {"op": "split", "validation": 0.5},
    {"op": "edit", "example": 1, "location": "messages[0].content", "value": "x", "why": 7},
    {"op": "export", "path": "stolen.jsonl"},
    {"op": ["add"], "example": {"messages": []}},
)


def test_no_tool_writes_whatever_it_is_sent(
    workspace: str, tmp_path: Path, curator_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every argument of every tool gets every hostile value, and as an unknown argument too."""
    import socket  # late: only to forbid it
    import subprocess

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a tool reached out")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(subprocess, "Popen", refuse)
    before = state(tmp_path), state(curator_home)
    with open_workspace(workspace, read_only=True) as opened:
        told = [(record.raw, record.labels, record.rating) for record in opened.records(opened.ids())]
        revision = opened.revision()
    box, answered = Toolbox([workspace]), 0
    for name, tool in TOOLS.items():
        for argument in (*tool.arguments, "yes", "output"):
            for value in HOSTILE:
                try:
                    json.loads(box.call(name, {argument: value}))
                    answered += 1
                except ToolError as error:
                    assert str(error) and "Traceback" not in str(error) and "unexpected" not in str(error)
    assert answered > 10
    after = state(tmp_path), state(curator_home)
    inbox = str(tmp_path / workspace / "proposals.db")
    assert {path: text for path, text in after[0].items() if path != inbox} == before[0]
    assert after[1] == before[1]
    with open_workspace(workspace, read_only=True) as opened:
        assert [(record.raw, record.labels, record.rating) for record in opened.records(opened.ids())] == told
        assert opened.revision() == revision


def test_the_tools_are_commands_that_only_read() -> None:
    commands = {name for name in TOOLS if name not in ("paths", "propose")}
    assert commands <= COMMANDS.keys()
    assert commands & WRITES == {"dedup", "history", "proposals"}  # which write only with options
    harmless = {"--json", "--filter", "--sort", "--profile", "--model", "--limit", "--offset", "--", "p"}
    for name in commands:
        words = _words(name, "p", dict.fromkeys(TOOLS[name].arguments, 1))
        assert {word.split("=")[0] for word in words} <= {name, *harmless}
    assert {name for name, tool in TOOLS.items() if not tool.read_only} == {"propose"}


def test_a_session_of_an_agent_and_the_person_who_decides(
    workspace: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Schema, reads, three proposals; two are accepted, one is rejected; an undo takes all of it back."""

    def tool(number: int, name: str, **arguments: Any) -> dict[str, Any]:
        return request(number, "tools/call", name=name, arguments=arguments)

    edit = {"op": "edit", "example": 2, "location": "messages[1].content", "value": "It is thing 1."}
    answers = speak(
        [workspace],
        request(0, "initialize", protocolVersion="2025-06-18", clientInfo={"name": "robot\x1b[31m"}),
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        request(1, "tools/list"),
        tool(2, "schema", command="apply"),
        tool(3, "check"),
        tool(4, "list", filter="line:2", limit=1),
        tool(5, "propose", operation=edit, why="whole sentences"),
        tool(6, "propose", operation={"op": "rate", "example": 3, "rating": 4}),
        tool(7, "propose", operation={"op": "delete", "example": 4}),
        tool(8, "propose", operation={"op": "delete", "example": 999}),
        tool(9, "proposals"),
    )
    texts = {each["id"]: each["result"]["content"][0]["text"] for each in answers[2:]}
    told = {number: json.loads(text) for number, text in texts.items() if number != 8}
    assert len(answers[1]["result"]["tools"]) == len(TOOLS)
    assert "edit" in told[2]["operations"] and told[3]["files"][0]["sound"]
    assert told[4]["examples"][0]["id"] == 2
    assert [told[number]["proposal"] for number in (5, 6, 7)] == [1, 2, 3]
    assert answers[-2]["result"]["isError"] and "there is no example 999" in texts[8]
    assert told[9]["open"] == 3 and {each["by"] for each in told[9]["proposals"]} == {"robot␛[31m"}
    with open_workspace(workspace, read_only=True) as opened:
        assert opened.revision() == 1 and b"Thing 1." in opened.raw(2)
    assert main(["proposals", workspace, "--accept", "1", "2"]) == 0
    assert main(["proposals", workspace, "--reject", "3"]) == 0
    capsys.readouterr()
    with open_workspace(workspace, read_only=True) as opened:
        assert b"It is thing 1." in opened.raw(2) and opened.row(3).rating == 4 and not opened.row(4).deleted
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b'{"op": "undo"}\n{"op": "undo"}\n')))
    assert main(["apply", workspace]) == 0
    capsys.readouterr()
    with open_workspace(workspace, read_only=True) as opened:
        assert b"Thing 1." in opened.raw(2) and opened.row(3).rating is None
    assert json.loads(Toolbox([workspace]).call("proposals", {}))["open"] == 3


def test_the_sdk_of_the_protocol_understands_it(workspace: str) -> None:
    sdk = pytest.importorskip("mcp")
    from mcp.client.stdio import StdioServerParameters, stdio_client  # late: it may not be installed

    kept = ("CURATOR", "PYTHONPATH", "PATH")
    environment = {name: value for name, value in os.environ.items() if name.startswith(kept)}
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "curator", "mcp", workspace], env=environment, cwd=str(Path.cwd())
    )

    async def session() -> None:
        async with stdio_client(command, errlog=errors) as (read, write), sdk.ClientSession(read, write) as client:
            begun = await client.initialize()
            listed = await client.list_tools()
            assert {tool.name for tool in listed.tools} == set(TOOLS)
            answer = await client.call_tool("list", {"filter": "thing", "limit": 2})
            assert json.loads(answer.content[0].text)["total"] == 12
            wrong = await client.call_tool("stats", {"path": "secret.jsonl"})
            assert (getattr(wrong, "is_error", None) or getattr(wrong, "isError", None)) is True
            assert begun is not None

    with Path(os.devnull).open("w") as errors:
        asyncio.run(session())
