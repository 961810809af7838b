"""The house stays in order as it grows: sizes of folders, files and functions, names of classes, late imports."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "curator"

MOST_LINES_OF_FILE = 400
MOST_LINES_OF_FUNCTION = 50
USUAL_LINES_OF_FUNCTION = 21
"""The most lines that 95 of 100 functions have."""
MOST_FILES_OF_FOLDER = 20
LARGE_FOLDERS = {"curator/cli": "one file for each command"}
SAME_NAMES = {"Turn": "both are a message with its place; that of the rules also knows whether it is learnt"}
"""Public classes of one name in several files, and why they may have it."""


@cache
def files() -> dict[str, str]:
    """The texts of all files of the package."""
    return {str(file.relative_to(PACKAGE.parent)): file.read_text("utf-8") for file in PACKAGE.rglob("*.py")}


@cache
def trees() -> dict[str, ast.Module]:
    """The syntax trees of all files of the package: made once, in the process that runs these tests."""
    return {name: ast.parse(text) for name, text in files().items()}


def lines_of_functions() -> dict[str, int]:
    """The number of lines of each function, by `file:line name`; its decorators do not count."""
    return {
        f"{name}:{node.lineno} {node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for name, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_no_file_is_too_long() -> None:
    lines = {name: len(text.splitlines()) for name, text in files().items()}
    assert {name: count for name, count in lines.items() if count > MOST_LINES_OF_FILE} == {}


def test_no_folder_has_too_many_files() -> None:
    folders: dict[str, int] = defaultdict(int)
    for name in files():
        folders[str(Path(name).parent)] += not name.endswith("/__init__.py")
    large = {folder: count for folder, count in folders.items() if count > MOST_FILES_OF_FOLDER}
    assert large.keys() == LARGE_FOLDERS.keys(), large


def test_no_function_is_too_long() -> None:
    lines = lines_of_functions()
    assert {name: count for name, count in lines.items() if count > MOST_LINES_OF_FUNCTION} == {}


def test_functions_are_short() -> None:
    lines = sorted(lines_of_functions().values())
    assert lines[len(lines) * 95 // 100] <= USUAL_LINES_OF_FUNCTION


def test_no_two_public_classes_share_a_name() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for name, tree in trees().items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(name)
    shared = {name: files for name, files in places.items() if len(files) > 1}
    assert shared.keys() == SAME_NAMES.keys(), shared


def late_imports(tree: ast.Module) -> Iterator[list[ast.stmt]]:
    """The imports inside functions, those that follow one another together."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                for block in ("body", "orelse", "finalbody"):
                    statements = getattr(node, block, None)
                    if isinstance(statements, list):
                        runs = groupby(statements, lambda each: isinstance(each, ast.Import | ast.ImportFrom))
                        yield from (list(run) for are_imports, run in runs if are_imports)


def test_imports_inside_functions_say_why() -> None:
    """In a comment at one of them, such as `# heavy`, or for all of a file in its docstring."""
    silent = set()
    for name, tree in trees().items():
        lines = files()[name].splitlines()
        for run in late_imports(tree):
            first, last = run[0].lineno, run[-1].end_lineno or run[-1].lineno
            if (
                "#" not in "".join(lines[first - 1 : last])
                and "late" not in (ast.get_docstring(tree) or "").lower()
            ):
                silent.add(f"{name}:{first}")
    assert silent == set()
