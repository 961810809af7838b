"""The tables of `runs.db`."""

VERSION = 5

SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    run TEXT NOT NULL UNIQUE,
    provider TEXT NOT NULL,
    origin TEXT NOT NULL,
    model TEXT NOT NULL,
    status TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    created_at REAL NOT NULL,
    job_id TEXT,
    fine_tuned_model TEXT,
    training_file TEXT,
    validation_file TEXT,
    dataset_sha256 TEXT,
    validation_sha256 TEXT,
    examples INTEGER,
    method TEXT NOT NULL,
    params BLOB NOT NULL,
    source TEXT,
    revision INTEGER,
    epochs INTEGER,
    trained_tokens INTEGER,
    usd_estimate REAL,
    error BLOB,
    finished_at REAL,
    result_files BLOB NOT NULL,
    job BLOB NOT NULL,
    swept INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX IF NOT EXISTS runs_by_job ON runs (origin, job_id) WHERE job_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS runs_by_fingerprint ON runs (fingerprint);
CREATE TABLE IF NOT EXISTS steps (
    run TEXT NOT NULL REFERENCES runs (run),
    step TEXT NOT NULL,
    state TEXT NOT NULL,
    detail BLOB NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (run, step)
);
CREATE TABLE IF NOT EXISTS orphans (
    origin TEXT NOT NULL,
    file_id TEXT NOT NULL,
    run TEXT NOT NULL,
    name TEXT NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (origin, file_id)
);
CREATE TABLE IF NOT EXISTS places (path TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS deployments (
    origin TEXT NOT NULL,
    name TEXT NOT NULL,
    model TEXT NOT NULL,
    sku TEXT NOT NULL,
    usd_per_hour REAL,
    since REAL NOT NULL,
    PRIMARY KEY (origin, name)
);
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    run TEXT NOT NULL REFERENCES runs (run),
    id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    level TEXT NOT NULL,
    message TEXT NOT NULL,
    type TEXT NOT NULL,
    data BLOB NOT NULL,
    UNIQUE (run, id)
);
CREATE TABLE IF NOT EXISTS metrics (
    run TEXT NOT NULL,
    step INTEGER NOT NULL,
    name TEXT NOT NULL,
    value REAL NOT NULL,
    PRIMARY KEY (run, step, name)
);
CREATE TABLE IF NOT EXISTS checkpoints (
    run TEXT NOT NULL,
    id TEXT NOT NULL,
    model TEXT,
    step INTEGER,
    created_at INTEGER,
    metrics BLOB NOT NULL,
    PRIMARY KEY (run, id)
);
CREATE TABLE IF NOT EXISTS evaluations (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    dataset TEXT NOT NULL,
    model TEXT NOT NULL,
    run TEXT,
    at REAL NOT NULL,
    value BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS evaluations_by_model ON evaluations (dataset, model);
CREATE TABLE IF NOT EXISTS answers (
    model TEXT NOT NULL,
    prompt TEXT NOT NULL,
    at REAL NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (model, prompt)
);
CREATE TABLE IF NOT EXISTS yardsticks (
    id TEXT PRIMARY KEY,
    at REAL NOT NULL,
    side TEXT NOT NULL,
    value BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS judgements (
    id TEXT PRIMARY KEY,
    at REAL NOT NULL,
    prompt TEXT NOT NULL,
    value BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS answer_facts (
    kind TEXT NOT NULL,
    model TEXT NOT NULL,
    prompt TEXT NOT NULL,
    answer TEXT NOT NULL,
    at REAL NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (kind, model, prompt, answer)
);
CREATE TABLE IF NOT EXISTS talks (
    id TEXT PRIMARY KEY,
    at REAL NOT NULL,
    value BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS remarks (
    run TEXT PRIMARY KEY,
    note TEXT NOT NULL,
    tags BLOB NOT NULL
);
"""
