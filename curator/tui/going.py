"""Going from any stage to an example in the Data stage, or to a query there."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from textual.app import App

    from curator.tui.app import CuratorApp
    from curator.tui.screens.data.screen import DataScreen


async def to_example(app: App[None], example: int, *, edit: bool = False) -> None:
    """Show an example in the Data stage, without a filter where the present one hides it; maybe edit it."""
    screen = await _data_stage(app)
    if not screen.examples.go_to(example):
        screen.show_view(screen.session.workspace.view(), example)
    screen.show_example()
    screen.examples.focus()
    if edit:
        screen.call_after_refresh(screen.action_edit)


async def to_query(app: App[None], query: str) -> None:
    """List in the Data stage what a query finds."""
    screen = await _data_stage(app)
    screen.show_query(query)


async def _data_stage(app: App[None]) -> DataScreen:
    curator = cast("CuratorApp", app)
    await curator.action_stage("data")
    return cast("DataScreen", curator.screen)
