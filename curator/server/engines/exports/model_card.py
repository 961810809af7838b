"""The README of an exported model: what it is, what it was made from, and how it is used."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from curator import __version__


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What is known of a model that is exported."""

    name: str
    base: str
    """The base model's name; that of a base model is its own."""
    system: str | None = None
    """The system prompt of most training examples."""
    training: dict[str, str] = field(default_factory=dict)
    """Facts of its training, by name."""

    @property
    def file_stem(self) -> str:
        """A file name that tells the models of one base apart."""
        parts = [part for part in self.name.split(":") if part and part not in ("ft", "local")]
        spelling = "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in "-".join(parts))
        return spelling.strip(".-") or "model"


def make_readme(card: ModelCard, form: str, uses: str) -> str:
    """The text of README.md; `form` says what the folder holds, `uses` how other programs take it."""
    tuned = card.name != card.base
    lines = [f"# {card.name}", "", f"{form}. Written by Curator {__version__}.", ""]
    lines.append(f"Tuned from {card.base}." if tuned else "A base model, not tuned.")
    lines.append("The base model's licence applies: see LICENSE and SOURCE.txt, where the base model has them.")
    if card.training:
        lines += ["", "## Training", ""] + [f"- {name}: {value}" for name, value in card.training.items()]
    if card.system:
        quoted = "\n".join(f"> {line}" for line in card.system.splitlines())
        lines += [
            "",
            "## System prompt",
            "",
            "It was trained with this one; send it with each conversation.",
            "",
            quoted,
        ]
    return "\n".join([*lines, "", "## Use", "", uses.strip(), ""])


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
