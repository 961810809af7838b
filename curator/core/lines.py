"""The line rule of JSONL files: a line ends at LF alone, without one CR before it; the first has no BOM.

The workspace and the server both read files by this rule.
"""

from __future__ import annotations

BOM = b"\xef\xbb\xbf"


def split(block: bytes) -> list[bytes]:
    """The pieces of a block between its LFs; the last piece has no LF after it and may be empty."""
    return block.split(b"\n")


def trim(line: bytes, *, first: bool = False) -> bytes:
    """A line of a file without its LF, one CR before that, and, if it is the `first` line, without a BOM."""
    if line.endswith(b"\n"):
        line = line[:-2] if line.endswith(b"\r\n") else line[:-1]
    elif line.endswith(b"\r"):
        line = line[:-1]
    return line[3:] if first and line.startswith(BOM) else line
