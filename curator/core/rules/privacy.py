"""Rules on what should not be in training data: keys, personal data, what moderation blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from curator.core.example import Path
from curator.core.rules.messages import value_at
from curator.core.rules.registry import Context, Found, Has, rule, severities
from curator.core.rules.subject import Subject
from curator.core.splice import Edit

SECRETS = {
    "an API key": re.compile(
        r"\bsk-(?:proj-|svcacct-|ant-)?[A-Za-z0-9_-]{20,}|\bAKIA[0-9A-Z]{16}\b|\bAIza[0-9A-Za-z_-]{35}"
        r"|\bgh[pousr]_[A-Za-z0-9]{36,}|\bxox[abprs]-[A-Za-z0-9-]{10,}"
    ),
    "a private key": re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"),
    "a JSON Web Token": re.compile(r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}", re.ASCII),
}
PERSONAL = {
    "an e-mail address": re.compile(
        r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})*\.[A-Za-z]{2,24}\b", re.ASCII
    ),
    "a telephone number": re.compile(
        r"(?<![\w.+-])(?:\+\d{1,3}[ .-]?(?:\(?\d{1,4}\)?[ .-]?){1,4}\d{2,4}|\(\d{3}\) ?\d{3}[ .-]\d{4}"
        r"|\d{3}[ .-]\d{3}[ .-]\d{4})(?![\w-])"
    ),
    "a card number": re.compile(r"(?<![\w.-])[3-6](?:[ -]?\d){12,18}(?![\w-])"),
}
_MASKS = {
    "an API key": "[SECRET]",
    "a private key": "[SECRET]",
    "a JSON Web Token": "[SECRET]",
    "an e-mail address": "[EMAIL]",
    "a telephone number": "[PHONE]",
    "a card number": "[CARD]",
}
_PEM_BLOCK = re.compile(r"-----BEGIN ((?:[A-Z]+ )*PRIVATE KEY)-----.*?(?:-----END \1-----|\Z)", re.DOTALL)


def luhn(text: str) -> bool:
    """Whether the digits of `text` carry the check digit of payment cards (ISO/IEC 7812-1)."""
    digits = [int(character) for character in reversed(text) if character.isdigit()]
    doubled = [digit if at % 2 == 0 else digit * 2 - 9 * (digit > 4) for at, digit in enumerate(digits)]
    return sum(doubled) % 10 == 0


def _matches(text: str, patterns: dict[str, re.Pattern[str]]) -> Iterator[tuple[str, re.Match[str]]]:
    for name, pattern in patterns.items():
        for found in pattern.finditer(text):
            if name == "a card number" and not luhn(found[0]):
                continue
            if name == "a telephone number" and not 8 <= sum(map(str.isdigit, found[0])) <= 15:
                continue
            yield name, found


def _report(subject: Subject, patterns: dict[str, re.Pattern[str]]) -> Iterator[Found]:
    for turn in subject.turns:
        for path, text in turn.texts():
            seen: set[str] = set()
            for name, found in _matches(text, patterns):
                if name not in seen:
                    seen.add(name)
                    yield Found(path, f"what looks like {name} at character {found.start() + 1}")


def _mask(patterns: dict[str, re.Pattern[str]], text: str) -> str:
    if patterns is SECRETS:
        text = _PEM_BLOCK.sub("[SECRET]", text)
    for name, found in sorted(_matches(text, patterns), key=lambda match: -match[1].start()):
        text = text[: found.start()] + _MASKS[name] + text[found.end() :]
    return text


def _mask_secrets(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    yield Edit("set", path, _mask(SECRETS, value_at(subject, path)))


def _mask_personal(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    yield Edit("set", path, _mask(PERSONAL, value_at(subject, path)))


@rule(
    "secret_like",
    "W",
    71,
    "text that looks like an API key, a private key or a JSON Web Token",
    "a tuned model can be made to repeat its training data",
    when=Has.MARKS,
    fix=("unsafe", "mask it", _mask_secrets),
)
def secret_like(subject: Subject, context: Context) -> Iterator[Found]:
    return _report(subject, SECRETS)


@rule(
    "pii_like",
    "W",
    71,
    "text that looks like an e-mail address, a telephone number or a card number (with a right check digit)",
    "personal data in training data can come out again",
    when=Has.MARKS | Has.DIGITS,
    fix=("unsafe", "mask it", _mask_personal),
)
def pii_like(subject: Subject, context: Context) -> Iterator[Found]:
    return _report(subject, PERSONAL)


_RISKY = re.compile(
    r"\bkill (?:yourself|all (?:\w+ )?people)\b|\b(?:how to|ways to) (?:make|build) (?:a |an )?(?:\w+ )?bomb\b"
    r"|\bcommit suicide\b|\bself[- ]harm\b|\bchild porn|\bcsam\b|\bgas the \w+s\b|\bethnic cleansing is\b"
    r"|\b(?:cook|synthesi[sz]e) (?:meth|sarin|vx|ricin)\b|\bi will (?:rape|murder) you\b",
    re.IGNORECASE,
)


@rule(
    "moderation_risk",
    severities("W", local="I"),
    72,
    "text that the service's moderation is likely to flag",
    "a file with too many such examples is blocked as a whole; only the service's own check decides",
)
def moderation_risk(subject: Subject, context: Context) -> Iterator[Found]:
    for turn in subject.turns:
        for path, text in turn.texts():
            found = _RISKY.search(text)
            if found:
                yield Found(path, f"moderation may flag '{found[0]}'")
