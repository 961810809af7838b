"""Shows a text that changes often: the screen is laid out anew only where the number of its rows changes."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static


def show_text(widget: Static, content: Content) -> None:
    """Let `widget`, whose width does not depend on its text, show `content`."""
    before = widget.content
    if isinstance(before, Content) and before.is_same(content):
        return
    rows = _rows(before, widget.size.width) if isinstance(before, Content) else None
    widget.update(content, layout=rows is None or rows != _rows(content, widget.size.width))


def _rows(content: Content, width: int) -> int | None:
    """The rows of a text; None where a line is wider than `width` cells, since words decide where it wraps."""
    lines = content.split(allow_blank=True)
    return None if any(line.cell_length > width for line in lines) else len(lines)
