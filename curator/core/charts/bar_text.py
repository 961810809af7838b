"""One bar as text, exact to an eighth of a cell."""

from __future__ import annotations

EIGHTHS = " ▏▎▍▌▋▊▉█"


def bar_text(share: float, cells: int, *, least: int = 0) -> str:
    """A bar of `share` (0 to 1) of some cells, in eighths of a cell; at least `least` eighths."""
    eighths = max(round(max(0.0, min(1.0, share)) * cells * 8), least)
    return "█" * (eighths // 8) + EIGHTHS[eighths % 8].strip()
