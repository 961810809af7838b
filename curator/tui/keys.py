"""How keys are bound, named and rebound, by the table in `actions`.

An action's id is `scope.name`; people rebind it by that id in `config.toml`:

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
    "minus": "-",
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
"""How key names are shown; others are shown as they are."""


READ_AS = {
    "alt+1": "inverted_exclamation_mark",
    "alt+2": "trade_mark_sign",
    "alt+3": "pound_sign",
    "alt+4": "cent_sign",
    "alt+5": "infinity",
    "alt+6": "section_sign",
}
"""What Textual 8.2 makes of escape and a digit, which is what most terminals send for alt and that digit."""

BY_ID: dict[str, Action] = {action.id: action for action in ACTIONS}


def of_scope(scope: str) -> Iterator[Action]:
    """The actions of one scope, in table order."""
    return (action for action in ACTIONS if action.scope == scope)


def bindings(*scopes: str) -> list[BindingType]:
    """The Textual bindings of some scopes: what a widget's or screen's `BINDINGS` is made of."""
    return [
        Binding(
            as_read(action.keys),
            action.command,
            action.description,
            show=action.show,
            key_display=shown(action.keys.split(",")[0]),
            priority=action.priority,
            tooltip=action.tooltip,
            id=action.id,
        )
        for scope in scopes
        for action in of_scope(scope)
        if action.keys
    ]


def as_read(keys: str) -> str:
    """Key names with those under which Textual may report the same keys."""
    names = keys.split(",")
    return ",".join([*names, *(READ_AS[name] for name in names if name in READ_AS)])


def shown(key: str) -> str:
    """A key name as people read it: `question_mark` as `?`, `shift+tab` as it is."""
    *modifiers, last = key.split("+") if key != "+" else [key]
    return "+".join([*modifiers, GLYPHS.get(last, last)])


def keys_of(action: Action, keymap: Mapping[str, str]) -> str:
    """The keys that run `action` for this user, e.g. `d / del`; empty where it has none."""
    keys = keymap.get(action.id, action.keys)
    return " / ".join(shown(key) for key in keys.split(",") if key)


def check_keymap(keymap: Mapping[str, object]) -> tuple[dict[str, str], list[str]]:
    """The usable part of a user's `[keys]` table, and one sentence about each entry that is not.

    Two actions of one scope on one key are refused: the second would never run.
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
    for first, second, key in _clashes(good):
        faults.append(f"keys: '{shown(key)}' is wanted by both '{first}' and '{second}'; the change was left out")
        good.pop(second if second in good else first, None)
    return good, faults


def _clashes(keymap: Mapping[str, str]) -> list[tuple[str, str, str]]:
    taken: dict[tuple[str, str], str] = {}
    found = []
    for action in ACTIONS:
        for key in filter(None, keymap.get(action.id, action.keys).split(",")):
            other = taken.setdefault((action.scope, key), action.id)
            if other != action.id:
                found.append((other, action.id, key))
    return found
