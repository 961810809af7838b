"""A hub of data sets and models, as Hugging Face's: its address, a token that is never shown, what lies there."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from curator import log
from curator.core.text import one_line
from curator.errors import UsageError
from curator.jobs.hub.refusals import HubRefused, told_plainly
from curator.loopback import is_loopback

if TYPE_CHECKING:
    from huggingface_hub import HfApi

Kind = Literal["dataset", "model"]
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}(?:/[A-Za-z0-9][A-Za-z0-9._-]{0,95})?\Z")
_REVISION = re.compile(r"[A-Za-z0-9][\w./-]{0,199}\Z", re.ASCII)
_WORDS: dict[Kind, str] = {"dataset": "data set", "model": "model"}
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class HubFile:
    """One file of a repository: its name with `/`, its size in bytes, and the hash that names its contents."""

    name: str
    bytes: int
    sha256: str | None
    blob: str | None
    """The id of a git blob, which names the contents of files that are not stored apart."""

    def holds(self, path: Path) -> bool:
        """Whether a file on the disk has these contents; True for the same size without a hash."""
        size = path.stat().st_size
        if size != self.bytes:
            return False
        if self.sha256 is None and self.blob is None:
            return True
        blob = self.sha256 is None
        digest = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False) if blob else hashlib.sha256()
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
        return digest.hexdigest() == (self.blob if blob else self.sha256)


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository as it is now: its commit, whether only some people see it, and its files by name."""

    name: str
    kind: Kind
    commit: str
    private: bool
    files: dict[str, HubFile]


class Hub:
    """The hub that HF_ENDPOINT names, by default Hugging Face's, with the token of HF_TOKEN or `hf auth login`."""

    def __init__(self) -> None:
        if importlib.util.find_spec("huggingface_hub") is None:
            raise UsageError("curator hub needs huggingface_hub: pip install 'curator-ft[hub]'")
        from huggingface_hub import HfApi, constants, get_token  # heavy
        from huggingface_hub.utils import disable_progress_bars, logging

        disable_progress_bars()
        logging.set_verbosity(logging.CRITICAL)  # its words quote addresses that may hold a signature
        self.address = (os.environ.get("HF_ENDPOINT") or constants.ENDPOINT).rstrip("/")
        self.host = _host_of(self.address)
        token = get_token()
        if token:
            log.protect(token)
        self.has_token = bool(token)
        self.api: HfApi = HfApi(endpoint=self.address, token=token or False)

    def look(self, name: str, kind: Kind, revision: str | None = None) -> Repository:
        """The repository as it is now. Raises HubRefused, with `status` 404 or 401 where there is none to see."""
        if revision is not None and (not _REVISION.match(revision) or ".." in revision):
            raise UsageError(f"'{one_line(revision, 60)}' is no revision: name a branch, a tag or a commit")
        with told_plainly(self.host, f"read the {_WORDS[kind]} {name}", has_token=self.has_token):
            info = self.api.repo_info(name, repo_type=kind, revision=revision, files_metadata=True, timeout=30)
            files = [
                HubFile(
                    str(each.rfilename), int(each.size or 0),
                    str(each.lfs.sha256) if each.lfs else None, each.blob_id,
                )
                for each in info.siblings or []
            ]  # fmt: skip
            commit = str(info.sha)
            if not re.fullmatch(r"[0-9a-f]{40}", commit):
                raise ValueError("no commit")
            return Repository(name, kind, commit, bool(info.private), {file.name: file for file in files})

    def find(self, name: str, kind: Kind) -> Repository | None:
        """As `look`; None where there is none that this token can see. Raises HubRefused for everything else."""
        try:
            return self.look(name, kind)
        except HubRefused as refusal:
            if refusal.status == 404 or (refusal.status == 401 and self.has_token and self._knows_token()):
                return None  # the hub also answers 401 where there is no such repository
            raise

    def _knows_token(self) -> bool:
        """Whether the token is somebody's. Raises HubRefused."""
        with told_plainly(self.host, "tell whose token this is", has_token=True):
            return bool(self.api.whoami())

    def page(self, name: str, kind: Kind) -> str:
        """The address of a repository's page."""
        return f"{self.address}/{'datasets/' if kind == 'dataset' else ''}{name}"


def require_name(text: str, *, owner: bool = False) -> str:
    """A repository's name, `OWNER/NAME`; without `owner` old ones without owner as well. Raises UsageError."""
    name = text.removeprefix("hf://").removeprefix("datasets/")
    plain = bool(_NAME.match(name)) and ".." not in name and "--" not in name and not name.endswith((".git", "."))
    if not plain or (owner and "/" not in name):
        raise UsageError(
            f"'{one_line(text, 60)}' is no name on a hub: it is OWNER/NAME, of letters, digits and - _ ."
        )
    return name


def _host_of(address: str) -> str:
    """The host of the hub's address. Raises UsageError where a token would be sent readable for everybody."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        place = f"{host}:{parts.port}" if parts.port else host
    except ValueError:
        host, place, parts = "", "", urlsplit("")
    if not host or parts.scheme not in ("http", "https"):
        raise UsageError(f"HF_ENDPOINT is no address of a hub: '{one_line(log.redact(address), 80)}'")
    if parts.username or parts.password:
        raise UsageError("HF_ENDPOINT holds a name or password: take it out, and set HF_TOKEN")
    if parts.scheme == "http" and not is_loopback(host):
        raise UsageError(f"HF_ENDPOINT is http://{host}: your token could be read on the way; use https")
    return place
