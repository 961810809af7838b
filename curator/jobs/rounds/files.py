"""The files that can be written about a round: its data, and its cards."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from curator import atomic
from curator.errors import CuratorError, InputError
from curator.jobs.ledger.ledger import Ledger
from curator.jobs.rounds import cards
from curator.jobs.rounds.data_summary import DataSummary, summarise_data
from curator.jobs.rounds.round_data import copy_data, frozen_file
from curator.jobs.rounds.rounds import Round

KINDS = {
    "data": "training examples, byte for byte",
    "validation": "held-out examples, byte for byte",
    "run-card": "run card",
    "model-card": "model card",
    "dataset-card": "dataset card",
}
"""Each kind of file, in words."""
_CARDS = {"run-card": cards.run_card, "model-card": cards.model_card, "dataset-card": cards.dataset_card}


def file_name(kind: str, number: int) -> str:
    """The usual name of a file about a round."""
    endings = {"data": "train.jsonl", "validation": "validation.jsonl"}
    return f"round-{number}-{endings.get(kind, f'{kind}.md')}"


def write_about(
    kind: str,
    each: Round,
    ledger: Ledger,
    target: Path,
    *,
    name: str,
    reviewed: int = 0,
    side_effects: Sequence[str] = (),
) -> str:
    """Write a file about a round; returns what was written, in words.

    `name` is the dataset's, `reviewed` how many of its examples a person looked at. Raises InputError.
    """
    if kind in ("data", "validation"):
        digest = copy_data(frozen_file(ledger, each.run, "train" if kind == "data" else "validation"), target)
        return f"{target} written, sha256 {digest}"
    try:
        data = summarise_data(frozen_file(ledger, each.run), reviewed)
    except CuratorError:  # its data is gone: the card tells what the ledger knows
        data = DataSummary()
    facts = cards.CardFacts(each, ledger.metrics(each.run.run), name, data, side_effects)
    text = _CARDS[kind](facts)
    try:
        atomic.write_bytes(target, text.encode("utf-8", "replace"))
    except OSError as error:
        raise InputError(f"{target} cannot be written: {error.strerror or error}") from None
    return f"{target} written"
