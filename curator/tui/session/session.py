"""`Session`: the open workspace with everything that the screens share about it.

Screens read `session.workspace` and change it only through the session's methods (see `changing`). After each
change `changed` tells every screen the ids, and a toast says what was done.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from textual.signal import Signal

from curator import pricing, tokens
from curator.core.example import parse
from curator.core.query import query
from curator.core.text import one_line, printable
from curator.errors import CuratorError
from curator.tui.session.background import Background
from curator.tui.session.changed import Changed
from curator.tui.session.changing import Changing, RunLong
from curator.tui.session.kept_draft import KeptDraft
from curator.tui.session.summary import Summary, summarise
from curator.tui.session.telling.background_tasks import BackgroundTasks
from curator.workspace.analysis.current_results import INLINE_EXAMPLES

if TYPE_CHECKING:
    from textual.app import App

    from curator.core.duplicates.texts import Scope
    from curator.core.example import Example
    from curator.core.models import ModelInfo
    from curator.core.problem import Problem
    from curator.core.rules import Context
    from curator.jobs.providers import Provider
    from curator.tokens import Counter, Tokens
    from curator.tui.session.duplicate_groups import DuplicateGroups
    from curator.workspace.background import Progress
    from curator.workspace.search.view import View
    from curator.workspace.workspace import Workspace

PATIENCE = 0.02
"""Seconds that the screen waits for a thread that reads the workspace, before it shows the numbers from before."""


@dataclass(frozen=True, slots=True)
class CheckedDraft:
    """Bytes that are not saved yet, parsed, checked by the rules and counted."""

    example: Example
    problems: list[Problem]
    tokens: Tokens | None
    """None while the vocabulary is being loaded (see `Session.warm`)."""


class Session(Changing):
    """One open workspace. `app` shows toasts and runs workers and timers; `run_long` is `Shell.run_long`."""

    def __init__(self, app: App[Any], workspace: Workspace, run_long: RunLong) -> None:
        self.app = app
        self.workspace = workspace
        self.changed: Signal[Changed] = Signal(app, "changed")
        """Published after each change, and when analysis results arrive."""
        self._run_long = run_long
        self._background = Background(self)
        self.kept_draft = KeptDraft(app, workspace)
        self.tasks = BackgroundTasks()
        self.settle_context()
        self.counting = False
        """Whether tokens can be counted without a wait (see `warm`)."""
        self._warming = False
        self._duplicates: dict[Scope, DuplicateGroups] = {}
        self._summary: Summary | None = None
        """The last one, shown again while the workspace is busy and a new one would have to wait."""
        self.summary_is_late = False
        """Whether the last one was shown again."""
        self.query = ""
        self._parsed = query.parse("")
        self.sort = ""
        self.descending = False
        self.view: View = workspace.view()
        """What the Data stage lists: ids by `query`, `sort` and `descending`."""

    def warm_if_small(self) -> None:
        """Load the vocabulary now if the dataset is small.

        With a large one it is loaded once a token count is needed: it takes more memory than the rest of the UI,
        and the list shows the counts of the analysis child.
        """
        if len(self.workspace.ids()) <= INLINE_EXAMPLES:
            self.warm()

    def warm(self) -> None:
        """Load the model's vocabulary in a thread (half a second), then have the screens show tokens."""
        if self._warming:
            return
        self._warming = True
        counter = self.counter

        def load() -> None:
            counter.text("tokens")
            self.counting = True
            self.app.call_from_thread(self.publish, ())

        self.app.run_worker(load, thread=True, group="warm", exit_on_error=False)

    def start(self) -> None:
        """Begin the background work: analysis, or following the window that writes."""
        self._background.start()

    def stop(self) -> None:
        """End the background work; its results so far are stored."""
        self._background.stop()

    def look_first(self, ids: Iterable[int]) -> None:
        """Have these examples analysed before others, because they are on the screen."""
        self._background.look_first(ids)

    @property
    def progress(self) -> Progress | None:
        """How far the analysis is; None where none is running."""
        return self._background.progress

    def settle_context(self) -> None:
        """Store the default provider's profile and model where the workspace has none yet."""
        if self.workspace.meta("context") is None and not self.workspace.read_only:
            provider = self.provider
            values = {"profile": provider.profile, "model": provider.model or ""}
            self.workspace.set_meta("context", values)

    # Reading

    def show(self, view: View) -> None:
        """Make this the view that the Data stage lists, and tell every screen."""
        self.view, self.query = view, view.query
        self.sort, self.descending = view.sort, view.descending
        self._parsed = query.parse(view.query)
        self.changed.publish(Changed(frozenset(), False))

    def matches(self, text: str, role: str) -> list[tuple[int, int]]:
        """The (start, end) spans of a text that the present query matches; `role` is the message's."""
        return query.spans(self._parsed, text, role)

    def refresh_view(self) -> None:
        """Evaluate the present query again, after examples were added, deleted or moved."""
        self.view = self.workspace.view(self.query, self.sort, self.descending)

    @property
    def context(self) -> Context:
        """The rules' context: that of the workspace, with the model's token counter and context length."""
        context = self.workspace.context()
        info = self.model_info
        limit = context.limit or (info.context if info else None)
        return replace(context, count=self._count, limit=limit)

    @property
    def model(self) -> str:
        """The model to train: the workspace's, else the provider's default; "" where neither is set."""
        return self.workspace.context().model or self.provider.model or ""

    @property
    def model_info(self) -> ModelInfo | None:
        """The model's row in the price table (models.toml); None for a model that is not in it."""
        return pricing.find(self.model)

    def _count(self, value: Any) -> Tokens:
        """Count an example. Makes the counter only now: a local model's tokenizer takes 0.1 s to load."""
        return self.counter.example(value)

    @property
    def counter(self) -> Counter:
        """The token counter of the model."""
        return tokens.counter(self.model)

    @property
    def provider(self) -> Provider:
        """The provider that this workspace trains with; the default one if none is set, or it no longer exists."""
        from curator.jobs import providers  # heavy

        name = self.workspace.meta("ui.provider")
        by_name = providers.load()
        return by_name[name] if name in by_name else providers.get()

    def draft(self, raw: bytes) -> CheckedDraft:
        """Parse, check and count bytes as they would be saved; fast enough for each keystroke."""
        from curator.core import rules  # heavy

        example = parse(raw)
        tokens = self.counter.example(example.value) if self.counting else None
        return CheckedDraft(example, rules.check(example, self.context), tokens)

    def preview_fix(self, example: int, problem: Problem) -> bytes | None:
        """The example's bytes with the fix of one problem applied; None where the problem has no fix."""
        from curator.core import rules  # heavy

        if problem.fix is None or problem.rule not in rules.REGISTRY:
            return None
        record = self.workspace.record(example)
        safe_only = problem.fix == "safe"
        return rules.fix(record.example, problem.rule, self.context, problem.location, safe_only=safe_only)

    def copies(self, scope: Scope = "conversation") -> DuplicateGroups:
        """Duplicates of the dataset in a scope; nothing is searched before `DuplicateGroups.find` is called."""
        from curator.tui.session.duplicate_groups import DuplicateGroups  # heavy

        return self._duplicates.setdefault(scope, DuplicateGroups(self.workspace, scope))

    def summary(self, extra_tokens: int = 0) -> Summary:
        """The numbers of the status line; `extra_tokens` is how many more tokens an unsaved draft has. While a
        thread holds the workspace, those from before: the screen does not wait, `summary_is_late` says so."""
        guard, may_wait = self.workspace.guard, self._summary is None
        if self._summary is not None and (self.busy or not guard.acquire(timeout=PATIENCE)):
            self.summary_is_late = True
            return self._summary
        try:
            counts, provider = self.workspace.counts(), self.provider
            refusals = self.workspace.refusals() if counts.examples else ()
            total, model, info = self.view.total, self.model, self.model_info
        finally:
            if not may_wait:
                guard.release()
        self._summary = summarise(counts, total, model, provider, info, extra_tokens, refusals)
        self.summary_is_late = False
        return self._summary

    # Signals and toasts

    def publish(self, ids: Collection[int] | None, order: bool = False) -> None:
        """Tell every screen that these examples (None: all) changed; `order` as in `Changed`."""
        if order:
            self.refresh_view()
        changed = Changed(None if ids is None else frozenset(ids), order)
        self._note_in_duplicates(changed)
        self.changed.publish(changed)

    def publish_results(self, ids: frozenset[int] | None, order: bool = False) -> None:
        """Tell every screen that analysis results of these examples arrived. Their bytes are the same, so the
        duplicates are too, unless `order` says that examples came or went."""
        if order:
            self.refresh_view()
            self._note_in_duplicates(Changed(ids, order))
        self.changed.publish(Changed(ids, order))

    def _note_in_duplicates(self, changed: Changed) -> None:
        for duplicates in self._duplicates.values():
            duplicates.note_change(changed)

    def toast(self, text: str, title: str = "") -> None:
        """Show a short note in the corner for 4 s. Control characters and markup in it are harmless."""
        self.app.notify(printable(text), title=one_line(title), markup=False, timeout=4)

    def say(self, error: Exception, title: str = "") -> None:
        """Show an error's message in the corner for 10 s, under `title` or the error's own."""
        text = error.message if isinstance(error, CuratorError) else f"{error}"
        title = title or getattr(error, "title", "")
        self.app.notify(printable(text), title=one_line(title), severity="error", markup=False, timeout=10)
