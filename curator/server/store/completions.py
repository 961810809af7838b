"""The chat completions that were created with `store: true`."""

from __future__ import annotations

from typing import Any

import orjson

from curator.server.errors import ApiError, quote
from curator.server.settings import ServerLimits
from curator.server.store.database import Database
from curator.server.store.files import Order, unknown_cursor
from curator.server.store.job import to_json


class CompletionStore:
    """Stores the newest completions, up to a limit. All methods block on the disk."""

    def __init__(self, db: Database, limits: ServerLimits) -> None:
        self._db = db
        self._limits = limits

    def add(self, body: dict[str, Any], metadata: dict[str, str], messages: list[dict[str, Any]]) -> None:
        """Store a completion with the messages that it answers; the oldest ones beyond the limit are deleted."""
        whole = {**body, "metadata": metadata, _MESSAGES: messages}
        with self._db.transaction() as db:
            db.execute(
                "INSERT INTO completions (id, model, metadata, body) VALUES (?,?,?,?)",
                (body["id"], body["model"], to_json(metadata), to_json(whole)),
            )
            db.execute(
                "DELETE FROM completions WHERE seq <= (SELECT max(seq) FROM completions) - ?",
                (self._limits.stored_completions,),
            )

    def page(
        self, model: str | None, metadata: dict[str, str] | None, after: str | None, limit: int, order: Order
    ) -> tuple[list[dict[str, Any]], bool]:
        """At most `limit` completions after the cursor (the id `after`), and whether there are more."""
        where, values = ["1"], []  # type: tuple[list[str], list[Any]]
        if model is not None:
            where.append("model = ?")
            values.append(model)
        for key, value in (metadata or {}).items():
            where.append("EXISTS (SELECT 1 FROM json_each(metadata) WHERE key = ? AND json_each.value = ?)")
            values += [key, value]
        if after is not None:
            row = self._db.row("SELECT seq FROM completions WHERE id=?", after)
            if row is None:
                raise unknown_cursor(after)
            where.append(f"seq {'<' if order == 'desc' else '>'} ?")
            values.append(row["seq"])
        sql = f"SELECT body FROM completions WHERE {' AND '.join(where)} ORDER BY seq {order} LIMIT ?"
        rows = self._db.rows(sql, *values, limit + 1)
        return [_view(row["body"]) for row in rows[:limit]], len(rows) > limit

    def get(self, completion_id: str) -> dict[str, Any]:
        """One completion. Raises ApiError 404."""
        return _view(self._body(completion_id))

    def messages(self, completion_id: str) -> list[dict[str, Any]]:
        """The messages that a completion answers, each with an id. Raises ApiError 404."""
        listed = orjson.loads(self._body(completion_id)).get(_MESSAGES) or []
        return [{"id": f"{completion_id}-{number}", **message} for number, message in enumerate(listed)]

    def update(self, completion_id: str, metadata: dict[str, str]) -> dict[str, Any]:
        """Replace a completion's metadata. Raises ApiError 404."""
        with self._db.transaction() as db:
            whole = {**orjson.loads(self._body(completion_id)), "metadata": metadata}
            db.execute(
                "UPDATE completions SET metadata=?, body=? WHERE id=?",
                (to_json(metadata), to_json(whole), completion_id),
            )
        return self.get(completion_id)

    def delete(self, completion_id: str) -> None:
        """Delete a completion. Raises ApiError 404."""
        with self._db.transaction() as db:
            self._body(completion_id)
            db.execute("DELETE FROM completions WHERE id=?", (completion_id,))

    def _body(self, completion_id: str) -> str:
        row = self._db.row("SELECT body FROM completions WHERE id=?", completion_id)
        if row is None:
            raise ApiError(404, f"No such chat completion: {quote(completion_id)}", param="completion_id")
        body: str = row["body"]
        return body


_MESSAGES = "curator_messages"
"""The key of the answered messages in a stored body; no answer shows it."""


def _view(body: str) -> dict[str, Any]:
    value: dict[str, Any] = orjson.loads(body)
    value.pop(_MESSAGES, None)
    return value
