"""Every screen looks as it is stored in `snapshots/`; `snapshot.py` says how to store it anew."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.screen import Screen

from curator.tui import screens
from curator.tui.screens.dialog import Dialog
from curator.tui.screens.palette import Palette
from curator.tui.screens.stage import StageScreen
from tests.tui import snapshot
from tests.tui.scene import NARROW, WIDE, Scene
from tests.tui.tours import STAND_INS, TOURS, frozen, samples

SIZES = {"80x24": NARROW, "120x40": WIDE}
CASES = [(tour, size) for tour in TOURS for size in SIZES if size == "80x24" or tour not in ("themes", "no-color")]

drawn_screens: dict[tuple[str, str], set[type[Screen[Any]]]] = {}
"""The screens that each tour came to, by tour and size."""


@pytest.fixture(scope="module")
def new_folder() -> Iterator[Callable[[], Path]]:
    """Makes a folder with the analysed sample."""
    with samples() as new:
        yield new


@pytest.mark.parametrize(("tour", "size"), CASES)
async def test_every_screen_looks_as_it_is_stored(tour: str, size: str, new_folder: Callable[[], Path]) -> None:
    names: set[str] = set()
    different: list[str] = []
    came_to = drawn_screens.setdefault((tour, size), set())

    async def show(scene: Scene, name: str) -> None:
        names.add(f"{name}-{size}.txt")
        came_to.add(type(scene.app.screen))
        different.append(await snapshot.check(scene, f"{tour}/{name}-{size}", STAND_INS))

    folder = new_folder()
    with frozen(folder):
        await TOURS[tour](folder, SIZES[size], show)
    stored = {file.name: file for file in (snapshot.FOLDER / tour).glob(f"*-{size}.txt")}
    for name in stored.keys() - names:
        if snapshot.is_updating():
            stored[name].unlink()
        else:
            different.append(f"== {tour}/{name} is stored, and no longer drawn")
    if any(different):
        pytest.fail("\n".join([*filter(None, different), snapshot.advice()]), pytrace=False)


def test_every_screen_is_drawn_at_each_size() -> None:
    if drawn_screens.keys() != set(CASES):
        pytest.skip("only some of the tours were made")
    for module in pkgutil.walk_packages(screens.__path__, f"{screens.__name__}."):
        importlib.import_module(module.name)
    there = {cls for base in (Dialog, StageScreen) for cls in base.__subclasses__()} | {Palette}
    while more := {cls for known in there for cls in known.__subclasses__()} - there:
        there |= more
    there = {cls for cls in there if cls.__module__.startswith(screens.__name__) and not cls.__subclasses__()}
    for size in SIZES:
        drawn = {cls for case, came_to in drawn_screens.items() if case[1] == size for cls in came_to}
        assert {cls.__name__ for cls in there - drawn} == set(), size
