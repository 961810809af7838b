"""Turn an answer's token ids into pieces of text as they are decoded: whole characters only, up to a stop
string."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from curator.basemodels.text_model import TextModel

_BROKEN = "\ufffd"


@dataclass(slots=True)
class AnswerText:
    """The text of one choice. `add` takes a token and returns the text that is certain, `finish` the rest."""

    text: TextModel
    stops: Sequence[str] = ()
    ids: list[int] = field(default_factory=list)
    stopped: bool = False
    """Whether a stop string occurred; the text ends before it."""
    _start: int = 0
    """Index of the first token that is decoded again, for the context of the next."""
    _decoded: int = 0
    """Number of tokens whose text was decoded."""
    _pending: str = ""
    """Decoded text that was not returned yet, because it may begin a stop string."""

    def add(self, token: int) -> str:
        """Append a token; the text that is certain now and was not returned before."""
        self.ids.append(token)
        return self._release(self._decode_new(whole=False), last=False)

    def finish(self) -> str:
        """The text that was held back: an incomplete character, or the possible beginning of a stop string."""
        return self._release(self._decode_new(whole=True), last=True)

    def _decode_new(self, whole: bool) -> str:
        """The text of the tokens since the last call. They are decoded together with the tokens before them,
        because whether a tokenizer writes a space depends on its neighbours."""
        before = self.text.decode(self.ids[self._start : self._decoded])
        after = self.text.decode(self.ids[self._start :])
        if len(after) <= len(before) or (after.endswith(_BROKEN) and not whole):
            return ""
        self._start, self._decoded = self._decoded, len(self.ids)
        return after[len(before) :]

    def _release(self, new: str, last: bool) -> str:
        if self.stopped:
            return ""
        pending = self._pending + new
        cuts = [at for at in (pending.find(stop) for stop in self.stops if stop) if at >= 0]
        if cuts:
            self.stopped, self._pending = True, ""
            return pending[: min(cuts)]
        keep = 0 if last else max((_overlap(pending, stop) for stop in self.stops), default=0)
        self._pending = pending[len(pending) - keep :]
        return pending[: len(pending) - keep]


def _overlap(text: str, stop: str) -> int:
    """Length of the longest suffix of `text` that is a beginning of `stop`."""
    return next((n for n in range(min(len(text), len(stop) - 1), 0, -1) if text.endswith(stop[:n])), 0)
