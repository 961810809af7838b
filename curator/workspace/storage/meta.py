"""Remembered values of a workspace that others than its writer read too."""

from __future__ import annotations

import sqlite3
from typing import Any

import orjson

from curator.core import rules
from curator.errors import UsageError


def read(db: sqlite3.Connection, key: str, default: Any = None) -> Any:
    """A remembered JSON value."""
    row = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return default if row is None else orjson.loads(row[0])


def context_of(db: sqlite3.Connection) -> rules.Context:
    """What the rules know beside the example, from `context` and `contract`, and the table of models."""
    values = read(db, "context") or {}
    known = {k: v for k, v in values.items() if k in ("profile", "method", "model", "limit")}
    if known.get("limit") is None and known.get("model"):
        known["limit"] = _training_context(known["model"])
    words = read(db, "contract") or {}
    if not words.get("vocabulary") and not words.get("pattern"):
        return rules.Context(**known)
    from curator.core.answers.contract import Contract

    vocabulary = frozenset(words["vocabulary"]) if words.get("vocabulary") else None
    return rules.Context(**known, contract=Contract(vocabulary, words.get("pattern") or None))


def _training_context(model: str) -> int | None:
    """The tokens of an example that training reads by the table of models; None where it says nothing."""
    from curator import pricing

    try:
        info = pricing.find(model)
    except UsageError:  # the user's table is faulty: that is told where prices are
        return None
    return info.context if info else None
