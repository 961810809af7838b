"""`LabelsDialog`: the name and colour of the label on each number key."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Select, Static

from curator.core.text import one_line
from curator.errors import CuratorError
from curator.tui.screens.dialog import Dialog
from curator.tui.stage_models import label_keys
from curator.tui.stage_models.label_keys import COLOURS, Label
from curator.tui.widgets.choice import DropDown
from curator.tui.widgets.line_input import LineInput
from curator.workspace.changes.changes import MAX_LABEL


class LabelsDialog(Dialog[None]):
    """One line a key. Renaming a key's label does not rename it on examples that have it."""

    HEADING = "Labels"
    ACCEPT = "Save"
    HELP = "What the keys 1 to 9 put on examples. An empty name frees the key; label:NAME lists the examples."

    def compose_body(self) -> ComposeResult:
        """A name and a colour for each key."""
        for key, label in enumerate(label_keys.labels_of(self.session.workspace), 1):
            swatches = [(Content.styled(f"■ colour {n}", f"$label-{n}"), n) for n in range(1, COLOURS + 1)]
            yield Horizontal(
                Static(Content.styled(f"{key}", f"bold $label-{label.colour}"), classes="key", id=f"key-{key}"),
                LineInput(label.name, max_length=MAX_LABEL, compact=True, id=f"name-{key}"),
                DropDown(swatches, value=label.colour, allow_blank=False, compact=True, id=f"colour-{key}"),
                classes="field -tight label-line",
            )

    @on(Select.Changed)
    def _recoloured(self, event: Select.Changed) -> None:
        key = str(event.select.id).rpartition("-")[2]
        number = self.query_one(f"#key-{key}", Static)
        number.update(Content.styled(key, f"bold $label-{event.value}"))

    def action_accept(self) -> None:
        """Save the labels and have the list drawn in the new colours."""
        labels = []
        for key in range(1, 10):
            colour = self.query_one(f"#colour-{key}", Select).value
            name = one_line(self.query_one(f"#name-{key}", Input).value).strip()
            labels.append(Label(name, colour if isinstance(colour, int) else key))
        names = [label.name for label in labels if label.name]
        try:
            if len(set(names)) < len(names):
                raise CuratorError("Two keys have the same label; give one of them another name.")
            label_keys.store_labels(self.session.workspace, labels)
        except CuratorError as error:
            self.session.say(error)
            return
        self.dismiss(None)
        self.session.publish(None)
