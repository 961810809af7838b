"""`KeptDraft`: keeps the text that is being typed on the disk, for the start after a crash or a power cut.

    session.kept_draft.note(text, tell_state)    after each key; on the disk within half a second
    session.kept_draft.drop()               once it is saved or discarded

One thread at a time makes the file what was noted last; the UI never waits for it but in `drop`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from textual.timer import Timer

from curator.workspace.storage import typed_text
from curator.workspace.storage.typed_text import TypedText

if TYPE_CHECKING:
    from textual.app import App

    from curator.workspace.workspace import Workspace

PAUSE = 0.4
"""Seconds from a key to the writing of the draft; keys meanwhile go with it."""
WAITING = "keeping a draft"
KEPT = "draft kept"
READ_ONLY = "no draft: this window only reads"
TOO_LONG = "no draft: the text is too long for one"


class KeptDraft:
    """The draft of one workspace."""

    def __init__(self, app: App[Any], workspace: Workspace) -> None:
        self._app = app
        self._workspace = workspace
        self._noted: TypedText | None = None
        """What the file should hold; None: no file."""
        self._on_disk: TypedText | None = None
        """What this window wrote to the file last; None: nothing, or it was removed."""
        self._fault = ""
        """Why the draft could not be written last time; empty where it could."""
        self._tell_state: Callable[[], object] = lambda: None
        self._timer: Timer | None = None
        self._writing = threading.Lock()
        """Held while the file is changed."""

    @property
    def state(self) -> str:
        """Where the noted text is, in a few words; empty where none is noted."""
        if self._noted is None:
            return ""
        if self._fault:
            return self._fault
        return KEPT if self._on_disk == self._noted else WAITING

    def read_left(self) -> TypedText | None:
        """The draft that an earlier window left; None in a window that only reads."""
        return None if self._workspace.read_only else typed_text.read(self._workspace.path)

    def note(self, text: TypedText, tell_state: Callable[[], object]) -> None:
        """Keep a text; `tell_state` is called, in the UI's thread, when `state` has changed."""
        if text == self._noted:
            return
        self._noted, self._tell_state = text, tell_state
        self._fault = READ_ONLY if self._workspace.read_only else "" if text.fits else TOO_LONG
        if not self._fault and self._timer is None:
            self._timer = self._app.set_timer(PAUSE, self._write_soon)

    def drop(self) -> None:
        """Remove the draft: its text is saved, or nobody wants it."""
        self._stop_timer()
        self._noted, self._fault = None, ""
        if self._workspace.read_only:
            return
        with self._writing:
            try:
                typed_text.remove(self._workspace.path)
            except OSError:
                return  # at the next start it is equal to what is saved, or offered once more
            self._on_disk = None

    def flush(self) -> None:
        """Write the draft now and wait for it: its text could not be saved."""
        self._stop_timer()
        self._write()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def _write_soon(self) -> None:
        self._timer = None
        self._app.run_worker(self._write_and_tell, thread=True, group="typed", exit_on_error=False)

    def _write_and_tell(self) -> None:
        self._write()
        self._app.call_from_thread(lambda: self._tell_state())

    def _write(self) -> None:
        """Make the file what was noted last."""
        with self._writing:
            text = self._noted
            if text is None or text == self._on_disk or self._workspace.read_only or not text.fits:
                return
            try:
                typed_text.write(self._workspace.path, text)
            except OSError as error:
                self._fault = f"no draft: {error.strerror or error}"
            else:
                self._on_disk = text
