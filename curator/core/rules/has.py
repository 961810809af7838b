"""Which features an example has, as bits: a rule is called only for examples with a feature it checks."""

from __future__ import annotations


class Has:
    """What an example holds, as bits, so that rules with nothing to look at are not called.

    Plain integers: an enum's flags cost more than the rules they would spare.
    """

    ODD = 1 << 0
    """A message that is neither system, user or assistant with just a text, nor a well-formed call or result."""
    PARTS = 1 << 1
    TOOLS = 1 << 2
    EDGES = 1 << 3
    """Text that begins or ends with white space."""
    ODD_TEXT = 1 << 4
    """Characters that some rule on characters may be about."""
    MARKS = 1 << 5
    """Byte patterns that keys, addresses and special tokens begin with."""
    FAULTS = 1 << 6
    OLD_CALLS = 1 << 7
    DIGITS = 1 << 8
    """Digits enough for a telephone or card number."""
    RISKY = 1 << 9
    NO_USER = 1 << 10
    NO_SYSTEM = 1 << 11
    MOVED_SYSTEM = 1 << 12
    """A system message elsewhere than at the start, or several."""
    REPEATS = 1 << 13
    """Two messages of one role in a row."""
    TAIL = 1 << 14
    """No assistant message, or others after the last one."""
    NO_TURNS = 1 << 15
    EXTRA_KEYS = 1 << 16
    """Top-level keys that the format does not have."""
    KEYS = 1 << 17
    """More keys in the bytes than in the value, perhaps."""
    LONG = 1 << 18
    """So long that some limit may be exceeded."""
    CONTRACT = 1 << 19
    WIDE = 1 << 20
    """Characters beyond ASCII that deserve a look; no rule asks for this."""
    ALL = (1 << 21) - 1
