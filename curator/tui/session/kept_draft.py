"""`KeptDraft`: keeps the text that is being typed on the disk, for the start after a crash or a power cut.

    session.kept_draft.note(text, tell_state)    after each key; on the disk within half a second
    session.kept_draft.drop()               once it is saved or discarded
    session.kept_draft.left()               what other windows left that were killed

Each window has a file of its own, so that of two windows that were killed neither loses its text. One thread at a
time makes the file what was noted last; the UI never waits for it but in `drop`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, BinaryIO

from textual.timer import Timer

from curator import locks
from curator.workspace.storage import typed_text
from curator.workspace.storage.typed_text import TypedText

if TYPE_CHECKING:
    from textual.app import App

    from curator.workspace.workspace import Workspace

PAUSE = 0.4
"""Seconds from a key to the writing of the draft; keys meanwhile go with it."""
WAITING = "keeping a draft"
KEPT = "draft kept"
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
        self._name = ""
        """This window's own draft; empty before it wrote one."""
        self._lock: BinaryIO | None = None
        """Held as long as a draft other than the writer's is this window's own."""

    @property
    def state(self) -> str:
        """Where the noted text is, in a few words; empty where none is noted."""
        if self._noted is None:
            return ""
        if self._fault:
            return self._fault
        return KEPT if self._on_disk == self._noted else WAITING

    def left(self) -> list[tuple[str, TypedText]]:
        """The drafts, with their names, that windows left which are gone; none in a window that only reads."""
        if self._workspace.read_only:
            return []
        folder = self._workspace.path
        drafts = ((name, typed_text.read(folder, name)) for name in typed_text.left_over(folder, self._name))
        return [(name, text) for name, text in drafts if text is not None]

    def adopt(self, name: str) -> None:
        """Go on with a draft that another window left: it is this one's own from now on."""
        self.drop()
        with self._writing, suppress(OSError):
            self._claim(name)

    def settle(self, name: str) -> None:
        """Remove a draft that another window left: it is saved, or nobody wants it."""
        with suppress(OSError):  # at the next start it is equal to what is saved, or offered once more
            typed_text.remove(self._workspace.path, name)

    def note(self, text: TypedText, tell_state: Callable[[], object]) -> None:
        """Keep a text; `tell_state` is called, in the UI's thread, when `state` has changed."""
        if text == self._noted:
            return
        self._noted, self._tell_state = text, tell_state
        self._fault = "" if text.fits else TOO_LONG
        if not self._fault and self._timer is None:
            self._timer = self._app.set_timer(PAUSE, self._write_soon)

    def drop(self) -> None:
        """Remove the draft: its text is saved, or nobody wants it."""
        self._stop_timer()
        self._noted, self._fault = None, ""
        with self._writing:
            if self._name:
                self.settle(self._name)
            if self._lock is not None:
                self._lock.close()
            self._on_disk, self._lock, self._name = None, None, ""

    def flush(self) -> None:
        """Write the draft to the disk before returning; called where its text could not be saved."""
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
            if text is None or text == self._on_disk or not text.fits:
                return
            try:
                if not self._name:
                    self._claim(self._free_name())
                typed_text.write(self._workspace.path, text, self._name)
            except OSError as error:
                self._fault = f"no draft: {error.strerror or error}"
            else:
                self._on_disk = text

    def _free_name(self) -> str:
        """The writer's name, unless this window only reads or another one left a draft there."""
        is_free = not self._workspace.read_only and typed_text.read(self._workspace.path) is None
        return typed_text.NAME if is_free else typed_text.new_name()

    def _claim(self, name: str) -> None:
        """Make a draft this window's own. Raises OSError where it can write nothing."""
        lock = self._workspace.path / typed_text.lock_of(name)
        self._lock = locks.open_locked(lock) if name != typed_text.NAME else None
        self._name = name
