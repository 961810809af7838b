"""Draw the screenshots of the documentation from the real program:

    python scripts/screenshots.py [NAME …]
    python scripts/screenshots.py --rounds FOLDER [NAME …]
    python scripts/screenshots.py browser

Most are pictures of the tours that the snapshot tests make (`tests/tui/tours.py`). Those in `TRAINING` train
SmolLM2 for real (some minutes) and are drawn where they are named, or all by the name `training`. Those in
`ROUNDS` show a loop that somebody went through: FOLDER holds its workspace and, as `home`, the `$CURATOR_HOME`
of that time; they are drawn from a copy. The pictures are SVG, as Textual exports them, without web fonts;
`browser` is a PNG that a real Chromium draws of `curator web` on the sample.
"""

from __future__ import annotations

import asyncio
import base64
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from curator import paths  # noqa: E402
from tests.tui.scene import NARROW, WIDE, Scene, opened, without_messages  # noqa: E402
from tests.tui.tours import SAMPLE, STAND_INS, TOURS, frozen, samples  # noqa: E402

OUT = ROOT / "docs" / "screenshots"
Size = tuple[int, int]

OF_TOURS: dict[tuple[str, str, Size], str] = {
    ("data", "list", NARROW): "data",
    ("data", "problem", WIDE): "data-wide",
    ("data", "filtered", NARROW): "fix",
    ("data", "facets", WIDE): "counts",
    ("data", "replace", NARROW): "replace",
    ("dialogs", "answers", NARROW): "answers",
    ("dialogs", "balance", NARROW): "balance",
    ("dialogs", "import-read", NARROW): "import",
    ("dialogs", "tour", NARROW): "tour",
    ("dialogs", "export", NARROW): "export",
    ("dialogs", "suspects", NARROW): "suspects",
    ("dialogs", "what-if", NARROW): "what-if",
    ("dialogs", "next-cards", NARROW): "next",
    ("dialogs", "proposals", NARROW): "proposals",
    ("training", "succeeded", WIDE): "curves",
    ("data", "fixed", NARROW): "fixed",
    ("editor", "message", NARROW): "edit",
    ("stages", "duplicates", WIDE): "duplicates",
    ("stages", "split", NARROW): "split",
    ("stages", "history", NARROW): "history",
    ("training", "dialog", NARROW): "train-dialog",
    ("training", "refused", NARROW): "refused",
    ("training", "export-model", NARROW): "export-model",
    ("providers", "tested", NARROW): "providers",
}
"""The name of a screenshot by tour, picture and size."""

TRAINING: dict[str, tuple[Size, list[str], str]] = {
    "watch": (NARROW, ["T", "until:tokens ×", "enter"], "Step 20"),
    "watch-wide": (WIDE, ["alt+4"], "Step 40"),
    "succeeded": (NARROW, ["alt+4", "until:succeeded"], "successfully"),
    "checkpoints": (WIDE, ["alt+4", "e"], "best"),
    "compare": (NARROW, ["alt+5"], "McNemar"),
    "compare-wide": (WIDE, ["alt+5"], "McNemar"),
}
"""Each goes on with the training of the one before: size, keys, and the words that come at the end."""

ROUNDS: dict[str, tuple[Size, list[str], str]] = {
    "board": (WIDE, ["alt+5"], "McNemar"),
    "judging": (WIDE, ["alt+5", "until:McNemar", "b"], "both bad"),
    "ledger": (NARROW, ["alt+6", "until:+9 −0 ~0", "shift+tab"], "flips"),
    "round": (
        WIDE,
        ["alt+6", "until:+9 −0 ~0", "shift+tab", "down", "enter", "until:teaches", *["down"] * 6],
        "Fixed",
    ),
    "side-effects": (NARROW, ["alt+6", "until:+9 −0 ~0", "shift+tab", "down", "x"], "Forgotten"),
}
"""Each begins anew: size, keys, and the words that come at the end."""
BROWSER = "browser"
"""The picture that a browser draws."""
REST = 15.0
"""Seconds after which all is checked and counted, and messages are gone, also on a busy machine."""
CARD = "run-card"
"""The picture of the first round's card, beside those of `ROUNDS`."""


def save(scene: Scene, name: str) -> None:
    """Write what the screen shows."""
    svg = scene.app.export_screenshot(title="Curator")
    for pattern, text in STAND_INS.items():
        svg = re.sub(pattern, text, svg)
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / f"{name}.svg").write_text(re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL))
    print(OUT / f"{name}.svg")


def draw_tours(names: list[str]) -> None:
    """Make the tours that the named screenshots (none named: all) are pictures of."""
    wanted = {place: name for place, name in OF_TOURS.items() if not names or name in names}
    if not wanted:
        return
    with samples() as new_folder:
        for tour, size in dict.fromkeys((tour, size) for tour, _, size in wanted):

            async def show(scene: Scene, picture: str, tour: str = tour, size: Size = size) -> None:
                if name := wanted.get((tour, picture, size)):
                    await without_messages(scene)
                    save(scene, name)

            folder = new_folder()
            with frozen(folder):
                asyncio.run(TOURS[tour](folder, size, show))


async def draw_training(name: str, path: Path) -> None:
    """Draw one screenshot of a real training."""
    size, keys, words = TRAINING[name]
    async with opened(path, size) as scene:
        for key in keys:
            verb, _, rest = key.partition(":")
            await (scene.until(rest, minutes=20) if verb == "until" else scene.pilot.press(key))
        await scene.until(words, minutes=20)
        await scene.pilot.pause(1)
        save(scene, name)


async def draw_rounds(folder: Path, names: list[str]) -> None:
    """Draw the named pictures of a loop, or all, and the card of its first round."""
    (path,) = folder.glob("*.curator")
    for name, (size, keys, words) in ROUNDS.items():
        if names and name not in names:
            continue
        async with opened(path, size) as scene:
            for key in keys:
                verb, _, rest = key.partition(":")
                await (scene.until(rest, minutes=2) if verb == "until" else scene.press(key))
            await scene.until(words, minutes=2)
            await without_messages(scene)
            save(scene, name)
    if not names or CARD in names:
        await draw_card(path)


async def draw_card(path: Path) -> None:
    """Write the card of the first round and draw it."""
    from textual.app import App
    from textual.widgets import Markdown

    from curator.cli.main import main as curator

    card = path.parent / "card.md"
    curator(["history", str(path), "--round", "1", "--write", "run-card", "-o", str(card)])
    app: App[None] = App()
    async with app.run_test(size=(100, 60)) as pilot:
        await app.mount(Markdown(card.read_text("utf-8")))
        await pilot.pause(1)
        svg = app.export_screenshot(title=card.name)
    (OUT / f"{CARD}.svg").write_text(re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL))
    print(OUT / f"{CARD}.svg")


async def draw_browser() -> None:
    """Have a headless Chromium draw `curator web` on the sample."""
    from tests.cli.test_web import browsing, served

    with tempfile.TemporaryDirectory() as folder:
        os.environ["CURATOR_HOME"] = f"{folder}/home"
        path = Path(shutil.copy(SAMPLE, folder))
        with served(path) as (address, token):
            async with browsing(Path(folder) / "profile") as page:
                window = {"width": 1280, "height": 760, "deviceScaleFactor": 1, "mobile": False}
                await page.call("Emulation.setDeviceMetricsOverride", **window)
                await page.call("Page.navigate", url=f"{address}/#{token}")
                await page.until("Just one more level")
                await asyncio.sleep(REST)
                await page.call("Runtime.evaluate", expression="document.querySelector('textarea').focus()")
                await page.press("Escape", 27)
                await page.type("]")
                await asyncio.sleep(REST)
                picture = await page.call("Page.captureScreenshot", format="png")
    (OUT / f"{BROWSER}.png").write_bytes(base64.b64decode(picture["data"]))
    print(OUT / f"{BROWSER}.png")


def main(names: list[str]) -> None:
    """Draw the named screenshots, or all that need no training."""
    if names == [BROWSER]:
        asyncio.run(draw_browser())
        return
    if names[:1] == ["--rounds"]:
        with tempfile.TemporaryDirectory() as place:
            copy = shutil.copytree(names[1], Path(place) / "loop")
            os.environ["CURATOR_HOME"] = str(copy / "home")
            asyncio.run(draw_rounds(copy, names[2:]))
        return
    os.environ.setdefault("CURATOR_MODELS", str(paths.models_dir()))
    draw_tours(names)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CURATOR_HOME"] = str(Path(folder) / "home")
        shutil.copy(SAMPLE, folder)
        for name in TRAINING:
            if "training" in names or name in names:
                asyncio.run(draw_training(name, Path(folder) / SAMPLE.name))


if __name__ == "__main__":
    main(sys.argv[1:])
