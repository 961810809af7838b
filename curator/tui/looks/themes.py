"""Loads themes from TOML files: the packaged ones, then the user's, which replace packaged ones of the same name.

Textual accepts any string as a colour and fails when it draws, so each value is checked here. A faulty file is
skipped and reported in one sentence.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from textual.color import Color, ColorParseError
from textual.theme import BUILTIN_THEMES, Theme

from curator import paths
from curator.core.text import one_line
from curator.tui.looks.first_colours import DEFAULT as DEFAULT

MAX_BYTES = 64 * 1024
"""Largest theme file that is read."""

SOURCES = {
    "role-system": "text-secondary",
    "role-user": "text-primary",
    "role-assistant": "text-success",
    "role-tool": "text-accent",
    "mark-error": "text-error",
    "mark-warning": "text-warning",
    "mark-info": "text-secondary",
    "mark-ok": "text-success",
    "row-selected": "secondary-muted",
    "row-duplicate": "warning-muted",
    "row-match": "accent-muted",
    "split-train": "text-primary",
    "split-validation": "text-accent",
    "split-none": "foreground-muted",
    "trained-token": "success-muted",
    "untrained-token": "panel",
    "diff-added": "success-muted",
    "diff-removed": "error-muted",
    "chart-train": "text-primary",
    "chart-validation": "text-accent",
    "chart-axis": "foreground-muted",
    "hidden-character": "text-error",
    "rating": "text-warning",
    "quiet": "foreground-muted",
    "label-1": "text-primary",
    "label-2": "text-success",
    "label-3": "text-warning",
    "label-4": "text-error",
    "label-5": "text-accent",
    "label-6": "text-secondary",
    "label-7": "text-primary",
    "label-8": "text-success",
    "label-9": "text-warning",
}
"""Curator's own colours, each with the Textual colour it defaults to in a theme that omits it (docs/themes.md)."""

_COLOURS = ("primary", "secondary", "warning", "error", "success", "accent")
_PLAIN_COLOURS = ("foreground", "background", "surface", "panel", "boost")
_NUMBERS = ("luminosity_spread", "text_alpha")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_ALPHA = re.compile(r"(.+?)\s+\d{1,3}%")


def load_themes(folders: Sequence[Path] | None = None) -> tuple[list[Theme], list[str]]:
    """Load all theme files, without what `complete` adds; returns also one sentence for each faulty file.

    `folders` are read in order; default: the packaged one and `themes/` of the configuration folder. A theme
    replaces an earlier one, or one of Textual's, of the same name.
    """
    themes: dict[str, Theme] = {}
    problems: list[str] = []
    for folder in folders if folders is not None else (paths.packaged("themes"), paths.config_dir() / "themes"):
        for path in sorted(folder.glob("*.toml")):
            try:
                theme = read_theme(path)
            except (OSError, ValueError) as error:
                reason = error.strerror if isinstance(error, OSError) else str(error)
                problems.append(one_line(f"The theme {path.name} is left out: {reason}.", 300))
            else:
                themes[theme.name] = theme
    return list(themes.values()), problems


def read_theme(path: Path) -> Theme:
    """Read and check a theme file. Raises OSError, or ValueError with a sentence for the user."""
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES // 1024} KB")
    table = tomllib.loads(path.read_text("utf-8"))
    name = table.setdefault("name", path.stem)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError("its name may have small letters, digits and hyphens")
    settings = {field.name for field in fields(Theme)}
    if unknown := sorted(table.keys() - settings):
        raise ValueError(f"'{unknown[0]}' is no setting of a theme")
    if "primary" not in table:
        raise ValueError("it has no primary colour")
    _check_values(table)
    theme = Theme(**table)
    return replace(theme, variables=_checked_variables(table.get("variables", {})))


def complete(theme: Theme) -> Theme:
    """`theme` with the missing ones of Curator's own colours derived from its palette, see `SOURCES`."""
    if theme.variables.keys() >= SOURCES.keys():
        return theme
    palette = theme.to_color_system().generate()
    derived = {name: palette.get(source, palette["foreground"]) for name, source in SOURCES.items()}
    return replace(theme, variables=derived | theme.variables)


def _check_values(table: dict[str, Any]) -> None:
    for key in (*_COLOURS, *_PLAIN_COLOURS):
        if key in table:
            _check_colour(key, table[key], alpha=False)
    for key in _NUMBERS:
        number = table.get(key, 0.5)
        if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number <= 1:
            raise ValueError(f"{key} is a number between 0 and 1")
    for key in ("dark", "ansi"):
        if not isinstance(table.get(key, True), bool):
            raise ValueError(f"{key} is true or false")
    if not isinstance(table.get("variables", {}), dict):
        raise ValueError("[variables] is a table")


def _checked_variables(variables: dict[str, Any]) -> dict[str, str]:
    """The `[variables]` of a theme file. Raises ValueError for an unknown name, or a value of the wrong kind."""
    colour_names = _TEXTUAL_COLOURS | SOURCES.keys()
    for name, value in variables.items():
        if name not in colour_names:
            raise ValueError(f"'{name}' in [variables] is no colour of Textual or Curator")
        if not name.endswith(("-style", "-style-hover")):
            _check_colour(name, value, alpha=True)
        elif not isinstance(value, str) or not re.fullmatch(r"[a-z ]+", value):
            raise ValueError(f"{name} is a text style such as 'bold'")
    return variables


def _check_colour(name: str, value: object, *, alpha: bool) -> None:
    """Raise ValueError unless `value` is a colour; `alpha` also allows "auto", "initial" and "#123456 40%"."""
    text = value if isinstance(value, str) else ""
    if alpha and (match := _ALPHA.fullmatch(text)):
        text = match[1]
    if alpha and text in ("auto", "initial"):
        return
    try:
        Color.parse(text)
    except ColorParseError:
        raise ValueError(f"{name} = {value!r} is no colour") from None


_TEXTUAL_COLOURS = frozenset(BUILTIN_THEMES["textual-dark"].to_color_system().generate())
"""The names of the colours and text styles that every theme of Textual has."""
VARIABLES = dict(complete(BUILTIN_THEMES["textual-dark"]).variables)
"""Curator's own colours for the moment before the app has loaded a theme that defines them."""
