"""Further right answers for the prompt of an example, beside the one that stands in it."""

from __future__ import annotations

import orjson

from curator.core.text import count_of, one_line
from curator.errors import UsageError
from curator.workspace.changes.writing import Writing, require_encodable
from curator.workspace.records import Change
from curator.workspace.storage.meta import read
from curator.workspace.storage.open_change import FieldChange

ALSO_RIGHT = "also_right"
"""Key of the value in `meta`: a JSON object from example id (a string) to further right answers, oldest first."""
RightAnswers = dict[int, tuple[str, ...]]
"""Further right answers by example id."""


def right_answers_of(stored: object) -> RightAnswers:
    """The stored value of `ALSO_RIGHT` by example id. Entries of another shape, as in a foreign or damaged
    workspace, are left out."""
    answers: RightAnswers = {}
    for key, texts in stored.items() if isinstance(stored, dict) else ():
        if isinstance(key, str) and key.isascii() and key.isdigit() and isinstance(texts, list):
            answers[int(key)] = tuple(text for text in texts if isinstance(text, str))
    return {example: texts for example, texts in answers.items() if texts}


def accept_answers(writing: Writing, accepted: RightAnswers, on: bool) -> Change:
    """Accept further right answers of examples, or take them back (`on` False), as one change."""
    texts = [text for each in accepted.values() for text in each]
    for text in texts:
        require_encodable(text)
        if not text.strip():
            raise UsageError("a right answer has words")
    with writing.guard:
        examples = writing.begin(accepted)
        parts = right_answer_parts(writing, accepted, on)
        what = f"'{one_line(texts[0], 40)}'" if len(set(texts)) == 1 else count_of(len(texts), "answer")
        label = f"{'Accepted' if on else 'Took back'} {what} as also right for {{}}"
        count = len(examples) if parts else 0
        return writing.journal.commit("also_right", writing.describe(label, examples), parts, examples=count)


def right_answer_parts(writing: Writing, accepted: RightAnswers, on: bool = True) -> list[FieldChange]:
    """The change of the stored value that accepts or takes back answers; nothing where that changes nothing."""
    stored = read(writing.journal.db, ALSO_RIGHT)
    before = right_answers_of(stored)
    after = dict(before)
    for example, texts in accepted.items():
        others = [text for text in before.get(example, ()) if on or text not in texts]
        after[example] = tuple(dict.fromkeys((*others, *texts))) if on else tuple(others)
    after = {example: texts for example, texts in sorted(after.items()) if texts}
    if after == before:
        return []
    new = orjson.dumps({str(example): texts for example, texts in after.items()}).decode()
    old = "null" if stored is None else orjson.dumps(stored).decode()
    return [FieldChange(0, f"meta:{ALSO_RIGHT}", old, new)]
