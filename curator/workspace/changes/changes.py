"""What people do to a workspace. Each action is one Change with its inverse, on the disk before it returns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from curator.core import splice
from curator.core.split import Side
from curator.core.text import count_of, one_line
from curator.errors import UsageError
from curator.workspace.changes.writing import Edits, dumps, one_record, saveable
from curator.workspace.records import Change
from curator.workspace.storage.example_order import START
from curator.workspace.storage.examples import BytesById, Touched
from curator.workspace.storage.journal import Addition, Part

STATES = ("accepted", "rejected", "flagged")
MAX_LABEL = 100
PINNED = "pinned"
"""The label of examples whose side was chosen by hand and stays when the others are divided anew."""


class Actions(Edits):
    """The mutators of `Workspace`. They raise NotSaved (nothing kept, try again) or CuratorError (refused)."""

    def add(self, raw: bytes | dict[str, Any], after: int | None = None) -> Change:
        """Add an example behind another (None: at the end); its id is `change.ids[0]`."""
        data = raw if isinstance(raw, bytes) else splice.dump(raw)
        return self.add_many([data], after, "Added an example")

    def add_many(self, raws: Sequence[bytes], after: int | None = None, label: str = "") -> Change:
        """Add examples in order behind another one (None: at the end) as one change."""
        for raw in raws:
            one_record(raw)
        with self.guard:
            self._ready()
            everything = self.stored.order.all
            if after is None:
                after = everything[-1] if len(everything) else START
            elif after != START:
                self._known([after])
            first = self.stored.next_id()
            additions = []
            for number, raw in enumerate(raws):
                additions.append(Addition(first + number, raw, after if number == 0 else first + number - 1))
            parts = [Part(addition.id, "deleted", 2, 0) for addition in additions]
            words = label or f"Added {count_of(len(additions))}"
            change = self.journal.commit("add", words, parts, additions=additions)
            self._restructure()
            self._changed([addition.id for addition in additions], True)
            return change

    def merge_lines(self, groups: Sequence[tuple[int, list[bytes]]], gone: Sequence[int], name: str) -> Change:
        """Add lines behind their anchors and delete those that are gone and untouched, as one change."""
        first = self.stored.next_id()
        additions: list[Addition] = []
        for anchor, raws in groups:
            for number, raw in enumerate(raws):
                at = first + len(additions)
                additions.append(Addition(at, raw, anchor if number == 0 else at - 1))
        touched = self.stored.touched(gone)
        lost = [i for i in gone if i not in touched or not (touched[i].version or touched[i].deleted)]
        parts = [Part(a.id, "deleted", 2, 0) for a in additions]
        parts += [Part(i, "deleted", 0, 1) for i in lost]
        label = f"Merged {name}: {len(additions):,} new, {len(lost):,} gone"
        change = self.journal.commit("merge", label, parts, additions=additions)
        self._restructure()
        self._changed([a.id for a in additions], True)
        return change

    def delete(self, ids: Iterable[int]) -> Change:
        """Take examples out; they can be restored at any time."""
        return self._mark_deleted(ids, 1, "delete", "Deleted {}")

    def merge_copies(self, kept: int, copies: Iterable[int]) -> Change:
        """Delete copies of an example, which takes on their labels, their best rating and their notes."""
        with self.guard:
            (kept, *others) = self._ready([kept, *copies])
            touched = self.stored.touched([kept, *others])
            own = touched.get(kept)
            rows = [touched[i] for i in others if i in touched]
            rating = max((row.rating or 0 for row in touched.values()), default=0) or None
            said = [own.note if own is not None else None, *(row.note for row in rows)]
            note = "\n".join(dict.fromkeys(filter(None, said))) or None
            parts = [
                Part(kept, "rating", own.rating if own is not None else None, rating),
                Part(kept, "note", own.note if own is not None else None, note),
            ]
            names = {name for (name,) in self.journal.db.execute("SELECT DISTINCT label FROM label")}
            for name in sorted(names):
                have = self._having(name)
                if kept not in have and not have.isdisjoint(others):
                    parts.append(Part(kept, f"label:{name}", 0, 1))
            parts += [Part(i, "deleted", touched[i].deleted if i in touched else 0, 1) for i in others]
            words = self._words("Merged {}", [kept, *others])
            change = self.journal.commit("delete", words, parts)
            self._restructure()
            self.announce([], True)
            return change

    def restore(self, ids: Iterable[int]) -> Change:
        """Bring deleted examples back to their places."""
        return self._mark_deleted(ids, 0, "restore", "Restored {}")

    def _mark_deleted(self, ids: Iterable[int], value: int, kind: str, words: str) -> Change:
        with self.guard:
            wanted = self._ready(ids)
            touched = self.stored.touched(wanted)
            before = {i: touched[i].deleted if i in touched else 0 for i in wanted}
            parts = [Part(i, "deleted", before[i], value) for i in wanted if before[i] != value]
            change = self.journal.commit(kind, self._words(words, [p.example for p in parts]), parts)
            if value and len(parts) == 1:
                self.stored.order.delete(parts[0].example)
                self.derived.restructured()
            elif parts:
                self._restructure()
            self.announce([], bool(parts))
            return change

    def label(self, ids: Iterable[int], label: str, on: bool = True) -> Change:
        """Put a label on examples, or take it off. Raises UsageError for a name that is empty or too long."""
        name = label.strip()
        if not name or len(name) > MAX_LABEL or one_line(name) != name:
            raise UsageError(f"a label is 1 to {MAX_LABEL} visible characters")
        saveable(name)
        with self.guard:
            wanted = self._ready(ids)
            have = self._having(name)
            parts = [Part(i, f"label:{name}", int(not on), int(on)) for i in wanted if (i in have) != on]
            words = f"Labelled {{}} {name}" if on else f"Took the label {name} off {{}}"
            return self.journal.commit("label", self._words(words, [p.example for p in parts]), parts)

    def rate(self, ids: Iterable[int], rating: int | None) -> Change:
        """Rate examples 1 to 5; None or 0 takes the rating away. Raises UsageError for another number."""
        if rating is not None and (
            isinstance(rating, bool) or not isinstance(rating, int) or not 0 <= rating <= 5
        ):
            raise UsageError("a rating is a whole number from 0 (none) to 5")
        words = f"Rated {{}} {rating}" if rating else "Took the rating off {}"
        return self._set("rate", words, ids, lambda _: {"rating": rating or None})

    def review(self, ids: Iterable[int], state: str | None) -> Change:
        """Mark examples `accepted`, `rejected` or `flagged`; `none` or None takes the mark away."""
        value = None if state in (None, "none") else state
        if value is not None and value not in STATES:
            raise UsageError(f"a review state is one of {', '.join(STATES)}, none")
        words = f"Marked {{}} as {value}" if value else "Took the review mark off {}"

        def fields(row: Touched | None) -> dict[str, object]:
            version = row.version if row is not None else 0
            return {"review": value, "reviewed": version if value else None}

        return self._set("review", words, ids, fields)

    def note(self, ids: Iterable[int], text: str) -> Change:
        """Attach a note to examples; an empty one takes it away."""
        saveable(text)
        words = "Wrote a note on {}" if text else "Removed the note of {}"
        return self._set("note", words, ids, lambda _: {"note": text or None})

    def assign(self, ids: Iterable[int], split: str | None) -> Change:
        """Put examples on the side `train` or `validation` by hand; None takes them out of both."""
        if split not in ("train", "validation", "none", None):
            raise UsageError("a split is train, validation or none")
        value = split or "none"
        return self._set("split", f"Put {{}} into {value}", ids, lambda _: {"split": value})

    def pin(self, ids: Iterable[int], side: Side | None) -> Change:
        """Put examples on a side for good: with the label `pinned` they stay there when all is divided anew.

        None lets them go; they stay where they are until the next split.
        """
        with self.guard:
            wanted = self._ready(ids)
            touched = self.stored.touched(wanted)
            pinned = self._having(PINNED)
            parts = [Part(i, f"label:{PINNED}", int(i in pinned), int(side is not None)) for i in wanted]
            if side is not None:
                parts += [Part(i, "split", touched[i].split if i in touched else None, side) for i in wanted]
            changed = sorted({part.example for part in parts if part.before != part.after})
            words = f"Pinned {{}} to {side}" if side else "Let {} go"
            return self.journal.commit("split", self._words(words, changed), parts)

    def labelled(self, label: str) -> set[int]:
        """The examples that have a label."""
        with self.guard:
            return self._having(label)

    def _having(self, label: str) -> set[int]:
        rows = self.journal.db.execute("SELECT example FROM label WHERE label = ?", (label,))
        return {example for (example,) in rows}

    def _pins(self) -> dict[int, Side]:
        """The sides of the pinned examples."""
        pinned = self._having(PINNED)
        touched = self.stored.touched(sorted(pinned))
        return {i: "validation" if i in touched and touched[i].split == "validation" else "train" for i in pinned}

    def split(
        self,
        validation: float = 0.1,
        seed: int = 0,
        *,
        stratify: str | None = None,
        ids: Iterable[int] | None = None,
        fixed: Mapping[int, Side] | None = None,
    ) -> Change:
        """Divide examples into training and validation so that no copy or contradiction is on both sides.

        Pinned examples stay where they are. `validation` is a share below 1 or a count; `ids` limits it to some
        examples (default: all); `stratify` is `label` (the labels given here), `answer` or a location. Its
        `reasons` are in `meta("split")`. Raises UsageError for a bad share, too few examples, or where no
        example has what they are stratified by.
        """
        from curator.workspace.duplicates.split import divide  # heavy

        with self.guard:
            wanted = self._ready(self.stored.order.live if ids is None else ids)
            strata = self._labels_of(wanted) if stratify == "label" else None
            raws = BytesById(self.stored, wanted)
            stay = {**(fixed or {}), **self._pins()}
            made = divide(
                raws, validation, seed, stratify=stratify, strata=strata, fixed=stay, meter=self.journal.meter
            )
            about = {"validation": validation, "seed": seed, "stratify": stratify, "reasons": made.reasons}
            about["last"] = max(wanted)  # later examples were not asked about yet
            row = self.journal.db.execute("SELECT value FROM meta WHERE key = 'split'").fetchone()
            extra = [] if ids is not None else [Part(0, "meta:split", row[0] if row else "null", dumps(about))]
            held = set(made.validation)
            default = None if ids is None else "train"  # with a split of all, what has no side of its own trains
            words = f"Split {{}}: {len(made.train):,} to train, {len(held):,} to validate"
            touched = self.stored.touched(wanted)
            parts: list[Part] = list(extra)
            for example in wanted:
                before = touched[example].split if example in touched else None
                after = "validation" if example in held else default
                if before != after:
                    parts.append(Part(example, "split", before, after))
            change = self.journal.commit("split", self._words(words, wanted), parts, examples=len(wanted))
            self.stored.reorder()
            return change

    def _labels_of(self, ids: Sequence[int]) -> dict[int, tuple[str, ...]] | None:
        """The labels of examples; None where none of them has any."""
        wanted, found = set(ids), dict[int, tuple[str, ...]]()
        for example, name in self.journal.db.execute("SELECT example, label FROM label ORDER BY label"):
            if example in wanted and name != PINNED:
                found[example] = (*found.get(example, ()), name)
        return {example: found.get(example, ()) for example in ids} if found else None

    def undo(self) -> Change | None:
        """Take back the latest change; None where nothing is left to undo."""
        return self._walk(self.journal.undo)

    def redo(self) -> Change | None:
        """Bring back what was undone last; None where nothing is left to redo."""
        return self._walk(self.journal.redo)

    def undoes(self) -> int:
        """Examples of the change that `undo` would take back."""
        with self.guard:
            return self.journal.size(self.journal.next_undo())

    def redoes(self) -> int:
        """Examples of the change that `redo` would bring back."""
        with self.guard:
            return self.journal.size(self.journal.next_redo())

    def between(self, revision: int) -> int:
        """Examples, once for each change, of what `undo_to` would undo or redo."""
        with self.guard:
            return self.journal.between(revision)

    def undo_to(self, revision: int) -> list[Change]:
        """Jump to a point: undo what stands after `revision`, or redo what was undone up to it."""
        done: list[Change] = []
        with self.guard:
            while (target := self.journal.next_undo()) is not None and target > revision:
                change = self.undo()
                if change is None:
                    break
                done.append(change)
            while (target := self.journal.next_redo()) is not None and target <= revision:
                change = self.redo()
                if change is None:
                    break
                done.append(change)
        return done

    def _walk(self, step: Callable[[], Change | None]) -> Change | None:
        with self.guard:
            self._ready()
            change = step()
            if change is not None:
                self._restructure(sources=True)
                self._changed(self._rewritten(change.id), True)
            return change

    def _rewritten(self, change: int) -> list[int]:
        rows = self.journal.db.execute(
            "SELECT example FROM part WHERE change = ? AND field = 'version' AND example > 0", (change,)
        )
        return [example for (example,) in rows]

    def _set(
        self,
        kind: str,
        words: str,
        ids: Iterable[int],
        fields: Callable[[Touched | None], dict[str, object]],
    ) -> Change:
        with self.guard:
            wanted = self._ready(ids)
            touched = self.stored.touched(wanted)
            parts: list[Part] = []
            for example in wanted:
                row = touched.get(example)
                for field, value in fields(row).items():
                    before = getattr(row, field) if row is not None else None
                    if before != value:
                        parts.append(Part(example, field, before, value))
            changed = sorted({p.example for p in parts if p.example > 0})
            return self.journal.commit(kind, self._words(words, changed), parts)

    def _restructure(self, sources: bool = False) -> None:
        if sources:
            self.stored.reload()
        else:
            self.stored.reorder()
        self.derived.restructured()
