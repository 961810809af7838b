"""The tables of `workspace.db`, their format number, and the statements that bring an older format up to it.

`example` has a row for each example that was changed or added here; an imported example without changes has none.
Each action is a row of `change`. `part` holds what it changed, one row for each (example, field) with the value
before and after, so that it can be undone and redone.
"""

APPLICATION_ID = 0x43555241
"""SQLite's `application_id` of a workspace: the letters CURA."""
VERSION = 1
"""The format that this program writes; SQLite's `user_version`."""

TABLES: dict[str, str] = {
    "meta": """CREATE TABLE meta(
        key TEXT PRIMARY KEY,
        value TEXT NOT NULL) WITHOUT ROWID""",
    "source": """CREATE TABLE source(
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        file TEXT NOT NULL,
        origin TEXT,
        origin_size INTEGER,
        origin_mtime_ns INTEGER,
        format TEXT NOT NULL,
        first_id INTEGER NOT NULL,
        lines INTEGER,
        sha256 TEXT,
        hidden INTEGER NOT NULL DEFAULT 0,
        added_at REAL NOT NULL)""",
    "example": """CREATE TABLE example(
        id INTEGER PRIMARY KEY,
        raw BLOB,
        version INTEGER NOT NULL DEFAULT 0,
        place INTEGER,
        deleted INTEGER NOT NULL DEFAULT 0,
        rating INTEGER,
        review TEXT,
        reviewed INTEGER,
        note TEXT,
        split TEXT)""",
    "label": """CREATE TABLE label(
        label TEXT NOT NULL,
        example INTEGER NOT NULL,
        PRIMARY KEY(label, example)) WITHOUT ROWID""",
    "change": """CREATE TABLE change(
        id INTEGER PRIMARY KEY,
        kind TEXT NOT NULL,
        label TEXT NOT NULL,
        examples INTEGER NOT NULL,
        created_at REAL NOT NULL,
        undone INTEGER NOT NULL DEFAULT 0,
        reverts INTEGER)""",
    "part": """CREATE TABLE part(
        change INTEGER NOT NULL,
        example INTEGER NOT NULL,
        field TEXT NOT NULL,
        before,
        after,
        PRIMARY KEY(change, example, field)) WITHOUT ROWID""",
}
INDEXES: dict[str, str] = {
    "label_example": "CREATE INDEX label_example ON label(example)",
    "example_deleted": "CREATE INDEX example_deleted ON example(deleted) WHERE deleted > 0",
    "example_place": "CREATE INDEX example_place ON example(place) WHERE place IS NOT NULL",
    "example_edited": "CREATE INDEX example_edited ON example(version) WHERE version > 0",
    "change_undone": "CREATE INDEX change_undone ON change(undone, kind)",
}
MIGRATIONS: dict[int, tuple[str, ...]] = {}
"""Statements that bring a workspace of version N to N + 1."""
FIELDS = frozenset({"raw", "version", "deleted", "rating", "review", "reviewed", "note", "split"})
"""Columns of `example` that a part may change; beside them there are `label:NAME`, `hidden` and `meta:KEY`."""
ADDITION_UNDONE = 2
"""`deleted` of an example that was added here and whose addition was undone; 0: there, 1: deleted."""
