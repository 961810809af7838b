"""Which faults does an example or a dataset have, and how are they fixed? Rules, one registry, checks and fixes.

Uses core's ground floor, `answers` and `duplicates`. What the services refuse: docs/openai.md §3.
"""

from __future__ import annotations

from curator.core.rules.context import Context
from curator.core.rules.dataset import DatasetCheck
from curator.core.rules.engine import check, fix, fix_all
from curator.core.rules.families import (
    answers,
    calls,
    content,
    encodings,
    file,
    images,
    local,
    message_keys,
    messages,
    preference,
    privacy,
    structure,
    syntax,
    text,
    tools,
)
from curator.core.rules.families import message_order as order
from curator.core.rules.registry import REGISTRY, VERSION, Rule, arrange

FAMILIES = (
    syntax,
    structure,
    order,
    message_keys,
    messages,
    content,
    tools,
    calls,
    images,
    local,
    preference,
    text,
    encodings,
    answers,
    privacy,
    file,
)
"""The modules of rules; importing one registers its rules."""
arrange()

__all__ = ["FAMILIES", "REGISTRY", "VERSION", "Context", "DatasetCheck", "Rule", "check", "fix", "fix_all"]
