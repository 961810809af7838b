"""What can go wrong between us and a provider, told apart by what it means for money.

ProviderError
├── Unreachable   nothing was sent: trying again is safe
├── Unclear       the request may have been carried out: look before anything else
└── Refused       the provider answered no: nothing was made
"""

from __future__ import annotations

import json
import re
import time
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
"""Error codes after which asking again is pointless (finetuning-api §4.8, §5)."""

_MAX_QUOTE = 300
_DELAY = re.compile(r"(?:try again|retry) (?:in|after) ([\d.]+)\s*(ms|s|seconds?|m|minutes?)?", re.IGNORECASE)


class Unreachable(ProviderError):
    """The connection could not be made; the provider knows nothing of it."""


class Unclear(ProviderError):
    """No usable answer: the provider may or may not have done it."""


class Refused(ProviderError):
    """A definite no. `status` is the HTTP status; `retry_after` seconds where it asked to wait."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str | None = None,
        retry_after: float | None = None,
        title: str = "",
    ) -> None:
        super().__init__(message, code=code, title=title)
        self.status = status
        self.retry_after = retry_after

    @property
    def permanent(self) -> bool:
        """True where asking again cannot help: quota, spend limit, key, permission, a bad request."""
        return self.code in STOP_CODES or (self.status != 429 and self.status < 500)


def translate(error: BaseException, provider: str, doing: str) -> ProviderError:
    """The fault behind an exception of the SDK, as one sentence that names provider and action.

    `doing` completes "could not …", e.g. "create the job". Keys in provider texts are replaced by `***`.
    """
    import openai

    if isinstance(error, openai.APIStatusError):
        return _status(error, provider, doing)
    if isinstance(error, openai.APITimeoutError) and not _unsent(error):
        return Unclear(f"{provider} did not answer in time when asked to {doing}.")
    if isinstance(error, openai.APIConnectionError):
        if _unsent(error):
            return Unreachable(f"{provider} could not be reached to {doing}: {_reason(error)}.")
        return Unclear(f"The connection to {provider} broke when it was asked to {doing}: {_reason(error)}.")
    if isinstance(error, TimeoutError):
        return Unclear(f"{provider} did not answer in time when asked to {doing}.")
    if isinstance(error, openai.APIResponseValidationError | json.JSONDecodeError | ValueError | TypeError):
        return Unclear(f"{provider} gave an answer that cannot be read when asked to {doing}.")
    return Unclear(f"{provider}: {doing} failed: {log.redact(str(error))[:_MAX_QUOTE]}.")


def bad_answer(provider: str, doing: str, what: str) -> Unclear:
    """An answer with a good status that is not what it should be."""
    return Unclear(f"{provider} gave an answer that cannot be used when asked to {doing}: {what}.")


def _unsent(error: BaseException) -> bool:
    import httpx2

    names = ("ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError", "UnsupportedProtocol")
    kinds = tuple(getattr(httpx2, name) for name in names)
    return isinstance(error.__cause__, kinds)


def _reason(error: BaseException) -> str:
    cause = error.__cause__ or error
    return log.redact(str(cause) or type(cause).__name__)[:_MAX_QUOTE]


def _status(error: openai.APIStatusError, provider: str, doing: str) -> ProviderError:
    body = error.body if isinstance(error.body, dict) else {}
    code = _text(error.code) or _text(body.get("code"))
    said = _said(body, error)
    status = error.status_code
    if status >= 500 or status == 408:
        return Unclear(f"{provider} failed (HTTP {status}) when asked to {doing}: {said}", code=code)
    sentence = _SENTENCES.get(code or "") or _BY_STATUS.get(status)
    if status == 429 and code in STOP_CODES:
        sentence = _SENTENCES.get(code or "", _SENTENCES["insufficient_quota"])
    if 300 <= status < 400:
        sentence = (
            "{provider} answers with a redirect, which is not followed so that the key stays here; fix base_url."
        )
    title, words = _TITLES.get(code or "", ""), (sentence or "{provider} refused to {doing}: {said}")
    message = words.format(provider=provider, doing=doing, said=said)
    return Refused(message, status=status, code=code, retry_after=_retry_after(error, said), title=title)


_SENTENCES = {
    "training_not_available": "{provider} no longer lets this organisation start fine-tuning jobs; train the same "
    "data on this machine with --provider local. ({said})",
    "insufficient_quota": "{provider}: the quota is used up, so it will not {doing}; add credit there, or train "
    "with --provider local. ({said})",
    "billing_hard_limit_reached": "{provider}: the spend limit is reached, so it will not {doing}; raise it "
    "there, or train with --provider local. ({said})",
    "quotaExceeded": "{provider}: a quota of the resource is used up, so it will not {doing}. ({said})",
}
_BY_STATUS = {
    401: "{provider} does not accept the key; set a valid one (docs/providers.md). ({said})",
    403: "{provider} does not permit this key to {doing}. ({said})",
    404: "{provider} could not {doing}: there is no such thing. ({said})",
    429: "{provider} is asked too often; wait before you {doing}. ({said})",
}
_TITLES = {"training_not_available": "Training is not available", "insufficient_quota": "Quota used up"}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _said(body: dict[str, Any], error: openai.APIStatusError) -> str:
    inner = body.get("error") if isinstance(body.get("error"), dict) else body
    text = _text(inner.get("message")) if isinstance(inner, dict) else None
    if text is None:
        text = _text(error.response.reason_phrase) or f"HTTP {error.status_code}"
    return log.redact(" ".join(text.split()))[:_MAX_QUOTE]


def _retry_after(error: openai.APIStatusError, said: str) -> float | None:
    headers = error.response.headers
    for name, scale in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        seconds = _number(headers.get(name))
        if seconds is not None:
            return seconds / scale
    if (until := _date(headers.get("retry-after"))) is not None:
        return until
    if match := _DELAY.search(said):
        seconds = _number(match[1])
        unit = (match[2] or "s").lower()
        if seconds is not None:
            return seconds / 1000 if unit == "ms" else seconds * 60 if unit.startswith("m") else seconds
    return None


def _date(text: str | None) -> float | None:
    """Seconds until an HTTP date, by this machine's clock: it may be wrong, so never more than a day."""
    if not text:
        return None
    try:
        seconds = parsedate_to_datetime(text).timestamp() - time.time()
    except (ValueError, OverflowError, OSError):
        return None
    return min(max(0.0, seconds), 86_400.0)


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else None
    except ValueError:
        return None
    return value if value is not None and 0 <= value < 1e7 else None
