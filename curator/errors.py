"""The errors that a user may see, with their exit status (docs/cli.md, "Exit codes").

CuratorError               1  something failed; the message says what, where and what to do
├── UsageError             2  wrong words on the command line or in the configuration
├── InputError             2  a file that cannot be read or is not what it should be
├── NotSaved               1  a change could not be written; nothing of it was kept
├── Stopped                1  the user stopped a long action; nothing of it was kept
└── ProviderError          3  a provider refused or could not be reached
"""

from __future__ import annotations


class CuratorError(Exception):
    """One sentence for the user: what happened, where, and what to do. Never shown as a traceback."""

    exit_code = 1

    def __init__(self, message: str, *, title: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.title = title or "Something went wrong"


class UsageError(CuratorError):
    """Wrong arguments or configuration."""

    exit_code = 2


class InputError(CuratorError):
    """A file, folder or stream that cannot be read or is not what was expected."""

    exit_code = 2


class NotSaved(CuratorError):
    """A change did not reach the disk; nothing of it is kept, and the same call may be tried again."""


class Stopped(CuratorError):
    """The user stopped a long action. Raised in the thread that works, at its next report of progress."""


class ProviderError(CuratorError):
    """A provider refused a request or could not be reached.

    `code` is the provider's own error code where it sent one (e.g. `training_not_available`).
    """

    exit_code = 3

    def __init__(self, message: str, *, title: str = "", code: str | None = None) -> None:
        super().__init__(message, title=title or "The provider refused")
        self.code = code
