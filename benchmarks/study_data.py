"""Chats of few labels, made for `study.py`: what people say of things they bought, and what a message is about.

Sentences are put together of parts, so that the label follows from the words and no sentence comes twice. Good and
bad words are spread over many, and some sentences praise one thing and end on the other side.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

THINGS = (
    *("blender", "headset", "tent", "kettle", "backpack", "lamp", "mattress", "keyboard", "stroller", "watch"),
    *("drill", "raincoat", "printer", "bicycle", "rucksack", "toaster", "camera", "sofa", "mower", "speaker"),
)
GOOD = (
    "works like a charm", "has not let me down once", "is worth every cent", "made my mornings easier",
    "arrived early and looks lovely", "is sturdier than it looks", "still runs like new", "won over us all",
    "does exactly what it says", "is the best one I have had", "could not be simpler to use", "feels well made",
)  # fmt: skip
BAD = (
    "broke within a week", "is a waste of money", "never worked properly", "smells of cheap plastic",
    "came with a crack in it", "stopped charging after a day", "is far too loud to use", "fell apart in my hands",
    "looks nothing like the picture", "has been sent back twice", "leaks from every side", "drove me mad at once",
)  # fmt: skip
OPENINGS = (
    "This {}", "The {} I ordered", "Our new {}", "My second {} from them", "The {} my sister gave me",
    "A friend's {}", "The red {}", "The {} from the spring sale",
)  # fmt: skip
TOPICS = {
    "sport": ("the striker missed a penalty", "our team won the final", "she ran the marathon in three hours",
              "the coach changed the line-up", "he served four aces in a row", "the match went to extra time"),
    "food": ("the soup needs more salt", "I baked sourdough again", "the curry was far too hot",
             "we had dumplings for lunch", "the cake did not rise", "they grill the fish over charcoal"),
    "money": ("the rent goes up in May", "my bank raised its fees", "shares fell by two percent",
              "I paid off the loan", "the invoice is overdue", "taxes are due this week"),
    "travel": ("the flight was delayed", "we missed the night train", "the hotel lost our booking",
               "I walked along the coast", "customs took two hours", "the ferry leaves at dawn"),
    "health": ("my knee hurts on the stairs", "the dentist found a hole", "I slept badly all week",
               "the fever is gone", "she got her second vaccine", "the doctor told me to rest"),
}  # fmt: skip
FRAMES = (
    "Guess what: {}.", "I heard that {}.", "Honestly, {}, and that is all.", "You will not believe it, but {}.",
    "As far as I know {}.", "Yesterday {}.", "My neighbour says {}.", "It seems {}.", "Sadly or not, {}.",
    "Again {}, as last year.", "In short, {}.", "Mum wrote that {}.",
)  # fmt: skip


def sentiments(chance: random.Random) -> tuple[str, str]:
    """A sentence on something bought, and whether it is positive or negative."""
    good = chance.random() < 0.5
    subject = chance.choice(OPENINGS).format(chance.choice(THINGS))
    own, other = (GOOD, BAD) if good else (BAD, GOOD)
    if chance.random() < 0.3:
        return f"I had read that it {chance.choice(other)}, but {subject.lower()} {chance.choice(own)}.", _name(
            good
        )
    return f"{subject} {chance.choice(own)}.", _name(good)


def _name(good: bool) -> str:
    return "positive" if good else "negative"


def topics(chance: random.Random) -> tuple[str, str]:
    """A message, and what it is about."""
    topic = chance.choice(list(TOPICS))
    fact = chance.choice(TOPICS[topic])
    place = chance.choice(("", " in town", " here", " at home", " abroad", " this morning"))
    return chance.choice(FRAMES).format(fact + place), topic


KINDS: dict[str, tuple[str, Callable[[random.Random], tuple[str, str]]]] = {
    "sentiment": ("Is it positive or negative?", sentiments),
    "topic": ("Name the topic.", topics),
}


def make(kind: str, count: int, seed: int = 0) -> Iterator[dict[str, list[dict[str, str]]]]:
    """`count` different chats of a kind."""
    system, sentence = KINDS[kind]
    chance, seen = random.Random(seed), set[str]()
    while len(seen) < count:
        question, label = sentence(chance)
        if question not in seen:
            seen.add(question)
            messages = (("system", system), ("user", question), ("assistant", label))
            yield {"messages": [{"role": role, "content": content} for role, content in messages]}


def write(kind: str, count: int, path: Path, seed: int = 0) -> Path:
    """Write `count` chats as JSONL and return the path."""
    path.write_text("".join(json.dumps(chat) + "\n" for chat in make(kind, count, seed)))
    return path
