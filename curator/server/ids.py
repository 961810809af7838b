"""Ids in OpenAI's shape: a prefix and 24 random letters or digits. Every id is made and checked here."""

from __future__ import annotations

import re
import secrets
import string

FILE = "file-"
UPLOAD = "upload_"
PART = "part_"
JOB = "ftjob-"
STUDY = "study-"
EVENT = "ftevent-"
CHECKPOINT = "ftckpt_"
COMPLETION = "chatcmpl-"

_LETTERS = string.ascii_letters + string.digits
_BODY = re.compile(r"[A-Za-z0-9]{24}\Z")


def new(prefix: str) -> str:
    """A new unguessable id: the prefix and 24 letters or digits."""
    return prefix + tail(24)


def tail(length: int) -> str:
    """`length` random letters or digits."""
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


def is_id(text: str, prefix: str) -> bool:
    """Whether `text` has the shape of an id made by `new(prefix)`. Only such a text may become a file's name."""
    return text.startswith(prefix) and _BODY.match(text, len(prefix)) is not None
