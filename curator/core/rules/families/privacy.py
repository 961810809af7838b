"""Rules on content that should not be in training data: keys, personal data, texts that moderation blocks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from curator.core.example import Path
from curator.core.rules.context import Context
from curator.core.rules.families.messages import value_at
from curator.core.rules.has import Has
from curator.core.rules.registry import Finding, rule, severities
from curator.core.rules.subject import Subject
from curator.core.splice import Edit


class Hit(NamedTuple):
    """A key or personal datum in a text, and the mask that the fix writes in its place."""

    name: str
    mask: str
    start: int
    end: int


_KEYS = (
    ("sk-", re.compile(r"sk-(?:proj-|svcacct-|ant-)?[A-Za-z0-9_-]{20,}")),
    ("AKIA", re.compile(r"AKIA[0-9A-Z]{16}\b")),
    ("AIza", re.compile(r"AIza[0-9A-Za-z_-]{35}")),
    ("gh", re.compile(r"gh[pousr]_[A-Za-z0-9]{36,}")),
    ("xox", re.compile(r"xox[abprs]-\d[A-Za-z0-9-]*\d{7}[A-Za-z0-9-]*")),
)
_PEM = re.compile(r"-----BEGIN ((?:[A-Z]+ )*PRIVATE KEY)-----(?:.*?-----END \1-----)?", re.DOTALL)
_TOKEN = re.compile(r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}", re.ASCII)
_LOCAL_PART = re.compile(r"[\w.+-]+\Z", re.ASCII)
_DOMAIN = re.compile(r"[\w-]{1,63}(?:\.[\w-]{1,63})*\.[A-Za-z]{2,24}\b", re.ASCII)
_RUN = re.compile(r"[0-9+(][0-9 ().-]{6,}[0-9]")
_PHONE = re.compile(
    r"\+\d{1,3}[ .-]?(?:\(?\d{1,4}\)?[ .-]?){1,4}\d{2,4}|\(\d{3}\) ?\d{3}[ .-]\d{4}|\d{3}[ .-]\d{3}[ .-]\d{4}"
)
_CARD = re.compile(r"[3-6](?:[ -]?\d){12,18}")
_WORDLIKE = re.compile(r"[\w.+-]")


def has_luhn_digit(text: str) -> bool:
    """Whether the last digit of `text` is the check digit of a payment card (Luhn, ISO/IEC 7812-1)."""
    digits = [int(character) for character in reversed(text) if character.isdigit()]
    doubled = [digit if at % 2 == 0 else digit * 2 - 9 * (digit > 4) for at, digit in enumerate(digits)]
    return sum(doubled) % 10 == 0


def secrets(text: str) -> Iterator[Hit]:
    """The keys and tokens in a text; the letters with which a kind begins are searched first, which is faster."""
    for hint, pattern in (*_KEYS, ("eyJ", _TOKEN), ("-----BEGIN", _PEM)):
        if hint in text:
            name = {"eyJ": "a JSON Web Token", "-----BEGIN": "a private key"}.get(hint, "an API key")
            for match in pattern.finditer(text):
                if not match.start() or not text[match.start() - 1].isalnum():
                    yield Hit(name, "[SECRET]", match.start(), match.end())


def personal_data(text: str) -> Iterator[Hit]:
    """The e-mail addresses, telephone numbers and card numbers in a text."""
    at = text.find("@")
    while at >= 0:
        name, domain = _LOCAL_PART.search(text, max(0, at - 64), at), _DOMAIN.match(text, at + 1)
        if name and domain:
            yield Hit("an e-mail address", "[EMAIL]", name.start(), domain.end())
        at = text.find("@", at + 1)
    for run in _RUN.finditer(text):
        before, after = text[max(0, run.start() - 1) : run.start()], text[run.end() : run.end() + 1]
        if (before and _WORDLIKE.match(before)) or after.isalnum():
            continue
        card = _CARD.fullmatch(run[0])
        if card and has_luhn_digit(run[0]):
            yield Hit("a card number", "[CARD]", run.start(), run.end())
        elif _PHONE.fullmatch(run[0]) and 8 <= sum(map(str.isdigit, run[0])) <= 15:
            yield Hit("a telephone number", "[PHONE]", run.start(), run.end())


def _report(subject: Subject, find: Callable[[str], Iterator[Hit]]) -> Iterator[Finding]:
    for turn in subject.turns:
        for path, text in turn.texts():
            names: set[str] = set()
            for hit in find(text):
                if hit.name not in names:
                    names.add(hit.name)
                    yield Finding(path, f"what looks like {hit.name} at character {hit.start + 1}")


def _mask(find: Callable[[str], Iterator[Hit]], text: str) -> str:
    for hit in sorted(find(text), key=lambda hit: -hit.start):
        text = text[: hit.start] + hit.mask + text[hit.end :]
    return text


def _mask_secrets(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    yield Edit("set", path, _mask(secrets, value_at(subject, path)))


def _mask_personal(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    yield Edit("set", path, _mask(personal_data, value_at(subject, path)))


@rule(
    "secret_like",
    "W",
    71,
    "text that looks like an API key, a private key or a JSON Web Token",
    "a tuned model can be made to repeat its training data",
    when=Has.MARKS,
    fix=("unsafe", "mask it", _mask_secrets),
)
def secret_like(subject: Subject, context: Context) -> Iterator[Finding]:
    return _report(subject, secrets)


@rule(
    "pii_like",
    "W",
    71,
    "text that looks like an e-mail address, a telephone number or a card number (with a right check digit)",
    "personal data in training data can come out again",
    when=Has.MARKS | Has.DIGITS,
    fix=("unsafe", "mask it", _mask_personal),
)
def pii_like(subject: Subject, context: Context) -> Iterator[Finding]:
    return _report(subject, personal_data)


RISKY = re.compile(
    r"\b[Kk]ill your(?:self|selves| self| family| parents)\b|\b[Cc]ommit(?:ting)? suicide\b"
    r"|\b(?:[Mm]ake|[Bb]uild)s? (?:a |an |the )?(?:\w+ )?bombs?\b"
)
"""Phrases that moderation models flag in nearly every context; only a hint, no classifier."""


@rule(
    "moderation_risk",
    severities("W", local="I"),
    72,
    "text that the service's moderation is likely to flag",
    "a file with too many such examples is blocked as a whole; only the service's own check decides",
    when=Has.RISKY,
)
def moderation_risk(subject: Subject, context: Context) -> Iterator[Finding]:
    for turn in subject.turns:
        for path, text in turn.texts():
            match = RISKY.search(text)
            if match:
                yield Finding(path, f"moderation may flag '{match[0]}'")
