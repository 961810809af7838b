"""Write the EmojiBot files of `sample_data/` from the prompts in `scripts/samples/`.

    python scripts/make_samples.py            (the same bytes each time)

`emojibot-clean.jsonl` holds the examples as written, `emojibot.jsonl` the same with the faults of
`sample_faults.py`, and `emojibot-faults.json` and the table in `README.md` tell where each of them is.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

from sample_faults import EXTRAS, SPOILS, Extra, Spoil

SYSTEM = "You are EmojiBot. You answer every message with one Teams emoji shortcode and nothing else."
LAZY = "(smile)"
HERE = Path(__file__).parent / "samples"
OUT = Path(__file__).parents[1] / "sample_data"
START, END = "<!-- faults: written by scripts/make_samples.py -->", "<!-- end of faults -->"


class Pair(NamedTuple):
    """A prompt and its answer; `lazy`: the spoilt file answers `(smile)` instead."""

    user: str
    answer: str
    lazy: bool


class Line(NamedTuple):
    """One line of the spoilt file: its text, the pair behind it, and what is wrong with it."""

    text: str
    pair: Pair
    fault: Spoil | Extra | None


def read(name: str) -> list[Pair]:
    """The pairs of `samples/NAME`: a shortcode, below it its prompts, `#` for remarks."""
    pairs: list[Pair] = []
    code = ""
    for line in (HERE / name).read_text("utf-8").splitlines():
        if line.startswith("(") and line.endswith(")") and " " not in line:
            code = line
        elif line and not line.startswith("#"):
            pairs.append(Pair(line.removeprefix("~"), code, line.startswith("~")))
    return pairs


def shuffle(pairs: list[Pair]) -> list[Pair]:
    """The pairs in an order that looks random but depends on the prompts only."""
    return sorted(pairs, key=lambda pair: hashlib.sha256(f"7 {pair.user}".encode()).digest())


def example(user: str, answer: Any, system: str = SYSTEM) -> dict[str, Any]:
    """A chat example of three messages."""
    texts = (("system", system), ("user", user), ("assistant", answer))
    return {"messages": [{"role": role, "content": content} for role, content in texts]}


def dump(value: Any) -> str:
    """`value` as one line of JSON, letters of every script as themselves."""
    return json.dumps(value, ensure_ascii=False)


def spoil_line(pair: Pair, fault: Spoil | None) -> str:
    """The line of `pair` in the spoilt file."""
    if fault is None:
        return dump(example(pair.user, LAZY if pair.lazy else pair.answer))
    value = example(
        pair.user if fault.user is None else fault.user,
        pair.answer if fault.answer is None else fault.answer,
        fault.system or SYSTEM,
    )
    if fault.change:
        fault.change(value)
    return fault.raw(dump(value)) if fault.raw else dump(value)


def added_line(pair: Pair, fault: Extra) -> str:
    """The line that `fault` adds below the one of `pair`."""
    line = dump(example(fault.user or pair.user, fault.answer or pair.answer))
    return fault.raw(line) if fault.raw else line


def find(pairs: list[Pair], start: str) -> Pair:
    """The one pair whose prompt begins with `start`."""
    (pair,) = [pair for pair in pairs if pair.user.startswith(start)]
    return pair


def spoil(pairs: list[Pair]) -> list[Line]:
    """All lines of the spoilt file; each added line stands 9 to 40 lines below the one it copies."""
    faults = {find(pairs, fault.prompt): fault for fault in SPOILS}
    assert len(faults) == len(SPOILS), "two faults on one line"
    lines = [Line(spoil_line(pair, faults.get(pair)), pair, faults.get(pair)) for pair in pairs]
    for number, fault in enumerate(EXTRAS):
        pair = find(pairs, fault.prompt)
        assert pair not in faults and not pair.lazy, f"{pair.user}: the original must be good"
        at = max(index for index, line in enumerate(lines) if line.pair == pair)
        lines.insert(at + 9 + number * 11 % 32, Line(added_line(pair, fault), pair, fault))
    return lines


def record(lines: list[Line], pairs: list[Pair], number: int) -> dict[str, Any] | None:
    """The record of what is wrong with line `number` (from 1); None for a good line."""
    line = lines[number - 1]
    fault, clean = line.fault, pairs.index(line.pair) + 1
    if fault is None and not line.pair.lazy:
        return None
    entry: dict[str, Any] = {
        "line": number,
        "kind": "dominant_answer",
        "rule": None,
        "location": "messages[2].content",
    }
    entry |= {"also": [], "with": [], "note": f"{LAZY} where {line.pair.answer} belongs", "clean_line": clean}
    if isinstance(fault, Spoil):
        entry |= {"kind": fault.kind, "rule": fault.rule, "location": fault.location}
        entry |= {"also": list(fault.also), "note": fault.note}
    elif fault:
        partners = [at for at, other in enumerate(lines, 1) if other.pair == line.pair and at != number]
        entry |= {"kind": fault.kind, "rule": fault.rule, "location": "", "with": partners}
        entry |= {"note": fault.note, "clean_line": None}
    return entry


def table(faults: list[dict[str, Any]]) -> str:
    """The faults as a Markdown table."""
    rows = ["| line | kind | rule | what is wrong | in the clean file |", "|---:|---|---|---|---|"]
    for fault in faults:
        beside = f" (see line {', '.join(map(str, fault['with']))})" if fault["with"] else ""
        repaired = f"line {fault['clean_line']}" if fault["clean_line"] else "removed"
        rule = f"`{fault['rule']}`" if fault["rule"] else "–"
        rows.append(f"| {fault['line']} | {fault['kind']} | {rule} | {fault['note']}{beside} | {repaired} |")
    return "\n".join(rows)


def write(name: str, text: str) -> None:
    """Write `sample_data/NAME` with LF line ends."""
    (OUT / name).write_bytes(text.encode("utf-8"))


def main() -> None:
    """Write every file."""
    pairs = shuffle(read("emojibot.txt"))
    lines = spoil(pairs)
    faults = [entry for number in range(1, len(lines) + 1) if (entry := record(lines, pairs, number))]
    write("emojibot.jsonl", "".join(f"{line.text}\n" for line in lines))
    write("emojibot-clean.jsonl", "".join(f"{dump(example(p.user, p.answer))}\n" for p in pairs))
    write("emojibot-test.jsonl", "".join(f"{dump(example(p.user, p.answer))}\n" for p in read("test.txt")))
    summary = {"file": "emojibot.jsonl", "lines": len(lines), "system": SYSTEM, "faults": faults}
    write("emojibot-faults.json", json.dumps(summary, ensure_ascii=False, indent=1) + "\n")
    codes = {p.answer for p in pairs} | {
        f"({word})" for word in (HERE / "more-shortcodes.txt").read_text().split()
    }
    write("emojibot-shortcodes.txt", "".join(f"{code}\n" for code in sorted(codes)))
    before, _, rest = (OUT / "README.md").read_text("utf-8").partition(START)
    write("README.md", f"{before}{START}\n{table(faults)}\n{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    main()
