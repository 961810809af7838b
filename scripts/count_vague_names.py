"""Count the functions that bind a name which says that one has a value, not what the value is.

    python scripts/count_vague_names.py [FOLDER …] [--most PERCENT] [--list]

`found = search(text)` has to be read twice; `line_numbers = search(text)` does not. A function counts once,
however many such names it binds: as a parameter, by assignment, in a loop, a `with`, a comprehension or a pattern.
With `--most`, exit 1 where the share is higher; `--list` prints each place.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

VAGUE = {
    *("asked", "chosen", "found", "given", "gone", "got", "held", "kept", "known", "left"),
    *("looked", "made", "meant", "said", "seen", "shown", "taken", "told", "wanted"),
}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(tree: ast.AST) -> Iterator[Function]:
    """Every function and method of a module, inner ones included."""
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def own_nodes(function: Function) -> Iterator[ast.AST]:
    """The nodes of a function's signature and body, without those of the functions and classes inside it."""
    waiting: list[ast.AST] = [function.args, *function.body]
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, Function | ast.ClassDef):
            waiting += ast.iter_child_nodes(node)


def vague_names(function: Function) -> dict[str, int]:
    """The vague names that a function binds, each with the line of its first binding."""
    names: dict[str, int] = {}
    for node in own_nodes(function):
        if isinstance(node, ast.arg):
            name, line = node.arg, node.lineno
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            name, line = node.id, node.lineno
        elif isinstance(node, ast.MatchAs | ast.MatchStar) and node.name:
            name, line = node.name, node.lineno
        else:
            continue
        if name.strip("_") in VAGUE:
            names[name] = min(line, names.get(name, line))
    return names


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", nargs="*", default=["curator"])
    parser.add_argument("--most", type=float, metavar="PERCENT", help="exit 1 above this share of functions")
    parser.add_argument("--list", action="store_true", help="print each place")
    arguments = parser.parse_args()
    total, vague, by_folder = 0, 0, Counter[str]()
    for folder in arguments.folders:
        for file in sorted(Path(folder).rglob("*.py")):
            for function in functions(ast.parse(file.read_text("utf-8"))):
                total += 1
                names = vague_names(function)
                vague += bool(names)
                by_folder[str(file.parent)] += bool(names)
                if names and arguments.list:
                    places = ", ".join(f"{name} {line}" for name, line in names.items())
                    print(f"{file}:{function.lineno}: {function.name}: {places}")
    for name, count in by_folder.most_common():
        if count:
            print(f"{count:5}  {name}")
    share = 100 * vague / max(total, 1)
    print(f"{vague} of {total} functions bind a vague name: {share:.1f} %")
    return int(arguments.most is not None and share > arguments.most)


if __name__ == "__main__":
    sys.exit(main())
