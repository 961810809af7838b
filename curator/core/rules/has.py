"""Which features an example has, as bits: a rule is called only for examples with a feature it checks."""

from __future__ import annotations


class Has:
    """Bits for features of an example. Plain integers: an enum's flags would cost more time than they save.

    A bit may be set without the feature (then a rule is called in vain), but never be missing with it.
    """

    ODD = 1 << 0
    """A message that is neither a plain one (system, user or assistant with only a text) nor a well-formed
    tool call or result."""
    PARTS = 1 << 1
    """A content that is a list of parts."""
    TOOLS = 1 << 2
    """Tools, functions, calls or their results."""
    EDGES = 1 << 3
    """A text that begins or ends with white space."""
    ODD_TEXT = 1 << 4
    """Characters that a rule on characters may report."""
    MARKS = 1 << 5
    """Byte patterns with which keys, e-mail addresses and special tokens begin."""
    FAULTS = 1 << 6
    """The line is not valid JSON."""
    OLD_CALLS = 1 << 7
    """`functions`, `function_call` or the role `function`."""
    DIGITS = 1 << 8
    """Enough digits for a telephone or card number."""
    RISKY = 1 << 9
    """Phrases that moderation may flag."""
    NO_USER = 1 << 10
    """No user message."""
    NO_SYSTEM = 1 << 11
    """No system message."""
    MOVED_SYSTEM = 1 << 12
    """A system message that is not the first message, or several."""
    REPEATS = 1 << 13
    """Two messages of one role in a row."""
    TAIL = 1 << 14
    """No assistant message, or other messages after the last one."""
    NO_TURNS = 1 << 15
    """No messages."""
    EXTRA_KEYS = 1 << 16
    """Top-level keys that the format does not have."""
    KEYS = 1 << 17
    """Perhaps a key that occurs twice in one object."""
    LONG = 1 << 18
    """So long that a limit may be exceeded."""
    CONTRACT = 1 << 19
    """The context has an answer contract."""
    WIDE = 1 << 20
    """Characters beyond ASCII that must be checked for `ODD_TEXT`; no rule uses this bit itself."""
    ALL = (1 << 21) - 1
