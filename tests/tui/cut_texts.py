"""Texts of a screen that are cut: each needs a place where the whole can be read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.cells import cell_len
from textual.app import App
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static, TextArea

from curator.tui.widgets.line_list import LineList
from curator.tui.widgets.status_line import StatusLine
from curator.tui.widgets.too_small import TooSmall
from tests.tui.scene import drawn

CUT = re.compile(r"(?<![0-9a-f]{12})(?<=\S)…")
"""Words that go on, but not the beginning of a checksum; those who write stand apart from theirs: `sources …`."""
WHOLE = {
    "LineList#answers": "#read",
    "LineList#bars": "#about",
    "LineList#board": "#meaning",
    "LineList#cards": "#row-detail",
    "LineList#conversations": "#spoken",
    "LineList#data-lines": "#row-detail",
    "LineList#effects": "#row-detail",
    "LineList#fix-changes": "#fix-detail",
    "LineList#groups": "Members",
    "LineList#nearest": "#difference",
    "LineList#offers": "#said",
    "LineList#proposals": "#row-detail",
    "LineList#round-rows": "#row-detail",
    "LineList#runs": "#run-heading",
    "LineList#said": "#full-text",
    "LineList#talk": "#talk-read",
    "LineList#teachers": "#reason",
    "LineList#versions": "#difference",
}
"""Lists whose lines may be cut, and what stands beside each and shows the current line in full."""
ELSEWHERE = {
    "ExampleList#list": "the conversation shows the example, and the arrow keys move the words",
    "LineList#checkpoints": "the model's own name, which the keys of the checkpoint take",
    "LineList#choices": "an example of an answer, which only recalls it",
    "LineList#hits": "words around a hit, which the list behind shows whole",
    "LineList#suspects": "enter goes to the example",
    "Facets#facets": "a tick lists the examples",
    "Conversation#conversation": "a system prompt in a low pane: z gives it the screen",
    "Static#examples": "the first lines of a file that is about to be imported",
    "Static#read": "names of rows, which the board has",
    "Static#verdict": "answers that the query of that name lists",
}
"""Texts that may be cut, and where the whole can be read."""


def unreadable(app: App[None], title: str) -> str:
    """The texts of the screen that are cut and can be read nowhere, in words; empty where there is none."""
    lost = []
    for name, text in cut_texts(app):
        beside = WHOLE.get(name)
        if name not in ELSEWHERE and not (beside and any(each.is_on_screen for each in app.screen.query(beside))):
            lost.append(f"{name}: {text!r}")
    return f"== {title}\nwhat is cut cannot be read: {'; '.join(lost)}" if lost else ""


def cut_texts(app: App[None]) -> Iterator[tuple[str, str]]:
    """The widgets of the screen whose texts do not fit, by type and id, with such a text."""
    if any(each.display for each in app.screen.query(TooSmall)):
        return
    rows = [strip.text for strip in drawn(app)]
    for widget in app.screen.walk_children(Widget):
        if not widget.region or not widget.is_on_screen or widget.styles.visibility == "hidden":
            continue
        name = f"{type(widget).__name__}#{widget.id}" if widget.id else type(widget).__name__
        if widget.tooltip is None:
            yield from ((name, text) for text in _cut(widget, rows))
        if widget.is_scrollable and widget.allow_horizontal_scroll and not isinstance(widget, Input | TextArea):
            yield name, f"scrolls sideways by {widget.max_scroll_x}"


def _cut(widget: Widget, rows: list[str]) -> Iterator[str]:
    """The texts of a widget that do not fit in their places."""
    width = widget.content_region.width
    if isinstance(widget, Input):
        if not widget.value and cell_len(widget.placeholder) > width:
            yield widget.placeholder
    elif isinstance(widget, StatusLine):
        if (words := widget.render()).cell_length > width:
            yield words.plain
    elif isinstance(widget, LineList):
        yield from _cut_lines(widget)
    elif isinstance(widget, Static):
        yield from _cut_static(widget)
    elif not widget.children and not isinstance(widget, TextArea):
        region = widget.region
        for row in rows[region.y : region.bottom]:
            if CUT.search(text := row[region.x : region.right]):
                yield text.strip()
    title = widget._border_title
    if title is not None and title.cell_length > widget.region.width - 2:
        yield title.plain


def _cut_lines(lines: LineList) -> Iterator[str]:
    """The visible lines of a list that are longer than it is wide, or that have been shortened."""
    width = lines.scrollable_content_region.width - 1
    first, height = lines.scroll_offset.y, lines.size.height - lines.head_lines
    for index in range(first, min(lines.count, first + height)):
        text = "".join(text for text, _ in lines._line(index, width))
        if cell_len(text.rstrip()) > width or CUT.search(text):
            yield text
    if isinstance(lines._head, str) and cell_len(lines._head.rstrip()) > width + 1:
        yield lines._head
    if not lines.count and cell_len(lines._empty) > width:
        yield lines._empty


def _cut_static(widget: Static) -> Iterator[str]:
    """The text of a widget that is longer than its one line, or has more rows than there is room for."""
    content = widget.content
    if not isinstance(content, Content | str):
        return
    text, size = str(content), widget.content_region.size
    if widget.styles.text_wrap == "nowrap":
        yield from (line for line in text.splitlines() if cell_len(line) > size.width)
    elif (
        not widget.max_scroll_y
        and size.width
        and widget.visual.get_height(widget.styles.get_rules(), size.width) > size.height
    ):
        yield text
    yield from (line for line in text.splitlines() if CUT.search(line))
