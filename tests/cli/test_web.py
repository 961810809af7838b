"""`curator web`: only who has the token, on this machine's names, reaches the UI; a real browser edits in it."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from curator.cli.main import main
from curator.workspace.opening import open_workspace
from tests.tui.scene import chat, dataset, many

pytestmark = [
    pytest.mark.by_turns,
    pytest.mark.skipif(not find_spec("textual_serve"), reason="the extra web is not installed"),
]
PATIENCE = 60.0


@contextmanager
def served(path: Path) -> Iterator[tuple[str, str]]:
    """`curator web` on a dataset; yields its address without the token, and the token."""
    child = subprocess.Popen(
        [sys.executable, "-m", "curator", "web", str(path), "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, "TEXTUAL_ANIMATIONS": "none"},
    )  # fmt: skip
    assert child.stdout is not None
    try:
        address, _, token = json.loads(child.stdout.readline())["url"].partition("/#")
        yield address, token
    finally:
        child.send_signal(signal.SIGINT)
        assert child.wait(PATIENCE) == 0


async def open_in_browser_words(path: Path) -> None:
    """The checks, then the UI over its WebSocket: list, edit, leave in the middle of another edit."""
    import aiohttp  # slow: only where these tests run

    with served(path) as (address, token):
        port = address.rpartition(":")[2]
        async with aiohttp.ClientSession() as stranger:
            for where, method, headers, status in (
                ("/", "GET", {"Host": f"evil.example:{port}"}, 403),
                ("/", "GET", {"Origin": "http://evil.example"}, 403),
                ("/", "GET", {}, 200),
                ("/static/js/textual.js", "GET", {}, 401),
                ("/ws", "GET", {}, 403),
                ("/ws", "GET", {"Origin": address}, 401),
                ("/login", "POST", {}, 401),
            ):
                async with stranger.request(method, address + where, headers=headers, data=None) as answer:
                    assert answer.status == status, (where, headers)
                    text = await answer.text()
                    assert token not in text
                    assert "terminal" not in text
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as own:
            async with own.post(f"{address}/login", data=token) as answer:
                assert answer.status == 200
                cookie = answer.headers["Set-Cookie"]
                assert "HttpOnly" in cookie
                assert "SameSite=Strict" in cookie
            async with own.get(address) as answer:
                page = await answer.text()
                assert "data-session-websocket-url" in page
                assert not re.search(r'(?:src|href)="https://', page)
            socket = f"{address.replace('http', 'ws')}/ws?width=80&height=24"
            async with own.ws_connect(socket, headers={"Origin": address}) as ws:
                await until(ws, "Question number 3")
                await ws.send_json(["stdin", "e"])
                await until(ws, "editing line 1")
                await ws.send_json(["stdin", "typed in a browser"])
                await until(ws, "browser")
        await asyncio.sleep(0.5)


async def until(ws: Any, words: str) -> None:
    """Read what the terminal is sent until these words stand in it."""
    seen = ""
    async with asyncio.timeout(PATIENCE):
        while words not in seen:
            message = await ws.receive()
            data = message.data.encode() if isinstance(message.data, str) else message.data
            assert isinstance(data, bytes), message
            seen += re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", data.decode("utf-8", "replace"))


async def test_only_its_own_page_reaches_the_ui_and_leaving_saves(tmp_path: Path) -> None:
    path = dataset(tmp_path, many(3))
    await open_in_browser_words(path)
    with open_workspace(path) as workspace:
        assert b"typed in a browser" in workspace.raw(1)


@pytest.mark.parametrize(
    ("words", "says"), [(["--port", "99999"], "is no port"), (["nothing-here.jsonl"], "does not exist")]
)
def test_bad_input_is_a_sentence(words: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["web", *words]) == 2
    assert says in capsys.readouterr().err


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Browser:
    """A page of a headless Chromium, by its DevTools protocol."""

    def __init__(self, ws: Any) -> None:
        self._ws, self._number = ws, 0
        self.seen = ""
        """What the page's WebSocket received, without escape sequences."""

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method and return its result; what the terminal is sent meanwhile is kept."""
        self._number += 1
        await self._ws.send_json({"id": self._number, "method": method, "params": params})
        async with asyncio.timeout(PATIENCE):
            while True:
                message = json.loads((await self._ws.receive()).data)
                self._keep(message)
                if message.get("id") == self._number:
                    assert "error" not in message, message
                    result: dict[str, Any] = message["result"]
                    return result

    def _keep(self, message: dict[str, Any]) -> None:
        if message.get("method") == "Network.webSocketFrameReceived":
            frame = message["params"]["response"]
            data = (
                base64.b64decode(frame["payloadData"]) if frame["opcode"] == 2 else frame["payloadData"].encode()
            )
            self.seen += re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", data.decode("utf-8", "replace"))

    async def until(self, words: str) -> None:
        """Wait until the terminal was sent these words, and forget what came before."""
        async with asyncio.timeout(PATIENCE):
            while words not in self.seen:
                self._keep(json.loads((await self._ws.receive()).data))
        self.seen = ""

    async def type(self, text: str) -> None:
        """Type a text."""
        await self.call("Input.insertText", text=text)

    async def press(self, key: str, code: int) -> None:
        """Press a key that is no letter."""
        for kind in ("rawKeyDown", "keyUp"):
            await self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)


@asynccontextmanager
async def browsing(profile: Path) -> AsyncIterator[Browser]:
    """A page of a Chromium that keeps its files in a folder of its own."""
    import aiohttp  # slow: only where these tests run

    assert CHROMIUM is not None
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", "about:blank"]
    browser = await asyncio.create_subprocess_exec(
        CHROMIUM, f"--user-data-dir={profile}", *flags,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert browser.stderr is not None
        async with asyncio.timeout(PATIENCE):
            line = b""
            while b"DevTools listening on " not in line:
                line = await browser.stderr.readline()
        root = line.decode().split("listening on ")[1].strip()
        port = root.split(":")[2].partition("/")[0]
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json") as answer:
                pages = await answer.json()
            target = next(page for page in pages if page["type"] == "page")
            async with session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as ws:
                page = Browser(ws)
                await page.call("Network.enable")
                await page.call("Page.enable")
                yield page
    finally:
        browser.kill()
        await browser.wait()


async def work_in_chromium(path: Path, folder: Path) -> None:
    """Open, edit, undo, look at the train dialog, close, and open again."""
    with served(path) as (address, token):
        async with browsing(folder) as page:
            await page.call("Page.navigate", url=f"{address}/#{token}")
            await page.until("Question number 3")
            shown = await page.call("Runtime.evaluate", expression="location.href")
            assert token not in shown["result"]["value"]
            await page.call("Runtime.evaluate", expression="document.querySelector('textarea').focus()")
            await page.type("e")
            await page.until("editing line 1")
            await page.type("written in Chromium")
            await page.until("Chromium")
            await page.press("Escape", 27)
            await page.until("Saved")
            await page.type("u")
            await page.until("(answer1)")
            await page.type("T")
            await page.until("Epochs")
            await page.press("Escape", 27)
            await page.call("Page.navigate", url="about:blank")
            await page.call("Page.navigate", url=address)
            await page.until("Question number 3")


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here: Debian's package chromium has one")
async def test_a_real_browser_opens_edits_undoes_and_comes_back(tmp_path: Path) -> None:
    path = dataset(tmp_path, [*many(3), chat("last", "(x)")])
    await work_in_chromium(path, tmp_path / "chromium")
    with open_workspace(path) as workspace:
        assert b"Chromium" not in workspace.raw(1)
        assert any("Chromium" in change.label or change.kind == "edit" for change in workspace.history(9))
