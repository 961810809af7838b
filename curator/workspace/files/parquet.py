"""Parquet files as records, where pyarrow is installed (the extra `parquet`)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson

from curator.errors import InputError


def is_parquet(path: Path) -> bool:
    """Whether a file begins with the magic number of Parquet."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return file.read(4) == b"PAR1"
    except OSError:
        return False


def records(path: Path) -> Iterator[tuple[int, bytes]]:
    """(row number from 1, the row as one JSON line). Raises InputError without pyarrow, and for an unreadable
    file."""
    try:
        import pyarrow  # heavy, and optional
        from pyarrow import parquet
    except ImportError:
        raise InputError(f"{path} is a Parquet file: it needs `pip install curator-ft[parquet]`") from None
    try:
        number = 0
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(1000):
                for row in batch.to_pylist():
                    number += 1
                    yield number, orjson.dumps(row, default=str, option=orjson.OPT_NON_STR_KEYS)
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(f"{path} cannot be read as Parquet: {error}") from error
