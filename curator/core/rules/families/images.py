"""Rules on images, as far as they can be checked without fetching anything."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from curator.core.example import Path
from curator.core.rules.context import Context
from curator.core.rules.has import Has
from curator.core.rules.registry import Finding, rule
from curator.core.rules.subject import Subject, quote

MAX_IMAGES, MAX_IMAGES_AZURE = 10, 64
MAX_IMAGE_BYTES = 10_000_000
_DATA = re.compile(r"data:([\w.+/-]*)(?:;[\w=.+-]*)*;base64,", re.ASCII)
_OTHER_SUFFIX = re.compile(r"\.(gif|bmp|tiff?|svg|heic|heif|avif|ico|pdf)\Z", re.IGNORECASE)
_PRIVATE = re.compile(r"(?:10|127|192\.168|169\.254|172\.(?:1[6-9]|2\d|3[01]))\.[\d.]+\Z")


def images(subject: Subject) -> Iterator[tuple[Path, Any, str | None]]:
    """Each image part: its place, its message's role, and its URL (None where it has no URL string)."""
    for turn in subject.turns:
        for index, part in enumerate(turn.content if isinstance(turn.content, list) else ()):
            if isinstance(part, dict) and part.get("type") == "image_url":
                holder = part.get("image_url")
                url = holder.get("url") if isinstance(holder, dict) else None
                yield (*turn.path, "content", index), turn.role, url if isinstance(url, str) else None


@rule(
    "image_in_assistant",
    "E",
    53,
    "an image outside a user message",
    "models read images and do not answer with them; the service refuses the example",
    when=Has.PARTS,
)
def image_in_assistant(subject: Subject, context: Context) -> Iterator[Finding]:
    for path, role, _ in images(subject):
        if role != "user":
            yield Finding(path, f"an image in a message of role {quote(role)}; only user messages may hold one")


@rule(
    "image_too_many",
    "E",
    54,
    "more than 10 images in an example (64 on Azure)",
    "the service refuses the example",
    when=Has.PARTS,
)
def image_too_many(subject: Subject, context: Context) -> Iterator[Finding]:
    limit = MAX_IMAGES_AZURE if context.profile == "azure" else MAX_IMAGES
    count = sum(1 for _ in images(subject))
    if count > limit:
        yield Finding((), f"{count} images; an example may have {limit}")


@rule(
    "image_too_large",
    "E",
    55,
    "an image of more than 10 MB",
    "the service leaves it out or refuses the example",
    when=Has.PARTS,
)
def image_too_large(subject: Subject, context: Context) -> Iterator[Finding]:
    for path, _, url in images(subject):
        match = _DATA.match(url) if url else None
        size = (len(url or "") - match.end()) * 3 // 4 if match else 0
        if size > MAX_IMAGE_BYTES:
            yield Finding((*path, "image_url", "url"), f"an image of {size / 1e6:.1f} MB; 10 MB is the limit")


@rule(
    "image_format",
    "E",
    56,
    "not JPEG, PNG or WEBP in RGB or RGBA; bad base64; neither http(s) nor a data URL",
    "the service leaves the image out or refuses the example",
    when=Has.PARTS,
)
def image_format(subject: Subject, context: Context) -> Iterator[Finding]:
    for path, _, url in images(subject):
        wrong = "an image needs an object with a url" if url is None else _image_flaw(url)
        if wrong:
            yield Finding((*path, "image_url", "url") if url is not None else path, wrong)


def _image_flaw(url: str) -> str | None:
    if url.lower().startswith(("http://", "https://")):
        suffix = _OTHER_SUFFIX.search(urlsplit_path(url))
        return f"a .{suffix[1]} image; JPEG, PNG and WEBP are taken" if suffix else None
    match = _DATA.match(url)
    if match is None:
        return f"{quote(url)} is neither an http(s) address nor a base64 data URL"
    if match[1].lower() not in ("image/jpeg", "image/jpg", "image/png", "image/webp"):
        return f"{quote(match[1])} is none of image/jpeg, image/png and image/webp"
    if len(url) - match.end() > MAX_IMAGE_BYTES * 4 // 3:
        return None  # not decoded: image_too_large reports it
    try:
        data = base64.b64decode(url[match.end() :], validate=True)
    except (binascii.Error, ValueError):
        return "the image is not valid base64"
    return _pixel_flaw(data)


def urlsplit_path(url: str) -> str:
    """The path of a URL; empty where it is not valid."""
    try:
        return urlsplit(url).path
    except ValueError:
        return ""


def _pixel_flaw(data: bytes) -> str | None:
    """Why an image file is not accepted, from its first bytes (PNG, JFIF and RIFF specifications); None if it
    is."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return None if data[25:26] in (b"\x02", b"\x06") else "a PNG that is neither RGB nor RGBA"
    if data.startswith(b"\xff\xd8\xff"):
        return None if _jpeg_channels(data) in (3, None) else "a JPEG that is not RGB"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return None
    return "the data are no JPEG, PNG or WEBP"


def _jpeg_channels(data: bytes) -> int | None:
    """The number of colour components in a JPEG's frame header; None where there is no such header."""
    at = 2
    while at + 9 < len(data) and data[at] == 0xFF:
        marker, size = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return data[at + 9]
        at += 2 + max(size, 2)
    return None


@rule(
    "image_detail_invalid",
    "E",
    56,
    "a `detail` of an image that is not auto, low or high",
    "the specification knows no other; the service refuses the example",
    when=Has.PARTS,
)
def image_detail_invalid(subject: Subject, context: Context) -> Iterator[Finding]:
    for turn in subject.turns:
        for index, part in enumerate(turn.content if isinstance(turn.content, list) else ()):
            holder = part.get("image_url") if isinstance(part, dict) and part.get("type") == "image_url" else None
            if isinstance(holder, dict) and "detail" in holder and not _is_detail(holder["detail"]):
                where = (*turn.path, "content", index, "image_url", "detail")
                yield Finding(where, f"the detail is {quote(holder['detail'])}; auto, low and high are known")


def _is_detail(value: Any) -> bool:
    return isinstance(value, str) and value in ("auto", "low", "high")


@rule(
    "image_may_be_skipped",
    "W",
    57,
    "an image address that is not public",
    "the service fetches images itself; it also leaves out pictures with people, faces, children or CAPTCHAs, "
    "which cannot be known without looking",
    when=Has.PARTS,
)
def image_may_be_skipped(subject: Subject, context: Context) -> Iterator[Finding]:
    for path, _, url in images(subject):
        if url and url.lower().startswith(("http://", "https://")) and not _is_public(url):
            yield Finding((*path, "image_url", "url"), f"{quote(url)} cannot be fetched from outside")


def _is_public(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return False
    local = host == "localhost" or host.endswith((".local", ".internal", ".lan", ".localhost")) or ":" in host
    return bool(host) and "." in host and not local and not _PRIVATE.match(host) and parts.username is None
