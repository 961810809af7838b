"""Hundreds of tests start the app: what Textual works out of equal themes is worked out once."""

from __future__ import annotations

import pytest
from textual.design import ColorSystem


@pytest.fixture(autouse=True, scope="session")
def shared_colours() -> None:
    """Equal themes share their colours."""
    generate = ColorSystem.generate
    colours_of: dict[str, dict[str, str]] = {}

    def generate_once(system: ColorSystem) -> dict[str, str]:
        theme = repr(sorted(vars(system).items()))
        if theme not in colours_of:
            colours_of[theme] = generate(system)
        return dict(colours_of[theme])

    ColorSystem.generate = generate_once  # type: ignore[method-assign,assignment]
