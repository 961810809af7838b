"""The session: the open workspace, what the screens share about it, and the only door to its mutators.

Screens read `session.workspace` and change through the methods here. Each change is committed before the
method returns; then `changed` tells every screen the ids, and a toast says what was done.
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
from curator.tui.session.summary import Summary, summarise
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
    from curator.tui.session.duplicate_groups import Copies
    from curator.workspace.background import Progress
    from curator.workspace.search.view import View
    from curator.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Draft:
    """What the rules and the counter say about bytes that are not saved yet."""

    example: Example
    problems: list[Problem]
    tokens: Tokens | None
    """None while the vocabulary is being loaded (see `Session.warm`)."""


class Session(Changing):
    """One open workspace. `app` owns the signals; tests give any mounted app."""

    def __init__(self, app: App[Any], workspace: Workspace, run_long: RunLong) -> None:
        self.app = app
        self.workspace = workspace
        self.changed: Signal[Changed] = Signal(app, "changed")
        """Published after each change and when analysis results arrive."""
        self._run_long = run_long
        self._background = Background(self)
        self.settle_context()
        self.counting = False
        """Whether tokens can be counted without a wait (see `warm`)."""
        self._warming = False
        self._copies: dict[Scope, Copies] = {}
        self._summary: Summary | None = None
        """The last one, for while asking for another would wait."""
        self.query = ""
        self._parsed = query.parse("")
        self.sort = ""
        self.descending = False
        self.view: View = workspace.view()
        """What the Data stage lists: ids by `query`, `sort` and `descending`."""

    def warm_if_small(self) -> None:
        """Get ready to count where the dataset is small; else when somebody looks closer: a vocabulary takes more
        memory than the rest of the UI, and the list shows what the child counted."""
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
        """Begin the background work: the analysis child, and taking up what it found."""
        self._background.start()

    def stop(self) -> None:
        """End the background work; what was found stays."""
        self._background.stop()

    def look_first(self, ids: Iterable[int]) -> None:
        """Have these examples analysed before others: they are on the screen."""
        self._background.look_first(ids)

    @property
    def progress(self) -> Progress | None:
        """How far the analysis is; None where none is running."""
        return self._background.progress

    def settle_context(self) -> None:
        """A workspace that nobody has told what it is for is for the default provider and its model."""
        if self.workspace.meta("context") is None and not self.workspace.read_only:
            provider = self.provider
            values = {"profile": provider.profile, "model": provider.model or ""}
            self.workspace.set_meta("context", values)

    # Looking

    def show(self, view: View) -> None:
        """Make this the view that the Data stage lists."""
        self.view, self.query = view, view.query
        self.sort, self.descending = view.sort, view.descending
        self._parsed = query.parse(view.query)
        self.changed.publish(Changed(frozenset(), False))

    def matches(self, text: str, role: str) -> list[tuple[int, int]]:
        """Where the query matches in a text of a role."""
        return query.spans(self._parsed, text, role)

    def refresh_view(self) -> None:
        """Make the same view again, after examples came or went."""
        self.view = self.workspace.view(self.query, self.sort, self.descending)

    @property
    def context(self) -> Context:
        """What the rules know, with the counter and the training context of the model."""
        context = self.workspace.context()
        info = self.model_info
        limit = context.limit or (info.context if info else None)
        return replace(context, count=self._count, limit=limit)

    @property
    def model(self) -> str:
        """The model that the data is for: of the workspace, else the provider's default."""
        return self.workspace.context().model or self.provider.model or ""

    @property
    def model_info(self) -> ModelInfo | None:
        """The model's entry in the table, None where it is not known."""
        return pricing.find(self.model)

    def _count(self, value: Any) -> Tokens:
        """`counter.example`, asked for only when something is counted: a local model's tokenizer takes 0.1 s."""
        return self.counter.example(value)

    @property
    def counter(self) -> Counter:
        """Counts tokens as the model does."""
        return tokens.counter(self.model)

    @property
    def provider(self) -> Provider:
        """The provider that this workspace trains with; the default one where none was chosen or it is gone."""
        from curator.jobs import providers

        chosen = self.workspace.meta("ui.provider")
        known = providers.load()
        return known[chosen] if chosen in known else providers.get()

    def draft(self, raw: bytes) -> Draft:
        """Rules and tokens of bytes as they would be saved; fast enough for each keystroke."""
        from curator.core import rules

        example = parse(raw)
        tokens = self.counter.example(example.value) if self.counting else None
        return Draft(example, rules.check(example, self.context), tokens)

    def preview_fix(self, example: int, problem: Problem) -> bytes | None:
        """The example's bytes with one problem's fix applied; None where there is none."""
        from curator.core import rules

        if problem.fix is None or problem.rule not in rules.REGISTRY:
            return None
        record = self.workspace.record(example)
        return rules.fix(record.example, problem.rule, self.context, problem.location)

    def copies(self, scope: Scope = "conversation") -> Copies:
        """Copies and contradictions, found when first wanted and kept up to date from then on."""
        from curator.tui.session.duplicate_groups import Copies

        return self._copies.setdefault(scope, Copies(self.workspace, scope))

    def summary(self, extra_tokens: int = 0) -> Summary:
        """The dataset in one line; `extra_tokens` are those of a draft beyond what is saved."""
        if not self.busy or self._summary is None:
            counts, provider = self.workspace.counts(), self.provider
            total = self.view.total
            self._summary = summarise(counts, total, self.model, provider, self.model_info, extra_tokens)
        return self._summary

    # Telling

    def publish(self, ids: Collection[int] | None, order: bool = False) -> None:
        """Tell every screen that these examples (None: all) are not as they were."""
        if order:
            self.refresh_view()
        changed = Changed(None if ids is None else frozenset(ids), order)
        self._tell_copies(changed)
        self.changed.publish(changed)

    def publish_results(self, ids: frozenset[int] | None, order: bool = False) -> None:
        """Tell every screen that analysis results of these examples arrived; their bytes are as they were."""
        if order:
            self.refresh_view()
            self._tell_copies(Changed(ids, order))
        self.changed.publish(Changed(ids, order))

    def _tell_copies(self, changed: Changed) -> None:
        for copies in self._copies.values():
            copies.update(changed)

    # Saying

    def toast(self, text: str, title: str = "") -> None:
        """A short note in the corner; any text is safe here."""
        self.app.notify(printable(text), title=one_line(title), markup=False, timeout=4)

    def say(self, error: Exception, title: str = "") -> None:
        """Show an error: one sentence, with its title."""
        text = error.message if isinstance(error, CuratorError) else f"{error}"
        title = title or getattr(error, "title", "")
        self.app.notify(printable(text), title=one_line(title), severity="error", markup=False, timeout=10)
