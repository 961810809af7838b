"""Rules on the bytes of a file. `curator.workspace.files` finds them; here they are declared."""

from __future__ import annotations

from curator.core.rules.registry import declare, severities

MAX_FILE_BYTES = 512 * 1024 * 1024
"""Limit of the Files API, at OpenAI and Azure (docs/openai.md §6.1, §7)."""
MAX_UPLOAD_BYTES = 8 * 1024**3
"""Limit of the Uploads API (docs/openai.md §6.2)."""

declare(
    "file_extension",
    severities("E", local="W"),
    "file",
    1,
    "the name does not end in .jsonl (a warning for .gz, .zst, .csv and .tsv, which Curator reads)",
    "the upload takes only .jsonl files",
    fix="safe",
    fix_text="`fix` and `export` write .jsonl",
)
declare(
    "file_empty",
    "E",
    "file",
    2,
    "no line but blank ones",
    "there is nothing to train on",
)
declare(
    "file_too_large",
    severities("E", local="W"),
    "file",
    3,
    "more than 512 MB for the Files API, or 8 GB for Uploads",
    "the upload is refused; use Uploads, or split the file",
)
declare(
    "line_endings",
    "I",
    "file",
    6,
    "lines end in CR LF, or hold a lone CR",
    "harmless to most readers, yet not what the format says",
    fix="safe",
    fix_text="write LF",
)
declare(
    "blank_line",
    "W",
    "file",
    7,
    "a blank line, within the file or at its end",
    "strict readers stop there; line numbers and example numbers drift apart",
    fix="safe",
    fix_text="drop the line",
)
declare(
    "json_array_file",
    "E",
    "file",
    9,
    "the whole file is one JSON array or one pretty-printed object",
    "the upload says: Expected file to have JSONL format, where every line is a JSON dictionary",
    fix="safe",
    fix_text="write one element per line",
)
