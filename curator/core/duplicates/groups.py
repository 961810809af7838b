"""Groups of copies: rows that are copies of the one that stays; template families are kept apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from rapidfuzz.distance import Levenshtein

from curator.core.duplicates.disjoint_sets import DisjointSets
from curator.core.duplicates.meaning.relation import Relation

WordsOf = Callable[[int], Sequence[str]]
Kind = Literal["exact", "normalised", "near", "family"]

_SAMPLE = 8
"""Members of a group that are compared to decide whether it is a template family."""
_READ = 2_000
"""Words at the start of each text that are compared for this."""
_FEW = 4
"""In a sample of at most so many members all must differ in a slot."""
_SLOT_SHARE = 0.6
"""Share of the members of a larger sample that must differ in a slot."""
_FAMILY_SHARE = 0.7
"""Share of all differences that must lie in slots."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two rows and the similarity of their normal forms: 0 to 100 (rapidfuzz's `ratio`)."""

    a: int
    b: int
    score: float
    relation: Relation = "copy"
    words: int = 0
    """Words in the shorter of the two."""


@dataclass(frozen=True, slots=True)
class Group:
    """Copies of one example, or a template family, in dataset order; all members of an `exact` group are equal.

    No member of a group of copies differs in meaning from another.
    """

    kind: Kind
    ids: tuple[int, ...]
    score: float
    """The lowest score of a pair in it; 100 without verified pairs."""
    kept: int = -1
    """The member that stays when the group is settled: of those with most trained messages the first. -1 in a
    family, whose members all stay."""

    @property
    def removed(self) -> tuple[int, ...]:
        """The members that go when the group is settled."""
        return () if self.kind == "family" else tuple(member for member in self.ids if member != self.kept)


class RowQuestions(NamedTuple):
    """The two questions about rows that decide how they are grouped."""

    compare: Callable[[int, int], Pair | None]
    """The verified pair of two rows that were not compared before; None where they are not alike enough."""
    learnt: Callable[[int], int]
    """How many messages of a row are trained."""


_ASK_NOTHING = RowQuestions(lambda a, b: None, lambda row: 1)
_COMPARED = 200
"""In a component of up to this many normal forms, pairs that were no candidates are compared too."""
_CHECKED = 8
"""In a larger component a row that joins a group is compared with so many members that were no candidates."""


def is_family(texts: Sequence[Sequence[str]]) -> bool:
    """Whether three or more texts (lists of words) fill one template with different words in the same slots.

    Copies of one text differ in places of their own; the members of a family differ in the same places.
    """
    if len(texts) < 3:
        return False
    members = [words[:_READ] for words in texts[:_SAMPLE]]
    pivot = members[0]
    fillings: list[set[str]] = [{word} for word in pivot]
    differences: Counter[int] = Counter()
    for other in members[1:]:
        for at, words in _replacements(pivot, other):
            differences[at] += 1
            fillings[at].add(words)
    needed = len(members) if len(members) <= _FEW else max(_FEW, _SLOT_SHARE * len(members))
    slots = {at for at in differences if len(fillings[at]) >= needed}
    total = sum(differences.values())
    return total > 0 and sum(differences[at] for at in slots) >= _FAMILY_SHARE * total


def _replacements(pivot: Sequence[str], other: Sequence[str]) -> Iterable[tuple[int, str]]:
    """Each position of `pivot` that `other` replaces or leaves out, with the words that `other` has there."""
    for step in Levenshtein.opcodes(pivot, other):
        if step.tag in ("replace", "delete"):
            replacement = " ".join(other[step.dest_start : step.dest_end])
            for position in range(step.src_start, step.src_end):
                yield position, replacement


class Arrangement(NamedTuple):
    """The rows that have a copy or a look-alike."""

    groups: list[Group]
    """Each row is in at most one group of copies. Template families come last; they may share their members."""
    chains: list[list[int]]
    """Sets of rows of which each is a copy of another one: groups that share copies as one."""


def arrange(
    equal: Iterable[Sequence[int]],
    normalised: Iterable[Sequence[int]],
    pairs: Iterable[Pair],
    words_of: WordsOf,
    questions: RowQuestions = _ASK_NOTHING,
) -> Arrangement:
    """Arrange the rows that have a copy or a look-alike.

    `equal` are sets of equal JSON values, `normalised` sets with one normal form, `pairs` the verified pairs of
    their representatives.
    """
    near = [pair for pair in pairs if pair.relation != "conflict"]
    grouping = _Grouping(equal, normalised, near, questions)
    stars = grouping.stars()
    torn: list[_Star] = []
    whole: list[_Star] = []
    for star in stars:
        is_template = len(star.heads) > 2 and is_family([words_of(head) for head in star.heads[:_SAMPLE]])
        (torn if is_template else whole).append(star)
    whole += [part for star in torn for part in grouping.parts(star)]
    groups = sorted((grouping.group_of(star) for star in whole if len(star.rows) > 1), key=lambda group: group.ids)
    heads = {head for star in torn for head in star.heads}
    return Arrangement(groups + _families(near, heads), grouping.chains(heads))


@dataclass(slots=True)
class _Star:
    """Rows that are copies of `kept`."""

    kept: int
    rows: list[int]
    heads: list[int]
    """The first row of each normal form among them."""
    score: float | None = None


class _Grouping:
    """Sets of equal rows, joined by pairs."""

    def __init__(
        self,
        equal: Iterable[Sequence[int]],
        normalised: Iterable[Sequence[int]],
        pairs: Iterable[Pair],
        questions: RowQuestions,
    ) -> None:
        self._questions = questions
        self._value, self._form, self._near = DisjointSets(), DisjointSets(), DisjointSets()
        for ids in equal:
            for other in ids[1:]:
                for sets in (self._value, self._form, self._near):
                    sets.join(ids[0], other)
        for ids in normalised:
            for other in ids[1:]:
                self._form.join(ids[0], other)
                self._near.join(ids[0], other)
        self._pairs = {(pair.a, pair.b): pair for pair in pairs}
        for pair in self._pairs.values():
            if pair.relation == "copy":
                self._near.join(pair.a, pair.b)

    def stars(self) -> list[_Star]:
        """The rows of each component around the rows that stay."""
        return [star for rows in self._near.sets() for star in self._stars_of(rows)]

    def _stars_of(self, rows: list[int]) -> list[_Star]:
        """Divide a component: first the row with most trained messages and all its copies, then the same with the
        remaining rows."""
        forms: dict[int, list[int]] = {}
        for row in rows:
            forms.setdefault(self._form.find(row), []).append(row)
        if len(forms) == 1:
            return [_Star(self._best(rows), rows, rows[:1])]
        open_heads = sorted(forms, key=lambda head: (-self._questions.learnt(self._best(forms[head])), head))
        few = len(open_heads) <= _COMPARED
        stars: list[_Star] = []
        while open_heads:
            heads, scores = open_heads[:1], [100.0]
            for head in open_heads[1:]:
                pair = self._pair(open_heads[0], head, few)
                if pair is not None and self._means_the_same(head, heads[1:], few):
                    heads.append(head)
                    scores.append(pair.score)
            members = sorted(row for head in heads for row in forms[head])
            score = min(scores) if len(heads) > 1 else None
            stars.append(_Star(self._best(forms[heads[0]]), members, sorted(heads), score))
            of_star = set(heads)
            open_heads = [head for head in open_heads if head not in of_star]
        return stars

    def _best(self, rows: list[int]) -> int:
        """Of the rows with most trained messages the first."""
        return max(rows, key=lambda row: (self._questions.learnt(row), -row))

    def _pair(self, a: int, b: int, may_compare: bool) -> Pair | None:
        """The verified pair of two rows; None where they are no copies."""
        a, b = min(a, b), max(a, b)
        pair = self._pairs.get((a, b))
        if pair is None and may_compare:
            pair = self._questions.compare(a, b)
        return pair if pair is not None and pair.relation == "copy" else None

    def _means_the_same(self, head: int, others: list[int], may_compare: bool) -> bool:
        """Whether no comparison finds a difference in meaning between a row and any of some others.

        Rows that are not alike enough to be compared count as no difference.
        """
        for at, other in enumerate(others):
            a, b = min(head, other), max(head, other)
            pair = self._pairs.get((a, b))
            if pair is None and (may_compare or at < _CHECKED):
                pair = self._questions.compare(a, b)
            if pair is not None and pair.relation != "copy":
                return False
        return True

    def chains(self, torn: set[int]) -> list[list[int]]:
        """Sets of rows joined by equality and by copies that fill no template."""
        sets = self._form.copy()
        for pair in self._pairs.values():
            if pair.relation == "copy" and not (pair.a in torn and pair.b in torn):
                sets.join(pair.a, pair.b)
        return sets.sets()

    def parts(self, star: _Star) -> list[_Star]:
        """A star for each normal form in `star`, with that form's rows."""
        forms: dict[int, list[int]] = {}
        for row in star.rows:
            forms.setdefault(self._form.find(row), []).append(row)
        return [_Star(self._best(rows), rows, rows[:1]) for rows in forms.values()]

    def group_of(self, star: _Star) -> Group:
        """The group of a star."""
        if len({self._value.find(row) for row in star.rows}) == 1:
            return Group("exact", tuple(star.rows), 100.0, star.kept)
        kind: Kind = "normalised" if star.score is None else "near"
        return Group(kind, tuple(star.rows), 100.0 if star.score is None else star.score, star.kept)


def _families(pairs: list[Pair], torn: set[int]) -> list[Group]:
    """Families of look-alikes: rows with other facts, and copies that fill one template."""
    kin = DisjointSets()
    joined = [pair for pair in pairs if pair.relation == "facts" or (pair.a in torn and pair.b in torn)]
    for pair in joined:
        kin.join(pair.a, pair.b)
    scores: dict[int, float] = {}
    for pair in joined:
        root = kin.find(pair.a)
        scores[root] = min(scores.get(root, 100.0), pair.score)
    return [Group("family", tuple(ids), scores[kin.find(ids[0])]) for ids in kin.sets()]
