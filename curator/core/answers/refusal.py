"""Whether an answer is a refusal; used by the rule `refusal_share` and by the balance."""

from __future__ import annotations

import re
from string import ascii_letters

_APOSTROPHE = "['\u2019]"
_CANNOT = (
    rf"(?:can(?:{_APOSTROPHE}t|not| not)|won{_APOSTROPHE}?t|will not|unable|not able)\b"
    r"(?! wait| believe| stop| even| get enough)"
)
_BEGIN = re.compile(
    rf"\s*(?:(?:i{_APOSTROPHE}?m|i am) (?:so |very |really |truly )?(?:sorry|afraid)\b|sorry\b|unfortunately\b"
    r"|(?:my )?apologies\b|i apologi[sz]e\b|as an? (?:ai|artificial|(?:large )?language model|assistant)\b"
    rf"|i(?:{_APOSTROPHE}m| am)?(?: really)? {_CANNOT})",
    re.IGNORECASE,
)
_REASON = re.compile(
    rf"\b(?:{_CANNOT}|do(?:n{_APOSTROPHE}t| not) have|refuse|(?:ai|language) model|against\b)", re.IGNORECASE
)
_HEAD = 300
"""Characters at the start of an answer that are searched."""
_OTHERS = frozenset(ascii_letters) - frozenset("aimsuAIMSU")
"""Letters that no refusal begins with."""


def is_refusal(text: str) -> bool:
    """Whether an answer reads like an English refusal: it begins like one and says what is impossible."""
    if text[:1] in _OTHERS:
        return False
    return _BEGIN.match(text, 0, _HEAD) is not None and _REASON.search(text, 0, _HEAD) is not None
