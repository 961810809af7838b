"""Files and uploads in parts through the real SDK."""

from __future__ import annotations

import hashlib
import io
import sqlite3
import threading
from typing import Any

import httpx2
import openai
import pytest
from openai import OpenAI

from tests.server.running import Running, jsonl


def upload(
    client: OpenAI, name: str = "a.jsonl", data: bytes = b"", purpose: Any = "fine-tune", **more: Any
) -> str:
    return client.files.create(file=(name, data or jsonl(2)), purpose=purpose, **more).id


def test_a_file_comes_back_byte_for_byte(client: OpenAI) -> None:
    data = jsonl(10) + b"\xff\x00\r\n--not-a-boundary\r\n" * 1000
    file = client.files.create(file=("träin/../data.jsonl", data), purpose="fine-tune")
    assert (file.bytes, file.filename, file.purpose) == (len(data), "träin/../data.jsonl", "fine-tune")
    assert file.status == "processed"
    assert client.files.retrieve(file.id) == file
    assert client.files.content(file.id).read() == data
    assert client.files.delete(file.id).deleted
    for call in (client.files.retrieve, client.files.content, client.files.delete):
        with pytest.raises(openai.NotFoundError, match=f"No such File object: {file.id}"):
            call(file.id)


def test_several_megabytes_stream_through(client: OpenAI) -> None:
    data = jsonl(1) * 60_000
    file_id = upload(client, data=data)
    assert hashlib.sha256(client.files.content(file_id).read()).digest() == hashlib.sha256(data).digest()
    client.files.delete(file_id)


def test_files_page_in_both_orders(client: OpenAI) -> None:
    made = [upload(client) for _ in range(5)]
    assert [file.id for file in client.files.list(purpose="fine-tune", order="asc", limit=2)][-5:] == made
    assert [file.id for file in client.files.list(purpose="fine-tune", limit=2)][:5] == made[::-1]
    page = client.files.list(purpose="fine-tune", order="asc", limit=2, after=made[1])
    assert [file.id for file in page.data] == made[2:4]
    assert page.has_more
    assert client.files.list(purpose="batch").data == []
    for wrong in ({"limit": 0}, {"limit": 10_001}, {"order": "up"}, {"after": "file-x"}, {"limit": "many"}):
        with pytest.raises(openai.BadRequestError):
            client.files.list(**wrong)


def test_a_file_that_expires_is_gone_then(client: OpenAI, server: Running) -> None:
    file_id = upload(client, expires_after={"anchor": "created_at", "seconds": 3600})
    assert client.files.retrieve(file_id).expires_at is not None
    for seconds in (3599, 2_592_001):
        with pytest.raises(openai.BadRequestError) as caught:
            upload(client, expires_after={"anchor": "created_at", "seconds": seconds})
        assert caught.value.param == "expires_after.seconds"
    with sqlite3.connect(server.data / "server.db") as db:
        db.execute("UPDATE files SET expires_at = 1 WHERE id = ?", (file_id,))
    db.close()
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(file_id)
    upload(client)
    assert not (server.data / "files" / file_id).exists()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'[{"a": 1},\n{"a": 2}]', 'Line 1 is not a dictionary (HINT: line starts with: "[{"'),
        (b"\n\nhello,world\n", 'Line 3 is not a dictionary (HINT: line starts with: "hello,world..."'),
        (b"  \n \n", "The file is empty"),
        ("{}".encode("utf-16"), "Line 1 is not a dictionary"),
    ],
)
def test_what_is_no_json_lines_is_refused_at_once(
    client: OpenAI, server: Running, data: bytes, message: str
) -> None:
    before = sorted((server.data / "files").iterdir())
    with pytest.raises(openai.BadRequestError) as caught:
        upload(client, data=data, purpose="fine-tune")
    assert message in caught.value.message
    assert sorted((server.data / "files").iterdir()) == before
    assert list((server.data / "tmp").iterdir()) == []


def test_wrong_purposes_are_named(client: OpenAI) -> None:
    for purpose in ("fine-tune-results", "cooking", ""):
        with pytest.raises(openai.BadRequestError) as caught:
            upload(client, purpose=purpose)
        assert caught.value.param == "purpose"
    useless: list[Any] = ["assistants", "batch", "vision", "user_data", "evals"]
    for purpose in useless:  # nothing here could use such a file
        with pytest.raises(openai.BadRequestError, match="not supported by this local server") as caught:
            upload(client, purpose=purpose)
        assert (caught.value.param, caught.value.code) == ("purpose", "invalid_value")
        with pytest.raises(openai.BadRequestError, match="not supported by this local server"):
            client.uploads.create(bytes=5, filename="x", mime_type="text/plain", purpose=purpose)


FORM = "multipart/form-data; boundary=XX"
PART = b'--XX\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
FILE = PART % (b"file", b'; filename="a.jsonl"', b"{}")
PURPOSE = PART % (b"purpose", b"", b"fine-tune")
BROKEN_FORMS = [
    (FORM, b"", 400),
    (FORM, b"hello", 400),
    (FORM, FILE + PURPOSE, 400),
    (FORM, FILE + FILE + PURPOSE + b"--XX--\r\n", 400),
    (FORM, PURPOSE + b"--XX--\r\n", 400),
    (FORM, FILE + b"--XX--\r\n", 400),
    (FORM, PURPOSE * 30 + FILE + b"--XX--\r\n", 400),
    (FORM, PART % (b"purpose", b"", b"x" * 10_000) + FILE + b"--XX--\r\n", 400),
    ("multipart/form-data", FILE, 400),
    ("multipart/form-data; boundary=" + "B" * 500, FILE, 400),
    ("application/json", b"{}", 415),
    ("text/plain", b"{}", 415),
    (FORM, PURPOSE + FILE + b"--XX--\r\n", 200),
]


@pytest.mark.parametrize(("kind", "body", "status"), BROKEN_FORMS)
def test_broken_forms_leave_nothing(server: Running, kind: str, body: bytes, status: int) -> None:
    headers = {"authorization": f"Bearer {server.token}", "content-type": kind}
    answer = httpx2.post(server.base_url + "/files", content=body, headers=headers)
    assert answer.status_code == status, answer.text
    assert status == 200 or answer.json()["error"]["type"] == "invalid_request_error"
    assert list((server.data / "tmp").iterdir()) == []


def test_an_upload_in_parts_becomes_one_file(client: OpenAI) -> None:
    data = jsonl(5000)
    parts = [data[at : at + 60_000] for at in range(0, len(data), 60_000)]
    upload = client.uploads.create(
        bytes=len(data), filename="big.jsonl", mime_type="text/jsonl", purpose="fine-tune"
    )
    assert upload.status == "pending"
    ids = [""] * len(parts)

    def send(index: int) -> None:
        ids[index] = client.uploads.parts.create(upload.id, data=parts[index]).id

    threads = [threading.Thread(target=send, args=(index,)) for index in range(len(parts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done = client.uploads.complete(upload.id, part_ids=ids, md5=hashlib.md5(data).hexdigest())
    assert done.status == "completed"
    assert done.file is not None
    assert client.files.content(done.file.id).read() == data
    with pytest.raises(openai.BadRequestError, match="is completed"):
        client.uploads.parts.create(upload.id, data=b"x")
    with pytest.raises(openai.BadRequestError, match="is completed"):
        client.uploads.cancel(upload.id)


def test_the_sdk_s_own_chunking_works(client: OpenAI) -> None:
    data = jsonl(2000)
    done = client.uploads.upload_file_chunked(
        file=data,
        filename="c.jsonl",
        bytes=len(data),
        mime_type="text/jsonl",
        purpose="fine-tune",
        part_size=50_000,
    )
    assert done.file is not None
    assert done.file.bytes == len(data)


def test_uploads_that_do_not_add_up_are_refused(client: OpenAI, server: Running) -> None:
    upload = client.uploads.create(bytes=10, filename="x.txt", mime_type="text/plain", purpose="fine-tune")
    first = client.uploads.parts.create(upload.id, data=io.BytesIO(b"12345")).id
    second = client.uploads.parts.create(upload.id, data=b"67890").id
    for ids, md5, message in (
        ([first], None, "hold 5 bytes"),
        ([first, first], None, "has no part"),
        ([first, "part_x"], None, "has no part"),
        ([first, second], "0" * 32, "md5"),
    ):
        with pytest.raises(openai.BadRequestError, match=message):
            client.uploads.complete(upload.id, part_ids=ids, md5=md5 or openai.omit)
    with pytest.raises(openai.BadRequestError, match="exceed 10 bytes"):
        client.uploads.parts.create(upload.id, data=b"x" * 30)
    assert client.uploads.cancel(upload.id).status == "cancelled"
    assert list((server.data / "parts").iterdir()) == []
    with pytest.raises(openai.NotFoundError):
        client.uploads.cancel("upload_nothere")


def test_an_upload_expires_after_its_hour(client: OpenAI, server: Running) -> None:
    upload = client.uploads.create(bytes=5, filename="x", mime_type="text/plain", purpose="fine-tune")
    part = client.uploads.parts.create(upload.id, data=b"12345")
    with sqlite3.connect(server.data / "server.db") as db:
        db.execute("UPDATE uploads SET expires_at = 1 WHERE id = ?", (upload.id,))
    db.close()
    with pytest.raises(openai.BadRequestError, match="is expired"):
        client.uploads.complete(upload.id, part_ids=[part.id])


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"bytes": 0}, "bytes"),
        ({"bytes": 9 * 2**30}, "bytes"),
        ({"bytes": "5"}, "bytes"),
        ({"purpose": "user_data"}, "purpose"),
        ({"filename": ""}, "filename"),
        ({"expires_after": {"anchor": "now", "seconds": 4000}}, "expires_after.anchor"),
    ],
)
def test_bad_upload_requests_name_the_field(client: OpenAI, fields: dict[str, Any], param: str) -> None:
    whole = {"bytes": 5, "filename": "x", "mime_type": "text/plain", "purpose": "fine-tune", **fields}
    with pytest.raises(openai.BadRequestError) as caught:
        client.uploads.create(**whole)
    assert caught.value.param == param
