"""A hub on the loopback interface that keeps repositories in memory, and refuses on demand. For tests only."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

TOKEN = "hf_QwErTyUiOpAsDfGhJkLzXcVbNm012345"


@dataclass
class FakeRepository:
    files: dict[str, bytes] = field(default_factory=dict)
    private: bool = True
    commits: int = 1

    @property
    def sha(self) -> str:
        return hashlib.sha1(b"%d" % self.commits).hexdigest()


def is_large(name: str) -> bool:
    return name.endswith((".safetensors", ".parquet"))


class FakeHub:
    """`repositories` by (kind, name). `faults`: (pattern of `METHOD path`, status or what else), for all such."""

    def __init__(self) -> None:
        self.repositories: dict[tuple[str, str], FakeRepository] = {}
        self.stored: dict[str, bytes] = {}
        self.faults: list[tuple[str, int | str]] = []
        self.wrong: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": self}))
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def add(self, kind: str, name: str, files: dict[str, bytes], *, private: bool = True) -> FakeRepository:
        self.repositories[kind, name] = FakeRepository(files, private)
        return self.repositories[kind, name]


class _Handler(BaseHTTPRequestHandler):
    hub: FakeHub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def _reply(self, status: int, body: Any = None, raw: bytes | None = None, **headers: str) -> None:
        data = json.dumps(body).encode() if raw is None else raw
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _do(self) -> None:
        path = unquote(urlsplit(self.path).path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.hub.requests.append(f"{self.command} {path}")
        for pattern, what in self.hub.faults:
            if re.search(pattern, f"{self.command} {path}"):
                return self._spoil(what)
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token and token != TOKEN:
            return self._reply(401, {}, X_Error_Message="Invalid credentials in Authorization header")
        return self._answer(path, body, has_token=bool(token))

    do_GET = do_HEAD = do_POST = do_PUT = _do

    def _spoil(self, what: int | str) -> None:
        if isinstance(what, int):
            return self._reply(what, {"error": "no"}, Retry_After="7", X_Error_Message=f"said {TOKEN}")
        if what == "html":
            return self._reply(200, raw=b"<html>\x1b]0;hostile\x07</html>")
        if what == "cut":
            self.send_response(200)
            for name, value in (("Content-Length", "4000"), ("ETag", '"x"'), ("X-Repo-Commit", "0" * 40)):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"half of it")
        self.close_connection = True
        return None

    def _answer(self, path: str, body: bytes, *, has_token: bool) -> None:
        if path == "/api/whoami-v2":
            return self._reply(200, {"name": "me"}) if has_token else self._reply(401, {})
        if path == "/api/validate-yaml":
            return self._reply(200, {"errors": [], "warnings": []})
        if path == "/api/repos/create":
            return self._create(json.loads(body))
        if path.startswith("/upload/"):
            self.hub.stored[path.removeprefix("/upload/")] = body
            return self._reply(200, {})
        match = re.match(r"/(?:api/)?(datasets/|models/)?([\w.-]+/[\w.-]+?)(?:\.git)?(?:/(.*))?\Z", path)
        kind = "dataset" if match and match[1] == "datasets/" else "model"
        repository = self.hub.repositories.get((kind, match[2])) if match else None
        if repository is None or not match or (repository.private and not has_token):
            return self._reply(404 if has_token else 401, {"error": "no"}, X_Error_Code="RepoNotFound")
        return self._of(repository, match[2], match[3] or "", body)

    def _create(self, request: dict[str, Any]) -> None:
        name = f"{request.get('organization') or 'me'}/{request['name']}"
        self.hub.add(request.get("type", "model"), name, {}, private=request.get("visibility") == "private")
        self._reply(200, {"url": f"{self.hub.address}/{name}"})

    def _of(self, repository: FakeRepository, name: str, rest: str, body: bytes) -> None:
        what, _, tail = rest.partition("/")
        if what in ("", "revision"):
            siblings = [_sibling(name, data) for name, data in repository.files.items()]
            facts = {"id": name, "sha": repository.sha, "private": repository.private, "siblings": siblings}
            return self._reply(200, facts)
        if what == "resolve":
            file = tail.partition("/")[2]
            data = self.hub.wrong.get(file, repository.files[file])
            return self._reply(200, raw=data, X_Repo_Commit=repository.sha, ETag=f'"{hash(file) & 0xFFFF}"')
        if what == "preupload":
            modes = [
                {"path": each["path"], "uploadMode": "lfs" if is_large(each["path"]) else "regular",
                 "shouldIgnore": False}
                for each in json.loads(body)["files"]
            ]  # fmt: skip
            return self._reply(200, {"files": modes})
        if what == "info":
            request = json.loads(body)["objects"]
            upload = [{**each, "actions": {"upload": {"href": f"{self.hub.address}/upload/{each['oid']}"}}}
                      for each in request]  # fmt: skip
            return self._reply(200, {"transfer": "basic", "objects": upload})
        assert what == "commit"
        return self._commit(repository, f"/datasets/{name}", body)

    def _commit(self, repository: FakeRepository, page: str, body: bytes) -> None:
        lines = [json.loads(line) for line in body.splitlines()]
        parent = lines[0]["value"].get("parentCommit")
        if parent not in (None, repository.sha):
            return self._reply(412, {"error": "A commit has happened since"})
        for line in lines[1:]:
            value = line["value"]
            large = line["key"] == "lfsFile"
            repository.files[value["path"]] = (
                self.hub.stored[value["oid"]] if large else base64.b64decode(value["content"])
            )
        repository.commits += 1
        return self._reply(
            200, {"commitUrl": f"{self.hub.address}{page}/commit/{repository.sha}", "commitOid": repository.sha}
        )


def _sibling(name: str, data: bytes) -> dict[str, Any]:
    blob = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
    lfs = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
    return {"rfilename": name, "size": len(data), "blobId": blob, **({"lfs": lfs} if is_large(name) else {})}
