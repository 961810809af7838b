"""What a hub answers instead of what was asked for, as one sentence each."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from curator import log
from curator.core.text import one_line
from curator.errors import ProviderError

_LOG_IN = "`hf auth login` stores a token, or set HF_TOKEN"


class HubRefused(ProviderError):
    """The hub refused; `status` is the HTTP status, 0 where there was no answer."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message, title="The hub refused")
        self.status = status


@contextlib.contextmanager
def told_plainly(host: str, doing: str, *, has_token: bool, unclear: str = "") -> Iterator[None]:
    """Turn whatever the library raises into a HubRefused that names the hub and what was being done.

    `doing` is a verb with its object, e.g. "read me/data". `unclear` is what to look at where a request may have
    been carried out although its answer did not come.
    """
    import httpx2  # heavy

    try:
        yield
    except (
        OSError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        AssertionError,
        httpx2.HTTPError,
    ) as error:
        answer = _answer_of(error)
        words = _words_of(answer, host, doing, has_token) if answer is not None else ""
        if words:
            raise HubRefused(words, answer.status_code if answer is not None else 0) from None
        words = _words_without_answer(error, host, doing, unclear)
        if isinstance(error, OSError) and error.errno is not None and not words:
            raise  # this machine's own disk
        log.log(f"{doing} at {host}: {type(error).__name__}: {error}")
        strange = f"{host} was to {doing} and answered something that is no answer of a hub"
        raise HubRefused(words or f"{strange}; {unclear or 'nothing was kept'}. Is HF_ENDPOINT right?") from None


def _words_without_answer(error: BaseException, host: str, doing: str, unclear: str) -> str:
    """The sentence for a request that got no whole answer; "" for another fault."""
    import httpx2  # heavy
    from huggingface_hub import errors  # heavy

    if _is_among(error, errors.OfflineModeIsEnabled):
        return f"HF_HUB_OFFLINE is set: {host} was not asked to {doing}"
    if _is_among(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.ProxyError):
        return f"{host} cannot be reached to {doing}: look at the connection and try again"
    if _is_among(error, httpx2.TransportError) or "Consistency check failed" in str(error):
        words = f"the connection to {host} broke off while it was to {doing}"
        return f"{words}; {unclear or 'nothing was kept, try again'}"
    return ""


def _is_among(error: BaseException, kinds: Any) -> bool:
    """Whether an exception, or what caused it, is of some kinds."""
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, kinds):
            return True
        link = link.__cause__
    return False


def _answer_of(error: BaseException) -> Any | None:
    """The HTTP answer that an exception, or what caused it, carries."""
    link: BaseException | None = error
    while link is not None:
        answer = getattr(link, "response", None)
        if answer is not None and hasattr(answer, "status_code"):
            return answer
        link = link.__cause__
    return None


def _words_of(answer: Any, host: str, doing: str, has_token: bool) -> str:
    """The sentence for an HTTP answer; "" for one that is no refusal."""
    status = answer.status_code
    if status < 400:
        return ""
    code = 500 if status >= 500 else status
    if status == 403 and answer.headers.get("X-Error-Code") == "GatedRepo":
        why = "its owner asks people to agree to conditions on its page first"
    elif code in _WHY:
        with_token, without = _WHY[code]
        why = with_token if has_token else without
    elif status == 429:
        why = f"too many requests. Try again in {_wait_words(answer.headers.get('Retry-After', ''))}"
    else:
        why = one_line(log.redact(answer.headers.get("X-Error-Message") or "it does not say why"), 120)
    return f"{host} refused to {doing} ({status}): {why}"


_CHANGED = "it was changed meanwhile. Look at it and do this again"
_FAULT = "it has a fault of its own. Try again later"
_MONEY = "it asks for money, and nothing was bought"
_HIDDEN = f"there is no such thing there, or it is private: {_LOG_IN}"
_WHY = {
    401: (f"it does not know your token: {_LOG_IN}", _HIDDEN),
    402: (_MONEY, _MONEY),
    403: ("your token has no right to do so", _LOG_IN),
    404: ("there is no such thing there, or your token may not see it", _HIDDEN),
    410: ("there is no such thing there any more", "there is no such thing there any more"),
    409: (_CHANGED, _CHANGED),
    412: (_CHANGED, _CHANGED),
    500: (_FAULT, _FAULT),
}
"""Why a hub refuses, by status: with a token, and without one."""


def _wait_words(header: str) -> str:
    """How long to wait, in words, from the header Retry-After."""
    return f"{int(header):,} seconds" if header.isascii() and header.isdigit() and len(header) < 7 else "a while"
