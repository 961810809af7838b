"""docs/tokens.md says what the code does."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from curator import tokens
from curator.core import models

PAGE = (Path(__file__).parent.parent / "docs" / "tokens.md").read_text("utf-8")


def test_every_key_of_the_table_is_explained() -> None:
    explained = set(re.findall(r"`(\w+)`", PAGE.split("| key | meaning |")[1]))
    assert {each.name for each in fields(models.ModelInfo)} - {"name"} <= explained


def test_the_example_table_is_valid() -> None:
    example = PAGE.split("```toml")[1].split("```")[0]
    merged = models.merge(models.table(), example)
    assert merged["gpt-4.1-mini-2025-04-14"].on("azure").training == 4.40
    assert tokens.encoding_for("my-server-model", merged) == "cl100k_base"


def test_the_encodings_are_those_named() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE.split("## Which encoding")[1].split("##")[0], re.M)
    for encoding, names in rows:
        for name in re.findall(r"(?:gpt|o\d|babbage|davinci)[\w.-]*", names):
            assert tokens.encoding_for(name) == encoding
