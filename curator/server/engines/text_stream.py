"""One answer as it grows: token ids to text deltas that never split a character, and stop strings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from curator.basemodels.text_model import TextModel

_BROKEN = "\ufffd"


@dataclass(slots=True)
class AnswerText:
    """The text of one choice. `add` takes a token and returns what may be shown; `finish` what was held back."""

    text: TextModel
    stops: Sequence[str] = ()
    ids: list[int] = field(default_factory=list)
    stopped: bool = False
    """A stop string was met; the answer ends before it."""
    _start: int = 0
    _shown: int = 0
    _held: str = ""

    def add(self, token: int) -> str:
        """Append a token; the text that is now certain."""
        self.ids.append(token)
        return self._release(self._decoded(whole=False), last=False)

    def finish(self) -> str:
        """The text still held back: a half character, or what might have become a stop string."""
        return self._release(self._decoded(whole=True), last=True)

    def _decoded(self, whole: bool) -> str:
        """New text since the last call, decoded beside the tokens before it, since spaces depend on neighbours."""
        before = self.text.decode(self.ids[self._start : self._shown])
        after = self.text.decode(self.ids[self._start :])
        if len(after) <= len(before) or (after.endswith(_BROKEN) and not whole):
            return ""
        self._start, self._shown = self._shown, len(self.ids)
        return after[len(before) :]

    def _release(self, new: str, last: bool) -> str:
        if self.stopped:
            return ""
        pending = self._held + new
        cuts = [at for at in (pending.find(stop) for stop in self.stops if stop) if at >= 0]
        if cuts:
            self.stopped, self._held = True, ""
            return pending[: min(cuts)]
        keep = 0 if last else max((_overlap(pending, stop) for stop in self.stops), default=0)
        self._held = pending[len(pending) - keep :]
        return pending[: len(pending) - keep]


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that begins `stop`."""
    return next((n for n in range(min(len(text), len(stop) - 1), 0, -1) if text.endswith(stop[:n])), 0)
