"""What was worked out of rounds once: kept in the ledger, with a mark of everything that it depends on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from curator.core.answers.contract import Contract
from curator.errors import CuratorError
from curator.jobs.ledger.answer_facts import ROUND, AnswerKey
from curator.jobs.ledger.ledger import Ledger
from curator.jobs.ledger.rows import dumps

if TYPE_CHECKING:
    from curator.workspace.versions import RevisionDifference

_WORKED_OUT_BY = 1
"""Another number where the same answers give something else than before."""
_MOST_IDS = 20_000
"""Changed examples whose ids are kept; more are looked up again."""


def keep(
    ledger: Ledger, what: str, models: Sequence[str], depends_on: Any, work_out: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """The JSON object that `work_out` makes of some models' answers: worked out again only where the answers, the
    evaluations or `depends_on` have changed since."""
    state = [_WORKED_OUT_BY, what, ledger.state_of(models), depends_on]
    mark, key = hashlib.sha256(dumps(state)).hexdigest(), AnswerKey(what, "\n".join(models), "")
    kept = ledger.fact(ROUND, key)
    if kept.get("mark") == mark and isinstance(kept.get("value"), dict):
        value: dict[str, Any] = kept["value"]
        return value
    value = work_out()
    with suppress(CuratorError):  # a ledger that can only be read
        ledger.add_fact(ROUND, key, {"mark": mark, "value": value})
    return value


def terms(contract: Contract | None, also_right: Mapping[int, tuple[str, ...]]) -> list[Any]:
    """What answers are held to, for `depends_on`."""
    return [contract and contract.to_json(), sorted((key, list(texts)) for key, texts in also_right.items())]


def difference_once(
    ledger: Ledger, old: int, new: int, compare: Callable[[int, int], RevisionDifference]
) -> RevisionDifference:
    """The difference between two revisions, which never changes; that of many examples is not kept."""
    from curator.workspace.versions import RevisionDifference  # heavy

    key = AnswerKey("difference", str(old), str(new))
    kept = [ledger.fact(ROUND, key).get(name) for name in ("added", "removed", "edited")]
    if all(isinstance(ids, list) and all(type(i) is int for i in ids) for ids in kept):
        return RevisionDifference(old, new, *(tuple(ids or ()) for ids in kept))
    difference = compare(old, new)
    if len(difference) <= _MOST_IDS:
        with suppress(CuratorError):
            ledger.add_fact(ROUND, key, difference.as_dict())
    return difference
