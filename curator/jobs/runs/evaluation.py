"""Evaluating models: each answers every held-out prompt; the answers are scored and stored in the ledger.

The base model answers a set of prompts once; the stored answers are compared with those of every tuned model.
"""

from __future__ import annotations

import hashlib
import math
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from curator.core import example as examples
from curator.core.answers.contract import Contract
from curator.core.duplicates.texts import message_text
from curator.core.models import base_name
from curator.core.scores import metrics
from curator.errors import CuratorError, UsageError
from curator.jobs.http.client import Client
from curator.jobs.ledger.answer_facts import COMPLETION
from curator.jobs.ledger.ledger import Ledger
from curator.jobs.planning.answer_form import AnswerForm
from curator.jobs.planning.training_data import TrainingExamples
from curator.jobs.runs import likelihoods
from curator.jobs.runs.asking import Prompt, Way
from curator.jobs.runs.questions import Questions
from curator.jobs.runs.scoring import NAMES as NAMES
from curator.jobs.runs.scoring import require_measurable, score_answers
from curator.jobs.runs.yardstick import Yardstick

DEFAULT_METRICS = ("exact_match", "contract", "token_f1", "length")
"""Metrics that fit any task; `core.scores.choice` chooses those that fit one."""
_YES_OR_NO = ("exact_match", "contract", "accuracy")


@dataclass(frozen=True)
class ScoredModel:
    """One model's answers, and the value of each metric with its 95 % confidence interval."""

    model: str
    answers: list[str]
    scores: dict[str, metrics.Interval]
    signatures: dict[str, str] = field(default_factory=dict)
    """How the packages measured their metrics, by metric."""


@dataclass(frozen=True)
class Evaluation:
    """Several models on the same prompts; `flips` compares the first with the last by the metric `primary`."""

    prompts: list[Prompt]
    models: list[ScoredModel]
    primary: str
    flips: metrics.Flips | None
    contract: Contract | None
    yardstick: Yardstick
    contract_words: str = ""
    """The contract and where it comes from, in words; empty without a contract."""
    rejected: int = 0
    """Held-out examples that were not asked, since they were rejected in review."""

    @property
    def left_out_words(self) -> str:
        """The sentence about the rejected examples; "" where there is none."""
        return rejected_words(self.rejected)

    @property
    def last(self) -> ScoredModel:
        """The model that the others are compared with."""
        return self.models[-1]

    @property
    def silence(self) -> list[str]:
        """A sentence for each row with empty answers."""
        sentences = []
        for scored in self.models:
            empty = sum(not answer.strip() for answer in scored.answers)
            if empty:
                count = (
                    f"All {empty:,}" if empty == len(scored.answers) else f"{empty:,} of {len(scored.answers):,}"
                )
                sentences.append(f"{count} answers of {scored.model} are empty.")
        return sentences

    def to_json(self) -> dict[str, Any]:
        """The object of `evaluate --json` (docs/cli.md); `ci` is the interval of the primary metric."""
        return {
            "models": {scored.model: _scores_json(scored, self.primary) for scored in self.models},
            "examples": len(self.prompts),
            "primary": self.primary,
            "yardstick": self.yardstick.to_json(),
            "contract": self.contract_words or None,
            "rejected": self.rejected,
            "flips": self._flips_json(),
            "results": [
                {
                    "line": prompt.line,
                    "prompt": prompt.text,
                    "expected": prompt.expected,
                    "answers": {scored.model: scored.answers[at] for scored in self.models},
                }
                for at, prompt in enumerate(self.prompts)
            ],
        }

    def _flips_json(self) -> dict[str, Any]:
        """The object `flips`; lines are line numbers or ids."""
        if self.flips is None:
            return {"fixed": 0, "broken": 0}
        return {
            "fixed": len(self.flips.fixed),
            "broken": len(self.flips.broken),
            "fixed_lines": [self.prompts[at].line for at in self.flips.fixed],
            "broken_lines": [self.prompts[at].line for at in self.flips.broken],
            "p_value": self.flips.p_value,
        }


def rejected_words(count: int) -> str:
    """The sentence about held-out examples that were rejected in review; "" where there is none."""
    return f"Rejected in review and not asked: {count:,} of the held-out examples." if count else ""


def make_prompts(
    data: TrainingExamples, also_right: Mapping[int, tuple[str, ...]] | None = None
) -> tuple[list[Prompt], int]:
    """The prompts of the examples, and how many examples give none: broken, or without an answer of text.

    `also_right` are further right answers by line or id.
    """
    askable = []
    for key, raw in zip(data.keys, data.raws, strict=True):
        prompt = _read_prompt(key, examples.parse(raw))
        if prompt is not None:
            askable.append(replace(prompt, also_right=(also_right or {}).get(key, ())))
    return askable, len(data.raws) - len(askable)


def _read_prompt(key: int, example: examples.Example) -> Prompt | None:
    """The prompt of an example; for a preference pair, the preferred answer is expected. None: it gives none."""
    if example.broken or not isinstance(example.value, dict):
        return None
    messages = [message for message in example.messages if isinstance(message, dict)]
    preferred = example.value.get("preferred_output") or example.value.get("preferred_completion")
    if isinstance(preferred, list) and preferred and isinstance(preferred[-1], dict):
        return _make_prompt(key, messages, preferred[-1])
    for at in range(len(messages) - 1, 0, -1):
        if messages[at].get("role") == "assistant":
            return _make_prompt(key, messages[:at], messages[at])
    return None


def _make_prompt(key: int, before: list[dict[str, Any]], answer: dict[str, Any]) -> Prompt | None:
    expected = message_text(answer)
    if not before or not expected:
        return None
    messages = [{name: value for name, value in message.items() if name != "weight"} for message in before]
    return Prompt(key, messages, expected)


def baseline_of(model: str) -> str | None:
    """The base model in a tuned model's name; None for the name of a base model."""
    base = base_name(model)
    return base if base != model else None


async def evaluate(
    prompts: Sequence[Prompt],
    models: Sequence[str | Way],
    client: Client | None,
    ledger: Ledger,
    *,
    names: Sequence[str] = DEFAULT_METRICS,
    form: AnswerForm | None = None,
    reuse: Sequence[str] = (),
    side: str = "",
    report: Callable[[str, int, int], None] = lambda model, done, total: None,
) -> Evaluation:
    """Send every prompt to every model, or way of asking one, and score the answers.

    Answers are stored one by one, under the messages that were sent: for models in `reuse` only what they have not
    answered yet is asked, also after another split, or where an evaluation broke off. `form` is the contract that
    answers have to keep (None: none). `report` is called with the row's name, answers so far,
    prompts in all. Without a `client` only stored answers are scored. Raises UsageError for an unknown metric or
    no prompt, CuratorError where stored answers are missing, ProviderError.
    """
    names = applicable_names(names, prompts, form)
    contract = form.contract if form else None
    yardstick = Yardstick.of(prompts, side)
    dataset = prompts_key(prompts)
    opening = {"opening": uuid.uuid4().hex} if side == "test" else {}
    scored = []
    for way in dict.fromkeys(each if isinstance(each, Way) else Way(each) for each in models):
        questions = questions_of(way, prompts, ledger)
        if client is not None and way.model not in reuse and ledger.evaluation(dataset, way.name):
            questions.answers.clear()  # asked anew; what an evaluation left behind that broke off is used
        if client is None and questions.unanswered:
            raise CuratorError(f"{way.model} has not answered these prompts yet.")
        if client is not None:
            await questions.ask(client, report)
            if "perplexity" in names and likelihoods.why_not_measurable(client, way.model) is None:
                await likelihoods.measure_likelihoods(client, way, prompts, ledger)
        scored.append(score_way(way.name, questions, prompts, names, contract))
        store_evaluation(ledger, yardstick, dataset, scored[-1], questions, **opening)
    return make_evaluation(prompts, scored, names, form, yardstick)


def applicable_names(names: Sequence[str], prompts: Sequence[Prompt], form: AnswerForm | None) -> list[str]:
    """The metrics that can be taken: without a contract not "contract". Raises UsageError, see `evaluate`."""
    require_measurable(names, prompts)
    if not prompts:
        raise UsageError(_NOTHING)
    applicable = [name for name in names if name != "contract" or (form is not None and form.contract is not None)]
    return applicable or ["exact_match"]


def score_way(
    name: str,
    questions: Questions,
    prompts: Sequence[Prompt],
    names: Sequence[str],
    contract: Contract | None,
) -> ScoredModel:
    """The row `name` of an evaluation, all of whose questions are answered."""
    answers = questions.stored()["answers"]
    row = score_answers(names, prompts, answers, questions.likelihoods(prompts), contract)
    return ScoredModel(name, answers, row.intervals, row.signatures)


def store_evaluation(
    ledger: Ledger,
    yardstick: Yardstick,
    dataset: str,
    scored: ScoredModel,
    questions: Questions,
    **more: str,
) -> None:
    """Store a row with its yardstick. `dataset` is `prompts_key` of the prompts."""
    ledger.add_yardstick(yardstick.id, yardstick.side, yardstick.rows())
    scores = _all_json(scored)
    earlier = (ledger.evaluation(dataset, scored.model) or {}).get("scores")
    if isinstance(earlier, dict) and COMPLETION in earlier:  # whole conversations are judged apart
        scores = {COMPLETION: earlier[COMPLETION]} | scores
    record = questions.stored() | {"scores": scores, "yardstick": yardstick.id} | more
    ledger.add_evaluation(dataset, scored.model, ledger.run_of_model(questions.way.model), record)


def make_evaluation(
    prompts: Sequence[Prompt],
    scored: list[ScoredModel],
    names: Sequence[str],
    form: AnswerForm | None,
    yardstick: Yardstick,
) -> Evaluation:
    """The evaluation that these rows form; the last row is compared with the first."""
    contract = form.contract if form else None
    primary = next((name for name in names if name in _YES_OR_NO), "exact_match")
    flips = _flips(primary, prompts, scored, contract)
    words = form.words if form else ""
    return Evaluation(list(prompts), scored, primary, flips, contract, yardstick, words)


_NOTHING = "Nothing to ask: no example ends with an answer of text."


def count_unanswered(prompts: Sequence[Prompt], models: Sequence[str], ledger: Ledger) -> int:
    """How many questions the models have not answered yet."""
    return sum(len(questions_of(Way(model), prompts, ledger).unanswered) for model in models)


def _earlier_answers(way: Way, prompts: Sequence[Prompt], ledger: Ledger) -> list[str] | None:
    """The answers of an evaluation that an earlier version stored as one list; None where there is none."""
    stored = ledger.evaluation(prompts_key(prompts), way.name) or {}
    texts = stored.get("answers")
    return texts if isinstance(texts, list) else None


def questions_of(way: Way, prompts: Sequence[Prompt], ledger: Ledger) -> Questions:
    """The prompts as one way asks them, with all answers that the ledger has, however it stored them."""
    return Questions(way, prompts, ledger, earlier=_earlier_answers(way, prompts, ledger))


def _flips(
    primary: str, prompts: Sequence[Prompt], scored: Sequence[ScoredModel], contract: Contract | None
) -> metrics.Flips | None:
    """Which prompts only the last model gets right, and which only the first; None for a single model."""
    if len(scored) < 2:
        return None

    before, after = (right_answers(primary, contract, prompts, each) for each in (scored[0], scored[-1]))
    return metrics.flips(before, after)


def is_right(primary: str, contract: Contract | None, prompt: Prompt, answer: str) -> bool:
    """Whether an answer is right by the primary metric: the contract allows it, or it has the expected label, or
    it is the expected text."""
    if primary == "contract":
        return contract is None or answer in prompt.also_right or contract.allows(answer)
    if primary == "accuracy":
        return metrics.label(prompt.reference(answer)) == metrics.label(answer)
    return metrics.exact_match(prompt.reference(answer), answer) == 1


def right_answers(
    primary: str, contract: Contract | None, prompts: Sequence[Prompt], scored: ScoredModel
) -> list[bool]:
    """Whether each of a model's answers is right by the primary metric."""
    pairs = zip(prompts, scored.answers, strict=True)
    return [is_right(primary, contract, prompt, answer) for prompt, answer in pairs]


def prompts_key(prompts: Sequence[Prompt]) -> str:
    """A hash of prompts and expected answers, under which the ledger stores evaluations."""
    return hashlib.sha256(orjson.dumps([[p.messages, p.expected] for p in prompts], default=str)).hexdigest()


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _all_json(scored: ScoredModel) -> dict[str, Any]:
    return {name: [_number(s.value), _number(s.low), _number(s.high)] for name, s in scored.scores.items()}


def _scores_json(scored: ScoredModel, primary: str) -> dict[str, Any]:
    values: dict[str, Any] = {name: _number(s.value) for name, s in scored.scores.items()}
    intervals = {name: [_number(s.low), _number(s.high)] for name, s in scored.scores.items()}
    return values | {"ci": intervals.get(primary), "intervals": intervals}
