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
from tests.thorough import DAY, THOROUGH, rotating
from tests.tui import snapshot
from tests.tui.looks import DARK, LIGHT, LOOKS, NO_COLOR
from tests.tui.scene import NARROW, WIDE, Scene
from tests.tui.tours import STAND_INS, TOURS, frozen, samples

SIZES = {"80x24": NARROW, "120x40": WIDE}
ONE_SIZE = ("themes", "no-color")
"""Tours that are drawn at the smaller size alone; the others are drawn at one of the sizes each day."""


def sizes_of(tour: str) -> list[str]:
    """The sizes that a tour is drawn at today."""
    if tour in ONE_SIZE:
        return ["80x24"]
    if snapshot.is_updating():
        return list(SIZES)
    sizes = list(SIZES) if list(TOURS).index(tour) % 2 else list(SIZES)[::-1]
    return list(rotating(2, sizes))


def looks_of(tour: str) -> tuple[str, ...]:
    """The looks that the pictures of a tour are drawn in today; none where each has one of its own."""
    if tour == "themes":
        return ()
    if tour == "no-color":
        return (NO_COLOR,)
    if THOROUGH or snapshot.is_updating():
        return LOOKS
    return (LIGHT,) if (DAY // 2 + list(TOURS).index(tour)) % 2 else (DARK, NO_COLOR)


CASES = [
    (tour, size) for tour in TOURS for size in sizes_of(tour) if tour != "no-color" or not snapshot.is_updating()
]

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
        place = name if tour == "no-color" else f"{tour}/{name}"
        different.append(await snapshot.check(scene, f"{place}-{size}", STAND_INS, looks_of(tour)))

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


def test_every_screen_is_drawn() -> None:
    if drawn_screens.keys() != set(CASES):
        pytest.skip("only some of the tours were made")
    for module in pkgutil.walk_packages(screens.__path__, f"{screens.__name__}."):
        importlib.import_module(module.name)
    there = {cls for base in (Dialog, StageScreen) for cls in base.__subclasses__()} | {Palette}
    while more := {cls for known in there for cls in known.__subclasses__()} - there:
        there |= more
    there = {cls for cls in there if cls.__module__.startswith(screens.__name__) and not cls.__subclasses__()}
    drawn = set().union(*drawn_screens.values())
    assert {cls.__name__ for cls in there - drawn} == set()
