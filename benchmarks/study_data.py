"""Chats made for `study.py` and `study_next.py`: what people say of things they bought, what a message is about,
and what a customer wants.

Each sentence is put together anew of a thing, what happened and how it is told, and none comes twice. The label
follows from what is said in the end: people praise one thing and are disappointed by another, and words of one
topic turn up in messages of others. Wishes have 40 labels; the n-th comes 1/n times as often as the first.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

THINGS = (
    *(
        "blender",
        "headset",
        "tent",
        "kettle",
        "backpack",
        "desk lamp",
        "mattress",
        "keyboard",
        "stroller",
        "watch",
    ),
    *(
        "cordless drill",
        "raincoat",
        "printer",
        "bicycle",
        "rice cooker",
        "toaster",
        "camera",
        "sofa bed",
        "lawn mower",
    ),
    *("speaker", "e-reader", "coffee grinder", "sleeping bag", "monitor", "vacuum", "pressure cooker", "suitcase"),
    *("running shoes", "office chair", "air fryer", "guitar", "board game", "thermos", "doorbell", "projector"),
)
GOOD = (
    *("works like a charm", "has not let me down once", "is worth every cent", "made my mornings easier"),
    *("looks even nicer than in the photos", "is sturdier than I thought", "still runs like on the first day"),
    *("won over the whole family", "does exactly what it says", "is the best one I have owned", "feels solid"),
    *("could not be simpler to use", "saved us hours already", "survived two winters without a scratch"),
    *("is so quiet that I forget it is on", "gets compliments from every guest", "was set up in five minutes"),
    *("paid for itself within a month", "is a joy to hold", "fixed a problem that I had for years"),
    *("I would buy again tomorrow", "my kids fight over", "I recommend to everybody who asks", "I use every day"),
)
BAD = (
    *("broke within a week", "is a waste of money", "never worked properly", "smells of cheap plastic"),
    *(
        "came with a crack in it",
        "stopped charging after a day",
        "is far too loud to use",
        "came apart in my hands",
    ),
    *(
        "looks nothing like the photos",
        "has been sent back twice",
        "leaks from every side",
        "drove me mad at once",
    ),
    *("is flimsier than I thought", "gets hot enough to scare me", "needed a repair after five minutes"),
    *("cost more in spare parts than a new one", "is a pain to clean", "lost a screw on the first day"),
    *("arrived without half of its parts", "did not survive one winter", "scratched our floor"),
    *(
        "I would not give to my worst enemy",
        "my kids refuse to touch",
        "I regret every day",
        "I had to throw away",
    ),
)
REVIEWS = (
    "The {} {}.", "This {} {}.", "Bought a {} in spring: it is the one that {}.", "Our new {} {}, honestly.",
    "My second {} from them {}.", "What can I say, the {} {}.", "Got the {} for my birthday. It is one that {}.",
    "After three months the {} {}.", "For the price? The {} {}.", "Update: the {} {}.",
)  # fmt: skip
TURNS = (
    "Everybody says that theirs {}. Mine is different: the {} {}.", "I had read that it {}, but the {} {}.",
    "The old one {}, yet this {} {}.", "My brother's {}. My own {} {}, though.",
)  # fmt: skip
TOPICS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "sport": (
        ("the striker", "our goalkeeper", "the coach", "my running group", "the tennis player", "the away team"),
        ("missed a penalty", "won the final", "changed the line-up", "came in third", "trained in the rain again",
         "lost after extra time", "was sent off", "broke the club's record"),
    ),
    "food": (
        ("my grandmother", "the new bakery", "the canteen", "our neighbour", "the chef", "my flatmate"),
        ("put too much salt in the soup", "baked sourdough again", "ran out of dumplings", "burnt the onions",
         "serves the best ramen", "made a curry with lentils", "forgot the cake in the oven", "pickles cucumbers"),
    ),
    "money": (
        ("my bank", "the landlord", "the tax office", "our accountant", "the insurance", "my employer"),
        ("raised its fees", "wants the rent a week early", "sent a second reminder", "paid the refund at last",
         "found an error in the invoice", "cut the interest rate", "asks for the receipts", "cancelled the loan"),
    ),
    "travel": (
        ("the night train", "our flight", "the hotel", "the ferry", "customs", "the tour guide"),
        ("was two hours late", "left without us", "lost the booking", "was overbooked", "stopped at the border",
         "took us along the coast", "sent us to another terminal", "was fully booked over Easter"),
    ),
    "health": (
        ("the dentist", "my doctor", "the nurse", "my physiotherapist", "the pharmacy", "grandfather"),
        ("found a hole in my tooth", "told me to rest my knee", "changed the bandage", "has no more pills",
         "says that the fever is gone", "wants a blood test", "moved the check-up", "sleeps badly since May"),
    ),
    "weather": (
        ("the storm", "the first frost", "the heat", "the fog", "the thaw", "the monsoon"),
        ("took the roof off the shed", "came early this year", "lasts all week", "is gone by noon",
         "flooded the cellar", "broke a record", "spares the coast", "killed the tomatoes"),
    ),
}  # fmt: skip
MESSAGES = (
    "Guess what: {}.", "I heard that {}.", "Honestly, {}, and that is all.", "You will not believe it, but {}.",
    "As far as I know {}.", "My neighbour the taxi driver says {}.", "It seems {}.", "Mum writes from Rome: {}.",
    "While I was cooking, {}.", "Before the match started, {}.", "On the way to the bank I learnt that {}.",
    "In the waiting room they said that {}.", "Rain or shine: {}.", "In short, {}.",
)  # fmt: skip


def sentiments(chance: random.Random) -> tuple[str, str]:
    """A sentence or two on something bought, and whether it is positive or negative in the end."""
    good = chance.random() < 0.5
    own, other = (GOOD, BAD) if good else (BAD, GOOD)
    thing, said = chance.choice(THINGS), chance.choice(own)
    label = "positive" if good else "negative"
    if said.startswith(("I ", "my ")):  # "the kettle I regret every day" is no sentence
        return f"{chance.choice(('The', 'One more', 'Finally a'))} {thing} that {said}.", label
    if chance.random() < 0.3:
        before = chance.choice([each for each in other if not each.startswith(("I ", "my "))])
        return chance.choice(TURNS).format(before, thing, said), label
    return chance.choice(REVIEWS).format(thing, said), label


def topics(chance: random.Random) -> tuple[str, str]:
    """A message, and what it is about."""
    topic = chance.choice(list(TOPICS))
    who, what = TOPICS[topic]
    return chance.choice(MESSAGES).format(f"{chance.choice(who)} {chance.choice(what)}"), topic


ACTIONS = {
    "cancel": ("cancel", "call off", "get out of", "drop"),
    "change": ("change", "amend", "make a correction to", "switch"),
    "pay": ("pay for", "settle the bill for", "send the money for", "use a voucher for"),
    "find": ("find", "track down", "look up", "see the details of"),
    "refund": ("get my money back for", "be refunded for", "claim a refund on", "be paid back for"),
    "renew": ("renew", "extend", "prolong", "keep for another year"),
    "share": ("share", "hand over to my sister", "add a second person to", "send a copy of"),
    "protect": ("insure", "lock", "secure", "put a password on"),
}
OBJECTS = {
    "order": ("order", "purchase", "parcel", "delivery"),
    "flight": ("flight", "plane ticket", "boarding pass", "trip to Oslo"),
    "policy": ("home cover", "insurance policy", "contract", "health plan"),
    "room": ("hotel room", "reservation", "suite", "stay in Rome"),
    "account": ("account", "profile", "membership", "login"),
}
WISHES = (
    "How do I {} the {}?", "I want to {} the {}.", "Can I {} the {} online?", "Hello, I have to {} the {} today.",
    "Is there a way to {} the {}?", "Please help me, I must {} the {}.", "My husband says that I can {} the {}?",
    "Your site does not let me {} the {}.", "Third try: I would like to {} the {}!", "Where can we {} the {}?",
)  # fmt: skip


def wishes(chance: random.Random) -> tuple[str, str]:
    """What a customer asks, and what is wanted: an action and an object, with frequencies by Zipf's law."""
    labels = [(action, thing) for action in ACTIONS for thing in OBJECTS]
    random.Random(40).shuffle(labels)
    [(action, thing)] = chance.choices(labels, [1 / rank for rank in range(1, len(labels) + 1)])
    said = chance.choice(WISHES).format(chance.choice(ACTIONS[action]), chance.choice(OBJECTS[thing]))
    return said, f"{action} {thing}"


KINDS: dict[str, tuple[str, Callable[[random.Random], tuple[str, str]]]] = {
    "sentiment": ("Positive or negative?", sentiments),
    "topic": ("Name the topic.", topics),
    "wish": ("What does the customer want?", wishes),
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
