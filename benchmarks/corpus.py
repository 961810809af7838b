"""Generate chat corpora of any size with planted copies, look-alikes and errors, and a record of them.

    python benchmarks/corpus.py OUT.jsonl --examples 100000 --seed 5

`OUT.jsonl.truth.json` holds, with line numbers from 1: `exact` and `near` ([{line, of, kind}]), `groups`
([[source, copies …]]), `lookalikes` (lists of lines by template) and `errors` ([{line, kind}]).
The same arguments give the same bytes.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

Json = Any

CONSONANTS, VOWELS, ENDINGS = "bcdfghklmnprstvwz", "aeiou", ["", "n", "r", "st", "l", "nd", "m", "x"]
GLUE = "the a of to and in is that it for on with as was by are this from or an be at which not".split()  # noqa: SIM905
FRAMES = [
    "how would one {0} the {1} when {2} is near the {3}",
    "please tell me why {0} and {1} never {2} in the {3}",
    "is there a {0} way to {1} our {2} before {3} comes",
    "compare the {0} of {1} with what {2} calls a {3}",
    "my {0} cannot {1} because of the {2} so what about {3}",
    "write three lines on {0} for a {1} who likes {2} and {3}",
]
SYSTEMS = ["You are a helpful assistant.", "Answer in one paragraph.", "You explain things to beginners."]
ERRORS = [
    "not_json",
    "not_object",
    "no_messages",
    "empty_messages",
    "bad_role",
    "no_content",
    "extra_key",
    "bad_utf8",
]
KINDS = ["case", "punct", "typo", "subst05", "subst15", "subst30", "insert", "delete"]


class Writer:
    """Writes sentences of made-up words whose frequencies follow Zipf's law."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        pick = self.random.choice
        words: dict[str, None] = {}
        while len(words) < 9_000:
            syllables = self.random.randint(1, 3)
            stem = "".join(pick(CONSONANTS) + pick(VOWELS) for _ in range(syllables))
            words[stem + pick(ENDINGS)] = None
        self.words = list(words)
        self.weights = [1 / (rank + 20) for rank in range(len(self.words))]
        self.pool: list[str] = []

    def word(self) -> str:
        if not self.pool:
            self.pool = self.random.choices(self.words, self.weights, k=50_000)
        return self.pool.pop()

    def sentence(self) -> str:
        length = self.random.randint(6, 16)
        words = [self.word() if self.random.random() < 0.6 else self.random.choice(GLUE) for _ in range(length)]
        return " ".join(words).capitalize() + "."

    def prose(self, sentences: int) -> str:
        return " ".join(self.sentence() for _ in range(sentences))

    def question(self) -> str:
        frame = self.random.choice(FRAMES)
        return frame.format(*(self.word() for _ in range(4))).capitalize() + "?"

    def example(self) -> Json:
        messages = []
        if self.random.random() < 0.4:
            messages.append({"role": "system", "content": self.random.choice(SYSTEMS)})
        for _ in range(self.random.choices([1, 2, 3, 5], [62, 22, 10, 6])[0]):
            ask = self.question() if self.random.random() < 0.5 else f"{self.prose(1)} {self.question()}"
            messages.append({"role": "user", "content": ask})
            messages.append({"role": "assistant", "content": self.prose(self.random.randint(1, 6))})
        return {"messages": messages}


def exact_copy(example: Json, rng: random.Random) -> Json:
    """The example, or in half of all cases the same value with its keys in another order."""
    reordered = {"messages": [dict(reversed(message.items())) for message in example["messages"]]}
    return reordered if rng.random() < 0.5 else example


def near_copy(example: Json, kind: str, writer: Writer) -> Json:
    """The example changed in one way (one of KINDS), except its system messages."""
    rng = writer.random
    copy = json.loads(json.dumps(example))
    spoken = [m for m in copy["messages"] if m["role"] != "system"]
    if kind == "case":
        change: Callable[[str], str] = rng.choice([str.upper, str.lower, str.title])
    elif kind == "punct":
        change = rng.choice(
            [lambda s: s.replace(".", "!"), lambda s: s.replace(" ", "  "), lambda s: s.replace("?", "")]
        )
    elif kind in ("insert", "delete"):
        longest = max(spoken, key=lambda m: len(m["content"]))
        parts = longest["content"].split(". ")
        if kind == "delete" and len(parts) > 1:
            parts.pop(rng.randrange(len(parts)))
        else:
            parts.insert(rng.randrange(len(parts) + 1), writer.sentence().rstrip("."))
        longest["content"] = ". ".join(parts)
        return copy
    else:
        share = {"typo": 0.03, "subst05": 0.05, "subst15": 0.15, "subst30": 0.3}[kind]

        def change(text: str) -> str:
            return " ".join(
                (swap(word, rng) if kind == "typo" else writer.word()) if rng.random() < share else word
                for word in text.split(" ")
            )

    for message in spoken:
        message["content"] = change(message["content"])
    return copy


def swap(word: str, rng: random.Random) -> str:
    """The word with two neighbouring letters exchanged."""
    if len(word) < 3:
        return word + word[-1]
    at = rng.randrange(len(word) - 1)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def break_example(example: Json, kind: str) -> bytes:
    """The line of the example with one error in it (one of ERRORS)."""
    messages = example["messages"]
    last = messages[-1]
    if kind == "bad_role":
        last["role"] = "bot"
    elif kind == "no_content":
        del messages[-2]["content"]
    elif kind == "extra_key":
        last["mood"] = "good"
    value = {
        "not_object": messages,
        "no_messages": {"dialogue": messages},
        "empty_messages": {"messages": []},
    }.get(kind, example)
    data = json.dumps(value, ensure_ascii=False).encode()
    if kind == "not_json":
        return data[:-1]
    return data.replace(b'content": "', b'content": "\xff', 1) if kind == "bad_utf8" else data


def write_corpus(
    path: Path,
    examples: int,
    seed: int,
    *,
    exact: float = 0.02,
    near: float = 0.03,
    errors: float = 0.01,
    lookalikes: float = 0.01,
) -> Json:
    """Write the corpus and its record (the `.truth.json`); the other arguments are shares of all lines."""
    writer = Writer(seed)
    rng = writer.random
    templates = [(writer.question(), writer.prose(3)) for _ in range(40)]
    truth: Json = {"exact": [], "near": [], "errors": [], "lookalikes": [[] for _ in templates]}
    sources: list[tuple[int, Json]] = []
    copies: dict[int, list[int]] = defaultdict(list)
    with path.open("wb", buffering=1 << 20) as file:
        for line in range(1, examples + 1):
            draw = rng.random()
            if draw < exact + near and sources:
                of, source = rng.choice(sources)
                copies[of].append(line)
                kind = "exact" if draw < exact else rng.choice(KINDS)
                truth["exact" if draw < exact else "near"].append({"line": line, "of": of, "kind": kind})
                copy = exact_copy(source, rng) if draw < exact else near_copy(source, kind, writer)
                data = json.dumps(copy).encode()
            elif exact + near <= draw < exact + near + errors:
                kind = rng.choice(ERRORS)
                truth["errors"].append({"line": line, "kind": kind})
                data = break_example(writer.example(), kind)
            elif exact + near + errors <= draw < exact + near + errors + lookalikes:
                which = rng.randrange(len(templates))
                truth["lookalikes"][which].append(line)
                data = json.dumps(_fill_template(*templates[which], writer)).encode()
            else:
                example = writer.example()
                data = json.dumps(example).encode()
                if len(sources) < 20_000:
                    sources.append((line, example))
            file.write(data + b"\n")
    truth["groups"] = [[of, *lines] for of, lines in sorted(copies.items())]
    Path(f"{path}.truth.json").write_text(json.dumps(truth))
    return truth


def _fill_template(question: str, answer: str, writer: Writer) -> Json:
    """A template with a new word and number in every fifth place."""

    def fill(text: str) -> str:
        words = text.split(" ")
        words[2::5] = [f"{writer.word()} {writer.random.randint(2, 999)}" for _ in words[2::5]]
        return " ".join(words)

    return {
        "messages": [{"role": "user", "content": fill(question)}, {"role": "assistant", "content": fill(answer)}]
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--examples", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    truth = write_corpus(args.out, args.examples, args.seed)
    print(f"{args.out}: {args.examples} examples, " + ", ".join(f"{len(v)} {k}" for k, v in truth.items()))


if __name__ == "__main__":
    main()
