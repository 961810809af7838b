"""The JSON values in table `meta` of a workspace (`context`, `contract`, …), and the rules' context from them."""

from __future__ import annotations

import sqlite3
from typing import Any

import orjson

from curator.core import rules
from curator.errors import UsageError


def read(db: sqlite3.Connection, key: str, default: Any = None) -> Any:
    """The JSON value of a key; `default` where there is none."""
    row = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return default if row is None else orjson.loads(row[0])


def context_of(db: sqlite3.Connection) -> rules.Context:
    """The rules' context by the keys `context` and `contract`; a missing token limit by the table of models."""
    values = read(db, "context") or {}
    fields = {k: v for k, v in values.items() if k in ("profile", "method", "model", "limit")}
    if fields.get("limit") is None and fields.get("model"):
        fields["limit"] = _training_context(fields["model"])
    contract = read(db, "contract") or {}
    if not contract.get("vocabulary") and not contract.get("pattern"):
        return rules.Context(**fields)
    from curator.core.answers.contract import Contract  # heavy: few workspaces have a contract

    vocabulary = frozenset(contract["vocabulary"]) if contract.get("vocabulary") else None
    where = contract.get("only_with_system") is True
    return rules.Context(**fields, contract=Contract(vocabulary, contract.get("pattern") or None, where))


def _training_context(model: str) -> int | None:
    """How many tokens of an example training reads, from the table of models; None where it does not say."""
    from curator import pricing  # heavy: reads the table of models

    try:
        info = pricing.find(model)
    except UsageError:  # a fault in the user's table is reported where prices are shown
        return None
    return info.context if info else None
