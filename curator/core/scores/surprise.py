"""How surprising are answers, judged by models that did not learn them, and can that find wrong ones?

The surprise of an answer is what its prompt takes away from its log probability: the mean over other prompts less
that of its own, in nats. It is minus the pointwise V-information (Ethayarajh et al. 2022), with other prompts in
place of the empty one. An answer that fits its prompt is likelier there than elsewhere: its surprise is below 0.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from curator.core.text import count_of

_BETTER = 3.0
"""How many times better than chance the planted answers must be found for suspects to be shown."""
_FEW_LABELS = 0.05
"""Most different answers, as a share of the examples, of data with few labels."""
_OF_LABELS = 0.85
"""Share of the planted answers that has to rank with the first tenth of the others where labels are few: 0.7 is
wanted, and of 50 planted ones chance alone moves the share by 0.13 (two standard errors)."""
_LEVEL = 0.01
"""Greatest probability that chance finds as many."""


def surprise(own: float, others: Sequence[float]) -> float:
    """The surprise of an answer by its log probability after its own prompt and after others; 0 without others."""
    return sum(others) / len(others) - own if others else 0.0


def curve_words(curve: Sequence[float]) -> str:
    """A learning curve in words, e.g. `5.1 → 2.0 → 0.3 nats`: of more than five epochs an even choice."""
    steps = min(len(curve), 5)
    chosen = [curve[round(at * (len(curve) - 1) / max(1, steps - 1))] for at in range(steps)]
    return " → ".join(f"{loss:.1f}" for loss in chosen) + " nats" if chosen else ""


def choose_planted(answers: Sequence[str], share: float, seed: int) -> dict[int, int]:
    """Which answers are exchanged to measure how well they are found: place, and the place of the answer it gets.

    A share of all, 3 at least. The answer it gets is always another one.
    """
    chance = random.Random(seed)
    places = chance.sample(range(len(answers)), min(len(answers), max(3, round(share * len(answers)))))
    planted = {}
    for place in places:
        others = [at for at, answer in enumerate(answers) if answer.strip() != answers[place].strip()]
        if others:
            planted[place] = chance.choice(others)
    return planted


@dataclass(frozen=True, slots=True)
class PlantedFound:
    """Of `planted` exchanged answers among `examples`, `found` are in the `first` most surprising ones."""

    examples: int
    planted: int
    first: int
    found: int
    in_tenth: int
    """How many rank with the first tenth of the others: where a tenth of the others are slips, which are found as
    well, as large a share of that tenth are slips."""
    has_few_labels: bool = False

    @property
    def tells(self) -> bool:
        """Whether they are found so much better than by chance that suspects mean something here."""
        expected = self.first * self.planted / max(1, self.examples)
        return self.found >= _BETTER * expected and self.p_value <= _LEVEL and not self._finds_too_few

    @property
    def _finds_too_few(self) -> bool:
        """Whether, with few labels, too many of them are missed."""
        return self.has_few_labels and self.in_tenth < _OF_LABELS * self.planted

    @property
    def p_value(self) -> float:
        """The probability that a random choice finds as many (hypergeometric)."""
        ways = math.comb(self.examples, self.first)
        most = min(self.first, self.planted)
        hits = (
            math.comb(self.planted, n) * math.comb(self.examples - self.planted, self.first - n)
            for n in range(self.found, most + 1)
        )
        return sum(hits) / ways

    @property
    def sentence(self) -> str:
        """What was measured, for people."""
        if self.tells:
            return f"Measured here: of the first {self.first} like these {self.found} were planted."
        if self._finds_too_few and self.planted:
            share = self.in_tenth / self.planted
            return (
                f"It cannot tell here: of {self.planted} planted answers {self.in_tenth} ({share:.0%}) rank with "
                f"the first tenth; with few labels {_OF_LABELS:.0%} should, so nothing is marked."
            )
        return (
            f"It cannot tell here: of {count_of(self.planted, 'answer that was', 'answers that were')} "
            f"exchanged on purpose only {self.found} "
            f"were among the {self.first} most surprising, so nothing is marked."
        )


def measure_planted(
    surprises: Sequence[float], planted: Sequence[int], answers: Sequence[str] = ()
) -> PlantedFound:
    """How many planted answers are among the most surprising: of all 200 and more examples the first 20, of fewer
    a tenth; and how many rank with the first tenth of the others, for whose places they do not compete. By the
    `answers` of all examples few labels are told from many."""
    tenth = max(3, len(surprises) // 10)
    first = min(20, tenth)
    order = sorted(range(len(surprises)), key=lambda at: -surprises[at])
    chosen = set(planted)
    others = [surprises[at] for at in order if at not in chosen]
    last = others[min(tenth, len(others)) - 1] if others else -math.inf
    found, in_tenth = len(chosen & set(order[:first])), sum(surprises[at] > last for at in chosen)
    few = bool(answers) and len({answer.strip() for answer in answers}) <= _FEW_LABELS * len(answers)
    return PlantedFound(len(surprises), len(planted), first, found, in_tenth, few)
