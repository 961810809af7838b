"""What the data of a round is like: its most frequent answers, as far as a look at many lines tells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from curator.core.duplicates.question import question_and_answer
from curator.core.text import count_of, one_line
from curator.jobs.rounds.round_data import read_lines

MOST_READ = 20_000
"""Most lines that are read."""
_ANSWERS = 12
_LONGEST = 24
"""Characters of an answer that are shown."""


@dataclass(frozen=True)
class DataSummary:
    """`answers` are the most frequent ones with their counts, of the `read` lines of all `examples`."""

    examples: int = 0
    read: int = 0
    answers: tuple[tuple[str, int], ...] = ()
    different_answers: int = 0
    review_words: str = ""
    """How many examples a person looked at."""
    findings: Sequence[str] = ()
    """What speaks against the data, in sentences."""


def summarise_data(path: Path, reviewed: int = 0) -> DataSummary:
    """Look at a frozen file; of more than `MOST_READ` lines at an even choice. Raises InputError."""
    lines = read_lines(path)
    count = len(lines)
    places = range(count) if count <= MOST_READ else [at * count // MOST_READ for at in range(MOST_READ)]
    answers = Counter(one_line(question_and_answer(lines.line(at))[1], _LONGEST) for at in places)
    review = f"{count_of(reviewed, 'example was', 'examples were')} reviewed by a person." if reviewed else ""
    return DataSummary(
        count, len(places), tuple(answers.most_common(_ANSWERS)), len(answers), review, _found(answers)
    )


def _found(answers: Counter[str]) -> list[str]:
    """What the counts of answers warn of."""
    total = answers.total()
    if not total:
        return []
    answer, count = answers.most_common(1)[0]
    sentences = []
    once = sum(1 for times in answers.values() if times == 1)
    if len(answers) > 1 and count > total / 2:
        sentences.append(f"- {100 * count / total:.0f} % of the answers are the same.")
    if once > len(answers) / 2 and len(answers) < total:
        sentences.append(f"- {once:,} of {len(answers):,} different answers occur once.")
    return sentences
