"""Errors of requests to a provider, divided by whether the request may have been carried out and cost money.

ProviderError
├── Unreachable   nothing was sent: trying again is safe
├── Unclear       the request may have been carried out: look at the provider before repeating it
│   └── TooSlow   no answer came in time
└── Refused       the provider refused: nothing was created
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from curator import log
from curator.errors import ProviderError

if TYPE_CHECKING:
    import openai

STOP_CODES = frozenset(
    {
        "insufficient_quota",
        "billing_hard_limit_reached",
        "billing_not_active",
        "spend_limit_reached",
        "quotaExceeded",
        "training_not_available",
        "account_deactivated",
        "access_terminated",
        "invalid_api_key",
    }
)
"""Error codes after which the same request will be refused again (docs/openai.md §6.8, §7)."""

_MENDABLE = STOP_CODES - {"training_not_available", "account_deactivated", "access_terminated"}
_MAX_QUOTE = 300
LONGEST_WAIT = 86_400.0
"""Seconds: the longest wait that is read from an answer. A date may come from a wrong clock."""
_NUMBER = re.compile(r"\d+(?:\.\d+)?\Z")
_PART = r"(\d+(?:\.\d+)?)\s*(milliseconds?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|h|days?|d)?(?![a-z])"
_EACH = re.compile(_PART, re.IGNORECASE)
_DELAY = re.compile(rf"(?:try again|retry) (?:in|after) (?:{_PART}[\s,]*(?:and )?)+", re.IGNORECASE)
_UNITS = (("ms", 0.001), ("milli", 0.001), ("m", 60.0), ("h", 3600.0), ("d", 86_400.0))


class Unreachable(ProviderError):
    """The connection could not be made; the provider received nothing."""


class Unclear(ProviderError):
    """No usable answer: the request may or may not have been carried out. `retry_after` as in Refused."""

    def __init__(
        self, message: str, *, code: str | None = None, retry_after: float | None = None, title: str = ""
    ) -> None:
        super().__init__(message, code=code, title=title)
        self.retry_after = retry_after


class TooSlow(Unclear):
    """No answer came in time."""


class Refused(ProviderError):
    """The provider refused. `status` is the HTTP status; `retry_after` the seconds that it asks to wait."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str | None = None,
        retry_after: float | None = None,
        title: str = "",
        plain: str = "",
    ) -> None:
        super().__init__(message, code=code, title=title)
        self.status = status
        self.retry_after = retry_after
        self.plain = plain or message
        """The message without the hint at `--provider local`, for the UI, which offers that by itself."""

    @property
    def mendable(self) -> bool:
        """True where the same request may be accepted later: with a new key, with more quota, or after a while."""
        return self.status in (401, 409, 429) or self.code in _MENDABLE

    @property
    def not_ready(self) -> bool:
        """True where the request names a file that the provider is still processing (docs/openai.md §6.8)."""
        words = self.message.lower()
        return self.code == "unexpectedEntityState" or "still being processed" in words or "not ready" in words

    @property
    def permanent(self) -> bool:
        """True where repeating cannot help: quota, spend limit, key, permission, or a bad request."""
        return self.code in STOP_CODES or (self.status != 429 and self.status < 500)


def requested_wait(fault: ProviderError) -> float:
    """Seconds that the provider asks to wait; 0 where it does not say."""
    return getattr(fault, "retry_after", None) or 0.0


def is_hopeless(fault: ProviderError) -> bool:
    """True where repeating cannot help, see `Refused.permanent`."""
    return fault.permanent if isinstance(fault, Refused) else fault.code in STOP_CODES


def translate(error: BaseException, provider: str, doing: str) -> ProviderError:
    """The ProviderError for an exception of the SDK: one sentence that names the provider and the request.

    `doing` is the request as a verb, e.g. "create the job". Keys in the provider's text are replaced by `***`.
    """
    import openai  # heavy

    if isinstance(error, openai.APIStatusError):
        return _status(error, provider, doing)
    if isinstance(error, openai.APITimeoutError) and not _unsent(error):
        return TooSlow(f"{provider} did not answer in time when asked to {doing}.")
    if isinstance(error, openai.APIConnectionError):
        if _unsent(error):
            return Unreachable(f"{provider} could not be reached to {doing}: {_reason(error)}.")
        return Unclear(f"The connection to {provider} broke when it was asked to {doing}: {_reason(error)}.")
    if isinstance(error, TimeoutError):
        return TooSlow(f"{provider} did not answer in time when asked to {doing}.")
    unreadable = openai.APIResponseValidationError | json.JSONDecodeError | ValueError | TypeError | RecursionError
    if isinstance(error, unreadable):
        return Unclear(f"{provider} gave an answer that cannot be read when asked to {doing}.")
    return Unclear(f"{provider}: {doing} failed: {log.redact(str(error))[:_MAX_QUOTE]}.")


def bad_answer(provider: str, doing: str, what: str) -> Unclear:
    """The error for an answer with a good HTTP status whose content cannot be used."""
    return Unclear(f"{provider} gave an answer that cannot be used when asked to {doing}: {what}.")


def _unsent(error: BaseException) -> bool:
    """True where the connection failed before the request was sent."""
    import httpx2  # heavy

    names = ("ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError", "UnsupportedProtocol")
    kinds = tuple(getattr(httpx2, name) for name in names)
    return isinstance(error.__cause__, kinds)


def _reason(error: BaseException) -> str:
    cause = error.__cause__ or error
    return log.redact(str(cause) or type(cause).__name__)[:_MAX_QUOTE]


def _status(error: openai.APIStatusError, provider: str, doing: str) -> ProviderError:
    """The error for an answer with an HTTP error status."""
    body = error.body if isinstance(error.body, dict) else {}
    code = _text(error.code) or _text(body.get("code"))
    quote = _quote(body, error)
    status = error.status_code
    wait = retry_after(error.response.headers, quote)
    if status >= 500 or status == 408:
        words = f"{provider} failed (HTTP {status}) when asked to {doing}: {quote}"
        return Unclear(words, code=code, retry_after=wait)
    sentence = _SENTENCES.get(code or "") or _BY_STATUS.get(status)
    if 300 <= status < 400:
        sentence = (
            "{provider} answers with a redirect, which is not followed so that the key stays here; fix base_url."
        )
    title, words = _TITLES.get(code or "", ""), (sentence or "{provider} refused to {doing}: {quote}")
    message, plain = (words.format(provider=provider, doing=doing, quote=quote, here=here) for here in (_HERE, ""))
    return Refused(message, status=status, code=code, retry_after=wait, title=title, plain=plain)


_HERE = "; the same data can be trained on this machine with --provider local"
_SPENT = "{provider}: the spend limit is reached, so it will not {doing}; raise it there{here}. ({quote})"
_CLOSED = "{provider} has closed this account, so it will not {doing}{here}. ({quote})"
_SENTENCES = {
    "training_not_available": "{provider} no longer lets this organisation start fine-tuning jobs{here}. "
    "({quote})",
    "insufficient_quota": "{provider}: the quota is used up, so it will not {doing}; add credit there{here}. "
    "({quote})",
    "billing_hard_limit_reached": _SPENT,
    "spend_limit_reached": _SPENT,
    "billing_not_active": "{provider}: billing is not active, so it will not {doing}; set it up there{here}. "
    "({quote})",
    "account_deactivated": _CLOSED,
    "access_terminated": _CLOSED,
    "quotaExceeded": "{provider}: a quota of the resource is used up, so it will not {doing}. ({quote})",
}
_BY_STATUS = {
    401: "{provider} does not accept the key; set a valid one (docs/providers.md). ({quote})",
    403: "{provider} does not permit this key to {doing}. ({quote})",
    404: "{provider} could not {doing}: there is no such thing. ({quote})",
    429: "{provider} is asked too often; wait before you {doing}. ({quote})",
}
_TITLES = {
    "training_not_available": "Training is not available",
    "insufficient_quota": "The quota is used up",
    "quotaExceeded": "The quota is used up",
    "billing_hard_limit_reached": "The spend limit is reached",
    "spend_limit_reached": "The spend limit is reached",
    "billing_not_active": "Billing is not active",
}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _quote(body: dict[str, Any], error: openai.APIStatusError) -> str:
    inner = body.get("error") if isinstance(body.get("error"), dict) else body
    text = _text(inner.get("message")) if isinstance(inner, dict) else None
    if text is None:
        text = _text(error.response.reason_phrase) or f"HTTP {error.status_code}"
    return log.redact(" ".join(text.split()))[:_MAX_QUOTE]


def retry_after(headers: Mapping[str, str], message: str) -> float | None:
    """Seconds that an answer asks us to wait, None where it does not.

    Read from `retry-after-ms`, else from `retry-after` (seconds or an HTTP date), else from the message
    (`try again in 1h2m3s`).
    """
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        if _NUMBER.match(text := headers.get(name, "").strip()):
            return min(float(text) * scale, LONGEST_WAIT)
    if (until := _until(headers.get("retry-after"))) is not None:
        return until
    if delay := _DELAY.search(message):
        return min(sum(float(number) * _scale(unit) for number, unit in _EACH.findall(delay[0])), LONGEST_WAIT)
    return None


def _scale(unit: str) -> float:
    return next((scale for start, scale in _UNITS if unit.lower().startswith(start)), 1.0)


def _until(text: str | None) -> float | None:
    """Seconds until an HTTP date by this machine's clock; None for what is no date."""
    if not text:
        return None
    try:
        wait = parsedate_to_datetime(text).timestamp() - time.time()
    except (ValueError, OverflowError, OSError):
        return None
    return min(max(0.0, wait), LONGEST_WAIT)
