"""Find the local server, or start it. It goes on running when the program that started it exits."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

import curator
from curator import locks, paths
from curator.errors import ProviderError
from curator.jobs import keys
from curator.jobs.http.client import RequestLimits, open_client
from curator.jobs.providers import LOCAL_MODEL, Provider
from curator.loopback import is_loopback
from curator.settings import ProviderSettings

IDLE_EXIT = 900.0
"""Seconds without a request or a job after which a server that we started exits."""
START_SECONDS = 90.0
"""Longest wait, in seconds, until a new server listens; the machine may be busy."""
_QUICK = RequestLimits(connect=2, read=10, total=10, retries=0)
_SECRETS = ("OPENAI_API_KEY", "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_AD_TOKEN", "OPENAI_ADMIN_KEY")


@dataclass(frozen=True)
class Address:
    """Where the server listens, and its bearer token, which `repr` does not show."""

    base_url: str
    key: keys.Key

    @property
    def token(self) -> str:
        """The bearer token."""
        return self.key.reveal()


async def find_running() -> Address | None:
    """The address of the local server; None where none answers."""
    address = _read_address()
    return address if address is not None and await _answers(address) else None


async def find_or_start(idle_exit: float | None = None) -> Address:
    """The address of the local server, started first where none is running.

    Raises ProviderError, with the last line of its log, where it does not start.
    """
    if address := await find_running():
        return address
    busy = "Another Curator has been starting the local server for minutes; see curator doctor."
    async with locks.hold(paths.state_dir() / "server.lock", START_SECONDS, busy):
        if address := await find_running():
            return address
        return await _start(IDLE_EXIT if idle_exit is None else idle_exit)


def pull_command(name: str = LOCAL_MODEL) -> list[str]:
    """The command line that fetches a base model, to be run as a process of its own."""
    return [sys.executable, "-m", "curator", "models", "pull", name]


async def pull(name: str = LOCAL_MODEL) -> None:
    """Fetch a base model; its progress is written to our stderr. Raises ProviderError where that fails."""
    process = await asyncio.create_subprocess_exec(
        *pull_command(name), stdout=sys.stderr.fileno(), env=child_environment()
    )
    if await process.wait():
        raise ProviderError(f"The base model {name} could not be fetched; see: curator models pull {name}")


def child_environment() -> dict[str, str]:
    """The environment for a child process: it imports this same package, and holds no provider's key."""
    env = {name: value for name, value in os.environ.items() if name not in _SECRETS}
    package = str(Path(curator.__file__).parent.parent)
    env["PYTHONPATH"] = os.pathsep.join(filter(None, (package, env.get("PYTHONPATH"))))
    return env


def _read_address() -> Address | None:
    """The address in `server.json`; None where its process is not alive or its token cannot be read."""
    try:
        record: Any = orjson.loads((paths.server_dir() / "server.json").read_bytes())
        base_url, pid = str(record["base_url"]).rstrip("/"), int(record["pid"])
        token = Path(record["token_file"]).read_text("ascii").strip()
    except (OSError, ValueError, KeyError, TypeError):
        return None
    host = base_url.split("//", 1)[-1].rsplit(":", 1)[0].strip("[]")
    if not token or not is_loopback(host.split("/")[0]) or not _alive(pid):
        return None
    return Address(base_url if base_url.endswith("/v1") else base_url + "/v1", keys.Key(token))


def _alive(pid: int) -> bool:
    """Whether a process of this id exists."""
    if os.name != "posix":
        return True  # Windows has no signal 0; the request that follows tells
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


async def _answers(address: Address) -> bool:
    """Whether the server answers a request."""
    provider = Provider("local", ProviderSettings("local", base_url=address.base_url))
    async with open_client(provider, address.base_url, address.token, _QUICK) as client:
        try:
            await client.models()
        except ProviderError:
            return False
    return True


async def _start(idle_exit: float) -> Address:
    """Start the server as a process of its own and wait until it answers. Raises ProviderError."""
    home = paths.data_dir()
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = paths.state_dir() / "server.log"
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "curator.server", "--idle-exit", f"{idle_exit:g}"],
            stdin=subprocess.DEVNULL,
            stdout=handle,
            stderr=handle,
            cwd=home,
            env=child_environment(),
            start_new_session=True,
        )
    finally:
        os.close(handle)
    for _ in range(int(START_SECONDS / 0.1)):
        if address := await find_running():
            return address
        if process.poll() is not None:
            break
        await asyncio.sleep(0.1)
    raise ProviderError(
        f"The local server did not start: {_last_line(log)} (all of it: {log}; docs/server.md).",
        title="Local server",
    )


def _last_line(log: Path) -> str:
    try:
        lines = log.read_text("utf-8", "replace").strip().splitlines()
    except OSError:
        lines = []
    return lines[-1][:300] if lines else "it said nothing"
