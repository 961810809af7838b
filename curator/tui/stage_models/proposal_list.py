"""The open proposals of a workspace as lines, and each with what it would change, for the list and its detail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from curator.core import splice
from curator.core.duplicates.question import question_and_answer
from curator.core.text import one_line
from curator.workspace.operations import inbox
from curator.workspace.operations.effects import ProposedValue, effects
from curator.workspace.operations.proposed import Proposal, changed_since, proposals_of, shares, words_of

if TYPE_CHECKING:
    from curator.workspace.workspace import Workspace

SHOWN = 6
"""Values of one proposal that the detail shows."""
_LONGEST = 600
"""Characters of one text in the detail."""
_MARKS = {"None": "none", "False": "off", "True": "on"}


@dataclass(frozen=True, slots=True)
class ShownValue:
    """One value that would change, as texts; `label` says where it is. An absent text is empty."""

    label: str
    before: str
    after: str


class ProposalList:
    """What is open in a workspace. `refresh` reads it again where anything was added or decided."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.proposals: list[Proposal] = []
        self._all: list[Proposal] = []
        self._state: tuple[object, ...] = ()
        self._outdated: dict[int, str] = {}

    def refresh(self) -> bool:
        """Read what is open; True where that may have changed. Raises InputError for a damaged file."""
        state = (inbox.stamp(self._workspace.path), self._workspace.revision())
        if state == self._state:
            return False
        self._all = proposals_of(self._workspace, None)
        self.proposals = [proposal for proposal in self._all if proposal.state == "open"]
        self._state, self._outdated = state, {}
        return True

    def outdated(self, proposal: Proposal) -> str:
        """Why a proposal is out of date, in words; empty where it is not."""
        if proposal.id not in self._outdated:
            self._outdated[proposal.id] = changed_since(self._workspace, proposal)
        return self._outdated[proposal.id]

    def words(self, proposal: Proposal) -> str:
        """What it would do, on one line; of an example that it adds, question and answer."""
        added = proposal.operation.get("example") if proposal.operation.get("op") == "add" else None
        if added is None:
            return words_of(self._workspace, proposal)
        question, answer = question_and_answer(splice.dump(added))
        return f"add {one_line(question, 200)} → {one_line(answer, 100)}"

    def detail(self, proposal: Proposal) -> list[ShownValue]:
        """The first values that would change."""
        values = effects(self._workspace, proposal, SHOWN + 1)
        lines = [each for value in values[:SHOWN] for each in _as_texts(value)]
        more = len(proposal.targets) - SHOWN
        return [*lines, ShownValue(f"and {more:,} more", "", "")] if more > 0 else lines

    def share_words(self) -> str:
        """How many proposals of each author were accepted so far, e.g. `claude 12 of 15`; empty before any."""
        words = []
        for author, share in shares(self._all).items():
            settled = sum(share.values()) - share["open"]
            if settled:
                words.append(f"{one_line(author, 30)} {share['accepted'] + share['edited']:,} of {settled:,}")
        return "accepted so far: " + ", ".join(words) if words else ""


def _as_texts(value: ProposedValue) -> list[ShownValue]:
    """A value as texts; a whole example as one for each of its messages."""
    where = f"line {value.line}" if value.line is not None else "new" if value.example is None else "added example"
    for whole, is_after in ((value.after, True), (value.before, False)):
        if value.field == "example" and isinstance(whole, dict) and isinstance(whole.get("messages"), list):
            texts = [(_role(message), _text(message)) for message in whole["messages"]]
            return [ShownValue(role, "" if is_after else text, text if is_after else "") for role, text in texts]
    if isinstance(value.before, bool | None) and isinstance(value.after, bool | int | None):
        before, after = (_MARKS.get(str(each), str(each)) for each in (value.before, value.after))
        return [ShownValue(f"{where} · {value.field}: {before} → {after}", "", "")]
    return [ShownValue(f"{where} · {value.field}", _as_text(value.before), _as_text(value.after))]


def _role(message: Any) -> str:
    return str(message.get("role", "?")) if isinstance(message, dict) else "?"


def _text(message: Any) -> str:
    content = message.get("content") if isinstance(message, dict) else message
    return _as_text(content if content is not None else message)


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else splice.dump(value).decode("utf-8", "replace")
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
