"""The board of the Compare stage: which rows there are, what they answered, their scores and what these mean."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from curator.core.scores.choice import choose_metrics
from curator.core.scores.flattery import MANY_ROUNDS, measure_flattery
from curator.core.scores.meaning import RightRow, meaning
from curator.core.text import one_line

if TYPE_CHECKING:
    from curator.core.answers.misses import Miss
    from curator.jobs.ledger.ledger import Ledger, Run
    from curator.jobs.runs.asking import Prompt, Way
    from curator.jobs.runs.board import BoardRow, Figures
    from curator.jobs.runs.evaluation import ScoredModel
    from curator.jobs.runs.questions import Questions
    from curator.tui.stage_models.comparing.prompt_sources import LoadedPrompts
    from curator.workspace.workspace import Workspace

STORED = "ui.board"
"""The workspace setting with the rows added by hand and the ticks: `{"ways": [...], "ticks": {name: bool}}`."""
_AT_ONCE = 400
"""Most answers that are measured before the board is shown."""
_FIRST = ("exact_match", "contract", "macro_f1", "chrf", "rougeL", "bleu", "length", "token_f1", "accuracy")
"""The order of the metrics; a narrow board shows the first ones. The first is what is right or wrong."""


@dataclass(frozen=True)
class LoadedBoard:
    """The prompts, and for each row its questions, scores and figures, by the row's name."""

    prompts: LoadedPrompts
    columns: tuple[str, ...]
    questions: Mapping[str, Questions]
    scored: Mapping[str, ScoredModel]
    figures: Mapping[str, Figures]
    sentence: str = ""
    misses: Mapping[str, Mapping[int, Miss]] = field(default_factory=dict)
    """The wrong answers of each scored row, with their kind, by the prompt's position."""
    unmeasured: tuple[str, ...] = ()
    """Rows that have answered everything, and whose scores are still to be measured."""

    def answer(self, name: str, at: int) -> str | None:
        """What a row answered to the prompt at a position, also while it is being asked; None: nothing yet."""
        questions = self.questions.get(name)
        answer = questions.answers.get(questions.keys[at]) if questions is not None else None
        return None if answer is None else str(answer["answer"])

    def answered(self, name: str) -> int:
        """How many prompts a row has answered."""
        questions = self.questions.get(name)
        return 0 if questions is None else sum(key in questions.answers for key in questions.keys)


def board_rows(ledger: Ledger, stored: object, provider: str, model: str) -> list[BoardRow]:
    """The rows: the base, ways of asking added by hand, tuned models by age, other bases, checkpoints.

    `provider` and `model` are the workspace's; `stored` is the value of `STORED`.
    """
    from curator.jobs.runs.asking import Way  # heavy
    from curator.jobs.runs.board import BoardRow

    runs = ledger.runs()
    deployed = {(item.origin, item.model): item.name for item in ledger.deployments()}
    tuned = [(len(runs) - at, run) for at, run in enumerate(runs) if run.fine_tuned_model]
    bases = [(run.provider, run.model) for _, run in tuned] + ([(provider, model)] if model else [])
    rows = [BoardRow(Way(name), at, short_name(name), "base") for at, name in dict.fromkeys(bases)]
    rows += [_way_row(entry, provider, {row.way.model for row in rows}) for entry in _ways(stored)]
    for number, run in reversed(tuned):
        rows += _tuned_rows(number, run, ledger, deployed)
    by_name: dict[str, BoardRow] = {}
    for row in rows:
        by_name.setdefault(row.name, row)
    first = next(iter(by_name), "")
    order = {"base": 1, "checkpoint": 2}
    return sorted(by_name.values(), key=lambda row: 0 if row.name == first else order.get(row.kind, 0))


def _tuned_rows(number: int, run: Run, ledger: Ledger, deployed: Mapping[tuple[str, str], str]) -> list[BoardRow]:
    """The checkpoints of a run, then its model; models deployed at Azure answer under their deployment's name."""
    from curator.jobs.runs.asking import Way  # heavy
    from curator.jobs.runs.board import BoardRow

    checkpoints = [
        item for item in ledger.checkpoints(run.run) if item.model and item.model != run.fine_tuned_model
    ]
    models = [(item.model, f"step {item.step} · round {number}", "checkpoint") for item in checkpoints]
    models.append((run.fine_tuned_model, f"round {number}", "tuned"))
    rows = []
    for model, words, kind in models:
        name = deployed.get((run.origin, str(model)), str(model))
        label = f"{short_name(name)} · {words}" if kind == "tuned" else words
        rows.append(BoardRow(Way(name), run.provider, label, kind, number))
    return rows


def rows_to_ask(board: LoadedBoard, rows: Sequence[BoardRow], to_ask: Sequence[BoardRow]) -> list[BoardRow]:
    """Those of the rows `to_ask` that have questions left, and of all `rows` the local models of earlier rounds
    that have answered some of the prompts, but not all: so that rounds compare after another split. These
    cost nothing; at the sealed test side nobody is asked by itself."""
    open_rows = [row for row in to_ask if row.name in board.questions and board.questions[row.name].unanswered]
    if not open_rows or board.prompts.source.kind not in ("validation", "run"):
        return open_rows
    names = {row.name for row in open_rows}
    older = [
        row
        for row in rows
        if row.kind == "tuned"
        and row.provider == "local"
        and row.name not in names
        and row.name in board.questions
    ]
    return open_rows + [row for row in older if 0 < board.answered(row.name) < len(board.prompts.prompts)]


def plain_rows(rows: Sequence[BoardRow]) -> list[BoardRow]:
    """The models of some rows, each once, asked without anything before the question."""
    from curator.jobs.runs.asking import Way  # heavy

    plain = [
        replace(row, way=Way(row.way.model, provider=row.way.provider), label=short_name(row.way.model))
        for row in rows
    ]
    return list({row.name: row for row in plain}.values())


def way_entry(provider: str, model: str, system: str | None, shots: int, nearest: bool) -> dict[str, Any]:
    """A row added by hand, as it is stored."""
    return {"provider": provider, "model": model, "system": system, "shots": shots, "nearest": nearest}


def _way_row(entry: dict[str, Any], home: str, bases: Collection[str] = ()) -> BoardRow:
    from curator.jobs.runs.asking import Way  # heavy
    from curator.jobs.runs.board import BoardRow

    at = entry["provider"]
    elsewhere = "" if at == home else at
    way = Way(entry["model"], entry["system"], entry["shots"], entry["nearest"], (), elsewhere)
    base = entry["model"] in bases and not elsewhere and way.name != entry["model"]
    return BoardRow(way, at, way.name.replace(entry["model"], "base" if base else short_name(entry["model"]), 1))


def _ways(stored: object) -> list[dict[str, Any]]:
    """The stored rows; what no Curator writes is left out."""
    ways = stored.get("ways") if isinstance(stored, dict) else None
    kinds = {"provider": str, "model": str, "system": str | None, "shots": int, "nearest": bool}
    return [
        way
        for way in (ways if isinstance(ways, list) else [])
        if isinstance(way, dict) and all(isinstance(way.get(name), kind) for name, kind in kinds.items())
    ]


def with_way(stored: object, entry: dict[str, Any]) -> dict[str, Any]:
    """The stored value with one more row, which is ticked."""
    value = stored if isinstance(stored, dict) else {}
    others = [way for way in _ways(stored) if way != entry]
    return {"ways": [*others, entry], "ticks": dict(value.get("ticks") or {})}


def without_way(stored: object, row: BoardRow, home: str) -> dict[str, Any]:
    """The stored value without a row."""
    value = stored if isinstance(stored, dict) else {}
    ways = [way for way in _ways(stored) if _way_row(way, home).name != row.name]
    return {"ways": ways, "ticks": dict(value.get("ticks") or {})}


def ticked_rows(rows: Sequence[BoardRow], stored: object) -> set[str]:
    """The names of the ticked rows: as stored, else the base, ways added by hand, and the newest tuned model."""
    ticks = stored.get("ticks") if isinstance(stored, dict) else None
    ticks = ticks if isinstance(ticks, dict) else {}
    newest = next((row.name for row in reversed(rows) if row.kind == "tuned"), None)
    bases = [row.name for row in rows if row.kind == "base"][:1]
    ways = [row.name for row in rows if row.kind == "way"]
    usual = {*bases, *ways, *([newest] if newest else [])}
    return {row.name for row in rows if ticks.get(row.name, row.name in usual)}


def load_board(
    prompts: LoadedPrompts,
    rows: Sequence[BoardRow],
    ticked: Collection[str],
    ledger: Ledger,
    workspace: Workspace,
    measured: Mapping[str, ScoredModel] | None = None,
) -> LoadedBoard:
    """Read what the rows have answered, with the scores of those that have answered everything. Asks nobody.

    Scores that were measured before are read, or are in `measured`. Few answers are measured here; of more the
    rows are `unmeasured`.
    """
    from curator.jobs.findings import row_misses  # heavy
    from curator.jobs.runs import board, evaluation
    from curator.tui.stage_models.comparing.prompt_sources import training_pool

    pool = training_pool(workspace) if any(row.way.shots for row in rows) else []
    questions = {
        row.name: evaluation.questions_of(_with_pool(row, pool), prompts.prompts, ledger)
        for row in rows
        if pool or not row.way.shots
    }
    columns = tuple(evaluation.applicable_names(_columns(prompts), prompts.prompts, prompts.form))
    contract = prompts.form.contract if prompts.form else None
    complete = {name: each for name, each in questions.items() if not each.unanswered}
    scored = _scored_rows(complete, prompts, columns, ledger, measured or {})
    primary = "exact_match"
    rights = {
        name: evaluation.right_answers(primary, contract, prompts.prompts, each) for name, each in scored.items()
    }
    compared = list(scored.values())
    misses: dict[str, dict[int, Miss]] = {}
    silence: list[str] = []
    if compared:
        result = evaluation.make_evaluation(prompts.prompts, compared, columns, prompts.form, prompts.yardstick)
        ticked_rows = [each for each in compared if each.model in ticked]
        silence = replace(result, models=ticked_rows).silence
        misses = {
            each.model: {miss.at: miss for miss in row_misses.misses_of(result, each, ledger)} for each in compared
        }
    figures = {row.name: board.figures(row, questions[row.name]) for row in rows if row.name in questions}
    comparison = _sentence(rows, ticked, rights) if prompts.source.kind != "train" else ""
    sentence = " ".join(filter(None, [*silence, comparison]))
    unmeasured = tuple(name for name in complete if name not in scored)
    return LoadedBoard(prompts, columns, questions, scored, figures, sentence, misses, unmeasured)


def _scored_rows(
    complete: Mapping[str, Questions],
    prompts: LoadedPrompts,
    columns: Sequence[str],
    ledger: Ledger,
    measured: Mapping[str, ScoredModel],
) -> dict[str, ScoredModel]:
    """Those of the rows that have answered everything whose scores are measured, or are so at once."""
    from curator.jobs.runs.kept_scores import kept_row, score_once  # heavy

    contract = prompts.form.contract if prompts.form else None
    score = score_once if len(prompts.prompts) * len(complete) <= _AT_ONCE else kept_row
    scored: dict[str, ScoredModel] = {}
    for name, each in complete.items():
        row = measured.get(name) or score(name, each, prompts.prompts, columns, contract, ledger)
        if row is not None:
            scored[name] = row
    return scored


def measure_row(board: LoadedBoard, name: str, ledger: Ledger) -> ScoredModel:
    """Measure the scores of an `unmeasured` row, which are kept in the ledger. Takes seconds."""
    from curator.jobs.runs.kept_scores import score_once  # heavy

    loaded = board.prompts
    contract = loaded.form.contract if loaded.form else None
    return score_once(name, board.questions[name], loaded.prompts, board.columns, contract, ledger)


def _with_pool(row: BoardRow, pool: Sequence[Prompt]) -> Way:
    return replace(row.way, pool=pool) if row.way.shots else row.way


def _columns(prompts: LoadedPrompts) -> tuple[str, ...]:
    """The metrics by what the task is: labels and short answers, or free text."""
    contract = prompts.form.contract if prompts.form else None
    vocabulary = len(contract.vocabulary) if contract is not None and contract.vocabulary is not None else None
    expected = [prompt.expected for prompt in prompts.prompts]
    names = choose_metrics(expected, vocabulary, contract is not None).names
    return tuple(sorted(names, key=lambda name: _FIRST.index(name) if name in _FIRST else len(_FIRST)))


def _sentence(rows: Sequence[BoardRow], ticked: Collection[str], rights: Mapping[str, Sequence[bool]]) -> str:
    shown_rows = [row for row in rows if row.name in ticked and row.name in rights]
    tuned_kinds = ("tuned", "checkpoint")
    words = meaning([RightRow(row.label, row.kind in tuned_kinds, rights[row.name]) for row in shown_rows])
    tuned = [rights[row.name] for row in rows if row.kind in tuned_kinds and row.name in rights]
    luck = measure_flattery(tuned) if len(tuned) >= MANY_ROUNDS else None
    return f"{words} {luck.words}" if luck is not None and luck.points >= 1 else words


def short_name(model: str) -> str:
    """A model's name without the parts that all tuned models of an account share."""
    parts = model.split(":")
    if parts[0] == "ft" and len(parts) > 3:
        return one_line(":".join(filter(None, ["ft", *parts[3:]])), 40)
    return one_line(model, 40)
