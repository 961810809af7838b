"""Finds the prompts that Compare asks: of a side of the split, a training's validation file or any file."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from curator.core.text import one_line
from curator.errors import CuratorError, UsageError

if TYPE_CHECKING:
    from curator.jobs.ledger.ledger import Ledger
    from curator.jobs.planning.answer_form import AnswerForm
    from curator.jobs.planning.training_data import TrainingExamples
    from curator.jobs.runs.asking import Prompt
    from curator.jobs.runs.yardstick import Yardstick
    from curator.workspace.workspace import Workspace

SEEN = 100
"""Most prompts of the training side that are asked: for looking and judging, not for scores."""
POOL = 20_000
"""Most training examples among which those nearest to a question are looked for."""


@dataclass(frozen=True, slots=True)
class PromptSource:
    """A set of prompts that can be put on the board."""

    kind: str
    """"validation", "test", "train" (sides of the workspace), "run" (what a training held out) or "file"."""
    title: str
    path: Path | None = None
    count: int | None = None

    @property
    def side(self) -> str:
        """As evaluations store it: the side of the split, or empty."""
        return {"run": "validation", "file": ""}.get(self.kind, self.kind)


@dataclass(frozen=True)
class LoadedPrompts:
    """The prompts of a source, with the contract that answers are held to."""

    source: PromptSource
    prompts: list[Prompt]
    examples: list[int | None]
    """For each prompt the workspace's example that it is; None: none."""
    form: AnswerForm | None
    yardstick: Yardstick
    rejected: int = 0
    """Examples that are not asked, since they were rejected in review."""

    @property
    def title(self) -> str:
        """The set by name, and what it can tell."""
        words = f"{self.source.title} · {self.yardstick.words} · {self.yardstick.id}"
        if self.source.kind == "train":
            words = f"{self.source.title}: a model has seen these, so scores tell nothing"
        return f"🔒 {words}" if self.source.kind == "test" else words


def prompt_sources(workspace: Workspace, ledger: Ledger) -> list[PromptSource]:
    """All sets that there are, the best yardstick first; a file is chosen by its path."""
    counts = workspace.counts()
    sources = []
    if counts.validation:
        sources.append(PromptSource("validation", "validation side", count=counts.validation))
    frozen: set[Path] = set()
    runs = ledger.runs()
    for at, run in enumerate(runs):
        path = ledger.datasets / f"{run.validation_sha256}.jsonl"
        if run.validation_sha256 and path not in frozen and path.is_file():
            frozen.add(path)
            sources.append(PromptSource("run", f"held out from training {len(runs) - at}", path))
    if counts.test:
        sources.append(PromptSource("test", "test side", count=counts.test))
    if counts.train:
        sources.append(PromptSource("train", "training side", count=min(SEEN, counts.train)))
    return sources


def load_prompts(source: PromptSource, workspace: Workspace) -> LoadedPrompts:
    """Read the prompts of a source. Slow on large files. Raises CuratorError, also where there is none to ask."""
    from curator.jobs.planning import training_data  # heavy
    from curator.jobs.planning.training_data import TrainingExamples
    from curator.jobs.runs import evaluation
    from curator.jobs.runs.yardstick import Yardstick

    data, right = _data_of(source, workspace), workspace.also_right()
    if source.path is not None and source.kind == "run":
        by_line = _examples_of_lines(data, workspace)
        keys = [by_line.get(line, 0) for line in data.keys]
        data = TrainingExamples(data.raws, keys, data.sides, data.reviews, "example")
    elif source.path is not None:
        right = training_data.also_right(source.path)
    askable = _without_rejected(data, source, workspace)
    prompts, _ = evaluation.make_prompts(askable, right)
    if not prompts:
        raise UsageError(f"{one_line(source.title)}: no example there ends with an answer of text to ask for.")
    form = _form_of(workspace)
    examples = [prompt.line if source.kind != "file" and prompt.line else None for prompt in prompts]
    rejected = len(data.raws) - len(askable.raws)
    return LoadedPrompts(source, prompts, examples, form, Yardstick.of(prompts, source.side), rejected)


def read_source(source: PromptSource, workspace: Workspace) -> TrainingExamples:
    """The examples of a source that may be asked. Slow on large files. Raises CuratorError."""
    return _without_rejected(_data_of(source, workspace), source, workspace)


def _data_of(source: PromptSource, workspace: Workspace) -> TrainingExamples:
    from curator.jobs.planning import training_data  # heavy

    if source.path is not None:
        return training_data.read(source.path)
    ids = workspace.view(f"split:{source.kind}").ids
    return _of_workspace(workspace, _spread(ids, SEEN if source.kind == "train" else None))


def _without_rejected(data: TrainingExamples, source: PromptSource, workspace: Workspace) -> TrainingExamples:
    if source.path is None:
        return data.without_rejected()
    refused = {record.raw for record in workspace.records(workspace.view("review:rejected").ids)}
    return data.only([at for at, raw in enumerate(data.raws) if raw not in refused])


FORM = "ui.form"
"""The workspace setting with the contract that its answers suggest (null: none), and the revision at which that
was found out: `{"revision": 7, "contract": {...}}`."""


def _form_of(workspace: Workspace) -> AnswerForm | None:
    """The contract of the workspace, else the form that its answers suggest; thousands of these are read again
    only after the data have changed."""
    from curator.core.answers.contract import Contract  # heavy
    from curator.jobs.planning.answer_form import SAMPLE, as_suggested, declared_form, suggested_form
    from curator.workspace.versions import has_changed

    stored = workspace.meta("contract")
    declared = declared_form(Contract.from_json(stored) if isinstance(stored, dict) else None)
    if declared is not None:
        return declared
    kept, revision = workspace.meta(FORM), workspace.revision()
    kept_at = kept.get("revision") if isinstance(kept, dict) else None
    if type(kept_at) is int and not has_changed(workspace, kept_at):
        with suppress(ValueError):  # what no Curator writes
            return as_suggested(Contract.from_json(kept["contract"])) if kept.get("contract") else None
    form = suggested_form(raw for _, raw in workspace.stored.raws(workspace.ids()[:SAMPLE]))
    with suppress(CuratorError):  # a workspace that is only read
        workspace.set_meta(FORM, {"revision": revision, "contract": form and form.contract.to_json()})
    return form


def training_pool(workspace: Workspace) -> list[Prompt]:
    """The training examples that can be shown before a question; empty where there is no split."""
    from curator.jobs.runs import evaluation  # heavy

    data = _of_workspace(workspace, _spread(workspace.view("split:train").ids, POOL))
    return evaluation.make_prompts(data.without_rejected())[0]


def _of_workspace(workspace: Workspace, ids: Sequence[int]) -> TrainingExamples:
    """Examples of the workspace as `make_prompts` takes them."""
    from curator.jobs.planning.reviews import Review  # heavy
    from curator.jobs.planning.training_data import TrainingExamples

    records = list(workspace.records(ids))
    return TrainingExamples(
        [record.raw for record in records],
        [record.id for record in records],
        [record.split for record in records],
        [Review(record.review, record.stale) for record in records],
        "example",
    )


def _examples_of_lines(data: TrainingExamples, workspace: Workspace) -> dict[int, int]:
    """The workspace's example with the bytes of each line of a frozen file, where it still has one."""
    lines = dict(zip(data.raws, data.keys, strict=True))
    found: dict[int, int] = {}
    for query in ("split:validation or split:test", ""):  # they are held out still, or else anywhere
        if len(found) < len(lines):
            records = workspace.stored.raws(workspace.view(query).ids)
            found |= {lines[raw]: key for key, raw in records if raw in lines}
    return found


def _spread(ids: Sequence[int], most: int | None) -> Sequence[int]:
    """At most so many ids, taken evenly."""
    if most is None or len(ids) <= most:
        return ids
    return [ids[at * len(ids) // most] for at in range(most)]


def accept_beside(path: Path, line: int, text: str, on: bool) -> Path:
    """Keep a further right answer for a line of a dataset file in the file beside it, or take it back.

    Returns that file's path. Raises InputError.
    """
    from curator.workspace.exchange import right_answers_file  # heavy

    answers = dict(right_answers_file.read_right_answers(path))
    others = tuple(each for each in answers.get(line, ()) if each != text)
    answers[line] = (*others, text) if on else others
    answers = {number: texts for number, texts in answers.items() if texts}
    right_answers_file.write_right_answers(path, range(1, max(answers, default=0) + 1), answers)
    return right_answers_file.right_answers_path(path)
