"""The server against hostile requests: who may ask, what may be sent, what is never written."""

from __future__ import annotations

import json
import os
import re
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.server.running import Running, jsonl


def raw(server: Running, request: bytes, wait: float = 5) -> bytes:
    """Send bytes as they are; everything that comes back until the server closes or nothing comes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=wait) as link:
        link.sendall(request)
        answer = b""
        try:
            while block := link.recv(65536):
                answer += block
                if b"\r\n\r\n" in answer and b"content-length" in answer.lower():
                    head, _, body = answer.partition(b"\r\n\r\n")
                    length = re.search(rb"content-length: (\d+)", head.lower())
                    if length and len(body) >= int(length[1]):
                        break
        except TimeoutError:
            pass
        return answer


def get(server: Running, path: str = "/v1/models", **headers: str) -> int:
    """The status of a GET with exactly these headers beside a right token and Host."""
    lines = {"Host": f"127.0.0.1:{server.port}", "Authorization": f"Bearer {server.token}", **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value)
    return int(raw(server, f"GET {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1")).split()[1])


def test_the_right_token_is_needed_before_anything_else(server: Running) -> None:
    assert get(server) == 200
    for wrong in ("", "Bearer", "Bearer x", f"Basic {server.token}", f"Bearer {server.token}x", "Bearer \xff"):
        for path in ("/v1/models", "/v1/nothing", "/", "/v1/files/file-x"):
            assert get(server, path, Authorization=wrong) == 401, wrong
    answer = httpx2.get(server.base_url + "/models", headers={"authorization": "Bearer sk-0123456789abcdef"})
    assert answer.json()["error"]["code"] == "invalid_api_key"
    assert "0123456789" not in answer.text


def test_other_names_and_web_pages_are_turned_away(server: Running) -> None:
    port = server.port
    for host in ("127.0.0.1", "localhost", "[::1]", "LOCALHOST"):
        assert get(server, Host=f"{host}:{port}") == 200
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1", f"127.0.0.1:{port + 1}", f"10.0.0.1:{port}"):
        assert get(server, Host=host) == 403, host
    assert get(server, Host="") == 400
    for origin in (
        "https://evil.example",
        "null",
        f"http://127.0.0.1:{port + 1}",
        f"https://127.0.0.1:{port}",
        "[",
    ):
        assert get(server, Origin=origin) == 403, origin
    assert get(server, Origin=f"http://127.0.0.1:{port}") == 200


def test_no_answer_invites_browsers(server: Running) -> None:
    for method in ("OPTIONS", "GET", "POST", "HEAD"):
        answer = httpx2.request(method, server.base_url + "/files", headers={"origin": "https://evil.example"})
        assert answer.status_code in (401, 403)
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_bodies_need_a_json_or_form_content_type(server: Running) -> None:
    headers = {"authorization": f"Bearer {server.token}"}
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        for path in ("/fine_tuning/jobs", "/chat/completions", "/uploads"):
            answer = httpx2.post(server.base_url + path, content=b"{}", headers={**headers, "content-type": kind})
            assert answer.status_code == 415


JUNK = [
    b"",
    b"null",
    b"[]",
    b'"x"',
    b"{",
    b"\xff\xfe",
    b'{"model": "\\ud800"}',
    b'{"model": NaN}',
    b"[" * 100_000,
    b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    b'{"model": ' + b"9" * 5000 + b"}",
    b'{"model": "\\u0000", "training_file": "\\u0000", "messages": [{}]}',
    b'{"model": {}, "messages": {}}',
    b'{"metadata": {"\\u0000": "\\u0000"}, "model": "tiny", "training_file": "x"}',
]


@pytest.mark.parametrize("body", JUNK)
@pytest.mark.parametrize(
    "path", ["/fine_tuning/jobs", "/chat/completions", "/uploads", "/uploads/upload_x/complete"]
)
def test_junk_is_a_4xx_in_the_service_s_shape(server: Running, path: str, body: bytes) -> None:
    headers = {"authorization": f"Bearer {server.token}", "content-type": "application/json"}
    answer = httpx2.post(server.base_url + path, content=body, headers=headers)
    assert 400 <= answer.status_code < 500
    assert answer.json()["error"]["type"] == "invalid_request_error"


PATHS = [
    "/v1/files/..%2f..%2ftoken",
    "/v1/files/%2e%2e/content",
    "/v1/files/file-%00",
    "/v1/files/" + "a" * 5000,
    "/v1/models/..%2f..%2f..%2fetc%2fpasswd",
    "/v1/fine_tuning/jobs/ftjob-/events?after=%00",
    "/v1/files/\xc3\xa9",
    "/v1//files",
    "/v1/files/",
    "/v1",
    "/etc/passwd",
]


@pytest.mark.parametrize("path", PATHS)
def test_odd_paths_are_404(server: Running, path: str) -> None:
    assert get(server, path) in (400, 404)


def test_odd_methods_and_queries(server: Running) -> None:
    headers = {"authorization": f"Bearer {server.token}"}
    for method, path in (
        ("PUT", "/files"),
        ("DELETE", "/fine_tuning/jobs"),
        ("PATCH", "/models"),
        ("TRACE", "/files"),
    ):
        answer = httpx2.request(method, server.base_url + path, headers=headers)
        assert answer.status_code == 405
        assert answer.json()["error"]["message"].startswith("Not allowed")
    for query in ("limit=1e5", "limit=%00", "limit=٣", "limit=-5", "limit=" + "9" * 5000, "after=%ff"):
        assert httpx2.get(f"{server.base_url}/files?{query}", headers=headers).status_code == 400
    assert httpx2.get(f"{server.base_url}/files?limit=&metadata[=&x=%ff&&&", headers=headers).status_code == 200


def test_broken_http_is_refused(server: Running) -> None:
    host = f"Host: 127.0.0.1:{server.port}\r\nAuthorization: Bearer {server.token}\r\n".encode()
    for request in (
        b"GARBAGE\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\n" + host + b"Host: evil.example\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\n" + host + b"X: " + b"a" * 200_000 + b"\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\n" + host + b"A: b\r\n" * 20_000 + b"\r\n",
        b"POST /v1/uploads HTTP/1.1\r\n" + host + b"Content-Length: -1\r\n\r\n",
        b"POST /v1/uploads HTTP/1.1\r\n" + host + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST /v1/uploads HTTP/1.1\r\n" + host + b"Content-Length: 5\r\nTransfer-Encoding: x\r\n\r\nhello",
    ):
        try:
            answer = raw(server, request)
        except ConnectionError:
            continue  # closed while we were still sending
        assert not answer or answer.split()[1] in (b"400", b"403", b"431", b"501", b"415"), answer
    assert get(server) == 200


def test_two_authorizations_are_none(server: Running) -> None:
    lines = f"Host: localhost:{server.port}\r\n" + f"Authorization: Bearer {server.token}\r\n" * 2
    assert raw(server, f"GET /v1/models HTTP/1.1\r\n{lines}\r\n".encode()).split()[1] == b"401"


def test_an_upgrade_to_websocket_goes_nowhere(server: Running) -> None:
    status = get(server, Upgrade="websocket", Connection="Upgrade", **{"Sec-WebSocket-Key": "eA=="})
    assert status == 200  # answered as the plain request that it also is


def test_sizes_times_and_counts_are_capped(tmp_path: Path) -> None:
    limits = {
        "file_bytes": 10_000,
        "part_bytes": 1000,
        "json_bytes": 2000,
        "header_seconds": 0.5,
        "body_idle_seconds": 0.5,
        "connections": 20,
        "open_uploads": 2,
        "queued_jobs": 2,
    }
    server = Running(tmp_path, limits=limits)
    headers = {"authorization": f"Bearer {server.token}"}
    try:
        with httpx2.Client(base_url=server.base_url, headers=headers, timeout=20) as http:
            _too_large(server, http)
            _too_slow(server)
            _too_many(server, http)
    finally:
        server.close()


def test_a_disk_that_takes_no_more_is_told_and_survived(tmp_path: Path) -> None:
    server = Running(tmp_path, fsize=2_000_000)
    headers = {"authorization": f"Bearer {server.token}"}
    try:
        with httpx2.Client(base_url=server.base_url, headers=headers, timeout=20) as http:
            for size, status in ((1_000_000, 200), (5_000_000, 507), (1_000_000, 200)):
                form = {"files": {"file": ("a", b"{" * size)}, "data": {"purpose": "fine-tune"}}
                answer = http.post("files", **form)  # type: ignore[arg-type]
                assert answer.status_code == status, answer.text
            assert answer.json()["object"] == "file"
            assert len(http.get("files").json()["data"]) == 2
            while answer.status_code == 200:  # until the database's log takes no more
                answer = http.post("chat/completions", json=STORED)
            assert (answer.status_code, answer.json()["error"]["code"]) == (507, "insufficient_storage")
            assert http.get("files").status_code == 200
        assert list((server.data / "tmp").iterdir()) == []
    finally:
        server.close()


STORED = {"model": "tiny", "messages": [{"role": "user", "content": "x" * 200_000}], "store": True}


def _too_large(server: Running, http: httpx2.Client) -> None:
    small, large = {"file": ("a", b"{" * 9000)}, {"file": ("a", b"{" * 20_000)}
    assert http.post("files", files=small, data={"purpose": "fine-tune"}).status_code == 200
    assert http.post("files", files=large, data={"purpose": "fine-tune"}).status_code == 413
    upload = http.post(
        "uploads", json={"bytes": 9999, "filename": "a", "mime_type": "b", "purpose": "fine-tune"}
    ).json()
    assert http.post(f"uploads/{upload['id']}/parts", files={"data": b"x" * 1001}).status_code == 413
    assert http.post("fine_tuning/jobs", json={"model": "x" * 3000}).status_code == 413

    def endless() -> Any:
        for _ in range(100):
            yield b" " * 1000

    kind = {"content-type": "application/json"}
    assert http.post("fine_tuning/jobs", content=endless(), headers=kind).status_code == 413
    assert list((server.data / "tmp").iterdir()) == []


def _too_slow(server: Running) -> None:
    start = time.monotonic()
    assert raw(server, b"GET /v1/mod", wait=10) == b""
    host = f"Host: 127.0.0.1:{server.port}\r\nAuthorization: Bearer {server.token}\r\n".encode()
    body = b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    answer = raw(server, b"POST /v1/uploads HTTP/1.1\r\n" + host + body, wait=10)
    assert answer.split()[1] == b"408"
    assert time.monotonic() - start < 9


def _too_many(server: Running, http: httpx2.Client) -> None:
    one = {"bytes": 5, "filename": "a", "mime_type": "b", "purpose": "fine-tune"}
    assert [http.post("uploads", json=one).status_code for _ in range(3)] == [200, 429, 429]
    file = http.post("files", files={"file": ("a", jsonl(20))}, data={"purpose": "fine-tune"}).json()["id"]
    job = {"model": "slow", "training_file": file}
    answers = [http.post("fine_tuning/jobs", json=job) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json()["error"]["code"] == "rate_limit_exceeded"
    links = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(40)]
    time.sleep(1.2)  # their patience for a request's head is over
    for link in links:
        link.close()
    assert http.get("models").status_code == 200


def test_the_data_folder_is_the_user_s_alone(server: Running) -> None:
    def mode(path: Path) -> int:
        return stat.S_IMODE(path.stat().st_mode)

    assert mode(server.data) == 0o700
    assert mode(server.data / "token") == 0o600
    assert len(server.token) >= 40


def test_it_writes_nowhere_but_in_its_data_folder(tmp_path: Path, curator_home: Path) -> None:
    server = Running(tmp_path)
    try:
        with server.client() as client:
            client.files.create(file=("a.jsonl", jsonl(12)), purpose="fine-tune")
            client.chat.completions.create(model="tiny", messages=[{"role": "user", "content": "x"}])
    finally:
        server.close()
    assert {path.name for path in tmp_path.iterdir()} == {"data", "models"}
    assert list(curator_home.rglob("*")) == []


def test_the_server_process_stays_light(server: Running) -> None:
    with server.client() as client:
        client.files.create(file=("a.jsonl", jsonl(1) * 100_000), purpose="fine-tune")
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    peak = int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0])
    assert peak < 150 * 1024
    code = "import sys, curator.server.listen; print([m for m in sys.modules if m in %r])"
    heavy = ("numpy", "torch", "tokenizers", "transformers", "textual", "openai", "tiktoken", "jinja2", "pydantic")
    out = subprocess.run([sys.executable, "-c", code % (heavy,)], capture_output=True, text=True, check=True)
    assert json.loads(out.stdout.replace("'", '"')) == []


def test_an_idle_server_sleeps(server: Running) -> None:
    def ticks() -> int:
        return sum(map(int, Path(f"/proc/{server.process.pid}/stat").read_text().split()[13:15]))

    time.sleep(1)
    before = ticks()
    time.sleep(3)
    assert ticks() - before <= 1, f"{(ticks() - before) / os.sysconf('SC_CLK_TCK')} s of CPU in 3 s"
