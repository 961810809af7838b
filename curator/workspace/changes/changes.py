"""What people do to examples: each method is one Change with its inverse, on the disk before it returns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from curator.core import rules, splice
from curator.core.example import Path as Location
from curator.core.example import format_path, parse, parse_path
from curator.core.text import count_of, one_line
from curator.errors import CuratorError, UsageError
from curator.workspace.changes import restore, right_answers, sides, undo
from curator.workspace.changes.rewriting import rewrite
from curator.workspace.changes.verdict_marks import marks_of_lines
from curator.workspace.changes.writing import Writing, require_encodable, require_one_line, twin_words
from curator.workspace.records import Change
from curator.workspace.storage.example_order import START
from curator.workspace.storage.examples import ExampleRow
from curator.workspace.storage.open_change import Addition, FieldChange

REVIEW_STATES = ("accepted", "rejected", "flagged")
MAX_LABEL = 100
"""Characters."""


class Changes:
    """The changes of a workspace. Each raises NotSaved (nothing changed, try again) or CuratorError (refused)."""

    def __init__(self, writing: Writing) -> None:
        self.writing = writing

    def edit(self, example: int, location: str | Location, value: Any) -> Change:
        """Set one value inside an example, e.g. at `messages[2].content`; all other bytes stay.

        A new last key or list index is appended. Raises CuratorError where the location leads nowhere.
        """
        return self.edit_many([example], location, value)

    def edit_many(self, ids: Iterable[int], location: str | Location, value: Any) -> Change:
        """As `edit`, at the same location of many examples, as one change."""
        path = _parse_location(location)
        template = f"Edited {format_path(path) or 'everything'} of {{}}"
        return self._splice(ids, lambda raw: splice.set_value(raw, path, value), template)

    def remove(self, example: int, location: str | Location) -> Change:
        """Remove a key or a list item from an example."""
        path = _parse_location(location)
        return self._splice(
            [example], lambda raw: splice.remove(raw, path), f"Removed {format_path(path)} of {{}}"
        )

    def insert(self, example: int, location: str | Location, value: Any) -> Change:
        """Insert a value before a list index of an example (the list's length appends)."""
        path = _parse_location(location)
        template = f"Inserted {format_path(path)} into {{}}"
        return self._splice([example], lambda raw: splice.insert(raw, path, value), template)

    def replace(self, example: int, raw: bytes) -> Change:
        """Give an example new bytes as a whole; they may be broken JSON, but must be one line."""
        require_one_line(raw)
        return self._splice([example], lambda _: raw, "Edited {}")

    def replace_many(self, raws: dict[int, bytes], label: str) -> Change:
        """Give many examples new bytes as one change; `label` is its description."""
        for raw in raws.values():
            require_one_line(raw)
        return rewrite(self.writing, "edit", label, list(raws), lambda example, _: raws[example])

    def fix(self, ids: Iterable[int], rule: str | None = None, *, safe_only: bool = False) -> Change:
        """Apply a rule's fix (None: every safe one) wherever it applies to these examples, as one change.

        With `safe_only` only where the rule's fix is safe. Raises UsageError for a rule that does not exist or has
        no fix.
        """
        if rule is not None and (rule not in rules.REGISTRY or rules.REGISTRY[rule].fix is None):
            raise UsageError(f"'{one_line(rule)}' is no rule with a fix")
        context = self.writing.results.analyst.context

        def fix(_: int, raw: bytes) -> bytes:
            if rule is not None:
                fixed = rules.fix(parse(raw), rule, context, safe_only=safe_only)
                return raw if fixed is None else fixed
            return rules.fix_all(parse(raw), context)[0]

        return rewrite(self.writing, "fix", f"Fixed {rule or 'all that is safe to fix'} in {{}}", ids, fix)

    def _splice(self, ids: Iterable[int], change: Callable[[bytes], bytes], template: str) -> Change:
        def spliced(_: int, raw: bytes) -> bytes:
            try:
                return change(raw)
            except (LookupError, ValueError) as error:
                raise CuratorError(f"cannot edit: {error.args[0] if error.args else error}") from error

        return rewrite(self.writing, "edit", template, ids, spliced)

    def add(self, raw: bytes | dict[str, Any], after: int | None = None, marked: Sequence[str] = ()) -> Change:
        """Add an example behind another (None: at the end), labelled `marked`; its id is `change.ids[0]`."""
        data = raw if isinstance(raw, bytes) else splice.dump(raw)
        return self.add_many([data], after, "Added an example", marked)

    def add_many(
        self, raws: Sequence[bytes], after: int | None = None, label: str = "", marked: Sequence[str] = ()
    ) -> Change:
        """Add examples in order behind another one (None: at the end) as one change, with the labels `marked`."""
        for raw in raws:
            require_one_line(raw)
        names = [_label_name(name) for name in marked]
        with self.writing.guard:
            self.writing.begin()
            all_ids = self.writing.stored.order.all
            if after is None:
                after = all_ids[-1] if len(all_ids) else START
            elif after != START:
                self.writing.require_ids([after])
            words = label or f"Added {count_of(len(raws))}"
            return self._commit_additions("add", [(after, raws)], [], words, names)

    def merge_lines(
        self, groups: Sequence[tuple[int, Sequence[bytes]]], gone_ids: Sequence[int], name: str
    ) -> Change:
        """Add lines, each group behind its anchor, and delete examples unless they were edited, as one change.

        `name` is that of the source, for the label.
        """
        with self.writing.guard:
            self.writing.begin()
            rows = self.writing.stored.example_rows(gone_ids)
            deleted = [i for i in gone_ids if i not in rows or not (rows[i].version or rows[i].deleted)]
            count = sum(len(raws) for _, raws in groups)
            label = f"Merged {name}: {count:,} new, {len(deleted):,} gone"
            return self._commit_additions("merge", groups, deleted, label)

    def _commit_additions(
        self,
        kind: str,
        groups: Iterable[tuple[int, Sequence[bytes]]],
        deleted: Iterable[int],
        label: str,
        marked: Sequence[str] = (),
    ) -> Change:
        """One change that adds each (anchor, lines) behind its anchor, labelled `marked`, and deletes examples."""
        first = self.writing.stored.next_id()
        additions: list[Addition] = []
        for anchor, raws in groups:
            for number, raw in enumerate(raws):
                new_id = first + len(additions)
                additions.append(Addition(new_id, raw, anchor if number == 0 else new_id - 1))
        new_ids = [addition.id for addition in additions]
        parts = [FieldChange(i, "deleted", 2, 0) for i in new_ids] + [
            FieldChange(i, "deleted", 0, 1) for i in deleted
        ]
        twins = self.writing.held_out_twins(((new.id, new.raw) for new in additions), len(additions))
        parts += self.writing.twin_parts(twins)
        parts += marks_of_lines(additions) if kind == "merge" else []
        parts += [FieldChange(i, f"label:{name}", 0, 1) for i in new_ids for name in dict.fromkeys(marked)]
        change = self.writing.journal.commit(kind, label + twin_words(twins), parts, additions=additions)
        self.writing.restructure()
        self.writing.publish(new_ids, True)
        return replace(change, twins=twins)

    def delete(self, ids: Iterable[int]) -> Change:
        """Delete examples; they keep their bytes and can be restored at any time."""
        return self._set_deleted(ids, 1, "delete", "Deleted {}")

    def restore(self, ids: Iterable[int]) -> Change:
        """Bring deleted examples back to their places."""
        return self._set_deleted(ids, 0, "restore", "Restored {}")

    def _set_deleted(self, ids: Iterable[int], value: int, kind: str, template: str) -> Change:
        """Set `deleted` to 0 or 1 for those of the examples that have the other value."""
        writing = self.writing
        with writing.guard:
            examples = writing.begin(ids)
            rows = writing.stored.example_rows(examples)
            before = {i: rows[i].deleted if i in rows else 0 for i in examples}
            parts = [FieldChange(i, "deleted", before[i], value) for i in examples if before[i] != value]
            changed = [part.example for part in parts]
            twins = () if value else writing.held_out_twins(writing.stored.raws(changed), len(changed))
            label = writing.describe(template, changed) + twin_words(twins)
            change = writing.journal.commit(kind, label, [*parts, *writing.twin_parts(twins)])
            if value and len(parts) == 1:  # quicker than the whole order
                writing.stored.order.delete(parts[0].example)
                writing.results.note_restructured()
            elif parts:
                writing.restructure()
            writing.announce([], bool(parts))
            return replace(change, twins=twins)

    def merge_copies(self, example: int, copies: Iterable[int]) -> Change:
        """Delete copies of an example, which takes over their labels, their best rating and their notes."""
        writing = self.writing
        with writing.guard:
            (example, *others) = writing.begin([example, *copies])
            rows = writing.stored.example_rows([example, *others])
            own = rows.get(example)
            rating = max((row.rating or 0 for row in rows.values()), default=0) or None
            notes = [own.note if own is not None else None, *(rows[i].note for i in others if i in rows)]
            note = "\n".join(dict.fromkeys(filter(None, notes))) or None
            parts = [
                FieldChange(example, "rating", own.rating if own is not None else None, rating),
                FieldChange(example, "note", own.note if own is not None else None, note),
            ]
            for name in writing.stored.label_names():
                labelled = writing.stored.with_label(name)
                if example not in labelled and not labelled.isdisjoint(others):
                    parts.append(FieldChange(example, f"label:{name}", 0, 1))
            parts += [FieldChange(i, "deleted", rows[i].deleted if i in rows else 0, 1) for i in others]
            label = writing.describe("Merged {}", [example, *others])
            change = writing.journal.commit("delete", label, parts)
            writing.restructure()
            writing.announce([], True)
            return change

    def label(self, ids: Iterable[int], label: str, on: bool = True) -> Change:
        """Put a label on examples, or take it off. Raises UsageError for a name that is empty or too long."""
        name = _label_name(label)
        with self.writing.guard:
            examples = self.writing.begin(ids)
            labelled = self.writing.stored.with_label(name)
            parts = [
                FieldChange(i, f"label:{name}", int(not on), int(on)) for i in examples if (i in labelled) != on
            ]
            template = f"Labelled {{}} {name}" if on else f"Took the label {name} off {{}}"
            words = self.writing.describe(template, [part.example for part in parts])
            return self.writing.journal.commit("label", words, parts)

    def rate(self, ids: Iterable[int], rating: int | None) -> Change:
        """Rate examples 1 to 5; None or 0 takes the rating away. Raises UsageError for another number."""
        if rating is not None and (
            isinstance(rating, bool) or not isinstance(rating, int) or not 0 <= rating <= 5
        ):
            raise UsageError("a rating is a whole number from 0 (none) to 5")
        template = f"Rated {{}} {rating}" if rating else "Took the rating off {}"
        return self.writing.set_fields("rate", template, ids, lambda _: {"rating": rating or None})

    def review(self, ids: Iterable[int], state: str | None) -> Change:
        """Mark examples `accepted`, `rejected` or `flagged`; `none` or None takes the mark away."""
        value = None if state in (None, "none") else state
        if value is not None and value not in REVIEW_STATES:
            raise UsageError(f"a review state is one of {', '.join(REVIEW_STATES)}, none")
        template = f"Marked {{}} as {value}" if value else "Took the review mark off {}"

        def fields(row: ExampleRow | None) -> dict[str, object]:
            version = row.version if row is not None else 0
            return {"review": value, "reviewed": version if value else None}

        return self.writing.set_fields("review", template, ids, fields)

    def note(self, ids: Iterable[int], text: str) -> Change:
        """Attach a note to examples; an empty one takes it away."""
        require_encodable(text)
        template = "Wrote a note on {}" if text else "Removed the note of {}"
        return self.writing.set_fields("note", template, ids, lambda _: {"note": text or None})

    def accept_answers(self, accepted: right_answers.RightAnswers, on: bool = True) -> Change:
        """Accept further right answers for the prompts of examples, by id, or with `on` False take them back."""
        return right_answers.accept_answers(self.writing, accepted, on)

    def assign(self, ids: Iterable[int], split: str | None) -> Change:
        """Put examples on the side `train`, `validation` or `test` by hand; None takes them out of all."""
        return sides.assign(self.writing, ids, split)

    def pin(self, ids: Iterable[int], side: sides.AnySide | None) -> Change:
        """Put examples on a side for good: with the label `pinned` they stay there when all are divided again.

        None takes the label off; they stay where they are until the next split.
        """
        return sides.pin(self.writing, ids, side)

    def split(
        self,
        validation: float = 0.1,
        seed: int = 0,
        *,
        test: float = 0,
        stratify: str | None = None,
        ids: Iterable[int] | None = None,
        fixed: Mapping[int, sides.AnySide] | None = None,
    ) -> Change:
        """Divide examples into training, validation and test so that no copy or contradiction is on two of them.

        Pinned examples stay where they are, and so do those in `fixed`. `validation` and `test` are shares below 1
        or counts; without `test` there is no such side. `ids` limits the split to some examples (default: all);
        `stratify` is `label` (the labels given here), `answer` or a location. `meta("split")` holds the `reasons`
        afterwards. Raises UsageError for a bad share, too few examples, or where no example has what `stratify`
        names.
        """
        return sides.split(self.writing, validation, test, seed, stratify=stratify, ids=ids, fixed=fixed)

    def undo(self) -> Change | None:
        """Take back the latest change; None where nothing is left to undo."""
        return undo.undo(self.writing)

    def redo(self) -> Change | None:
        """Do again what was undone last; None where nothing is left to redo."""
        return undo.redo(self.writing)

    def undo_size(self) -> int:
        """Examples of the change that `undo` would take back."""
        with self.writing.guard:
            return self.writing.journal.size(self.writing.journal.next_undo())

    def redo_size(self) -> int:
        """Examples of the change that `redo` would do again."""
        with self.writing.guard:
            return self.writing.journal.size(self.writing.journal.next_redo())

    def undo_to_size(self, revision: int) -> int:
        """Examples of all changes that `undo_to` would undo or redo, once for each change."""
        with self.writing.guard:
            return self.writing.journal.size_up_to(revision)

    def undo_to(self, revision: int) -> list[Change]:
        """Go to the state after a revision: undo what came later, or redo what was undone up to it."""
        return undo.undo_to(self.writing, revision)

    def restore_to(self, revision: int) -> Change:
        """Give all examples the bytes, side and review that they had after a revision, as one change."""
        return restore.restore_to(self.writing, revision)


def _label_name(label: str) -> str:
    """The name of a label without white space around it. Raises UsageError where it is empty, long or unseen."""
    name = label.strip()
    if not name or len(name) > MAX_LABEL or one_line(name) != name:
        raise UsageError(f"a label is 1 to {MAX_LABEL} visible characters")
    require_encodable(name)
    return name


def _parse_location(location: str | Location) -> Location:
    try:
        return parse_path(location) if isinstance(location, str) else location
    except ValueError as error:
        raise UsageError(str(error)) from error
