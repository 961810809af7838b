"""Which character divides the cells of a table."""

from __future__ import annotations

import csv
import io
from collections import Counter
from itertools import islice

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
"""Delimiters of cells that are recognised, with their names in a sentence."""
_ROWS_LOOKED_AT = 20
"""Rows from which the delimiter is guessed."""


def delimiter_of(text: str, usual: str) -> str:
    """Guess the delimiter of cells: the one that divides the header into most columns.

    Of two with as many columns it is the one by which more of the first rows have as many cells as the header;
    `usual` where none divides the header.
    """
    best, delimiter = (1, 0), usual
    for candidate in (usual, *DELIMITERS):
        try:
            first = list(islice(csv.reader(io.StringIO(text, newline=""), delimiter=candidate), _ROWS_LOOKED_AT))
        except csv.Error:
            continue
        widths = Counter(len(row) for row in first[1:])
        columns = len(first[0]) if first else 0
        if columns > 1 and (columns, widths[columns]) > best:
            best, delimiter = (columns, widths[columns]), candidate
    return delimiter
