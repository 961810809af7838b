"""The faults that `make_samples.py` plants in `sample_data/emojibot.jsonl`, one entry each.

An entry names its example by the beginning of the prompt. `Spoil` makes that example worse in place;
`Extra` adds a line some way below it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

REFUSAL = "I'm sorry, but I can't help with that."
SHORT_SYSTEM = "You are EmojiBot."
LONG_SYSTEM = "You are EmojiBot, a friendly bot. Reply with a single emoji shortcode, please!"
OUTSIDE = "answer_outside_contract"
USER, ANSWER = "messages[1].content", "messages[2].content"


@dataclass(frozen=True)
class Spoil:
    """A fault in an existing example: `answer`, `user` and `system` replace texts, `change` edits the parsed
    example, `raw` the finished line. `also` names other rules than `rule` that the fault breaks.
    """

    kind: str
    prompt: str
    note: str
    rule: str | None = None
    location: str = ""
    also: tuple[str, ...] = ()
    answer: Any = None
    user: Any = None
    system: str | None = None
    change: Callable[[dict[str, Any]], object] | None = None
    raw: Callable[[str], str] | None = None


@dataclass(frozen=True)
class Extra:
    """An added line that clean data would not have: a copy of its example, with `user` and `answer` replaced if
    set."""

    kind: str
    prompt: str
    note: str
    rule: str | None = None
    user: str | None = None
    answer: str | None = None
    raw: Callable[[str], str] | None = None


def _drop(index: int, key: str) -> Callable[[dict[str, Any]], object]:
    return lambda example: example["messages"][index].pop(key)


def _put(index: int, key: str, value: Any) -> Callable[[dict[str, Any]], object]:
    return lambda example: example["messages"][index].update({key: value})


def _cut(example: dict[str, Any]) -> object:
    return example["messages"].pop()


def _form(rule: str, prompt: str, note: str, location: str = "", also: tuple[str, ...] = (), **rest: Any) -> Spoil:
    return Spoil("format", prompt, note, rule, location, also, **rest)


NO_USER = ("missing_user_message",)

FORMAT = [
    _form("invalid_json", "Wait, you two", "the last closing brace is missing", raw=lambda s: s[:-1]),
    _form("invalid_json", "The director's", "a comma too many", raw=lambda s: s.replace("}]}", "}, ]}")),
    _form(
        "data_type",
        "It's melting down",
        "a bare list of messages without the object around it",
        raw=lambda s: s.removeprefix('{"messages": ').removesuffix("}"),
    ),
    _form(
        "missing_messages_list",
        "Tinsel, lights",
        "the list of messages is empty",
        "messages",
        change=lambda example: example["messages"].clear(),
    ),
    _form("example_missing_assistant_message", "Look up, it's", "nobody answers", "messages", change=_cut),
    _form("example_missing_assistant_message", "Mine turned", "nobody answers", "messages", change=_cut),
    _form(
        "message_missing_key",
        "Abracadabra",
        "a message without a role",
        "messages[1]",
        NO_USER,
        change=_drop(1, "role"),
    ),
    _form(
        "message_missing_key",
        "Pedalled to work",
        "an answer without content",
        "messages[2]",
        change=_drop(2, "content"),
    ),
    _form(
        "message_unrecognized_key",
        "Walkies!",
        "a key of the chat log left in",
        "messages[1].timestamp",
        change=_put(1, "timestamp", "2026-03-02T08:15:00Z"),
    ),
    _form(
        "message_unrecognized_key",
        "Boarding now",
        "the annotator's mood left in",
        "messages[2].mood",
        change=_put(2, "mood", "wanderlust"),
    ),
    _form(
        "message_unrecognized_key",
        "Friday, five",
        "a message number left in",
        "messages[1].id",
        change=_put(1, "id", 4711),
    ),
    _form(
        "unrecognized_role",
        "Chapter one",
        "'human' instead of 'user'",
        "messages[1].role",
        NO_USER,
        change=_put(1, "role", "human"),
    ),
    _form(
        "unrecognized_role",
        "Road trip!",
        "'human' instead of 'user'",
        "messages[1].role",
        NO_USER,
        change=_put(1, "role", "human"),
    ),
    _form(
        "unrecognized_role",
        "The bass drops",
        "'bot' instead of 'assistant'",
        "messages[2].role",
        ("example_missing_assistant_message",),
        change=_put(2, "role", "bot"),
    ),
    _form("missing_content", "The desert sky", "an empty answer", ANSWER, answer=""),
    _form("missing_content", "The surf is", "null instead of an answer", ANSWER, change=_put(2, "content", None)),
    _form("content_wrong_type", "Full marks", "the number 100 instead of a text", ANSWER, answer=100),
    _form("content_wrong_type", "Save the date", "a list around the answer", ANSWER, answer=["(calendar)"]),
    _form(
        "unknown_top_level_key",
        "Payday at last",
        "a rating left in",
        "rating",
        change=lambda example: example.update(rating=5),
    ),
    _form(
        "unknown_top_level_key",
        "Ten kilometres",
        "the origin left in",
        "source",
        change=lambda example: example.update(source="sports channel"),
    ),
]


def _off(prompt: str, answer: str, note: str, kind: str = "unknown_answer", *also: str) -> Spoil:
    return Spoil(kind, prompt, note, OUTSIDE, ANSWER, also, answer=answer)


ANSWERS = [
    _off("Third night of", "(tierd)", "misspelt"),
    _off("Double shot", "(cofee)", "misspelt"),
    _off("No more hugs", "(sadkoalla)", "misspelt"),
    _off("Movie night", "(pizzza)", "misspelt"),
    _off("Four years together", "(brokenhart)", "misspelt"),
    _off("Lottery draw", "(fingerscroosed)", "misspelt"),
    _off("Busy, busy", "(bumblebee)", "no such shortcode"),
    _off("Three people booked", "(doublebooked)", "no such shortcode"),
    _off("Leg day", "muscle", "the brackets are missing"),
    _off("Stuck behind", ":car:", "colons instead of brackets"),
    _off("Lift-off was", "(Rocket)", "a capital letter"),
    _off("She knocked", "(cat) (eyeroll)", "two answers at once"),
    _off("Put the kettle", "Sure! Here you go: (tea)", "talks around the answer", "chatty_answer"),
    _off("To be or not", "That sounds like (thinking) to me.", "talks around the answer", "chatty_answer"),
    _off("Everyone out of the", REFUSAL, "a refusal", "refusal"),
    _off("Somebody in this room", REFUSAL, "a refusal", "refusal"),
    _off("Three layers", "🎂", "a real emoji", "emoji_answer"),
    _off("Purring on", "🐱", "a real emoji", "emoji_answer"),
    _off("Sign-ups doubled", "🚀", "a real emoji", "emoji_answer"),
    _off("Third wet", "🌧️", "a real emoji", "emoji_answer"),
    _off("The cat walked", "😂", "a real emoji", "emoji_answer"),
    _off("Be mine", "❤️", "a real emoji", "emoji_answer"),
]


def _space(prompt: str, note: str, location: str, **text: str) -> Spoil:
    also = (OUTSIDE,) if "answer" in text else ()
    return Spoil("whitespace", prompt, note, "surrounding_whitespace", location, also, **text)


WHITESPACE = [
    _space("Found it: a missing", "a space before the answer", ANSWER, answer=" (bug)"),
    _space("You have 4,312", "a line break after the answer", ANSWER, answer="(mail)\n"),
    _space("All aboard", "a space and a tab after the answer", ANSWER, answer="(train) \t"),
    _space("Who reverted", "three spaces after the answer", ANSWER, answer="(angry)   "),
    _space("Our reading group", "spaces around the prompt", USER, user="  Our reading group meets on Thursday. "),
    _space("New album", "a line break after the prompt", USER, user="New album out at midnight!\r\n"),
    _space(
        "We come in peace",
        "a no-break space before the prompt",
        USER,
        user="\u00a0We come in peace, take us to your leader.",
    ),
]


def _hidden(prompt: str, note: str, location: str, *also: str, **text: str) -> Spoil:
    return Spoil("hidden", prompt, note, "control_characters", location, also, **text)


HIDDEN = [
    _hidden("Twins. Both", "a zero width space inside", ANSWER, OUTSIDE, answer="(ti\u200bred)"),
    _hidden(
        "Don't talk to",
        "a zero width joiner at the end",
        ANSWER,
        OUTSIDE,
        answer="(coffee)\u200d",
    ),
    _hidden(
        "Have you tried",
        "a right-to-left override turns the words around",
        USER,
        user="Have you tried turning it \u202eoff and on again?",
    ),
    _hidden(
        "Hey there",
        "a left-to-right isolate and no end of it",
        USER,
        user="Hey there, new here, \u2066nice to meet you all!",
    ),
    _hidden(
        "It works on",
        "a byte order mark",
        USER,
        user="\ufeffIt works on my machine and crashes on everyone else's.",
    ),
    _hidden("Boo! Did I", "a bell", USER, user="Boo! \u0007Did I scare you?"),
    _hidden(
        "Tick tock",
        "a terminal's colour code",
        USER,
        user="\u001b[31mTick tock, the report is due at noon.\u001b[0m",
    ),
]


def _system(prompt: str, text: str, note: str) -> Spoil:
    return Spoil("system_prompt", prompt, note, "inconsistent_system_prompt", "messages[0].content", system=text)


SYSTEM = [
    _system("Eureka!", SHORT_SYSTEM, "the short system prompt"),
    _system("Secret Santa", SHORT_SYSTEM, "the short system prompt"),
    _system("Beep boop", SHORT_SYSTEM, "the short system prompt"),
    _system("He returned my", LONG_SYSTEM, "the long system prompt"),
    _system("Roar! said", LONG_SYSTEM, "the long system prompt"),
]


def _again(prompt: str, note: str = "the same bytes", raw: Callable[[str], str] | None = None) -> Extra:
    return Extra("duplicate_exact", prompt, note, "duplicate_example", raw=raw)


def _same(prompt: str, user: str, note: str) -> Extra:
    return Extra("duplicate_normalised", prompt, note, user=user)


def _near(prompt: str, user: str) -> Extra:
    return Extra("duplicate_near", prompt, "a word or two differ", user=user)


DUPLICATES = [
    _again("Who's a good boy?"),
    _again("Who's a good boy?", "the same bytes, a third time"),
    _again("Large pepperoni"),
    _again("Long drive"),
    _again("Logging off"),
    _again("The plumber says"),
    _again(
        "We take off", "other spaces between the JSON words", lambda s: s.replace('": ', '":').replace(", {", ",{")
    ),
    _again(
        "Puddles up to",
        "other order of the keys, one letter written as an escape",
        lambda s: s.replace(
            '{"role": "assistant", "content": "(rain)"}', '{"content": "(rain)", "role": "assistant"}'
        ).replace("Puddles", "\\u0050uddles"),
    ),
    _same("You look like", "you look like you need someone to hold you for a minute", "no capital, no full stop"),
    _same("Phew, found", "Phew – found the passport in my other coat!!!", "other punctuation"),
    _same("School is closed", "SCHOOL IS CLOSED, EVERYTHING OUTSIDE IS WHITE!", "shouted"),
    _same("Nothing on TV", "Nothing on  TV,  nobody online,  rain outside.", "more spaces"),
    _near("The queue at", "The queue at the post office hasn't moved since lunch."),
    _near("Fine by me", "Fine by me, see you then at four."),
    _near("The airline lost", "The airline lost my bag and then they blamed me for it."),
    _near("Just one more level", "Only one more level and I'll come to dinner."),
    _near("My best friend", "My best friend is moving to another city next Monday."),
    _near("The results come out", "The results come out tomorrow, so wish me luck."),
    _near("The rent went up", "The rent went up again, and there goes my savings jar."),
    _near("Hammer, nails", "A hammer, nails and a video tutorial, what could possibly go wrong?"),
]


def _clash(prompt: str, answer: str) -> Extra:
    return Extra("conflict", prompt, "another answer to the same prompt", "conflicting_answers", answer=answer)


CONFLICTS = [
    _clash("I worked a double", "(sleepy)"),
    _clash("Oh great, another", "(clap)"),
    _clash("If I fits", "(laugh)"),
    _clash("The marshmallows", "(yum)"),
    _clash("The postcard from", "(snail)"),
    _clash("Black Friday", "(cash)"),
    _clash("The engine makes", "(music)"),
    _clash("They deployed", "(party)"),
    Extra(
        "conflict",
        "Noise cancelling",
        "another answer to almost the same prompt",
        user="Noise cancelling is on, world is off.",
        answer="(music)",
    ),
]

SPOILS = [*FORMAT, *ANSWERS, *WHITESPACE, *HIDDEN, *SYSTEM]
EXTRAS = [*DUPLICATES, *CONFLICTS]
