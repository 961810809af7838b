"""Builds key bindings from the table in `actions`, names keys for display, and checks the user's keymap.

An action's id is `scope.name`; users rebind it by that id in `config.toml`:

    [keys]
    "data.delete" = "d,backspace"

A widget or screen takes part by naming its scope and taking its bindings from here:

    class Problems(Widget):
        SCOPE = "problems"
        BINDINGS = keys.bindings("problems")

The action `problems.fix` then runs `Problems.action_fix`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from textual.binding import Binding, BindingType

from curator.tui.actions import ACTIONS, Action

GLYPHS = {
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "pageup": "pgup",
    "pagedown": "pgdn",
    "question_mark": "?",
    "slash": "/",
    "colon": ":",
    "plus": "+",
    "exclamation_mark": "!",
    "percent_sign": "%",
    "backslash": "\\",
    "minus": "-",
    "left_curly_bracket": "{",
    "right_curly_bracket": "}",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "equals_sign": "=",
    "escape": "esc",
    "delete": "del",
    "full_stop": ".",
    "comma": ",",
    "asterisk": "*",
    "underscore": "_",
}
"""Display names of keys; every other key is shown by its Textual name."""


ALIASES = {
    "alt+1": "inverted_exclamation_mark",
    "alt+2": "trade_mark_sign",
    "alt+3": "pound_sign",
    "alt+4": "cent_sign",
    "alt+5": "infinity",
    "alt+6": "section_sign",
}
"""Most terminals send escape and the digit for alt+digit; Textual 8.2 reports that under these key names."""

BY_ID: dict[str, Action] = {action.id: action for action in ACTIONS}


def of_scope(scope: str) -> Iterator[Action]:
    """The actions of one scope, in table order."""
    return (action for action in ACTIONS if action.scope == scope)


def bindings(*scopes: str) -> list[BindingType]:
    """The Textual bindings of the actions in `scopes`, for the `BINDINGS` of a widget or screen."""
    return [
        Binding(
            with_aliases(action.keys),
            action.command,
            action.description,
            show=action.show,
            key_display=key_label(action.keys.split(",")[0]),
            priority=action.priority,
            tooltip=action.tooltip,
            id=action.id,
        )
        for scope in scopes
        for action in of_scope(scope)
        if action.keys
    ]


def with_aliases(keys: str) -> str:
    """Comma-separated key names, extended by the `ALIASES` under which Textual may report the same keys."""
    names = keys.split(",")
    return ",".join([*names, *(ALIASES[name] for name in names if name in ALIASES)])


def key_label(key: str) -> str:
    """The display name of a key: `?` for `question_mark`; `shift+tab` stays as it is."""
    *modifiers, last = key.split("+") if key != "+" else [key]
    return "+".join([*modifiers, GLYPHS.get(last, last)])


def keys_of(action: Action, keymap: Mapping[str, str]) -> str:
    """The keys that run `action` under a user's keymap, e.g. `d / del`; empty where it has none."""
    keys = keymap.get(action.id, action.keys)
    return " / ".join(key_label(key) for key in keys.split(",") if key)


def check_keymap(keymap: Mapping[str, object]) -> tuple[dict[str, str], list[str]]:
    """The valid entries of a user's `[keys]` table, and one sentence for each invalid entry.

    Two actions of one scope on the same key are refused, since the second would never run.
    """
    good: dict[str, str] = {}
    faults: list[str] = []
    for action_id, keys in keymap.items():
        if action_id not in BY_ID:
            faults.append(f"keys: there is no action '{action_id}'; docs/keys.md lists them")
        elif not isinstance(keys, str) or not all(key.strip() for key in keys.split(",")):
            faults.append(f"keys: '{action_id}' needs key names separated by commas")
        else:
            good[action_id] = ",".join(key.strip() for key in keys.split(","))
    for first, second, key in _conflicts(good):
        faults.append(f"keys: '{key_label(key)}' is used by both '{first}' and '{second}'; the change is ignored")
        good.pop(second if second in good else first, None)
    return good, faults


def _conflicts(keymap: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """(first action's id, second action's id, key) for each key used twice in one scope."""
    action_by_key: dict[tuple[str, str], str] = {}
    conflicts = []
    for action in ACTIONS:
        for key in filter(None, keymap.get(action.id, action.keys).split(",")):
            other = action_by_key.setdefault((action.scope, key), action.id)
            if other != action.id:
                conflicts.append((other, action.id, key))
    return conflicts
