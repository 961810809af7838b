"""Rules on the texts of messages: white space, invisible characters, special tokens, length."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from curator.core.example import Path, parse_path
from curator.core.problem import Severity
from curator.core.rules.context import Context
from curator.core.rules.families.encodings import misread_spans
from curator.core.rules.families.messages import value_at
from curator.core.rules.has import Has
from curator.core.rules.registry import MESSAGE_FORMATS, Finding, rule
from curator.core.rules.subject import Subject, Turn
from curator.core.splice import Edit
from curator.core.text import needed_joiners

CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufeff\ufffd\u200b-\u200d\u2060\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)
"""The rule `control_characters`: C0 but TAB, LF and CR, DEL, byte order mark, U+FFFD, bidi controls, zero
width."""
HIDDEN = re.compile(
    "[\x80-\x9f\xad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180e\u2028\u2029\u2061-\u2065\u206a-\u206f\u3164\uffa0"
    "\ufff9-\ufffb\U000e0000-\U000e01ef]"
)
"""Other invisible characters: soft hyphen, fillers, tags, variation selectors, line separators, C1."""
_ESCAPE_SEQUENCE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]?|\x1b\][^\n]{0,2000}?(?:\x07|\x1b\\|\x9c)|\x1b[PX^_][^\n]{0,2000}?(?:\x1b\\|\x9c)"
    r"|\x1b[ #%()*+./-][0-~]|\x1b[=>78]|\x9b[0-9;?]+[@-~]"
)
"""Whole sequences that a terminal obeys (ECMA-48): CSI (colours), OSC (links, titles), DCS and the like, and two
or three characters that set a character set or mode. Of any other only the control character is removed."""
LOST = "\ufffd"
"""U+FFFD: stands where a text was lost earlier, which no fix can restore."""
_LINE_BREAKS, _SEPARATORS = "\x0b\x0c\x85\u2028\u2029", "\x1c\x1d\x1e\x1f"
"""Control and hidden characters that part words: what becomes a newline, and what becomes a blank."""
SPECIAL = re.compile(
    r"<\|[A-Za-z_]{2,40}(?:_\d+)?\|>|<\uff5c[^\uff5c<>\s]{2,40}\uff5c>|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_(?:turn|image)>"
    r"|<(?:bos|eos|pad|unk)>|<s>(?=\s*\[INST\])|</s>(?!\w)"
    r"|\[/?(?:TOOL_CALLS|TOOL_RESULTS|AVAILABLE_TOOLS|SYSTEM_PROMPT)\]"
)
"""The marks with which chat templates begin and end turns: ChatML, Llama, Mistral, Gemma, DeepSeek, Command, …"""
_STRUCK_OUT = re.compile(r"<s>[^\s<\[][^<]*</s>")
_HOMOGLYPHS = frozenset("аеорсухіјѕһԁԛԝАВЕКМНОРСТУХІЈЅοΑΒΕΖΗΙΚΜΝΟΡΤΥΧ")
_HOMOGLYPH = re.compile(f"[{''.join(sorted(_HOMOGLYPHS))}]")
_WORD = re.compile(r"[^\W\d_]+")


def _texts(subject: Subject) -> Iterator[tuple[Path, str]]:
    for turn in subject.turns:
        yield from turn.texts()


@rule(
    "example_too_long",
    "W",
    62,
    "more tokens than training reads of one example",
    "the end is silently cut off, and the tokens up to the limit are billed; usually the answer is lost",
    formats=MESSAGE_FORMATS,
    when=Has.LONG,
)
def example_too_long(subject: Subject, context: Context) -> Iterator[Finding]:
    if context.limit is None or context.count is None:
        return
    tokens = subject.tokens(context)
    if tokens is None or tokens.total <= context.limit:
        return
    words = f"{tokens.total:,} tokens; training reads the first {context.limit:,}"
    place = context.cut(subject.value, context.limit) if context.cut is not None else None
    if place is None or not place.location:
        yield Finding((), words)
    else:
        yield Finding(parse_path(place.location), f"{words}, up to character {place.offset:,} here")


@rule(
    "empty_answer",
    "W",
    64,
    "a trained answer that is only white space (an error where the example has no other)",
    "the model learns to say nothing; the classic checks do not see it",
    when=Has.EDGES,
    escalates=True,
)
def empty_answer(subject: Subject, context: Context) -> Iterator[Finding]:
    answers = [turn for turn in subject.turns if turn.trained]
    blank = [turn for turn in answers if _is_blank(turn) and turn.content and not turn.message.get("tool_calls")]
    for turn in blank:
        if turn.message.get("refusal") or turn.message.get("function_call"):
            continue
        severity = Severity.ERROR if len(blank) == len(answers) else None
        yield Finding((*turn.path, "content"), "the answer is only white space", severity)


def _is_blank(turn: Turn) -> bool:
    return "".join(text for _, text in turn.texts()).isspace()


def _keeps_its_start(turn: Turn, text: str) -> bool:
    """Whether white space at the start of a text may be meant: that of an answer is taught, and the indentation of
    a first line of several belongs to the others."""
    return turn.role == "assistant" or "\n" in text.strip()


def _strip(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    yield Edit("set", path, value_at(subject, path).strip())


@rule(
    "surrounding_whitespace",
    "W",
    65,
    "content with white space at its start or end",
    "the model learns the blanks, and prompts at inference rarely have them",
    when=Has.EDGES,
    fix=(
        "partly safe",
        "strip it; unsafe at the start of an answer, which is taught, and of a prompt of several lines",
        _strip,
    ),
)
def surrounding_whitespace(subject: Subject, context: Context) -> Iterator[Finding]:
    for turn in subject.turns:
        for path, text in turn.texts():
            if text and not text.isspace() and (text[0].isspace() or text[-1].isspace()):
                ends = [word for word, at in (("start", 0), ("end", -1)) if text[at].isspace()]
                is_taught = "start" in ends and _keeps_its_start(turn, text)
                words = f"white space at the {' and the '.join(ends)} of the text"
                yield Finding(path, words, fix="unsafe" if is_taught else "safe")


def _describe(character: str) -> str:
    name = unicodedata.name(character, "")
    return f"U+{ord(character):04X}" + (f" {name.lower()}" if name else "")


def unwanted_offsets(text: str, pattern: re.Pattern[str]) -> list[int]:
    """The offsets of `CONTROL` or `HIDDEN` characters in a text, without those that emoji and scripts need."""
    places = [match.start() for match in pattern.finditer(text)]
    joiners = needed_joiners(text) if places else ()
    places = [at for at in places if at not in joiners] if joiners else places
    if places and pattern is HIDDEN:  # by the bytes of mojibake its text can be restored
        bytes_of_text = {at for start, end, _ in misread_spans(text) for at in range(start, end)}
        places = [at for at in places if at not in bytes_of_text]
    return places


def _report(subject: Subject, pattern: re.Pattern[str], what: str) -> Iterator[Finding]:
    for path, text in _texts(subject):
        places = unwanted_offsets(text, pattern)
        if places:
            more = f" and {len(places) - 1} more" if len(places) > 1 else ""
            words = f"{what} {_describe(text[places[0]])} at character {places[0] + 1}{more}"
            yield Finding(path, words, fix=any(text[at] != LOST for at in places))


def _without(text: str, pattern: re.Pattern[str]) -> str:
    """A text without the characters of a pattern; those that part words become a newline or blank.

    `LOST` stays: without it nobody would see that a text was damaged.
    """
    text = _ESCAPE_SEQUENCE.sub(lambda match: "" if pattern.match(match[0]) else match[0], text)
    unwanted = {at for at in unwanted_offsets(text, pattern) if text[at] != LOST}
    characters: list[str] = []
    for at, character in enumerate(text):
        if at not in unwanted:
            characters.append(character)
        elif character in _LINE_BREAKS + _SEPARATORS and _parts_words(text, at):
            characters.append("\n" if character in _LINE_BREAKS else " ")
    return "".join(characters)


def _parts_words(text: str, at: int) -> bool:
    """Whether the character at `at` alone stands between two others that are no white space."""
    before, after = text[at - 1 : at] if at else "", text[at + 1 : at + 2]
    return bool(before.strip() and after and (after.strip() or after in _LINE_BREAKS + _SEPARATORS))


def _remove_control(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    yield Edit("set", path, _without(value_at(subject, path), CONTROL))


@rule(
    "control_characters",
    "W",
    69,
    "control, zero-width or text-direction characters, a byte order mark or U+FFFD in the text",
    "nobody sees them and the model learns them; U+FFFD means that text was lost earlier",
    when=Has.ODD_TEXT,
    fix=(
        "unsafe",
        "remove them, escape sequences whole, but for U+FFFD; what parts words becomes a blank or newline",
        _remove_control,
    ),
)
def control_characters(subject: Subject, context: Context) -> Iterator[Finding]:
    return _report(subject, CONTROL, "control character")


def _remove_hidden(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    yield Edit("set", path, _without(value_at(subject, path), HIDDEN))


@rule(
    "hidden_characters",
    "W",
    "own",
    "other characters that show nothing: soft hyphens, fillers, tags, variation selectors, line separators",
    "two texts that look alike differ; hidden tags can carry instructions",
    when=Has.ODD_TEXT,
    fix=("unsafe", "remove them; line separators become newlines", _remove_hidden),
)
def hidden_characters(subject: Subject, context: Context) -> Iterator[Finding]:
    return _report(subject, HIDDEN, "hidden character")


@rule(
    "lookalike_characters",
    "W",
    "own",
    "a Latin word with Cyrillic or Greek letters that look the same",
    "it consists of other tokens than it seems to",
    when=Has.ODD_TEXT,
)
def lookalike_characters(subject: Subject, context: Context) -> Iterator[Finding]:
    for path, text in _texts(subject):
        mixed = mixed_word(text)
        if mixed:
            yield Finding(path, f"'{mixed[0][:40]}' holds {_describe(mixed[1])} among Latin letters")


def mixed_word(text: str) -> tuple[str, str] | None:
    """The first Latin word with letters of another script that look like Latin ones, and the first such letter."""
    if text.isascii() or not _HOMOGLYPH.search(text):
        return None
    for match in _WORD.finditer(text):
        odd = [character for character in match[0] if not character.isascii()]
        if odd and len(odd) < len(match[0]) and _HOMOGLYPHS.issuperset(odd):
            return match[0], odd[0]
    return None


def is_odd(text: str) -> bool:
    """Whether a rule on characters has a finding in a text."""
    odd = unwanted_offsets(text, CONTROL) or unwanted_offsets(text, HIDDEN) or mixed_word(text)
    return bool(odd or (not text.isascii() and misread_spans(text)))


def special_mark(text: str) -> str | None:
    """The first mark of a chat template in a text; what strikes out a text in HTML is none."""
    match = SPECIAL.search(_STRUCK_OUT.sub("", text) if "</s>" in text else text)
    return match[0] if match else None


@rule(
    "special_token_text",
    "W",
    70,
    "marks of chat templates in a text: `<|im_start|>`, `<|endoftext|>`, `[INST]`, `</s>`, `<start_of_turn>`, …",
    "it may be read as the control token it names; tiktoken refuses to encode it by default",
    when=Has.MARKS,
)
def special_token_text(subject: Subject, context: Context) -> Iterator[Finding]:
    for path, text in _texts(subject):
        mark = special_mark(text)
        if mark is not None:
            yield Finding(path, f"the text holds the special token '{mark}'")
