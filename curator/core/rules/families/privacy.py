"""Rules on content that should not be in training data: keys, personal data, texts that moderation blocks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import orjson

from curator.core.check_digits import has_luhn_digit, iban_spans
from curator.core.example import Path
from curator.core.rules.context import Context
from curator.core.rules.families.messages import value_at
from curator.core.rules.has import Has
from curator.core.rules.registry import Finding, rule, severities
from curator.core.rules.subject import Subject, Turn
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
_SSN = re.compile(r"(?<![\w.+-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])", re.ASCII)
"""A US social security number as it is written; none has the area 000, 666 or 9xx, group 00 or serial 0000."""


def secrets(text: str) -> Iterator[Hit]:
    """The keys and tokens in a text; the letters with which a kind begins are searched first, which is faster."""
    for hint, pattern in (*_KEYS, ("eyJ", _TOKEN), ("-----BEGIN", _PEM)):
        if hint in text:
            name = {"eyJ": "a JSON Web Token", "-----BEGIN": "a private key"}.get(hint, "an API key")
            for match in pattern.finditer(text):
                if not match.start() or not text[match.start() - 1].isalnum():
                    yield Hit(name, "[SECRET]", match.start(), match.end())


def personal_data(text: str) -> Iterator[Hit]:
    """E-mail addresses, telephone and card numbers, IBANs and US social security numbers in a text."""
    at = text.find("@")
    while at >= 0:
        name, domain = _LOCAL_PART.search(text, max(0, at - 64), at), _DOMAIN.match(text, at + 1)
        if name and domain:
            yield Hit("an e-mail address", "[EMAIL]", name.start(), domain.end())
        at = text.find("@", at + 1)
    yield from _numbers(text)


def _numbers(text: str) -> Iterator[Hit]:
    """The numbers among personal data (telephone, card, IBAN, social security); the hits do not overlap."""
    ibans = list(iban_spans(text))
    yield from (Hit("an IBAN", "[IBAN]", *span) for span in ibans)
    if "-" in text:
        yield from (Hit("a US social security number", "[SSN]", *match.span()) for match in _SSN.finditer(text))
    for run in _RUN.finditer(text):
        before, after = text[max(0, run.start() - 1) : run.start()], text[run.end() : run.end() + 1]
        inside = any(start < run.end() and run.start() < end for start, end in ibans)
        if inside or (before and _WORDLIKE.match(before)) or after.isalnum():
            continue
        card = _CARD.fullmatch(run[0])
        if card and has_luhn_digit(run[0]):
            yield Hit("a card number", "[CARD]", run.start(), run.end())
        elif _PHONE.fullmatch(run[0]) and 8 <= sum(map(str.isdigit, run[0])) <= 15:
            yield Hit("a telephone number", "[PHONE]", run.start(), run.end())


def _texts(turn: Turn) -> Iterator[tuple[Path, str]]:
    """Every text of a message with its place: content, refusal, arguments of calls."""
    yield from turn.texts()
    message = turn.message
    if isinstance(message.get("refusal"), str):
        yield (*turn.path, "refusal"), message["refusal"]
    calls = message.get("tool_calls")
    called = [
        ((*turn.path, "tool_calls", index, "function"), call.get("function"))
        for index, call in enumerate(calls if isinstance(calls, list) else ())
        if isinstance(call, dict)
    ]
    for place, function in (*called, ((*turn.path, "function_call"), message.get("function_call"))):
        if isinstance(function, dict):
            yield from _strings((*place, "arguments"), function.get("arguments"))


def _strings(path: Path, value: Any) -> Iterator[tuple[Path, str]]:
    """The strings in a value with their places, keys not included; arguments may stand there as an object."""
    waiting = [(path, value)]
    while waiting:  # arguments may be nested more deeply than calls may be
        place, item = waiting.pop()
        if isinstance(item, str):
            yield place, item
        elif isinstance(item, dict):
            waiting += [((*place, key), inner) for key, inner in reversed(item.items())]
        elif isinstance(item, list):
            waiting += [((*place, index), inner) for index, inner in reversed(list(enumerate(item)))]


def _report(subject: Subject, find: Callable[[str], Iterator[Hit]]) -> Iterator[Finding]:
    for turn in subject.turns:
        for path, text in _texts(turn):
            names: set[str] = set()
            for hit in find(text):
                if hit.name not in names:
                    names.add(hit.name)
                    yield Finding(path, f"what looks like {hit.name} at character {hit.start + 1}")


def _mask(find: Callable[[str], Iterator[Hit]], text: str) -> str:
    """The text with every hit masked; a number outside of quotes in JSON (arguments) becomes a string."""
    masked, json = text, _is_json(text)
    for hit in sorted(find(text), key=lambda hit: -hit.start):
        bare = json and len(_QUOTE.findall(text, 0, hit.start)) % 2 == 0
        masked = masked[: hit.start] + (f'"{hit.mask}"' if bare else hit.mask) + masked[hit.end :]
    return masked


_QUOTE = re.compile(r'(?<!\\)(?:\\\\)*"')


def _is_json(text: str) -> bool:
    """Whether a text is a JSON object or array, so that a mask has to leave it one."""
    if text.lstrip()[:1] not in ("{", "["):
        return False
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _mask_secrets(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    yield Edit("set", path, _mask(secrets, value_at(subject, path)))


def _mask_personal(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    yield Edit("set", path, _mask(personal_data, value_at(subject, path)))


@rule(
    "secret_like",
    "W",
    71,
    "text that looks like an API key, a private key or a JSON Web Token, also in tool arguments and refusals",
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
    "text that looks like an e-mail address, a telephone number, a US social security number, or a card number or "
    "IBAN with right check digits, also in tool arguments and refusals",
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
