"""The colours of the first screen, read from a theme file without importing Textual."""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass, field

from curator import paths

DEFAULT = "curator-dark"
"""The theme used until the user chooses one."""
_ANSI = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
_HEX = re.compile(r"#[0-9a-fA-F]{6}")

STYLES: dict[str, tuple[str, str, bool]] = {
    "screen": ("foreground", "background", False),
    "brand": ("accent", "surface", True),
    "tab": ("quiet", "surface", False),
    "tab-current": ("foreground", "boost", True),
    "status": ("foreground", "surface", False),
    "status-ok": ("mark-ok", "surface", False),
    "status-error": ("mark-error", "surface", True),
    "status-warning": ("mark-warning", "surface", True),
    "prompt": ("accent", "background", True),
    "dim": ("quiet", "background", False),
    "head": ("accent", "surface", True),
    "row": ("foreground", "background", False),
    "cursor": ("block-cursor-foreground", "block-cursor-background", True),
    "list--error": ("mark-error", "", True),
    "list--warning": ("mark-warning", "", True),
    "list--ok": ("mark-ok", "", False),
    "list--dim": ("quiet", "", False),
    "list--roles": ("quiet", "", False),
    "list--label": ("accent", "", False),
    "list--train": ("split-train", "", False),
    "list--validation": ("split-validation", "", False),
    **{f"list--label-{number}": (f"label-{number}", "", False) for number in range(1, 10)},
}
"""(text colour, background, bold) of each style named in `app.tcss`; an empty background is the one underneath."""


@dataclass(frozen=True)
class ThemeColours:
    """A theme's colours by name, as its file writes them; without any, text is plain and the cursor reversed."""

    colours: dict[str, str] = field(default_factory=dict)

    def paint(self, style: str, text: str, base: str = "") -> str:
        """`text` with the escape codes of a style; a missing background is taken from the style `base`."""
        front, back, bold = STYLES[style]
        if base:
            _, below, strong = STYLES[base]
            back, bold = back or below, bold or strong
        codes = ["1"] * bold + [*_codes(self.colours.get(front), 30), *_codes(self.colours.get(back), 40)]
        if not self.colours and "cursor" in (style, base):
            codes.append("7")
        return f"\x1b[0;{';'.join(codes)}m{text}" if codes else f"\x1b[0m{text}"


def _codes(colour: str | None, offset: int) -> list[str]:
    """The SGR parameters of a colour; `offset` is 30 for text and 40 for the background. Empty if unknown."""
    if colour is None:
        return []
    if _HEX.fullmatch(colour):
        red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
        return [f"{offset + 8};2;{red};{green};{blue}"]
    name = colour.removeprefix("ansi_")
    bright = name.startswith("bright_")
    if (name := name.removeprefix("bright_")) in _ANSI:
        return [str(offset + 60 * bright + _ANSI.index(name))]
    return []


def read_palette(theme: str) -> ThemeColours:
    """The colours of a theme; none without such a file, with NO_COLOR, or in a terminal without 24-bit colour."""
    if os.environ.get("NO_COLOR") or os.environ.get("COLORTERM", "").lower() not in ("truecolor", "24bit"):
        return ThemeColours()
    for folder in (paths.config_dir() / "themes", paths.packaged("themes")):
        try:
            table = tomllib.loads((folder / f"{theme or DEFAULT}.toml").read_text("utf-8"))
        except (OSError, ValueError):
            continue
        variables = table.get("variables")
        colours = table | (variables if isinstance(variables, dict) else {})
        return ThemeColours({name: value for name, value in colours.items() if isinstance(value, str)})
    return ThemeColours()
