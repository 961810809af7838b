# ruff: noqa: E501, SIM905 - a pair stands on one line
"""Pairs of whole examples that differ in meaning: in several places, in an earlier turn, in tools, in a sentence more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.meaning_pairs import ANSWERS, LONG, QUESTIONS, Json, Pair, chat

FRAMES = Path(__file__).parent / "data" / "meaning_pairs.txt"
FORMS = FRAMES.with_name("meaning_forms.txt")
_CHOICE = re.compile("⟦(.*?)¦(.*?)⟧")

TWO_PLACES = [
    ("My dentist moved the appointment with my cousin to the clinic.", "dentist lawyer cousin neighbour"),
    ("Translate the email into French and send it to the marketing team.", "email poem marketing accounting"),
    (
        "Write a haiku about the ocean for my little daughter, and make it cheerful.",
        "ocean desert daughter grandson",
    ),
    (
        "Explain photosynthesis to a farmer in simple words with one drawing.",
        "photosynthesis gravitation farmer sailor",
    ),
    ("What are the effects of ibuprofen in patients who have asthma?", "ibuprofen paracetamol asthma migraine"),
    ("List the ingredients for a lasagna for a party of friends.", "lasagna curry friends colleagues"),
    ("Summarise the plot of the novel about the whale in a few words.", "novel film whale shark"),
    ("Was ist der Unterschied zwischen einem Anwalt und einem Notar?", "anwalt richter notar schöffen"),
]
CONFUSED = (
    "contract contact county country angel angle desert dessert trial trail marital martial casual causal injection "
    "infection policy police dairy diary ministry minister statue status baker banker lawyers layers bottle battle "
    "larger largest paint painter start started closes closed walked walking teach teacher train trainer"
).split()
THINGS = [
    ("the kettle", "the toaster"),
    ("the blue kettle", "the old toaster"),
    ("my printer", "my scanner"),
    ("a Bosch dishwasher", "a Miele oven"),
    ("the lawn mower", "the hedge trimmer"),
]
MORE = [
    "Answer in French.",
    "Do not mention the price.",
    "Keep it under fifty words.",
    "I am allergic to nuts and to milk.",
    "My name is Anna and I am eight years old.",
    "All of this is a joke, so please make fun of it.",
    "However, the chair later said that none of it was true.",
    "Write as if you were a pirate.",
    "Respond with yes or no.",
    "You must not use any lists.",
    "Remember that the reader is a child.",
]
TAKEN_BACK = [
    "However, this is not allowed without a permit of the town.",
    "But you should not do it.",
    "That was true until last year, when the rule was changed.",
    "Unfortunately we cannot help you with that at the moment.",
]
EARLIER = [
    ("I have a cat that will not eat.", "I have a dog that will not eat."),
    ("My name is Anna.", "My name is Peter."),
    ("My order is late.", "My order is broken."),
    ("Hello", "Goodbye"),
    ("1", "2"),
]
SPELLING = [
    (
        "Is the word 'recieve' spelt in the right way in English?",
        "Is the word 'receive' spelt in the right way in English?",
    ),
    ("Correct the sentence: She go to school every day.", "Correct the sentence: She goes to school every day."),
    (
        "How many capital letters are in 'HeLLo World', please?",
        "How many capital letters are in 'Hello World', please?",
    ),
    (
        "Count the blanks in 'a  b c' and tell me the number.",
        "Count the blanks in 'a b c' and tell me the number.",
    ),
    ("Korrigiere den Satz: Er gehen jeden Tag zur Schule.", "Korrigiere den Satz: Er geht jeden Tag zur Schule."),
]
SYSTEMS = [
    ("You are a helpful assistant. Today is 3 May.", "You are a helpful assistant. Today is 4 May."),
    ("You may discuss politics if they ask for it.", "You may not discuss politics if they ask for it."),
    ("The user is an adult.", "The user is a child."),
    ("Use metric units in all answers that you give.", "Use imperial units in all answers that you give."),
]


def read_frames() -> Iterator[tuple[str, str, str]]:
    """The kind and the two texts of each line of the file of frames."""
    kind = ""
    for line in FRAMES.read_text("utf-8").splitlines():
        if line.startswith("## "):
            kind = line[3:]
        elif line and not line.startswith("#"):
            text = line.replace("⏎", "\n").replace("⇥", "    ")
            yield kind, _CHOICE.sub(r"\1", text), _CHOICE.sub(r"\2", text)


def pairs_of_frames() -> Iterator[Pair]:
    """Each pair of texts as a question, and as a question within a long text or as an answer."""
    for number, (kind, a, b) in enumerate(read_frames()):
        yield Pair(kind, chat(a, ANSWERS[number % 3]), chat(b, ANSWERS[number % 3]))
        if number % 2 or "\n" in a:
            yield Pair(f"answer: {kind}", chat(QUESTIONS[1], a), chat(QUESTIONS[1], b))
        else:
            yield Pair(f"long {kind}", chat(LONG.format(a), ANSWERS[1]), chat(LONG.format(b), ANSWERS[1]))


def pairs_of_shapes() -> Iterator[Pair]:
    """Pairs of examples of many shapes."""
    for text, listed in TWO_PLACES:
        first, other, second, another = listed.split()
        changed = _exchanged(_exchanged(text, first, other), second, another)
        for answer in ANSWERS:
            yield Pair("two places", chat(text, answer), chat(changed, answer))
        yield Pair("two places, long", chat(LONG.format(text), ANSWERS[1]), chat(LONG.format(changed), ANSWERS[1]))
        yield Pair("two places, answer", *(chat(QUESTIONS[1], LONG.format(told)) for told in (text, changed)))
    sentence = "Please send me what you know about the {} of the man from the house by the river."
    for first, other in zip(CONFUSED[::2], CONFUSED[1::2], strict=True):
        yield Pair("confused", chat(sentence.format(first), ANSWERS[1]), chat(sentence.format(other), ANSWERS[1]))
    ask = "We bought {} from your shop, and it does not work as it should. What should we do with {} now, and who pays?"
    tell = "I am sorry to hear that {} does not work. Please send {} back to us, and we will look at it within a week."
    for it, that in THINGS:
        yield Pair("throughout", *(chat(ask.format(x, x), tell.format(x, x)) for x in (it, that)))
        yield Pair("throughout", *(chat(ask.format(x, x), ANSWERS[1]) for x in (it, that)))
        yield Pair("throughout", *(chat(ask.format("it", "it"), tell.format(x, x)) for x in (it, that)))
    yield from _with_more()
    yield from _filled_in()
    yield from _turns()
    yield from _beside_the_texts()


def _exchanged(text: str, word: str, other: str) -> str:
    return re.sub(
        rf"\b{word}\b", lambda found: other.capitalize() if found[0].istitle() else other, text, flags=re.I
    )


def _filled_in() -> Iterator[Pair]:
    """Forms that are filled in otherwise in question and answer, short ones and within long texts."""
    for line in FORMS.read_text("utf-8").splitlines():
        if not line.startswith("#"):
            one, other = (_CHOICE.sub(place, line).split(" ⇒ ") for place in (r"\1", r"\2"))
            yield Pair("filled in", chat(one[0], one[1]), chat(other[0], other[1]))
            if "⟦the¦" not in line:
                yield Pair("filled in, long question", *(chat(LONG.format(q), a) for q, a in (one, other)))
                yield Pair("filled in, long answer", *(chat(q, LONG.format(a)) for q, a in (one, other)))


def _with_more() -> Iterator[Pair]:
    text = LONG.format("")
    for more in MORE:
        yield Pair("a sentence more", chat(f"{text} {more}", ANSWERS[1]), chat(text, ANSWERS[1]))
        yield Pair("a sentence more", chat(f"{more} {text}", ANSWERS[1]), chat(text, ANSWERS[1]))
    for more in TAKEN_BACK:
        yield Pair("taken back", chat(QUESTIONS[1], f"{text} {more}"), chat(QUESTIONS[1], text))


def _turns() -> Iterator[Pair]:
    ask, tell = (
        "Please tell me what I should do next in this situation, in short words.",
        "Thank you for telling me.",
    )
    for a, b in EARLIER:
        yield Pair("an earlier turn", *(_talk(first, tell, ask, ANSWERS[1]) for first in (a, b)))
        yield Pair("a later turn", *(_talk(ask, ANSWERS[1], last, ANSWERS[2]) for last in (a, b)))
    for a, b in (("Sure.", "No."), ("The red or the blue one?", "The large or the small one?")):
        yield Pair("an earlier answer", *(_talk("When is the meeting?", said, ask, ANSWERS[1]) for said in (a, b)))
    for a, b in SPELLING:
        yield Pair("spelling", chat(a, ANSWERS[1]), chat(b, ANSWERS[1]))
    for first_system, second_system in SYSTEMS:
        said = "How far is it to the moon, and who was the first there?", ANSWERS[1]
        yield Pair("system", chat(*said, first_system), chat(*said, second_system))


def _talk(*texts: str) -> Json:
    return {
        "messages": [
            {"role": "assistant" if number % 2 else "user", "content": text} for number, text in enumerate(texts)
        ]
    }


def _beside_the_texts() -> Iterator[Pair]:
    said = chat("What will the weather be tomorrow morning in the hills?", ANSWERS[1])

    def tool(description: str, **properties: Any) -> Json:
        parameters = {"type": "object", "properties": properties}
        return [
            {"type": "function", "function": {"name": "get", "description": description, "parameters": parameters}}
        ]

    yield Pair("tools", said | {"tools": tool("of today")}, said | {"tools": tool("of tomorrow")})
    yield Pair(
        "tools",
        said | {"tools": tool("a", x={"type": "string"})},
        said | {"tools": tool("a", x={"type": "array"})},
    )
    yield Pair("tools", said | {"tools": tool("a")}, said)
    yield Pair("tools", said | {"tools": tool("a")}, said | {"tools": tool("a"), "parallel_tool_calls": False})
    question, answer = said["messages"]
    yield Pair("name", *({"messages": [question | {"name": name}, answer]} for name in ("anna", "bob")))
    pictures = [("a.png", "low"), ("b.png", "low"), ("a.png", "high")]
    seen = [
        {"type": "image_url", "image_url": {"url": f"https://example.com/{url}", "detail": detail}}
        for url, detail in pictures
    ]
    shown = [
        {"messages": [{"role": "user", "content": [{"type": "text", "text": question["content"]}, one]}, answer]}
        for one in seen
    ]
    yield Pair("picture", shown[0], shown[1])
    yield Pair("picture", shown[0], shown[2])
