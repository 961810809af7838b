"""The line rule of JSONL files: a line ends at LF alone, without one CR before it; the first has no BOM.

The workspace and the server both read files by this rule.
"""

from __future__ import annotations

BOM = b"\xef\xbb\xbf"


def split(block: bytes) -> list[bytes]:
    """The pieces of a block between its LFs; the last one is not ended, and empty where the block ends with LF."""
    return block.split(b"\n")


def trim(line: bytes, *, first: bool = False) -> bytes:
    """A physical line without LF, without one CR before it, and without a BOM where it is the file's first."""
    if line.endswith(b"\n"):
        line = line[:-2] if line.endswith(b"\r\n") else line[:-1]
    elif line.endswith(b"\r"):
        line = line[:-1]
    return line[3:] if first and line.startswith(BOM) else line
