"""Every file, folder and name that docs/architecture.md gives is in the code, and every sub-room has its row."""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from curator.cli.main import COMMANDS

ROOT = Path(__file__).parent.parent
CODE = ROOT / "curator"
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
SECTIONS = {part.partition("\n")[0]: part for part in re.split(r"^## ", PAGE, flags=re.MULTILINE)}
SOURCE_FILES = [str(file.relative_to(ROOT)) for file in sorted(CODE.rglob("*.py"))]
FOLDERS = {str(Path(file).parent) for file in SOURCE_FILES}
DATA_FOLDERS = {"sources/"}
"""Folders of a workspace or of the server's data that the page names without a diagram."""
ROOMS = ("workspace", "tui", "jobs", "core", "server")


def code_spans(text: str) -> list[str]:
    """The texts between backticks, outside fenced blocks."""
    return re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))


def table_rows(text: str) -> Iterator[tuple[str, str, str]]:
    """(heading of the first column, first cell, second cell) of each row of each table."""
    for table in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        heading, _, *rows = ([cell.strip() for cell in line[1:].split(" | ")] for line in table.splitlines())
        for cells in rows:
            yield heading[0], cells[0], cells[1]


def is_module_or_folder(path: str) -> bool:
    """Whether `path`, relative to the root, is a module (without .py) or a package."""
    return f"{path}.py" in SOURCE_FILES or path in FOLDERS


def class_of(name: str) -> Any:
    """The class of this name, which is unique in the code."""
    pattern = re.compile(rf"^class {name}\b", re.MULTILINE)
    [file] = [file for file in SOURCE_FILES if pattern.search((ROOT / file).read_text(encoding="utf-8"))]
    return getattr(importlib.import_module(file[:-3].replace("/", ".")), name)


def has_attribute(owner: Any, name: str) -> bool:
    """Whether a module or class has the name; an attribute set in `__init__` counts."""
    constructor = getattr(getattr(owner, "__init__", None), "__code__", None)
    is_set = constructor is not None and name in constructor.co_names
    return hasattr(owner, name) or is_set or name in getattr(owner, "__annotations__", {})


def test_every_sub_room_of_the_tables_exists() -> None:
    missing = []
    for room, cell, _ in table_rows(SECTIONS["Sub-rooms"]):
        for name in code_spans(cell):
            path = f"curator/{room}/{name.replace('/STAGE', '').rstrip('/')}"
            exists = path in FOLDERS if name.endswith("/") else is_module_or_folder(path)
            if name != "…" and not exists:
                missing.append(path)
    assert not missing


def test_every_name_in_the_answers_of_the_tables_exists() -> None:
    missing = []
    for room, cell, answer in table_rows(SECTIONS["Sub-rooms"]):
        homes = [f"curator/{room}/{name.rstrip('/')}" for name in code_spans(cell)]
        for name in code_spans(answer):
            if re.fullmatch(r"[a-z_]+/?", name) and name not in COMMANDS:
                in_folder = any(is_module_or_folder(f"{home}/{name.rstrip('/')}") for home in homes)
                if not in_folder:
                    missing.append(f"{room}: {name}")
    assert not missing


@pytest.mark.parametrize("room", ROOMS)
def test_every_sub_room_of_the_code_has_a_row(room: str) -> None:
    rows = " ".join(cell for heading, cell, _ in table_rows(SECTIONS["Sub-rooms"]) if heading == room)
    assert rows
    folders = {folder.name for folder in (CODE / room).iterdir() if (folder / "__init__.py").exists()}
    assert {name for name in folders if f"`{name}/" not in rows} == set()


def test_every_path_of_the_page_exists() -> None:
    missing = []
    for name in code_spans(PAGE):
        if re.fullmatch(r"[\w/]+\.py", name):
            exists = (ROOT / name).exists() or any(file.endswith(f"/{name}") for file in SOURCE_FILES)
        elif re.fullmatch(r"[a-z_]+(/[a-z_]+)*/", name):
            exists = name in DATA_FOLDERS or any(f"{folder}/".endswith(f"/{name}") for folder in FOLDERS)
        elif re.fullmatch(r"[a-z_]+(/[a-z_]+)+", name):
            exists = any(file.endswith(f"/{name}.py") for file in SOURCE_FILES)
        elif re.fullmatch(r"docs/\w+\.md", name):
            exists = (ROOT / name).exists()
        else:
            continue
        if not exists:
            missing.append(name)
    assert not missing


def test_every_identifier_of_the_page_is_in_the_code() -> None:
    code = "\n".join((ROOT / file).read_text(encoding="utf-8") for file in SOURCE_FILES)
    words = set(re.findall(r"\w+", code)) | {file.stem for file in [*CODE.rglob("*.py"), *ROOT.glob("tests/*.py")]}
    prose = "".join(text for title, text in SECTIONS.items() if not title.startswith("Sub-rooms"))
    identifiers = {word for span in code_spans(prose) for word in re.findall(r"\b[A-Za-z]\w*_\w+\b", span)}
    assert len(identifiers) > 50
    assert identifiers - words == set()


def test_every_program_of_the_page_exists() -> None:
    programs = set(re.findall(r"python -m (curator[\w.]*)", PAGE))
    assert len(programs) == 5
    for program in programs:
        assert importlib.util.find_spec(program), program


def test_every_leaf_of_the_diagram_exists() -> None:
    line = re.search(r"^(errors, .*?) leaves, for anyone$", PAGE, re.MULTILINE)
    assert line
    leaves = line[1].strip().split(", ")
    assert [leaf for leaf in leaves if not (CODE / f"{leaf}.py").exists()] == []
    rooms = {"tokens", "pricing"}
    others = {file.stem for file in CODE.glob("[a-z]*.py")}
    assert others == {*leaves, *rooms}


@pytest.mark.parametrize("room", ["core", "tokens", "workspace", "jobs", "tui"])
def test_every_seam_exists(room: str) -> None:
    cell = next(cell for _, name, cell in table_rows(SECTIONS["Seams"]) if name == room)
    missing = [f"{owner.__name__}: {name}" for owner, name in seams(room, cell) if not has_attribute(owner, name)]
    assert not missing


def seams(room: str, cell: str) -> Iterator[tuple[Any, str]]:
    """(module or class, name in it) of each entry point.

    A name without a dot, or with one in front, belongs to the module of the entry before it; after `-> CLASS` and
    after `Workspace.changes` it belongs to that class.
    """
    owner: Any = importlib.import_module(f"curator.{room}")
    for span in code_spans(cell):
        call, _, result = span.partition(" -> ")
        for entry in re.sub(r"\(.*?\)", "", call).split():
            first, *alternatives = entry.split("/")
            *path, name = first.lstrip(".").split(".")
            if path and path[0][0].isupper():
                owner = class_of(path[0])
            elif path:
                package = "curator" if path[0] == "core" else f"curator.{room}"
                owner = importlib.import_module(f"{package}.{'.'.join(path)}")
            yield from ((owner, name) for name in (name, *alternatives))
        if result:
            owner = class_of(result)
        elif span == "Workspace.changes":
            owner = class_of("Changes")
